"""What is said to Google Play and what it answers, as the package google-play-scraper knows it.

Only that is the package's: how a request is written, where an answer holds what. The asking is done by `live.web`, because
the package's own takes every fault for the end of the list, waits without an end, and checks no certificate.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from feedback.collectors.live.json_body import read_json_body
from feedback.collectors.live.web import Answer
from feedback.errors import CollectError

PAGE = 200  # the most that is given at once
_BUSY = b"com.google.play.gateway.proto.PlayGatewayError"
_INSTALL = (
    "Collector 'google-play' needs google-play-scraper, which is not installed: pip install 'yuansheng[google-play]'."
)
_CHANGED = "Has the interface changed? A newer google-play-scraper may know it"


class NoList(CollectError):
    """An answer without a list of reviews: what Google Play says of an app or a page that it does not know."""


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    query: dict[str, str]
    form: dict[str, str]


@dataclass(frozen=True, slots=True)
class Reviews:
    """A page, each review as the package gives it, and what names the next one; None: this was the last."""

    reviews: list[Mapping[str, object]]
    after: str | None


@dataclass(frozen=True, slots=True)
class Wire:
    """The two things that are needed of the package."""

    write: Callable[[str, str, str, str | None], Request]  # app, country, language, what names the page
    read: Callable[[Answer], Reviews]


def load_wire() -> Wire:
    """Raises `CollectError` where the package is not installed."""
    checking = ssl._create_default_https_context
    try:
        from google_play_scraper import Sort
        from google_play_scraper.constants.element import ElementSpecs
        from google_play_scraper.constants.regex import Regex
        from google_play_scraper.constants.request import Formats
    except ImportError:
        raise CollectError(_INSTALL) from None
    finally:
        ssl._create_default_https_context = checking  # importing it turns the check off for the whole process

    def write(app: str, country: str, language: str, after: str | None) -> Request:
        url = urlsplit(Formats.Reviews.build(lang=language, country=country))
        token = quote(after, safe="") if after is not None else None
        body: bytes = Formats.Reviews.build_body(app, Sort.NEWEST.value, PAGE, "null", "null", token)
        return Request(url.path, dict(parse_qsl(url.query)), dict(parse_qsl(body.decode())))

    def read(answer: Answer) -> Reviews:
        listed, after = _page(answer, Regex.REVIEWS.findall)
        return Reviews([_review(each, ElementSpecs.Review) for each in listed], after)

    return Wire(write, read)


def _page(answer: Answer, bodies: Callable[[str], list[str]]) -> tuple[list[object], str | None]:
    """The answer's list of reviews, and what names the next page."""
    place = answer.place
    if _BUSY in answer.body:
        raise CollectError(f"{place} asks for fewer requests. What came before is kept; run this again later.")
    try:
        found = bodies(answer.body.decode())
        outer = read_json_body(found[0].encode(), place)
        inner = outer[0][2]  # type: ignore[index]
    except (UnicodeDecodeError, IndexError, KeyError, TypeError):
        raise CollectError(f"{place} answers with something else than reviews. {_CHANGED}.") from None
    if not isinstance(inner, str):
        raise NoList(f"{place} gives no list of reviews. Is 'app' right? {_CHANGED}.")
    page = read_json_body(inner.encode("utf-8", "backslashreplace"), place)  # a half character as it is written in JSON
    if not isinstance(page, list) or not isinstance(listed := (page or [[]])[0] or [], list):
        raise CollectError(f"{place} gives a list of reviews of another shape. {_CHANGED}.")
    try:
        after = page[-2][-1]
    except (IndexError, KeyError, TypeError):
        after = None
    return listed, after if isinstance(after, str) and after else None


def _review(listed: object, specs: Mapping[str, Any]) -> dict[str, object]:
    return {name: spec.extract_content(listed) for name, spec in specs.items()}
