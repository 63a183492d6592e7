"""Zendesk's tickets, comments and ratings as records.

A comment is known by the number of its ticket and its place among all comments there, private ones included: "35436-2". Comments are
only ever added at the end, and of a deleted ticket Zendesk tells its number and how many comments it had, but none of theirs.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable, Withdrawn
from feedback.collectors.live.helpdesk import NOTHING_OF_ITS_OWN, at, count_at, id_at, words_at
from feedback.collectors.mail_text import own_words
from feedback.collectors.objects import Object
from feedback.collectors.zendesk_chats import NotTold, is_chat, said_by_customer
from storage.records import Role

TICKETS, RATINGS = "tickets", "satisfaction_ratings"
_NO_OBJECT = "it is not an object"
_SYSTEM = "-1"  # whom Zendesk names as the author of what it writes by itself
_UNCOUNTED = 50  # comments that are withdrawn of a deleted ticket that does not tell how many it had
_MOST_COMMENTS = 5000  # that a ticket can have
_SCORES = {"good": "1", "bad": "0"}
_NOT_GIVEN = ("offered", "unoffered")

_STAFF = ("agent", "admin")  # roles of users; the others are "end-user"
# What Zendesk writes above the reply to a ticket that was closed, which makes a new one.
_FOLLOWS = re.compile(
    r'\A\s*This is a follow-up to your previous request #\d+(?:[^\S\n]*(?:"[^\n]*"(?=\s*(?:\n|\Z))|"[^"\n]*"))?\s*'
)

# The pages of a ticket's `comments`, the oldest first, each with the `users` who wrote them where they are known.
Comments = Callable[[Object], Iterable[Object]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Makes records of what one source holds."""

    config: SourceConfig

    def ticket(self, ticket: object, location: str, comments: Comments) -> Iterator[Item]:
        """Its public comments; of a deleted one that they are void."""
        if not isinstance(ticket, dict):
            yield Unreadable(location, _NO_OBJECT)
            return
        ticket_id, requester = id_at(ticket, "id"), id_at(ticket, "requester_id") or id_at(ticket, "requester", "id")
        if ticket_id is None:
            yield Unreadable(location, "the ticket has no id")
        elif ticket.get("status") == "deleted":
            yield from _void(ticket_id, ticket)
        elif requester is None:
            yield Unreadable(f"{TICKETS}:{ticket_id}", "the ticket does not say who asked (requester_id)")
        else:
            places = count(1)
            for page in comments(ticket):
                customer = None if requester in _staff(page) else requester
                for comment in _list(page, "comments"):
                    yield from self._comment(ticket_id, next(places), comment, customer)

    def _comment(self, ticket_id: str, place: int, comment: object, customer: str | None) -> Iterator[Item]:
        """`customer`: who asked; None where one of the staff did."""
        location = f"{TICKETS}:{ticket_id}-{place}"
        if not isinstance(comment, dict):
            yield Unreadable(location, _NO_OBJECT)
            return
        public, author = comment.get("public"), id_at(comment, "author_id")
        text = words_at(comment, "plain_body") or words_at(comment, "body")
        if comment.get("type") == "VoiceComment" or not text:
            return  # the log of a call, a picture without words
        role: Role = "customer" if author and author == customer else "bot" if author == _SYSTEM else "agent"
        if role == "customer":
            text = _FOLLOWS.sub("", text)
        chat = role == "customer" and is_chat(comment, text)
        if public is False and not chat:
            return  # a private note
        if not isinstance(public, bool):
            yield Unreadable(location, "the comment does not say whether it is public")
            return
        if text and at(comment, "via", "channel") == "email" and not (text := own_words(text)):
            yield Unreadable(location, NOTHING_OF_ITS_OWN)
            return
        if chat:
            try:
                text = said_by_customer(text, self.config)
            except NotTold as reason:
                yield Unreadable(location, str(reason))
                text = ""
        if not text:  # an earlier version may have stored the whole of it
            yield Withdrawn(f"{ticket_id}-{place}", location, for_good=False)
            return
        yield Record(
            text=text,
            kind=self.config.kind or "ticket",
            channel=self.config.channel or "zendesk",
            location=location,
            source_id=f"{ticket_id}-{place}",
            role=role,
            posted_at=id_at(comment, "created_at"),
            conversation_id=ticket_id,
            turn=place,
            customer=author if role == "customer" else None,
            product=self.config.product,
            store=self.config.store,
        )

    def ratings(self, ratings: Iterable[object], where: str = RATINGS) -> Iterator[Item]:
        """Each rating that was given, its comment as the text."""
        for number, rating in enumerate(ratings, 1):
            rating_id, score = id_at(rating, "id"), words_at(rating, "score")
            if not isinstance(rating, dict) or rating_id is None:
                yield Unreadable(
                    f"{where}:#{number}", "the rating has no id" if isinstance(rating, dict) else _NO_OBJECT
                )
                continue
            if score in _NOT_GIVEN:
                continue
            yield Record(
                text=words_at(rating, "comment"),
                kind=self.config.kind or "ticket",
                channel=self.config.channel or "zendesk",
                location=f"{RATINGS}:{rating_id}",
                source_id=f"rating-{rating_id}",
                posted_at=id_at(rating, "created_at"),
                conversation_id=id_at(rating, "ticket_id"),
                customer=id_at(rating, "requester_id"),
                product=self.config.product,
                store=self.config.store,
                scores=(RawScore("csat", _SCORES.get(score, score), 0, 1),),
            )

    def saved(self, where: str, answer: Object) -> Iterator[Item]:
        """What an answer that was saved holds, be it a list or one of its members; `where` it is."""
        within = next((key for key in (TICKETS, RATINGS) if isinstance(answer.get(key), list)), None)
        if within == RATINGS or "score" in answer:
            yield from self.ratings(_list(answer, RATINGS), where)
        elif within == TICKETS or "requester_id" in answer or "requester" in answer:
            users = _list(answer, "users") if answer.get("users") else []
            for number, ticket in enumerate(_list(answer, TICKETS), 1):
                yield from self.ticket(ticket, f"{where}.{number}", partial(_comments_within, users))
        else:
            yield Unreadable(where, f"it holds neither '{TICKETS}' nor '{RATINGS}'")


