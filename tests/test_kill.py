"""Runs that are killed at random moments, as by a power cut of the process: nothing may be lost, nothing doubled."""

import random
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from many_reviews import make_project
from processes import command, run_to_end, wait_for_writes

from feedback.project import load_project

SEED = 20260301
COLLECT_KILLS, ANALYZE_KILLS = 20, 10
# Several batches of each: 10,000 rows are stored at a time, 512 texts analysed. The reviews are read in a process of their own.
TO_COLLECT = {"reviews": 12_000, "conversations": 300}
TO_ANALYZE = {"reviews": 2_500, "conversations": 50}

# Everything that a run stores, told without what differs between any two runs: the run's own number and the hour.
CONTENTS = {
    "verbatims": "select v.id, source, source_id, kind, channel, role, conversation_id, turn, parent_id, customer_id, "
    "product, version, store, region, question, posted_at, text, language, votes, duplicate_of, noise, fingerprint, content_hash, "
    "reading_id from verbatims v",
    "scores": "select verbatim_id, metric, value, scale_low, scale_high from scores",
    "copy_bands": "select band, verbatim_id from copy_bands",
    "words": "select rowid, words, chars from verbatims_fts",
    "segments": "select * from segments",
    "mentions": "select * from mentions",
    "analyses": "select * from analyses",
    "rejects": "select source, part, location, reason, excerpt, stored from rejects",
    "cursors": "select source, part, state from cursors",
    "readings": "select * from readings",
    "views": "select name, sql from sqlite_master where type != 'table'",
}

# Tables whose rows appear, complete and for good, with the verbatim or the analysis they belong to.
GROWING = ("scores", "copy_bands", "words", "segments", "mentions", "analyses", "cursors", "readings")

ORPHANS = {
    "scores": "select count(*) from scores where verbatim_id not in (select id from verbatims)",
    "bands": "select count(*) from copy_bands where verbatim_id not in (select id from verbatims)",
    "words": "select count(*) from verbatims_fts where rowid not in (select id from verbatims)",
    "unindexed": "select count(*) from verbatims where text != '' and id not in (select rowid from verbatims_fts)",
    "segments": "select count(*) from segments where verbatim_id not in (select verbatim_id from analyses)",
    "mentions": "select count(*) from mentions where segment_id not in (select id from segments)",
    "analyses": "select count(*) from analyses where verbatim_id not in (select id from verbatims)",
    "unmarked": "select count(*) from analyses where error is null "
    "and verbatim_id not in (select verbatim_id from segments)",
    "doubled": "select count(*) - count(distinct source || char(0) || source_id) from verbatims",
}

# Under a minute each; more on a machine with other work.
pytestmark = pytest.mark.timeout(900)

Contents = dict[str, list[tuple[object, ...]]]


def contents(folder: Path) -> Contents:
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        return {name: sorted(database.execute(query), key=repr) for name, query in CONTENTS.items()}


def copied(folder: Path) -> sqlite3.Connection:
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir()
    for name in ("feedback.db", "feedback.db-wal"):
        if (folder / name).exists():
            shutil.copy(folder / name, copy / name)
    return sqlite3.connect(copy / "feedback.db")


def killed(folder: Path, verb: str, writes: int, delay_seconds: float) -> bool:
    """Start a command and kill it a while after it wrote so often; False when it had ended by then."""
    process = subprocess.Popen(command(folder, verb), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    wait_for_writes(process, folder, writes)
    try:
        process.wait(delay_seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    _, complaints = process.communicate()
    assert (process.returncode, complaints) in ((0, b""), (-signal.SIGKILL, b""))
    return process.returncode != 0


def check(folder: Path, whole: dict[str, set[tuple[object, ...]]]) -> int:
    """What a killed run left behind is sound, and a part of the whole; how many rows there are.

    Looks at a copy, so that the next run finds the files as the kill left them.
    """
    with closing(copied(folder)) as database:
        assert database.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert database.execute("pragma foreign_key_check").fetchall() == []
        made = set(database.execute(CONTENTS["views"]))
        if not made:
            return 0  # killed before the tables were made
        assert made == whole["views"]
        database.execute("insert into verbatims_fts (verbatims_fts) values ('integrity-check')")
        orphans = {name: database.execute(query).fetchone()[0] for name, query in ORPHANS.items()}
        assert orphans == dict.fromkeys(ORPHANS, 0)
        found = {name: set(database.execute(CONTENTS[name])) for name in ("verbatims", *GROWING)}
    for name in GROWING:
        assert found[name] <= whole[name], name
    # Without `noise`: that a text is a template shows only when it has come often enough.
    assert {row[:20] + row[21:] for row in found["verbatims"]} <= {row[:20] + row[21:] for row in whole["verbatims"]}
    stored = {row[0] for row in found["verbatims"]}
    assert found["scores"] == {row for row in whole["scores"] if row[0] in stored}
    assert found["words"] == {row for row in whole["words"] if row[0] in stored}
    marked = {row[0] for row in found["analyses"]}
    assert found["segments"] == {row for row in whole["segments"] if row[1] in marked}
    return len(stored) + len(marked)


def attack(start: Path, verb: str, kills: int, whole: Contents) -> int:
    """Kill a command so many times, beginning anew when it came to its end; how many of the runs killed had stored rows."""
    draw = random.Random(SEED)
    parts = {name: set(rows) for name, rows in whole.items()}
    hits = rounds = 0
    while kills:
        rounds += 1
        assert rounds <= 20, "the runs end before they can be killed"
        folder = start.with_name(f"{verb}-{rounds}")
        shutil.copytree(start, folder)
        rows = check(folder, parts)
        # Every other kill is meant for the short moment in which a batch is written, the rest for anywhere.
        while kills and killed(
            *(folder, verb, draw.randint(0, 6), draw.choice((draw.uniform(0, 0.02), draw.uniform(0, 0.6))))
        ):
            kills -= 1
            before, rows = rows, check(folder, parts)
            hits += rows > before
        run_to_end(folder, verb)
        assert contents(folder) == whole
    return hits


def test_collect_killed_anywhere_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    make_project(tmp_path / "new", **TO_COLLECT, seed=SEED)
    # Made beforehand: what is stored depends on this key.
    load_project(tmp_path / "new").secret()
    shutil.copytree(tmp_path / "new", tmp_path / "undisturbed")
    run_to_end(tmp_path / "undisturbed", "collect")
    whole = contents(tmp_path / "undisturbed")
    assert len(whole["verbatims"]) > 6_000
    assert attack(tmp_path / "new", "collect", COLLECT_KILLS, whole) >= COLLECT_KILLS // 5


def test_analyze_killed_anywhere_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    make_project(tmp_path / "new", **TO_ANALYZE, seed=SEED)
    run_to_end(tmp_path / "new", "collect")
    shutil.copytree(tmp_path / "new", tmp_path / "undisturbed")
    run_to_end(tmp_path / "undisturbed", "analyze")
    whole = contents(tmp_path / "undisturbed")
    assert len(whole["mentions"]) > 2_000
    assert attack(tmp_path / "new", "analyze", ANALYZE_KILLS, whole) >= ANALYZE_KILLS // 5
