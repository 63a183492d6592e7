"""What every collector of a live source holds to while its source goes on living: places that run out, pages that overlap, dates in no order
or in the future, what is deleted, and what is added later. Nothing is lost by it and nothing doubled. `tests/contract.py` has the project."""

import random
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from contract import Shop, shop, small_pages
from worlds import NOW, Said

from feedback.errors import CollectError

__all__ = ["shop", "small_pages"]

pytestmark = pytest.mark.usefixtures("small_pages")


@pytest.mark.parametrize("pages", [1, 2])
def test_where_a_run_stopped_is_no_longer_known_and_the_next_one_loses_nothing(shop: Shop, pages: int) -> None:
    shop.needs("lasting cursors")
    shop.collect_until(pages)
    shop.world.forget()
    shop.say_more(3)
    assert shop.collect().code == 0
    assert shop.is_whole()
    assert shop.world.unknown


@pytest.mark.parametrize("pages", [1, 2])
def test_places_run_out_in_the_middle_of_a_run_and_the_next_one_loses_nothing(shop: Shop, pages: int) -> None:
    shop.needs("cursors")
    with suppress(CollectError):  # it may be told that something is wrong
        shop.walk(lambda page: shop.world.forget() if page == pages else None)
    shop.say_more(3)
    assert shop.collect().code == 0
    assert shop.is_whole()


@pytest.mark.parametrize("overlap", [3, 10])
def test_pages_that_show_again_what_was_on_the_one_before_double_nothing(shop: Shop, overlap: int) -> None:
    shop.world.overlap = overlap
    shop.world.publish()
    ran = shop.collect()
    assert (ran.code, ran.err) == (0, "")
    assert shop.is_whole()
    shop.say_more(9)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_what_is_said_while_pages_are_read_moves_the_rest_and_nothing_is_lost(shop: Shop) -> None:
    shop.walk(lambda page: shop.say_more(2) if page < 9 else None)
    assert shop.collect().code == 0
    assert shop.is_whole()


@pytest.mark.parametrize("pages", [1, 9])
def test_lists_and_dates_in_no_order_lose_nothing(shop: Shop, pages: int) -> None:
    draw, back = random.Random(pages), timedelta(days=600)
    dates = [one.posted_at - back * draw.random() for one in shop.world.said]
    shop.world.said = [replace(one, posted_at=at) for one, at in zip(shop.world.said, dates, strict=True)]
    shop.world.scrambled = True
    shop.world.publish()
    shop.collect_until(pages)
    assert shop.collect().code == 0
    assert shop.is_whole()
    newest, back = max(one.posted_at for one in shop.world.said), shop.world.seen_back or back
    shop.say(*[replace(one, posted_at=newest - back * draw.random()) for one in shop.next(9)])
    assert shop.collect().code == 0
    assert shop.is_whole()


@pytest.mark.parametrize("changed", [False, True])
def test_a_date_in_the_future_is_not_kept_and_hides_nothing_that_comes_later(shop: Shop, changed: bool) -> None:
    if changed:
        shop.needs("future changes")
    [ahead] = shop.next()
    in_a_year = datetime.now(UTC) + timedelta(days=365)
    ahead = replace(ahead, posted_at=in_a_year, changed_at=in_a_year if changed else ahead.changed_at)
    shop.say(ahead)
    assert shop.collect().code == 0
    assert shop.is_whole()
    assert (
        max(at for at in shop.column("posted_at").values() if at) < f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    )
    now = datetime.now(UTC) - timedelta(minutes=2)  # by their clock, which may go after ours
    before = len(shop.world.stored())
    shop.say(*[Said(ahead.number + n, f"今天第{n}次来问", now, now) for n in range(1, 21)])
    assert shop.collect().out.startswith(f"live: {len(shop.world.stored()) - before} new")
    assert shop.is_whole()
    assert shop.collect().out.startswith("live: 0 new")


def test_what_is_deleted_takes_nothing_else_with_it(shop: Shop) -> None:
    shop.collect()
    before = shop.world.stored()
    one = shop.world.said[-1]
    shop.world.remove(one)
    gone = before.keys() - shop.world.stored().keys()
    assert gone
    # Where there are conversations, its own goes on.
    going_on = None if "replies" in shop.world.without else shop.world.said[-1].number
    shop.say(*[replace(each, to=going_on) for each in shop.next(3)])
    assert shop.collect().code == 0
    assert shop.is_whole()
    assert gone.isdisjoint(shop.stored()) == shop.world.tells_of_deletions
    shop.collect()
    assert gone.isdisjoint(shop.stored()) == shop.world.tells_of_deletions


@pytest.mark.parametrize("pages", [1, 2])
@pytest.mark.parametrize("place", [0, 17])
def test_what_is_gone_while_pages_are_read_takes_nothing_else_with_it(shop: Shop, pages: int, place: int) -> None:
    shop.needs("steady pages")
    # Over years, so that no later run looks back as far.
    moments = [NOW - timedelta(days=40 * n) for n in range(len(shop.world.said), 0, -1)]
    found = zip(shop.world.said, moments, strict=True)
    shop.world.said = [replace(one, posted_at=at, changed_at=at) for one, at in found]
    shop.world.publish()
    gone = shop.world.said[place : place + 3]

    def delete(page: int) -> None:
        for one in gone if page == pages else []:
            if one in shop.world.said:  # where it did not go with another one
                shop.world.vanish(one)

    shop.walk(delete)
    shop.say_more(2)
    assert shop.collect().code == 0
    assert shop.is_whole()


def test_what_is_added_to_something_old_is_seen_and_is_known_to_belong_to_it(shop: Shop) -> None:
    shop.needs("replies")
    shop.collect()
    before = shop.stored()
    old, [more] = shop.world.said[0], shop.next()
    shop.say(replace(more, text="追评：用了一个月就坏了", to=old.number))
    assert shop.collect().out.startswith("live: 1 new")
    assert shop.is_whole()
    [added] = shop.stored().keys() - before.keys()
    [old_id] = [source_id for source_id, text in before.items() if text == old.text]
    parents, conversations = shop.column("parent_id"), shop.column("conversation_id")
    assert parents[added] == old_id or None is not conversations[added] == conversations[old_id]
