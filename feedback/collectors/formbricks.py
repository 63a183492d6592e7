"""Formbricks: the surveys of a company, one stream each, and the webhooks that were saved as files.

The interface gives responses by when they were begun, the newest first, and can't be asked for those that were changed: a
customer goes on with a survey later, or corrects an answer. So each run walks back to `look_back_days` before the newest
response of the last one. Pages are places in a list that grows at its head: each page begins with the last response of the one
before, and where that is not there, responses were deleted meanwhile, and the walk goes a page back. A cut-off walk goes on where it was.
"""

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from urllib.parse import quote

from feedback.collectors.base import Item, Part, Unreadable
from feedback.collectors.files import NoFiles, parts_of
from feedback.collectors.formbricks_form import Form, Labels, Named, joined, read_response
from feedback.collectors.formbricks_saved import SavedFiles
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.address import base_address
from feedback.collectors.live.newest_first import Walk
from feedback.collectors.live.reached import Reached
from feedback.collectors.live.web import Answer, Web
from feedback.errors import CollectError

FILES = "files"  # the stream of what lies in `paths`
PAGE = 100
_SETTINGS = frozenset({"url", "token", "survey", "look_back_days", "open", "skip"})
_SUFFIXES = (".json", ".jsonl")
_MOST_PAGES = 100_000  # of one walk; more are a loop
_MOST_IDLE_PAGES = 20  # one after another that hold only what the one before held
_FILE_PAGE = 500
_FILES_READ = b"3"  # raise it when files are read otherwise: those that are unchanged are then read once more


class FormbricksCollector:
    private_names = False

    def __init__(self) -> None:
        self._saved: SavedFiles | None = None

    def streams(self, visit: Visit) -> list[str]:
        """The surveys; and the files, where there are `paths`."""
        settings = _Settings.of(visit)
        return [*settings.surveys, *([FILES] if visit.config.paths else [])]

    def check(self, visit: Visit) -> None:
        if visit.config.paths:
            parts_of(visit.config, _SUFFIXES)
        if _Settings.of(visit).surveys:
            visit.secret("token")

    def pages(self, stream: str, state: str | None, visit: Visit) -> Iterator[Page]:
        settings = _Settings.of(visit)
        if stream == FILES:
            yield from _files(state, visit, settings.named)
            return
        survey = _Survey(stream, settings, visit)
        reached, labels = _read_state(state)
        form = survey.form().knowing(labels)
        if form.unknown:
            kinds = ", ".join(form.unknown)
            yield Page([], None, (f"{stream}: questions of a type that is not known were left out: {kinds}",))
        if reached.resume:
            reached = yield from survey.walk(form, reached, settings.look_back)
        yield from survey.walk(form, Reached(reached.since), settings.look_back)

    def restart(self, state: str) -> str:
        """The labels stay known."""
        return "\n".join([Reached().text(), state.partition("\n")[2]])

    def look_ahead(self, files: Sequence[Path], states: Mapping[str, str], visit: Visit) -> None:
        """So that of each response the newest version is told alone, and the order of the files tells nothing."""
        labels = dict(_read_files_state(states.get(FILES))[1])
        for survey in states.keys() - {FILES}:
            labels[survey] = joined(labels.get(survey, {}), _read_state(states[survey])[1])
        self._saved = SavedFiles(_Settings.of(visit).named, labels)
        for path in files:
            self._saved.learn(path)

    def saved(self, path: Path, visit: Visit) -> Iterator[Item]:
        """Of answers, webhooks, feedback records: of those that `look_ahead` was told of, else of one file."""
        if self._saved is None:
            self.look_ahead([path], {}, visit)
        assert self._saved
        yield from self._saved.items(path, visit.config)


@dataclass(frozen=True, slots=True)
class _Settings:
    url: str
    surveys: tuple[str, ...]
    look_back: timedelta
    named: Named

    @classmethod
    def of(cls, visit: Visit) -> "_Settings":
        settings = visit.settings
        settings.refuse_unknown(set(_SETTINGS))
        surveys = settings.strings("survey", lone=True, blank=False)
        if not surveys and not visit.config.paths:
            raise settings.fault("'survey' is missing: the id of a survey, as its address has it, or a list of them")
        if FILES in surveys:
            raise settings.fault("no survey has the id '{id}'", id=FILES)
        days = settings.number("look_back_days", 30)
        if not 0 <= days <= 36500:
            raise settings.fault("'look_back_days' must be between 0 and 36500")
        return cls(
            url=base_address(settings, "https://app.formbricks.com"),
            surveys=tuple(dict.fromkeys(surveys)),
            look_back=timedelta(days=days),
            named=Named(
                frozenset(settings.strings("open", blank=False)), frozenset(settings.strings("skip", blank=False))
            ),
        )


