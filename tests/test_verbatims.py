"""Writing verbatims: rows as they are stored, what a second look changes, copies and templates."""

import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stored import MARKED, NAMED, add, analysis, dump, incoming, new_store, originals, reading, rows

from feedback.copies import similar
from storage.journal import start_run
from storage.marks import save_analyses
from storage.records import BatchResult, Score, Verbatim, Withdrawal
from storage.store import Store
from storage.verbatims import add_verbatims, take_out, withdraw

LONG = "磨豆机用了一个星期就开始漏粉，换了垫圈也没有用，客服让我自己再想办法"
NEARLY = "磨豆机用了一个星期就开始漏粉，换了垫圈也没有用，客服让我自己再想想办法！"
OTHER = "手冲壶的出水很稳，壶嘴角度也合适，就是壶身烫手，提手上应该包一层隔热的东西"


def take_back(store: Store, *source_ids: str) -> int:
    with store.transaction() as connection:
        return withdraw(connection, "shop", [Withdrawal(each) for each in source_ids], similar)


def mark(store: Store, *ids: int) -> None:
    segment = replace(MARKED, mentions=(NAMED,))
    with store.transaction() as connection:
        save_analyses(connection, "v1", [analysis(connection, each, segment) for each in ids])


def test_a_verbatim_is_stored_whole_with_its_scores(tmp_path: Path) -> None:
    item = incoming(
        "物流太慢了",
        "r1",
        posted_at="2026-02-25T04:00:00Z",
        conversation_id="c1",
        turn=3,
        parent_id="r0",
        customer_id="0123456789abcdef",
        product="磨豆机",
        version="5.2.1",
        store="人民路店",
        region="浙江",
        question="您的建议",
        language="zh",
        votes=12,
        scores=(Score("star", 2.0, 1.0, 5.0), Score("nps", 3.0, 0.0, 10.0)),
    )
    with new_store(tmp_path) as store:
        assert add(store, item) == BatchResult(added=1)
        names = Verbatim._fields[:-1]
        [found] = rows(store.connection, f"select {', '.join(names)} from verbatims")
        assert found == tuple(getattr(item.verbatim, name) for name in names)
        assert rows(store.connection, "select id, duplicate_of, content_hash, run_id from verbatims") == [
            (1, None, item.content_hash, 1)
        ]
        assert rows(store.connection, "select verbatim_id, metric, value, scale_low, scale_high from scores") == [
            (1, "star", 2.0, 1.0, 5.0),
            (1, "nps", 3.0, 0.0, 10.0),
        ]
        assert rows(store.connection, "select rowid, words, chars from verbatims_fts") == [
            (1, "物流 太慢 了", "物 流 太 慢 了")
        ]


# What clean() lets through: everything but control characters, half characters and the like.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)


@settings(max_examples=60, deadline=None)
@given(text=TEXTS, source_id=TEXTS, product=st.none() | TEXTS)
def test_any_words_come_back_as_they_were_stored(text: str, source_id: str, product: str | None) -> None:
    item = incoming(text, source_id, product=product)
    with TemporaryDirectory() as folder, new_store(Path(folder)) as store:
        assert add(store, item) == BatchResult(added=1)
        assert rows(store.connection, "select text, source_id, product from verbatims") == [
            (text, source_id, product or None)
        ]
        assert add(store, item) == BatchResult(unchanged=1)


def test_what_is_there_already_is_left_alone(tmp_path: Path) -> None:
    batch = [incoming(LONG, "r1", scores=(Score("star", 2.0, 1.0, 5.0),)), incoming("还行", "r2")]
    with new_store(tmp_path) as store:
        add(store, *batch)
        mark(store, 1, 2)
        before = dump(store.path)
        assert add(store, *batch) == BatchResult(unchanged=2)
        assert add(store, *reversed(batch)) == BatchResult(unchanged=2)
        assert dump(store.path) == before


