"""From a row's cells to records, as a layout says. What can be decided once a file is decided in `__init__`."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from feedback.clean import NOT_WHOLE, is_whole
from feedback.collectors.base import KEYED, Item, RawScore, Record, SourceConfig, Unreadable
from feedback.collectors.ids import IdColumn
from feedback.collectors.layout import ExtraText, Layout, Pick, ScoreColumn, fold
from feedback.collectors.nicknames import is_shared
from feedback.collectors.objects import getter
from feedback.dates import read_excel_serial, same_date, stands
from feedback.ratings import number_in
from storage.records import Role

Cells = Sequence[str]
Take = Callable[[Cells], str]

# What programs write where there is nothing; no customer's words in any field.
NULLS = frozenset({"null", "NULL", "None", "nan", "NaN", "\\N", "undefined"})
# What exports write where a field other than the main text holds nothing. As a main text these may be an answer.
NOTHING = NULLS | {"", "无", "暂无", "未知", "-", "--", "/", "none", "N/A", "n/a"}

# Of a day and a time of day in two columns: the midnight that Excel gives the day, and the day where both have it.
_NO_CLOCK = r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)"
_SURPLUS = re.compile(
    rf"(?<=[\d日号]){_NO_CLOCK}(?=\s+[^\d+-]{{0,4}}\d{{1,2}}\s*[:：时時点點])|^(\S+){_NO_CLOCK}?\s+(?=\1[ T]\d)"
)

_MAX_SEEN_SCORES = 1_000


class RowMapper:
    """Maps the rows of one file. `sample` are its first rows: they tell whether Excel ruined a column of ids."""

    def __init__(self, layout: Layout, columns: Sequence[str], config: SourceConfig, sample: Sequence[Cells]) -> None:
        places: dict[str, int] = {}
        for index, name in enumerate(columns):
            places.setdefault(fold(name), index)
        self._places = places
        self._layout = layout
        self._config = config
        self._kind = config.kind or layout.kind
        self._channel = config.channel or layout.channel
        take = {name: self._take(pick) for name, pick in layout.columns.items()}
        self._text = take.get("text")
        self._posted_at = self._take_date(layout.columns.get("posted_at"))
        self._product = take.get("product")
        self._version = take.get("version")
        self._store = take.get("store")
        self._region = take.get("region")
        self._question = take.get("question")
        self._votes = take.get("votes")
        self._role = take.get("role")
        # Not the role itself: where a name was taken for one, it is a customer's.
        self._unknown_role = _unknown_role(layout.columns.get("role"), layout.name)
        self._roles = {**layout.roles, **{fold(name): role for name, role in config.roles.items()}}
        self._ids = {
            name: (take_id, IdColumn(name, map(take_id, sample)))
            for name in ("source_id", "customer", "conversation_id", "parent_id")
            if (take_id := take.get(name))
        }
        self._scores = [
            _Score(places[fold(s.column)], s, layout.name) for s in layout.scores if fold(s.column) in places
        ]
        self._drops = [(places[fold(d.column)], frozenset(d.values)) for d in layout.drop if fold(d.column) in places]
        self._extras = [extra for text in layout.texts if (extra := self._extra(text))]

    def read(self, where: str, cells: Cells) -> list[Item]:
        """The row's records, the main one first; nothing for a row that the layout drops."""
        for index, dropped in self._drops:
            if cells[index].strip() in dropped:
                return []
        problems = [] if is_whole("".join(cells)) else [NOT_WHOLE]
        ids: dict[str, str] = {}
        lost_id = False
        for name, (take_id, column) in self._ids.items():
            raw = take_id(cells)
            if raw not in NOTHING:
                found, problem = column.read(raw)
                if found:
                    ids["signed" if name == "customer" and is_shared(found) else name] = found
                elif problem:
                    problems.append(problem)
                    lost_id = lost_id or name == "source_id"
        role: Role = "customer"
        text = self._text(cells) if self._text else ""
        if text.strip() in NULLS:
            text = ""
        if self._role is not None:
            known = self._roles.get(fold(self._role(cells)))
            if known is None:
                return [Unreadable(where, self._unknown_role, text)]
            role = known
        source_id = ids.get("source_id")
        record = Record(
            text=text,
            kind=self._kind,
            channel=self._channel,
            location=where,
            source_id=source_id,
            role=role,
            posted_at=self._date(self._posted_at, cells),
            conversation_id=ids.get("conversation_id"),
            parent_id=self._parent(ids.get("parent_id"), source_id),
            customer=ids.get("customer"),
            signed=None if source_id else ids.get("signed"),
            product=(_known(self._product, cells) if self._product else None) or self._config.product,
            version=_known(self._version, cells) if self._version else None,
            store=(_known(self._store, cells) if self._store else None) or self._config.store,
            region=_known(self._region, cells) if self._region else None,
            question=self._title(cells, text) if self._question else None,
            votes=_known(self._votes, cells) if self._votes else None,
            scores=self._read_scores(cells, problems) if self._scores else (),
            problems=tuple(problems),
            lost_id=lost_id,
        )
        if not self._extras:
            return [record]
        items: list[Item] = [record]
        for extra in self._extras:
            items += extra.read(record, cells)
        return items

    def _take(self, pick: Pick) -> Take | None:
        """What gets a field out of a row; None when the file has none of its columns."""
        indices = [self._places[fold(name)] for name in pick.columns if fold(name) in self._places]
        if not indices:
            return None
        if len(indices) == 1:
            only = indices[0]
            return lambda cells: cells[only]
        if pick.join:
            return lambda cells: " ".join(v for i in indices if (v := cells[i].strip()) not in NOTHING)
        return lambda cells: next((cells[i] for i in indices if cells[i].strip() not in NOTHING), "")

    def _take_date(self, pick: Pick | None) -> Take | None:
        take = self._take(pick) if pick else None
        if take is None or pick is None or not pick.join:
            return take
        return lambda cells: _SURPLUS.sub("", take(cells), count=1)

    def _extra(self, text: ExtraText) -> "_Extra | None":
        if text.each is not None:
            index = self._places.get(fold(text.each))
            return (
                None
                if index is None
                else _Extra(
                    text, each=index, roles=self._roles, unknown_role=_unknown_role(text.role_column, self._layout.name)
                )
            )
        take = self._take(text.text)
        return take and _Extra(text, take=take, posted_at=self._take_date(text.posted_at))

    def _date(self, take: Take | None, cells: Cells) -> str | None:
        raw = take(cells).strip() if take else ""
        if raw in NOTHING:
            return None
        return read_excel_serial(raw) if self._layout.excel_dates else raw

    def _title(self, cells: Cells, text: str) -> str | None:
        """The title, unless the text is or begins with it (short posts have only one of the two)."""
        title = _known(self._question, cells)
        return None if title is None or text.startswith(title) else title

    @staticmethod
    def _parent(parent: str | None, own: str | None) -> str | None:
        return None if parent in ("0", own) else parent  # crawlers write 0, or the comment itself, for "none"

    def _read_scores(self, cells: Cells, problems: list[str]) -> tuple[RawScore, ...]:
        found = []
        for score in self._scores:
            raw = cells[score.index]
            read = score.read(raw)
            if isinstance(read, RawScore):
                found.append(read)
            elif read:
                problems.append(read)
        return tuple(found)