class _Survey:
    """One survey, and the interface that is asked about it."""

    def __init__(self, survey: str, settings: _Settings, visit: Visit) -> None:
        token = visit.secret("token")
        if not token.isascii() or not token.isprintable():
            raise CollectError(f"{visit.settings.where}: the token holds characters that no key has.")
        self._survey, self._settings, self._visit = survey, settings, visit
        self._web = Web(headers={"x-api-key": token}, patience=visit.patience)

    def form(self) -> Form:
        answer = self._web.get(f"{self._settings.url}/api/v1/management/surveys/{quote(self._survey, safe='')}")
        definition = _data(answer)
        if not isinstance(definition, dict):
            raise CollectError(f"{answer.place} answers without a survey in 'data'. Has the interface changed?")
        return Form.of(self._survey, definition, self._settings.named)

    def walk(self, form: Form, reached: Reached, look_back: timedelta) -> Generator[Page, None, Reached]:
        """The pages from the newest response on, or from where the walk before was cut off; returns what it has reached."""
        walk = Walk(self._visit, reached, look_back)
        place = _Place.read(reached.resume)
        idle = 0
        for _ in range(_MOST_PAGES):
            rows = self._responses(place.skip)
            if place.is_broken(rows):
                place = place.back()
                continue
            fresh = [row for row in rows if _id(row) not in place.known]
            over = walk.see([_date(row) for row in fresh]) or (not fresh and len(rows) <= 1)
            place = place.after(rows)
            state = walk.done() if over else walk.underway(place.text())
            yield Page(list(self._items(fresh, form)), _state(state, form.options))
            if over:
                return walk.done()
            idle = 0 if fresh else idle + 1
            if idle > _MOST_IDLE_PAGES:
                break
        raise CollectError(
            f"{self._survey}: the interface gives the same responses again and again. Run this again later."
        )

    def _responses(self, skip: int) -> list[object]:
        query: dict[str, str | int] = {"surveyId": self._survey, "limit": PAGE, "skip": skip}
        answer = self._web.get(f"{self._settings.url}/api/v1/management/responses", query)
        found = _data(answer)
        if not isinstance(found, list):
            raise CollectError(
                f"{answer.place} answers without a list of responses in 'data'. Has the interface changed?"
            )
        return found

    def _items(self, rows: list[object], form: Form) -> Iterator[Item]:
        for row in rows:
            if isinstance(row, dict):
                yield from read_response(row, form, self._survey, self._visit.config)
            else:
                yield Unreadable(self._survey, "a response is no object")


@dataclass(frozen=True, slots=True)
class _Place:
    """A place in the list of responses: how many are skipped, those of the page before, the last of them and its date."""

    skip: int = 0
    known: frozenset[str] = frozenset()
    last: str = ""
    date: str = ""

    @classmethod
    def read(cls, resume: str | None) -> "_Place":
        if resume is None:
            return cls()
        skip, last, date = json.loads(resume)
        return cls(skip, frozenset([last]), last, date)

    def text(self) -> str:
        return json.dumps([self.skip, self.last, self.date])

    def is_broken(self, rows: list[object]) -> bool:
        """Whether responses may lie between the last one seen and these: some that were seen are gone, and the rest moved up."""
        return self.skip > 0 and not (rows and (_id(rows[0]) in self.known or _date(rows[0]) > self.date))

    def back(self) -> "_Place":
        return replace(self, skip=max(0, self.skip - PAGE))

    def after(self, rows: list[object]) -> "_Place":
        """At the last of these, so that the next page begins with it."""
        if not rows:
            return self
        return _Place(self.skip + len(rows) - 1, frozenset(map(_id, rows)), _id(rows[-1]), _date(rows[-1]))


def _state(reached: Reached, labels: Labels) -> str:
    return f"{reached.text()}\n{json.dumps(_listed(labels), ensure_ascii=False)}"


def _read_state(state: str | None) -> tuple[Reached, Labels]:
    """Earlier versions kept no labels."""
    reached, _, seen = (state or "").partition("\n")
    return Reached.read(reached), _labels(json.loads(seen or "{}"))


def _files_state(listing: str, labels: Mapping[str, Labels]) -> str:
    return f"{listing}\n{json.dumps({survey: _listed(each) for survey, each in labels.items()}, ensure_ascii=False)}"


def _read_files_state(state: str | None) -> tuple[str | None, Mapping[str, Labels]]:
    """The files that were read, and the labels that were seen of each survey."""
    listing, _, seen = (state or "").partition("\n")
    return listing or None, {survey: _labels(each) for survey, each in json.loads(seen or "{}").items()}


def _listed(labels: Labels) -> dict[str, list[str]]:
    return {key: sorted(each) for key, each in labels.items()}


def _labels(listed: Mapping[str, list[str]]) -> Labels:
    return {key: frozenset(each) for key, each in listed.items()}


def _files(state: str | None, visit: Visit, named: Named) -> Iterator[Page]:
    """What lies in the files, all of it whenever one of them was changed: which version of a response is the newest only all of them tell."""
    before, labels = _read_files_state(state)
    try:
        parts = parts_of(visit.config, _SUFFIXES)
    except NoFiles as nothing:
        # Files may be put away once they were collected; where none ever was, the path is rather wrong.
        if before is None:
            raise
        parts = list(nothing.parts)
        yield Page([], None, (str(nothing),))
    listing = _listing(parts)
    if listing == before:
        return
    saved, failed = SavedFiles(named, labels), list[CollectError]()
    readable = []
    for part in parts:
        try:
            saved.learn(part.path)
            readable.append(part)
        except CollectError as error:  # one that is still being written
            failed.append(error)
    items = (item for part in readable for item in saved.items(part.path, visit.config))
    while batch := list(islice(items, _FILE_PAGE)):
        yield Page(batch, None)
    if failed:
        raise failed[0]
    yield Page([], _files_state(listing, saved.labels_now()))


def _listing(parts: list[Part]) -> str:
    digest = hashlib.blake2b(_FILES_READ, digest_size=16)
    for part in parts:
        found = part.path.stat()
        digest.update(repr((part.name, found.st_size, found.st_mtime_ns)).encode())
    return digest.hexdigest()


def _data(answer: Answer) -> object:
    content = answer.json()
    return content.get("data") if isinstance(content, dict) else None


def _id(row: object) -> str:
    return str(row.get("id")) if isinstance(row, dict) else ""


def _date(row: object) -> str:
    return str(row.get("createdAt") or "") if isinstance(row, dict) else ""
