"""What of a chat message is its writer's own. `cases/quoted.jsonl` holds made-up messages in the forms of chat programs, and what only looks like one."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import pytest
from command import run

import feedback.intake
import feedback.settings_digest
from feedback.collectors.base import Item, RawScore, Record, Unreadable
from feedback.intake import Intake, Taken
from feedback.quoted import own_words
from storage.records import Kind, Reject


class Case(TypedDict):
    text: str
    own: str
    note: str


LINES = (Path(__file__).parent / "cases" / "quoted.jsonl").read_text(encoding="utf-8").splitlines()
CASES: list[Case] = [json.loads(line) for line in LINES]
QUOTE = "这是一条引用/回复消息：\n“王小明(售后)：\n非常抱歉”\n------\n"


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"line {n}: {case['note']}") for n, case in enumerate(CASES, start=1)]
)
def test_the_writers_own_words_are_kept_and_nothing_else(case: Case) -> None:
    assert own_words(case["text"]) == case["own"]
    assert own_words(case["own"]) == case["own"]


def test_there_are_cases_in_which_nothing_may_be_cut() -> None:
    untouched = [case for case in CASES if case["note"].startswith("negative: ")]
    assert len(untouched) >= 16
    assert all(case["own"] == case["text"] for case in untouched)


def take(*items: Item) -> Taken:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    return Intake("shop", "Asia/Shanghai", b"secret", now).take(items, lambda keys: [0] * len(keys))


@pytest.mark.parametrize("kind", ["chat", "ticket"])
@pytest.mark.parametrize(
    "text", [QUOTE + "可以", QUOTE.replace("\n", "<br>") + "可以", QUOTE.replace("\n", "\r\n") + "可以"]
)
def test_a_chat_message_is_stored_without_what_it_quotes(kind: Kind, text: str) -> None:
    [incoming] = take(Record(text, kind, "微信", "a.csv:2", "1")).incoming
    assert incoming.verbatim.text == "可以"


def test_below_the_words_of_a_ticket_nothing_is_taken_for_a_quote() -> None:
    text = "退款一直不到账\n引用：客服原话: 三天内到账\n现在已经十天了，我要投诉"
    [incoming] = take(Record(text, "ticket", "工单", "a.csv:2", "1")).incoming
    assert incoming.verbatim.text == text


@pytest.mark.parametrize("kind", ["review", "survey", "post"])
def test_what_is_no_message_quotes_nobody(kind: Kind) -> None:
    [incoming] = take(Record(QUOTE + "可以", kind, "京东", "a.csv:2", "1")).incoming
    assert incoming.verbatim.text == QUOTE + "可以"


def test_a_message_that_is_nothing_but_a_quote_is_rejected_and_nobody_named() -> None:
    taken = take(Record(QUOTE, "chat", "微信", "a.csv:2", "1"))
    assert taken.incoming == []
    assert taken.rejects == [Reject("shop", "a.csv:2", "the row has no text; it holds nothing but a quote")]


def test_a_rating_given_with_nothing_but_a_quote_is_kept() -> None:
    taken = take(Record(QUOTE, "chat", "微信", "a.csv:2", "1", scores=(RawScore("csat", "5", 1, 5),)))
    [incoming] = taken.incoming
    assert (incoming.verbatim.text, incoming.verbatim.scores[0].value) == ("", 5)
    assert taken.rejects == [Reject("shop", "a.csv:2", "it holds nothing but a quote", stored=True)]


def test_no_reject_shows_what_is_quoted() -> None:
    taken = take(
        Unreadable("a.csv:2", "no role known", QUOTE + "可以"),
        Record(QUOTE + "可以", "chat", "微信", "a.csv:3", "1", problems=("the clock goes back here",)),
    )
    assert [reject.excerpt for reject in taken.rejects] == ["可以", "可以"]


def test_what_doctor_counts_is_not_what_is_quoted(tmp_path: Path) -> None:
    said = [QUOTE.replace("非常抱歉", "请打13812345678") + "可以", QUOTE.replace("非常抱歉", "请打13812345678")]
    path = tmp_path / "1.jsonl"
    path.write_text("".join(message(n, "wmGUEST1", words) for n, words in enumerate(said)), encoding="utf-8")
    found = json.loads(run("doctor", str(path), "--json", project=tmp_path).out)["examination"]
    assert (found["customers_named"], found["texts_with_personal"], found["personal"]) == (1, 0, {})


def message(number: int, sender: str, words: str) -> str:
    body = {"msgid": f"m{number}", "action": "send", "from": sender, "roomid": "wrGroup1", "tolist": ["wmGUEST9"]}
    body |= {"msgtime": 1_772_420_000_000 + number, "msgtype": "text", "text": {"content": words}}
    return json.dumps(body, ensure_ascii=False) + "\n"


def collected(folder: Path) -> list[tuple[str, str, str]]:
    run("collect", project=folder)
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        return database.execute("select source_id, role, text from verbatims order by source_id").fetchall()


def test_archives_that_were_read_with_their_quotes_are_read_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "feedback.toml").write_text(
        '[project]\nname = "小店"\n[[sources]]\nname = "企业微信"\ncollector = "chat"\npaths = ["*.jsonl"]\n',
        encoding="utf-8",
    )
    said = [("wmGUEST1", "壶盖松了"), ("LinMeng", "非常抱歉"), ("wmGUEST1", QUOTE + "可以"), ("wmGUEST2", QUOTE)]
    lines = [message(number, *each) for number, each in enumerate(said, 1)]
    (tmp_path / "1.jsonl").write_text("".join(lines), encoding="utf-8")
    with monkeypatch.context() as before:
        before.setattr(feedback.intake, "own_words", lambda text, **_: text)
        before.setattr(feedback.settings_digest, "INTAKE_VERSION", "before")
        assert [text for _, _, text in collected(tmp_path)][2:] == [QUOTE + "可以", QUOTE.strip()]
    own = [("m1", "customer", "壶盖松了"), ("m2", "agent", "非常抱歉"), ("m3", "customer", "可以")]
    assert collected(tmp_path) == own
    assert collected(tmp_path) == own
