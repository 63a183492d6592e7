"""Whether a survey's question asks for somebody's name, number or address: such answers are not collected.

That a question speaks of a phone, of an address or of 会员卡号 does not make it one: people are asked what they dislike of
their phone, and what went wrong when they called. The rule:

- It *asks for a detail* where one is the end of a clause, alone or with a question for its value behind it (您的生日是哪天),
  where one follows a request (请留下微信号领取红包), where it asks how to call or reach the customer (如何称呼您), and where it
  speaks of a name and of nothing that one has a view of.
- What it says beside that may *ask for words* as well (遇到了什么问题？请留下电话; 最不满意的一点：手机).
- Where it asks for details alone, the answers are details; but where that could be meant otherwise (您的手机), they are not if
  nearly all of them are sentences.
- Where it asks for both, the answers tell: they are details if half of them are; if a name or an address is asked for, which
  nothing finds in a text to mask it, also unless half of them are sentences, or longer than a name.
- Where a condition speaks of words (如有建议，请留言并留下电话), they are details only if half of them are.
- Where it only speaks of a detail, they are details if half of them are.
- A question for an opinion, a reason or a suggestion never asks for details.
"""

import re
import unicodedata
from collections.abc import Sequence

from feedback.collectors.answers import LONG, is_filler, reads_as_prose
from feedback.pii.names import ANY_SURNAME, COMPOUND_SURNAMES, TITLES

