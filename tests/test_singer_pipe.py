"""Collector singer: pipes, closed, silent, slow and broken off."""

import io
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import pytest
from command import Ran, run
from processes import command
from singer_shop import Shop, lines, record, schema, shop, visit_of
from worlds import iso, said

from feedback.collectors import singer as singer_module
from feedback.collectors.singer_reading import Reading

__all__ = ["shop"]


PASSED_OVER = Ran(
    0, "live: 0 new\n  nothing was piped in, so it was not read: tap … | feedback collect --source live\n", ""
)


def test_where_nothing_is_piped_in_a_source_is_passed_over_among_others_and_told_of_when_it_was_named(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path(os.devnull).open() as nothing:
        for stdin in (nothing, None):
            monkeypatch.setattr(sys, "stdin", stdin)
            assert run("collect", project=shop.folder) == PASSED_OVER
            told = Ran(1, "", "Error: live: Nothing is piped in. Write: tap … | feedback collect …\n")
            assert run("collect", "--source", "live", project=shop.folder) == told


def test_a_pipe_that_is_closed_at_once_is_nothing_piped_in(shop: Shop) -> None:
    """As cron's: a tap that did not start leaves the same, where one was to come."""
    shop.pipe(b"")
    assert run("collect", project=shop.folder) == PASSED_OVER
    why = "stdin holds no message of a Singer tap: it is empty. Did the tap start?"
    assert shop.collect_of(b"") == Ran(1, "", f"Error: live: {why}\n")


def test_a_pipe_that_is_held_open_and_says_nothing_keeps_no_other_source_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(singer_module, "_WAITING_SECONDS", 0.1)
    reading, writing = os.pipe()
    with os.fdopen(reading, encoding="utf-8") as pipe, os.fdopen(writing, "wb"):
        monkeypatch.setattr(sys, "stdin", pipe)
        assert run("collect", project=shop.folder) == PASSED_OVER


def test_what_is_piped_in_is_read_where_all_sources_are_collected_too(shop: Shop) -> None:
    shop.pipe(shop.tap.output("{}"))
    assert run("collect", project=shop.folder) == Ran(0, "live: 20 new\n", "")


# Real pipes.


def tap(shop: Shop, pieces: Iterable[bytes]) -> "subprocess.Popen[bytes]":
    """`feedback collect` as a process of its own, which these pieces are piped into; the pipe stays open."""
    process = subprocess.Popen(
        command(shop.folder, "collect", "--source", "live"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    for piece in pieces:
        process.stdin.write(piece)
        process.stdin.flush()
    return process


def test_a_slow_tap_is_stored_at_each_state_and_a_kill_loses_and_doubles_nothing(shop: Shop) -> None:
    whole = shop.tap.output(shop.state())
    middle = whole.index(b'"id": 17')
    process = tap(shop, [whole[:100], whole[100:middle]])
    while process.poll() is None and count_stored(shop) < 14:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert len(shop.stored()) == 14
    assert json.loads(shop.state()) == {"bookmarks": {"reviews": iso(shop.tap.said[13].changed_at)}}
    shop.say(*said(3, first=21))
    process = tap(shop, [shop.tap.output(shop.state())])
    assert process.communicate() == (b"live: 9 new, 1 already there\n", b"")
    assert shop.is_whole()


def count_stored(shop: Shop) -> int:
    """What another process has stored by now; none while it makes its tables."""
    database = shop.folder / "feedback.db"
    if not database.exists():
        return 0
    with (
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as reader,
        suppress(sqlite3.OperationalError),
    ):
        return int(reader.execute("select count(*) from verbatims").fetchone()[0])
    return 0


def test_a_tap_that_dies_is_told_and_the_next_one_goes_on(shop: Shop) -> None:
    whole = shop.tap.output("{}")
    process = tap(shop, [whole[: whole.index(b'"id": 17') + 3]])
    out, err = process.communicate()
    said_of_it = "stdin ends in the middle of line 20: the tap stopped. What came before is stored; run it again."
    assert (process.returncode, out, err.decode()) == (1, b"live: 16 new\n", f"Error: live: {said_of_it}\n")
    assert len(shop.stored()) == 16
    process = tap(shop, [shop.tap.output(shop.state())])
    process.communicate()
    assert shop.is_whole()


def test_a_long_pipe_is_held_a_page_at_a_time(tmp_path: Path) -> None:
    """What comes is made as it is read: were more than a page kept, more would be alive than a page."""

    class Endless(io.RawIOBase):
        def __init__(self) -> None:
            self.sent = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            piece = lines(record(id=self.sent, body="好用" * 100)) if self.sent else lines(schema())
            self.sent += 1
            buffer[: len(piece)] = piece
            return len(piece)

    endless = Endless()
    pages = Reading(visit_of(tmp_path)).pages(io.BufferedReader(endless, 1 << 16), "endless")
    for number in range(1, 11):
        assert len(next(pages).items) == 1000
        assert endless.sent <= 1000 * number + 200
