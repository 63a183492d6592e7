"""A folder of 企业微信会话存档 that grows while it is collected every hour: nothing is lost, nothing doubled. All people and words are made up."""

import json
import random
import sqlite3
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from chat_files import collect as collect_file
from chat_files import records
from stored import dump

from feedback.collected import Collected
from feedback.collectors.base import SourceConfig, Unreadable
from feedback.collectors.chat import ChatCollector
from feedback.pipeline import analyze, collect
from feedback.project import Project, load_project
from storage.store import Store

SETTINGS = """
[project]
name = "小店"
[analysis]
engine = "fast"
[[sources]]
name = "企业微信"
collector = "chat"
paths = ["archive"]
"""
GUESTS = ("wmGuestA0001", "wmGuestB0002", "wmGuestC0003")
START = 1_772_000_000_000
Said = tuple[str, str, str]  # msgid, role, text


def line(message_id: str, sender: str, words: str, at: int = START, **more: object) -> str:
    guest = sender if sender in GUESTS else GUESTS[0]
    body: dict[str, object] = {"msgid": message_id, "action": "send", "from": sender, "roomid": "", "msgtime": at}
    body |= {"tolist": ["LinMeng" if sender == guest else guest], "msgtype": "text", "text": {"content": words}, **more}
    return json.dumps(body, ensure_ascii=False) + "\n"


def recall(message_id: str, at: int = START) -> str:
    body = {"msgid": f"r-{message_id}", "action": "recall", "from": GUESTS[0], "msgtime": at, "msgtype": "revoke"}
    return json.dumps(body | {"revoke": {"pre_msgid": message_id}}) + "\n"


class Archive:
    """A project with one folder of archive files."""

    def __init__(self, folder: Path) -> None:
        (folder / "archive").mkdir(parents=True)
        (folder / "feedback.toml").write_text(SETTINGS, encoding="utf-8")
        self.folder = folder
        self.project: Project = load_project(folder)
        self.project.secret()

    def add(self, name: str, *lines: str) -> None:
        with (self.folder / "archive" / name).open("a", encoding="utf-8") as file:
            file.writelines(lines)

    def collect(self, progress: Callable[[str, int], None] = lambda _what, _more: None) -> Collected:
        with Store.open(self.project.database) as store:
            return collect(store, self.project, self.project.source("企业微信"), progress)

    def analyze(self) -> int:
        with Store.open(self.project.database) as store:
            return analyze(store, self.project, lambda _what, _more: None).verbatims

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.project.database)) as database:
            return database.execute(sql).fetchall()

    def stored(self) -> list[Said]:
        return self.query("select source_id, role, text from verbatims order by source_id")

    def transcripts(self) -> list[str]:
        return [row[0] for row in self.query("select transcript from conversations order by transcript")]

    def rejects(self) -> list[tuple[str, str]]:
        return self.query("select part, reason from rejects order by 1, 2")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "shop")


@dataclass
class Story:
    """What is exported hour by hour: the lines that are added, and what of it all is left in the end, in its order."""

    hours: list[tuple[str, list[str]]] = field(default_factory=list)
    said: dict[str, tuple[str, Said]] = field(default_factory=dict)  # by msgid: the guest, and what was said

    @classmethod
    def told(cls, hours: int, seed: int) -> "Story":
        draw, story, last = random.Random(seed), cls(), list[str]()
        number = 0
        for hour in range(hours):
            # Every sixth hour a new file, which repeats the end of the one before.
            lines = last[-3:] if hour % 6 == 0 else []
            for _ in range(draw.randint(0, 7)):
                number += 1
                lines.append(story._next(number, draw))
            last = (last + lines)[-3:]
            story.hours.append((f"2026-03-{1 + hour // 6:02}.jsonl", lines))
        return story

    def _next(self, number: int, draw: random.Random) -> str:
        at, guest, message_id = START + number * 400, draw.choice(GUESTS), f"m{number:04}_external"
        kind = draw.random()
        if kind < 0.1:
            return line(message_id, guest, "", at, msgtype="image", image={"sdkfileid": "x"})
        if kind < 0.15:
            return json.dumps({"msgid": message_id, "action": "switch", "time": at, "user": "LinMeng"}) + "\n"
        if kind < 0.3 and self.said:
            recalled = draw.choice(sorted(self.said))  # of any time before: often in an earlier file
            del self.said[recalled]
            return recall(recalled, at)
        agent = kind < 0.5
        words = f"第{number}句：{draw.choice(('物流太慢', '客服很好', '马上处理', '壶身烫手'))}"
        self.said[message_id] = guest, (message_id, "agent" if agent else "customer", words)
        return line(message_id, "LinMeng" if agent else guest, words, at, tolist=[guest] if agent else ["LinMeng"])

    def transcripts(self) -> list[str]:
        by_guest: dict[str, list[str]] = {}
        for guest, (_, role, words) in self.said.values():
            by_guest.setdefault(guest, []).append(("客服：" if role == "agent" else "客户：") + words)
        return sorted("\n".join(lines) for lines in by_guest.values())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_archive_that_is_collected_every_hour_holds_every_message_once(archive: Archive, seed: int) -> None:
    story = Story.told(hours=48, seed=seed)
    added = withdrawn = 0
    for name, lines in story.hours:
        archive.add(name, *lines)
        if not (archive.folder / "archive" / name).stat().st_size:
            continue
        done = archive.collect()
        assert (done.changed, done.rejected, done.failed) == (0, 0, ())
        assert done.parts_read <= 1
        added, withdrawn = added + done.added, withdrawn + done.withdrawn
    expected = sorted(said for _, said in story.said.values())
    assert len(expected) > 50
    assert archive.stored() == expected
    assert added - withdrawn == len(expected)
    assert archive.transcripts() == story.transcripts()
    before = dump(archive.project.database)
    assert archive.collect().parts_unchanged == 8
    assert dump(archive.project.database) == before