_NAME = r"姓名|名字|叫(?:什么|啥)|称呼|贵姓|昵称|填写人|联系人"
# Who it is, where no word for a name is needed: 收货人, 家长签字, 您的网名.
_WHO = (
    r"(?:收货|收件|填表|推荐|投诉|经办|负责)人(?![员数群气口])|签[名字]|(?:微信|微博|网|用户|花|小|大)名(?![字单称片额牌])|姓氏|收[货件]人?信息"
    r"|(?:your|full|first|last) name\b|(?<![A-Za-z] )(?<![A-Za-z])name\b"
)
_PLACE = r"(?:收货|家庭|详细|联系|邮寄|您的|居住|通讯)?地址|住址|居住地|住处|收货地|(?<!入)住在?(?=哪[里儿]|哪个小区)"
_BIRTH = r"出生(?:年月日?|日期|年份|地)?"
_LAST = r"(?:尾号|[后末][一二三四五六两\d]位(?:数字?)?)"
# By these words alone nobody means the thing itself; a 手机 or 电话 may be what the survey is about.
_OWN = (
    rf"{_NAME}|{_WHO}|{_PLACE}|(?:手机|电话|微信|QQ|会员|订单|身份证|学|工|卡)(?:编|卡)?号码?{_LAST}?|[账帐]号|联系(?:电话|方式)"
    rf"|(?:手机|电话|身份证|卡号?){_LAST}|身份证|车牌(?:号码?)?|(?:抖音|小红书|快手|旺旺)号|(?<![A-Za-z])U?ID(?![A-Za-z])|邮箱(?:地址)?|{_BIRTH}|生日|your e-?mail(?: address)?|e-?mail address|phone number|wechat id"
)
_THING = r"手机|电话|微信|QQ|e-?mail"
_OTHER = "门牌|房号|实名|单位|公司|部门|职务|班级|年龄|性别|城市"
# By what means to reach people (您希望我们如何联系您, 客服怎么联系您最方便) is another question than at what number.
_CALLED = (
    r"(?:希望)?(?:我们|客服)?(?:应?该)?(?:(?:如何|怎么?样?|怎样)(?:才能|可以|能)?称呼(?=您|你|\W|$)(?:您|你)?"
    r"|(?<!希望我们)(?<!希望客服)(?<!是)(?:如何|怎么?样?|怎样)(?:才能|可以|能)?(?:联系到?上?(?:您|你)|(?:与|跟|和)(?:您|你)联系)(?=[呢吗]?(?:\W|$)))"
)
_DETAIL = re.compile(rf"{_CALLED}|{_OWN}|{_THING}", re.IGNORECASE)
_OF_NAME = re.compile(rf"{_NAME}|{_BIRTH}")
_OF_WHOM = re.compile(_WHO, re.IGNORECASE)
_OF_PLACE = re.compile(_PLACE)
_OF_A_THING = re.compile(
    r"(?:产品|商品|品牌|新品|店铺?|公司|软件|小程序|App|功能|系列|款式?|菜品?|活动|宠物|吉祥物|医院|学校|电影|歌曲?|线路|[起取]一?个?|新"
    r"|这个|哪一?个|以下|[两三四五几]个|喜欢|[”\"’』」》])的?(?:名字|昵称)",
    re.I,
)
# Of a word for an opinion only who gave it: 建议人姓名.
_WHO_SAYS = re.compile(r"(?:意见|建议|反馈|反映|评价|投诉|表扬)+(?:人(?![员民家])|者)")
# Why a detail is asked for is not what is asked for: "为了更好地改进服务，请留下您的电话".
_PURPOSE = re.compile(
    r"(?:为了|为更好|为便于|为方便|以便|便于|方便我们|用于|感谢|谢谢|如果|如有|如需|如您|如愿|若"
    r"|(?:如|若)?(?<![您你])希望(?:能|可以)?(?:(?:获得|获奖|收到|接收|得到|参[与加])(?!的|[^,。;?!)]*?(?:什么|哪|怎|如何))|我们(?:与|跟|和)?[您你]?(?:联系|回复))"
    r"|(?:我们)?期待(?:[您你]的?(?:参与|加入|支持|回复|光临)|与[您你])|帮助我们"
    r"|(?:[您你]|每一条)的?(?:宝贵)?(?:意见|建议|反馈)(?=对我们|将|会(?!怎)|一经|很?重要|至关)"
    r"|(?<=[,。;!(])(?:我们|客服|专员|工作人员)\w{0,2}?(?:将|会(?!怎|员)|才能))[^,。;?!)]*?(?=请[您你]?[留填提写输]|[,。;?!)]|$)"
)
# A condition by which words are asked for: 如有建议, 请留言并留下联系方式; not 如有问题我们会联系您.
_IF_SO_SAY = re.compile(
    r"(?:如|若|倘|要是|[您你]有)(?:[^,。;?!)]{0,20}?有)?[^,。;?!)]{0,12}?(?:意见|建议|投诉|表扬|不满|问题|疑问|想法|想说|改进|改善|不足)(?!被)"
    r"(?!\w*?(?:我们|客服|专员|工作人员)\w{0,4}?(?:将|会|联系)).*?(?:留|填|写|说明|描述|告诉|反馈|指出|提出|补充)"
)
_CLAUSE = re.compile(r"[,。;:?!()\[\]【】\n*]+|-{2,}|_+|—+")
_GIVE = r"(?:留下?|填写?|输入|提供|告知|告诉我们|写[下明]?|注明|附上|登记|预留)"
_PLEASE = rf"(?:.*?(?=请))?(?:请[您你]?(?:务必|在此|在下方)?)?{_GIVE}?(?:一下)?(?:[您你]|本人)?的?"
_WHOSE = (
    r"(?:联系|预留|注册|绑定|常用|备用|个人|固定|移动|办公|家庭|紧急|家长|孩子|[买业店车户机]主|买家|客户|顾客|会员|用户"
    r"|[受被]访者|[购收寄]?[买件货收]?人)?"
)
_VALUE = (
    r"各?(?:是|为|叫|在|于|位于)?(?:什么时候|什么|多少|哪一?(?:里|儿|天|个\w{0,3}|位|年|月)?|几月几[号日]|几[号日]|啥)"
)
_TAIL = rf"(?:{_VALUE}|是|为|叫|(?:是否|能|可)?(?:方便|可以|否)(?:留|告|透|提供|加|给|说).*)?[呢吗吧呀啊]?"
_SO_AS_TO = (
    r"[以来后便可]{0,2}(?:方便(?:我们|客服|联系)|领|参[与加]|抽|接收|获[奖得取]|兑|联系|回访)(?!.*(?:不|失败|无法))"
)
_LISTED = re.compile(
    rf"\s*{_PLEASE}{_WHOSE}(?P<detail>(?:{_THING}|{_OTHER})(?:[、/和及与或\s]*{_WHOSE}(?:{_OWN}|{_THING}|{_OTHER}))*\s*{_TAIL})\s*",
    re.IGNORECASE,
)
# Told about, not asked for: 您是如何找到我们店的地址, 您介意提供手机号吗.
_NOT_ASKED = r"哪(?![位个一年月天])|如何|怎|对于|关于|[您你]对|介意|要求|不[愿想肯]|忘记|注销|丢失|核对|是否(?!方便|愿意|可以|能)|有没有|how|which"
_ENDS = re.compile(
    rf"(?:(?!{_NOT_ASKED}).)*?(?P<detail>(?:什么)?(?:其[他它])?(?:{_OWN})(?:[、/,+和及与或\s]+{_WHOSE}(?:{_OWN}|{_THING}|{_OTHER}))*{_TAIL})\s*(?:{_SO_AS_TO}.*)?"
    rf"|(?:(?!{_NOT_ASKED}).)*?(?P<name>{_NAME})[/、].*",
    re.IGNORECASE,
)
_REQUESTED = re.compile(
    rf"(?:(?!{_NOT_ASKED}|在{_GIVE}).)*?{_GIVE}[一个下您你的本人\s]*{_WHOSE}(?P<detail>{_OWN}"
    rf"|(?:{_THING})(?={_TAIL}$|{_SO_AS_TO}))(?!时|的|里|上|过程|流程|功能|页|无法|不).*",
    re.IGNORECASE,
)
_CALL_YOU = re.compile(rf".*?(?P<detail>{_CALLED}).*")
_WAYS = (_CALL_YOU, _LISTED, _ENDS, _REQUESTED)
# They are asked about beside a name or a number, and the answers are words.
_OPINION = re.compile(
    r"原因|理由|为什么|为何|建议|意见|说说|描述|吐槽|想法|看法|怎么看|如何看|感受|改进|改善|期待|希望(?!我们(?:应?该)?(?:如何|怎么?样?)(?:称呼|联系)|(?:礼品|奖品)?(?:收货|邮寄|寄送))|想对|评价一下|体会|why|comment|suggest|reason|feedback",
    re.IGNORECASE,
)
# What one has a view of: of a name, where it is the name of a thing, or of a function for names.
_VIEW = re.compile(
    r"问题|困难|怎|如何|喜欢|满意|觉得|认为|体验|遇到|印象|感觉|联想|想到|反应|偏好|评价|留言(?![您你])|备注|事[项由迹]|好听|好记|好用|功能|什么|哪(?![位个一年月天])|内容|现象|故障|情况|诉求|告诉|想说|帮助"
    r"|投诉|[缺优]点|不足|介意|是否(?!方便|愿意|可以|能)|有没有"
)
_NUMBER = re.compile(r"\d(?:[\s-]?\d){6,}|[\w.+-]+@[\w-]+\.\w+")
_ID = re.compile(r"\d{5,}|(?=\S*[\d_])[A-Za-z][\w.-]{4,19}")
_PERSON = re.compile(rf"(?:[{ANY_SURNAME}]|{'|'.join(sorted(COMPOUND_SURNAMES))})(?:[\u4e00-\u9fff]{{1,2}}|{TITLES})")
_NO_NAME = re.compile(r"[\u4e00-\u9fff]{5}")  # as long as no name is
_STREET = re.compile(r"[\u4e00-\u9fff]{2,}\d+号|\d+(?:栋|幢|室|弄|单元)|[省市][^省市区县]{2,8}[区县镇街路]")
_MARKS = re.compile(r"[\W_]+|(?:联系)?电话|手机号?|微信号?|姓名|地址")
_BESIDE = 8  # characters: a name, beside a number
_NEARLY_ALL = 0.8
_LONGEST = 40  # characters of a clause that asks for nothing else


