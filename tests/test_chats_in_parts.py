"""Chats that are exported in parts, by months or anew with what came since: nothing is lost, nothing doubled. All people and words are made up."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from command import run

from feedback.collectors.chat.lines import fingerprint

SETTINGS = '[project]\nname = "小店"\n[[sources]]\nname = "聊天"\ncollector = "chat"\npaths = ["data/*/*"]\n'
ROLES = '[sources.roles]\n"小林" = "customer"\n'
HEADER = "类型,发送人,时间,内容\n"
OLD = "TalkerId,Type,IsSender,StrContent,StrTime\n"
LEAK = ("小林", "2026-03-02 10:00:00", "杯子漏水")
SORRY = ("我", "2026-03-02 10:01:00", "抱歉")
LID = ("小林", "2026-03-02 10:02:00", "盖子松")
APRIL = ("小林", "2026-04-02 10:00:00", "盖子也坏了")
SWAP = ("我", "2026-04-02 10:01:00", "马上换")
Said = tuple[str, str, str]
Export = Callable[..., str]


class Chats:
    """A project with one source of conversations, a folder for each month."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "feedback.toml").write_text(SETTINGS + ROLES, encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        path = self.folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def collect(self) -> str:
        return run("collect", project=self.folder).out

    def said(self) -> list[str]:
        return [text for (text,) in self.query("select text from verbatims order by posted_at, turn, id")]

    def query(self, sql: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.folder / "feedback.db")) as database, database:
            return database.execute(sql).fetchall()


@pytest.fixture
def chats(tmp_path: Path) -> Chats:
    return Chats(tmp_path)


def new(*said: Said) -> str:
    return HEADER + "".join(f"文本,{who},{when},{words}\n" for who, when, words in said)


def old(*said: Said) -> str:
    return OLD + "".join(f"7,1,{int(who == '我')},{words},{when}\n" for who, when, words in said)


def dialogue(*said: Said, id: str = "", timed: bool = True) -> str:
    turns = [{"sender": who, "text": words} | ({"time": when} if timed else {}) for who, when, words in said]
    return json.dumps(({"id": id} if id else {}) | {"turns": turns}, ensure_ascii=False) + "\n"


FORMS = pytest.mark.parametrize(
    "export, name",
    [(new, "小林.csv"), (old, "小林.csv"), (lambda *said: dialogue(*said, id="c1"), "c1.jsonl")],
    ids=["WeChatMsg", "WeChatMsg, older", "JSON"],
)


@FORMS
def test_a_later_month_of_a_chat_takes_no_earlier_words_away(chats: Chats, export: Export, name: str) -> None:
    chats.write(f"3月/{name}", export(LEAK, SORRY))
    assert chats.collect() == "聊天: 2 new\n"
    chats.write(f"4月/{name}", export(APRIL, SWAP))
    assert chats.collect() == "聊天: 2 new\n"
    assert chats.said() == ["杯子漏水", "抱歉", "盖子也坏了", "马上换"]
    assert len(set(chats.query("select conversation_id from verbatims"))) == 1


@FORMS
def test_exports_of_a_chat_that_overlap_double_nothing(chats: Chats, export: Export, name: str) -> None:
    chats.write(f"3月/{name}", export(LEAK, SORRY, LID))
    chats.collect()
    chats.write(f"3月/{name}", export(SORRY, LID, APRIL))
    assert chats.collect() == "聊天: 1 new, 2 already there\n"
    assert chats.said() == ["杯子漏水", "抱歉", "盖子松", "盖子也坏了"]


@pytest.mark.parametrize("column", ["消息ID", "MsgSvrID"])
def test_a_message_with_a_number_is_no_other_one_at_another_place(chats: Chats, column: str) -> None:
    export = new if column == "消息ID" else old

    def numbered(*said: Said) -> str:
        header, *rows = export(*said).splitlines()
        numbers = [8_123_456_789_012_345_671 + (LEAK, SORRY, LID).index(each) for each in said]
        return "\n".join([f"{header},{column}", *(f"{row},{n}" for row, n in zip(rows, numbers, strict=True))])

    chats.write("a/小林.csv", numbered(LEAK, SORRY))
    chats.collect()
    chats.write("a/小林.csv", numbered(SORRY, LID))
    assert chats.collect() == "聊天: 1 new, 1 already there\n"


def test_a_dialogue_without_an_id_is_known_by_how_it_begins(chats: Chats) -> None:
    chats.write("a/a.jsonl", dialogue(LEAK, SORRY))
    chats.collect()
    chats.write("a/a.jsonl", dialogue(LEAK, SORRY, LID) + dialogue(APRIL, SWAP))
    assert chats.collect() == "聊天: 3 new, 2 already there\n"
    assert len(set(chats.query("select conversation_id from verbatims"))) == 2


@pytest.mark.parametrize(
    "first, second",
    [
        (("客户", "2026-03-02 10:00", "在吗"), ("客户", "2026-03-02 10:00", "在吗")),
        (("客户", "10:00:00", "在吗"), ("客户", "10:00:00", "在吗")),
    ],
    ids=["to the minute", "without a day"],
)
def test_dialogues_that_only_begin_alike_are_two(chats: Chats, first: Said, second: Said) -> None:
    chats.write("a/a.jsonl", dialogue(first, SORRY))
    chats.write("a/b.jsonl", dialogue(second, ("客服", "2026-03-02 10:01:00", "您好")))
    assert chats.collect().startswith("聊天: 4 new")