def test_a_changed_text_keeps_its_id_and_loses_all_that_was_said_about_it(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming("物流太慢了", "r1", scores=(Score("star", 2.0, 1.0, 5.0),)), incoming("物流一般", "r2"))
        mark(store, 1, 2)
        changed = incoming("追评：后来补发了", "r1", scores=(Score("star", 4.0, 1.0, 5.0),))
        assert add(store, changed, incoming("物流一般", "r2"), incoming("新的", "r3")) == BatchResult(1, 1, 1)
        assert rows(store.connection, "select id, source_id, text from verbatims order by id") == [
            (1, "r1", "追评：后来补发了"),
            (2, "r2", "物流一般"),
            (3, "r3", "新的"),
        ]
        assert rows(store.connection, "select verbatim_id, value from scores") == [(1, 4.0)]
        for table in ("segments", "analyses"):
            assert rows(store.connection, f"select verbatim_id from {table}") == [(2,)]
        assert rows(store.connection, "select count(*) from mentions") == [(1,)]
        found = "select rowid from verbatims_fts where verbatims_fts match ?"
        assert rows(store.connection, found, "物流") == [(2,)]
        assert rows(store.connection, found, "补发") == [(1,)]


KNOWN = "select source_id, text, version, votes from verbatims order by id"
MARKS = "select verbatim_id from segments order by 1"


def test_other_votes_are_noted_and_are_no_change_of_what_was_said(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming("物流太慢了", "r1", votes=3), incoming("还行", "r2", votes=0), incoming("好用", "r3"))
        mark(store, 1, 2, 3)
        before = dump(store.path, without=("runs", "verbatims"))
        later = [
            incoming("物流太慢了", "r1", votes=5),
            incoming("还行", "r2", votes=0),
            incoming("好用", "r3", votes=1),
        ]
        assert add(store, *later) == BatchResult(unchanged=3)
        assert rows(store.connection, KNOWN) == [
            ("r1", "物流太慢了", None, 5),
            ("r2", "还行", None, 0),
            ("r3", "好用", None, 1),
        ]
        assert dump(store.path, without=("runs", "verbatims")) == before
        assert add(store, incoming("物流太慢了", "r1", votes=0)) == BatchResult(unchanged=1)  # people take them back
        assert rows(store.connection, "select votes from verbatims where id = 1") == [(0,)]


def test_one_that_tells_of_no_votes_leaves_those_that_are_known(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming("物流太慢了", "r1", votes=3), incoming("还行", "r2", votes=2))
        assert add(store, incoming("物流太慢了", "r1"), incoming("不行", "r2")) == BatchResult(changed=1, unchanged=1)
        assert rows(store.connection, KNOWN) == [("r1", "物流太慢了", None, 3), ("r2", "不行", None, 2)]


def test_rows_whose_votes_are_the_same_are_not_written(tmp_path: Path) -> None:
    batch = [incoming("物流太慢了", "r1", version="5.2.1", votes=3), incoming("还行", "r2", votes=0)]
    with new_store(tmp_path) as store:
        add(store, *batch)
        before = store.connection.total_changes
        with store.transaction() as connection:
            assert add_verbatims(connection, 1, 1, batch, similar) == BatchResult(unchanged=2)
        assert store.connection.total_changes == before


def test_another_version_is_a_change(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming("物流太慢了", "r1", version="5.2.1"), incoming("还行", "r2", version="5.2.1"))
        mark(store, 1, 2)
        assert add(store, incoming("物流太慢了", "r1", version="5.2.2")) == BatchResult(changed=1)
        assert add(store, incoming("还行", "r2")) == BatchResult(changed=1)  # the source no longer says which
        assert rows(store.connection, KNOWN) == [("r1", "物流太慢了", "5.2.2", None), ("r2", "还行", None, None)]
        assert rows(store.connection, MARKS) == []


def test_a_version_that_becomes_known_is_noted_and_drops_no_marks(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming("物流太慢了", "r1"), incoming("还行", "r2"))
        mark(store, 1, 2)
        known = incoming("物流太慢了", "r1", version="5.2.1", votes=3)
        assert add(store, known, incoming("不行", "r2", version="5.2.1")) == BatchResult(changed=1, unchanged=1)
        assert rows(store.connection, KNOWN) == [("r1", "物流太慢了", "5.2.1", 3), ("r2", "不行", "5.2.1", None)]
        assert rows(store.connection, MARKS) == [(1,)]
        before = dump(store.path)
        assert add(store, known) == BatchResult(unchanged=1)
        assert dump(store.path) == before
        assert add(store, incoming("物流太慢了", "r1", version="5.2.2")) == BatchResult(changed=1)


