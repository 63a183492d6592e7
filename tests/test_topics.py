"""Topics over the life of a project: found, joined by new texts, born, split, merged, ended, edited. All texts are made up."""

import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stored import add, analysis, incoming, new_store, rows
from topic_texts import THEMES, ThemeEmbedder, text_of

from feedback.project import Project
from feedback.topics.edit import TopicError, mark_topic, merge_topics, rename_topic, split_topic, topic_called
from feedback.topics.find import Found, find_topics
from storage.marks import save_analyses
from storage.records import Segment
from storage.store import Store
from storage.topics import read_events, read_topics, topic_quotes, topic_sizes

EACH = 40


def _say(store: Store, texts: Iterable[str], **fields: Any) -> None:
    """Verbatims of one segment each."""
    [(known,)] = rows(store.connection, "select coalesce(max(id), 0) from verbatims")
    said = list(texts)
    add(store, *(incoming(text, f"r{known + n}", **fields) for n, text in enumerate(said)))
    with store.transaction() as connection:
        fresh = rows(connection, "select id, text from verbatims where id not in (select verbatim_id from analyses)")
        save_analyses(
            connection,
            "v1",
            [
                analysis(
                    connection, n, Segment(0, len(text), "engagement", 0.9, "negative", -0.8, 0.9, "complaint", 0.9)
                )
                for n, text in fresh
            ],
        )


def _texts(*themes: str, start: int = 0, count: int = EACH) -> list[str]:
    return [text_of(theme, n) for theme in themes for n in range(start, start + count)]


def _project(folder: Path) -> Project:
    return Project(folder=folder, name="shop")


def _find(store: Store, embedder: ThemeEmbedder | None = None) -> Found:
    return find_topics(store, _project(store.path.parent), lambda *_: None, embedder=embedder or ThemeEmbedder())


