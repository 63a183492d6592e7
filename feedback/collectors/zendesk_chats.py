"""What the customer said in a chat that Zendesk keeps as one comment, a transcript of all that anybody said in it.

    (10:20:33) 阿宝: 灯坏了
    (10:20:50) 客服小林: 您好，非常抱歉

Zendesk calls the requester its author. Who is who is found as in any transcript (`chat/roles.py`); in doubt nobody's words are the customer's.
"""

import re

from feedback.collectors.base import Record, SourceConfig, Unreadable
from feedback.collectors.chat import transcript
from feedback.collectors.chat.lines import TextFile
from feedback.collectors.live.helpdesk import words_at
from feedback.errors import CollectError

UNSURE = "it is a chat, and does not tell for certain which lines are the customer's"
# Of the comment that such a ticket begins with, and of the line that a transcript may begin with.
_HEAD = re.compile(r"(?:Conversation|Chat) with [^\n]+\s*\nURL:\s*\S*")
_BEGINNING = re.compile(r"Chat started:[^\n]*\s*")
_SPOKEN = re.compile(r"^\(\d{1,2}:\d{2}[^)\n]*\)", re.MULTILINE)
_UNDATED = (transcript.NO_DATES, transcript.ONLY_DAYS)


def is_chat(comment: object) -> bool:
    """Whether it came by a chat or a messenger: "chat", "native_messaging", "wechat" …"""
    channel = words_at(comment, "via", "channel")
    return "chat" in channel or "messag" in channel


def said_by_customer(text: str, config: SourceConfig) -> str | None:
    """The words of the customer, "" where there are none; None where it can't be told for certain which they are."""
    text = _BEGINNING.sub("", text, count=1) if _BEGINNING.match(text) else text
    if _HEAD.fullmatch(text):
        return ""
    try:
        found = transcript.collect(TextFile.pasted(text), config)
        items = None if found is None else list(found)
    except CollectError:  # who is who
        return None
    if items is None:
        return None if _SPOKEN.search(text) else text
    said = [item for item in items if isinstance(item, Record) and item.role == "customer"]
    doubts = [problem for item in items if isinstance(item, Record) for problem in item.problems]
    one_customer = len({item.customer for item in said}) < 2
    if any(isinstance(item, Unreadable) for item in items) or set(doubts).difference(_UNDATED) or not one_customer:
        return None
    return "\n".join(item.text for item in said).strip()
