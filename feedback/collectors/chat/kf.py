"""微信客服: the messages of `kf/sync_msg`, in its answers, saved as JSON or JSON Lines or fresh from the interface, or one a line.

Fields: https://developer.work.weixin.qq.com/document/path/94670. Recalls come as events that name the message:
`user_recall_msg` and `servicer_recall_msg` with `recall_msgid`.
"""

from collections.abc import Iterator

from feedback.collectors.base import Item, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.chat.lines import fingerprint
from feedback.collectors.chat.values import as_id, as_list, as_map, as_words
from storage.records import Role

_ROLES: dict[str, Role] = {"3": "customer", "4": "bot", "5": "agent"}
_RECALLS = ("user_recall_msg", "servicer_recall_msg")
_WORDLESS = frozenset(
    (
        *("image", "voice", "video", "file", "location", "link", "business_card", "miniprogram", "msgmenu", "note"),
        *("channels", "channels_shop_product", "channels_shop_order", "merged_msg", "meeting", "schedule", "ca_link"),
    )
)


class KfReader:
    """Reads answers or messages; a conversation is a customer with one service account (`open_kfid`).

    They have no turns, as answers overlap and conversations grow: see `chat`.
    """

    shape = "a 微信客服 answer ('msg_list') or message ('msgid', 'open_kfid')"

    def __init__(self, config: SourceConfig) -> None:
        self._config = config
        self._channel = config.channel or "wechat"
        self._kind = config.kind or "chat"

    @staticmethod
    def fits(value: dict[str, object]) -> bool:
        if "msg_list" in value:
            return isinstance(value["msg_list"], list)
        if value.get("msgtype") == "event":
            return "event" in value
        return "msgid" in value and ("open_kfid" in value or "external_userid" in value)

    def read(self, value: dict[str, object], location: str) -> Iterator[Item] | None:
        if self.fits(value):
            return self._items(value, location)
        return iter([_refused(value, location)]) if "errcode" in value else None

    def _items(self, value: dict[str, object], location: str) -> Iterator[Item]:
        if "msg_list" not in value:
            yield from self.message(value, location)
            return
        if value.get("errcode") not in (None, 0):
            yield _refused(value, location)
        for number, message in enumerate(as_list(value["msg_list"]), 1):
            yield from self.message(message, f"{location}, message {number}")

    def message(self, message: object, location: str) -> Iterator[Item]:
        """What one entry of `msg_list` comes to: nothing for events and what holds no words.

        A record has no `source_id` where the message has no id.
        """
        if not isinstance(message, dict):
            yield Unreadable(location, "not a message but " + type(message).__name__)
            return
        message_id, message_type = as_id(message.get("msgid")), as_id(message.get("msgtype"))
        if message_type == "event":
            event = as_map(message.get("event"))
            if event.get("event_type") in _RECALLS:
                recalled = as_id(event.get("recall_msgid"))
                yield (
                    Withdrawn(recalled, location)
                    if recalled
                    else Unreadable(location, "a recall that does not say of which message (event.recall_msgid)")
                )
            return
        account, customer = as_id(message.get("open_kfid")), as_id(message.get("external_userid"))
        if not customer:
            yield Unreadable(location, "no customer ('external_userid')", message_id)
            return
        conversation = fingerprint(account, customer)
        words = as_words(as_map(message.get("text")).get("content")) if message_type == "text" else None
        if words is None:
            if message_type not in _WORDLESS:
                yield Unreadable(location, f"no words found in a message of type '{message_type}'", message_id)
            return
        servicer = as_id(message.get("servicer_userid"))
        origin = as_id(message.get("origin"))
        role = self._config.roles.get(servicer if origin == "5" else "", _ROLES.get(origin))
        if role is None:
            reason = f"origin {message.get('origin')!r} is none of 3 (customer), 4 (system), 5 (servicer)"
            yield Unreadable(location, reason, message_id)
            return
        yield Record(
            text=words,
            kind=self._kind,
            channel=self._channel,
            location=location,
            source_id=message_id or None,
            role=role,
            posted_at=as_id(message.get("send_time")) or None,
            conversation_id=conversation,
            customer=customer if role == "customer" else None,
            product=self._config.product,
            store=self._config.store,
        )


def _refused(value: dict[str, object], location: str) -> Unreadable:
    return Unreadable(location, f"the answer is an error: {value.get('errcode')} {value.get('errmsg', '')}".strip())
