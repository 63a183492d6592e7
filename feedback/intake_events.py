"""Events that others send us: from the JSON of a request to records, and into the store before anybody is told that they are.

Whoever sends is not trusted: every field is checked, and no message repeats anything that was sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn, TypeGuard, cast, get_args

from feedback.clean import NOT_WHOLE, clean, is_whole
from feedback.collectors.base import RawScore, Record, SourceConfig
from feedback.collectors.live.vault import Vault
from feedback.intake import Intake
from feedback.live import Place, store_taken, take_without_secrets
from feedback.project import IntakeSettings, Project
from feedback.settings_digest import settings_digest
from storage.journal import finish_run, start_run
from storage.records import Kind, Metric
from storage.store import Store

MOST_EVENTS = 500  # of one request
_STREAM = "events"
_LONGEST_ID = 200
_LONGEST_FIELD = 1000  # characters, of all but the text: the body's own length limits that
_LABELS = ("channel", "customer", "product", "version", "store", "region", "question")
_FIELDS = frozenset(("event_id", "text", "kind", "posted_at", "score", "votes", *_LABELS))
_MOST_VOTES = 1_000_000_000
_SCORE_FIELDS = frozenset(("metric", "value", "low", "high"))
_SCALES: Mapping[Metric, tuple[float, float]] = {"star": (1, 5), "nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}


class UnusableEvent(Exception):
    """What was sent is no event; the message says why, and is meant for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the events of one request. `listed`: how much of them could not be used (see: feedback rejects)."""

    new: int
    changed: int
    unchanged: int
    listed: int


def read_events(body: bytes, settings: IntakeSettings) -> list[Record]:
    """The events of a request: one, or a list of them. All of them, or `UnusableEvent`."""
    try:
        content = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise UnusableEvent("the body is not UTF-8") from None
    except RecursionError:
        raise UnusableEvent("the JSON is nested too deeply") from None
    except ValueError:
        raise UnusableEvent("the body is not JSON") from None
    if not isinstance(content, list):
        return [_record(content, "", settings)]
    if not 0 < len(content) <= MOST_EVENTS:
        raise UnusableEvent(f"a list has 1 to {MOST_EVENTS} records")
    records: dict[str | None, Record] = {}
    for number, each in enumerate(content, 1):
        record = _record(each, f"record {number}: ", settings)
        if records.setdefault(record.source_id, record) != record:
            raise UnusableEvent(f"record {number}: an earlier one has the same 'event_id' and says something else")
    return list(records.values())


def _refuse_constant(_name: str) -> NoReturn:
    raise ValueError  # NaN, Infinity: Python reads them, JSON has none


def _record(event: object, where: str, settings: IntakeSettings) -> Record:
    if not isinstance(event, dict):
        raise UnusableEvent(f"{where}a record is an object")
    _refuse_unknown(event, _FIELDS, where, "a record")
    event_id = _text(event, "event_id", where, _LONGEST_ID, numbers=True)
    if not event_id or not event_id.strip():
        raise UnusableEvent(
            f"{where}'event_id' is missing: what tells this record from all others, the same at every try"
        )
    text, score = _text(event, "text", where, None) or "", _score(event.get("score"), where)
    if not clean(text) and score is None:
        raise UnusableEvent(f"{where}there is neither 'text' nor 'score'")
    kind = _text(event, "kind", where, _LONGEST_FIELD) or settings.kind
    if kind not in get_args(Kind):
        raise UnusableEvent(f"{where}'kind' is one of {', '.join(get_args(Kind))}")
    labels = {key: _text(event, key, where, _LONGEST_FIELD) for key in _LABELS}
    return Record(
        text=text,
        kind=cast(Kind, kind),
        channel=labels["channel"] or settings.channel,
        location=f"{_STREAM}:{event_id}",
        source_id=event_id,
        posted_at=_text(event, "posted_at", where, _LONGEST_FIELD, numbers=True),
        customer=labels["customer"],
        product=labels["product"],
        version=labels["version"],
        store=labels["store"],
        region=labels["region"],
        question=labels["question"],
        votes=_votes(event.get("votes"), where),
        scores=() if score is None else (score,),
        # It would be refused again at every try, for one emoji that a form cut in two.
        problems=() if all(map(is_whole, (text, event_id, *filter(None, labels.values())))) else (NOT_WHOLE,),
    )


def _text(
    event: Mapping[str, object], key: str, where: str, longest: int | None, *, numbers: bool = False
) -> str | None:
    value = event.get(key)
    if value is None:
        return None
    if numbers and _is_number(value):
        value = f"{value}"
    if not isinstance(value, str):
        raise UnusableEvent(f"{where}'{key}' is a text{' or a number' if numbers else ''}")
    if longest is not None and len(value) > longest:
        raise UnusableEvent(f"{where}'{key}' has {longest} characters at most")
    return value


def _score(value: object, where: str) -> RawScore | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise UnusableEvent(f"{where}'score' is an object with 'metric' and 'value'")
    _refuse_unknown(value, _SCORE_FIELDS, where, "'score'")
    metric = value.get("metric")
    if not isinstance(metric, str) or metric not in _SCALES:
        raise UnusableEvent(f"{where}'metric' is one of {', '.join(_SCALES)}")
    usual = _SCALES[cast(Metric, metric)]
    low, rating, high = (
        _number(value.get(key, fallback)) for key, fallback in (("low", usual[0]), ("value", None), ("high", usual[1]))
    )
    if low is None or rating is None or high is None or not low < high or not low <= rating <= high:
        raise UnusableEvent(
            f"{where}'value' of 'score' is a number from {usual[0]:g} to {usual[1]:g}, or from 'low' to 'high'"
        )
    return RawScore(cast(Metric, metric), f"{rating:g}", low, high)


def _votes(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not _is_number(value) or not 0 <= value <= _MOST_VOTES or value != int(value):
        raise UnusableEvent(f"{where}'votes' is a whole number from 0 to {_MOST_VOTES:,}")
    return f"{value:.0f}"


def _number(value: object) -> float | None:
    return float(value) if _is_number(value) and abs(value) < 1e6 else None


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_unknown(event: Mapping[str, object], known: frozenset[str], where: str, what: str) -> None:
    if not known.issuperset(event):
        raise UnusableEvent(f"{where}{what} has a field that is not known. Known: {', '.join(sorted(known))}")


class EventStore:
    """The project's database, open for events. Everything in it is done by one thread, one request after another."""

    def __init__(self, project: Project, token: str) -> None:
        self._vault = Vault(project.folder)
        self._vault.keep(token)  # forms and webhooks may send it in what they tell, too
        settings = project.intake
        config = SourceConfig(settings.name, "serve-intake", channel=settings.channel, kind=settings.kind)
        self._project, self._source = project, settings.name
        self._place, self._secret = Place(settings.name, _STREAM, settings_digest(project, config)), project.secret()
        self._store = Store.open(project.database)
        # Once we have answered, the sender forgets the event: it must be on the disk by then, whatever happens to the machine.
        self._store.connection.execute("pragma synchronous = full")
        with self._store.transaction() as connection:
            self._run = start_run(connection, "serve-intake", self._source)

    def add(self, records: Sequence[Record]) -> Stored:
        """Store events in one transaction. Raises `StorageError`, and nothing of them is stored."""
        # Anew each time: relative dates count from now, and the secret's owner may go on for months.
        intake = Intake(self._source, self._project.timezone, self._secret, datetime.now(UTC))
        taken = take_without_secrets(intake, self._vault, records)
        with self._store.transaction() as connection:
            result, listed, _ = store_taken(connection, self._run, self._place, taken, edits=True)
        return Stored(result.added, result.changed, result.unchanged, listed)

    def close(self) -> None:
        with self._store.transaction() as connection:
            finish_run(connection, self._run, "done", None)
        self._store.close()