def test_words_without_times_stand_beside_others_at_their_place(chats: Chats) -> None:
    chats.write("3月/a.jsonl", dialogue(LEAK, SORRY, id="1", timed=False))
    chats.collect()
    chats.write("3月/a.jsonl", dialogue(LEAK, SORRY, LID, id="1", timed=False))
    assert chats.collect() == "聊天: 1 new, 2 already there\n"
    chats.write("4月/a.jsonl", dialogue(APRIL, id="1", timed=False))
    assert chats.collect() == "聊天: 1 new\n"
    assert sorted(chats.said()) == sorted(["杯子漏水", "抱歉", "盖子松", "盖子也坏了"])


def test_what_a_file_tells_of_a_conversation_in_two_lines_is_all_there(chats: Chats) -> None:
    grown = dialogue(LEAK, SORRY, id="1") + dialogue(LEAK, SORRY, LID, id="1") + dialogue(SORRY, APRIL, id="1")
    chats.write("a/a.jsonl", grown)
    chats.collect()
    assert chats.said() == ["杯子漏水", "抱歉", "盖子松", "盖子也坏了"]
    assert run("rejects", project=chats.folder).out.startswith("0 rows were not stored")


@FORMS
def test_what_an_earlier_version_knew_by_its_place_comes_no_second_time_in_a_file_that_has_grown(
    chats: Chats, export: Export, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        chats.write(f"a/{name}", export(LEAK, SORRY))
        chats.collect()
        chats.query("update verbatims set source_id = conversation_id || '-' || id, turn = id")
    chats.write(f"a/{name}", export(LEAK, SORRY, LID))
    chats.collect()
    assert chats.said() == ["杯子漏水", "抱歉", "盖子松"]


def as_before(chats: Chats, monkeypatch: pytest.MonkeyPatch) -> None:
    """Collects, and leaves what is stored as a version did that knew it by its places."""
    with monkeypatch.context() as before:
        before.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        chats.collect()
    chats.query("update verbatims set source_id = conversation_id || '-' || id, turn = id")


@FORMS
@pytest.mark.parametrize("timed", [True, False], ids=["to the second", "to the minute"])
def test_what_an_earlier_version_knew_by_its_place_is_known_at_another_one_and_takes_no_neighbours(
    chats: Chats, export: Export, name: str, timed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    leak, lid = (LEAK, LID) if timed else (("小林", "2026-03-02 10:00", said) for said in ("杯子漏水", "盖子松"))
    chats.write(f"a/{name}", export(leak, lid))
    as_before(chats, monkeypatch)
    chats.write(f"a/{name}", export(lid, APRIL))
    chats.collect()
    assert chats.said() == ["杯子漏水", "盖子松", "盖子也坏了"]


def test_words_of_another_role_at_the_same_time_are_not_those_that_were_known_by_their_place(
    chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    when = "2026-03-02 10:00"
    chats.write("a/小林.csv", new(("小林", when, "好的"), LID))
    as_before(chats, monkeypatch)
    chats.write("a/小林.csv", new(("我", when, "好的"), LID))
    chats.collect()
    assert sorted(chats.query("select role, text from verbatims")) == [
        ("agent", "好的"),
        ("customer", "好的"),
        ("customer", "盖子松"),
    ]


def test_a_dialogue_without_an_id_that_an_earlier_version_knew_by_all_of_it_is_known_again(
    chats: Chats, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = (LEAK, SORRY)
    whole = fingerprint(*(field for who, when, words in said for field in (who, words, when)))
    chats.write("a/a.jsonl", dialogue(*said))
    with monkeypatch.context() as before:
        before.setattr("feedback.collectors.chat.dialogues._Conversations._found_by", lambda *_: None)
        before.setattr("feedback.settings_digest.INTAKE_VERSION", "before")
        chats.collect()
    assert whole.startswith("keyed:")
    chats.query("update verbatims set source_id = conversation_id || '-' || id")
    chats.write("a/a.jsonl", dialogue(*said) + dialogue(APRIL, SWAP))
    chats.collect()
    assert chats.said() == ["杯子漏水", "抱歉", "盖子也坏了", "马上换"]


def test_snapshots_of_a_dialogue_without_an_id_in_one_file_double_nothing(chats: Chats) -> None:
    chats.write("a/a.jsonl", dialogue(LEAK, SORRY))
    chats.collect()
    chats.write("a/a.jsonl", dialogue(LEAK, SORRY) + dialogue(LEAK, SORRY, LID) + dialogue(LEAK, SORRY, LID, APRIL))
    assert chats.collect() == "聊天: 2 new, 2 already there\n"
    assert chats.said() == ["杯子漏水", "抱歉", "盖子松", "盖子也坏了"]


def test_another_dialogue_without_times_under_an_id_that_came_before_in_its_file_is_listed(chats: Chats) -> None:
    first, grown = (dialogue(*said, id="1", timed=False) for said in ((LEAK, SORRY), (LEAK, SORRY, LID)))
    chats.write("a/a.jsonl", first + grown + dialogue(LEAK, APRIL, id="1", timed=False) + grown)
    chats.collect()
    assert chats.said() == ["杯子漏水", "抱歉", "盖子松"]
    listed = run("rejects", project=chats.folder).out
    assert ":3: conversation '1' came before in this file, with other turns\n" in listed
    assert listed.endswith("1 rows were not stored, 0 fields left out. Shown: 1.\n")


def test_other_words_without_a_date_do_not_take_the_place_that_an_earlier_version_knew(chats: Chats) -> None:
    chats.write("a/a.jsonl", dialogue(LEAK, SORRY, id="1", timed=False))
    chats.collect()
    chats.query("update verbatims set source_id = conversation_id || '-' || id")
    chats.write("a/a.jsonl", dialogue(APRIL, SORRY, id="1", timed=False))
    chats.collect()
    assert sorted(chats.said()) == sorted(["杯子漏水", "抱歉", "盖子也坏了"])
