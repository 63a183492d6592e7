"""Collector sql on MySQL or MariaDB: encodings, days that are none, clocks, numbers and users as only they have them."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from sql_databases import URL_VARIABLE, Mysql, new_database
from sql_shop import pages_of

from feedback.collectors.base import Item, Record
from feedback.collectors.live import mysql
from feedback.collectors.live.database import opened
from feedback.errors import CollectError


class Table:
    """A table `t`, the source that asks for it, and the project's folder."""

    def __init__(self, folder: Path, database: Mysql, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.database, self._monkeypatch = folder, database, monkeypatch
        self.url = database.url

    def holds(self, columns: str, *rows: str) -> None:
        self.database.execute("drop table if exists t")
        self.database.execute(f"create table t ({columns})")
        for row in rows:
            # What older servers and applications have stored, the stricter ones of today hold too.
            self.database.execute("set sql_mode = 'ALLOW_INVALID_DATES'", f"insert into t values ({row})")

    def items(self, query: str = "select * from t", state: str | None = None, **more: object) -> list[Item]:
        self._monkeypatch.setenv(URL_VARIABLE, self.url)
        columns = {"text": "body", "source_id": "id"} | dict(more.pop("columns", {}))  # type: ignore[call-overload]
        given = {"url": {"env": URL_VARIABLE}, "query": query, "columns": columns, **more}
        return [item for page in pages_of(self.folder, given, state) for item in page.items]

    def records(self, query: str = "select * from t", state: str | None = None, **more: object) -> list[Record]:
        items = self.items(query, state, **more)
        found = [item for item in items if isinstance(item, Record)]
        assert len(found) == len(items)
        return found

    def ids(self, query: str = "select * from t", state: str | None = None, **more: object) -> list[str | None]:
        return [record.source_id for record in self.records(query, state, **more)]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    database = new_database("mysql", tmp_path)
    assert isinstance(database, Mysql)
    return Table(tmp_path, database, monkeypatch)


# Encodings.


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gbk", "镕的快递，發貨慢"),
        ("gb18030", "镕的快递，發貨慢"),
        ("big5", "發貨很慢"),
        ("latin1", "café très bon"),
        ("utf8mb3", "物流太慢了"),
        ("utf8mb4", "好用😀👨‍👩‍👧𠮷"),
    ],
)
def test_a_table_may_have_any_encoding(table: Table, encoding: str, text: str) -> None:
    if encoding == "gb18030" and table.database.is_mariadb:
        pytest.skip("MariaDB does not know gb18030")
    table.holds(f"id int, body varchar(50) character set {encoding}", f"1, '{text}'")
    assert [record.text for record in table.records(f"select * from t where body = '{text}'")] == [text]


@pytest.mark.parametrize(
    "asked", ["utf8", "utf8mb3", "gbk", "latin1", "ascii", "nosuch", "utf8&collation=utf8_general_ci"]
)
def test_no_character_is_lost_whatever_encoding_the_address_asks_for(table: Table, asked: str) -> None:
    table.holds("id int, body varchar(50) character set utf8mb4", "1, '好用😀𠮷'")
    table.url += f"?charset={asked}"
    assert [record.text for record in table.records()] == ["好用😀𠮷"]


def test_utf_8_that_stands_in_a_latin1_column_can_be_had_by_the_query(table: Table) -> None:
    table.holds("id int, body varchar(50) character set latin1", "1, convert(binary '好用' using latin1)")
    query = "select id, convert(cast(convert(body using latin1) as binary) using utf8mb4) as body from t"
    assert [record.text for record in table.records(query)] == ["好用"]


def test_a_query_may_hold_strings_and_comments_as_mysql_writes_them(table: Table) -> None:
    table.holds("id int, body varchar(50)", "1, '好用'", "2, '12:30; it''s 100%'")
    query = "select id, body from t # not into; anything\nwhere body like '%:%; it\\'s 100\\%' # the end"
    assert table.ids(query) == ["2"]
    assert table.ids(f"{query}\n; # 评价; 很好") == ["2"]
    assert table.ids("select id, body from t where id = 5--3;") == []


# Days that are none, and clocks.

TIMES = "id int, body varchar(50) default '很好用', changed datetime(6)"
SINCE = {"column": "changed"}


def test_a_time_without_a_zone_comes_as_it_stands(table: Table) -> None:
    table.holds(
        "id int, body varchar(50), a datetime, b datetime(6)",
        "1, '好用', '2026-03-01 09:00:00', '2026-03-01 09:00:00.25'",
    )
    found = table.records(columns={"posted_at": "a", "version": "b"})
    assert [(record.posted_at, record.version) for record in found] == [("2026-03-01 09:00:00", "2026-03-01 09:00:00")]


@pytest.mark.parametrize("kind", ["datetime", "datetime(6)", "timestamp", "date"])
def test_the_day_of_zeros_is_none(table: Table, kind: str) -> None:
    table.holds(f"id int, body varchar(50), a {kind}", "1, '好用', '0000-00-00'")
    assert [record.posted_at for record in table.records(columns={"posted_at": "a"})] == [None]


