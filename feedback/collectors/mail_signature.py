"""What stands below a mail and is not said in it: signatures, visiting cards, closings, what apps and lawyers add.

It is looked for at the end alone. A card is one where nothing else is on its lines. In doubt words stay.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from feedback.collectors.mail_apps import is_apps_own
from feedback.collectors.mail_forms import ADDRESS, DAY, ENTITY
from feedback.pii.names import ANY_SURNAME, COMPOUND_SURNAMES, TITLES
from nlp.normalize import fold
from nlp.opinions import find_opinions

_CARD = 8  # lines of a visiting card, blank ones not counted
_CARD_WIDTH = 70  # characters of one of them
_TABLE_CARD = 12  # lines of one that was a table
_LEGAL = 20  # lines of a disclaimer's paragraph
_LEGAL_TEXT = 3000  # characters of it
_FOLDED = 30  # characters of a line that programs fold
_LAST_WORDS = 60  # characters of a paragraph that tell what is below it
_ENDINGS = 8  # app's lines, rules and disclaimers one below another

_SIGNATURE = "-- "
_ROW = re.compile(r"([-—–―─━=_])\1+")  # of dashes, equals signs or underscores

_HAN = "[一-鿿]"
_FEW = re.compile(rf"(?!投[诉訴]人){_HAN}{{1,4}}")
_CLOSING = re.compile(
    rf"{_HAN}{{2,4}} ?[敬谨謹][上启啟]|(?:此致\s*)?敬[礼禮]|(?:此致|祝|[顺順敬谨謹并並即此][祝颂頌候])(?=[\s:,]*$)|祝好"
    r"|(?:[顺順敬谨謹并並即此]?[祝颂頌候]\s*)?[商时時台近春夏秋冬文教]祺|[顺順敬谨謹并並即此]?[祝颂頌候]\s*[商台近大钧鈞]安"
    r"|(?:with |many )?(?:thanks (?:and|&) )?(?:(?:best|kind|kindest|warm|warmest) )?regards|(?:with )?(?:best|kind|warm) wishes"
    r"|yours? (?:sincerely|faithfully|truly)|sincerely(?: yours)?|respectfully(?: yours)?|best(?=,)",
    re.IGNORECASE,
)
_SAYS = re.compile(r"[了吗嗎呢吧么麼的你妳您我他她它这這那没沒不很请請]")  # a sentence has one of them, a card has not
_SENTENCE_END = re.compile(r"[。！？!?；;，]")
_ENDS_SENTENCE = re.compile(r"[。！？!?.…~～）)”\"]\s*$")
_GOES_ON = re.compile(r"[：:，,、；;（(]\s*$")
# What follows is said: to whom something goes, whom it is about.
_GIVES = re.compile(
    r"地址|[寄送发發退]到|[寄送发發退转轉]给|[寄送发發退轉]給|改[为為寄成]|收[件货貨]|如下|以下|下面|名单|名單|投[诉訴](?:[他她这此這]|.{0,4}人)|就是[他她]|\b(?:address|ship|send|deliver|following|below)\b",
    re.IGNORECASE,
)
_THANKS = re.compile(r"(?:谢谢|謝謝|多谢|多謝|感谢|感謝|thanks|thank you|many thanks|cheers).{0,6}", re.IGNORECASE)

_SURNAME = (
    rf"(?:{'|'.join(sorted(COMPOUND_SURNAMES))}|歐陽|司馬|諸葛"
    rf"|[{ANY_SURNAME}張劉陳楊趙黃吳孫馬羅鄭謝韓馮鄧蕭葉蔣盧賈閻鍾譚鄒陸許呂蘇錢湯賀賴龔龐嚴莊歐麥關顧簡連溫紀])"
)
_GIVEN = rf"(?:(?![退换換货貨款买買卖賣坏壞差慢快收发發送寄订訂单單投诉訴回复復上时時便额額间間题題好装裝谢謝苦]){_HAN}){{1,2}}"
_LATIN = rf"(?!(?:Please|Thanks?|Call|Very|Not?)\b)[A-Z][a-z'’-]+(?: [A-Z]\.)?(?: [A-Z][A-Za-z'’-]+){{1,2}}(?: ?\({_HAN}{{2,4}}\))?"
_JOB = (
    rf"[A-Z]{{0,4}}{_HAN}{{0,10}}(?:{TITLES}|經理|副理|協理|襄理|總監|总监|总裁|總裁|董事长|董事長|工程师|工程師|助理|专员|專員|主管|负责人|負責人|采购|採購|[课課处處组組科店][长長]"
    r"|代表|会计|會計|秘书|秘書|文员|业务员|業務員|部|部门|部門|处|處|中心|大区|大區|[东東南西北中]区|[東南西北中]區|事业群|办公室|辦公室)"
)
# Where someone works: 华东销售部, 金融事业部, 江苏分公司. Many begin as names do.
_WORKPLACE_END = rf"{_HAN}{{0,10}}(?:部|部门|部門|处|處|中心|公司|大区|大區|[东東南西北中][区區]|事业群|办公室|辦公室)"
_REGION = r"(?:[华華][东東南西北中]|江苏|江蘇|江西|安徽|宁夏|寧夏|宁波|寧波|成都|武汉|武漢|温州|溫州|金华|金華|常州|郑州|鄭州|沈阳|瀋陽)"
_NAME = rf"(?!{_REGION}{_WORKPLACE_END}){_SURNAME}(?: ?{_GIVEN}(?: ?{_JOB})?| ?(?:{TITLES}|經理|總監))(?: ?\(?[A-Z][A-Za-z .'-]{{1,30}}\)?)?(?: ?[敬谨謹][上启啟])?"
_COMPANY = rf"{_HAN}[\w()&· -]{{1,30}}(?:公司|集团|集團)(?: ?{_HAN}{{1,8}}[部处處])?|[A-Z][\w .,&'()-]{{1,50}}\b(?:Ltd|Inc|LLC|GmbH|Corp|Limited|Company)\.?"
_PLACE = rf"{_HAN}{{2,20}}[路街道巷弄村镇鎮][\w-]{{0,12}}\d+[\w-]{{0,12}}[号號楼樓室座层層幢栋棟][\w-]{{0,12}}"
_TITLE_CASE = r"(?=.*[A-Z])(?:(?:[A-Z\d][\w.,'’&()#-]*|of|and|for|the|&)(?: |$)){1,10}"
_BEGINS_CARD = re.compile(rf"{_NAME}|{_LATIN}")
_HAN_NAME = re.compile(_NAME)
_IS_COMPANY = re.compile(_COMPANY)
_IS_WORKPLACE = re.compile(rf"{_HAN}{{2}}{_WORKPLACE_END}(?: {_JOB})?")
_ON_CARD = re.compile(rf"{_NAME}|{_JOB}|{_COMPANY}|{_PLACE}|{_TITLE_CASE}|{DAY}日?|\d{{5,6}}")
_CUSTOMER = r"(?:老|一[个個位名]|忠实|忠實|普通)?(?:顾客|顧客|客户|客戶|用户|用戶|会员|會員|买家|買家|消费者|消費者)"
_SIGNER = re.compile(rf"(?:{_CUSTOMER} ?:? ?)?(?:{_HAN}{{1,4}}|{_NAME})|{_CUSTOMER}|{_LATIN}|[A-Z][a-z'’-]{{1,14}}")
# What few characters below a closing may say, folded, that no name has.
_ASKS_BRIEFLY = re.compile(
    r"(?:退[款货钱换]|换[货新]|补[发寄偿]|发货|赔[偿付钱]|[回答]复|回[电信]|处理|解决|联系|道歉|维修|投诉|核实|严查|发票|差价)(?![人者])"
    r"|尽快|赶[紧快]|马上|立[即刻]|加急|^[急催速退赔]+[回单]?$|[求望盼][助复]|救命|[勿别]买|避雷|白花|[红橙黄绿蓝紫黑白灰粉棕]色"
)
_STRESSED = re.compile(r"(?:非常|十分|特别|相当|实在|有点|[常经]常|[总老]是|一直|[太真好超极挺])*")
_NO_NAME_ENDS = re.compile(r".*[差烂漏骗脏]|..+慢")
_EXTENSION = r"(?:\s*(?:ext\.?|转|轉|分机|分機|#)\s*\d{1,6})?"
_NUMBER = rf"[+(]*\d[\d\s()*-]{{4,20}}\d{_EXTENSION}"
_PHONE = (
    r"(?<![\w-])(?:\(?\+?\d{2,3}\)?[\s-]*)?(?:1[3-9]\d(?:[\s-]?[\d*]{4}){2}|\(?0\d{1,3}\)?[\s-]*\d{3,4}[\s-]?\d{3,4}|[48]00(?:[\s-]?\d{3,4}){2}"
    r"|\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4})(?!\d)|\+\d[\d\s()-]{7,18}\d"
)
_LABEL = re.compile(r"(?:姓名|联系人|聯絡人|公司(?:名称|名稱)?|单位|單位|\bname|\bcompany)\s*:\s*", re.IGNORECASE)
_CONTACT = re.compile(
    rf"(?:{_HAN}{{0,2}}(?:电话|電話|手机|手機|座机|固话|市話|直线|直線|传真|傳真|热线|熱線|邮编|郵編|行動)|\b(?:telephone|tel|phone|mobile|mob|cell|fax|direct|[mtpf]))(?:号码?|號碼?|\.)?(?:/微信)?\s*:?\s*{_NUMBER}"
    rf"|(?:{_PHONE}){_EXTENSION}"
    rf"|(?:(?:{_HAN}{{0,2}}(?:邮箱|郵箱|电邮|電郵|邮件|郵件|信箱)|\be-?mail|\bmail|\be)\s*:?\s*)?{ADDRESS}[>)\]]?"
    rf"|(?:(?:网址|網址|网站|網站|官网|官網|主页|\bweb(?:site)?)\s*:?\s*)?(?:https?://|www\.)\S+"
    rf"|(?:QQ|微信|wechat|line|whatsapp)(?:号|號| ?id)?\s*:\s*[\w.+-]{{4,30}}"
    rf"|(?:{_HAN}{{0,2}}(?:地址|住址)|\badd(?:ress|r)?\.?)\s*:(?=.*[\d省市区區县縣路街镇鎮村号號]).{{4,}}",
    re.IGNORECASE,
)
_IS_ADDRESS = re.compile(r"<?(?:mailto:)?[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+>?", re.ASCII | re.IGNORECASE)
_GREETS = re.compile(
    r"(?:(?:[您你]好|[早晚]上好|[上下]午好|好的?|可以|嗯|是的?|[对對]的?|[没沒][问問][题題]|(?:已|已经|已經)?收到了?|尊敬的.{1,10}|hi|hello|hey|ok|yes|dear .{1,20})[\s,，.。!~:]*)++",
    re.IGNORECASE,
)
# An address below is what was asked for, or what it is about.
_OF_ADDRESSES = re.compile(
    r"邮箱|郵箱|信箱|电邮|電郵|e-?mail|账号|帐号|帳號|账户|帐户|帳戶|用户名|[登注註][录錄册冊]|绑定|綁定|联系|聯[系繫絡]|联络|发票|發票|\b(?:account|login|invoice|contact)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"[发發寄传傳給给回抄加找跟与與和][给給到至送]?[我他她]|[回答][复復覆]|回信|邮件|郵件|@|[这這][个個]?是|私[下聊信]|交流|\b(?:send|reply|mail|write|me)\b",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[|/·,、]\s*|\s{2,}")

_LEGAL_HEADING = r"(?:(?:免责|免責|保密|法律)(?:声明|聲明|提示|条款)|(?:confidentiality|legal|privacy|important) (?:notice|note)|disclaimer)"
_DISCLAIMER = re.compile(
    rf"[\s*\[(【]*(?:{_LEGAL_HEADING}[\s:*\])】]*)?(?:"
    r"[本此][封]?(?:电子|電子)?(?:邮件|郵件|信件|电邮|電郵)(?:.{0,10}附件.{0,60}|.{0,12}[含載载].{0,20}|.{0,6}[仅僅只][供限].{0,30})(?:保密|机密|機密|专有|收件人|收件者)"
    r"|(?:如果?|若|倘).{0,12}(?:错|錯|误|誤|非|不是).{0,20}(?:[本此](?:电子|電子)?(?:邮件|郵件)|收件人|收件者).{0,80}(?:删除|刪除|销毁|銷毀|通知)"
    r"|(?:this|(?:the )?information (?:contained )?in this|the contents? of this) (?:e-?mail|message|communication).{0,200}"
    r"(?:confidential.{0,200}(?:attach|recipient|addressee|disclos|privilege|sender)|(?:attach|privilege).{0,200}confidential|intended (?:only|solely|recipient)|(?:sole|exclusive) use)"
    r"|if you (?:are not the (?:intended|named) (?:recipient|addressee)|(?:have )?received? this (?:e-?mail|message|communication)(?: \w+)? in error)"
    r"|please consider the environment before printing)",
    re.IGNORECASE,
)
_IS_LEGAL_HEADING = re.compile(rf"[\s*\[(【]*{_LEGAL_HEADING}[\s:*\])】]*", re.IGNORECASE)
_LEGAL_WORD = re.compile(
    r"邮件|郵件|附件|保密|机密|機密|收件[人者]|[误誤错錯]收|法律|e-?mail|message|confidential|attach|recipient|intended|disclos|sender|liab",
    re.IGNORECASE,
)
# Who talks of a disclaimer, or of what was bought.
_COMPLAINS = re.compile(
    r"你们|你們|您们|您們|你方|贵[司店公方]|貴[司店公方]|客服|投诉|投訴|我[的买買想要]|订单|訂單|退[款货貨]|[没沒吗嗎呢]|了(?:[，,。！!\s]|$)|\bI\b|\bI'|\b(?:my|refund|ordered)\b"
)
_BLANK_HTML = re.compile(r"<br\s*/?>|</?(?:div|p|span)>", re.IGNORECASE)
_TABLE = re.compile(r"\s*\|\s*\|\s*")  # how 网易邮箱大师 writes a visiting card into plain text


def without_signature(lines: list[str]) -> list[str]:
    """The lines above the signature and what apps and lawyers put below; all of them where there is none."""
    end = next((n for n, line in enumerate(lines) if line == _SIGNATURE), len(lines))
    end = _above_endings(lines, end)
    end = next((n for n in range(max(0, end - _TABLE_CARD), end) if _TABLE.fullmatch(lines[n])), end)
    end = min(_above_mark(lines, end), _above_card(lines, end), _above_address(lines, end))
    return lines[: _above_endings(lines, end)]


def _above_endings(lines: Sequence[str], end: int) -> int:
    """Where what apps and lawyers put below begins, with rules of dashes that have nothing below any more."""
    last = _said_above(lines, len(lines))
    for _ in range(_ENDINGS):
        while end and (not _read(lines[end - 1]) or is_apps_own(lines[end - 1])):
            end -= 1
        rule = _read(lines[end - 1]) if end and _mark(lines[end - 1]) == "rule" else ""
        start = end - 1 if rule and (last != [end - 1] or len(rule) == 2) else _disclaimer(lines, end)
        if start == end:
            break
        end = start
    return end


def _disclaimer(lines: Sequence[str], end: int) -> int:
    """Where the disclaimer begins that is the last paragraph, or its end; `end` where there is none."""
    start = end
    while start > max(0, end - _LEGAL) and _read(lines[start - 1]):
        start -= 1
    for number in range(start, end):
        if _is_disclaimer([_read(line) for line in lines[number:end]]):
            heading = [n for n in _said_above(lines, number) if _IS_LEGAL_HEADING.fullmatch(_read(lines[n]))]
            start = heading[0] if heading else number
            return start if _said_above(lines, start) else end
    return end


def _is_disclaimer(lines: Sequence[str]) -> bool:
    """Whether lines begin as one and go on as one: each is folded off the line above, or legal itself."""
    text = " ".join(lines)
    goes_on = (
        _LEGAL_WORD.search(line) or (len(above) >= _FOLDED and not _ENDS_SENTENCE.search(above))
        for above, line in pairwise(lines)
    )
    return len(text) <= _LEGAL_TEXT and bool(_DISCLAIMER.match(text)) and not _COMPLAINS.search(text) and all(goes_on)


def _above_mark(lines: Sequence[str], end: int) -> int:
    """Where "此致 敬礼", "Best regards," or a rule begins that has nothing below but who signs, and the card."""
    last = _said_above(lines, end, _CARD + 3)
    for at, number in enumerate(last):
        mark = _mark(lines[number])
        below = [lines[n] for n in last[at + 1 :] if not _mark(lines[n])]
        if not mark or len(below) > _CARD or not all(map(_is_on_card, below[1:])):
            continue
        first = _read(below[0]) if below else ""
        signed = not below or _is_signer(first) or (_is_on_card(below[0]) and not _says_briefly(first))
        carded = below and _is_on_card(below[0]) and _is_card(below, 2) and not _leads_on(lines, number)
        if signed if mark == "closing" else carded:
            return number if _said_above(lines, number) else end
    return end


def _above_card(lines: Sequence[str], end: int) -> int:
    """Where a card begins that nothing stands above but words that are at an end: one person, and how to reach them."""
    last = _said_above(lines, end, _CARD + 1)
    card: list[int] = []
    while last and _is_on_card(lines[last[-1]]):
        card.insert(0, last.pop())
    if len(card) > _CARD or _people([_read(lines[n]) for n in card]) > 1:
        return end
    for at, number in enumerate(card):
        below = [lines[n] for n in card[at:]]
        person = _read(below[1 if _IS_COMPANY.fullmatch(_read(below[0])) and len(below) > 1 else 0])
        told = sum(1 for line in below if _CONTACT.search(_read(line)) or _IS_COMPANY.search(_read(line)))
        known = _is_card(below, 3) if _HAN_NAME.match(person) else len(below) >= 3 and told >= 2
        if len(below) > 1 and _BEGINS_CARD.match(person) and known and _stands_apart(lines, number):
            return end if _leads_on(lines, number) else number
    return end


def _people(card: Sequence[str]) -> int:
    """How many lines name a person. What begins as a name does is none where a company, or a workplace between a person and the first number."""
    named, reached = 0, False
    for read in card:
        if _HAN_NAME.match(read):
            company = " " not in read and read.endswith(("公司", "集团", "集團"))
            workplace = named and not reached and _IS_WORKPLACE.fullmatch(read)
            named += not ((named and company) or workplace)
        reached = reached or bool(_CONTACT.search(read))
    return named


def _above_address(lines: Sequence[str], end: int) -> int:
    """Where Foxmail's own signature begins: the account's address alone, below blank lines or a rule; not one that the words above are about."""
    last = _said_above(lines, end, 3)
    if not last or not _IS_ADDRESS.fullmatch(_read(lines[last.pop()])):
        return end
    rule = bool(last) and _mark(lines[last[-1]]) == "rule"
    start = last.pop() if rule else _said_above(lines, end)[0]
    said = [read for line in lines[:start] if (read := _read(line)) and not _GREETS.fullmatch(read)]
    own = [read for read in said if not _THANKS.fullmatch(read)]
    if (
        not own
        or any(map(_OF_ADDRESSES.search, said))
        or _ASKS.search(own[-1][-_LAST_WORDS:])
        or _leads_on(lines, start)
    ):
        return end
    blank = start - 1 - _said_above(lines, start)[0]
    return start if rule or blank > (not _ENDS_SENTENCE.search(own[-1])) else end


def _stands_apart(lines: Sequence[str], number: int) -> bool:
    """Whether there are words above a line, and they are at an end there."""
    above = _said_above(lines, number)
    ended = any(_ENDS_SENTENCE.search(lines[n]) or _THANKS.fullmatch(_read(lines[n])) for n in above)
    return ended or (bool(above) and above[0] < number - 1)


def _leads_on(lines: Sequence[str], number: int) -> bool:
    """Whether the words above a line say that something follows, or where something is to go."""
    above = [_read(lines[n]) for n in _said_above(lines, number)]
    return any(not _THANKS.fullmatch(line) and (_GOES_ON.search(line) or _GIVES.search(line)) for line in above)


def _is_card(lines: Sequence[str], with_company: int) -> bool:
    """Whether lines begin with whose card it is, and hold a number or an address; or are so many, and hold a company."""
    read = [_LABEL.sub("", _read(line)) for line in lines]
    reached = any(map(_CONTACT.search, read)) or (len(read) >= with_company and any(map(_IS_COMPANY.search, read)))
    return reached and bool(_BEGINS_CARD.match(read[0]) or _IS_COMPANY.match(read[0]))


def _is_on_card(line: str) -> bool:
    """Whether nothing is left of a line without names, jobs, companies, places, numbers and addresses."""
    read = _read(line)
    if not read or len(read) > _CARD_WIDTH or _SENTENCE_END.search(line) or _SAYS.search(read):
        return False
    pieces = [piece.strip(" :()|-") for piece in _BETWEEN.split(_CONTACT.sub("|", _LABEL.sub("|", read)))]
    return all(_ON_CARD.fullmatch(piece) or all(map(_ON_CARD.fullmatch, piece.split())) for piece in pieces if piece)


def _is_signer(read: str) -> bool:
    """A name, or any few characters that say nothing: people sign as 甜甜, 豆豆妈妈, 匿名."""
    signer = read.rstrip(" .,")
    return bool(_SIGNER.fullmatch(signer)) and not (_SAYS.search(read) or _says_briefly(signer))


def _says_briefly(read: str) -> bool:
    """Whether few characters plainly ask or judge (尽快退款, 非常失望, 质量太差). What pleases is part of names, too: there it is all of them."""
    if not _FEW.fullmatch(read) or _THANKS.fullmatch(read):
        return False
    folded = fold(read)
    if _ASKS_BRIEFLY.search(folded) or _NO_NAME_ENDS.fullmatch(folded):
        return True
    stressed = _STRESSED.match(folded)
    start, end = stressed.end() if stressed else 0, len(folded)
    return any(
        (each.start <= start and each.end == end) or (each.sentiment == "negative" and each.end - each.start > 1)
        for each in find_opinions(folded, (0, end), frozenset({start, end}))
    )


def _mark(line: str) -> Literal["closing", "rule", ""]:
    read = _read(line)
    if _ROW.fullmatch(read):
        return "rule"
    match = _CLOSING.match(read)
    if match is None or len(read) > _CARD_WIDTH:
        return ""
    rest = read[match.end() :]
    signer = rest.lstrip(" ,.!。~:")
    return "closing" if not signer or (signer != rest and _is_signer(signer)) else ""


def _said_above(lines: Sequence[str], number: int, most: int = 1) -> list[int]:
    """The numbers of the last lines above one that are not blank, in their order."""
    found: list[int] = []
    while number and len(found) < most:
        number -= 1
        if _read(lines[number]):
            found.insert(0, number)
    return found


def _read(line: str) -> str:
    """A line in the forms that the patterns know: ０ is 0, ： is :, 　 and a break of HTML, as some apps leave it in plain texts, a blank."""
    return unicodedata.normalize("NFKC", _BLANK_HTML.sub(" ", line.replace(ENTITY, " "))).strip()
