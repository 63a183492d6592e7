"""Sources into the store and through analysis, and what a second run does: nothing."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from small_project import NAMES, REVIEWS, REVIEWS_HEADER, SETTINGS, TAXONOMY, append, message, recall, write_project
from stored import database_bytes, dump, originals, rows

import feedback.reading
from feedback.collected import Collected
from feedback.collectors.base import Item
from feedback.collectors.table import TableCollector
from feedback.errors import CollectError
from feedback.pipeline import Analyzed, analyze, awaiting_analysis, collect
from feedback.project import Project, load_project
from nlp.errors import TaxonomyError
from storage.journal import list_rejects, recent_runs
from storage.store import Store

Progress = Callable[[str, int], None]


def quiet(_what: str, _more: int) -> None:
    pass


def collect_all(project: Project) -> list[Collected]:
    with Store.open(project.database) as store:
        return [collect(store, project, source, quiet) for source in project.sources]


def analyze_all(project: Project) -> Analyzed:
    with Store.open(project.database) as store:
        return analyze(store, project, quiet)


def query(project: Project, sql: str) -> list[tuple[Any, ...]]:
    with Store.open(project.database) as store:
        return rows(store.connection, sql)


def read_again(project: Project) -> None:
    """Forget that the files have been read, as a change of settings would."""
    with Store.open(project.database) as store, store.transaction() as connection:
        connection.execute("delete from cursors")


def later(monkeypatch: pytest.MonkeyPatch, **how: float) -> None:
    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + timedelta(**how)

    monkeypatch.setattr(feedback.pipeline, "datetime", Later)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path)


def test_what_customers_said_is_stored_and_what_could_not_be_used_is_listed(project: Project) -> None:
    assert collect_all(project) == [
        Collected("电商", 5, 0, 0, 0, 2, 0, 1, 0),
        Collected("点评", 3, 0, 0, 0, 0, 0, 1, 0),
        Collected("企业微信", 4, 0, 0, 0, 0, 1, 1, 0),
    ]
    found = query(project, "select source, role, text, noise, posted_at is null from verbatims order by id")
    assert found == [
        ("电商", "customer", "物流太慢了，等了整整五天才到", None, 0),
        ("电商", "customer", "还行", None, 0),
        ("电商", "customer", "还行", None, 0),
        ("电商", "customer", "出水很稳，就是壶身烫手，打[手机号]没人接", None, 0),
        ("电商", "customer", "质量太差了，再也不买", None, 1),
        ("点评", "customer", "价格便宜，味道也不错", None, 1),
        ("点评", "customer", "客服态度很差", None, 1),
        ("点评", "customer", "", "no_text", 1),
        ("企业微信", "customer", "磨豆机漏粉怎么办？等了三天也没人处理", None, 0),
        ("企业微信", "agent", "您好，马上为您查一下", None, 0),
        ("企业微信", "customer", "谢谢，问题解决了，服务很好", None, 0),
    ]
    with Store.open(project.database) as store:
        listed = list_rejects(store.connection, None, 10)
    assert [(reject.location, reject.reason, reject.excerpt, reject.stored) for reject in listed] == [
        ("reviews.csv:6", "date unknown: '02-30': it has no year", "质量太差了，再也不买", True),
        ("reviews.csv:7", "the row has no text", "", False),
    ]


def test_a_second_run_of_everything_changes_no_row_but_the_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    collect_all(project)
    first = analyze_all(project)
    before = dump(project.database)
    later(monkeypatch, days=1, hours=7)
    assert [(c.added, c.changed, c.rejected, c.parts_read) for c in collect_all(project)] == [(0, 0, 0, 0)] * 3
    assert analyze_all(project) == Analyzed(0, 0, 0, first.pipeline_version)
    assert dump(project.database) == before
    assert first.verbatims == 9
    assert [run.command for run in runs(project)] == ["analyze", "collect", "collect", "collect"] * 2


def test_reading_the_same_files_again_changes_no_row_either(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative dates count from another day by then, and rejects belong to the newer run."""
    collect_all(project)
    analyze_all(project)
    before = dump(project.database, without=("runs", "rejects", "cursors"))
    listed = query(project, "select source, part, location, reason, excerpt, stored from rejects")
    read_again(project)
    later(monkeypatch, days=3)
    again = collect_all(project)
    assert [(c.added, c.changed, c.unchanged, c.rejected) for c in again] == [(0, 0, 5, 2), (0, 0, 3, 0), (0, 0, 4, 0)]
    assert dump(project.database, without=("runs", "rejects", "cursors")) == before
    assert query(project, "select source, part, location, reason, excerpt, stored from rejects") == listed
    assert analyze_all(project).verbatims == 0


