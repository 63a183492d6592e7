"""Whether a survey's question asks for somebody's name, number or address: such answers are not collected.

That a question speaks of a phone, of an address or of 会员卡号 does not make it one: people are asked what they dislike of
their phone, and what went wrong when they called. What is asked for is told by

- the wording: the detail stands at the end of a clause (请留下您的手机号, 收件人姓名、电话), or a name is spoken of without
  anything that asks for a view (怎么称呼您);
- the answers: where the wording only speaks of a detail, most of them are numbers, addresses of mail or of a place; and a
  wording that could be meant otherwise asks for none where the answers are sentences without any.
"""

import re
import unicodedata
from collections.abc import Sequence

from feedback.collectors.answers import LONG, is_filler

_NAME = r"姓名|名字(?:是|叫)?$|叫什么|称呼|贵姓|昵称|填写人|联系人"
_PLACE = r"(?:收货|家庭|详细|联系|邮寄|您的|居住|通讯)?地址|住址"
# By these words alone nobody means the thing itself; a 手机 or 电话 may be what the survey is about.
_OWN = (
    rf"{_NAME}|{_PLACE}|(?:手机|电话|微信|QQ|会员|订单|身份证|学|工|卡)(?:编|卡)?号码?|[账帐]号|联系(?:电话|方式)|身份证|邮箱(?:地址)?"
    r"|出生(?:年月日?|日期|年份|地)?|生日|your e-?mail(?: address)?|e-?mail address"
)
_THING = r"手机|电话|微信|QQ|e-?mail"
_OTHER = "单位|公司|部门|职务|班级|年龄|性别|城市"
_DETAIL = re.compile(rf"{_OWN}|{_THING}", re.IGNORECASE)
_OF_NAME = re.compile(_NAME)
_OF_PLACE = re.compile(_PLACE)
# Why a detail is asked for is not what is asked for: "为了更好地改进服务，请留下您的电话".
_PURPOSE = re.compile(
    r"(?:为了|为更好|为便于|为方便|以便|便于|方便我们|用于|感谢|谢谢|如果|如有|如需|如您|如愿|若)[^,。;?!)]*?(?=请[您你]?[留填提写输]|[,。;?!)]|$)"
)
_CLAUSE = re.compile(r"[,。;:?!()\[\]【】\n*]+|-{2,}|_+|—+")
_PLEASE = r"(?:.*?(?=请))?(?:请[您你]?(?:务必|在此|在下方)?)?(?:留下?|填写?|输入|提供|告知|写下|登记|预留)?(?:一下)?(?:[您你]|本人)?的?"
_WHOSE = (
    r"(?:联系|预留|注册|绑定|常用|备用|个人|固定|移动|办公|家庭|紧急|家长|孩子|[买业店车户机]主|买家|客户|顾客|会员|用户"
    r"|[受被]访者|[购收寄]?[买件货收]?人)?"
)
_TAIL = r"(?:是什么|是多少|是哪个|是|为|呢|(?:是否)?方便(?:留|告|透|提供).*|(?:能|可)否.*|可以.*)?"
_LISTED = re.compile(
    rf"\s*{_PLEASE}{_WHOSE}(?:{_THING}|{_OTHER})(?:[、/和及与或\s]*{_WHOSE}(?:{_OWN}|{_THING}|{_OTHER}))*\s*{_TAIL}\s*",
    re.IGNORECASE,
)
_ENDS = re.compile(rf"(?:(?!哪|如何|怎|为什么|为何|how|why|which).)*(?:{_OWN})\s*{_TAIL}\s*", re.IGNORECASE)
# They are asked about beside a name or a number, and the answers are words.
_OPINION = re.compile(
    r"原因|理由|为什么|为何|建议|意见|说说|描述|吐槽|想法|看法|感受|改进|改善|期待|希望|想对|评价一下|体会|why|comment|suggest|reason|feedback",
    re.IGNORECASE,
)
# Of a name these are asked too, where it is the name of a thing, or of a function for names.
_VIEW = re.compile(r"问题|困难|怎么[看样]|如何|喜欢|满意|觉得|认为|体验|遇到|印象|好听|好记|哪")
_NUMBER = re.compile(r"\d(?:[\s-]?\d){6,}|[\w.+-]+@[\w-]+\.\w+")
_ID = re.compile(r"\d{5,}|(?=\S*[\d_])[A-Za-z][\w.-]{4,19}")
_STREET = re.compile(r"[\u4e00-\u9fff]{2,}\d+号|\d+(?:栋|幢|室|弄|单元)|[省市][^省市区县]{2,8}[区县镇街路]")
_BESIDE = 8  # characters: a name, beside a number
_MOST = 0.8
_LONGEST = 40  # characters of a clause that asks for nothing else


def asks_for_contact(wording: str, values: Sequence[str]) -> bool:
    """Whether the answers are people's names, numbers or addresses. `values`: a sample of them, empty where there is none.

    In doubt of a name or an address the answer is yes, as nothing finds those in a text to mask them.
    """
    whole = _bare(wording)
    text = _PURPOSE.sub("", whole)
    if not _DETAIL.search(whole) or _OPINION.search(text):
        return False
    said = [value for value in map(_bare, values) if not is_filler(value)]
    details = sum(map(_is_detail, said))
    if not _asks(text):
        return bool(said) and details * 2 >= len(said)
    if not said or details or _OF_NAME.search(text) or _OF_PLACE.search(text):
        return True
    return sum(len(value) >= LONG for value in said) < _MOST * len(said)


def _asks(text: str) -> bool:
    if _OF_NAME.search(text) and not _VIEW.search(text):
        return True
    clauses = [clause for clause in _CLAUSE.split(text) if _DETAIL.search(clause) and len(clause) <= _LONGEST]
    return any(_LISTED.fullmatch(clause) or _ENDS.fullmatch(clause) for clause in clauses)


def _is_detail(value: str) -> bool:
    if number := _NUMBER.search(value):
        return len(value) - len(number[0]) <= _BESIDE
    return bool(_ID.fullmatch(value) or _STREET.search(value))


def _bare(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip()
