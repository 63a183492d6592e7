"""Databases that hold what customers said, for the tests of collector sql: files always, servers where the environment names one."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import pytest
from worlds import Said, iso

URL_VARIABLE = "YUANSHENG_TEST_URL"  # the one that a source's settings name
COLUMNS = "id, body, created_at, updated_at"
_CREATE = "create table feedback (id varchar(20) primary key, body {text}, created_at {time}, updated_at {time})"


class Database(Protocol):
    """One with a table `feedback`. `url` is what a source is told; `execute` does anything else to it; `types` is a query of one
    row whose columns are of kinds that databases differ in."""

    url: str
    types: str

    def write(self, said: Sequence[Said]) -> None:
        """The table holds these, and nothing else."""
        ...

    def execute(self, statement: str) -> None: ...


class Server(Database, Protocol):
    def transaction(self) -> AbstractContextManager[Callable[[str], object]]:
        """Executes what it is given, and lets others see it at the end only."""
        ...

    def reader(self, table: str, password: str = ...) -> AbstractContextManager[str]:
        """The address for a user who may read this one table and do nothing else."""
        ...


class Sqlite:
    types = (
        "select 'f1' id, '好用' body, '2026-03-01T09:00:00+08:00' moment, '2026-03-01' day, 4.5 stars, 7 number, null as missing, "
        'cast(\'字节\' as blob) bytes, \'{"a": {"b": "深"}}\' json'
    )

    def __init__(self, folder: Path) -> None:
        self._path = folder / "shop.db"
        self.url = "sqlite:///shop.db"
        self.execute(_CREATE.format(text="text", time="text"))

    def write(self, said: Sequence[Said]) -> None:
        rows = [(f"f{one.number}", one.text, iso(one.posted_at), iso(one.changed_at)) for one in said]
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute("delete from feedback")
            database.executemany("insert into feedback values (?, ?, ?, ?)", rows)

    def execute(self, statement: str) -> None:
        with closing(sqlite3.connect(self._path)) as database, database:
            database.execute(statement)


class Duckdb:
    types = (
        "select 'f1' id, '好用' body, timestamptz '2026-03-01 09:00:00+08' moment, date '2026-03-01' as day, 4.5::decimal(5,2) stars, "
        '7::hugeint number, null::int as missing, encode(\'字节\') bytes, \'{"a": {"b": "深"}}\'::json json'
    )

    def __init__(self, folder: Path) -> None:
        self._path = folder / "shop.duckdb"
        self.url = "duckdb:///shop.duckdb"
        self.execute(_CREATE.format(text="varchar", time="timestamptz"))

    def write(self, said: Sequence[Said]) -> None:
        import duckdb

        with duckdb.connect(str(self._path)) as database:
            database.execute("begin; delete from feedback")
            rows = [(f"f{one.number}", one.text, one.posted_at, one.changed_at) for one in said]
            database.executemany("insert or replace into feedback values (?, ?, ?, ?)", rows)
            database.execute("commit")

    def execute(self, statement: str) -> None:
        import duckdb

        with duckdb.connect(str(self._path)) as database:
            database.execute(statement)


class Postgres:
    types = (
        "select 'f1' id, '好用'::text body, timestamptz '2026-03-01 09:00:00+08' moment, date '2026-03-01' as day, 4.5::numeric(5,2) stars, "
        "7::bigint number, null::int as missing, convert_to('字节', 'UTF8') bytes, '{\"a\": {\"b\": \"深\"}}'::jsonb json"
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self.execute("drop table if exists feedback")
        self.execute(_CREATE.format(text="text", time="timestamptz"))

    def write(self, said: Sequence[Said]) -> None:
        import psycopg

        rows = [(f"f{one.number}", one.text, one.posted_at, one.changed_at) for one in said]
        with psycopg.connect(self.url) as database, database.cursor() as cursor:
            cursor.execute("delete from feedback")
            cursor.executemany("insert into feedback values (%s, %s, %s, %s)", rows)

    def execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as database:
            database.execute(statement.encode())

    @contextmanager
    def transaction(self) -> Iterator[Callable[[str], object]]:
        import psycopg

        with psycopg.connect(self.url) as database:
            yield lambda statement: database.execute(statement.encode())

    @contextmanager
    def reader(self, table: str, password: str = "geheim-0042") -> Iterator[str]:
        from sqlalchemy import make_url

        url = make_url(self.url).set(username="reader", password=password)
        quoted = password.replace("'", "''")
        self.execute(f"create role reader login password '{quoted}'")
        try:
            self.execute(f"grant select on {table} to reader")
            yield url.render_as_string(hide_password=False)
        finally:
            self.execute("drop owned by reader")
            self.execute("drop role reader")


class Mysql:
    """Its times have no zone; they are the project's."""

    types = (
        "select 'f1' id, '好用' body, timestamp '2026-03-01 09:00:00' moment, date '2026-03-01' as day, cast(4.5 as decimal(5,2)) stars, "
        '7 number, null as missing, cast(\'字节\' as binary) bytes, \'{"a": {"b": "深"}}\' json'
    )

    def __init__(self, url: str) -> None:
        self.url = url
        self.execute("drop table if exists feedback")
        self.execute(_CREATE.format(text="text", time="datetime(6)"))

    def write(self, said: Sequence[Said]) -> None:
        zone = ZoneInfo("Asia/Shanghai")
        with self._connected() as database, database.cursor() as cursor:
            cursor.execute("delete from feedback")
            for one in said:
                times = (one.posted_at.astimezone(zone), one.changed_at.astimezone(zone))
                texts = [f"{time:%Y-%m-%d %H:%M:%S}" for time in times]
                cursor.execute("insert into feedback values (%s, %s, %s, %s)", (f"f{one.number}", one.text, *texts))
            database.commit()

    def execute(self, *statements: str) -> None:
        with self._connected() as database, database.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            database.commit()

    @contextmanager
    def transaction(self) -> Iterator[Callable[[str], object]]:
        with self._connected() as database, database.cursor() as cursor:
            yield cursor.execute
            database.commit()

    @contextmanager
    def reader(self, table: str, password: str = "geheim-0042") -> Iterator[str]:
        from sqlalchemy import make_url

        url = make_url(self.url).set(username="reader", password=password)
        quoted = password.replace("'", "''")
        self.execute(
            "drop user if exists reader",
            f"create user reader identified by '{quoted}'",
            f"grant select on {table} to reader",
        )
        try:
            yield url.render_as_string(hide_password=False)
        finally:
            self.execute("drop user reader")

    @property
    def is_mariadb(self) -> bool:
        return "MariaDB" in self._value("version()")

    def knows(self, zone: str) -> bool:
        return self._value(f"convert_tz('2026-03-01', '+00:00', '{zone}') is not null") == "1"

    def _value(self, told: str) -> str:
        with self._connected() as database, database.cursor() as cursor:
            cursor.execute(f"select {told}")
            return str(cursor.fetchone()[0])

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        import pymysql
        from sqlalchemy import make_url

        url = make_url(self.url)
        with pymysql.connect(
            host=url.host or "",
            port=url.port or 3306,
            user=url.username,
            password=url.password or "",
            database=url.database,
        ) as database:
            yield database


FILES = ("sqlite", "duckdb")
SERVERS = {"postgres": "YUANSHENG_POSTGRES", "mysql": "YUANSHENG_MYSQL"}
_STARTS = {"postgres": ".ci/postgres", "mysql": ".ci/mariadb"}


def new_database(kind: str, folder: Path) -> Database:
    """An empty one; a server's test is skipped where the environment names no server."""
    if kind in FILES:
        return Sqlite(folder) if kind == "sqlite" else Duckdb(folder)
    return new_server(kind)


def new_server(kind: str) -> Server:
    url = os.environ.get(SERVERS[kind])
    if not url:
        pytest.skip(
            f"{SERVERS[kind]} is not set: the address of a {kind} server on this machine ({_STARTS[kind]} starts one)"
        )
    return Postgres(url) if kind == "postgres" else Mysql(url)
