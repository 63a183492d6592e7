"""What a source that is asked leaves out for a day stays known, and what it tells besides is stored all the same."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import run
from stored import rows
from test_rest_known_again import collecting
from wire import Reply, wire

from feedback.project import load_project
from storage.store import Store

SCORES = "scores = [{ metric = 'star', column = 'stars', low = 1, high = 5 }]"
COLUMNS = {"source_id": "id", "posted_at": "at", "product": "product", "version": "version", "votes": "votes"}
UNCHANGED, CHANGED = "live: 0 new, 1 already there", "live: 0 new, 1 changed"
TOLD = {
    "body": "物流太慢了，等了五天才到，包装也破了",
    "at": "2026-03-01 10:00",
    "stars": 5,
    "by": "阿宝",
    "product": "手冲壶",
    "version": "2",
}


class Shop:
    """A project with one interface, which shows one record."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.shown = folder, url, dict[str, object]()

    def collect(self, **told: object) -> str:
        """What a run says where these fields are told of the record."""
        self.shown = {"id": 1, **told}
        return collecting(self.folder, self.url, SCORES, **COLUMNS)

    def stored(self, what: str = "text, posted_at, product, version, noise, value") -> tuple[Any, ...]:
        with Store.open(load_project(self.folder).database) as store:
            [row] = rows(store.connection, f"select {what} from verbatims v join scores s on s.verbatim_id = v.id")
        return row


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with wire(lambda _asked: Reply([found.shown])) as web:
        found = Shop(tmp_path, web.url)
        yield found


KNOWN = (TOLD["body"], "2026-03-01T02:00:00Z", "手冲壶", "2", None, 5)


@pytest.mark.parametrize("left", [{"stars": 5}, {**TOLD, "body": ""}, {**TOLD, "at": None}, {"stars": 5, "at": "昨天"}])
def test_what_is_left_out_is_no_change_however_often_it_comes_and_goes(shop: Shop, left: dict[str, object]) -> None:
    shop.collect(**TOLD)
    for told in (left, left, TOLD, left, TOLD):
        assert shop.collect(**told) == UNCHANGED
        assert shop.stored() == KNOWN


def test_a_score_that_changed_is_stored_with_the_text_that_is_left_out(shop: Shop) -> None:
    shop.collect(**TOLD)
    assert shop.collect(stars=1) == CHANGED
    assert shop.stored() == (*KNOWN[:-1], 1)
    for _ in range(2):
        assert shop.collect(stars=1) == UNCHANGED
    assert shop.collect(**{**TOLD, "stars": 1}) == CHANGED  # once: whether the text is the old one was not known
    assert shop.collect(**{**TOLD, "stars": 1}) == UNCHANGED
    assert shop.collect(stars=1) == UNCHANGED
    assert shop.stored() == (*KNOWN[:-1], 1)


def test_a_dry_run_knows_what_is_left_out(shop: Shop) -> None:
    shop.collect(**TOLD)
    for stars, foreseen in (
        (5, "0 would be stored"),
        (1, "1 would be stored, 1 of them in place of what they said before"),
    ):
        shop.shown = {"id": 1, "stars": stars}
        ran = run("collect", "--source", "live", "--dry-run", project=shop.folder)
        assert f"live: {foreseen}\n" in ran.out
    assert TOLD["body"] in ran.out


@pytest.mark.parametrize("again", [{**TOLD, "body": "补充：客服很好"}, TOLD])
def test_what_comes_back_after_a_changed_score_is_as_it_is_told(shop: Shop, again: dict[str, object]) -> None:
    shop.collect(**TOLD)
    shop.collect(stars=1)
    assert shop.collect(**again) == CHANGED
    assert shop.stored() == (again["body"], *KNOWN[1:])
    assert shop.collect(**again) == UNCHANGED


def test_votes_and_a_version_that_was_not_known_are_noted_without_the_text(shop: Shop) -> None:
    told = {name: value for name, value in TOLD.items() if name != "version"}
    shop.collect(**told)
    assert shop.collect(stars=5, votes=7, version="3") == UNCHANGED
    assert shop.stored("text, version, votes") == (TOLD["body"], "3", 7)
    for again in ({"stars": 5, "version": "3"}, {**told, "version": "3"}, told | {"body": None}):
        assert shop.collect(**again) == UNCHANGED
    assert shop.collect(stars=5, version="4") == CHANGED
    assert shop.stored("text, version, votes") == (TOLD["body"], "4", 7)


def test_the_text_that_stays_is_found_and_has_its_copies_as_before(shop: Shop) -> None:
    shop.collect(**{**TOLD, "body": f"{TOLD['body']}，客服一直不回，不会再来这家店买东西了"})
    found = "(select group_concat(rowid) from verbatims_fts where verbatims_fts match '物流')"
    about = f"v.fingerprint, (select group_concat(band) from copy_bands), {found}"
    before = shop.stored(about)
    shop.collect(stars=1)
    assert shop.stored(about) == before
    assert None not in before