def asks_for_contact(wording: str, values: Sequence[str]) -> bool:
    """Whether the answers are people's names, numbers or addresses. `values`: a sample of them, empty where there is none.

    In doubt of a name or an address the answer is yes, as nothing finds those in a text to mask them.
    """
    whole = _WHO_SAYS.sub("填写人", _OF_A_THING.sub("", _bare(wording)))
    text = _PURPOSE.sub("", whole)
    if not _DETAIL.search(whole) or _OPINION.search(text):
        return False
    asked, beside = _asked(text)
    named = bool(_OF_NAME.search(asked) or _OF_WHOM.search(asked))
    words_too = bool(_IF_SO_SAY.search(whole) or _VIEW.search(beside))
    said = [value for value in map(_bare, values) if not is_filler(value)]
    details = sum(_is_detail(value, words_too) or (named and bool(_PERSON.fullmatch(value))) for value in said)
    mostly = bool(said) and details * 2 >= len(said)
    if not asked or _IF_SO_SAY.search(whole):
        return mostly
    place = bool(_OF_PLACE.search(asked))
    personal = named or place
    if words_too:
        prose = sum(reads_as_prose(value) or (not place and bool(_NO_NAME.search(value))) for value in said)
        return mostly or (personal and (not said or prose * 2 < len(said)))
    sentences = sum(len(value) >= LONG and not _is_detail(value, words_too) for value in said)
    return personal or not said or sentences < _NEARLY_ALL * len(said)


def _asked(text: str) -> tuple[str, str]:
    """The clauses that ask for details, and what the wording says beside those details."""
    asked, beside = [], []
    for clause in _CLAUSE.split(text):
        ways = _WAYS if len(clause) <= _LONGEST else ()
        if found := next((found for way in ways if (found := way.fullmatch(clause))), None):
            start, end = found.span(str(found.lastgroup))
            asked.append(clause)
            beside += [clause[:start], clause[end:]]
        else:
            beside.append(clause)
    rest = "\n".join(beside)
    if not asked and _OF_NAME.search(rest) and not _VIEW.search(rest):
        return rest, ""
    return "\n".join(asked), rest


def _is_detail(value: str, words_too: bool) -> bool:
    """Whether it is a number, an id or an address, with no words beside it but a name, if words are asked for too."""
    if number := _NUMBER.search(value):
        rest = _MARKS.sub("", value.replace(number[0], ""))
        if _PERSON.fullmatch(rest) or len(rest) <= (0 if words_too else _BESIDE):
            return True
    return bool(_ID.fullmatch(value) or _STREET.search(value))


def _bare(value: str) -> str:
    return unicodedata.normalize("NFKC", value).strip()
