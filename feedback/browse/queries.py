"""The canned queries: questions a customer-service manager asks, as SQL. They are data, in `queries.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `inputs` are its parameters and their labels; `choices` SQL that lists what an input may be.

    `search` names the input that is a full-text search.
    """

    name: str
    section: str
    title: str
    description: str
    sql: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    search: str | None = None


@cache
def load_queries() -> tuple[Query, ...]:
    """Every canned query, in the order of the start page."""
    text = (resources.files("feedback.browse") / "queries.toml").read_text(encoding="utf-8")
    return tuple(Query(**entry) for entry in tomllib.loads(text)["queries"])


def sections() -> dict[str, list[Query]]:
    """The queries under their headings."""
    grouped: dict[str, list[Query]] = {}
    for query in load_queries():
        grouped.setdefault(query.section, []).append(query)
    return grouped
