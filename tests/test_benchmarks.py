import math
from collections import Counter
from pathlib import Path

import pytest
from topic_texts import ThemeEmbedder, text_of

from benchmarks.reviews import texts, write_csv
from benchmarks.topics import coherence, diversity, measure, own
from nlp.topics.words import content_words


def test_the_same_reviews_are_generated_at_every_run(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    assert write_csv(one, None, "copies", 300) == write_csv(other, None, "copies", 300)
    assert one.read_bytes() == other.read_bytes()


def test_generated_reviews_are_all_different_unless_copies_are_asked_for() -> None:
    assert Counter(texts(None, "unique", 5_000)).most_common(1)[0][1] == 1
    copies = 5_000 - len(set(texts(None, "copies", 5_000)))
    assert 400 < copies < 1_000  # a fifth are copies, about half of those to the letter


def test_repeated_reviews_come_round_again() -> None:
    found = list(texts(None, "repeated", 20_010))
    assert found[:10] == found[20_000:]


def test_coherence_and_diversity_are_what_their_papers_say() -> None:
    documents = [("物流", "太慢"), ("物流", "太慢"), ("屏幕",), ("屏幕", "物流")]
    assert coherence([["物流", "太慢"]], documents) == pytest.approx(math.log(0.5 / (0.75 * 0.5)) / -math.log(0.5))
    assert coherence([["太慢", "屏幕"]], documents) == -1.0
    assert diversity([["物流", "太慢"], ["物流", "屏幕"]]) == 0.75


def test_topics_are_measured_on_the_products_own_path() -> None:
    said = [text_of(theme, n) for theme in ("delivery", "screen", "battery") for n in range(40)]
    labels, keywords = own(said, ThemeEmbedder(spread=0.2).embed(said))
    figures = measure(labels, keywords, [content_words(text) for text in said], None)
    assert 2 <= figures["topics"] <= 3
    assert figures["unassigned"] < 0.4  # praise and blame, which are left out, follow the themes here
    assert len({*labels[:40]}) == 1
    assert -0.5 < figures["npmi"] < 1
