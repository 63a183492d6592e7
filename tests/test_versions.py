"""Reviews that are edited: of two versions the later dated one is stored, whichever is read last, and no edit is told as a fault."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from contract import Shop
from stored import add, incoming, new_store
from wire import Asked, Reply
from worlds import NOW, SECRET_VARIABLE, Said, edited, new_world
from worlds import app_store as apple
from worlds import google_play as google

from feedback.intake import find_by
from storage.records import Incoming, Score
from storage.store import Store
from storage.versions import newest_versions

OLD, NEW = "2026-03-01T08:00:00Z", "2026-03-02T08:00:00Z"
STARS = (Score("star", 2, 1, 5),)


def review(text: str, posted_at: str | None = OLD, **fields: object) -> Incoming:
    whole = {"version": "8.0", "customer_id": "c1", "question": "标题", "scores": STARS, **fields}
    return incoming(text, "1", posted_at=posted_at, **whole)


def told(store: Store, *batch: Incoming, settings: str = "settings") -> list[tuple[str, str | None]]:
    return [(item.verbatim.text, item.verbatim.posted_at) for item in newest(store, batch, settings)]


def newest(store: Store, batch: Sequence[Incoming], settings: str = "settings") -> list[Incoming]:
    return newest_versions(store.connection, batch, settings, find_by)


def test_a_version_that_is_older_than_the_stored_one_is_told_as_that(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("改了：闪退", NEW))
        [found] = newest(store, [review("很好用", OLD)])
        assert found.verbatim == review("改了：闪退", NEW).verbatim
        assert add(store, found).unchanged == 1


def test_a_version_that_is_not_older_is_told_as_it_is(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("很好用", OLD))
        assert told(store, review("改了：闪退", NEW)) == [("改了：闪退", NEW)]
        assert told(store, review("同日又改了", OLD)) == [("同日又改了", OLD)]
        assert told(store, review("没有日期", None)) == [("没有日期", None)]


def test_a_version_that_comes_to_have_a_date_is_told_as_it_is(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("没有日期", None))
        assert told(store, review("改了：闪退", OLD)) == [("改了：闪退", OLD)]


def test_of_two_versions_in_one_page_the_later_counts_in_either_order(tmp_path: Path) -> None:
    old, new = review("很好用", OLD), review("改了：闪退", NEW)
    with new_store(tmp_path) as store:
        assert told(store, old, new) == told(store, new, old) == [("改了：闪退", NEW)] * 2
        assert told(store, old, review("同日又改了", OLD)) == [("同日又改了", OLD)] * 2


def test_what_was_read_under_other_settings_is_told_anew_whatever_its_date(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("很好用", NEW))
        assert told(store, review("很好用", OLD), settings="another time zone") == [("很好用", OLD)]


@pytest.mark.parametrize("left_out", ["version", "customer_id", "question", "scores"])
def test_what_a_store_leaves_out_of_a_review_for_a_day_stays_known(tmp_path: Path, left_out: str) -> None:
    with new_store(tmp_path) as store:
        add(store, review("闪退严重"))
        [found] = newest(store, [review("闪退严重", **{left_out: () if left_out == "scores" else None}, votes=7)])
        assert found.verbatim == review("闪退严重", votes=7).verbatim
        assert add(store, found).unchanged == 1


@pytest.mark.parametrize("left_out", ["version", "customer_id", "question", "scores"])
def test_what_a_store_leaves_out_stays_known_under_other_settings_too(tmp_path: Path, left_out: str) -> None:
    without = {left_out: () if left_out == "scores" else None, "product": "灯"}
    with new_store(tmp_path) as store:
        add(store, review("闪退严重", product="手冲壶"))
        [found] = newest(store, [review("闪退严重", **without)], settings="another product")
        assert found.verbatim == review("闪退严重", product="灯").verbatim
        assert add(store, found).changed == 1
        assert newest(store, [review("闪退严重", **without)])[0].verbatim == found.verbatim
        [whole] = newest(store, [review("闪退严重", product="灯")])
        assert add(store, whole).unchanged == 1


def test_what_the_store_took_for_a_copied_template_is_no_news_without_a_title(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("闪退严重", noise="copied_template"))
        assert add(store, *newest(store, [review("闪退严重", question=None)])).unchanged == 1


def test_what_settings_no_longer_say_of_a_review_is_not_kept(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("闪退严重", product="手冲壶", store="总店", noise="copied_template"))
        [found] = newest(store, [review("闪退严重", question=None)], settings="no product")
    assert found.verbatim == review("闪退严重").verbatim


def test_a_later_rating_without_words_is_of_its_own_date_and_stays(tmp_path: Path) -> None:
    first, again = review("闪退严重"), review("", NEW, scores=(Score("star", 5, 1, 5),), question=None)
    with new_store(tmp_path) as store:
        add(store, first)
        [found] = newest(store, [again])
        assert found.verbatim == review("闪退严重", NEW, scores=again.verbatim.scores).verbatim
        assert found[1:2] + found[3:5] == first[1:2] + first[3:5]
        assert add(store, found).changed == 1
        for told_again in (first, again, review("闪退严重", NEW, scores=again.verbatim.scores)):
            assert add(store, *newest(store, [told_again])).unchanged == 1


def test_an_edited_review_without_a_title_has_none(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        add(store, review("闪退严重"))
        [found] = newest(store, [review("修好了", NEW, question=None)])
    assert found.verbatim.question is None


def test_one_batch_may_be_empty(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        assert newest(store, []) == []


def faults(folder: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(folder / "feedback.db")) as database:
        return database.execute("select location, reason from rejects").fetchall()


class CachedAppStore(apple.World):
    """Its second page comes out of a cache that is as old as somebody says."""

    kept: Reply | None = None

    def answer(self, asked: Asked) -> Reply:
        return (self.kept if "page=2/" in asked.path and self.kept else None) or super().answer(asked)


def test_a_page_out_of_an_older_cache_takes_no_edit_back(tmp_path: Path) -> None:
    world = CachedAppStore()
    with Shop(tmp_path, world).opened() as shop:
        assert shop.collect().out.startswith("live: 20 new")
        one = next(each for each in world.said if each.number == 9)
        path = f"/cn/rss/customerreviews/page=2/id={apple.APP}/sortby=mostrecent/json"
        world.kept = world.answer(Asked("GET", path, {}, {}, b""))
        assert one.text.encode() in world.kept.body()
        shop.change(world.said.index(one), edited(one, "更新后闪退了", NOW))
        assert shop.collect().out.startswith("live: 0 new, 1 changed")
        assert shop.collect().out.startswith("live: 0 new, 20 already there")
        assert shop.stored()["11000000009"] == "更新后闪退了"
    assert faults(tmp_path) == []


class EditedMeanwhile(google.World):
    """A customer edits a review after it was listed for one country and before it is listed for the other."""

    def section(self, url: str) -> dict[str, object]:
        return {**super().section(url), "countries": ["us", "hk"]}

    def answer(self, asked: Asked) -> Reply:
        if asked.query.get("gl") == "hk" and self.said[4].text != "改了：闪退":
            self.said[4] = edited(self.said[4], "改了：闪退", NOW)
        return super().answer(asked)


def test_an_edit_between_two_countries_is_no_fault(tmp_path: Path) -> None:
    with Shop(tmp_path, EditedMeanwhile()).opened() as shop:
        assert shop.collect().out.startswith("live: 21 new, 1 changed")
        assert shop.is_whole()
    assert faults(tmp_path) == []


class CachedGooglePlay(google.World):
    """The list of one of two countries comes out of a cache, if there is one. An edit is of a new version; the developer's reply stays as it was."""

    cached: Sequence[Said] = ()
    _version = "8.0.1"

    def section(self, url: str) -> dict[str, object]:
        return {**super().section(url), "countries": ["us", "hk"]}

    def answer(self, asked: Asked) -> Reply:
        if asked.query.get("gl") == "us" or not self.cached:
            self._version = "8.1.0" if self.cached else "8.0.1"
            return super().answer(asked)
        now, self.said, self._version = self.said, list(self.cached), "8.0.1"
        found = super().answer(asked)
        self.said = now
        return found

    def review(self, one: Said) -> list[object]:
        told = super().review(one)
        if one.number in self.replies:
            reply = ["灯具公司", self.replies[one.number], [int(one.posted_at.timestamp()) + 3600, 0]]
            return [*told[:7], reply, None, None, self._version]
        return told


