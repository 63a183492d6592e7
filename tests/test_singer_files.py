"""Collector singer where messages were saved in files: what they say last is what is stored, and what was read is not read again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from command import Ran, run
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_shop import MAP, SETTINGS, lines, record, schema, state, visit_of
from stored import dump

from feedback.collectors import singer_reading
from feedback.collectors.base import Item, Record, Withdrawn
from feedback.collectors.singer import SingerCollector
from feedback.pipeline import collect
from feedback.project import load_project
from storage.store import Store

ONE = {"id": 1, "body": "物流很慢", "created_at": "2026-03-01T00:00:00Z"}
TWO = {"id": 2, "body": "包装不错", "created_at": "2026-03-01T00:00:00Z"}
EDITED = {**ONE, "body": "物流很慢。更新：已解决"}
RATED = MAP + '\n[[streams.reviews.scores]]\nmetric = "star"\ncolumn = "rating"\nlow = 1\nhigh = 5\n'
GONE = {"id": 2, "_sdc_deleted_at": "2026-03-02T00:00:00Z"}


class Saved:
    """A project with one source of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        section = SETTINGS.replace('paths = ["-"]', 'paths = ["taps/*.jsonl"]')
        (folder / "feedback.toml").write_text(section, encoding="utf-8")
        (folder / "map.toml").write_text(MAP, encoding="utf-8")
        (folder / "taps").mkdir()

    def add(self, name: str, *records: dict[str, object], at: int = 1, key: str = "id") -> None:
        """More at the end of a file."""
        with (self.folder / "taps" / name).open("ab") as file:
            file.write(lines(schema("reviews", key), *(record(**each) for each in records), state(at)))

    def collect(self, *more: str) -> Ran:
        return run("collect", "--source", "live", *more, project=self.folder)

    def stored(self) -> dict[str, str]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database:
            return dict(database.execute("select source_id, text from verbatims").fetchall())

    def dump(self) -> object:
        return dump(self.folder / "feedback.db", without=("runs", "cursors"))


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    return Saved(tmp_path)


def test_of_several_versions_in_a_file_the_last_is_stored_and_the_file_is_read_once(saved: Saved) -> None:
    saved.add("m.jsonl", ONE, TWO, EDITED, GONE)
    assert saved.collect() == Ran(0, "live: 1 new\n", "")
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决"}
    before = saved.dump()
    for more in ((), ("--limit", "1")):
        assert saved.collect(*more) == Ran(0, "live: 0 new\n", "")
        assert saved.dump() == before


def test_what_a_file_has_more_takes_the_place_of_what_it_said(saved: Saved) -> None:
    saved.add("m.jsonl", ONE, TWO)
    assert saved.collect().out == "live: 2 new\n"
    saved.add("m.jsonl", EDITED, GONE)
    assert saved.collect().out == "live: 0 new, 1 changed, 1 withdrawn\n"
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决"}
    assert saved.collect().out == "live: 0 new\n"


def test_a_file_supersedes_those_before_it_by_the_numbers_in_their_names(saved: Saved) -> None:
    saved.add("run-9.jsonl", ONE, TWO)
    saved.add("run-10.jsonl", EDITED, GONE)
    assert saved.collect().out == "live: 1 new\n"
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决"}
    saved.add("run-8.jsonl", {**ONE, "body": "还没到"}, {**ONE, "id": 3})  # saved late
    saved.add("run-9.jsonl", TWO)
    assert saved.collect().out == "live: 1 new\n"
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决", "reviews:3": "物流很慢"}


