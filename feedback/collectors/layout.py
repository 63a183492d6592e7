"""What the columns of an export mean: a TOML file, to be copied and edited. `docs/formats.md` shows all of it.

`layouts/` holds the built-in ones. A layout says which columns it is recognised by (`header`), where the records of a
JSON document lie (`records`), and which column is which field of a `Record`.
"""

import tomllib
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from typing import cast, get_args

from feedback.errors import CollectError
from nlp.settings_table import SettingsTable, Wording
from storage.records import Kind, Metric, Role

COLUMN_FIELDS = (
    "text",
    "source_id",
    "posted_at",
    "customer",
    "product",
    "version",
    "store",
    "region",
    "role",
    "conversation_id",
    "parent_id",
    "question",
    "votes",
)

_WORDING = Wording(
    CollectError,
    texts="'{key}' must be text in quotes or a list of such, not {value}",
    table="'{key}' must be a table: write [{key}] above its lines",
    tables="'{key}' must be tables: write [[{key}]] above the lines of each",
)


@dataclass(frozen=True, slots=True)
class Pick:
    """Where a field comes from: the first of the columns that holds something, or, joined, all that do."""

    columns: tuple[str, ...]
    join: bool = False


@dataclass(frozen=True, slots=True)
class ScoreColumn:
    """A column that holds a rating on `low`..`high`, after division by `divide` or after `values` translated it.

    `none` lists the values that mean "not rated".
    """

    metric: Metric
    column: str
    low: float
    high: float
    divide: float = 1
    values: Mapping[str, float] = field(default_factory=dict)
    none: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExtraText:
    """A further text of the same row (追评, a reply): a record of its own whose parent is the row's main one.

    `each` names a column that holds a list (JSON); the picks are then keys of its elements. There `customer` says who wrote one
    (without it a customer's is of whoever wrote the main text), and `role_column` what to look up in [roles] instead of `role`. Without
    `source_id` an element is known by its words, its author and its date.
    """

    suffix: str
    text: Pick
    posted_at: Pick | None = None
    source_id: Pick | None = None
    role: Role = "customer"
    each: str | None = None
    customer: Pick | None = None
    role_column: Pick | None = None


@dataclass(frozen=True, slots=True)
class Drop:
    """Rows whose `column` holds one of `values` are not feedback (private notes, system messages) and are left out."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """One row is one response, every column not in `skip` a question. The lists name questions by their wording or
    number where recognising them by wording and answers fails; see `feedback.collectors.survey`.

    `took`: the column (the first that is there) of how long somebody answered, by which responses of one minute are told apart.
    """

    skip: tuple[str, ...] = ()
    took: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()
    nps: tuple[str, ...] = ()
    csat: tuple[str, ...] = ()
    ces: tuple[str, ...] = ()
    star: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    name: str
    title: str
    kind: Kind
    channel: str
    header: tuple[str, ...]
    columns: Mapping[str, Pick]
    records: tuple[str, ...] = ()  # alternatives; none: a record is an element of the top level
    scores: tuple[ScoreColumn, ...] = ()
    texts: tuple[ExtraText, ...] = ()
    drop: tuple[Drop, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)
    survey: Survey | None = None
    excel_dates: bool = False

    def missing(self, columns: Collection[str]) -> list[str]:
        """The required columns that are not among `columns`, in the layout's spelling."""
        there = {fold(name) for name in columns}
        return [name for name in self.header if fold(name) not in there and fold(name.split(".")[0]) not in there]


def fold(name: str) -> str:
    """A column's name without what exports vary: case, spaces, full-width forms, a byte order mark."""
    return "".join(unicodedata.normalize("NFKC", name).replace("\ufeff", "").split()).casefold()


@cache
def builtin_layouts() -> tuple[Layout, ...]:
    folder = resources.files("feedback.collectors") / "layouts"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(parse_layout(f.read_text(encoding="utf-8"), f"built-in layout {f.name}") for f in files)


