"""Reading customers' texts one after another, whatever their number."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

_PAGE = 1000
_CUSTOMERS = "from verbatims where role = 'customer' and text != ''"


class CustomerText(NamedTuple):
    """What a customer wrote; `effective` when it is neither noise nor a copy."""

    text: str
    effective: bool
    verbatim_id: int


def count_customer_texts(connection: sqlite3.Connection) -> int:
    return int(connection.execute(f"select count(*) {_CUSTOMERS}").fetchone()[0])


def customer_texts(connection: sqlite3.Connection) -> Iterator[CustomerText]:
    """Every text that analysis would read, by id, a page in memory at a time."""
    after = 0
    while page := connection.execute(
        f"select id, text, noise is null and duplicate_of is null {_CUSTOMERS} and id > ? order by id limit ?",
        (after, _PAGE),
    ).fetchall():
        for verbatim_id, text, effective in page:
            yield CustomerText(text, bool(effective), verbatim_id)
        after = page[-1][0]
