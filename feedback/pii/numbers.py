"""Values whose own form or label gives them away: numbers, mail addresses, WeChat ids, licence plates."""

import re

from feedback.pii.rules import Rule

PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"


def _digits(text: str) -> str:
    return text.replace("-", "").replace(" ", "")


def _has_label(match: re.Match[str], label: re.Pattern[str]) -> bool:
    start = match.start("value")
    return label.search(match.string, max(0, start - 12), start) is not None


_ID_LABEL = re.compile(r"(?:身份证|证件)[号字码: 是为]{0,6}$")
_CARD_LABEL = re.compile(r"(?:银行卡|信用卡|储蓄卡|借记卡)[号码: 是为]{0,5}$")
_ARTICLE_LABEL = re.compile(
    r"(?:货号|款号|型号|编码|条码|编号|商品|宝贝|链接|批号|序列号|积分|书号|SKU|ITEM|ID|ISBN)[号: 是为]{0,4}$"
)
_CARD_START = re.compile(r"62|60|35[2-8]|4|5[0-9]|2[2-7]|9558|9559|6[89]")


def _is_resident_id(match: re.Match[str]) -> bool:
    """Check digit, date and place of GB 11643-1999.

    The place only has to be a known code: stdnum's own `validate` also wants it in force in the year of birth, but
    numbers were given out later than that.
    """
    from stdnum import numdb
    from stdnum.cn import ric
    from stdnum.exceptions import ValidationError

    number = _digits(match["value"])
    try:
        ric.get_birth_date(number)
    except ValidationError:
        return False
    if not any(properties for _, properties in numdb.get("cn/loc").info(number[:6])):
        return False
    return bool(number[-1] == ric.calc_check_digit(number)) or _has_label(match, _ID_LABEL)


def _is_bank_card(match: re.Match[str]) -> bool:
    from stdnum import luhn

    number = _digits(match["value"])
    if not 16 <= len(number) <= 19 or not _CARD_START.match(number):
        return False
    return bool(luhn.is_valid(number)) or _has_label(match, _CARD_LABEL)


def _is_no_article(match: re.Match[str]) -> bool:
    return not _has_label(match, _ARTICLE_LABEL)


_DATE = re.compile(r"(?:19|20)[0-9]{2}-?(?:0?[1-9]|1[0-2])-?(?:0?[1-9]|[12][0-9]|3[01])")


def _is_no_date(match: re.Match[str]) -> bool:
    return _DATE.fullmatch(match["value"]) is None


def _has_three_digits(match: re.Match[str]) -> bool:
    return len(re.findall("[0-9]", match["value"])) >= 3


_IS = r"[ :#=(【\"“]{0,3}(?:分别)?[是为]?[ :#(【\"“]{0,2}"
_NUMBER_ENDS = r"(?![0-9A-Z@]|\.[0-9A-Z]| ?(?:元|块|万|公里|KM|次|人|年|个|级|分|币|米|多|条|点|度))"
_MOBILE = r"1(?:3[0-9]|4[0-9]|5[0-35-9]|6[2567]|7[0-8]|8[0-9]|9[0-35-9])"
_MOMENT = r"20[0-9]{2}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
_LINE, _LINE_ENDS = r"(?<![^\n])", r"(?= ?(?:\n|$))"
_IN_BRACKETS = (
    r"\((?P<value>(?!400[0-9]{7}\)|800|9[56][0-9]{4}\))[1-9][0-9]{5,10})\)"  # of a person's QQ: no public number
)
_GAP = r"[-. ·]"
_AREA = r"(?:10|2[0-57-9]|(?!400|800)[3-9][0-9]{2})"
_LOCAL = r"[1-9][0-9]{2,3}[- ]?[0-9]{4}"
_TRACKING = r"(?P<value>[A-Z]{2}[0-9]{9}[A-Z]{2}|[A-Z]{0,5}[0-9]{10,20})(?![0-9A-Z])"
_NO_WECHAT_ID = (
    "IPHONE|IPAD|IOS|APP|PAY|ANDROID|WINDOWS|MAC|WEB|HTTP|WWW|VIP|HUAWEI|OPPO|VIVO|REDMI|MATE|NOVA|ALIPAY|WE?CHAT|QQ"
)

