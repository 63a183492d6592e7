"""企业微信会话存档: the decrypted messages of WeCom's conversation archive, one JSON object a line.

Fields: https://developer.work.weixin.qq.com/document/path/91774. Accounts outside the company have ids that start with
wm or wo (people) and wb (robots); a msgid that ends in _external only says that such an account takes part,
employees' own messages to it included.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.chat.lines import fingerprint
from feedback.collectors.chat.values import as_id, as_list, as_map, as_words
from storage.records import Role

# Employees choose their own ids ("wolf", "woody"); an outside id mixes cases, digits or signs.
_OUTSIDE = re.compile(r"w[mo](?=.*[A-Z0-9_-])")
_ROBOT = re.compile(r"wb(?=.*[A-Z0-9_-])")

# Types that hold nobody's words, or words of others (forwarded records, articles).
_WORDLESS = frozenset(
    (
        *("image", "voice", "video", "card", "location", "emotion", "file", "link", "weapp", "chatrecord", "todo"),
        *("vote", "collect", "redpacket", "external_redpacket", "meeting", "meeting_notification", "docmsg", "news"),
        *("calendar", "meeting_voice_call", "voip_doc_share", "voiptext", "sphfeed", "qydiskfile"),
        *("agree", "disagree"),
    )
)


class ArchiveReader:
    """Reads archive messages; conversations are rooms, or the two parties of a direct chat. They have no turns: see `chat`."""

    shape = "a 企业微信 archive message: 'msgid' and 'action' are missing"

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._channel = config.channel or "wecom"
        self._kind = config.kind or "chat"
        self._unclear: set[str] = set()

    @staticmethod
    def fits(value: dict[str, object]) -> bool:
        return "msgid" in value and "action" in value

    def read(self, value: dict[str, object], location: str) -> Iterator[Item] | None:
        return self._items(value, location) if self.fits(value) else None

    def _items(self, message: dict[str, object], location: str) -> Iterator[Item]:
        action = message["action"]
        if action == "send":
            yield from self._sent(message, location)
        elif action == "recall":
            recalled = as_id(as_map(message.get("revoke")).get("pre_msgid"))
            if recalled:
                yield Withdrawn(recalled, location)
            else:
                yield Unreadable(location, "a recall that does not say of which message (revoke.pre_msgid)")
        elif action != "switch":  # an employee changing devices says nothing
            yield Unreadable(location, f"unknown action {action!r}; known are send, recall, switch")

    def _sent(self, message: dict[str, object], location: str) -> Iterator[Item]:
        message_id, sender = as_id(message["msgid"]), as_id(message.get("from"))
        if not sender:
            yield Unreadable(location, "no sender ('from')", message_id)
            return
        receivers = [as_id(receiver) for receiver in as_list(message.get("tolist"))]
        conversation = as_id(message.get("roomid")) or fingerprint(*sorted({sender, *receivers}))
        message_type = as_id(message.get("msgtype"))
        words = _words(message, message_type)
        if words is None:
            if message_type not in _WORDLESS:
                yield Unreadable(location, f"no words found in a message of type '{message_type}'", message_id)
            return
        role, problems = self._role(sender, receivers, message_id)
        yield Record(
            text=words,
            kind=self._kind,
            channel=self._channel,
            location=location,
            source_id=message_id or None,
            role=role,
            posted_at=as_id(message.get("msgtime")) or None,
            conversation_id=conversation,
            customer=sender if role == "customer" else None,
            product=self._config.product,
            store=self._config.store,
            problems=problems,
        )

    def _role(self, sender: str, receivers: list[str], message_id: str) -> tuple[Role, tuple[str, ...]]:
        if sender in self._config.roles:
            return self._config.roles[sender], ()
        if _OUTSIDE.match(sender):
            return "customer", ()
        if _ROBOT.match(sender):
            return "bot", ()
        inside = not any(self._is_outside(party) for party in (sender, *receivers))
        if inside and message_id.endswith("_external") and sender not in self._unclear:
            self._unclear.add(sender)
            reason = (
                "can't tell whether who sent this ('from') is a customer (no id here starts with wm or wo); taken as "
                'agent. To change it: roles = { "ID" = "customer" }'
            )
            return "agent", (reason,)
        return "agent", ()

    def _is_outside(self, party: str) -> bool:
        return party in self._config.roles or _OUTSIDE.match(party) is not None or _ROBOT.match(party) is not None


def _words(message: dict[str, object], message_type: str) -> str | None:
    if message_type == "mixed":
        return _mixed_words(as_list(as_map(message.get("mixed")).get("item")))
    # Markdown has its words under "info"; voice has them only when a transcription was added.
    body = as_map(message.get("info" if message_type == "markdown" else message_type))
    if message_type in ("text", "markdown", "voice"):
        return as_words(body.get("content"))
    return None


def _mixed_words(items: list[object]) -> str | None:
    """The texts among text and images; their content is JSON within JSON, or already an object or plain text."""
    texts: list[str] = []
    for item in map(as_map, items):
        if item.get("type") != "text":
            continue
        content = item.get("content")
        if isinstance(content, str) and content.lstrip().startswith("{"):
            with suppress(ValueError, RecursionError):
                content = json.loads(content)
        text = as_words(as_map(content).get("content")) if isinstance(content, dict) else as_words(content)
        if text:
            texts.append(text.strip("\n"))
    if not texts and items:
        return ""
    return "\n".join(texts) if items else None
