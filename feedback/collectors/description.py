"""How a table would be read, for people who want to see it before they collect: format, encoding, layout, columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from feedback.collectors.base import Part, SourceConfig
from feedback.collectors.encoding import find_encoding, open_text
from feedback.collectors.grids import find_delimiter
from feedback.collectors.layout import Layout, Pick, fold
from feedback.collectors.survey import SurveyMapper
from feedback.collectors.table import Table, find_form, mapper_of, open_table, read_sample, used_columns

_FORMATS = {"csv": "CSV", "xlsx": "Excel", "json": "JSON", "jsonl": "JSON Lines", "parquet": "Parquet"}
_ENCODINGS = {
    "utf-8": "UTF-8",
    "gb18030": "GB18030 (GBK)",
    "big5hkscs": "Big5",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
}
_DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_LINES = 20


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file and what it is taken for; None: it is not used."""

    name: str
    meaning: str | None


@dataclass(frozen=True, slots=True)
class Description:
    """How one file would be read.

    `encoding`: None where the format fixes it. `delimiter`: of a text with columns, more than one. `records`: where a JSON
    document's records lie, None: at its top. `layout`, `title`: a chat has none. `channel`: None where its format says it.
    """

    file: str
    format: str
    encoding: str | None
    delimiter: str | None
    layout: str | None
    title: str | None
    kind: str
    channel: str | None
    records: str | None
    columns: tuple[Column, ...]
    numberless: bool = False  # responses to a survey that no column numbers


def describe_table(part: Part, config: SourceConfig) -> Description:
    """How the file would be collected with these settings; `CollectError`, the same as then, when it can't be."""
    table = open_table(part.path, config)
    mapper = mapper_of(table, config, read_sample(table)[1])
    names = [name for name in (*table.names, *_deeper(table)) if name.strip()]
    meanings = dict(_by_layout(table.layout, names))
    if isinstance(mapper, SurveyMapper):
        meanings |= {fold(table.grid.columns[question.index]): question.meaning for question in mapper.questions}
    form = find_form(part.path)
    number = table.layout.columns.get("source_id")
    numbered = number is not None and not set(map(fold, number.columns)).isdisjoint(map(fold, names))
    return Description(
        file=part.name,
        numberless=isinstance(mapper, SurveyMapper) and not numbered,
        format=_FORMATS[form],
        encoding=None if form in ("xlsx", "parquet") else _encoding(part.path),
        delimiter=_delimiter(part.path) if form == "csv" else None,
        layout=table.layout.name,
        title=table.layout.title,
        kind=config.kind or table.layout.kind,
        channel=config.channel or table.layout.channel,
        records=" or ".join(table.layout.records) or None,
        columns=tuple(
            Column(name, meanings.get(fold(name))) for name in names if not _holds_a_used_one(name, meanings)
        ),
    )


def describe_chat(part: Part, config: SourceConfig) -> Description:
    """How a file of conversations would be collected; `CollectError` where it is no text."""
    return Description(
        file=part.name,
        format="conversations",
        encoding=_encoding(part.path),
        delimiter=None,
        layout=None,
        title=None,
        kind=config.kind or "chat",
        channel=config.channel,
        records=None,
        columns=(),
    )


def _encoding(path: Path) -> str:
    return _ENCODINGS[find_encoding(path).main]


def _delimiter(path: Path) -> str | None:
    with open_text(path) as lines:
        return _DELIMITERS.get(find_delimiter(list(islice(lines, _LINES))))


def _deeper(table: Table) -> list[str]:
    """Columns that the layout reads out of an object inside an object, whose own names are not listed."""
    there = set(map(fold, table.names))
    used = [name for name in used_columns(table.layout) if fold(name) not in there]
    return [name for name in used if fold(name.rpartition(".")[0]) in there]


def _holds_a_used_one(name: str, meanings: Mapping[str, str]) -> bool:
    """Whether it is an object of which a part is read: then the part is listed, and the whole is not "not used"."""
    return fold(name) not in meanings and any(used.startswith(f"{fold(name)}.") for used in meanings)


def _by_layout(layout: Layout, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What the layout says of each column that is there: its folded name and its meaning."""
    there = set(map(fold, names))
    meanings: dict[str, list[str]] = {}

    def note(pick: Pick, what: str) -> None:
        found = [column for column in pick.columns if fold(column) in there]
        for column in found:
            meaning = what
            if pick.join and len(found) > 1:
                meaning = f"{what}, together with {', '.join(other for other in found if other != column)}"
            elif column != found[0]:
                meaning = f"{what}, where {found[0]} is empty"
            meanings.setdefault(fold(column), []).append(meaning)

    for field, pick in layout.columns.items():
        note(pick, field)
    for score in layout.scores:
        note(Pick((score.column,)), f"{score.metric} {score.low:g}..{score.high:g}")
    for text in layout.texts:
        record = f"further {text.role} record"
        if text.each is not None:
            note(Pick((text.each,)), f"{record}s ({text.suffix}), one for each element")
            continue
        note(text.text, f"text of a {record} ({text.suffix})")
        if text.posted_at:
            note(text.posted_at, f"posted_at of that record ({text.suffix})")
    if layout.survey:
        note(Pick(layout.survey.took), "tells responses of one minute apart")
    for drop in layout.drop:
        note(Pick((drop.column,)), f"rows with {' or '.join(drop.values)} are left out")
    for name, found in meanings.items():
        yield name, "; ".join(found)