def _state(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything about topics that is not a time."""
    return {
        "topics": rows(
            store.connection, "select id, label, named, keywords, status, pinned, hidden, looked from topics"
        ),
        "members": rows(store.connection, "select digest, topic_id, similarity from topic_texts order by digest"),
        "segments": rows(
            store.connection,
            "select v.text, t.topic_id, t.similarity from segment_topics t join segments s on s.id = t.segment_id "
            "join verbatims v on v.id = s.verbatim_id order by v.text",
        ),
        "centres": rows(store.connection, "select * from topic_centres"),
        "events": rows(store.connection, "select kind, topic_id, other_id, detail from topic_events"),
    }


def _topic_of(store: Store, text: str) -> int | None:
    [(topic,)] = rows(
        store.connection,
        "select t.topic_id from verbatims v join segments s on s.verbatim_id = v.id "
        "left join segment_topics t on t.segment_id = s.id where v.text = ? limit 1",
        text,
    )
    return None if topic is None else int(topic)


@pytest.fixture
def store(tmp_path: Path) -> Iterable[Store]:
    with new_store(tmp_path) as opened:
        _say(opened, _texts("delivery", "screen", "battery"))
        yield opened


def test_every_theme_becomes_a_topic_named_in_its_own_words(store: Store) -> None:
    found = _find(store)
    assert (found.texts, found.embedded, found.topics) == (3 * EACH, 3 * EACH, 3)
    assert [event.kind for event in found.events] == ["birth"] * 3
    labels = {topic.label for topic in read_topics(store.connection)}
    assert labels == {"物流 太慢", "屏幕 划痕", "电池 续航"}


def test_a_second_run_changes_nothing_and_embeds_nothing(store: Store) -> None:
    _find(store)
    before = _state(store)
    again = ThemeEmbedder()
    found = _find(store, again)
    assert (found.embedded, found.events, again.embedded) == (0, (), [])
    assert _state(store) == before


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_in_which_texts_were_collected_changes_nothing(store: Store, tmp_path: Path, seed: int) -> None:
    _find(store)
    (tmp_path / "other").mkdir()
    with new_store(tmp_path / "other") as other:
        texts = _texts("delivery", "screen", "battery")
        random.Random(seed).shuffle(texts)
        _say(other, texts)
        _find(other)
        assert _state(other) == _state(store)


def test_new_texts_join_the_topics_that_exist(store: Store) -> None:
    _find(store)
    topics = read_topics(store.connection)
    _say(store, _texts("screen", start=200, count=10))
    found = _find(store)
    assert (found.embedded, found.events) == (10, ())
    assert [(t.id, t.label) for t in read_topics(store.connection)] == [(t.id, t.label) for t in topics]
    assert _topic_of(store, text_of("screen", 205)) == _topic_of(store, text_of("screen", 5))


def test_a_theme_nobody_spoke_of_before_is_born_and_the_others_stay_as_they_are(store: Store) -> None:
    _find(store)
    old = _state(store)
    _say(store, _texts("price"))
    found = _find(store)
    [born] = found.events
    assert (born.kind, born.detail) == ("birth", "价钱 公道")
    new = _state(store)
    assert new["topics"][:3] == old["topics"]
    assert set(old["segments"]) <= set(new["segments"])


def test_what_few_say_is_left_unassigned_and_can_be_read(store: Store) -> None:
    _say(store, _texts("price", count=5))
    _find(store)
    assert _topic_of(store, text_of("price", 1)) is None
    loose = topic_sizes(store.connection)[-1]
    assert (loose.topic_id, loose.effective) == (None, 5)
    assert {text for _, _, text in topic_quotes(store.connection, None, 9)} == set(_texts("price", count=5))


def test_copies_and_noise_are_counted_apart_and_make_no_topic(store: Store) -> None:
    _say(store, ["价钱公道，一字不差，前后买了很多次，每次都是这样的价钱，推荐给大家"] * 30)
    _find(store)
    assert len(read_topics(store.connection)) == 3
    loose = topic_sizes(store.connection)[-1]
    assert (loose.raw, loose.effective) == (30, 0)


def test_a_topic_nobody_mentions_any_more_ends_unless_it_is_pinned(store: Store) -> None:
    _find(store)
    topic, other = (_topic_of(store, text_of(theme, 1)) for theme in ("screen", "battery"))
    mark_topic(store, str(other), "pinned", on=True)
    with store.transaction() as connection:
        connection.execute("delete from verbatims where text like '%屏幕%' or text like '%电池%'")
    found = _find(store)
    assert [(event.kind, event.topic_id) for event in found.events] == [("death", topic)]
    assert {t.id: t.status for t in read_topics(store.connection)}[other or 0] == "live"


def test_a_topic_that_has_become_two_is_split_and_keeps_its_name(tmp_path: Path) -> None:
    class Drifting(ThemeEmbedder):
        """Prices of hotels lie near prices, on either side."""

        def _one(self, text: str) -> Any:
            vector = super()._one(text)
            side = 0.75 if "酒店" in text else -0.75 if "机票" in text else 0.0
            turned = vector + side * self._directions[10]
            return turned / (turned @ turned) ** 0.5

    with new_store(tmp_path) as store:
        _say(store, _texts("price", "delivery", "screen", "battery"))
        _find(store, Drifting())
        before = topic_called(store.connection, str(_topic_of(store, text_of("price", 1))))
        _say(store, [f"价钱公道酒店{n}" for n in range(60)] + [f"价钱公道机票{n}" for n in range(60)])
        found = _find(store, Drifting())
        splits = [event for event in found.events if event.kind == "split"]
        assert splits
        assert {event.other_id for event in splits} == {before.id}
        assert topic_called(store.connection, str(before.id)).label == before.label
        assert _topic_of(store, "价钱公道酒店3") != _topic_of(store, "价钱公道机票3")
        assert _find(store, Drifting()).events == ()


def test_a_name_that_a_person_gave_stays(store: Store) -> None:
    _find(store)
    rename_topic(store, "物流 太慢", " 配送\n速度 ")
    _say(store, _texts("delivery", start=300, count=30))
    _find(store)
    topic = topic_called(store.connection, "配送 速度")
    assert topic.named
    assert read_events(store.connection, topic.id, 1)[0][1].detail == "物流 太慢 → 配送 速度"


def test_what_a_person_merged_stays_merged_and_draws_what_resembles_either(store: Store) -> None:
    _find(store)
    merge_topics(store, ("屏幕 划痕",), "电池 续航")
    _say(store, _texts("screen", "battery", start=400, count=90))
    assert _find(store).events == ()
    assert _topic_of(store, text_of("screen", 450)) == _topic_of(store, text_of("battery", 3))
    assert _topic_of(store, text_of("screen", 450)) == topic_called(store.connection, "电池 续航").id


def test_what_a_person_split_stays_split(store: Store) -> None:
    _find(store)
    merge_topics(store, ("屏幕 划痕",), "电池 续航")
    parts = split_topic(store, _project(store.path.parent), "电池 续航")
    assert len(parts) == 2
    assert _topic_of(store, text_of("screen", 1)) != _topic_of(store, text_of("battery", 1))
    _say(store, _texts("screen", "battery", start=500, count=50))
    assert _find(store).events == ()


def test_another_encoder_keeps_topics_names_and_members(store: Store) -> None:
    _find(store)
    rename_topic(store, "物流 太慢", "配送")
    before = rows(store.connection, "select digest, topic_id from topic_texts order by digest")
    other = ThemeEmbedder(version="2", turn=5)
    found = _find(store, other)
    assert (found.events, len(other.embedded)) == ((), 3 * EACH)
    assert rows(store.connection, "select digest, topic_id from topic_texts order by digest") == before
    _say(store, _texts("delivery", start=600, count=5))
    assert _find(store, other).events == ()
    assert _topic_of(store, text_of("delivery", 602)) == topic_called(store.connection, "配送").id


def test_another_encoder_after_a_new_analysis_keeps_them_as_well(store: Store) -> None:
    _find(store)
    rename_topic(store, "物流 太慢", "配送")
    before = rows(store.connection, "select digest, topic_id from topic_texts order by digest")
    _analyse_anew(store, "v2")
    for turn in (1, 2):
        assert _find(store, ThemeEmbedder(version="2", turn=5)).events == (), turn
    assert rows(store.connection, "select digest, topic_id from topic_texts order by digest") == before
    assert rows(store.connection, "select count(*) from segment_topics") == [(3 * EACH,)]
    _analyse_anew(store, "v3")
    assert _find(store, ThemeEmbedder(version="2", turn=5)).events == ()


def test_a_run_cut_off_while_it_reads_with_another_encoder_loses_nothing(store: Store) -> None:
    class Dying(ThemeEmbedder):
        def _one(self, text: str) -> Any:
            if len(self.embedded) > 50:
                raise OSError("killed")
            return super()._one(text)

    _find(store)
    before = rows(store.connection, "select digest, topic_id from topic_texts order by digest")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("feedback.topics.find.EMBED_BATCH", 40)
        with pytest.raises(OSError, match="killed"):
            _find(store, Dying(version="2", turn=5))
    again = ThemeEmbedder(version="2", turn=5)
    assert _find(store, again).events == ()
    assert len(again.embedded) == 3 * EACH - 40
    assert rows(store.connection, "select digest, topic_id from topic_texts order by digest") == before


def test_a_small_beginning_does_not_spoil_what_comes(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        _say(store, _texts("price", count=20))
        _find(store)
        _say(store, _texts(*THEMES)[20:])
        _find(store)
        _find(store)
        of = {theme: _topic_of(store, text_of(theme, 30)) for theme in THEMES}
        assert len(set(of.values())) == len(THEMES)
        assert None not in of.values()
        assert _find(store).events == ()


def test_more_texts_leave_merged_topics_with_all_their_centres(store: Store) -> None:
    _find(store)
    merge_topics(store, ("屏幕 划痕",), "电池 续航")
    merged = topic_called(store.connection, "电池 续航").id
    _say(store, _texts("delivery", "price", start=700, count=120))
    _find(store)
    assert rows(store.connection, "select count(*) from topic_centres where topic_id = ?", merged) == [(2,)]
    _say(store, _texts("screen", "battery", start=900, count=5))
    _find(store)
    assert {_topic_of(store, text_of(theme, 902)) for theme in ("screen", "battery")} == {merged}


def test_a_name_that_a_person_gave_outlives_a_gap(store: Store) -> None:
    _find(store)
    rename_topic(store, "屏幕 划痕", "屏")
    with store.transaction() as connection:
        connection.execute("delete from verbatims where text like '%屏幕%'")
    assert _find(store).events == ()
    _say(store, _texts("screen"))
    assert _find(store).events == ()
    assert _topic_of(store, text_of("screen", 3)) == topic_called(store.connection, "屏").id


class Converging(ThemeEmbedder):
    """The screen's texts come to mean what the battery's do."""

    def _one(self, text: str) -> Any:
        return super()._one(text.replace("屏幕", "电池") if int(self.version) > 1 else text)


@pytest.mark.parametrize("edit", [None, "pin", "hide", "rename"])
def test_topics_that_come_to_mean_the_same_are_merged_unless_a_person_has_touched_one(
    store: Store, edit: str | None
) -> None:
    _find(store, Converging())
    screen = str(_topic_of(store, text_of("screen", 1)))
    if edit == "rename":
        rename_topic(store, screen, "屏")
    elif edit:
        mark_topic(store, screen, {"pin": "pinned", "hide": "hidden"}[edit], on=True)
    kinds = [event.kind for event in _find(store, Converging(version="2")).events]
    assert kinds == ([] if edit else ["merge"])


def test_a_hidden_topic_does_not_end(store: Store) -> None:
    _find(store)
    mark_topic(store, "屏幕 划痕", "hidden", on=True)
    with store.transaction() as connection:
        connection.execute("delete from verbatims where text like '%屏幕%'")
    assert _find(store).events == ()


def test_a_named_topic_without_members_does_not_stand_in_another_encoders_way(store: Store) -> None:
    class Narrower(ThemeEmbedder):
        def embed(self, texts: Any) -> Any:
            found = super().embed(texts)[:, :20]
            return found / np.linalg.norm(found, axis=1, keepdims=True)

    _find(store)
    rename_topic(store, "屏幕 划痕", "屏")
    with store.transaction() as connection:
        connection.execute("delete from verbatims where text like '%屏幕%'")
    _find(store)
    assert _find(store, Narrower(version="2", turn=5)).events == ()
    _say(store, _texts("delivery", start=600, count=5))
    assert _find(store, Narrower(version="2", turn=5)).events == ()
    assert topic_called(store.connection, "屏").status == "live"


@pytest.mark.parametrize("label", ["3", "T3", "#12", "\u200b", "\x1b[31m"])
def test_a_label_that_would_be_mistaken_is_refused(store: Store, label: str) -> None:
    _find(store)
    with pytest.raises(TopicError):
        rename_topic(store, "1", label)


def test_parts_of_a_hidden_topic_are_hidden_and_nothing_is_merged_into_it(store: Store) -> None:
    _find(store)
    merge_topics(store, ("屏幕 划痕",), "电池 续航")
    mark_topic(store, "电池 续航", "hidden", on=True)
    with pytest.raises(TopicError, match="is hidden"):
        merge_topics(store, ("物流 太慢",), "电池 续航")
    assert all(part.hidden for part in split_topic(store, _project(store.path.parent), "电池 续航"))


def test_a_new_analysis_keeps_what_texts_belong_to(store: Store) -> None:
    _find(store)
    before = _state(store)
    _analyse_anew(store, "v2")
    assert rows(store.connection, "select count(*) from segment_topics") == [(0,)]
    assert _find(store).events == ()
    assert _state(store) == before


def _analyse_anew(store: Store, version: str) -> None:
    with store.transaction() as connection:
        said = rows(connection, "select id, text from verbatims")
        marks = ("engagement", 0.9, "neutral", 0.0, 0.9, "statement", 0.9)
        save_analyses(
            connection,
            version,
            [analysis(connection, n, Segment(0, len(text), *marks)) for n, text in said],  # type: ignore[arg-type]
        )


def test_an_interrupted_run_keeps_its_embeddings_and_says_that_it_failed(store: Store) -> None:
    class Failing(ThemeEmbedder):
        def _one(self, text: str) -> Any:
            raise OSError(f"the disk is gone before {text}")

    with pytest.raises(OSError, match="disk"):
        _find(store, Failing())
    assert rows(store.connection, "select command, status from runs order by id desc limit 1") == [("topics", "failed")]
    assert _find(store).topics == 3


def test_agents_words_are_no_topic(store: Store) -> None:
    _say(store, _texts("price"), role="agent")
    assert _find(store).topics == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("99", "No topic '99'. See: feedback topics list"),
        ("屏幕", "No topic '屏幕'. Similar: {screen} 屏幕 划痕."),
    ],
)
def test_a_topic_that_is_not_there_is_said_so(store: Store, name: str, message: str) -> None:
    _find(store)
    screen = _topic_of(store, text_of("screen", 1))
    with pytest.raises(TopicError) as caught:
        topic_called(store.connection, name)
    assert str(caught.value) == message.format(screen=screen)


def test_labels_are_told_apart(store: Store) -> None:
    _find(store)
    with pytest.raises(TopicError, match="There is a topic '物流 太慢' already"):
        rename_topic(store, "屏幕 划痕", "物流 太慢")
    with pytest.raises(TopicError, match="1 to 40 characters that can be seen"):
        rename_topic(store, "屏幕 划痕", "  ")
    with pytest.raises(TopicError, match="into itself"):
        merge_topics(store, ("屏幕 划痕",), "屏幕 划痕")


def test_no_texts_make_no_topics(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        assert _find(store) == Found(0, 0, 0, ())
        with pytest.raises(TopicError, match="There are no topics yet"):
            topic_called(store.connection, "1")


def test_all_themes_are_told_apart(tmp_path: Path) -> None:
    with new_store(tmp_path) as store:
        _say(store, _texts(*THEMES))
        assert _find(store).topics == len(THEMES)