def test_collected_hour_by_hour_or_all_at_once_the_store_holds_the_same(tmp_path: Path) -> None:
    story, found = Story.told(hours=30, seed=4), []
    for name, hourly in (("hourly", True), ("once", False)):
        archive = Archive(tmp_path / name)
        for file, lines in story.hours:
            archive.add(file, *lines)
            if hourly and lines:
                archive.collect()
        archive.collect()
        shown = "source_id, kind, channel, role, turn, posted_at, text, product, store, noise, content_hash"
        found.append(archive.query(f"select {shown} from verbatims order by source_id"))
    # Each has a key of its own, which decides the ids of conversations and so the content's hash.
    assert [row[:-1] for row in found[0]] == [row[:-1] for row in found[1]]
    assert len(found[0]) > 30


def test_a_recall_in_a_later_file_takes_out_its_message_and_it_stays_out(archive: Archive) -> None:
    archive.add("1.jsonl", line("m1", GUESTS[0], "发错了"), line("m2", GUESTS[0], "壶身烫手"))
    archive.collect()
    archive.add("2.jsonl", recall("m1"))
    assert archive.collect().withdrawn == 1
    archive.add("1.jsonl", line("m3", GUESTS[0], "还在吗"))  # read once more, m1 with it
    archive.add("3.jsonl", line("m1", GUESTS[0], "发错了"))
    done = archive.collect()
    assert (done.added, done.changed, done.withdrawn, done.rejected) == (1, 0, 0, 0)
    assert archive.stored() == [("m2", "customer", "壶身烫手"), ("m3", "customer", "还在吗")]


def test_a_recall_in_a_file_that_is_read_before_its_message_keeps_it_out(archive: Archive) -> None:
    archive.add("9.jsonl", line("m1", GUESTS[0], "发错了"), line("m2", GUESTS[0], "壶身烫手"))
    archive.add("8.jsonl", recall("m1"))
    done = archive.collect()
    assert (done.added, done.withdrawn) == (1, 0)
    assert archive.stored() == [("m2", "customer", "壶身烫手")]


def test_the_same_line_in_two_files_is_one_message_and_keeps_its_marks(archive: Archive) -> None:
    twice = line("m3", GUESTS[0], "物流太慢，等了五天")
    archive.add("1.jsonl", line("m1", GUESTS[0], "在吗"), line("m2", "LinMeng", "您好"), twice)
    archive.add("2.jsonl", twice, line("m4", GUESTS[0], "壶身烫手"))
    done = archive.collect()
    assert (done.added, done.changed, done.unchanged, done.rejected) == (4, 0, 1, 0)
    assert archive.analyze() == 3
    marks = archive.query("select * from segments order by id")
    for name, words in (("1.jsonl", "有人吗"), ("2.jsonl", "好的"), ("1.jsonl", "谢谢")):
        archive.add(name, line(words, GUESTS[0], words))
        done = archive.collect()
        assert (done.added, done.changed, done.rejected) == (1, 0, 0)
    assert archive.query("select * from segments order by id") == marks
    assert archive.analyze() == 3