def translate_score(raw: str, column: ScoreColumn) -> str | None:
    """The rating on the column's own scale; as written when the layout translates nothing. None: not in `values`."""
    if column.values:
        value = column.values.get(fold(raw))
        return None if value is None else f"{value:g}"
    if column.divide == 1:
        return raw
    number = number_in(raw.rstrip("%％"))
    return None if number is None else f"{number / column.divide:g}"


class _Score:
    """A score column bound to its place. Few ratings are distinct, so each is worked out once."""

    def __init__(self, index: int, column: ScoreColumn, layout: str) -> None:
        self.index = index
        self._layout = layout
        self._column = column
        self._seen: dict[str, RawScore | str | None] = {}

    def read(self, raw: str) -> RawScore | str | None:
        """The rating; None when there is none; text when it can't be read: what is wrong."""
        if raw in self._seen:
            return self._seen[raw]
        found = self._read(raw.strip())
        if len(self._seen) < _MAX_SEEN_SCORES:
            self._seen[raw] = found
        return found

    def _read(self, raw: str) -> RawScore | str | None:
        column = self._column
        if raw in NOTHING or raw in column.none:
            return None
        value = translate_score(raw, column)
        if value is None:
            missing = f" is not among the `values` of layout {self._layout}, so it" if column.values else ""
            return f"{column.metric} score{missing} can't be read: {raw}"
        return RawScore(column.metric, value, column.low, column.high)


