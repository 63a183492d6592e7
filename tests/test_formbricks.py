"""Formbricks beyond the contract: a list that changes while it is read, settings, answers of another shape."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from formbricks_shop import a_visit
from wire import Asked, Reply, wire
from worlds import NOW, SECRET, SECRET_VARIABLE, said
from worlds.formbricks import SURVEY, World, definition

from feedback.collectors.base import Record, Unreadable
from feedback.collectors.formbricks import FormbricksCollector
from feedback.collectors.live import Page
from feedback.collectors.live.reached import Reached
from feedback.errors import CollectError


class Shop:
    """The interface, and a collector that asks it; `between` happens after so many requests for responses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.skips: list[str] = []
        self.between: dict[int, Callable[[], None]] = {}

    def answer(self, asked: Asked) -> Reply:
        reply = self.world.answer(asked)
        if asked.path.endswith("/responses"):
            self.skips.append(asked.query["skip"])
            self.between.pop(len(self.skips), lambda: None)()
        return reply

    def pages(self, url: str, state: str | None = None, **options: object) -> Iterator[Page]:
        section = dict(self.world.section(url))
        return FormbricksCollector().pages(SURVEY, state, a_visit({**section, **options}))


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    return Shop(World())


def told(pages: list[Page]) -> list[str]:
    return [item.text for page in pages for item in page.items if isinstance(item, Record) and item.text]


def test_responses_that_are_deleted_while_they_are_read_hide_no_other(shop: Shop) -> None:
    kept = [one.text for one in shop.world.said[:10]]
    shop.between[1] = lambda: shop.world.said.__delitem__(slice(10, None))
    with wire(shop.answer) as web:
        pages = list(shop.pages(web.url))
    assert set(kept) <= set(told(pages))
    assert shop.skips == ["0", "6", "0", "6", "9"]


def test_as_many_new_responses_as_a_page_holds_are_no_end(shop: Shop) -> None:
    before = [one.text for one in shop.world.said]
    later = [said(26)[-6:]]
    shop.between[1] = lambda: shop.world.said.extend(later.pop())
    with wire(shop.answer) as web:
        pages = list(shop.pages(web.url))
    assert set(before) <= set(told(pages))


def test_a_last_page_that_vanishes_is_looked_for_again(shop: Shop) -> None:
    shop.between[3] = lambda: shop.world.said.__delitem__(slice(0, 8))
    with wire(shop.answer) as web:
        pages = list(shop.pages(web.url))
    assert {one.text for one in shop.world.said} <= set(told(pages))
    assert pages[-1].state is not None


def test_a_list_that_never_ends_is_given_up(shop: Shop) -> None:
    def same(asked: Asked) -> Reply:
        return shop.world.answer(Asked(asked.method, asked.path, {**asked.query, "skip": "0"}, asked.headers, b""))

    with wire(same) as web, pytest.raises(CollectError) as caught:
        list(shop.pages(web.url))
    assert str(caught.value) == (
        f"{SURVEY}: the interface gives the same responses again and again. Run this again later."
    )


def test_a_run_goes_back_as_far_as_is_asked_and_no_further(shop: Shop) -> None:
    with wire(shop.answer) as web:
        state = list(shop.pages(web.url))[-1].state
        shop.skips.clear()
        assert len(told(list(shop.pages(web.url, state, look_back_days=0)))) == 13  # to a page that is older altogether
        assert shop.skips == ["0", "6"]
        assert len(told(list(shop.pages(web.url, state)))) == 20


def test_a_response_from_the_future_hides_none_that_come_before_then(shop: Shop) -> None:
    shop.world.said.append(said(1, first=99)[0])
    last = shop.world.said[-1]
    shop.world.said[-1] = type(last)(99, "来自未来", NOW + timedelta(days=400), NOW + timedelta(days=400))
    with wire(shop.answer) as web:
        state = list(shop.pages(web.url))[-1].state
        shop.world.said += said(2, first=21)
        assert "来自未来" not in (state or "")
        assert {one.text for one in shop.world.said[-2:]} <= set(told(list(shop.pages(web.url, state))))


def test_a_survey_that_nobody_has_answered_gives_nothing(shop: Shop) -> None:
    shop.world.said = []
    with wire(shop.answer) as web:
        assert list(shop.pages(web.url)) == [Page([], f"{Reached().text()}\n{{}}")]


def test_questions_of_an_unknown_type_are_told_before_anything_is_stored(shop: Shop) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith(SURVEY):
            return Reply({"data": {**definition(), "questions": [{"id": "x", "type": "hologram"}]}})
        return shop.answer(asked)

    with wire(answer) as web:
        first = next(shop.pages(web.url))
    assert first == Page([], None, (f"{SURVEY}: questions of a type that is not known were left out: hologram",))


@pytest.mark.parametrize(
    "path, content, message",
    [
        ("surveys", {"data": [1]}, "answers without a survey in 'data'. Has the interface changed?"),
        ("surveys", [], "answers without a survey in 'data'. Has the interface changed?"),
        ("responses", {"data": {}}, "answers without a list of responses in 'data'. Has the interface changed?"),
    ],
)
def test_an_answer_of_another_shape_is_told(shop: Shop, path: str, content: object, message: str) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(content) if f"/{path}" in asked.path else shop.answer(asked)

    with wire(answer) as web, pytest.raises(CollectError) as caught:
        list(shop.pages(web.url))
    assert str(caught.value).endswith(message)


def test_a_response_that_is_no_object_is_listed(shop: Shop) -> None:
    def answer(asked: Asked) -> Reply:
        return shop.answer(asked) if asked.path.endswith(SURVEY) else Reply({"data": ["?"]})

    with wire(answer) as web:
        assert next(shop.pages(web.url)).items == [Unreadable(SURVEY, "a response is no object")]


def test_a_key_of_other_characters_is_told_before_it_is_sent(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, "密钥")
    with pytest.raises(CollectError, match="the token holds characters that no key has"):
        list(shop.pages("http://nowhere.example"))


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "'survey' is missing: the id of a survey, as its address has it, or a list of them."),
        ({"survey": "files"}, "no survey has the id 'files'."),
        ({"survey": "s1", "look_back_days": -1}, "'look_back_days' must be between 0 and 36500."),
    ],
)
def test_settings_that_can_not_be_are_told(options: dict[str, object], message: str) -> None:
    with pytest.raises(CollectError) as caught:
        FormbricksCollector().streams(a_visit(options))
    assert str(caught.value) == f"source '问卷': {message}"


def test_each_survey_is_a_stream_and_so_are_the_files() -> None:
    visit = a_visit({"survey": ["s1", "s2", "s1"]}, paths=("webhooks",))
    assert FormbricksCollector().streams(visit) == ["s1", "s2", "files"]