def test_a_file_that_has_grown_adds_only_its_new_rows(project: Project) -> None:
    collect_all(project)
    analyze_all(project)
    before = dump(project.database)
    append(
        project.folder,
        "data/reviews.csv",
        "磨豆机,还行,2026-02-24 11:00:00,浙江,白\n磨豆机,好用,2026-02-26 11:00:00,,\n",
    )
    [grown, *others] = collect_all(project)
    assert grown == Collected("电商", 2, 0, 5, 0, 2, 0, 1, 0)
    assert [other.parts_unchanged for other in others] == [1, 1]
    after = dump(project.database)
    # Fourth from the last comes where each was seen last.
    seen, kept = ({row[:-4] + row[-3:] for row in dumped["verbatims"]} for dumped in (before, after))
    assert seen <= kept
    assert query(project, "select id, text from verbatims where id > 12") == [(13, "还行"), (14, "好用")]
    for table in ("segments", "mentions", "analyses", "scores"):
        assert after[table] == before[table]
    assert analyze_all(project).verbatims == 2
    assert set(before["segments"]) <= set(dump(project.database)["segments"])


def test_a_recalled_message_stays_away_when_the_file_grows(project: Project) -> None:
    collect_all(project)
    append(project.folder, "data/wecom.jsonl", message("m5", "wmNickCustomer1", "还在吗") + recall("m4"))
    assert collect_all(project)[2] == Collected("企业微信", 1, 0, 4, 0, 0, 1, 1, 0)
    ids = "select source_id from verbatims where source = '企业微信' order by id"
    assert query(project, ids) == [("m1",), ("m2",), ("m5",)]


def test_a_changed_text_is_analysed_anew_and_it_alone(project: Project) -> None:
    chat = project.folder / "data" / "wecom.jsonl"
    collect_all(project)
    analyze_all(project)
    sql = "select s.* from segments s join verbatims v on v.id = s.verbatim_id where v.source_id != 'm1' order by s.id"
    others = query(project, sql)
    chat.write_text(chat.read_text(encoding="utf-8").replace("等了三天也没人处理", "物流太慢"), encoding="utf-8")
    assert collect_all(project)[2].changed == 1
    marks = "select count(*) from segments join verbatims v on v.id = verbatim_id where v.source_id = 'm1'"
    assert query(project, marks) == [(0,)]
    assert analyze_all(project).verbatims == 1
    assert query(project, marks) != [(0,)]
    assert query(project, sql) == others


def test_an_edited_taxonomy_marks_everything_anew_without_a_restart(project: Project) -> None:
    aspects = "select distinct aspect from mentions order by 1"
    collect_all(project)
    first = analyze_all(project)
    assert query(project, aspects) == [("物流",)]
    more = (
        TAXONOMY
        + '[[aspects]]\nname = "客服"\nen = "Service"\nstage = "post_purchase"\ntouchpoint = "客服"\nterms = ["客服"]\n'
    )
    (project.folder / "taxonomy.toml").write_text(more, encoding="utf-8")
    again = load_project(project.folder)
    with Store.open(project.database) as store:
        assert awaiting_analysis(store, again) == 9
    second = analyze_all(again)
    assert (second.verbatims, second.pipeline_version != first.pipeline_version) == (9, True)
    assert query(project, aspects) == [("客服",), ("物流",)]
    assert query(project, "select distinct pipeline_version from analyses") == [(second.pipeline_version,)]


