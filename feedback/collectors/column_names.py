"""What the columns of an export probably hold, by their names alone."""

import re
from collections.abc import Sequence

from feedback.collectors.layout import fold
from nlp.normalize import simplify

_WORDS = "评价|评论|点评|反馈|留言|意见|建议|投诉|咨询|诉求|来电|工单|问题|反映|提问"
_CUSTOMERS = "用户|客户|买家|会员|顾客"
# Best guess first: the earlier pattern wins, whichever column it is found in.
_GUESSES: dict[str, tuple[str, ...]] = {
    "text": (
        rf"({_WORDS}|追评)(内容|正文|详情|描述)",
        r"(comment|review|feedback)[_ ]?(text|content|body)",
        r"^(内容|正文|评价|评论|评语|反馈|留言|点评|意见|建议)$",
        r"^(content|comment|comments|review|text|body|message|feedback|complaint|desc|description)$",
        rf"^({_CUSTOMERS})({_WORDS})$|^(初评|首评|商品评价|宝贝评价)$|^(user|customer|buyer)_?(comment|review|feedback|message|complaint)s?$",
        r"内容|正文|评语|留言|意见|建议|描述",
        r"content|comment|review|text|message|feedback",
        r"评价|评论|点评|反馈",
        r"说$|说了?什么|说的话|说法|原话|原声|原文|心声|吐槽|感受|体会|问题描述|诉求",
        r"追评|追加",
    ),
    "posted_at": (
        rf"({_WORDS}|初评|首评|发布|发表|创建|提交|受理)(时间|日期)",
        r"^(creat|post|publish|comment|review|submit)\w*(time|date)|(created|posted|published|submitted|received|opened)(_?at|_?on|\(utc\))?$",
        r"^(时间|日期|time|date|datetime)$",
        r"^(?!.*(下单|订单|付款|支付|购买|发货|入住|离店|消费|到店|更新|修改)).*(时间|日期)",
        r"^(?!.*(order|purchase|stay|update|modifi)).*(time(?!nt)|date)|_at$|^at$",
        r"时间|日期|time(?!nt)|date",
    ),
    "source_id": (
        r"(?<![父级])(?<!追加)(评价|评论|点评|反馈|留言|工单|投诉)(id|编号|号|单号)",
        r"(?<!parent_)(comment|review|feedback|ticket)[_ ]?id",
        r"^(id|编号|唯一标识|_id|uuid|guid)$",
        r"(?<!订单)(?<!商品)(?<!客户)(?<!会员)编号$",  # an order may have several reviews: its number is no id of a review
    ),
    # Before what they would be taken for: 产品版本, 用户点赞数.
    "version": (
        r"^(app|应用|软件|客户端|产品|固件)?版本号?$",
        r"^(app|product|client|software|firmware)?_?version(name)?$",
    ),
    "votes": (
        r"(点赞|获赞|赞同|有用|有帮助)(数|数量|人数|量|次数)$",
        r"(likes?|liked|thumbs_?up|upvotes?|voteup|(helpful|useful)(_?votes?)?)_?count$",
        r"^(点赞|likes|upvotes|thumbs_?up|(helpful|useful)_?votes?)$",
    ),
    "customer": (
        rf"({_CUSTOMERS})(id|编号|账号|昵称|名|名称|姓名)",
        r"(user|customer|buyer|member|author|reviewer)[_ ]?(id|name|nick\w*)",
        rf"昵称|暱称|{_CUSTOMERS}|^作者$|(评价|评论|点评|投诉|咨询|诉求|来电|发布|反馈|留言)(人|者)名?$",
        r"nick|^(user|customer|buyer|author|reviewer|requester)(?!.*(agent|city|country|email|lang|location))",
    ),
    "product": (
        r"(商品|产品|宝贝)(名称|标题|名)",
        r"(product|item|goods)[_ ]?(name|title)",
        r"^(商品|产品|宝贝|型号|款式|product|item|goods|sku)$",
        r"商品|产品|宝贝|product|型号",
    ),
    "store": (
        r"(门店|店铺|分店|商户|商家|酒店|餐厅)(名称|名)$|^(门店|店铺|分店|酒店|餐厅)$",
        r"门店|店铺|分店",
        r"^(store|shop|hotel)([_ ]?name)?$",
    ),
    "region": (
        r"^(省份?|城市|地区|区域|地域|国家|region|province|city|location|country)$",
        r"ip属地|所在地|省份|城市|地区|location",
    ),
}
_SCORES = (
    ("nps", 0, 10, r"nps|推荐(分|值|意愿|度)"),
    ("csat", 1, 5, r"满意度?|csat|satisf"),
    ("star", 1, 5, r"评分|星级|评级|打分|分数|星$|^(score|star|stars|rating|rate)$|(score|star|rating)s?$"),
)
# What the company says to it, or does about it: never the customer's. Not the shop's own name, nor what is said of it (对客服的意见).
_OF_THE_COMPANY = re.compile(
    r"(?<![对给向])((商家|商户|卖家|店家|店主|店长|掌柜|客服|坐席|座席|官方|小二|开发者)(?!名称$|名$|id|编号)"
    r"|回复|回覆|回应|答复|答覆|回评|处理|解决|办理|办结|跟进|审核)"
    r"|repl(y|ie)|respon[sd]|seller|merchant|vendor|developer|internal|(?<!user)agent"
)
_YES_OR_NO = re.compile(r"^(是否|有无)|^(is|has)_")
_NEVER_TEXT = re.compile(
    r"时间|日期|数$|数量|率$|[人者]$|用户$|昵称|id$|编号|标题|标签|星级|评级|评分|等级|级别|状态|类型|渠道|来源|属地|相符"
    r"|链接|图|视频|商品$|time|date|count|num|url|link|image|photo|title|lang|score|rating|star|version|reviewer"
)
_NEVER_A_NAME = re.compile(
    rf"({_WORDS}|内容|描述|分|星级|满意度?|等级|级别|类型|规格|标签|价格?|金额|数量?|属性|信息|说|链接|图片?|时间|日期|性别|年龄|原因|编码)$"
    r"|(review|comment|feedback|message|rating|score|star|text|image|url|colou?r|size)s?$"
)
_NO_SCORE = re.compile(rf"({_WORDS}|原因|理由|说明|内容|时间|日期|人|数)$|comment|reason|time|date")
_AFTER = re.compile(
    r"追评|追加(评|点评|内容|反馈|留言|时间|日期|$)|additional_?review|(^|[_.])(after|append)(ed)?_?(user)?_?(comment|content|review|text|time|date)"
)
_DATED = re.compile(r"时间|日期|time|date")


