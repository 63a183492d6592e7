"""What the writer of a chat message wrote in it: without the message that it answers, which chat programs put into the text.

Marks of chat programs are known, not guessed. In doubt words stay.
`tests/cases/quoted.jsonl` holds the forms, and what only looks like one.

- 企业微信, as its archive holds it (https://developer.work.weixin.qq.com/document/path/91774) and as it shows it in 微信, where the
  first line is missing: 这是一条引用/回复消息： “NAME：, the quoted message”, six dashes, the answer, before it @NAME.
- 微信: 「NAME：the quoted message」 or, in English, "NAME: …", fifteen dashes with gaps between or, on computers, nine long ones, the answer.
- WeChatMsg (留痕), as it writes the newer quotes of 微信, which are no part of the text there: the answer, 引用：NAME: the quoted message.
"""

import re

_ENDS = {"「": "」", "“": "”", '"': '"'}
_MARK = r"(?:这是一条引用/回复消息：|This is a quote/reply:)\s*"
_NAME = r"(?P<name>[^\n]{1,64}?)"
_WECOM_RULE = re.compile(r"[”\"]\s*-{6}(?!-)\s*")
_WECHAT_RULE = re.compile(r"(?:[」\"]\s*-(?: -){14,}|」\s*—{9,})\s*")
# How a quote begins, and what comes between it and the answer.
_FORMS = (
    (re.compile(rf"(?:{_MARK})?(?P<opens>[“\"]){_NAME}[：:][^\S\n]*\n"), _WECOM_RULE),
    # Some programs that hand the archive on put all of it on one line.
    (re.compile(rf"{_MARK}(?P<opens>[“\"])(?:{_NAME}[：:])?"), _WECOM_RULE),
    (re.compile(rf"(?P<opens>[「\"])\s?{_NAME}[：:]"), _WECHAT_RULE),
)
_AT_THE_END = re.compile(
    r"\n引用(?:：[^\n:：，。！？]{1,64}:(?:\s|\Z)|:(?:未知\Z|(?!https?:)[^\s:][^\n:]{0,63}:(?!\s)))"
)
_MOST_NESTED = 10  # quotes within quotes that are told apart

_RULE_LINE = re.compile(r"-{6}|—{9,}")
_FIRST_LINE = re.compile(rf"{_MARK}|「[^」\n]{{1,64}}[：:]|[“\"]{_NAME}[：:]\s*$")


def own_words(text: str, *, of_ticket: bool = False) -> str:
    """The writer's own words; "" where there are none but those of another message. Below those of a ticket WeChatMsg put no quote.

    >>> own_words("这是一条引用/回复消息：\\n“张三丰(售后)：\\n您好，非常抱歉”\\n------\\n@张三丰(售后) 可以")
    '可以'
    >>> own_words("「王小明：物流太慢了，差评」\\n- - - - - - - - - - - - - - -\\n我也是")
    '我也是'
    >>> own_words("「好看」\\n------\\n但是掉色")
    '「好看」\\n------\\n但是掉色'
    """
    text = text.strip()
    start = 0
    while (after := _after_quote(text, start)) is not None:
        start = after
    found = None if of_ticket else _AT_THE_END.search(text, start)
    return text[start : found.start() if found else None].strip()


def begins_quote(line: str) -> bool:
    """Whether a quote may begin with this line of a message."""
    return _FIRST_LINE.match(line) is not None


def ends_quote(line: str) -> bool:
    """Whether this line comes between a quote and its answer, if it is below a quote."""
    return _RULE_LINE.fullmatch(line) is not None


def _after_quote(text: str, start: int) -> int | None:
    """Where the answer to the quote begins that stands at `start`; None: there is no quote."""
    for head, rule in _FORMS:
        if (begins := head.match(text, start)) and (ends := _end(text, begins, rule)):
            return _after_mention(text, ends.end(), begins["name"])
    return None


def _end(text: str, begins: re.Match[str], rule: re.Pattern[str]) -> re.Match[str] | None:
    """The end of a quote, which may hold quotes itself."""
    opens, found = begins["opens"], None
    for number, end in enumerate(rule.finditer(text, begins.start("opens"))):
        if text[end.start()] != _ENDS[opens]:
            continue
        found = end
        if number < _MOST_NESTED and _is_closed(text[begins.end("opens") : end.start()], opens):
            break
    return found


def _is_closed(quoted: str, opens: str) -> bool:
    """Whether no mark is left open in what is quoted, so that the next one that closes is the quote's own."""
    count, closes = quoted.count(opens), _ENDS[opens]
    return count % 2 == 0 if closes == opens else count <= quoted.count(closes)


def _after_mention(text: str, start: int, name: str | None) -> int:
    """Behind the "@NAME" that programs write before an answer."""
    mention = name and re.compile(rf"@{re.escape(name.strip())}(?:\s+|\Z)").match(text, start)
    return mention.end() if mention else start
