"""All reviews of one's own app, of every country, and what was answered: `customerReviews` of the App Store Connect API v1.

The newest come first. What a customer edited and what a developer answered shows on a review without a new date,
so each run looks 30 days further back than what it knows.
"""

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from feedback.collectors.base import Item, Unreadable
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.newest_first import Walk
from feedback.collectors.live.paging import MOST_PAGES, RecordList
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.web import Answer, Query, Refused, Web
from feedback.collectors.objects import read_each, read_json
from feedback.collectors.store_reviews import Found, Reply, Review, app_number, items, refuse_unreadable
from feedback.errors import CollectError

CHANNEL = "App Store"
STREAM = "reviews"
OVERLAP = timedelta(days=30)
PAGE = 200  # the most that the interface gives
TOKEN_SECONDS = 15 * 60  # of the 20 minutes that are allowed
RENEWED_SECONDS = 5 * 60  # then a request may be asked again for ten minutes
AUDIENCE = "appstoreconnect-v1"
_SETTINGS = frozenset({"app", "key_id", "issuer_id", "key", "url"})
_FIRST: Query = {"sort": "-createdDate", "limit": PAGE, "include": "response"}
_EXPIRED = (400, 404, 410)  # what is said to a cursor that is no longer known
_NO_AGREEMENT = b"REQUIRED_AGREEMENTS_MISSING_OR_EXPIRED"
_TO_ACCEPT = "An agreement is missing or has run out: whoever holds the account has to accept it in App Store Connect, under Business (Agreements)."
_STARTED_OVER = (
    "the place where the last run was cut off is no longer known: asked again from the newest, nothing is lost"
)
_INSTALL = (
    "Collector 'app-store-connect' needs PyJWT, which is not installed: pip install 'yuansheng[app-store-connect]'."
)


class AppStoreConnectCollector:
    """`clock` gives seconds since 1970."""

    private_names = False
    redated = True

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def streams(self, visit: Visit) -> list[str]:
        _Settings.of(visit)
        return [STREAM]

    def check(self, visit: Visit) -> None:
        _Token(visit, self._clock).headers()

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        """The pages that a run before was cut off in, then what is new, the newest first."""
        token = _Token(visit, self._clock)
        reached = Reached.read(state)
        if reached.resume is not None:
            try:
                reached = yield from _walk(stream, reached, visit, token)
            except Refused as refused:
                if refused.status not in _EXPIRED:
                    raise
                yield Page([], None, (_STARTED_OVER,))
        yield from _walk(stream, Reached(reached.since), visit, token)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """The reviews of an answer, or of several one after another."""
        _Settings.of(visit)
        return read_each(
            read_json(path),
            lambda where, content: items(_reviews(content, where, where), path.name, CHANNEL, visit.config),
        )


@dataclass(frozen=True, slots=True)
class _Settings:
    app: str
    key_id: str
    issuer_id: str
    url: str

    @classmethod
    def of(cls, visit: Visit) -> "_Settings":
        settings = visit.settings
        settings.refuse_unknown(set(_SETTINGS))
        return cls(
            app=app_number(
                settings, "'app' is the Apple ID of the app, a number: App Store Connect shows it under App Information"
            ),
            key_id=settings.string("key_id"),
            issuer_id=settings.string("issuer_id"),
            url=base_address(settings, "https://api.appstoreconnect.apple.com"),
        )


def _walk(stream: str, reached: Reached, visit: Visit, token: "_Token") -> Generator[Page, None, Reached]:
    """Pages from where it was cut off, else from the newest, down to what is known; gives what was reached in the end."""
    settings, web = _Settings.of(visit), Web(patience=visit.patience)
    walk, seen = Walk(visit, reached, OVERLAP), set[str]()
    where, query = f"{settings.url}/v1/apps/{settings.app}/customerReviews", _FIRST
    if reached.resume is not None:
        where, query = reached.resume, {}
    for _ in range(MOST_PAGES):
        answer = _asked(web, where, query, token)
        content = answer.json()
        found = _reviews(content, answer.place, stream)
        refuse_unreadable(found, answer.place)
        over = walk.see([each.posted_at for each in found if isinstance(each, Review)])
        after = _next(content, answer)
        page = list(items(found, stream, CHANNEL, visit.config))
        if over or after is None:
            done = walk.done()
            yield Page(page, done.text())
            return done
        if after in seen:
            break
        seen.add(after)
        yield Page(page, walk.underway(after).text())
        where, query = after, {}
    raise CollectError(f"{urlsplit(where).hostname} names the same next page again and again. Run this again later.")


def _asked(web: Web, where: str, query: Query, token: "_Token") -> Answer:
    try:
        return web.get(where, query, token.headers())
    except Refused as refused:
        if refused.status == 403 and _NO_AGREEMENT in refused.body:
            raise CollectError(f"{urlsplit(where).hostname} refuses (403). {_TO_ACCEPT}") from None
        raise


