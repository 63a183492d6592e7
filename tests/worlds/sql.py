"""A database file that a shop's own program writes to, with a write-ahead log, so that it can be read meanwhile."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import ClassVar

from worlds import Around, Lack, Said, Source, iso

_COLUMNS = ("id", "body", "created_at", "updated_at", "added_to")
_ONCE = "create view shown as select * from feedback"


class World(Source):
    collector = "sql"
    speaks = "SQL"
    secret: str | None = None  # the address of a file: `test_sql.py` has servers, whose addresses hold passwords
    edits = True
    without: Mapping[Lack, str] = {
        "cursors": "a query has no pages, and the state is a time",
        "lasting cursors": "a query has no pages, and the state is a time",
    }
    breaks: str | None = None
    saved_as = "answer.json"
    page_sizes: ClassVar[Mapping[str, int]] = {"feedback.collectors.live.database.ROWS": 7}
    nonsense = ("no database", "no table", "other columns", "another kind of numbers")

    def __init__(self) -> None:
        super().__init__()
        self._path = Path()

    @contextmanager
    def served(self, folder: Path, around: Around = nullcontext) -> Iterator[str]:  # noqa: ARG002
        """The address is a file's; nobody notices who reads it."""
        self._path = folder / "shop.db"
        self._execute(
            "pragma journal_mode = wal", f"create table feedback ({', '.join(_COLUMNS)}, primary key (id))", _ONCE
        )
        self.publish()
        yield f"sqlite:///{self._path}"

    def publish(self) -> None:
        rows = [_row(one) for one in list(self.said)]
        if self.overlap:  # as a join shows a row for each that it finds
            self._execute("drop view shown", f"{_ONCE} union all select * from feedback")
        with closing(sqlite3.connect(self._path)) as database, database:
            ids = json.dumps([row["id"] for row in rows])
            database.execute("delete from feedback where id not in (select value from json_each(?))", (ids,))
            places = ", ".join(f":{name}" for name in _COLUMNS)
            database.executemany(f"insert or replace into feedback values ({places})", rows)

    def section(self, url: str) -> Mapping[str, object]:
        return {
            "url": url,
            "query": f"select {', '.join(_COLUMNS)} from shown",
            "since": {"column": "updated_at"},
            "columns": {"text": "body", "source_id": "id", "posted_at": "created_at", "parent_id": "added_to"},
        }

    def stored(self) -> dict[str, str]:
        return {_id(one): one.text for one in self.said}

    def saved(self) -> bytes:
        return json.dumps([_row(one) for one in self.said], ensure_ascii=False).encode()

    def break_off(self) -> None:
        raise AssertionError(self.speaks)

    def talk(self, nonsense: str) -> None:
        if nonsense == "no database":
            self._path.write_bytes(b"SQLite format 4\0" * 100)
        elif nonsense == "no table":
            self._execute("drop view shown")
        elif nonsense == "other columns":
            self._execute("alter table feedback rename column body to words")
        else:
            self._execute("update feedback set updated_at = 7 where id = 'f1'")

    def refuse(self, words: str) -> None:
        raise AssertionError(words)

    def _execute(self, *statements: str) -> None:
        with closing(sqlite3.connect(self._path)) as database, database:
            for statement in statements:
                database.execute(statement)


def _id(one: Said) -> str:
    return f"f{one.number}"


def _row(one: Said) -> dict[str, str | None]:
    added_to = f"f{one.to}" if one.to else None
    return dict(zip(_COLUMNS, (_id(one), one.text, iso(one.posted_at), iso(one.changed_at), added_to), strict=True))