@pytest.mark.parametrize(("kind", "rest"), [("datetime", " 00:00:00"), ("date", "")])
@pytest.mark.parametrize("day", ["2026-00-00", "2026-01-00", "2026-02-30"])
def test_a_day_that_is_not_in_the_calendar_is_left_for_the_intake_to_refuse(
    table: Table, kind: str, rest: str, day: str
) -> None:
    table.holds(f"id int, body varchar(50), a {kind}", f"1, '好用', '{day}'")
    assert [record.posted_at for record in table.records(columns={"posted_at": "a"})] == [day + rest]


@pytest.mark.parametrize("kind", ["datetime", "timestamp null", "date"])
@pytest.mark.parametrize("overlap", [0, 300])
def test_rows_whose_time_is_the_day_of_zeros_come_every_time_as_those_without_one(
    table: Table, kind: str, overlap: int
) -> None:
    table.holds(
        f"id int, body varchar(50), changed {kind}",
        "1, 'a', '0000-00-00'",
        "2, 'b', null",
        "3, 'c', '2026-02-01'",
        "4, 'd', '2026-03-01'",
    )
    state = '["date", "2026-03-01"]' if kind == "date" else '["time", "2026-03-01T00:00:00"]'
    assert sorted(map(str, table.ids(since=SINCE))) == ["1", "2", "3", "4"]
    assert sorted(map(str, table.ids(state=state, since={**SINCE, "overlap_seconds": overlap}))) == ["1", "2", "4"]


def test_a_day_that_is_not_in_the_calendar_is_no_mark(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, table.url)
    table.holds(TIMES, "1, 'a', '2026-02-01'", "2, 'b', '2026-02-30'", "3, 'c', '2026-01-00'")
    [page] = pages_of(
        table.folder,
        {
            "url": {"env": URL_VARIABLE},
            "query": "select * from t",
            "since": SINCE,
            "columns": {"text": "body", "source_id": "id"},
        },
    )
    assert (len(page.items), page.state) == (3, '["time", "2026-02-01T00:00:00"]')


def test_a_time_that_mysql_keeps_in_utc_comes_in_the_projects_zone(table: Table) -> None:
    table.holds(
        "id int, body varchar(50), changed timestamp null", "1, '好用', from_unixtime(1772326800)"
    )  # 2026-03-01 01:00 UTC
    assert [r.posted_at for r in table.records(columns={"posted_at": "changed"})] == ["2026-03-01 09:00:00"]
    state = '["time", "2026-03-01T09:00:00"]'
    since = {**SINCE, "overlap_seconds": 0}
    assert table.ids(state=state, since=since) == ["1"]
    assert table.ids(state=state.replace("09:00:00", "09:00:01"), since=since) == []


@pytest.mark.parametrize(
    ("zone", "told"), [("Asia/Kolkata", "06:30:00"), ("UTC", "01:00:00"), ("America/Bogota", "20:00:00")]
)
def test_any_zone_whose_clocks_are_never_changed_will_do(table: Table, zone: str, told: str) -> None:
    table.holds("id int, changed timestamp null", "1, from_unixtime(1772326800)")
    with opened(table.url, table.folder, zone) as database:
        [[(found,)]] = database.pages("select changed from t")
    assert f"{found:%H:%M:%S}" == told


def test_a_zone_with_summer_time_that_the_server_knows_is_told_by_its_clocks(table: Table) -> None:
    if not table.database.knows("Europe/Paris"):
        table.database.execute(
            "replace into mysql.time_zone values (7001, 'N')",
            "replace into mysql.time_zone_name values ('Europe/Paris', 7001)",
            "replace into mysql.time_zone_transition_type values (7001, 0, 3600, 0, 'CET'), (7001, 1, 7200, 1, 'CEST')",
            "replace into mysql.time_zone_transition values (7001, 1761440400, 0), (7001, 1774746000, 1), (7001, 1792890000, 0)",
        )
    table.holds("id int, changed timestamp null", "1, from_unixtime(1772326800)", "2, from_unixtime(1780275600)")
    with opened(table.url, table.folder, "Europe/Paris") as database:
        assert database.columns("select * from t") == ["id", "changed"]
        [rows] = database.pages("select changed from t order by id")
    assert [f"{found:%m-%d %H:%M}" for (found,) in rows] == ["03-01 02:00", "06-01 03:00"]


def test_a_zone_with_summer_time_that_the_server_does_not_know_is_said_where_it_matters(table: Table) -> None:
    if table.database.knows("Europe/Berlin"):
        pytest.skip("this server knows all zones")
    table.holds("id int, plain datetime, changed timestamp null", "1, '2026-03-01 09:00:00', from_unixtime(1772326800)")
    with opened(table.url, table.folder, "Europe/Berlin") as database:
        assert database.columns("select id, plain from t") == ["id", "plain"]
        with pytest.raises(CollectError) as error:
            database.columns("select id, changed from t")
    assert str(error.value) == (
        "The database does not know the time zone 'Europe/Berlin', and so not what time 'changed' was there. "
        "Have its zones loaded (mysql_tzinfo_to_sql), or write unix_timestamp(changed) as changed in 'query'."
    )


