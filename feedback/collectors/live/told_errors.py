"""Errors that interfaces tell as if all were well: with status 200, and in the answer a code, a flag, a word or a field of their own.

`{"code": 40014, "msg": "token expired"}`, JSend's `{"status": "error"}`, `{"errors": [...]}`, `{"error_code": 10012, "reason": "..."}`.
A number may mean anything: 0 is well at one interface and an error at the next, and so is 1. So what stood beside records is what
an interface says when all is well; where none has come yet, a code is known by its message, or by being a usual one.
In doubt it is an error: an outage that is taken for an empty list loses what it hides. `no_errors` says that something is none.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping

from feedback.collectors.objects import Object
from feedback.errors import CollectError

# All of them without what separates their words: `error_code` and `errorCode` are one.
_CODES = (
    *("code", "errcode", "errno", "errorcode", "errorno", "ret", "retcode", "rtn", "rtncode", "returncode"),
    *("respcode", "resultcode", "statuscode", "subcode", "bizcode"),
)
_FLAGS = ("success", "issuccess", "succeeded", "ok")
_STATES = ("status", "state", "stat", "result")
ERROR_FIELDS = ("error", "errors", "err", "exception")
_MESSAGES = (
    *("msg", "message", "errmsg", "errormsg", "errormessage", "retmsg", "resultmsg", "respmsg", "returnmsg", "submsg"),
    *("reason", "info", "errordescription"),
)
_DESCRIPTIONS = ("desc", "description", "detail")  # of the error, or of anything else
_PLAIN = frozenset((*_CODES, *_FLAGS, *_STATES, *ERROR_FIELDS, *_MESSAGES, *_DESCRIPTIONS))

_FINE = frozenset(
    (
        *("", "0", "00", "000", "0000", "00000", "2000", "20000"),
        *("ok", "success", "succeed", "succeeded", "successful", "true", "none", "null"),
    )
)
_FINE_STATUS, _BAD_STATUS = re.compile(r"2\d\d"), re.compile(r"[45]\d\d")
_FAILED = frozenset({"error", "err", "fail", "failed", "failure", "exception", "false", "ko", "nok"})
_NO = _FAILED | {"0", "no", "n", "f"}

_WELL = re.compile(
    r"(?:.*[^不未非没有能])?(?:成功|完成|完毕|正常)|成功.*|.*[^不未非没有能]成功[(（,，;；].*"
    r"|(?:ok|okay|success|successful|successfully)\b.*"
    r"|(?!.*\b(?:not|no|un|never|without|fail\w*|error\w*)\b).*\b(?:ok|success|successful|successfully|succeeded|completed|done)",
    re.DOTALL,
)
_NOTHING = re.compile(
    r".{0,12}暂(?:时没有|无)(?:数据|记录|内容|结果|评论|评价|反馈|信息|消息|工单|订单)|"
    r"(?:暂|暂时|还|目前)?(?:没有|无|未)(?:查询到|查到|找到|搜索到|获取到)?(?:更多|新|任何|相关|可用|符合条件|满足条件|的)*"
    r"(?:数据|记录|内容|结果|评论|评价|反馈|信息|消息|工单|订单|错误)?[了啦哦]?"
    r"|.{0,12}(?:最后一页|没有下一页)[了啦]?|查无(?:数据|记录|结果)|(?:查询|返回|搜索)?(?:数据|记录|列表|结果|内容)为空|.{0,4}到底[了啦]"
    r"|(?:there (?:is|are) )?(?:no|0|zero)(?: more| new| matching| further| such)?"
    r" (?:data|records?|results?|items?|entries|rows|reviews?|comments?|feedback|content|messages?|tickets?|errors?)"
    r"(?: (?:found|available|returned|exist|left))?(?: (?:for|in|since|with|matching) .*)?"
    r"|(?:data|records?|items|results?|reviews?) not found|(?:data|list|results?|response) (?:is|are) empty"
    r"|empty(?: (?:data|list|results?|response))?|nothing(?: (?:found|new))?|none|null|n/a",
    re.DOTALL,
)
_ILL = re.compile(
    r"失败|错误|异常|过期|失效|无效|非法|不合法|超时|超限|超过|超出|上限|频繁|频率|限流|繁忙|稍后|重试|授权|权限|鉴权|签名|登录|登陆|禁止|拒绝|欠费|余额|维护|不可用|缺少|缺失"
    r"|\b(?:errors?|fail(?:ed|ure)?|invalid|expired?|denied|forbidden|unauthori[sz]ed|unauthenticated|illegal|exception|missing"
    r"|(?:rate|over) limit(?:ed)?|limit (?:exceeded|reached)|exceed(?:ed|s)?|quota|too many|time ?out|timed out|unavailable"
    r"|maintenance|busy|refused|rejected|overloaded|try again|log ?in|sign ?in)\b"
)
_AROUND = " \t\r\n.。!！~～,，:："
_LONGEST = 200
_MOST_WORDS = 100  # that stand beside records under one name


class ToldError(CollectError):
    """An answer tells of an error instead of giving records."""


class ToldErrors:
    """Tells errors from lists that are empty, at one interface. `no_errors`: what it says beside such lists; None: the settings can't tell."""

    def __init__(self, no_errors: Collection[str] | None = None) -> None:
        self._well: dict[str, set[str]] = {}
        self._has_way_out = no_errors is not None
        self._no_errors = frozenset(map(_word, no_errors or ()))

    def stood_beside_records(self, content: Object, inside: Iterable[Object]) -> None:
        """What an answer says besides its records is no sign of an error."""
        errors = [(name, value) for each in inside for name, value in _said(each).items() if name in ERROR_FIELDS]
        for name, value in (*_said(content).items(), *errors):
            words = self._well.setdefault(name, set())
            if len(words) < _MOST_WORDS:
                words.add(_word(value))

    def find(self, content: Object, inside: Iterable[Object], found: object) -> str | None:
        """What has failed, as an answer without records says; None: there are none to be had.

        `inside`: the objects in it that the list would lie in. `found`: what is in its place. [] is a list that is empty; {} may be one,
        or what errors bring for whatever was asked for: then a code that nobody knows needs no message.
        """
        told, *inner = (self._new(each) for each in (content, *inside))
        message = _first_text(told, _MESSAGES)
        said = message or _first_text(told, _DESCRIPTIONS)
        named = next((why for each in (told, *inner) if (why := _error_field(each))), None)
        signs = [name for name, value in told.items() if self._is_sign(name, value, said, found)]
        if not named and not signs and (not _is_ill(message) or (found == [] and _says_fine(content))):
            return None
        said_so = [named or "", *(value for each in (content, *inside) for value in _said(each).values())]
        if not self._no_errors.isdisjoint(map(_word, said_so)):
            return None
        if why := named or said:
            code = next((f"{told[name]} " for name in signs if name in _CODES or _is_bad_status(told[name])), "")
            line = f"{code}{' '.join(why.split())}"
        else:
            line = f"'{signs[0]}' is {json.dumps(told[signs[0]], ensure_ascii=False)}"
        line = line[:_LONGEST]
        word = next((str(told[name]) for name in signs if name in _CODES), why)
        if self._has_way_out and word and not _is_bad_status(word) and not _is_ill(why or ""):
            line += f". If that is none, write no_errors = [{json.dumps(word[:_LONGEST], ensure_ascii=False)}]"
        return "".join(c if c.isprintable() else "�" for c in line)

    def _new(self, content: Object) -> dict[str, object]:
        """What it says of itself, and did not beside records."""
        return {name: value for name, value in _said(content).items() if _word(value) not in self._well.get(name, ())}

    def _is_sign(self, name: str, value: object, message: str, found: object) -> bool:
        """Whether something that did not stand beside records says that something has failed."""
        word, known = _word(value), name in self._well
        listed, in_doubt = found == [], found == {}
        if not isinstance(value, int | str) or _NOTHING.fullmatch(_words(message)):
            return False
        if name in _FLAGS:
            return word in _NO
        if name in _STATES:
            failed = word in _FAILED or _is_bad_status(value) or (in_doubt and _is_ill(word))
            return failed or (known and word == "0" and not (listed and not message) and not _is_well(message))
        if name in ERROR_FIELDS:
            return isinstance(value, int) and value != 0
        if name not in _CODES or _is_well(message or word):
            return False
        fine = word in _FINE or _FINE_STATUS.fullmatch(word) or (word == "1" and listed and not known)
        return (known and bool(message)) if fine else (known or bool(message) or in_doubt)


