"""Sources of collector sql for its tests: a project of its own (`Shop`), or a table `t` in a file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from command import Ran, run
from sql_databases import FILES, URL_VARIABLE, Database
from worlds import NOW, Said, said

from feedback.collectors.base import Record, SourceConfig
from feedback.collectors.live import Page, Visit
from feedback.collectors.live.vault import Vault
from feedback.collectors.sql import SqlCollector

QUERY = "select id, body, created_at, updated_at from feedback"
SOURCE = """[project]
name = "合约"

[analysis]
engine = "fast"

[[sources]]
name = "live"
collector = "sql"
channel = "门店"
url = {url}
query = "{query}"
since = {{ column = "updated_at" }}
columns = {{ text = "body", source_id = "id", posted_at = "created_at" }}
"""


class Shop:
    """A project with one source, and the database that it is of."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.said: list[Said] = said(20)
        database.write(self.said)
        url = f'"{database.url}"' if database.url.startswith(FILES) else f'{{ env = "{URL_VARIABLE}" }}'
        (folder / "feedback.toml").write_text(SOURCE.format(url=url, query=QUERY), encoding="utf-8")

    def say(self, *more: Said) -> None:
        self.said += more
        self.database.write(self.said)

    def collect(self, *more: str) -> Ran:
        return run("collect", "--source", "live", *more, project=self.folder)

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            rows = database.execute("select source_id, text from verbatims where source = 'live'").fetchall()
        assert len(rows) == len({row[0] for row in rows})
        return dict(rows)

    def is_whole(self) -> bool:
        return self.stored() == {f"f{one.number}": one.text for one in self.said}


def options(**more: object) -> dict[str, object]:
    columns = {"text": "body", "source_id": "id"}
    return {"url": "sqlite:///shop.db", "query": "select * from t", "columns": columns, **more}


def visit_of(folder: Path, given: dict[str, object], **more: object) -> Visit:
    return Visit(SourceConfig("live", "sql", base=folder, options=given, **more), Vault(folder / "project"), NOW)  # type: ignore[arg-type]


def pages_of(folder: Path, given: dict[str, object], state: str | None = None) -> list[Page]:
    return list(SqlCollector().pages("rows", state, visit_of(folder, given)))


def table(folder: Path, column: str, *values: object) -> None:
    """A table `t` with a row for each value of the column that grows."""
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("drop table if exists t")
        database.execute(f"create table t (id integer primary key, body text, {column})")
        database.executemany(
            "insert into t values (?, ?, ?)", [(n, f"第{n}条，很好用", v) for n, v in enumerate(values, 1)]
        )


def ids(pages: list[Page]) -> list[str | None]:
    return [item.source_id for page in pages for item in page.items if isinstance(item, Record)]
