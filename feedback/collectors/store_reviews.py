"""Reviews of app stores as records: what the collectors of all of them share."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from feedback.collectors.base import Item, RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.mapping import NOTHING
from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, quoted


@dataclass(frozen=True, slots=True)
class Reply:
    """What the developer answered."""

    text: str
    posted_at: str | None


@dataclass(frozen=True, slots=True)
class Review:
    """One review as its store holds it.

    `version` of the app; `region`: the country's store it was written in; `votes`: how many found it helpful.
    """

    id: str
    text: str
    stars: str | None
    posted_at: str | None
    title: str = ""
    customer: str | None = None
    version: str | None = None
    region: str | None = None
    votes: str | None = None
    reply: Reply | None = None


Found = Review | Unreadable


def items(found: Sequence[Found], where: str, channel: str, config: SourceConfig) -> Iterator[Item]:
    """The records of reviews in turn, a reply after what it answers; `channel` where the source names none.

    A reply has no version: it keeps its date where its review is edited and comes to have another one, so that nothing told which of the two is later.
    """
    kind, channel = config.kind or "review", config.channel or channel
    for review in found:
        if isinstance(review, Unreadable):
            yield review
            continue
        yield Record(
            text=review.text,
            kind=kind,
            channel=channel,
            location=f"{where}:{review.id}",
            source_id=review.id,
            posted_at=review.posted_at,
            customer=review.customer,
            product=config.product,
            version=review.version,
            store=config.store,
            region=review.region,
            question=_title(review),
            votes=review.votes,
            scores=() if review.stars is None else (RawScore("star", review.stars, 1, 5),),
            problems=("it has no rating",) if review.stars is None else (),
        )
        if review.reply is not None:
            reply_id = f"{review.id}/reply"
            yield Record(
                text=review.reply.text,
                kind=kind,
                channel=channel,
                location=f"{where}:{reply_id}",
                source_id=reply_id,
                role="agent",
                posted_at=review.reply.posted_at,
                parent_id=review.id,
                product=config.product,
                store=config.store,
                region=review.region,
            )


def refuse_unreadable(found: Sequence[Found], place: str) -> None:
    """Raises `CollectError` where nothing on a page can be read: then it is the interface that changed, not a review."""
    reasons = [each.reason for each in found if isinstance(each, Unreadable)]
    if reasons and len(reasons) == len(found):
        raise CollectError(f"{place}: no review on this page can be read: {reasons[0]}. Has the interface changed?")


def app_number(settings: SettingsTable, what: str) -> str:
    """The setting `app` of a store that numbers its apps, with or without quotes; `what` says what it is where it is none."""
    written = settings.data.get("app")
    app = str(written) if type(written) is int else settings.string("app")
    if not (app.isascii() and app.isdigit()):
        raise settings.fault(what)
    return app


def codes(settings: SettingsTable, key: str, usual: str, form: str) -> tuple[str, ...]:
    """A list of codes, each once; `usual` where none is named, `form` what one looks like, in capitals or not where it has none."""
    found = settings.strings(key, lone=True) or (usual,)
    if form == form.lower():
        found = tuple(code.lower() for code in found)
    for code in found:
        if not re.fullmatch(form, code):
            raise settings.fault(
                "'{key}' holds {value}. Write codes like '{usual}'", key=key, value=quoted(code), usual=usual
            )
    return tuple(dict.fromkeys(found))


def _title(review: Review) -> str | None:
    """The title, unless the text begins with it."""
    title = review.title.strip()
    return None if title in NOTHING or review.text.startswith(title) else title
