"""What to say when no layout is known for a file: its columns, and a layout to edit with the guesses filled in."""

import json
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from feedback.collectors.layout import builtin_layouts, fold
from feedback.errors import CollectError
from nlp.normalize import simplify

# Beyond so many it is no export that a person wants to see listed.
_MOST_COLUMNS = 200

# Best guess first: the earlier pattern wins, whichever column it is found in.
_GUESSES: dict[str, tuple[str, ...]] = {
    "text": (
        r"(评价|评论|反馈|留言|点评|追评|投诉|咨询|回复)(内容|正文|详情)",
        r"(comment|review|feedback)[_ ]?(text|content|body)",
        r"^(内容|正文|评价|评论|评语|反馈|留言|点评|意见|建议)$",
        r"^(content|comment|comments|review|text|body|message|feedback|desc|description)$",
        r"内容|正文|评语|留言|意见|建议|描述",
        r"content|comment|review|text|message|feedback",
        r"评价|评论|点评|反馈",
        r"说了?什么|说的话|说法|原话|原声|原文|心声|吐槽|感受|体会|问题描述|诉求",
    ),
    "posted_at": (
        r"(评价|评论|发布|发表|创建|提交|反馈|留言)(时间|日期)",
        r"(create|post|publish|comment|review|submit)\w*[_ ]?(time|date|at)",
        r"^(时间|日期|time|date|datetime)$",
        r"时间|日期",
        r"time|date|_at$|^at$",
    ),
    "source_id": (
        r"(评价|评论|反馈|留言|工单)(id|编号|号|单号)",
        r"(comment|review|feedback|ticket)[_ ]?id",
        r"^(id|编号|唯一标识|_id|uuid|guid)$",
        r"(?<!订单)(?<!商品)编号$",  # an order may have several reviews: its number is no id of a review
    ),
    # Before what they would be taken for: 产品版本, 用户点赞数.
    "version": (
        r"^(app|应用|软件|客户端|产品|固件)?版本号?$",
        r"^(app|product|client|software|firmware)?_?version$",
    ),
    "votes": (
        r"(点赞|获赞|赞同|有用|有帮助)(数|数量|人数|量|次数)$",
        r"(likes?|liked|thumbs_?up|upvotes?|voteup|(helpful|useful)(_?votes?)?)_?count$",
        r"^(点赞|likes|upvotes|thumbs_?up|(helpful|useful)_?votes)$",
    ),
    "customer": (
        r"(用户|客户|买家|会员|顾客)(id|编号|账号|昵称|名|名称|姓名)",
        r"(user|customer|buyer|member|author)[_ ]?(id|name|nick\w*)",
        r"昵称|暱称|用户|买家|会员|顾客|^客户$|nick|^user|^customer|^buyer|^author",
    ),
    "product": (
        r"(商品|产品|宝贝)(名称|标题|名)",
        r"(product|item|goods)[_ ]?(name|title)",
        r"^(商品|产品|宝贝|型号|款式|product|item|goods|sku)$",
        r"商品|产品|宝贝|product|型号",
    ),
    "store": (r"(门店|店铺|分店)(名称|名)?", r"^(store|shop)([_ ]?name)?$"),
    "region": (
        r"^(省份?|城市|地区|区域|地域|region|province|city|location)$",
        r"ip属地|所在地|省份|城市|地区|location",
    ),
}
_SCORES = (
    ("nps", 0, 10, r"nps|推荐(分|值|意愿|度)"),
    ("csat", 1, 5, r"满意度?|csat|satisf"),
    ("star", 1, 5, r"评分|星级|打分|分数|星$|^(score|star|stars|rating|rate)$|(score|star|rating)s?$"),
)
_NEVER_TEXT = re.compile(r"时间|日期|数$|数量|人$|id$|编号|星级|评分|time|date|count|num|url|链接|图片|等级|状态|类型")
_NOTES = {
    "text": "客户写的话（必填）",
    "posted_at": "时间",
    "source_id": "每条唯一的编号；没有就删掉这行",
    "customer": "客户的编号或昵称，只存加密后的代号",
    "product": "商品",
    "version": "商品或应用的版本",
    "store": "门店",
    "region": "地区",
    "votes": "有多少人点赞或觉得有用",
}


class UnknownLayout(CollectError):
    """A file's columns are those of no layout known. Says so, and prints a whole layout to save and edit.

    `draft` is that layout, to be saved as `file_name`; `has_text`: whether a column was found that may hold the text.
    """

    def __init__(self, path: Path, columns: Sequence[str], records: str | None = None) -> None:
        name = re.sub(r"[^\w-]+", "_", path.stem).strip("_") or "my"
        columns = [column for column in columns if column.strip()]
        self.file_name = f"{name}.layout.toml"
        self.draft = suggest_layout(name, columns, records)
        self.has_text = "text" in guess_columns(columns[:_MOST_COLUMNS])
        super().__init__(_message(path, name, _listed(columns), self.draft))
        self._given = (path, columns, records)

    def __reduce__(self) -> tuple[type["UnknownLayout"], tuple[Path, Sequence[str], str | None]]:
        """It may be raised in another process."""
        return UnknownLayout, self._given