MAIL_RULE = Rule(
    "邮箱",
    r"(?<![A-Z0-9._%+-])[.%+-]*+(?P<value>[A-Z0-9_][A-Z0-9._%+-]*+@(?:[A-Z0-9-]{1,63}\.){1,8}[A-Z]{2,24})"
    r"(?![A-Z0-9._%+-]++@)",
    needs="@",
)
# A number that its label explains comes before one that its form explains.
DIGIT_RULES = (
    Rule(
        "快递单号",
        rf"(?:快递单(?:编?号码?)?|物流单(?:编?号码?)?|运单(?:编?号码?)?|包裹单号|面单号?|快递号|物流号|追踪号"
        rf"|单号(?<![订工务后款货下障]单号)){_IS}{_TRACKING}",
    ),
    Rule(
        "快递单号",
        r"(?:顺丰|圆通|中通|申通|韵达|极兔|百世|德邦|邮政|EMS|京东快递|京东物流|天天|宅急送|菜鸟)"
        rf"(?:快递|速运|速递|物流)?(?! ?{_MOBILE}[0-9]{{8}}(?![0-9])){_IS}{_TRACKING}",
    ),
    Rule(
        "订单号",
        r"(?:订单编号|订单号码?|订单ID|工单号|服务单号|售后单号|退款单号|退货单号|维修单号|下单号|报障单?号"
        rf"|交易(?:单|流水)?号|流水号|ORDER ?(?:NO\.?|NUMBER|ID)){_IS}"
        r"(?P<value>[A-Z]{0,5}[0-9](?:[0-9A-Z]|-(?=[0-9A-Z])){5,31})(?![0-9A-Z])",
        _is_no_date,
    ),
    Rule(
        "订单号",
        rf"(?:订单|ORDER){_IS}(?!{_MOBILE}[0-9]{{8}}(?![0-9]))"
        r"(?P<value>[A-Z]{0,3}[0-9]{10,32}|[0-9]{6,20}(?:-[0-9]{4,20}){1,3})(?![0-9A-Z])",
    ),
    Rule(
        "身份证号",
        r"(?P<value>[1-8](?<![0-9].)[0-9]{5}[ -]?(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])[0-3][0-9][ -]?[0-9]{3}[0-9X])"
        r"(?![0-9])",
        _is_resident_id,
    ),
    Rule(  # the 15-digit form of before 1999: no check digit, so only where labelled
        "身份证号",
        r"(?:身份证|证件)[号字码: 是为]{0,6}(?P<value>[1-8][0-9]{7}(?:0[1-9]|1[0-2])[0-3][0-9]{4})(?![0-9X])",
        needs="证",
    ),
    Rule(
        "银行卡号",
        r"(?P<value>[2-9](?<![0-9A-Z.].)(?:[0-9]{15,18}|[0-9]{3}(?:[ -][0-9]{4}){3}(?:[ -]?[0-9]{1,3})?))(?![0-9A-Z])",
        _is_bank_card,
    ),
    Rule(
        "微信号",
        r"(?:微信号码?|薇信号?|威信号?|V信号?|的微信|加微信?|加[薇威V]|微信(?=:))[ :=是为]{0,3}"
        rf"(?!{_MOBILE}[0-9]{{8}}(?![0-9]))(?P<value>[1-9][0-9]{{4,11}}){_NUMBER_ENDS}",
    ),
    Rule(  # 800… are companies' QQ numbers
        "QQ号",
        r"(?:QQ(?<![A-Z0-9]QQ)(?:号码?)?|扣扣号?|企鹅号?|Q号(?<![A-Z0-9]Q号)|加我?Q|Q(?<![A-Z0-9]Q)(?=:))"
        rf"[ :=是为]{{0,3}}(?!800)(?P<value>[1-9][0-9]{{4,10}}){_NUMBER_ENDS}",
    ),
    # Behind a name beside a date and a time, as QQ writes those who speak: of a chat that was pasted into a message. Nothing else is
    # on the line, unless the time is in brackets.
    Rule("QQ号", rf"{_LINE}{_MOMENT} [^\n()]{{1,40}}{_IN_BRACKETS} ?:?{_LINE_ENDS}", needs="("),
    Rule("QQ号", rf"{_LINE}[\[(]{_MOMENT}[\])] ?[^\n()]{{1,40}}{_IN_BRACKETS} ?(?::|{_LINE_ENDS})", needs="("),
    Rule("QQ号", rf"{_LINE}[^\n()]{{1,40}}{_IN_BRACKETS}[ \n]?{_MOMENT} ?:?{_LINE_ENDS}", needs="("),
    Rule("QQ号", rf"{_LINE}[^\n()]{{1,40}}{_IN_BRACKETS} ?[\[(]{_MOMENT}[\])] ?(?::|{_LINE_ENDS})", needs="("),
    Rule(
        "手机号",
        r"(?P<value>(?:\+86[- ]?1|0(?<![0-9A-Z.]0)086[- ]?1|8(?<![0-9A-Z.]8)6[- ]?1"
        r"|1(?<![0-9A-Z.¥￥$_]1)|1(?<=TEL1)|1(?<=PHONE1))"
        rf"{_MOBILE[1:]}(?:[0-9]{{8}}|{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}|[0-9]{_GAP}[0-9]{{3}}{_GAP}[0-9]{{4}})"
        r"(?:[-转][0-9]{1,4})?)(?![0-9%]|\.[0-9]|[A-PR-UY-Z]| ?(?:元|块|次|人|积分))",
        _is_no_article,
    ),
    Rule(  # Hong Kong, Macau, Taiwan
        "手机号",
        r"(?P<value>\+85[23][- ]?[2-9][0-9]{3}[- ]?[0-9]{4}|0(?<![0-9A-Z.]0)085[23][- ]?[2-9][0-9]{3}[- ]?[0-9]{4}"
        r"|\+886[- ]?9[0-9]{2}-?[0-9]{3}-?[0-9]{3}|0(?<![0-9A-Z.]0)9[0-9]{2}(?:-[0-9]{3}-|[0-9]{3})[0-9]{3})"
        r"(?![0-9A-Z])",
    ),
    Rule(
        "固定电话",
        rf"(?P<value>(?:\+86[- ]?\(?0?{_AREA}\)?[- ]?{_LOCAL}|0(?<![0-9A-Z.]0)086[- ]?\(?0?{_AREA}\)?[- ]?{_LOCAL}"
        rf"|\(0{_AREA}\)[- ]?{_LOCAL}|0(?<![0-9A-Z.¥￥-]0){_AREA}(?:(?:[- ]{{1,3}}|\)|\.){_LOCAL}|[2-8][0-9]{{6,7}}))"
        r"(?:(?:-|转|转分机|分机)[0-9]{1,5})?)(?![0-9])",
    ),
    Rule(
        "固定电话",
        r"(?:电话(?<!客服电话)(?:号码?)?|座机(?:号码?)?|固话|TEL)[ :是为]{0,3}"
        rf"(?P<value>[2-8][0-9]{{2,3}}[- ]?[0-9]{{4}})(?!-){_NUMBER_ENDS}",
        _is_no_date,
    ),
)
LETTER_RULES = (
    Rule(
        "微信号",
        r"(?:(?:微信|薇信|威信|V信)(?:号码?|ID)?|V(?<![A-Z0-9./]V)X号?|W(?<![A-Z0-9./]W)(?:X|ECHAT|EIXIN)(?!ID_)(?:号|ID)?"
        r"|加我?[微薇威V]|微信搜)[ :=(是为,]{0,3}"
        rf"(?P<value>(?!{_NO_WECHAT_ID}|[0-9A-F]{{16}}(?![0-9A-Z]))(?=[A-Z]+[0-9_-])[A-Z][A-Z0-9_-]{{4,18}}[A-Z0-9_])"
        r"(?![A-Z0-9_]|\.[A-Z0-9])",
    ),
    Rule("微信号", r"(?P<value>W(?<![A-Z0-9_]W)XID_[A-Z0-9]{8,20})(?![A-Z0-9])", needs="WXID_"),
    Rule(
        "车牌号",
        rf"(?P<value>[{PROVINCES}](?<![全最更崭刷亮曜夜砂纯深漆乌墨南东].) ?[A-HJ-NP-Z][ ·.-]?"
        r"(?:[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]|[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9挂学警港澳试超领]))"
        r"(?![A-Z0-9])",
        _has_three_digits,
    ),
)