def load_layout(name_or_path: str, base: Path) -> Layout:
    """A built-in layout by name, or one from a TOML file (relative to `base`)."""
    if not name_or_path.endswith(".toml"):
        known = {layout.name: layout for layout in builtin_layouts()}
        if name_or_path not in known:
            raise CollectError(
                f"No layout named '{name_or_path}'. Known: {', '.join(sorted(known))}. "
                "A layout of your own is a file whose name ends in .toml."
            )
        return known[name_or_path]
    path = base / name_or_path
    try:
        return parse_layout(path.read_text(encoding="utf-8-sig"), f"Layout {path}")
    except FileNotFoundError:
        raise CollectError(f"No layout file at {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CollectError(f"Layout {path} can't be read as UTF-8 text: {error}") from error


def recognise(columns: Callable[[Layout], Collection[str]], layouts: Collection[Layout]) -> Layout | None:
    """The layout whose required columns are all there; of several, the one that requires most.

    `columns` gives what a file has for a layout (JSON records may lie elsewhere for each). `CollectError` on a tie.
    """
    fitting = [layout for layout in layouts if not layout.missing(columns(layout))]
    fitting.sort(key=lambda layout: (-len(layout.header), layout.name))
    if len(fitting) > 1 and len(fitting[0].header) == len(fitting[1].header):
        raise CollectError(
            f"The columns fit two layouts, {fitting[0].name} and {fitting[1].name}. "
            f'Say which: `--layout {fitting[0].name}`, or `layout = "{fitting[0].name}"` in feedback.toml.'
        )
    return fitting[0] if fitting else None


def parse_layout(text: str, where: str) -> Layout:
    """Read and check a layout; `where` names it in errors."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CollectError(f"{where} is not valid TOML: {error}") from error
    return layout_of(SettingsTable(data, where, _WORDING))


def layout_of(table: SettingsTable) -> Layout:
    """The layout that a table says."""
    table.refuse_unknown(
        {"name", "title", "kind", "channel", "header", "records", "dates", "columns"}
        | {"scores", "texts", "drop", "roles", "survey"}
    )
    columns = _columns(table)
    scores = tuple(_score(entry) for entry in table.tables("scores"))
    survey = _survey(table.table("survey")) if "survey" in table.data else None
    if survey is None and "text" not in columns:
        raise CollectError(f'{table.where}: [columns] must say which column holds the text: text = "评论内容".')
    if table.optional_string("dates") not in (None, "excel"):
        raise CollectError(f'{table.where}: the only `dates` is "excel": days counted from 1900, as in 45241.5.')
    # Without a header every column named must be there: a slip of the pen must not pass for an empty column.
    named = [name for pick in columns.values() for name in pick.columns] + [score.column for score in scores]
    return Layout(
        name=table.string("name"),
        title=table.optional_string("title") or table.string("name"),
        kind=cast(Kind, table.one_of("kind", get_args(Kind))),
        channel=table.string("channel"),
        header=table.strings("header", lone=True) or tuple(dict.fromkeys(named)),
        columns=columns,
        records=table.strings("records", lone=True),
        scores=scores,
        texts=tuple(_extra_text(entry) for entry in table.tables("texts")),
        drop=tuple(Drop(entry.string("column"), entry.strings("values", lone=True)) for entry in table.tables("drop")),
        roles=_roles(table),
        survey=survey,
        excel_dates=table.optional_string("dates") == "excel",
    )


def _columns(table: SettingsTable) -> dict[str, Pick]:
    entries = table.table("columns")
    entries.refuse_unknown(set(COLUMN_FIELDS))
    picks = {name: _pick(entries, name) for name in entries.data}
    return {name: pick for name, pick in picks.items() if pick}


def _score(table: SettingsTable) -> ScoreColumn:
    table.refuse_unknown({"metric", "column", "low", "high", "divide", "values", "none"})
    low, high = table.number("low"), table.number("high")
    divide = table.number("divide", 1)
    if low >= high or divide <= 0:
        raise CollectError(f"{table.where}: 'low' must be less than 'high', and 'divide' more than 0.")
    values = table.table("values")
    return ScoreColumn(
        metric=cast(Metric, table.one_of("metric", get_args(Metric))),
        column=table.string("column"),
        low=low,
        high=high,
        divide=divide,
        values={fold(name): values.number(name) for name in values.data},
        none=table.strings("none", lone=True),
    )


def _extra_text(table: SettingsTable) -> ExtraText:
    of_each = {"customer", "role_column"}
    table.refuse_unknown({"suffix", "text", "posted_at", "source_id", "role", "each", *of_each})
    if "each" not in table.data and (wrong := sorted(of_each & set(table.data))):
        raise CollectError(
            f"{table.where}: '{wrong[0]}' goes with 'each': a column's text is of whoever wrote the row."
        )
    text = _pick(table, "text")
    if text is None:
        raise CollectError(f"{table.where}: 'text' is missing.")
    return ExtraText(
        suffix=table.string("suffix"),
        text=text,
        posted_at=_pick(table, "posted_at"),
        source_id=_pick(table, "source_id"),
        role=cast(Role, table.one_of("role", get_args(Role), "customer")),
        each=table.optional_string("each"),
        customer=_pick(table, "customer"),
        role_column=_pick(table, "role_column"),
    )


def _survey(table: SettingsTable) -> Survey:
    names = ("skip", "took", "open", "choice", "nps", "csat", "ces", "star")
    table.refuse_unknown(set(names))
    return Survey(**{name: table.strings(name, lone=True) for name in names})


def _roles(table: SettingsTable) -> dict[str, Role]:
    roles = table.table("roles")
    return {fold(name): cast(Role, roles.one_of(name, get_args(Role))) for name in roles.data}


def _pick(table: SettingsTable, key: str) -> Pick | None:
    """A column, a list of columns (the first that holds something), or { join = [columns] }; "" is none."""
    value = table.data.get(key)
    join = isinstance(value, dict) and set(value) == {"join"}
    source = SettingsTable(cast(dict[str, object], value), f"{table.where}, {key}", _WORDING) if join else table
    columns = tuple(name for name in source.strings("join" if join else key, lone=True) if name.strip())
    return Pick(columns, join) if columns else None