class _Said(NamedTuple):
    """What a further text says, and who does."""

    text: str
    posted_at: str
    suffix: str
    role: Role
    customer: str | None
    former_place: str | None = None


@dataclass(frozen=True, slots=True)
class _Extra:
    """An `ExtraText` bound to a file's columns: either `take` or `each` is set. `unknown_role` is what to say of a role that is not in `roles`."""

    layout: ExtraText
    take: Take | None = None
    posted_at: Take | None = None
    each: int | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    unknown_role: str = ""

    def read(self, main: Record, cells: Cells) -> list[Item]:
        if self.take is not None:
            text = self.take(cells)
            if text.strip() in NOTHING:
                return []
            posted_at = self.posted_at(cells).strip() if self.posted_at else ""
            role, suffix = self.layout.role, self.layout.suffix
            return [_further(main, _Said(text, posted_at, suffix, role, main.customer if role == "customer" else None))]
        raw = cells[self.each].strip() if self.each is not None else ""
        if raw in NOTHING or raw == "[]":
            return []
        try:
            value = json.loads(raw)
        except ValueError:
            return [Unreadable(main.location, f"column '{self.layout.each}' holds no JSON list")]
        entries = value if isinstance(value, list) else [value]
        seen = None if entries is not value else Counter[str]()
        found = (self._entry(main, each, seen) for each in entries if isinstance(each, dict))
        return [item for item in found if item is not None]

    def _entry(self, main: Record, entry: dict[str, object], seen: Counter[str] | None) -> Item | None:
        """`seen`: what those before it in its list are known by; None: it stands in none."""
        text = _first(self.layout.text, entry)
        if (
            not text.strip() or text.strip() in NULLS
        ):  # an element is there because somebody wrote it: 无 is what they said
            return None
        role: Role | None = self.layout.role
        if self.layout.role_column:
            role = self.roles.get(fold(_first(self.layout.role_column, entry)))
        if role is None:
            return Unreadable(main.location, self.unknown_role, text)
        customer = main.customer
        if self.layout.customer:
            named = _first(self.layout.customer, entry).strip()
            customer = None if named in NOTHING or is_shared(named) else named
        posted_at = _first(self.layout.posted_at, entry)
        customer = customer if role == "customer" else None
        begins = f"{self.layout.suffix}-"
        own_id = _first(self.layout.source_id, entry)
        if own_id or seen is None:  # the only one there can be is the same when its words change
            own_id = own_id or "1"
            return _further(main, _Said(text, posted_at, begins + own_id, role, customer))
        known_by = _known_by(text, posted_at, _first(self.layout.customer, entry), role)
        seen[known_by] += 1
        suffix = begins + (known_by if seen[known_by] == 1 else f"{known_by}-{seen[known_by]}")
        return _further(main, _Said(text, posted_at, suffix, role, customer, former_place=begins))


def _known_by(text: str, posted_at: str, author: str, role: Role) -> str:
    """What tells an element without an id from the others of its list, whatever is added before it or taken away."""
    when = same_date(posted_at) if stands(posted_at) else ""
    said = "\0".join(("".join(text.split()), when, author, role))
    return KEYED + hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _further(main: Record, said: _Said) -> Record:
    return Record(
        text=said.text,
        kind=main.kind,
        channel=main.channel,
        location=main.location,
        source_id=f"{main.source_id}/{said.suffix}" if main.source_id else None,
        former_places=(f"{main.source_id}/{said.former_place}",) if main.source_id and said.former_place else (),
        role=said.role,
        posted_at=said.posted_at if said.posted_at not in NOTHING else None,
        conversation_id=main.conversation_id,
        parent_id=main.source_id,
        customer=said.customer,
        product=main.product,
        version=main.version,
        store=main.store,
        region=main.region,
        lost_id=main.lost_id,
    )


def _unknown_role(pick: Pick | None, layout: str) -> str:
    return f"what '{', '.join(pick.columns)}' says here is not in [roles] of layout {layout}" if pick else ""


def _first(pick: Pick | None, entry: dict[str, object]) -> str:
    values = (getter(column)(entry) for column in (pick.columns if pick else ()))
    return next((str(value) for value in values if value not in (None, "")), "")


def _known(take: Take | None, cells: Cells) -> str | None:
    value = take(cells).strip() if take else ""
    return None if value in NOTHING else value