@pytest.mark.parametrize("together", [True, False])
def test_versions_and_votes_come_to_the_same_however_rows_are_batched(tmp_path: Path, together: bool) -> None:
    said = [{"votes": 3}, {"version": "5.2.1"}, {"version": "5.2.1", "votes": 5}, {"version": "5.2.1"}]
    batch = [incoming("物流太慢了", "r1", **each) for each in said]
    with new_store(tmp_path) as store, store.transaction() as connection:
        run, seen = start_run(connection, "collect", "shop"), reading(connection)
        results = [
            add_verbatims(connection, run, seen, items, similar) for items in ([batch] if together else zip(batch))
        ]
        assert [conflict for result in results for conflict in result.conflicts] == []
        assert rows(connection, KNOWN) == [("r1", "物流太慢了", "5.2.1", 5)]
        assert rows(connection, "select content_hash from verbatims") == [(batch[-1].content_hash,)]


def test_of_two_rows_with_one_id_and_other_words_the_last_is_kept_and_told(tmp_path: Path) -> None:
    first, second, third = incoming("先这样写", "r1"), incoming("后来改了", "r1"), incoming("又改了", "r1")
    with new_store(tmp_path) as store, store.transaction() as connection:
        run = start_run(connection, "collect", "shop")
        told = (second.verbatim,)
        assert add_verbatims(connection, run, reading(connection), [first, second], similar) == BatchResult(
            added=1, conflicts=told
        )
        told = (third.verbatim,)
        assert add_verbatims(connection, run, reading(connection), [third], similar) == BatchResult(
            changed=1, conflicts=told
        )
        assert rows(store.connection, "select source_id, text from verbatims") == [("r1", "又改了")]
        later = start_run(connection, "collect", "shop")
        assert add_verbatims(connection, later, reading(connection), [third, third], similar) == BatchResult(
            unchanged=1
        )
        assert add_verbatims(connection, later, reading(connection), [first], similar) == BatchResult(
            changed=1
        )  # its source changed it


def test_the_same_id_in_two_sources_is_two_verbatims(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        assert add(store, incoming("还行", "1"), incoming("还行", "1", source="other")) == BatchResult(added=2)
        assert take_back(store, "1") == 1
        assert rows(store.connection, "select source, source_id from verbatims") == [("other", "1")]


COPIES = [
    ([LONG, LONG], {"0": None, "1": "0"}),
    ([LONG, f"  {LONG}！！"], {"0": None, "1": "0"}),  # punctuation and blanks don't count
    ([LONG, NEARLY], {"0": None, "1": "0"}),
    ([LONG, OTHER, NEARLY, LONG, OTHER], {"0": None, "1": None, "2": "0", "3": "0", "4": "1"}),
    (["質量非常好，物流也很快", "质量非常好，物流也很快"], {"0": None, "1": "0"}),  # traditional and simplified
    (["质量很好", "质量很好"], {"0": None, "1": None}),  # short: said by chance
    (["", ""], {"0": None, "1": None}),
    ([LONG, OTHER], {"0": None, "1": None}),
]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("texts, expected", COPIES)
def test_copies_point_at_the_first_of_them(
    tmp_path: Path, texts: list[str], expected: dict[str, str | None], together: bool
) -> None:
    batch = [incoming(text, str(number)) for number, text in enumerate(texts)]
    copies = sum(original is not None for original in expected.values())
    with new_store(tmp_path) as store:
        results = [add(store, *batch)] if together else [add(store, item) for item in batch]
        assert originals(store.connection) == expected
        assert (sum(r.added for r in results), sum(r.duplicates for r in results)) == (len(batch), copies)


def variants(seed: int) -> list[str]:
    """Texts of three families, each changed a little, in any order."""
    chance = random.Random(seed)
    made = []
    for _ in range(12):
        letters = list(chance.choice([LONG, OTHER, "客服态度不好，问了三遍也没有回答我的问题，最后直接把对话关了"]))
        for _ in range(chance.randrange(3)):
            letters[chance.randrange(len(letters))] = chance.choice("的了呢吧")
        made.append("".join(letters))
    return made


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), cuts=st.sets(st.integers(1, 11)))
def test_how_rows_are_batched_does_not_change_what_is_a_copy_of_what(seed: int, cuts: set[int]) -> None:
    batch = [incoming(text, str(number)) for number, text in enumerate(variants(seed))]
    bounds = [0, *sorted(cuts), len(batch)]
    with TemporaryDirectory() as one, TemporaryDirectory() as many:
        with new_store(Path(one)) as store:
            add(store, *batch)
            whole = originals(store.connection)
        with new_store(Path(many)) as store:
            for start, end in pairwise(bounds):
                add(store, *batch[start:end])
            assert originals(store.connection) == whole
    for row, original in whole.items():  # the first stored is the original, and no copy has copies
        assert original is None or (int(original) < int(row) and whole[original] is None)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(order=st.permutations(range(6)))