def test_the_projects_words_are_part_of_the_version(project: Project) -> None:
    collect_all(project)
    first = analyze_all(project)
    settings = SETTINGS.replace("[[sources]]", 'words = ["漏粉"]\n[[sources]]', 1)
    second = analyze_all(write_project(project.folder, settings))
    assert (second.verbatims, second.pipeline_version != first.pipeline_version) == (9, True)


def test_a_broken_taxonomy_stops_the_analysis_and_touches_nothing(project: Project) -> None:
    collect_all(project)
    analyze_all(project)
    before = dump(project.database, without=())
    (project.folder / "taxonomy.toml").write_text("name = 5", encoding="utf-8")
    with pytest.raises(TaxonomyError):
        analyze_all(load_project(project.folder))
    assert dump(project.database, without=()) == before


def test_the_rejects_of_a_file_are_replaced_when_it_is_read_again(project: Project) -> None:
    collect_all(project)
    (project.folder / "data" / "reviews.csv").write_text(
        REVIEWS_HEADER + REVIEWS.replace("02-30", "2026-02-20") + "磨豆机,,,,\n", encoding="utf-8"
    )
    collect_all(project)
    assert query(project, "select location, reason from rejects order by id") == [
        ("reviews.csv:7", "the row has no text"),
        ("reviews.csv:8", "the row has no text"),
    ]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_size_of_a_batch_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole, pieces = (write_project(tmp_path / name) for name in ("whole", "pieces"))
    key = whole.secret()
    (pieces.folder / ".feedback-key").write_bytes(f"{key.hex()}\n".encode())
    collect_all(whole)
    analyze_all(whole)
    monkeypatch.setattr(feedback.reading, "BATCH", size)
    monkeypatch.setattr(feedback.pipeline, "ANALYZE_BATCH", size)
    collect_all(pieces)
    analyze_all(pieces)
    tables = ("verbatims", "scores", "segments", "mentions", "analyses", "copy_bands", "rejects", "withdrawals")
    one, other = dump(whole.database), dump(pieces.database)
    for table in tables:
        assert one[table] == other[table]


class Killed(BaseException):
    pass


def test_a_run_that_is_killed_loses_nothing_and_repeats_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    true_collect = TableCollector.collect

    def dies_after_three(self: TableCollector, *given: Any) -> Iterator[Item]:
        for number, item in enumerate(true_collect(self, *given)):
            if number == 3:
                raise Killed
            yield item

    monkeypatch.setattr(feedback.reading, "BATCH", 1)
    monkeypatch.setattr(TableCollector, "collect", dies_after_three)
    with pytest.raises(Killed):
        collect_all(project)
    assert query(project, "select text from verbatims") == [("物流太慢了，等了整整五天才到",), ("还行",)]
    assert query(project, "select * from cursors") == []
    assert [(run.status, run.added, run.message) for run in runs(project)] == [("failed", 2, "Killed: ")]
    monkeypatch.setattr(TableCollector, "collect", true_collect)
    assert collect_all(project)[0] == Collected("电商", 3, 0, 2, 0, 2, 0, 1, 0)
    assert query(project, "select count(*), count(distinct source_id) from verbatims where source = '电商'") == [(5, 5)]