def _message(path: Path, name: str, shown: str, draft: str) -> str:
    known = ", ".join(layout.name for layout in builtin_layouts())
    return (
        f"{path}: the layout of this file is not known. Its columns: {shown}\n"
        f"Save the lines below as {name}.layout.toml, correct the guesses, and collect again with\n"
        f"    --layout {name}.layout.toml\n"
        f'or with  layout = "{name}.layout.toml"  under this source in feedback.toml. (Known layouts: {known})\n'
        f"（不认识这个文件的列。请把下面的内容存成 {name}.layout.toml，改好后"
        f"加上 --layout {name}.layout.toml 再运行一次。）\n\n"
        f"{draft}"
    )


def suggest_layout(name: str, columns: Sequence[str], records: str | None = None) -> str:
    """The TOML of a layout for these columns, pre-filled by their names; `records`: where a JSON file's records lie."""
    columns = [column for column in columns if column.strip()][:_MOST_COLUMNS]
    used = {field: [column] for field, column in guess_columns(columns).items()}
    if "posted_at" in used:
        used["posted_at"] = _day_and_clock(used["posted_at"][0], columns)
    unused = [column for column in columns if column not in chain(*used.values())]
    lines = [
        f"name = {_quoted(name)}",
        'kind = "review"           # review 评价, survey 问卷, post 帖子, ticket 工单, chat 对话',
        'channel = "电商"          # 渠道，随意取名',
    ]
    if records:
        lines.append(f"records = {_quoted(records)}")
    lines += ["", "[columns]                 # 左边不要动，右边是文件里的列名"]
    for field, note in _NOTES.items():
        if field in used or field == "text":
            lines.append(f"{field} = {_picked(used.get(field, []))}    # {note}")
    scores = [(column, score) for column in unused if (score := _score(column))]
    for column, (metric, low, high) in scores:
        lines += [
            "",
            "[[scores]]                # 评分：star 星级, nps 推荐分, csat 满意度, ces 省力度",
            f'metric = "{metric}"',
            f"column = {_quoted(column)}",
            f"low = {low}                   # 最低分",
            f"high = {high}                  # 最高分",
            f'# values = {{ "好评" = {high}, "差评" = {low} }}   # 评分是文字的，去掉行首的 # 号，写明每个词值几分',
            f"# divide = {100 // high}   # 评分是百分数（100%）的，去掉行首的 # 号",
        ]
    rest = [column for column in unused if column not in {column for column, _ in scores}]
    if rest:
        shown = "".join(c if c.isprintable() else " " for c in "、".join(rest))
        lines += ["", f"# 没有用到的列：{shown}"]
    return "\n".join(lines) + "\n"


def _listed(columns: Sequence[str]) -> str:
    more = len(columns) - _MOST_COLUMNS
    return "、".join(columns[:_MOST_COLUMNS]) + (f" … and {more:,} more" if more > 0 else "")


def guess_columns(columns: Sequence[str]) -> dict[str, str]:
    """Field -> column, by the columns' names, in traditional characters as well; each column is used once."""
    named = {column: simplify(fold(column)) for column in columns}
    guessed: dict[str, str] = {}
    for field, patterns in _GUESSES.items():
        free = [c for c in columns if c not in guessed.values()]
        if field == "text":
            free = [c for c in free if not _NEVER_TEXT.search(named[c])]
        found = next((c for p in patterns for c in free if re.search(p, named[c])), None)
        if found is not None:
            guessed[field] = found
    return guessed


def _score(column: str) -> tuple[str, int, int] | None:
    return next(((metric, low, high) for metric, low, high, p in _SCORES if re.search(p, simplify(fold(column)))), None)


def _day_and_clock(column: str, columns: Sequence[str]) -> list[str]:
    """A column of dates; where the day and the time of day are two, as 日期 and 时间 or create_date and create_time, both."""
    named = {simplify(fold(each)): each for each in columns}
    for day, clock in (("日期", "时间"), ("date", "time")):
        of_day = simplify(fold(column)).replace(clock, day)
        both = [named[name] for name in (of_day, of_day.replace(day, clock)) if name in named]
        if column in both and len(set(both)) == 2:
            return both
    return [column]


def _picked(columns: Sequence[str]) -> str:
    """The columns of a field as a layout has them."""
    if len(columns) > 1:
        return f"{{ join = [{', '.join(map(_quoted, columns))}] }}"
    return _quoted(columns[0] if columns else "")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # otherwise a JSON string is a TOML string