def guess_columns(columns: Sequence[str]) -> dict[str, str]:
    """Field -> column, by the columns' names, in traditional characters as well; each column is used once."""
    named = {column: _plain(column) for column in columns}
    after = _after(columns) if guess_after(columns) else []
    guessed: dict[str, str] = {}
    for field, patterns in _GUESSES.items():
        free = [c for c in columns if c not in guessed.values() and c not in after and _may_hold(field, named[c])]
        found = next((c for p in patterns for c in free if re.search(p, named[c])), None)
        if found is not None:
            guessed[field] = found
    return guessed


def guess_after(columns: Sequence[str]) -> list[tuple[str, str | None]]:
    """What customers added later to what they wrote (追评): the columns of the words and of their dates.

    None where no other column may hold the main text: then these are it.
    """
    after = _after(columns)
    main = [name for column in columns if column not in after and _may_hold("text", name := _plain(column))]
    if not any(re.search(p, name) for p in _GUESSES["text"] for name in main):
        return []
    texts = [column for column in after if _may_hold("text", _plain(column))]
    dates = [column for column in after if _DATED.search(_plain(column))]
    return list(zip(texts, dates if len(dates) == len(texts) else [None] * len(texts), strict=True))


def guess_score(column: str) -> tuple[str, int, int] | None:
    """The metric of a column of ratings and the lowest and highest of them."""
    name = _plain(column)
    if _YES_OR_NO.search(name) or _NO_SCORE.search(name) or _AFTER.search(name):
        return None
    return next(((metric, low, high) for metric, low, high, p in _SCORES if re.search(p, name)), None)


def day_and_clock(column: str, columns: Sequence[str]) -> list[str]:
    """A column of dates; where the day and the time of day are two, as 日期 and 时间 or create_date and create_time, both."""
    named = {_plain(each): each for each in columns}
    for day, clock in (("日期", "时间"), ("date", "time")):
        of_day = _plain(column).replace(clock, day)
        both = [named[name] for name in (of_day, of_day.replace(day, clock)) if name in named]
        if column in both and len(set(both)) == 2:
            return both
    return [column]


def _after(columns: Sequence[str]) -> list[str]:
    return [each for each in columns if _AFTER.search(name := _plain(each)) and not _OF_THE_COMPANY.search(name)]


def _may_hold(field: str, name: str) -> bool:
    if _OF_THE_COMPANY.search(name) or _YES_OR_NO.search(name):
        return False
    if field == "text":
        return not _NEVER_TEXT.search(name)
    return field not in ("customer", "product", "store", "region") or not _NEVER_A_NAME.search(name)


def _plain(column: str) -> str:
    return simplify(fold(column))