def test_an_analysis_that_is_killed_goes_on_where_it_was(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    collect_all(project)
    monkeypatch.setattr(feedback.pipeline, "ANALYZE_BATCH", 2)

    def dies(_what: str, _more: int) -> None:
        raise Killed

    with Store.open(project.database) as store, pytest.raises(Killed):
        analyze(store, project, dies)
    assert query(project, "select count(*) from analyses") == [(2,)]
    newest = runs(project)[0]
    assert (newest.command, newest.status, newest.added) == ("analyze", "failed", 2)
    assert analyze_all(project).verbatims == 7
    assert query(project, "select count(*) from analyses") == [(9,)]


def test_a_file_that_can_not_be_read_fails_its_run_and_says_why(project: Project) -> None:
    path = project.folder / "data" / "reviews.csv"
    path.write_bytes(b"")
    with Store.open(project.database) as store, pytest.raises(CollectError) as caught:
        collect(store, project, project.source("电商"), quiet)
    assert str(caught.value) == f"{path} is empty."
    assert [(run.status, run.message) for run in runs(project)] == [("failed", f"CollectError: {path} is empty.")]


def test_one_text_that_can_not_be_analysed_is_recorded_and_the_others_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nlp.tokenizer.LONGEST_TEXT", 12)
    collect_all(project)
    done = analyze_all(project)
    assert (done.verbatims, done.failed) == (9, 4)
    [(error,)] = query(project, "select error from analyses where verbatim_id = 1")
    assert error == "the text has 14 characters, more than 12"
    assert runs(project)[0].message == "4 texts could not be analysed"
    assert query(project, "select count(*) from segments where verbatim_id = 1") == [(0,)]
    assert analyze_all(project).verbatims == 0  # a text that failed is not tried again by the same version


def test_every_segment_and_mention_is_a_piece_of_a_customers_text(project: Project) -> None:
    collect_all(project)
    analyze_all(project)
    segments = query(
        project, "select v.role, v.text, s.start, s.end from segments s join verbatims v on v.id = s.verbatim_id"
    )
    assert len(segments) > 9
    for role, text, start, end in segments:
        assert role == "customer"
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
    mentions = query(
        project,
        "select v.text, m.start, m.end, m.term, m.opinion_start, m.opinion_end, m.opinion, s.start, s.end from mentions m "
        "join segments s on s.id = m.segment_id join verbatims v on v.id = s.verbatim_id",
    )
    assert mentions
    for text, start, end, term, opinion_start, opinion_end, opinion, low, high in mentions:
        assert text[start:end] == term
        assert low <= start < end <= high
        assert opinion is None or text[opinion_start:opinion_end] == opinion


def test_no_name_and_no_number_of_a_person_is_anywhere_in_the_database(project: Project) -> None:
    collect_all(project)
    analyze_all(project)
    with Store.open(project.database) as store, store.transaction() as connection:
        connection.execute("insert into audit (happened_at, action, detail) values ('', 'keeps the log open', '')")
        raw = database_bytes(project.database)
    assert "物流太慢了".encode() in raw
    assert [name for name in NAMES if name.encode() in raw] == []


def test_the_same_person_has_one_pseudonym_in_a_project_and_another_in_the_next(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        project = write_project(tmp_path / name)
        collect_all(project)
        found.append(query(project, "select customer_id from verbatims where source = '点评' order by id"))
    for (first,), (second,), (third,) in found:
        assert first == second != third
    assert not set(found[0]) & set(found[1])


def test_a_copied_text_is_flagged_across_sources_and_marked_all_the_same(project: Project) -> None:
    append(project.folder, "data/stars.csv", "nick-b,物流太慢了，等了整整五天才到！,20\n")
    collect_all(project)
    analyze_all(project)
    with Store.open(project.database) as store:
        copies = {copy: original for copy, original in originals(store.connection).items() if original is not None}
    assert len(copies) == 1
    [(original,)] = query(project, "select duplicate_of from verbatims where duplicate_of is not null")
    assert original == 1
    assert query(project, "select count(*) from segments where verbatim_id in (1, 9)") != [(0,)]


def test_plain_sqlite_reads_the_database_and_finds_it_sound(project: Project) -> None:
    collect_all(project)
    connection = sqlite3.connect(project.database)
    assert rows(connection, "pragma integrity_check") == [("ok",)]
    assert rows(connection, "pragma foreign_key_check") == []
    connection.close()


def runs(project: Project) -> list[Any]:
    with Store.open(project.database) as store:
        return recent_runs(store.connection, 100)
