"""Entries of feeds without an id of their own, whose dates earlier versions could not read: by their address alone several may be stored."""

import pytest
from stored import rows
from test_entries import NOTHING_NEW, Feed, feed, item

from feedback.project import load_project
from storage.store import Store

__all__ = ["feed"]

LINK = "https://f.example/7"
ARTICLE = item("这是文章，没有日期", date="")
COMMENT = item("物流太慢", date="Monday, 02-Mar-26 10:00:00 GMT")
LATER = item("包装很好", date="Tue, 03 Mar 26 10:00:00 GMT")


def as_before(feed: Feed) -> None:
    """What is stored, as while such dates could not be read."""
    with Store.open(load_project(feed.folder).database) as store, store.transaction() as connection:
        connection.execute("update verbatims set source_id = ?, posted_at = null, content_hash = 1", (LINK,))


def stored(feed: Feed) -> list[tuple[str, ...]]:
    with Store.open(load_project(feed.folder).database) as store:
        return rows(store.connection, "select source_id, text, posted_at from verbatims order by id")


def test_comments_with_years_of_two_digits_do_not_take_the_place_of_their_article(feed: Feed) -> None:
    feed.collect(ARTICLE)
    assert feed.collect(LATER, COMMENT, ARTICLE) == "论坛: 2 new, 1 already there"
    assert feed.collect(LATER, COMMENT, ARTICLE) == NOTHING_NEW.format(3)
    assert feed.texts() == ["这是文章，没有日期", "包装很好", "物流太慢"]


def test_an_entry_that_was_stored_without_its_date_gets_it_and_later_ones_come_beside_it(feed: Feed) -> None:
    feed.collect(COMMENT)
    as_before(feed)
    assert feed.collect(LATER, COMMENT) == "论坛: 1 new, 1 changed"
    assert feed.collect(COMMENT) == feed.collect(LATER) == NOTHING_NEW.format(1)
    assert stored(feed) == [
        (LINK, "物流太慢", "2026-03-02T10:00:00Z"),
        (f"{LINK}#2026-03-03T10:00:00Z", "包装很好", "2026-03-03T10:00:00Z"),
    ]
    assert feed.collect(LATER, COMMENT.replace("太慢", "太慢，已解决")) == "论坛: 0 new, 1 changed, 1 already there"
    assert feed.texts() == ["物流太慢，已解决", "包装很好"]


@pytest.mark.parametrize(
    "of, other",
    [
        pytest.param({}, {"text": "包装很好"}, id="other words"),
        pytest.param({"author": "小林"}, {"author": "阿宝"}, id="another author"),
    ],
)
def test_what_was_stored_under_an_address_alone_is_not_taken_for_something_else(
    feed: Feed, of: dict[str, str], other: dict[str, str]
) -> None:
    feed.collect(item("物流太慢", **of))
    as_before(feed)
    new = item(**{"text": "物流太慢", "date": "Tue, 03 Mar 26 10:00:00 GMT", **of, **other})
    assert feed.collect(new) == "论坛: 1 new"
    assert feed.collect(new) == NOTHING_NEW.format(1)
    assert len(stored(feed)) == 2