def test_whatever_comes_first_of_equal_texts_is_the_original(order: list[int]) -> None:
    texts = [LONG, LONG, OTHER, LONG, OTHER, "还行"]
    with TemporaryDirectory() as folder, new_store(Path(folder)) as store:
        add(store, *(incoming(texts[number], str(number)) for number in order))
        found = originals(store.connection)
    first = {text: str(next(n for n in order if texts[n] == text)) for text in (LONG, OTHER)}
    expected = {str(n): None if first.get(texts[n], str(n)) == str(n) else first[texts[n]] for n in order}
    assert found == expected


def test_only_customers_words_have_copies(tmp_path: Path) -> None:
    """Agents answer with set phrases; intake gives them no fingerprint, so no customer is a copy of one."""
    with new_store(tmp_path) as store:
        reply = incoming(LONG, "a1", role="agent")
        none = reply._replace(fingerprint=incoming("", "x").fingerprint)
        add(store, none, none._replace(verbatim=reply.verbatim._replace(source_id="a2")), incoming(LONG, "c1"))
        assert originals(store.connection) == {"a1": None, "a2": None, "c1": None}


def test_a_longer_text_that_recurs_five_times_is_a_template_the_first_one_too(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, *(incoming(LONG, str(number)) for number in range(4)))
        noise = "select source_id, noise from verbatims order by id"
        assert rows(store.connection, noise) == [(str(number), None) for number in range(4)]
        add(store, incoming(LONG, "4"), incoming(OTHER, "5"))
        assert rows(store.connection, noise) == [
            *((str(number), "copied_template") for number in range(5)),
            ("5", None),
        ]
        add(store, incoming(LONG, "6"))
        assert rows(store.connection, noise)[-1] == ("6", "copied_template")


def test_a_text_of_ten_to_fourteen_characters_may_recur_without_being_a_template(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, *(incoming("质量很好下次还会再来", str(number)) for number in range(6)))
        assert rows(store.connection, "select distinct noise, duplicate_of from verbatims order by id") == [
            (None, None),
            (None, 1),
        ]


def test_a_template_keeps_the_noise_it_had(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, *(incoming(LONG, str(n), noise="company_reply" if n == 2 else None) for n in range(5)))
        found = rows(store.connection, "select noise, count(*) from verbatims group by 1 order by 1")
        assert found == [("company_reply", 1), ("copied_template", 4)]


def test_the_copies_of_a_text_that_changed_find_another_original(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, *(incoming(text, str(n)) for n, text in enumerate([LONG, LONG, NEARLY, OTHER])))
        add(store, incoming(OTHER, "0"), incoming(LONG, "4"))
        assert originals(store.connection) == {"0": "3", "1": None, "2": "1", "3": None, "4": "1"}