def _next(content: object, answer: Answer) -> str | None:
    """The address of the page after this; None: this was the last."""
    links = content.get("links") if isinstance(content, dict) else None
    if not isinstance(links, dict):
        raise CollectError(f"{answer.place}: the answer holds no 'links' to go on by. Has the interface changed?")
    if not (named := links.get("next")):
        return None
    here = urlsplit(answer.url)
    try:
        found = urljoin(answer.url, str(named))
        there = urlsplit(found)
    except ValueError:
        raise CollectError(
            f"{answer.place}: the address of the next page is none. Has the interface changed?"
        ) from None
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        raise CollectError(f"{here.hostname} names a next page on {there.hostname}, which was not asked.")
    return found


def _reviews(content: object, place: str, stream: str) -> list[Found]:
    """The reviews of an answer, each with its response."""
    data = RecordList("data", place).of(content)
    included = content.get("included", []) if isinstance(content, dict) else []
    if not isinstance(included, list):
        raise CollectError(f"{place}: 'included' of the answer is no list. Has the interface changed?")
    responses = _Responses(included)
    found: list[Found] = []
    for number, each in enumerate(data, 1):
        review_id, said = _inside(each, "id"), _inside(each, "attributes")
        if not isinstance(review_id, str) or not review_id or not isinstance(said, dict):
            found.append(
                Unreadable(f"{stream}:#{number}", "it has no id or no attributes", _text(_inside(said, "body")))
            )
            continue
        rating = said.get("rating")
        found.append(
            Review(
                id=review_id,
                text=_text(said.get("body")),
                stars=None if rating is None else str(rating),
                posted_at=_text(said.get("createdDate")) or None,
                title=_text(said.get("title")),
                customer=_text(said.get("reviewerNickname")) or None,
                region=_text(said.get("territory")) or None,
                reply=responses.take(review_id, _text(_inside(each, "relationships", "response", "data", "id"))),
            )
        )
    return found + responses.left(stream)


class _Responses:
    """What developers answered, as it comes beside the reviews: either of the two may name the other."""

    def __init__(self, included: list[object]) -> None:
        found = [each for each in included if _inside(each, "type") == "customerReviewResponses"]
        self._left = {_text(_inside(each, "id")) or f"response #{number}": each for number, each in enumerate(found, 1)}
        self._of_review = {
            _text(_inside(each, "relationships", "review", "data", "id")): key for key, each in self._left.items()
        }

    def take(self, review_id: str, named: str) -> Reply | None:
        """The response to a review, which itself names the one `named`, or "" where it names none."""
        response = self._left.pop(named or self._of_review.get(review_id, ""), None)
        return None if response is None else Reply(*_said(response))

    def left(self, stream: str) -> list[Found]:
        """The responses to no review of the page."""
        return [
            Unreadable(f"{stream}:{key}", "it answers none of the reviews on its page", _said(response)[0])
            for key, response in self._left.items()
        ]


def _said(response: object) -> tuple[str, str | None]:
    """Words and date."""
    said = _inside(response, "attributes")
    return _text(_inside(said, "responseBody")), _text(_inside(said, "lastModifiedDate")) or None


def _inside(value: object, *keys: str) -> object:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


class _Token:
    """What says who asks: signed with the key of the team, good for 15 minutes (App Store Connect API, "Generating Tokens")."""

    def __init__(self, visit: Visit, clock: Callable[[], float]) -> None:
        self._key, self._vault, self._clock = visit.secret("key"), visit.vault, clock
        self._settings, self._where = _Settings.of(visit), visit.settings.where
        self._token, self._renewed_at = "", 0.0

    def headers(self) -> dict[str, str]:
        now = self._clock()
        if not self._token or now >= self._renewed_at:
            self._token, self._renewed_at = self._signed(int(now)), now + RENEWED_SECONDS
            self._vault.keep(self._token)
        return {"Authorization": f"Bearer {self._token}"}

    def _signed(self, now: int) -> str:
        try:
            import jwt
        except ImportError:
            raise CollectError(_INSTALL) from None
        says = {"iss": self._settings.issuer_id, "iat": now, "exp": now + TOKEN_SECONDS, "aud": AUDIENCE}
        try:
            return jwt.encode(says, self._key, algorithm="ES256", headers={"kid": self._settings.key_id})
        except NotImplementedError:  # PyJWT without cryptography
            raise CollectError(_INSTALL) from None
        except (ValueError, TypeError, AttributeError, jwt.PyJWTError):
            raise CollectError(
                f"{self._where}: 'key' is no private key of App Store Connect. It is all that the .p8 file holds, "
                "with its first and its last line and its line breaks."
            ) from None
