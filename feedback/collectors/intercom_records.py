"""Intercom's conversations as records: the message that began one is its `source`, the others are its parts."""

from collections.abc import Iterator
from dataclasses import dataclass

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.html_text import text_of_html
from feedback.collectors.live.helpdesk import NOTHING_OF_ITS_OWN, at, count_at, id_at, object_at, words_at
from feedback.collectors.mail_text import own_words
from feedback.collectors.objects import Object
from storage.records import Role

STREAM = "conversations"
_CUT = (
    "the interface gives its last 500 parts alone: what was said before them is there only if it was collected earlier"
)
_ROLES: dict[str, Role] = {
    "user": "customer",
    "lead": "customer",
    "contact": "customer",
    "admin": "agent",
    "team": "agent",
    "bot": "bot",
}
# Notes, assignments and the like are no words to a customer; what opens a conversation again may be a customer's reply.
_SPOKEN: dict[Role | None, tuple[str, ...]] = {"customer": ("comment", "open")}
_SPOKEN_BY_OTHERS = ("comment",)


@dataclass(frozen=True, slots=True)
class Desk:
    """Makes records of what one source holds."""

    config: SourceConfig

    def items(self, conversation: object, where: str) -> Iterator[Item]:
        """What was said in a conversation, and its rating; `where` to find it if it has no id."""
        conversation_id = id_at(conversation, "id")
        if not isinstance(conversation, dict) or conversation_id is None:
            yield Unreadable(where, "it is not a conversation with an id")
            return
        began = {"part_type": "comment", "created_at": at(conversation, "created_at")}
        source = {**began, **object_at(conversation, "source")}
        said = _Said(self.config, conversation_id, source.get("type") == "email")
        yield from said.item(source, f"conversation-{conversation_id}", 1)
        parts = at(conversation, "conversation_parts", "conversation_parts")
        if not isinstance(parts, list):
            yield Unreadable(f"{STREAM}:{conversation_id}", "it is without its parts, as conversations in lists are")
            return
        earlier = max(0, (count_at(conversation, "conversation_parts", "total_count") or 0) - len(parts))
        if earlier:
            yield Unreadable(f"{STREAM}:{conversation_id}", _CUT)
        for place, part in enumerate(parts, 2 + earlier):
            part_id = id_at(part, "id")
            if part_id is None:
                words = text_of_html(words_at(part, "body"))
                yield Unreadable(f"{STREAM}:{conversation_id}", f"part {place - 1} has no id", words)
            else:
                yield from said.item(object_at(part), f"part-{part_id}", place)
        yield from self._rating(object_at(conversation, "conversation_rating"), conversation_id)

    def _rating(self, rating: Object, conversation_id: str) -> Iterator[Item]:
        """The rating, where one was given: it is there without a number when it was only asked for."""
        score, source_id = id_at(rating, "rating"), f"rating-{conversation_id}"
        if score is None:
            return
        yield Record(
            text=words_at(rating, "remark"),
            kind=self.config.kind or "chat",
            channel=self.config.channel or "intercom",
            location=f"{STREAM}:{source_id}",
            source_id=source_id,
            posted_at=id_at(rating, "updated_at") or id_at(rating, "created_at"),
            conversation_id=conversation_id,
            customer=id_at(rating, "contact", "id"),
            product=self.config.product,
            store=self.config.store,
            scores=(RawScore("csat", score, 1, 5),),
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """Makes records of the messages of one conversation. `by_mail`: it was begun by a mail."""

    config: SourceConfig
    conversation_id: str
    by_mail: bool

    def item(self, message: Object, source_id: str, place: int) -> Iterator[Item]:
        """The message, unless it is a note, an event or a picture without words."""
        location, author = f"{STREAM}:{source_id}", words_at(message, "author", "type")
        role = _ROLES.get(author)
        if words_at(message, "part_type") not in _SPOKEN.get(role, _SPOKEN_BY_OTHERS):
            return
        by_mail = self.by_mail or bool(object_at(message, "email_message_metadata"))
        words = text_of_html(words_at(message, "body"), quotes=by_mail)
        text = own_words(words) if by_mail else words
        if message.get("redacted") is True:
            yield Withdrawn(source_id, location)
        elif words and not text:
            yield Unreadable(location, NOTHING_OF_ITS_OWN)
        elif text and role is None:
            yield Unreadable(location, f"its author is of a kind that is not known here: '{author}'", text)
        elif text and role is not None:
            yield Record(
                text=text,
                kind=self.config.kind or "chat",
                channel=self.config.channel or "intercom",
                location=location,
                source_id=source_id,
                role=role,
                posted_at=id_at(message, "created_at"),
                conversation_id=self.conversation_id,
                turn=place,
                customer=id_at(message, "author", "id") if role == "customer" else None,
                product=self.config.product,
                store=self.config.store,
            )