def test_a_new_text_is_no_copy_of_what_another_said_before_it_was_changed(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, incoming(LONG, "0"))
        add(store, incoming("后来好了，谢谢你们，我也把评价改过来", "0"), incoming(LONG, "1"), incoming(LONG, "2"))
        assert originals(store.connection) == {"0": None, "1": None, "2": "1"}


def test_the_copies_of_a_withdrawn_text_find_another_original(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, *(incoming(text, str(n)) for n, text in enumerate([LONG, LONG, LONG, OTHER])))
        assert take_back(store, "0") == 1
        assert originals(store.connection) == {"1": None, "2": "1", "3": None}
        add(store, incoming(NEARLY, "4"))  # near copies are found as before
        assert originals(store.connection) == {"1": None, "2": "1", "3": None, "4": "1"}
        assert take_back(store, "1", "2", "4") == 3
        assert originals(store.connection) == {"3": None}


@pytest.mark.parametrize("at_once", [1, 2, 10])
def test_the_copies_of_texts_that_are_taken_out_are_compared_with_those_that_stay_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """The third is like the first but not like the second, the last is like all."""
    monkeypatch.setattr("storage.verbatims._REMOVED_AT_ONCE", at_once)
    texts = [LONG, LONG.replace("一个", "半个"), LONG.replace("垫圈", "垫片"), LONG]
    with new_store(tmp_path) as store:
        add(store, *(incoming(text, str(n)) for n, text in enumerate(texts)))
        assert originals(store.connection) == {"0": None, "1": "0", "2": "0", "3": "0"}
        add(store, *(incoming(texts[n], str(n)) for n in (2, 3)), contents="later")
        with store.transaction() as connection:
            assert take_out(connection, [reading(connection)], similar) == 2
        assert originals(store.connection) == {"2": None, "3": "2"}


def test_each_verbatim_is_told_by_the_reading_it_was_seen_in_last(tmp_path: Path) -> None:
    seen = "select source_id, reading_id, run_id from verbatims order by id"
    with new_store(tmp_path) as store:
        add(store, incoming("物流太慢了", "r1"), incoming("还行", "r2"), incoming("好用", "r3"))
        changed, new = incoming("后来好了", "r2"), incoming("漏水", "r4")
        assert add(store, incoming("好用", "r3"), changed, new, contents="later") == BatchResult(1, 1, 1)
        assert rows(store.connection, seen) == [("r1", 1, 1), ("r2", 2, 2), ("r3", 2, 1), ("r4", 2, 2)]
        with store.transaction() as connection:
            assert take_out(connection, [1], similar) == 1
            assert take_out(connection, [1], similar) == 0
        assert rows(store.connection, seen) == [("r2", 2, 2), ("r3", 2, 1), ("r4", 2, 2)]
        assert add(store, incoming("物流太慢了", "r1")) == BatchResult(added=1)  # it was not withdrawn


def test_a_withdrawn_verbatim_takes_everything_with_it_and_does_not_come_back(tmp_path: Path) -> None:
    item = incoming("物流太慢了，等了整整五天才到", "r1", scores=(Score("star", 2.0, 1.0, 5.0),))
    with new_store(tmp_path) as store:
        add(store, item)
        mark(store, 1)
        assert take_back(store, "r1", "never-seen") == 1
        for table in ("verbatims", "scores", "segments", "mentions", "analyses", "copy_bands", "verbatims_fts"):
            assert rows(store.connection, f"select * from {table}") == []
        assert add(store, item, incoming("另一句", "never-seen")) == BatchResult(unchanged=2)
        assert rows(store.connection, "select * from verbatims") == []
        assert take_back(store, "r1") == 0


def test_a_verbatim_that_is_withdrawn_until_it_is_told_again_comes_back(tmp_path: Path) -> None:
    item = incoming("物流太慢了", "r1")
    with new_store(tmp_path) as store:
        add(store, item)
        with store.transaction() as connection:
            assert withdraw(connection, "shop", [Withdrawal("r1", for_good=False)], similar) == 1
        assert rows(store.connection, "select * from verbatims") == []
        assert add(store, item) == BatchResult(added=1)
