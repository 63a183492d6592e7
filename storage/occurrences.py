"""Counting what has no id of its own."""

import json
import sqlite3
from collections.abc import Sequence
from types import TracebackType


class Occurrences:
    """How often each key has come up so far. The counts are in a temporary database of its own: memory does not grow with them."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)  # on disk as soon as it is large; gone when closed
        self._connection.execute("pragma journal_mode = off")
        self._connection.execute("pragma cache_size = -8192")  # KiB
        self._connection.execute("create table counts (key text primary key, n integer not null) without rowid")
        self._connection.execute("begin")

    def number(self, keys: Sequence[str]) -> list[int]:
        """For each key, in order, how often it has come up before."""
        seen: dict[str, int] = dict(
            self._connection.execute(
                "select key, n from counts where key in (select value from json_each(?))", (json.dumps(keys),)
            ).fetchall()
        )
        numbers = []
        for key in keys:
            numbers.append(seen.get(key, 0))
            seen[key] = numbers[-1] + 1
        self._connection.executemany("insert or replace into counts values (?, ?)", sorted(seen.items()))
        return numbers

    def __enter__(self) -> "Occurrences":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()