def test_a_message_without_an_id_that_two_files_hold_is_one_message(archive: Archive) -> None:
    nameless = line("", GUESTS[0], "物流太慢")
    archive.add("1.jsonl", nameless, line("m1", GUESTS[0], "壶身烫手"))
    archive.add("2.jsonl", line("m2", GUESTS[0], "有人吗"), nameless)
    done = archive.collect()
    assert (done.added, done.unchanged) == (3, 1)


def test_a_conversation_over_several_files_stays_in_its_order(archive: Archive) -> None:
    for day in range(1, 5):
        at = START + day * 86_400_000
        archive.add(f"2026-03-0{day}.jsonl", line(f"q{day}", GUESTS[0], f"第{day}天还没修好", at))
        archive.collect()
        archive.add(f"2026-03-0{day}.jsonl", line(f"a{day}", "LinMeng", f"第{day}天催过了", at + 500))
        archive.collect()
    expected = [
        f"{who}：第{day}天{words}" for day in range(1, 5) for who, words in (("客户", "还没修好"), ("客服", "催过了"))
    ]
    assert archive.transcripts() == ["\n".join(expected)]
    assert archive.query("select distinct turn from verbatims") == [(None,)]


def test_a_file_that_is_collected_by_itself_says_the_same_as_in_its_folder(archive: Archive) -> None:
    """As `feedback collect --watch` does with those that have grown."""
    archive.add("1.jsonl", line("m1", GUESTS[0], "在吗"), line("m2", GUESTS[0], "壶身烫手"), line("", GUESTS[0], "嗯"))
    of_one = collect_file(archive.folder / "archive" / "1.jsonl")
    config = SourceConfig("企业微信", "chat", ("archive",), archive.folder)
    [part] = ChatCollector().parts(config)
    of_folder = list(ChatCollector().collect(part, config))
    assert [(record.source_id, record.turn) for record in records(of_one)] == [("m1", None), ("m2", None), (None, None)]
    assert [replace(record, location="") for record in records(of_one)] == [
        replace(record, location="") for record in records(of_folder)
    ]


def test_saved_answers_of_wechat_service_that_overlap_change_nothing(archive: Archive) -> None:
    def message(number: int) -> dict[str, object]:
        sent = {
            "msgid": f"k{number}",
            "open_kfid": "wkShop1",
            "external_userid": "wmGuest1",
            "send_time": START // 1000,
        }
        return sent | {"origin": 3, "msgtype": "text", "text": {"content": f"第{number}句话"}}

    for day, numbers in (("1", range(4)), ("2", range(2, 6))):
        answer = {"errcode": 0, "msg_list": [message(number) for number in numbers]}
        (archive.folder / "archive" / f"{day}.json").write_text(json.dumps(answer), encoding="utf-8")
    done = archive.collect()
    assert (done.added, done.changed, done.unchanged, done.rejected) == (6, 0, 2, 0)


@pytest.mark.parametrize("files", range(1, 9))
def test_a_run_killed_between_files_loses_nothing_and_doubles_nothing(tmp_path: Path, files: int) -> None:
    story = Story.told(hours=42, seed=5)
    whole = Archive(tmp_path / "whole")
    cut = Archive(tmp_path / "cut")
    for name, lines in story.hours:
        whole.add(name, *lines)
    whole.collect()

    def killed(_what: str, _more: int) -> None:
        nonlocal files
        files -= 1
        if not files:
            raise KeyboardInterrupt

    # It is killed, the archive goes on to grow, the next run is killed as well, and so on.
    for hours in (story.hours[:20], story.hours[20:36], story.hours[36:]):
        for name, lines in hours:
            cut.add(name, *lines)
        try:
            cut.collect(killed)
        except KeyboardInterrupt:
            files = 2
    assert cut.collect().changed == 0
    assert cut.stored() == whole.stored() == sorted(said for _, said in story.said.values())
    assert cut.transcripts() == whole.transcripts()
    assert cut.rejects() == []


