"""Chatwoot's messages and survey answers as records.

A message is known by its number, which rises through the whole server; so it serves as its turn, too: a long conversation need not be
read from its beginning to know what comes after what.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.live.helpdesk import NOTHING_OF_ITS_OWN, at, id_at, turn_of, words_at
from feedback.collectors.mail_text import own_words
from feedback.collectors.objects import Object
from storage.records import Role

CONVERSATIONS, SURVEY = "conversations", "csat"
_NO_OBJECT = "it is not an object"
# Numbers as the interface gives them, names as webhooks do. What a conversation went through and what templates ask is nobody's words.
_DIRECTIONS = {"0": "in", "incoming": "in", "1": "out", "outgoing": "out"}
_NO_WORDS = ("2", "activity", "3", "template")


@dataclass(frozen=True, slots=True)
class Desk:
    """Makes records of what one source holds."""

    config: SourceConfig

    def messages(self, messages: Iterable[object], conversation_id: str, contact: str | None) -> Iterator[Item]:
        """What was said to or by a customer; `contact` is who that is, where a message itself does not tell."""
        for message in messages:
            message_id = id_at(message, "id")
            if not isinstance(message, dict) or message_id is None:
                reason = "the message has no id" if isinstance(message, dict) else _NO_OBJECT
                yield Unreadable(f"{CONVERSATIONS}:{conversation_id}", reason, words_at(message, "content"))
            else:
                yield from self._message(message, message_id, conversation_id, contact)

    def _message(self, message: Object, message_id: str, conversation_id: str, contact: str | None) -> Iterator[Item]:
        location, text = f"{CONVERSATIONS}:{message_id}", words_at(message, "content")
        message_type = id_at(message, "message_type") or ""
        direction = _DIRECTIONS.get(message_type)
        if message.get("private") is True or message_type in _NO_WORDS:
            return
        if direction is None:
            yield Unreadable(location, f"its message_type is not known here: '{message_type}'", text)
        elif at(message, "content_attributes", "deleted") is True:
            yield Withdrawn(message_id, location)
        elif text and message.get("content_type") == "incoming_email" and not (text := own_words(text)):
            yield Unreadable(location, NOTHING_OF_ITS_OWN)
        elif text:
            role = _role(direction, message)
            sender = id_at(message, "sender", "id") or id_at(message, "sender_id")
            yield Record(
                text=text,
                kind=self.config.kind or "chat",
                channel=self.config.channel or "chatwoot",
                location=location,
                source_id=message_id,
                role=role,
                posted_at=id_at(message, "created_at"),
                conversation_id=conversation_id,
                turn=turn_of(message_id),
                customer=(sender or contact) if role == "customer" else None,
                product=self.config.product,
                store=self.config.store,
            )

    def survey_answers(self, answers: Iterable[object], where: str = SURVEY) -> Iterator[Item]:
        """Each rating, what the customer wrote to it as the text."""
        for number, answer in enumerate(answers, 1):
            answer_id = id_at(answer, "id")
            if not isinstance(answer, dict) or answer_id is None:
                reason = "the survey answer has no id" if isinstance(answer, dict) else _NO_OBJECT
                yield Unreadable(f"{where}:#{number}", reason, words_at(answer, "feedback_message"))
                continue
            yield Record(
                text=words_at(answer, "feedback_message"),
                kind=self.config.kind or "chat",
                channel=self.config.channel or "chatwoot",
                location=f"{SURVEY}:{answer_id}",
                source_id=f"csat-{answer_id}",
                posted_at=id_at(answer, "created_at"),
                conversation_id=id_at(answer, "conversation_id"),
                turn=turn_of(id_at(answer, "message_id")),
                customer=id_at(answer, "contact", "id"),
                product=self.config.product,
                store=self.config.store,
                scores=(RawScore("csat", id_at(answer, "rating") or "", 1, 5),),
            )

    def saved(self, where: str, answer: Object) -> Iterator[Item]:
        """What an answer that was saved holds; `where` it is."""
        if "rating" in answer:
            yield from self.survey_answers([answer], where)
            return
        messages = [answer] if "message_type" in answer else at(answer, "payload")
        if not isinstance(messages, list):
            yield Unreadable(where, "it holds neither messages nor survey answers")
            return
        contact = id_at(answer, "meta", "contact", "id") or id_at(answer, "meta", "contact_id")
        for message in messages:
            conversation_id = id_at(message, "conversation_id")
            if conversation_id is None:
                yield Unreadable(
                    where, "a message does not say which conversation it is of", words_at(message, "content")
                )
            else:
                yield from self.messages([message], conversation_id, contact)


def _role(direction: str, message: Object) -> Role:
    """A customer writes in; who writes out is a person of the company, else a bot or a rule."""
    if direction == "in":
        return "customer"
    sender = words_at(message, "sender_type") or words_at(message, "sender", "type")
    return "agent" if sender.lower() == "user" else "bot"