def test_a_reply_does_not_change_with_the_version_of_the_review_it_answers(tmp_path: Path) -> None:
    world = CachedGooglePlay()
    with Shop(tmp_path, world).opened() as shop:
        shop.collect()
        number, one = next((n, each) for n, each in enumerate(world.said) if each.number in world.replies)
        world.cached = list(world.said)
        shop.change(number, edited(one, "更新后好多了", NOW))
        assert shop.collect().out.startswith("live: 0 new, 1 changed")
        assert shop.collect().out.startswith("live: 0 new, 42 already there")
        assert shop.is_whole()
    assert faults(tmp_path) == []


@pytest.mark.parametrize("name", ["google_play", "app_store_connect"])
def test_an_edit_between_what_a_run_was_cut_off_in_and_the_news_is_no_fault(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = new_world(name)
    monkeypatch.setenv(SECRET_VARIABLE, world.secret or "")
    with Shop(tmp_path, world).opened() as shop:
        shop.collect_until(1)

        def edit(page: int) -> None:
            if page == 1:
                one = world.said[10]  # on the page that was just stored
                shop.change(10, edited(one, "改了：闪退", one.changed_at + timedelta(hours=3)))

        shop.walk(edit)
        assert shop.is_whole()
    assert faults(tmp_path) == []


def test_what_a_saved_answer_holds_of_an_earlier_day_takes_no_edit_back(tmp_path: Path) -> None:
    world = apple.World()
    with Shop(tmp_path, world).opened() as shop:
        (tmp_path / "before.json").write_bytes(world.saved())
        shop.change(4, edited(world.said[4], "更新后闪退了", NOW))
        shop.collect()
        ran = shop.collect("--load", str(tmp_path / "before.json"))
        assert (ran.code, "changed" in ran.out) == (0, False)
        assert shop.is_whole()