def test_files_that_are_as_they_were_are_not_looked_into(saved: Saved, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = singer_reading.messages

    def messages(file: object, name: str) -> Iterator[object]:
        read.append(name)
        return whole(file, name)  # type: ignore[arg-type]

    monkeypatch.setattr(singer_reading, "messages", messages)
    for day in (1, 2):
        saved.add(f"{day}.jsonl", ONE)
    saved.collect()
    read.clear()
    saved.add("3.jsonl", EDITED)
    saved.collect()
    assert set(read) == {"taps/3.jsonl"}


def test_read_anew_under_other_settings_no_edited_text_is_taken_back_on_the_way(saved: Saved) -> None:
    saved.add("1.jsonl", ONE, TWO)
    saved.collect()
    saved.add("2.jsonl", EDITED, GONE)
    saved.collect()
    (saved.folder / "map.toml").write_text(MAP + "\n", encoding="utf-8")
    assert saved.collect().out.startswith("live: 0 new, 1 already there\n")
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决"}


@pytest.mark.parametrize("pages", range(4))
def test_cut_off_after_any_page_the_next_run_ends_with_what_was_said_last(saved: Saved, pages: int) -> None:
    saved.add("1.jsonl", ONE, TWO)
    saved.collect()
    saved.add("1.jsonl", {**ONE, "body": "还是很慢"}, {**TWO, "id": 3})
    saved.add("2.jsonl", EDITED, GONE)
    left = 1 + pages

    def stop(_what: str, _more: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    project = load_project(saved.folder)
    with Store.open(project.database) as store, pytest.raises(KeyboardInterrupt):
        collect(store, project, project.source("live"), stop)
    assert "还是很慢" not in saved.stored().values()
    assert saved.collect().code == 0
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决", "reviews:3": "包装不错"}


def test_a_limit_leaves_the_rest_for_the_next_run(saved: Saved) -> None:
    saved.add("1.jsonl", ONE, TWO, EDITED)
    saved.add("2.jsonl", *({**TWO, "id": number} for number in range(3, 6)))
    for new in (2, 2, 1):
        assert saved.collect("--limit", "2").out.startswith(f"live: {new} new")
    assert len(saved.stored()) == 5
    assert saved.stored()["reviews:1"] == "物流很慢。更新：已解决"


def test_a_later_version_without_a_text_or_a_date_supersedes_none_that_has_them(saved: Saved) -> None:
    """PostgreSQL's log leaves long texts out that did not change."""
    (saved.folder / "map.toml").write_text(RATED, encoding="utf-8")
    saved.add("1.jsonl", {**ONE, "rating": 1}, TWO)
    saved.add("2.jsonl", {"id": 1, "rating": 4}, {"id": 2, "body": "包装很好"})
    assert saved.collect().code == 0
    with closing(sqlite3.connect(saved.folder / "feedback.db")) as database:
        rows = database.execute(
            "select text, posted_at, value from verbatims left join scores on verbatim_id = verbatims.id order by source_id"
        ).fetchall()
    assert rows == [("物流很慢", "2026-03-01T00:00:00Z", 4.0), ("包装很好", "2026-03-01T00:00:00Z", None)]


def test_an_older_file_that_grows_takes_nothing_back_that_was_said_later_without_a_date_or_without_words(
    saved: Saved,
) -> None:
    (saved.folder / "map.toml").write_text(RATED, encoding="utf-8")
    saved.add("1.jsonl", {**ONE, "rating": 1}, {**TWO, "rating": 2})
    saved.add("2.jsonl", {"id": 1, "rating": 3}, {"id": 2, "body": "包装很好", "rating": 4})
    saved.add("3.jsonl", {"id": 1, "rating": 5})
    assert saved.collect() == Ran(0, "live: 2 new\n", "")
    for number in range(1, 4):
        saved.add(f"{number}.jsonl", {**TWO, "id": 3, "rating": number})
        assert saved.collect().out.startswith("live: 1 new" if number == 1 else "live: 0 new, 1 changed")
        with closing(sqlite3.connect(saved.folder / "feedback.db")) as database:
            rows = database.execute(
                "select text, posted_at, value from verbatims left join scores on verbatim_id = verbatims.id order by source_id"
            ).fetchall()
        at = "2026-03-01T00:00:00Z"
        assert rows == [("物流很慢", at, 5.0), ("包装很好", at, 4.0), ("包装不错", at, float(number))]


def test_who_has_another_key_and_no_words_keeps_those_that_are_known(saved: Saved) -> None:
    (saved.folder / "map.toml").write_text(RATED, encoding="utf-8")
    saved.add("1.jsonl", {**ONE, "no": "a", "rating": 1}, {**TWO, "no": "b", "rating": 1})
    saved.add("2.jsonl", {"id": 1, "no": "a", "rating": 4}, {"id": 2, "no": "b", "body": "包装很好"}, key="no")
    assert saved.collect().out.startswith("live: 2 new\n")
    saved.add("1.jsonl", {**TWO, "id": 3})
    assert saved.collect().out.startswith("live: 1 new")
    assert saved.stored() == {"reviews:a": "物流很慢", "reviews:b": "包装很好", "reviews:3": "包装不错"}


def test_records_are_known_again_where_a_later_file_has_another_key(saved: Saved) -> None:
    saved.add("1.jsonl", {**ONE, "no": "a"}, {**TWO, "no": "b"})
    saved.add("2.jsonl", {**EDITED, "no": "a"}, key="no")
    ran = saved.collect()
    assert ran.out.startswith("live: 2 new\n")
    assert saved.stored() == {"reviews:a": "物流很慢。更新：已解决", "reviews:2": "包装不错"}
    saved.add("3.jsonl", {**TWO, "no": "b"}, key="no")
    assert saved.collect() == Ran(0, "live: 0 new, 1 changed\n", "")
    assert saved.stored() == {"reviews:a": "物流很慢。更新：已解决", "reviews:b": "包装不错"}


def test_a_file_that_ends_in_the_middle_of_a_line_is_told_in_every_run_and_keeps_no_other_back(saved: Saved) -> None:
    saved.add("1.jsonl", ONE)
    with (saved.folder / "taps" / "1.jsonl").open("ab") as file:
        file.write(b'{"type": "RECORD", "stream"')
    saved.add("2.jsonl", EDITED, TWO)
    told = "taps/1.jsonl ends in the middle of line 4: the tap stopped. What came before is stored; run it again."
    for stored in ("live: 2 new\n", "live: 0 new\n"):
        ran = saved.collect()
        assert (ran.code, ran.out) == (1, stored)
        assert told in ran.err
        assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决", "reviews:2": "包装不错"}


def test_texts_within_a_record_stay_away_with_it_when_an_older_file_grows_and_come_back_with_it(saved: Saved) -> None:
    texts = '[[streams.reviews.texts]]\nsuffix = "reply"\neach = "replies"\ntext = "content"\n'
    (saved.folder / "map.toml").write_text(MAP + texts, encoding="utf-8")
    answered = {**TWO, "replies": [{"content": "谢谢"}]}
    saved.add("1.jsonl", answered)
    saved.collect()
    saved.add("2.jsonl", GONE)
    assert saved.collect().out == "live: 0 new, 2 withdrawn\n"
    saved.add("1.jsonl", ONE)
    assert saved.collect().out == "live: 1 new\n"
    assert saved.stored() == {"reviews:1": "物流很慢"}
    saved.add("3.jsonl", answered)
    assert saved.collect().out == "live: 2 new\n"
    saved.add("1.jsonl", {**ONE, "id": 3})
    assert saved.collect().out.startswith("live: 1 new")
    assert sorted(saved.stored().values()) == sorted(["物流很慢", "物流很慢", "包装不错", "谢谢"])


def test_the_tap_is_told_what_the_last_file_says(saved: Saved) -> None:
    saved.add("9.jsonl", ONE, at=9)
    saved.add("10.jsonl", TWO, at=10)
    saved.collect()
    assert saved.collect("--state") == Ran(0, "10\n", "")


def test_files_that_were_put_away_leave_nothing_new_and_the_state_that_the_last_one_had(saved: Saved) -> None:
    nothing = f"No file matches {saved.folder}/taps/*.jsonl."
    for more in ((), ("--dry-run",)):
        assert saved.collect(*more) == Ran(1, "", f"Error: live: {nothing}\n" if not more else f"Error: {nothing}\n")
    saved.add("9.jsonl", ONE, at=9)
    saved.add("10.jsonl", TWO, at=10)
    saved.collect()
    for path in (saved.folder / "taps").iterdir():
        path.unlink()
    assert saved.collect() == Ran(0, f"live: nothing new (0 files unchanged)\n  {nothing}\n", "")
    assert saved.collect("--state") == Ran(0, "10\n", "")
    saved.add("11.jsonl", EDITED, at=11)
    assert saved.collect().out == "live: 0 new, 1 changed\n"
    (saved.folder / "taps" / "11.jsonl").rename(saved.folder / "11.jsonl")
    (saved.folder / "taps").rmdir()
    assert saved.collect() == Ran(1, "", f"Error: live: {nothing}\n")


def test_where_another_path_has_files_those_are_read(saved: Saved) -> None:
    path = saved.folder / "feedback.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('["taps/*.jsonl"]', '["taps/*.jsonl", "more/*.jsonl"]'),
        encoding="utf-8",
    )
    (saved.folder / "more").mkdir()
    saved.add("1.jsonl", ONE)
    saved.add("../more/1.jsonl", TWO)
    assert saved.collect().out == "live: 2 new\n"
    (saved.folder / "taps" / "1.jsonl").unlink()
    saved.add("../more/1.jsonl", {**TWO, "id": 3})
    nothing = f"No file matches {saved.folder}/taps/*.jsonl."
    assert saved.collect() == Ran(0, f"live: 1 new, 1 already there\n  {nothing}\n", "")
    assert len(saved.stored()) == 3


def test_while_files_are_gone_through_before_they_are_read_that_is_told(tmp_path: Path) -> None:
    for name in ("1.jsonl", "2.jsonl"):
        (tmp_path / name).write_bytes(lines(schema(), *(record(**{**ONE, "id": n}) for n in range(1500)), state(1)))
    visit, collector, told = visit_of(tmp_path, paths=("*.jsonl",)), SingerCollector(), list[str]()
    visit.patience.tell = told.append
    first, *_ = collector.streams(visit)
    next(iter(collector.pages(first, None, visit)))
    counted = [("1,000", "1"), ("1,500", "1"), ("1,500", "1"), ("2,500", "2"), ("3,000", "2"), ("3,000", "2")]
    assert told == [f"Looking for what is said last: {count} records, {name}.jsonl" for count, name in counted]


def test_what_an_earlier_version_noted_of_a_file_has_it_read_once_more(saved: Saved) -> None:
    """It stored a file anew at every run, so that any of its versions may be what is there."""
    saved.add("m.jsonl", ONE, EDITED)
    saved.collect()
    with closing(sqlite3.connect(saved.folder / "feedback.db")) as database, database:
        [[kept]] = database.execute("select state from cursors").fetchall()
        digest, _, _ = kept.partition(":")
        database.execute("update cursors set state = ?", (f'{digest}:[1, {{"reviews": [["id"]]}}]',))
        database.execute("update verbatims set text = '物流很慢', content_hash = 0")
    assert saved.collect().out == "live: 0 new, 1 changed\n"
    assert saved.stored() == {"reviews:1": "物流很慢。更新：已解决"}
    assert saved.collect().out == "live: 0 new\n"


def test_of_what_is_loaded_the_last_version_is_stored(saved: Saved) -> None:
    (saved.folder / "saved.jsonl").write_bytes(lines(schema(), *(record(**each) for each in (ONE, TWO, EDITED, GONE))))
    for said in ("live: 1 new\n", "live: 0 new, 1 already there\n"):
        assert saved.collect("--load", str(saved.folder / "saved.jsonl")) == Ran(0, said, "")


_MESSAGE = st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["dated", "undated", "only rated", "gone"]))
_GROWTH = st.tuples(st.integers(1, 3), st.lists(_MESSAGE, min_size=1, max_size=4))
_RUN = st.tuples(st.lists(_GROWTH, max_size=3), st.none() | st.integers(0, 4))
_Told = tuple[str, str]  # words and rating


@settings(max_examples=300)
@given(runs=st.lists(_RUN, max_size=5), page=st.integers(1, 3))
def test_files_that_grow_anywhere_and_runs_that_are_cut_off_end_with_what_was_said_last(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[tuple[list[tuple[int, list[tuple[int, int, str]]]], int | None]],
    page: int,
) -> None:
    """And nothing that was stored right is taken back on the way."""
    folder = tmp_path_factory.mktemp("grown")
    files: dict[int, list[tuple[int, int, str]]] = {1: []}
    states: dict[str, str] = {}
    stored: dict[str, _Told] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(singer_reading, "_RECORDS", page)
        for growth, cut in [*runs, ([], None)]:
            for number, messages in growth:
                files.setdefault(number, []).extend(messages)
            last = _written(folder, files)
            visit, collector = visit_of(folder, RATED, paths=("*.jsonl",)), SingerCollector()
            pages = (
                (name, each)
                for name in collector.streams(visit)
                for each in collector.pages(name, states.get(name), visit)
            )
            for count, (name, each) in enumerate(pages):
                if count == cut:
                    break
                for item in each.items:
                    key, was = str(getattr(item, "source_id", "")), dict(stored)
                    _tell(stored, item)
                    assert key not in last or was.get(key) != last[key] or stored.get(key) == last[key]
                states[name] = str(each.state)
    assert stored == last
    assert not [each for name in collector.streams(visit) for each in collector.pages(name, states[name], visit)]


def _tell(stored: dict[str, _Told], item: Item) -> None:
    """As storage does it."""
    if isinstance(item, Withdrawn):
        stored.pop(item.source_id, None)
        return
    assert isinstance(item, Record)
    assert item.source_id
    words = item.text or stored.get(item.source_id, ("", ""))[0]
    stored[item.source_id] = (words, item.scores[0].value)


def _written(folder: Path, files: dict[int, list[tuple[int, int, str]]]) -> dict[str, _Told]:
    """Writes them, and what is the last that they say."""
    last: dict[str, _Told] = {}
    for number, messages in sorted(files.items()):
        told = [schema(), state(number)]
        for key, rating, kind in messages:
            name = f"reviews:{key}"
            if kind == "gone":
                told.append(record(id=key, _sdc_deleted_at="2026"))
                last.pop(name, None)
                continue
            words = last[name][0] if kind == "only rated" and name in last else f"{rating}星"
            said = {} if kind == "only rated" and name in last else {"body": words}
            date = {"created_at": "2026-03-01T00:00:00Z"} if kind == "dated" else {}
            told.append(record(id=key, rating=rating, **said, **date))
            last[name] = (words, str(rating))
        path = folder / f"{number}.jsonl"
        if not path.exists() or path.read_bytes() != lines(*told):
            path.write_bytes(lines(*told))
    return last