def test_a_time_as_a_number_is_read_too(table: Table) -> None:
    table.holds("id int, body varchar(50), changed timestamp(6) null", "1, '好用', from_unixtime(1772326800)")
    found = table.records(
        "select id, body, unix_timestamp(changed) as changed from t",
        columns={"posted_at": "changed"},
        since={"column": "changed", "format": "epoch"},
    )
    assert [record.posted_at for record in found] == ["1772326800.000000"]


# Numbers.


@pytest.mark.parametrize(
    ("kind", "greatest"),
    [
        ("bigint unsigned", "18446744073709551615"),
        ("bigint", "9223372036854775807"),
        ("decimal(38,0)", "99999999999999999999999999999999999999"),
        ("decimal(20,2)", "900719925474099312.25"),
    ],
)
def test_a_number_of_any_size_tells_rows_apart_and_grows(table: Table, kind: str, greatest: str) -> None:
    table.holds(f"id {kind}, body varchar(50)", f"{greatest} - 1, 'a'", f"{greatest}, 'b'")
    given = {"url": {"env": URL_VARIABLE}, "query": "select * from t", "since": {"column": "id", "overlap": 0}}
    given["columns"] = {"text": "body", "source_id": "id"}
    assert len(table.ids()) == 2
    [page] = pages_of(table.folder, given)
    whole = greatest.partition(".")[0]
    assert page.state == json.dumps(["number", int(whole)])
    assert table.ids(state=page.state, since=given["since"]) == [greatest]


# Users.


@pytest.mark.parametrize("password", ["密码😀", "grün", "a:b@c/d?e%f#g h'"])
def test_a_password_may_hold_any_character(table: Table, password: str) -> None:
    table.holds("id int, body varchar(50)", "1, '好用'")
    with table.database.reader("t", password) as url:
        table.url = url
        assert table.ids() == ["1"]


def test_what_a_user_may_not_read_is_said(table: Table) -> None:
    table.holds("id int, body varchar(50), phone varchar(50)", "1, '好用', ''")
    with table.database.reader("t", "geheim-0042") as url:
        table.url = url
        assert table.ids("select id, body from t") == ["1"]
        with pytest.raises(CollectError) as error:
            table.ids("select * from feedback")
        assert str(error.value) == "This user may not read what 'query' asks for."
        table.url = url.rpartition("/")[0] + "/mysql"
        with pytest.raises(CollectError) as error:
            table.ids()
        assert str(error.value) == "There is no database of the name that 'url' says, or this user may not read it."


def test_an_address_without_a_database_will_do_where_the_query_names_it(table: Table) -> None:
    table.holds("id int, body varchar(50)", "1, '好用'")
    table.url, _, name = table.url.rpartition("/")
    assert table.ids(f"select * from {name}.t") == ["1"]
    with pytest.raises(CollectError) as error:
        table.ids()
    assert str(error.value) == "'url' names no database. Write it like mysql://user:password@host/name"


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("ssl_ca=/gone.pem", "What stands behind the ? of 'url' can't be used. Is each value right, and is each file there?"),
        ("read_timeout=-1", "What stands behind the ? of 'url' can't be used. Is each value right, and is each file there?"),
        ("nonsense=1", "What stands behind the ? of 'url' is not known to the database's driver."),
    ],
)  # fmt: skip
def test_an_option_that_can_not_be_used_is_said(table: Table, option: str, said: str) -> None:
    table.url += f"?{option}"
    with pytest.raises(CollectError) as error:
        table.ids()
    assert str(error.value) == said


def test_an_answer_that_takes_longer_than_the_server_allows_is_said(table: Table) -> None:
    if not table.database.is_mariadb:
        pytest.skip("MySQL has the limit by another name")
    table.holds("id int, body varchar(50)", "1, 'a'", "2, 'b'")
    table.url += f"?init_command={quote('set max_statement_time = 0.1')}"
    with pytest.raises(CollectError) as error:
        table.ids("select id, body, sleep(1) from t")
    assert str(error.value) == (
        "The database stopped 'query', which takes longer than it allows. Ask for less, or have the limit raised."
    )


def test_a_query_may_take_longer_than_the_greeting_but_not_for_ever(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.holds("id int, body varchar(50)", "1, '好用'")
    slow = "select id, body, sleep(1.5) as slept from t"
    monkeypatch.setattr(mysql, "GREETING_SECONDS", 1)
    assert table.ids(slow) == ["1"]
    monkeypatch.setattr(mysql, "ANSWER_SECONDS", 0.5)
    with pytest.raises(CollectError, match=r"^The database does not answer\. .* \?read_timeout=7200$"):
        table.ids(slow)
