from dataclasses import replace

from build_project_db import Said
from story import PARAMETERS, about, digest_of, story_project

from feedback.journey.build import build_digest


def test_quotes_are_typical_readable_and_of_different_people() -> None:
    texts = [
        "物流太慢了等一周",
        "这物流太慢了真的",
        "物流太慢了等一周",
        "物流太慢了等好久",
        "慢",
        "快递盒破了一个大洞还漏了",
    ]
    people = ["a", "b", "c", "a", "d", "e"]
    said = [Said(about(t, "物流", "negative"), customer_id=c) for t, c in zip(texts, people, strict=True)]
    (pain,) = digest_of(*said).stages[3].pain_points
    chosen = [quote.text for quote in pain.quotes]
    assert chosen[0] == "物流太慢了等一周"
    assert len(chosen) == len(set(chosen)) == 3
    assert "慢" not in chosen
    assert "物流太慢了等好久" not in chosen  # the same customer's second word on it


def test_too_short_quotes_are_better_than_none_and_signs_are_not_words() -> None:
    said = [Said(about(text, "物流", "negative")) for text in ("慢", "慢！", "太慢", "！！", "很慢", "慢")]
    (pain,) = digest_of(*said).stages[3].pain_points
    assert sorted(quote.text for quote in pain.quotes) == ["太慢", "很慢", "慢"]


def test_a_quote_that_is_little_but_a_mask_comes_last() -> None:
    texts = ["快递单号[快递单号]", "快递单号写错了人", "快递单号查不到呀", "一周了箱子还没有影子"]
    said = [Said(about(text, "物流", "negative")) for text in (texts[0], *texts)]
    (pain,) = digest_of(*said).stages[3].pain_points
    assert sorted(quote.text for quote in pain.quotes) == sorted(texts[1:])


def test_quotes_stand_letter_for_letter_in_the_store() -> None:
    connection = story_project()
    digest = build_digest(connection, PARAMETERS, "", "", "")
    quotes = [quote for stage in digest.stages for pain in stage.pain_points for quote in pain.quotes]
    quotes += [quote for change in digest.changes for quote in change.quotes]
    assert len(quotes) > 10
    for quote in quotes:
        row = connection.execute("select text from verbatims where id = ?", (quote.verbatim_id,)).fetchone()
        assert quote.text in row[0]


def test_of_very_many_candidates_a_sample_fixed_by_the_seed_is_read() -> None:
    said = [Said(about(f"第{n}次都送得很慢{n % 7}", "物流", "negative")) for n in range(700)]
    first, again = digest_of(*said), digest_of(*said)
    assert first == again
    other = digest_of(*said, parameters=replace(PARAMETERS, seed=1))
    assert first.stages[3].pain_points[0].quotes != other.stages[3].pain_points[0].quotes
    assert first.overview == other.overview
