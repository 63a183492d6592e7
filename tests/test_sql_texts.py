"""Collector sql where the column that grows holds texts: whatever they are, no row is lost; dates that sort by time are read once."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sql_databases import FILES, SERVERS, URL_VARIABLE, Database, new_database
from sql_shop import pages_of
from worlds import NOW

from feedback.collectors.base import Record
from feedback.collectors.live import database as database_module
from feedback.collectors.live.database import opened
from feedback.collectors.live.database_texts import Form, TextBounds, TextDate
from feedback.collectors.live.growing import MOST_FORMS, Growing, Mark

KINDS = [*FILES, *SERVERS]


@dataclass
class Texts:
    """A table `t` whose column `u` is of texts, and what runs have had of it: `stored` by id, and what the last one was told."""

    folder: Path
    database: Database
    since: dict[str, object] = field(default_factory=lambda: {"column": "u", "overlap_seconds": 0})
    rows: int = 0
    state: str | None = None
    stored: set[str] = field(default_factory=set)
    notes: tuple[str, ...] = ()

    def create(self, kind: str) -> "Texts":
        self.database.execute("drop table if exists t")
        self.database.execute(f"create table t (id int, body varchar(20), u {kind})")
        return self

    def add(self, *values: str) -> None:
        for value in values:
            self.rows += 1
            quoted = value.replace("'", "''")
            self.database.execute(f"insert into t values ({self.rows}, '很好用', '{quoted}')")

    def collect(self, pages: int | None = None) -> list[int]:
        """The ids that a run gives, which may be cut off after so many pages."""
        found, self.notes = list[int](), ()
        given = {
            "url": self.database.url if self.database.url.startswith("sqlite") else {"env": URL_VARIABLE},
            "query": "select * from t",
            "since": self.since,
            "columns": {"text": "body", "source_id": "id"},
        }
        for page in pages_of(self.folder, given, self.state)[:pages]:
            found += [int(item.source_id or 0) for item in page.items if isinstance(item, Record)]
            self.state, self.notes = page.state or self.state, self.notes + page.notes
        self.stored |= set(map(str, found))
        return sorted(found)

    def is_whole(self) -> bool:
        return self.stored == {str(n + 1) for n in range(self.rows)}


@pytest.fixture(params=KINDS)
def texts(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Texts:
    database = new_database(request.param, tmp_path)
    monkeypatch.setenv(URL_VARIABLE, f"duckdb:///{tmp_path}/shop.duckdb" if request.param == "duckdb" else database.url)
    return Texts(tmp_path, database).create("varchar(60)")


def kind_of(texts: Texts) -> str:
    return texts.database.url.partition(":")[0]


# Nothing is lost.


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (["2026-03-01 10:00:00", "2026-03-01 11:00:00", "待定"], ["2026-03-01 12:00:00", "2026-03-02 09:00:00"]),
        (["2026-02-01 10:00:00", "2026-03-01 11:00:00"], ["待定", "", "N/A", "2026/10/1", "2025/9/1", "1", " "]),
        (["2026/1/1 10:00", "2026/2/28 10:00"], ["2026/2/9 10:00", "2026/10/1 10:00", "2026/10/11 10:00"]),
        (["2025/10/11 10:00", "2025/12/31 9:00"], ["2025/12/9 10:00", "2025/11/30 9:00", "2026/3/1 10:00"]),
        (["2025/12/31 10:00", "2025/12/30 10:05:00"], ["2025/12/31 9:05", "2025/12/31 10:5:30", "2025/12/9 10:00:00"]),
        (["2026年1月1日 10:00", "2026年2月28日 10:00"], ["2026年2月9日 10:00", "2026年10月1日 10:00"]),
        (["9", "10"], ["11", "100"]),
        (["03/01/2026 10:00", "12/31/2025 10:00"], ["03/02/2026 09:00", "01/01/2026 10:00"]),
        (["2026-03-01", "2026-03-01T10:00:00"], ["2026-03-01", "2026-03-01 11:00:00", "2026-03-01T10:00:01"]),
        (["2026-03-01T10:00:00Z"], ["2026-03-01T10:00:01+00:00", "2026-03-01T05:00:02-05:00", "2026-03-01 18:00:03"]),
        (["2026-03-01T18:00:00+08:00"], ["2026-03-01T10:00:01Z", "2026-03-01T10:00:02+00:00", "2026-03-01 10:00:03Z"]),
        (["2026-03-01 10:00:00.123456"], ["2026-03-01 10:00:00", "2026-03-01 10:00:00.2", "2026-03-01 10:00:00,5"]),
        (["2026-03-01 10:00:30"], ["2026-03-01 10:00", "2026-03-01", "20260301", "20260301100000", "2026.03.01"]),
        (["20260301100000", "20260301100000123"], ["20260301100001", "202603011000", "202603011000001"]),
        (["2026-03-01 10:00:00"], ["0000-00-00 00:00:00", "1970-01-01 08:00:00", "0001-01-01 00:00:00"]),
        (["2026-03-01 10:00:00"], ["2026-00-00 10:00:00", "2025-13-01 10:00:00", "2025-12-32 10:00:00", "2025-02-29 10:00:00"]),
        (["2026-03-01 10:00:00"], ["2025-04-31 10:00:00", "2026-02-01 24:00:00", "2026-02-01 10:60:00", "2026-02-01 10:00:60"]),
        (["2026-03-01 10:00:00"], ["2026-0a-01 10:00:00", "２０２６-02-01 10:00:00", "2026-02-01x10:00:00", "2026-02-01 10:00:00 x"]),
        (["2099-01-01 10:00:00", "2026-03-01 10:00:00"], ["2026-03-01 11:00:00", "9999-12-31 00:00:00"]),
        (["it's 100%", ":since"], ["a_%", "?"]),
    ],
)  # fmt: skip
def test_whatever_texts_a_column_holds_no_row_is_lost(texts: Texts, first: list[str], later: list[str]) -> None:
    texts.add(*first)
    texts.collect()
    texts.add(*later)
    texts.collect()
    assert texts.is_whole()


COLLATED = {
    "sqlite": ["text collate nocase", "text collate rtrim"],
    "duckdb": ["varchar collate nocase"],
    "postgresql": ['text collate "zh-x-icu"', 'varchar(60) collate "und-x-icu"', "char(60)"],
    "mysql": ["varchar(60) character set gbk", "varchar(60) collate utf8mb4_unicode_ci", "char(60) character set latin1", "text"],
}  # fmt: skip


def test_a_column_may_be_of_any_kind_of_text(texts: Texts) -> None:
    for kind in COLLATED[kind_of(texts)]:
        fresh = Texts(texts.folder, texts.database).create(kind)
        fresh.add("2026-02-28T10:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01 09:00:00", "n/a")
        fresh.collect()
        fresh.add("2026-03-01T10:00:00Z", "2026-03-01 10:00:00", "N/A", "", "2026-03-01T10:00:00z")
        assert fresh.collect() == [2, 3, 4, 5, 6, 7, 8, 9]
        assert fresh.is_whole()


@pytest.mark.parametrize("pages", [1, 2, 3])
def test_cut_off_after_any_page_the_next_run_has_the_rest(
    texts: Texts, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "ROWS", 2)
    texts.add("2026/02/01", "待定", "2026-02-03", "2026-02-04T10:00:00", "2026-02-02", "2026/2/1", "2026-02-04 10:00")
    texts.collect(pages)
    texts.add("2026-02-05", "?")
    texts.collect()
    assert texts.is_whole()


# What was read does not come again.


@pytest.mark.parametrize(
    ("before", "mark", "after"),
    [
        ("2026-02-28 10:00:00", "2026-03-01 10:00:00", "2026-03-01 10:00:01"),
        ("2026-02-28 10:00", "2026-03-01 10:00", "2026-03-01 10:01"),
        ("2026-02-28T10:00:00Z", "2026-03-01T10:00:00.5Z", "2026-03-01T10:00:00.25Z"),
        ("2026-02-28T10:00:00.123456+08:00", "2026-03-01T10:00:00+08:00", "2026-03-01T10:00:01.12+08:00"),
        ("2026-02-28 10:00:00 +0800", "2026-03-01 10:00:00 +0800", "2026-03-01 10:00:01.1 +0800"),
        ("2026-02-28 10:00:00 UTC", "2026-03-01 10:00:00 UTC", "2026-03-01 10:00:01 UTC"),
        ("2026-02-27 10:00:00-05", "2026-03-01 10:00:00-05", "2026-03-01 10:00:01-05"),
        ("2026-02-28", "2026-03-01", "2026-03-02"),
        ("2026/02/28 10:00:00", "2026/03/01 10:00:00", "2026/03/01 10:00:01"),
        ("2026.02.28", "2026.03.01", "2026.03.02"),
        ("20260228", "20260301", "20260302"),
        ("202602281000", "202603011000", "202603011001"),
        ("20260228100000", "20260301100000", "20260301100001"),
        ("20260228100000123", "20260301100000123", "20260301100000124"),
        ("20260228T100000Z", "20260301T100000Z", "20260301T100001Z"),
        ("2026年02月28日", "2026年03月01日", "2026年03月02日"),
        ("2026年02月28日 10:00:00", "2026年03月01日 10:00:00", "2026年03月01日 10:00:01"),
        ("2026-02-28 10:00:00,123", "2026-03-01 10:00:00,123", "2026-03-01 10:00:00,124"),
    ],
)
def test_dates_that_sort_by_time_are_read_once(texts: Texts, before: str, mark: str, after: str) -> None:
    texts.add(before, mark)
    assert texts.collect() == [1, 2]
    texts.add(after)
    assert texts.collect() == [2, 3]
    assert texts.notes == ()


def test_forms_that_stand_side_by_side_are_each_read_once(texts: Texts) -> None:
    forms = ("2026-02-{:02}", "2026-02-{:02} 10:00:00", "2026-02-{:02}T10:00:00Z", "2026/02/{:02}")
    texts.add(*(form.format(day) for day in range(1, 6) for form in forms))
    assert len(texts.collect()) == 20
    texts.add(*(form.format(6) for form in forms))
    assert texts.collect() == list(range(17, 25))
    assert texts.notes == ()
    assert texts.state == ('["text", "2026-02-06", "2026-02-06 10:00:00", "2026-02-06T10:00:00Z", "2026/02/06"]')


def test_more_forms_than_can_be_remembered_lose_nothing(tmp_path: Path) -> None:
    texts = Texts(tmp_path, new_database("sqlite", tmp_path)).create("text")
    zones = [f"+{hours:02}:{minutes:02}" for hours in range(14) for minutes in (0, 30)]
    assert len(zones) > MOST_FORMS
    for second in range(3):
        texts.add(*(f"2026-02-01T10:00:{second:02}{zone}" for zone in zones))
        texts.collect()
        assert texts.is_whole()


# What is told.

NUMBERS = {"sqlite": "cast(u as integer)", "mysql": "cast(u as signed)"}
TIMES = {
    "duckdb": "strptime(u, '%Y/%m/%d %H:%M')",
    "postgresql": "cast(to_timestamp(u, 'YYYY/MM/DD HH24:MI') as timestamp)",
    "mysql": "str_to_date(u, '%Y/%m/%d %H:%i')",
}


def test_numbers_as_texts_are_told_with_a_cure_that_works(texts: Texts) -> None:
    cast = NUMBERS.get(kind_of(texts), "cast(u as bigint)")
    texts.add("9", "10")
    texts.collect()
    assert texts.notes == (
        f"[since] 2 rows come every time, as 'u' holds numbers there as texts (10 before 9). Write {cast} as u in 'query'.",
    )
    assert [row[0] for row in asked(texts, f"select {cast} as u from t")] == [9, 10]


def test_dates_that_do_not_sort_are_told_with_a_cure_that_works(texts: Texts) -> None:
    texts.add("2026/2/9 9:05", "2026/10/1 10:00", "待定")
    texts.collect()
    cast = TIMES.get(kind_of(texts))
    cure = (
        f"Write {cast} as u in 'query', in their form."
        if cast
        else "Have them written as 2026-03-01 12:00:00, name another column, or leave [since] out."
    )
    assert texts.notes == (
        f"[since] 3 rows come every time, as 'u' holds dates there whose order as texts is not that of time (2026/10/1 before 2026/9/1). {cure}",
    )
    if cast:
        found = asked(texts, f"select {cast} as u from t where u like '2026%'")
        assert [row[0] for row in found] == [datetime(2026, 2, 9, 9, 5), datetime(2026, 10, 1, 10)]


def asked(texts: Texts, query: str) -> list[Sequence[object]]:
    url = f"duckdb:///{texts.folder}/shop.duckdb" if kind_of(texts) == "duckdb" else texts.database.url
    with opened(url, texts.folder) as database:
        return sorted((row for page in database.pages(query) for row in page), key=lambda row: str(row[0]).zfill(20))


@pytest.mark.parametrize("value", ["待定", "N/A", "2026-02-30", "1970-01-01 08:00:00"])
def test_a_text_that_is_no_date_is_told_and_no_more(tmp_path: Path, value: str) -> None:
    texts = Texts(tmp_path, new_database("sqlite", tmp_path)).create("text")
    texts.add(value, "2026-02-01", "", "0000-00-00", "2099-01-01")
    assert texts.collect() == [1, 2, 3, 4, 5]
    assert texts.state == '["text", "2026-02-01"]'
    assert texts.notes == ("[since] 1 row comes every time, as 'u' holds texts there that are no dates.",)


@pytest.mark.parametrize("state", ['["text", "待定"]', '["text", "2026/9/30 10:00"]', '["text", "b"]'])
def test_a_mark_that_hid_rows_is_given_up(tmp_path: Path, state: str) -> None:
    texts = Texts(tmp_path, new_database("sqlite", tmp_path), state=state).create("text")
    texts.add("2026-02-01", "a", "2026/10/1 10:00")
    assert texts.collect() == [1, 2, 3]


def test_a_text_among_numbers_comes_every_time_and_hides_none(tmp_path: Path) -> None:
    texts = Texts(tmp_path, new_database("sqlite", tmp_path), since={"column": "u", "overlap": 0}).create("integer")
    texts.add("5", "待定", "")
    texts.collect()
    texts.add("6", "N/A")
    assert texts.collect() == [1, 2, 3, 4, 5]
    assert texts.state == '["number", 6]'


# Marks and bounds.


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("2026-03-01", "2026-02-28"),
        ("2026/03/01 00:04:00", "2026/02/28 23:59:00"),
        ("2026-03-01T08:00:00.250Z", "2026-03-01T07:55:00"),
        ("2026-03-01 00:04", "2026-02-28 23:59"),
        ("20260301000400123", "20260228235900"),
        ("2026年03月01日 00:04", "2026年02月28日 23:59"),
    ],
)
def test_what_is_asked_for_begins_a_little_before_the_date_in_its_own_form(text: str, bound: str) -> None:
    date = TextDate.of(text)
    assert date is not None
    assert date.earlier(300) == bound
    assert date.earlier(9e15).startswith("0001")


@pytest.mark.parametrize(
    "text",
    [
        "", "待定", "20263", "2026-3-1", "2026-03-01 9:00", "2026-03-01 10", "2026-03/01", "2026-03-01 10:00:00 CST",
        "2026-03-01 10:00 PM", "2026-03-01Z", "2026-03-01 10:00.5", "2026-03-01 10:00:00123", "2026-03-01 10:00:00.1234567890",
        " 2026-03-01", "2026-03-01\n", "２０２６-03-01", "2026-02-29", "2026-03-01T24:00:00", "1969-12-31", "2026-03-01T10:00:00+25:00",
        "1772330400", "1772330400000", "2026年3月1日", "2026年03月01日10时00分",
    ],
)  # fmt: skip
def test_what_does_not_sort_by_time_is_no_mark(text: str) -> None:
    assert Mark.of(text, "u") is None


DIGITS = "0123456789"
LIKE_DATES = st.builds(
    lambda text, edits: "".join(edits.get(place, letter) for place, letter in enumerate(text)),
    st.sampled_from(["2026-03-01 10:00:00", "2026-03-01T10:00:00.123+08:00", "20260301", "2026年03月01日", "2026/02/29 10:00"]),
    st.dictionaries(st.integers(0, 28), st.sampled_from([*DIGITS, *"-/: TZ.+x９", ""]), max_size=3),
)  # fmt: skip


@given(st.lists(LIKE_DATES, min_size=1, max_size=30), st.lists(LIKE_DATES.filter(TextDate.of), min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_the_database_leaves_out_dates_of_a_known_form_before_the_bound_and_nothing_else(
    values: list[str], marks: list[str]
) -> None:
    bounds = {date.form: date.head for mark in marks if (date := TextDate.of(mark))}
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table q (u text)")
        database.executemany("insert into q values (?)", [(value,) for value in values])
        condition, parameters = TextBounds(list(bounds.items())).condition("q.u", "sqlite")
        found = [value for (value,) in database.execute(f"select u from q where {condition}", parameters)]
    assert found == [value for value in values if is_leap_day(value) or not is_before(value, bounds)]


def is_leap_day(value: str) -> bool:
    date = TextDate.of(value)
    return date is not None and (date.moment.month, date.moment.day) == (2, 29)


def is_before(value: str, bounds: Mapping[Form, str]) -> bool:
    spelled = "".join("9" if letter in DIGITS else letter for letter in value)
    return TextDate.of(value) is not None and any(
        value < bound and value.endswith(form.zone) and spelled in form.spellings() for form, bound in bounds.items()
    )


TWICE = "2026-10-25 02:50:00"  # at the end of summer time 02:00 to 03:00 comes twice in Berlin


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        pytest.param(datetime.fromisoformat(TWICE), datetime(2026, 10, 25, 1, 45), id="a time"),
        pytest.param((TWICE,), "2026-10-25 01:45:00", id="a text"),
        pytest.param((f"{TWICE}+01:00",), "2026-10-25 02:45:00", id="a text with a zone"),
        pytest.param(datetime(2026, 10, 25, 2, 50, tzinfo=UTC), datetime(2026, 10, 25, 2, 45, tzinfo=UTC), id="a zone"),
        pytest.param(datetime(2026, 10, 25, 3, 50), datetime(2026, 10, 25, 3, 45), id="an hour later"),
        pytest.param(datetime(2026, 3, 29, 2, 50), datetime(2026, 3, 29, 2, 45), id="an hour that there is not"),
    ],
)
def test_an_hour_that_comes_twice_is_asked_for_from_its_beginning(
    value: datetime | tuple[str, ...], asked: datetime | str
) -> None:
    growing = Growing("u", "usual", 1000, 300, ZoneInfo("Europe/Berlin"), NOW)
    bound = growing.bound(Mark("text" if isinstance(value, tuple) else "time", value))
    assert (bound.bounds[0][1] if isinstance(bound, TextBounds) else bound) == asked


SHANGHAI = timezone(timedelta(hours=8))
PATTERNS = [
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%Y/%m/%d %H:%M:%S", "%Y%m%d", "%Y%m%d%H%M%S",
    "%Y年%m月%d日 %H:%M", "%Y-%m-%dT%H:%M:%S+08:00", "%d.%m.%Y %H:%M", "%-d/%-m/%Y", "%Y/%-m/%-d %-H:%M", "%Y年%-m月%-d日", "%s",
]  # fmt: skip
WORDS = ["待定", "", "N/A", "0000-00-00", "2026-00-00", "1970-01-01 08:00:00", "9999-12-31", "9", "10"]
START = datetime(2025, 9, 27, 22, 50, tzinfo=UTC)
# What is written between two runs: in which form, and how long after the run before.
WRITTEN = st.tuples(st.sampled_from([*PATTERNS, *WORDS]), st.integers(0, 3599), st.booleans())


@given(
    st.lists(
        st.tuples(st.lists(WRITTEN, max_size=6), st.sampled_from([None, 1, 2]), st.integers(1, 90)),
        min_size=1,
        max_size=6,
    )
)
@settings(deadline=None, max_examples=80)
def test_texts_as_they_are_drawn_run_after_run_with_edits_and_runs_that_are_cut_off(
    history: list[tuple[list[tuple[str, int, bool]], int | None, int]],
) -> None:
    with TemporaryDirectory() as folder, patch.object(database_module, "ROWS", 3):
        texts = Texts(Path(folder), new_database("sqlite", Path(folder))).create("text")
        at = START
        for written, pages, hours in [*history, ([], None, 1), ([], None, 1)]:
            edited = list[int]()
            for pattern, seconds, edits in written:
                value = (at + timedelta(seconds=seconds)).astimezone(SHANGHAI).strftime(pattern)
                if edits and texts.rows:
                    edited.append(texts.rows)
                    texts.database.execute(f"update t set u = '{value}' where id = {texts.rows}")
                    texts.stored.discard(str(texts.rows))
                else:
                    texts.add(value)
            texts.collect(pages)
            at += timedelta(hours=hours)
            assert at < NOW
        assert texts.is_whole()
