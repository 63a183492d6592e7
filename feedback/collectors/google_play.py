"""Reviews of Google Play, the newest first, in the countries and languages that are named. No key: where robots.txt allows it.

A review keeps its id when it is edited, and comes up among the newest. An answer of the developer shows on the review, which stays where
it is: so each run looks three days further back than what it knows.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.google_play_wire import NoList, Wire, load_wire
from feedback.collectors.grids import cell_text
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.newest_first import Walk
from feedback.collectors.live.paging import MOST_PAGES
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.robots import Robots
from feedback.collectors.live.web import Refused, Web
from feedback.collectors.objects import read_each, read_json
from feedback.collectors.store_reviews import Found, Reply, Review, codes, items, refuse_unreadable
from feedback.dates import DateReader, UnknownDate
from feedback.errors import CollectError

CHANNEL = "Google Play"
OVERLAP = timedelta(days=3)
_SETTINGS = frozenset({"app", "countries", "languages", "url"})
_EXPIRED = (400, 404, 410)  # what may be said to a page that is no longer known

_STARTED_OVER = (
    "{}: the place where the last run was cut off is no longer known: asked again from the newest, nothing is lost"
)
_NOTHING = "{}: Google Play shows no reviews. Are 'app', 'countries' and 'languages' right?"
_GAP = "{}: the list ended before it came to what the last run saw. The next run asks for all of this again"


class GooglePlayCollector:
    private_names = False
    redated = True

    def __init__(self) -> None:
        self._robots = Robots()

    def streams(self, visit: Visit) -> list[str]:
        """The languages of each country."""
        settings = _Settings.of(visit)
        return [f"{country}-{language}" for country in settings.countries for language in settings.languages]

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """The pages that a run before was cut off in, then what is new, the newest first."""
        reached, wire = Reached.read(state), load_wire()
        self._check(stream, visit, wire)
        if reached.resume is not None:
            try:
                reached = yield from _walk(stream, reached, visit, wire, self._web(visit))
            except (Refused, NoList) as refused:
                if isinstance(refused, Refused) and refused.status not in _EXPIRED:
                    raise
                yield Page([], None, (_STARTED_OVER.format(stream),))
        yield from _walk(stream, Reached(reached.since), visit, wire, self._web(visit))

    def _web(self, visit: Visit) -> Web:
        return Web(patience=visit.patience, may_follow=lambda url: self._robots.check(url, visit.patience))

    def _check(self, stream: str, visit: Visit, wire: Wire) -> None:
        """All pages of a stream have the same address: what differs is sent as a form."""
        settings = _Settings.of(visit)
        country, _, language = stream.partition("-")
        request = wire.write(settings.app, country, language, None)
        self._robots.check(settings.url + request.path, visit.patience, request.query)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The reviews of a JSON list, as the package gives them. A time without a zone is local to the project."""
        _Settings.of(visit)
        dates = DateReader(visit.timezone, visit.now)
        return read_each(
            read_json(path),
            lambda where, review: items([_review(review, where, dates)], path.name, CHANNEL, visit.config),
        )


@dataclass(frozen=True, slots=True)
class _Settings:
    app: str
    countries: tuple[str, ...]
    languages: tuple[str, ...]
    url: str

    @classmethod
    def of(cls, visit: Visit) -> "_Settings":
        settings = visit.settings
        settings.refuse_unknown(set(_SETTINGS))
        app = settings.string("app")
        if not re.fullmatch(r"[A-Za-z]\w*(\.\w+)+", app, re.ASCII):
            raise settings.fault(
                "'app' is the name of the app's package: com.example.app of play.google.com/store/apps/details?id=com.example.app"
            )
        return cls(
            app=app,
            countries=codes(settings, "countries", "us", "[a-z]{2}"),
            languages=codes(settings, "languages", "zh-CN", "[a-z]{2,3}([-_][A-Za-z0-9]{2,4})?"),
            url=base_address(settings, "https://play.google.com"),
        )


def _walk(stream: str, reached: Reached, visit: Visit, wire: Wire, web: Web) -> Generator[Page, None, Reached]:
    """Pages from where it was cut off, else from the newest, down to what is known; gives what was reached in the end."""
    settings, dates = _Settings.of(visit), DateReader(visit.timezone, visit.now)
    country, _, language = stream.partition("-")
    walk, seen, after = Walk(visit, reached, OVERLAP), set[str](), reached.resume
    for _ in range(MOST_PAGES):
        begins = after is None
        request = wire.write(settings.app, country, language, after)
        answer = web.post(settings.url + request.path, request.query, form=request.form)
        got = wire.read(answer)
        found = [_review(each, f"{stream}:#{number}", dates) for number, each in enumerate(got.reviews, 1)]
        refuse_unreadable(found, answer.place)
        over = walk.see([each.posted_at for each in found if isinstance(each, Review)])
        page = list(items(found, stream, CHANNEL, visit.config))
        after = got.after
        if over or after is None:
            # A fault on their side looks like the end of the list: then nothing is taken for known.
            ends_well = over or not (walk.has_gap or (begins and not found))
            notes = () if ends_well else ((_GAP if found or not begins else _NOTHING).format(stream),)
            done = walk.done() if ends_well else Reached(reached.since)
            yield Page(page, done.text() if ends_well else None, notes)
            return done
        if after in seen:
            break
        seen.add(after)
        yield Page(page, walk.underway(after).text())
    raise CollectError(f"{settings.url} names the same next page of {stream} again and again. Run this again later.")


def _review(listed: Mapping[str, object], where: str, dates: DateReader) -> Found:
    """A review as the package gives it. Its name of the person is none that only one has: it is not kept."""
    review_id, reply = listed.get("reviewId"), _text(listed.get("replyContent"))
    if not isinstance(review_id, str) or not review_id:
        return Unreadable(where, "it has no id", _text(listed.get("content")))
    return Review(
        id=review_id,
        text=_text(listed.get("content")),
        stars=cell_text(listed.get("score")) or None,
        posted_at=_moment(listed.get("at"), dates),
        version=_text(listed.get("reviewCreatedVersion")) or None,
        votes=cell_text(listed.get("thumbsUpCount")) or None,
        reply=Reply(reply, _moment(listed.get("repliedAt"), dates)) if reply else None,
    )


def _moment(value: object, dates: DateReader) -> str | None:
    """In UTC, so that asked and saved are the same: the package's times are local to the machine, and say not to which."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    written = cell_text(value)
    try:
        return dates.read(written) if written else None
    except UnknownDate:
        return written


def _text(value: object) -> str:
    """As people see it; nothing of what is neither text nor a number."""
    return cell_text(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
