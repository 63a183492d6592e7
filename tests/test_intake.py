"""Records on their way to the store: cleaned, dated, masked, named, and nothing dropped unseen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stored import database_bytes, dump, new_store, reading, rows

from feedback.collectors.base import KEYED, Item, RawScore, Record, Unreadable, Withdrawn
from feedback.copies import similar
from feedback.intake import Intake, Taken
from feedback.ratings import number_in
from storage.journal import add_rejects, start_run
from storage.occurrences import Occurrences
from storage.records import BatchResult, Reject, Score, Verbatim, Withdrawal
from storage.store import Store
from storage.verbatims import add_verbatims

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)  # Monday morning in Shanghai
SECRET = bytes(range(32))
RECORD = Record(text="物流太慢了", kind="review", channel="京东", location="a.csv:2", source_id="r1")


def intake(now: datetime = NOW, secret: bytes = SECRET, timezone: str = "Asia/Shanghai") -> Intake:
    return Intake("shop", timezone, secret, now)


def first_time(keys: Sequence[str]) -> list[int]:
    seen: dict[str, int] = {}
    numbers = []
    for key in keys:
        seen[key] = seen.get(key, -1) + 1
        numbers.append(seen[key])
    return numbers


def take(*items: Item, **how: Any) -> Taken:
    return intake(**how).take(items, first_time)


def only(taken: Taken) -> Verbatim:
    [item] = taken.incoming
    return item.verbatim


def store(opened: Store, *items: Item, **how: Any) -> BatchResult:
    """What collecting a part that holds these items does."""
    with Occurrences() as occurrences, opened.transaction() as connection:
        run = start_run(connection, "collect", "shop")
        taken = intake(**how).take(items, occurrences.number)
        add_rejects(connection, run, "a.csv", taken.rejects)
        return add_verbatims(connection, run, reading(connection), taken.incoming, similar)


def test_a_record_becomes_a_verbatim_field_by_field() -> None:
    record = Record(
        text="<p>磨豆机&nbsp;漏粉</p>",
        kind="ticket",
        channel="门店",
        location="a.csv:2",
        source_id="r1",
        posted_at="2026-02-25 12:00:00",
        conversation_id="c1",
        turn=4,
        parent_id="r0",
        customer="青山不改",
        product=" 磨豆机&amp;手柄 ",
        version=" V5.2.1 ",
        store="人民路店\u200b",
        region="  ",
        question="您的建议",
        votes="1,204",
        scores=(RawScore("star", "2", 1, 5), RawScore("nps", "3分", 0, 10)),
    )
    assert only(take(record)) == Verbatim(
        source="shop",
        source_id="r1",
        kind="ticket",
        channel="门店",
        role="customer",
        text="磨豆机 漏粉",
        posted_at="2026-02-25T04:00:00Z",
        conversation_id="c1",
        turn=4,
        parent_id="r0",
        customer_id="f6eb56facb5f8fb0",
        product="磨豆机&手柄",
        version="V5.2.1",
        store="人民路店",
        region=None,
        question="您的建议",
        language="zh",
        noise=None,
        votes=1204,
        scores=(Score("star", 2.0, 1, 5), Score("nps", 3.0, 0, 10)),
    )
    assert take(record).rejects == []


PERSONAL = "打13800138000找我，邮箱lin@example.com"


def test_personal_data_is_masked_in_the_words_the_labels_and_the_rejects() -> None:
    labels = {"product": PERSONAL, "version": PERSONAL, "question": PERSONAL}
    record = replace(RECORD, text=PERSONAL, **labels, posted_at="昨", problems=("odd",))
    taken = take(record, Unreadable("a.csv:3", "too many columns", PERSONAL))
    verbatim = only(taken)
    masked = "打[手机号]找我，邮箱[邮箱]"
    assert (verbatim.text, verbatim.product, verbatim.version, verbatim.question) == (masked,) * 4
    assert taken.rejects == [
        Reject("shop", "a.csv:2", "odd", masked, stored=True),
        Reject("shop", "a.csv:2", "date unknown: '昨': not a form of date known", masked, stored=True),
        Reject("shop", "a.csv:3", "too many columns", masked),
    ]


NO_TEXT = [
    ("", (), "the row has no text"),
    (" \u200b<br> ", (), "the row has no text"),
    ("", ("the id is damaged",), "the row has no text; the id is damaged"),
]


@pytest.mark.parametrize("text, problems, reason", NO_TEXT)
def test_a_row_with_neither_words_nor_a_score_is_rejected(text: str, problems: tuple[str, ...], reason: str) -> None:
    taken = take(replace(RECORD, text=text, problems=problems))
    assert taken == Taken(rejects=[Reject("shop", "a.csv:2", reason)])


def test_a_row_with_a_score_alone_is_stored_without_words() -> None:
    verbatim = only(take(replace(RECORD, text="", scores=(RawScore("star", "5", 1, 5),))))
    assert (verbatim.text, verbatim.noise, verbatim.language) == ("", "no_text", None)
    assert verbatim.scores == (Score("star", 5.0, 1, 5),)


def test_a_date_that_can_not_be_read_is_unknown_and_listed() -> None:
    taken = take(replace(RECORD, posted_at="02-30"))
    assert only(taken).posted_at is None
    assert taken.rejects == [
        Reject("shop", "a.csv:2", "date unknown: '02-30': it has no year", "物流太慢了", stored=True)
    ]


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_no_date_is_no_problem(blank: str | None) -> None:
    taken = take(replace(RECORD, posted_at=blank))
    assert (only(taken).posted_at, taken.rejects) == (None, [])


VALUES = '; what it is worth is said in the layout, under [[scores]]: values = { "好评" = 5 }'
SCORES = [
    ("4", 4.0),
    (" 4.5 ", 4.5),
    ("4分", 4.0),
    ("5星", 5.0),
    ("3 stars", 3.0),
    ("4/5", 4.0),
    ("6", None),
    ("0", None),
    ("-3", None),
    ("好", None),
    ("", None),
    ("nan", None),
    ("1e1", None),
]


@pytest.mark.parametrize("raw, value", SCORES)
def test_a_score_off_its_scale_or_unreadable_is_left_out_and_listed(raw: str, value: float | None) -> None:
    taken = take(replace(RECORD, scores=(RawScore("star", raw, 1, 5),)))
    if value is None:
        cure = "" if number_in(raw) is not None else VALUES
        reason = f"star score unknown: '{raw}' is not in 1..5{cure}"
        assert taken.rejects == [Reject("shop", "a.csv:2", reason, "物流太慢了", stored=True)]
    assert only(taken).scores == (() if value is None else (Score("star", value, 1, 5),))


VOTES = [
    ("12", 12),
    (" 0 ", 0),
    ("12.0", 12),
    ("１２", 12),
    ("1,204", 1204),
    ("1,204,000", 1204000),
    ("1.2万", 12000),
    ("1.2w", 12000),
    ("3万", 30000),
    ("2萬", 20000),
    ("1.5k", 1500),
    ("1千+", 1000),
    ("999+", 999),
    ("10万+", 100000),
    ("1.2亿", 120_000_000),
    ("-3", None),
    ("3.5", None),
    ("1,20", None),
    ("true", None),
    ("赞", None),
    ("万", None),
    ("nan", None),
    ("1e3", None),
    ("9" * 20, None),
    ("999999999999亿", None),
]


@pytest.mark.parametrize("raw, votes", VOTES)
def test_votes_are_a_number_of_people_and_what_is_none_is_left_out_and_listed(raw: str, votes: int | None) -> None:
    taken = take(replace(RECORD, votes=raw))
    assert only(taken).votes == votes
    reason = f"votes unknown: '{raw}' is no number of people"
    listed = [Reject("shop", "a.csv:2", reason, "物流太慢了", stored=True)]
    assert taken.rejects == ([] if votes is not None else listed)


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_no_version_and_no_votes_are_no_problem(blank: str | None) -> None:
    taken = take(replace(RECORD, version=blank, votes=blank))
    assert (only(taken).version, only(taken).votes, taken.rejects) == (None, None, [])


def test_votes_that_can_not_be_read_are_listed_without_what_is_personal() -> None:
    [reject] = take(replace(RECORD, votes="打13800138000找我")).rejects
    assert reject.reason == "votes unknown: '打[手机号]找我' is no number of people"


def test_an_excerpt_is_one_line_of_eighty_characters_and_says_when_it_is_cut() -> None:
    [short, long] = take(Unreadable("1", "r", "一行\n二行"), Unreadable("2", "r", "很" * 81)).rejects
    assert short.excerpt == "一行 二行"
    assert long.excerpt == "很" * 79 + "…"


def test_a_customer_is_a_keyed_hash_the_same_within_a_channel() -> None:
    def pseudonym(secret: bytes = SECRET, **fields: Any) -> str | None:
        return only(take(replace(RECORD, customer="青山不改", **fields), secret=secret)).customer_id

    mine = pseudonym()
    assert mine == pseudonym(source_id="r2", text="另一句")
    assert mine is not None
    assert (len(mine), int(mine, 16) > 0) == (16, True)
    others = {mine, pseudonym(channel="天猫"), pseudonym(secret=b"another project's key of 32 byte")}
    assert len(others) == 3


def test_an_id_made_of_names_can_not_be_made_by_whoever_guesses_them() -> None:
    made = f"{KEYED}3cf53e6c0c4db226"

    def ids(secret: bytes = SECRET) -> tuple[str | None, ...]:
        record = replace(RECORD, source_id=f"{made}-4", conversation_id=made, parent_id="r0")
        taken = take(record, Withdrawn(f"{made}-4", "a.txt:9"), secret=secret)
        [withdrawn] = taken.withdrawn
        return only(taken).source_id, only(taken).conversation_id, only(taken).parent_id, withdrawn.source_id

    turn, conversation, parent, withdrawn = ids()
    assert (turn, withdrawn, parent) == (f"{conversation}-4", turn, "r0")
    assert conversation is not None
    assert "3cf53e6c0c4db226" not in conversation
    assert len(conversation) == 16
    assert ids(secret=b"another project's key of 32 byte")[1] != conversation


@pytest.mark.parametrize("nobody", [None, ""])
def test_nobody_has_no_pseudonym(nobody: str | None) -> None:
    assert only(take(replace(RECORD, customer=nobody))).customer_id is None


def test_company_replies_and_other_turns_have_no_fingerprint() -> None:
    long = "您好，您的快递已经在路上了，预计明天送达，请您耐心等待"
    reply = replace(RECORD, text=long, role="agent")
    taken = take(reply, replace(reply, role="bot", kind="chat"), replace(reply, role="customer"))
    assert [item.fingerprint.exact is None for item in taken.incoming] == [True, True, False]
    assert [item.verbatim.noise for item in taken.incoming] == ["company_reply", None, None]


@pytest.mark.parametrize("error", ["#NAME?", "#N/A", " #value! "])
def test_an_error_of_excel_is_nobodys_words(error: str) -> None:
    taken = take(replace(RECORD, text=error))
    why = f"an error of Excel stands where the words should be ({error.strip()})"
    assert (taken.incoming, taken.rejects) == ([], [Reject("shop", "a.csv:2", f"the row has no text; {why}")])
    taken = take(replace(RECORD, text=error, scores=(RawScore("star", "5", 1, 5),)))
    assert (only(taken).text, [(reject.reason, reject.stored) for reject in taken.rejects]) == ("", [(why, True)])


def test_rows_without_an_id_are_named_by_what_they_say_and_how_often() -> None:
    nameless = replace(RECORD, source_id=None)
    taken = take(nameless, replace(nameless, location="a.csv:9"), replace(nameless, text="客服很好"))
    first, second, other = (item.verbatim.source_id for item in taken.incoming)
    assert first.endswith("-0")
    assert second == first.replace("-0", "-1")
    assert other.endswith("-0")
    assert other != first


@pytest.mark.parametrize(
    ("field", "saved_anew"),
    [
        ("posted_at", "2026/3/1"),
        ("posted_at", "2026年3月1日 0:00"),
        ("posted_at", "2026-03-01T00:00:00"),
        ("posted_at", "20260301"),
        ("posted_at", "2026-03-01T00:00:00+08:00"),
        ("posted_at", "2026-02-28T16:00:00Z"),
        ("posted_at", "1772294400"),
        ("posted_at", "1772294400000"),
        ("text", " 物流 太慢了\r\n"),
        ("text", "<p>物流太慢了</p>"),
        ("product", "台灯 "),
        ("scores", (RawScore("star", "5.0", 1, 5),)),
        ("scores", (RawScore("star", "5分", 1, 5),)),
    ],
)
def test_a_row_without_an_id_that_was_saved_anew_is_the_same_row(
    tmp_path: Path, field: str, saved_anew: object
) -> None:
    scores = (RawScore("star", "5", 1, 5),)
    row = replace(RECORD, source_id=None, posted_at="2026-03-01", product="台灯", scores=scores)
    with new_store(tmp_path) as opened:
        assert store(opened, row).added == 1
        again = store(opened, replace(row, **{field: saved_anew}))
        assert (again.added, again.changed, again.unchanged) == (0, 0, 1)


@pytest.mark.parametrize(
    ("field", "other"),
    [
        ("posted_at", "2026-03-02"),
        ("posted_at", "2026-03-01 00:00:01"),
        ("posted_at", "2026-03-01 00:00:00.5"),
        ("posted_at", "2026-03-01T00:00:00+09:00"),
        ("posted_at", None),
        ("text", "物流太慢了！"),
        ("product", "台灯2"),
        ("scores", (RawScore("star", "0", 0, 5),)),
        ("customer", "张三"),
        ("signed", "j***3"),
    ],
)
def test_a_row_without_an_id_that_says_something_else_is_another(tmp_path: Path, field: str, other: object) -> None:
    row = replace(RECORD, source_id=None, posted_at="2026-03-01", scores=(RawScore("star", "5", 0, 5),))
    with new_store(tmp_path) as opened:
        assert store(opened, row, replace(row, **{field: other})).added == 2


@pytest.mark.parametrize(
    ("customer", "posted_at", "where", "added"),
    [
        ("青山不改", "2026-02-25 12:00:01", "region", 1),
        ("青山不改", "2026-02-25 12:00", "region", 2),  # 张女士 and 李先生 are many
        ("青山不改", "2026-02-25", "region", 2),
        (None, "2026-02-25 12:00:01", "region", 2),
        ("青山不改", "2026-02-25 12:00:01", "store", 2),
    ],
)
def test_where_somebody_is_names_a_row_without_an_id_unless_it_is_known_who_said_it_and_when(
    tmp_path: Path, customer: str | None, posted_at: str, where: str, added: int
) -> None:
    row = replace(RECORD, source_id=None, posted_at=posted_at, customer=customer)
    with new_store(tmp_path) as opened:
        store(opened, row)
        store(opened, replace(row, **{where: "浙江"}))
        assert rows(opened.connection, f"select count(*), max({where}) from verbatims") == [(added, "浙江")]


def test_a_date_that_lay_in_the_future_is_known_when_its_time_has_come(tmp_path: Path) -> None:
    record = replace(RECORD, posted_at="2026-03-09 12:00:00")
    with new_store(tmp_path) as opened:
        assert store(opened, record) == BatchResult(added=1)
        assert store(opened, record) == BatchResult(unchanged=1)
        assert store(opened, record, now=NOW + timedelta(days=30)) == BatchResult(changed=1)
        assert rows(opened.connection, "select posted_at from verbatims") == [("2026-03-09T04:00:00Z",)]


def test_neither_the_version_nor_the_votes_name_a_row_without_an_id() -> None:
    nameless = replace(RECORD, source_id=None)
    found = [only(take(each)) for each in (nameless, replace(nameless, version="5.2.1"), replace(nameless, votes="3"))]
    assert {verbatim.source_id for verbatim in found} == {"f9836848023201ea5591ccba-0"}


# As they were stored before there were versions and votes: another hash would be a change, and drop the marks.
HASHES = [
    ({}, 5670928903442201535),
    ({"votes": "12"}, 5670928903442201535),
    ({"source_id": None, "product": "磨豆机"}, -4879175772069456581),  # its id is made of its words
]


@pytest.mark.parametrize("fields, content_hash", HASHES)
def test_what_was_stored_without_version_and_votes_is_known_again(fields: dict[str, Any], content_hash: int) -> None:
    [item] = take(replace(RECORD, **fields)).incoming
    assert item.content_hash == content_hash


def test_each_version_has_a_hash_of_its_own() -> None:
    items = take(*(replace(RECORD, version=version) for version in (None, "5.2.1", "5.2.2", ""))).incoming
    hashes = [item.content_hash for item in items]
    assert (len(set(hashes)), hashes[0]) == (3, hashes[3])


def test_withdrawn_records_are_handed_on() -> None:
    assert take(Withdrawn("m1", "a.jsonl:2")).withdrawn == [Withdrawal("m1")]


def test_what_is_told_again_after_it_was_deleted_is_not_withdrawn_but_for_what_is_void_for_good() -> None:
    deleted, recalled, told = (
        Withdrawn("r1", "a:2", for_good=False),
        Withdrawn("r1", "a:2"),
        replace(RECORD, source_id="r1"),
    )
    no_words = replace(told, text=" ", scores=())
    for items, withdrawn in [
        ((deleted, told), []),
        ((told, deleted, told), []),
        ((told, deleted), [Withdrawal("r1", for_good=False)]),
        ((deleted, told, deleted), [Withdrawal("r1", for_good=False)]),
        ((deleted, no_words), [Withdrawal("r1", for_good=False)]),
        ((deleted, replace(told, source_id="r2")), [Withdrawal("r1", for_good=False)]),
        ((recalled, told), [Withdrawal("r1")]),
    ]:
        assert take(*items).withdrawn == withdrawn


SAID = [
    {"text": "物流慢"},
    {"posted_at": "2026-02-26 12:00:00"},
    {"scores": (RawScore("star", "1", 1, 5),)},
    {"product": "手冲壶"},
    {"version": "5.2.2"},
    {"role": "agent"},
    {"customer": "另一个人"},
]


@pytest.mark.parametrize("change", SAID)
def test_a_row_has_changed_when_its_source_says_something_else(tmp_path: Path, change: dict[str, Any]) -> None:
    record = replace(RECORD, posted_at="2026-02-25 12:00:00", customer="青山不改", version="5.2.1")
    with new_store(tmp_path) as opened:
        store(opened, record)
        assert store(opened, replace(record, location="b.csv:7")) == BatchResult(unchanged=1)
        assert store(opened, replace(record, votes="3")) == BatchResult(unchanged=1)
        assert store(opened, replace(record, **change)) == BatchResult(changed=1)


RELATIVE = ["昨天 12:30", "3天前", "2小时前", "刚刚", "今天"]


@pytest.mark.parametrize("source_id", ["r1", None])
@pytest.mark.parametrize("raw", RELATIVE)
def test_a_relative_date_is_the_same_tomorrow(tmp_path: Path, raw: str, source_id: str | None) -> None:
    record = replace(RECORD, posted_at=raw, source_id=source_id)
    with new_store(tmp_path) as opened:
        assert store(opened, record) == BatchResult(added=1)
        before = dump(opened.path)
        assert store(opened, record, now=NOW + timedelta(days=1, hours=5)) == BatchResult(unchanged=1)
        assert dump(opened.path) == before


def test_a_date_read_in_another_time_zone_is_another_date(tmp_path: Path) -> None:
    record = replace(RECORD, posted_at="2026-02-25 12:00:00")
    with new_store(tmp_path) as opened:
        store(opened, record)
        assert store(opened, record, timezone="Asia/Tokyo") == BatchResult(changed=1)
        assert rows(opened.connection, "select posted_at from verbatims") == [("2026-02-25T03:00:00Z",)]


ANY = st.text(max_size=30) | st.text("<br>&#;\x00\ud83d\udcffＡ1３8物流\n\r", max_size=30)
ANY_ID = ANY.filter(bool)
RECORDS = st.builds(
    Record,
    text=ANY,
    kind=st.sampled_from(["review", "chat", "survey", "post", "ticket"]),
    channel=ANY_ID,
    location=ANY,
    source_id=st.none() | ANY_ID,
    role=st.sampled_from(["customer", "agent", "bot"]),
    posted_at=st.none() | ANY | st.sampled_from(["2026-02-25 12:00:00", "昨天 12:30", "1e400", "99999999999999999999"]),
    conversation_id=st.none() | ANY,
    turn=st.none() | st.integers(0, 99),
    parent_id=st.none() | ANY,
    customer=st.none() | ANY,
    product=st.none() | ANY,
    version=st.none() | ANY,
    store=st.none() | ANY,
    region=st.none() | ANY,
    question=st.none() | ANY,
    votes=st.none() | ANY | st.integers(-1, 10**20).map(str),
    scores=st.lists(st.builds(RawScore, st.just("star"), ANY | st.just("4"), st.just(1), st.just(5)), max_size=2).map(
        tuple
    ),
    problems=st.lists(ANY, max_size=1).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(records=st.lists(RECORDS | st.builds(Unreadable, ANY, ANY, ANY), max_size=6))
def test_whatever_a_source_holds_is_stored_or_listed_and_the_same_when_read_again(records: list[Item]) -> None:
    with TemporaryDirectory() as folder, new_store(Path(folder)) as opened:
        taken = take(*records)
        latest = {item.verbatim.source_id: item.verbatim for item in taken.incoming}
        refused = sum(not reject.stored for reject in taken.rejects)
        assert len(taken.incoming) + refused == len(records)
        assert store(opened, *records).added == len(latest)
        found = "select source_id, text, posted_at, channel, product, question, noise from verbatims order by id"
        assert rows(opened.connection, found) == [
            (v.source_id, v.text, v.posted_at, v.channel, v.product, v.question, v.noise) for v in latest.values()
        ]
        before = dump(opened.path, without=("runs", "rejects"))
        again = store(opened, *records, now=NOW + timedelta(hours=7))
        assert (again.added, again.changed, again.unchanged) == (0, 0, len(latest))
        assert dump(opened.path, without=("runs", "rejects")) == before


def test_no_name_reaches_the_database(tmp_path: Path) -> None:
    record = replace(
        RECORD, customer="青山不改nickname", source_id=None, posted_at="昨", scores=(RawScore("star", "9", 1, 5),)
    )
    with new_store(tmp_path) as opened:
        store(opened, record)
        raw = database_bytes(opened.path)
    assert "物流太慢了".encode() in raw  # the search looks in the right place
    assert b"nickname" not in raw
    assert "青山不改".encode() not in raw