def _said(content: Object) -> dict[str, object]:
    """What an answer says of itself, by names without what separates their words."""
    told = {re.sub(r"[\W_]", "", name).lower(): value for name, value in content.items()}
    return {
        name: value
        for name, value in told.items()
        if name in (_PLAIN if isinstance(value, str | int) else ERROR_FIELDS)
    }


def _word(value: object) -> str:
    return (value if isinstance(value, str) else json.dumps(value)).strip().lower()[:_LONGEST]


def _first_text(told: Mapping[str, object], names: Iterable[str]) -> str:
    found = (value.strip() for name in names if isinstance(value := told.get(name), str))
    return next((each for each in found if each), "")


def _error_field(told: Mapping[str, object]) -> str | None:
    """What is said under a name that only errors have; None where that says that there is none."""
    return next((why for name in ERROR_FIELDS if (why := _why(told.get(name)))), None)


def _why(error: object) -> str | None:
    if isinstance(error, str):
        return error.strip() if _word(error) not in _FINE and not _is_well(error) else None
    if isinstance(error, list):
        return next((why for each in error if (why := _why(each))), None)
    if not isinstance(error, dict):
        return None
    told = _said(error)
    if message := _first_text(told, (*_MESSAGES, *_DESCRIPTIONS)):
        return None if _is_well(message) else message
    codes = [told[name] for name in _CODES if name in told]
    is_none = all(_word(code) in _FINE for code in codes) if codes else not any(error.values())
    return None if is_none else json.dumps(error, ensure_ascii=False)


def _says_fine(content: Object) -> bool:
    """Whether a code or a status says that all is well, whatever is told beside it."""
    told = _said(content)
    words = [_word(told[name]) for name in (*_CODES, *_FLAGS, *_STATES) if name in told]
    return bool(words) and all(word in _FINE - {""} or _FINE_STATUS.fullmatch(word) for word in words)


def _is_bad_status(value: object) -> bool:
    return isinstance(value, int | str) and _BAD_STATUS.fullmatch(_word(value)) is not None


def _is_well(message: str) -> bool:
    words = _words(message)
    return _WELL.fullmatch(words) is not None or _NOTHING.fullmatch(words) is not None


def _is_ill(message: str) -> bool:
    return not _is_well(message) and _ILL.search(_words(message)) is not None


def _words(message: str) -> str:
    return message[:_LONGEST].lower().replace("_", " ").strip(_AROUND)