def _list(answer: Object, key: str) -> list[object]:
    found = answer.get(key)
    return found if isinstance(found, list) else [answer]


def _void(ticket_id: str, ticket: Object) -> Iterator[Withdrawn]:
    """What may have been stored of a ticket that was deleted. It had a comment at least: a count of none says nothing.

    It may be restored, and its comments are told again then. Its rating may be told whether it is or not.
    """
    last = min(count_at(ticket, "comment_count") or _UNCOUNTED, _MOST_COMMENTS)
    for place in range(1, last + 1):
        yield Withdrawn(f"{ticket_id}-{place}", f"{TICKETS}:{ticket_id}-{place}", for_good=False)
    if rating_id := id_at(ticket, "satisfaction_rating", "id"):
        yield Withdrawn(f"rating-{rating_id}", f"{TICKETS}:rating-{rating_id}")


def _staff(page: Object) -> set[str | None]:
    """The ids of those of its users who work for the company."""
    users = page.get("users")
    return {id_at(each, "id") for each in users if at(each, "role") in _STAFF} if isinstance(users, list) else set()


def _comments_within(users: list[object], ticket: Object) -> list[Object]:
    """The comments that stand in a ticket; where there are none its description, which is the first of them."""
    known, comments = [*users, at(ticket, "requester")], at(ticket, "comments")
    if isinstance(comments, list):
        return [{"comments": comments, "users": known}]
    author = id_at(ticket, "submitter_id") or id_at(ticket, "requester_id") or id_at(ticket, "requester", "id")
    public, posted_at = at(ticket, "is_public") is not False, at(ticket, "created_at")
    told = {"public": public, "author_id": author, "created_at": posted_at, "via": at(ticket, "via")}
    return [{"comments": [told | {"body": at(ticket, "description")}], "users": known}]