def test_a_line_that_is_still_being_written_is_listed_and_read_the_next_hour(archive: Archive) -> None:
    last = line("m2", GUESTS[0], "壶身烫手")
    for cut in range(len(last) // 2, len(last) - 1, 7):
        written = last.encode()[:cut].decode(errors="ignore")
        (archive.folder / "archive" / "1.jsonl").write_text(line("m1", GUESTS[0], "在吗") + written, encoding="utf-8")
        archive.collect()
        [(_, reason)] = archive.rejects()
        assert reason.startswith("not valid JSON: ")
        assert archive.stored() == [("m1", "customer", "在吗")]
    (archive.folder / "archive" / "1.jsonl").write_text(line("m1", GUESTS[0], "在吗") + last, encoding="utf-8")
    archive.collect()
    assert archive.rejects() == []
    assert archive.stored() == [("m1", "customer", "在吗"), ("m2", "customer", "壶身烫手")]


def test_a_file_that_was_just_begun_is_named_and_the_others_are_read(archive: Archive) -> None:
    archive.add("1.jsonl", line("m1", GUESTS[0], "在吗"))
    archive.add("2.jsonl")
    done = archive.collect()
    assert (done.added, [str(error) for error in done.failed]) == (
        1,
        [f"{archive.folder / 'archive' / '2.jsonl'} is empty."],
    )
    archive.add("2.jsonl", line("m2", GUESTS[0], "壶身烫手"))
    done = archive.collect()
    assert (done.added, done.failed) == (1, ())


def test_a_character_of_which_only_half_is_written_yet_is_no_other_encoding(archive: Archive) -> None:
    path = archive.folder / "archive" / "1.jsonl"
    whole = (line("m1", GUESTS[0], "在吗") + line("m2", GUESTS[0], "壶身烫手")).encode()
    start = whole.index("烫".encode())
    for cut in (start + 1, start + 2):
        path.write_bytes(whole[:cut])
        assert archive.collect().rejected == 1
        assert archive.stored() == [("m1", "customer", "在吗")]
    path.write_bytes(whole)
    assert archive.collect().added == 1
    assert archive.rejects() == []


def test_lines_added_while_the_folder_is_read_come_with_this_run_or_the_next(archive: Archive) -> None:
    archive.add("1.jsonl", line("m1", GUESTS[0], "在吗"))
    archive.add("2.jsonl", line("m2", GUESTS[0], "壶身烫手"))
    later = {"1.jsonl": line("m3", GUESTS[0], "有人吗"), "2.jsonl": line("m4", GUESTS[0], "物流太慢")}

    def write(_what: str, _more: int) -> None:
        while later:
            archive.add(*later.popitem())

    first, second = archive.collect(write), archive.collect()
    assert first.added + second.added == 4
    assert (first.changed, second.changed) == (0, 0)
    assert [message_id for message_id, _, _ in archive.stored()] == ["m1", "m2", "m3", "m4"]
    assert archive.collect().parts_unchanged == 2


def test_files_that_are_put_away_or_renamed_take_nothing_with_them(archive: Archive) -> None:
    folder = archive.folder / "archive"
    archive.add("current.jsonl", line("m1", GUESTS[0], "在吗"), line("m2", GUESTS[0], "壶身烫手"))
    archive.collect()
    (folder / "current.jsonl").rename(folder / "2026-03-01.jsonl")
    archive.add("current.jsonl", line("m3", GUESTS[0], "有人吗"))
    done = archive.collect()
    assert (done.added, done.changed, done.unchanged) == (1, 0, 2)
    (folder / "2026-03-01.jsonl").unlink()
    archive.add("current.jsonl", recall("m2"))
    assert archive.collect().withdrawn == 1
    assert [message_id for message_id, _, _ in archive.stored()] == ["m1", "m3"]


def lines_of(count: int) -> Iterator[str]:
    """As many conversations as messages."""
    for number in range(count):
        yield line(
            f"m{number:07}_external", GUESTS[0], "物流太慢，等了五天才到，客服也没人理" * 4, tolist=[f"agent{number}"]
        )


def test_memory_does_not_grow_with_the_file(archive: Archive) -> None:
    peaks = []
    for count in (8_000, 40_000):
        path = archive.folder / "archive" / f"{count}.jsonl"
        with path.open("w", encoding="utf-8") as file:
            file.writelines(lines_of(count))
        config = SourceConfig("企业微信", "chat", (f"archive/{count}*",), archive.folder)
        [part] = ChatCollector().parts(config)
        tracemalloc.start()
        try:
            found = sum(not isinstance(item, Unreadable) for item in ChatCollector().collect(part, config))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
        assert found == count
    assert peaks[1] < peaks[0] + 1_000_000
