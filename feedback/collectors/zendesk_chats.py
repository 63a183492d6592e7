"""What the customer said in a chat that Zendesk keeps as one comment, a transcript of all that anybody said in it.

    Chat started: 2026-03-01 10:20 AM UTC

    (10:20:33 AM) 阿宝: 灯坏了
    (10:20:50 AM) *** 小林 joined the chat ***
    (10:21:00 AM) 小林: 您好，非常抱歉

Zendesk calls the requester its author, also where it is kept as an internal note. Who joins is an agent, as the customer is there from the
beginning; else who is who is found as in any transcript (`chat/roles.py`), and in doubt nobody's words are the customer's. What has no such
clocks is what one person wrote: a line of it that begins with a word and a colon (物流：慢) is no speaker's.
"""

import re
from collections.abc import Mapping

from feedback.collectors.base import SourceConfig
from feedback.collectors.chat.roles import assign_roles, role_of
from feedback.collectors.live.helpdesk import words_at
from feedback.errors import CollectError
from storage.records import Role

_SAY_WHO = '. If you know who is who, add the names to this source: roles = { "NAME" = "agent" }'
UNSURE = f"it is a chat, and does not tell for certain which lines are the customer's{_SAY_WHO}"
ALL_OTHERS = f"it is a chat in which, as it seems, nothing was said by the customer{_SAY_WHO}"
# "(10:20:33)", "(10:20:33 AM)", "(上午10:20:33)"
_CLOCK = r"\([^\d()\n]{0,4}\d{1,2}:\d\d:\d\d[^\d()\n]{0,6}\)[^\S\n]*+"
_CLOCKED = re.compile(_CLOCK)
# What Zendesk writes before a transcript, or by itself as the comment that such a ticket begins with. Without an address below it, it names
# somebody ("Web User 6ab", "阿宝", "Li Wei") and is no sentence.
_WORD, _PROPER = r"[^\s。！？!?，,]+", r"[^\sa-z。！？!?，,][^\s。！？!?，,]*"
_NAME = rf"(?:Web User \S+|{_WORD}|{_PROPER}(?: {_PROPER})+)"
_STARTED = re.compile(r"Chat started: \d[^\n]*")
_BEGINNING = re.compile(
    rf"(?:(?:Conversation|Chat) with [^\n]+\n\s*URL:\s*\S*|Conversation with {_NAME}(?=\s*(?:\Z|{_CLOCK}))|{_STARTED.pattern})\s*"
)
_NOTICE = re.compile(rf"{_CLOCK}(?P<stars>\*{{1,3}}) (?P<notice>.+) (?P=stars)\s*")
_SPOKEN = re.compile(rf"{_CLOCK}(?P<name>[^\n]+?)(?:：|:(?=\s|$))\s*(?P<words>.*)")
_JOINED = re.compile(r"(?P<name>.+?)(?: has joined\b| joined\b|已?加入).*")
# With a rating, which customers alone give.
_RATED = re.compile(r"(?P<name>.+?)(?: has)? left (?:a|the) comment: (?P<words>.+)")
_UPLOADED = re.compile(r".+ uploaded .+")  # what stands below it is the file's: address, type, size
_ALONE = ("email", "web", "api")  # by which one person writes


class NotTold(CollectError):
    """It can't be told what the customer said; the message says why, and shows nothing of it."""


def is_chat(comment: object, text: str) -> bool:
    """Whether it is a transcript, or the beginning of one, by its form: by messengers, of which Zendesk has many and names new ones, too.

    There it begins with what Zendesk writes above one or with a clock: below words of their own people paste what others said.
    """
    channel = words_at(comment, "via", "channel")
    if channel in _ALONE or not _is_transcript(text):
        return False
    return "chat" in channel or "messag" in channel or bool(_BEGINNING.match(text) or _CLOCKED.match(text.lstrip()))


def _is_transcript(text: str) -> bool:
    return bool(_BEGINNING.match(text)) or any(
        _NOTICE.fullmatch(line) or _SPOKEN.fullmatch(line) for line in text.splitlines()
    )


def said_by_customer(text: str, config: SourceConfig) -> str:
    """The words of the customer, "" for what Zendesk writes at the beginning; `NotTold` where they are not known for certain."""
    if not _is_transcript(text):
        return text
    beginning = _BEGINNING.match(text)
    lines = text[beginning.end() if beginning else 0 :].splitlines()
    if not lines:
        return ""
    said, joined = _turns(lines)
    roles = _roles(said, joined, config.roles)
    customers = [name for name in said if roles.get(name) == "customer"]
    if len(customers) > 1 or not roles.keys() >= said.keys():
        raise NotTold(UNSURE)
    words = "\n".join(line for name in customers for line in said[name]).strip()
    if not words:
        raise NotTold(ALL_OTHERS)
    return words


def _turns(lines: list[str]) -> tuple[dict[str, list[str]], set[str]]:
    """What each name said, and the names that joined. Raises `NotTold` where a line is nobody's."""
    said: dict[str, list[str]] = {}
    joined: set[str] = set()
    saying: list[str] | None = None
    for line in lines:
        if notice := _NOTICE.fullmatch(line):
            saying = [] if _UPLOADED.fullmatch(notice["notice"]) else None
            if rated := _RATED.fullmatch(notice["notice"]):
                said.setdefault(rated["name"].strip(), []).append(rated["words"])
            elif who := _JOINED.fullmatch(notice["notice"]):
                joined.add(who["name"].strip())
        elif _STARTED.fullmatch(line):  # another session
            saying = None
        elif spoken := _SPOKEN.fullmatch(line):
            saying = said.setdefault(spoken["name"].strip(), [])
            saying.append(spoken["words"])
        elif saying is not None and not _CLOCKED.match(line):
            saying.append(line)
        elif line.strip():
            raise NotTold(UNSURE)
    return said, joined


def _roles(names: Mapping[str, object], joined: set[str], configured: Mapping[str, Role]) -> Mapping[str, Role]:
    """Of those names that can be placed."""
    agents: dict[str, Role] = {name: "agent" for name in joined if role_of(name, configured) is None}
    return assign_roles({**names, **agents}, {**configured, **agents})[0]
