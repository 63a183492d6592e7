"""What Datasette tells people about tables, views and columns, and the Chinese names of keys. The words are in `tables.toml`."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from feedback.browse.queries import load_queries
from feedback.digest.words import NAMES

DATABASE = "feedback"
_SEARCH_INDEX = "verbatims_fts"
# Made by sqlite-utils for itself.
_INTERNAL_TABLES = ("_sqlite_migrations",)

_NAMES: dict[str, dict[str, str]] = {
    "sentiment": {"negative": "负面", "neutral": "中性", "positive": "正面"},
    "intent": {
        "complaint": "投诉",
        "praise": "表扬",
        "suggestion": "建议",
        "question": "提问",
        "request": "请求",
        "statement": "陈述",
    },
    "role": {"customer": "客户", "agent": "客服", "bot": "机器人"},
    "field": {"sentiment": "情感", "sentiment_by_sign": "情感（按分值正负）", "intent": "意图", "stage": "环节"},
    "status": {"running": "进行中", "done": "完成", "failed": "失败", "sending": "发送中", "sent": "已发送"},
    "period_kind": {"day": "日", "week": "周", "month": "月", "quarter": "季度", "range": "自选", "all": "全部"},
    **{column: {"0": "否", "1": "是"} for column in ("effective", "stored", "counted", "pinned", "hidden", "named")},
}
_FINDING_KINDS = {
    "stage": "环节",
    "pain_point": "痛点",
    "highlight": "亮点",
    "change": "变化",
    "disagreement": "渠道分歧",
    "score": "评分",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view as people meet it.

    `columns` maps a column to "heading：explanation"; `search` is the column that holds the id of a verbatim, where the
    page can search words. On the page, not in its exports, columns in `first` go before the others and `unlisted` ones are
    left out.
    """

    title: str
    description: str
    columns: Mapping[str, str] = field(default_factory=dict)
    sort: str | None = None
    sort_desc: str | None = None
    facets: tuple[str, ...] = ()
    search: str | None = None
    hidden: bool = False
    start_page: bool = False
    first: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()


@cache
def load_tables() -> dict[str, Table]:
    """Every described table and view by name, in the order of the start page."""
    text = (resources.files("feedback.browse") / "tables.toml").read_text(encoding="utf-8")
    return {name: Table(**_with_tuples(entry)) for name, entry in tomllib.loads(text)["tables"].items()}


def _with_tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


@cache
def _shared_columns() -> dict[str, str]:
    text = (resources.files("feedback.browse") / "tables.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["columns"])


def describe_column(table: str | None, column: str) -> str | None:
    """What a column of a table (None: of a query's result) means, "heading：explanation"; None when nobody said."""
    own = load_tables()[table].columns if table in load_tables() else {}
    return own.get(column) or _shared_columns().get(column)


def column_heading(table: str | None, column: str) -> str:
    """The Chinese name of a column, else its own."""
    return (describe_column(table, column) or column).split("：")[0]


def arrange(table: str, cells: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Datasette's cells of a row, or its column headings, as the table's page shows them."""
    about = load_tables().get(table)
    listed = list(cells)
    if about is None:
        return listed
    names = [str(cell["name"] if "name" in cell else cell["column"]) for cell in listed]
    shown = [n for n, name in enumerate(names) if name not in about.unlisted]
    places = {name: place for place, name in enumerate(about.first)}
    return [listed[n] for n in sorted(shown, key=lambda n: places.get(names[n], len(places)))]


def name_of(field_name: str, key: object) -> str | None:
    """The Chinese name of a key in a column (stage "loyalty": 关系维系); the key itself where it has none, None for None."""
    if key is None:
        return None
    if field_name in NAMES:
        if (names := NAMES[field_name].get(str(key))) is not None:
            return names[0]
        return _FINDING_KINDS.get(str(key), str(key)) if field_name == "kind" else str(key)
    return _NAMES.get(field_name, {}).get(str(key), str(key))


def build_metadata(project: str, columns: Mapping[str, list[str]]) -> dict[str, object]:
    """Datasette's metadata for a database with these tables and views (name to columns)."""
    tables = {name: _table_metadata(name, names) for name, names in columns.items() if name in load_tables()}
    tables |= {name: {"hidden": True} for name in _INTERNAL_TABLES}
    queries = {
        query.name: {
            "sql": query.sql.strip(),
            "title": query.title,
            "description": query.description,
            "params": list(query.inputs),
            "hide_sql": True,
        }
        for query in load_queries()
    }
    return {
        "title": project,
        "description": "客户原声：客户说了什么、说的是哪一环、是好是坏。每个数字都能点到背后的原话。",
        "databases": {DATABASE: {"title": project, "tables": tables, "queries": queries}},
    }


def _table_metadata(name: str, columns: list[str]) -> dict[str, object]:
    table = load_tables()[name]
    described = {column: describe_column(name, column) for column in columns}
    metadata: dict[str, object] = {
        "title": table.title,
        "description": table.description,
        "hidden": table.hidden,
        "facets": list(table.facets),
        "columns": {column: text for column, text in described.items() if text},
    }
    if table.sort or table.sort_desc:
        metadata["sort" if table.sort else "sort_desc"] = table.sort or table.sort_desc
    if table.search:
        metadata |= {"fts_table": _SEARCH_INDEX, "fts_pk": table.search}
    return metadata
