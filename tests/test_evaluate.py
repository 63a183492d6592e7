"""What evaluation measures. The engine here answers what the text tells it to, so every figure is known beforehand."""

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from parrot import Parrot, gold
from sqlite_utils import Database

from feedback.evaluate import Card, FieldCard, Figure, GoldError, GoldRow, evaluate, evaluation_rows, read_gold
from nlp.marks import Marks
from storage.evaluations import EvaluationRow, save_evaluation
from storage.migrations import migrate


def card_of(*rows: GoldRow) -> Card:
    return evaluate(rows, Parrot(), lambda _what, _more: None)


def sentiments(*pairs: tuple[str, str]) -> list[GoldRow]:
    """Rows by (truth, said)."""
    return [GoldRow(said, "(no source)", {"sentiment": (truth,)}) for truth, said in pairs]


def field(card: Card, name: str) -> FieldCard:
    return next(each for each in card.fields if each.field == name)


def rounded(figure: Figure | None) -> tuple[float | None, ...] | None:
    if figure is None:
        return None
    return (
        *(None if v is None else round(v, 4) for v in (figure.value, figure.low, figure.high)),
        figure.n,
    )


def test_every_key_and_form_of_a_label_is_read(tmp_path: Path) -> None:
    path = gold(
        tmp_path,
        {"src": "美团", "label": "positive", "text": "味道好"},
        {"source": "京东", "sentiment": ["neutral", "negative"], "intent": "question", "stage": "purchase", "text": ""},
        "",
        {"source": 7, "sentiment": None, "intent": [], "stage": "", "text": "嗯", "other": 1},
    )
    rows = list(read_gold(path))
    assert [(row.text, row.source, row.labels) for row in rows] == [
        ("味道好", "美团", {"sentiment": ("positive",)}),
        ("", "京东", {"sentiment": ("neutral", "negative"), "intent": ("question",), "stage": ("purchase",)}),
        ("嗯", "7", {}),
    ]
    assert sum(row.size_bytes for row in rows) == path.stat().st_size - 1  # all but the blank line


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"text": "ok", "label": "positive"}\r\n')
    assert [row.text for row in read_gold(path)] == ["ok"]


@pytest.mark.parametrize(
    "line, said",
    [
        (b'{"text": "a", "label": "happy"}', ": no sentiment 'happy'. Known: negative, neutral, positive."),
        (
            b'{"text": "a", "intent": ["praise", "blame"]}',
            ": no intent 'blame'. Known: complaint, praise, suggestion, question, request, statement.",
        ),
        (
            b'{"text": "a", "stage": 3}',
            ": no stage 3. Known: awareness, consideration, engagement, purchase, post_purchase, loyalty, none.",
        ),
        (b'{"text": "a", "label": {"a": 1}}', ': no sentiment {"a": 1}. Known: negative, neutral, positive.'),
        (b'{"text": "a", "label": "Positive"}', ": no sentiment 'Positive'. Known: negative, neutral, positive."),
        (b'{"text": "a"', " is not JSON: Expecting ',' delimiter at character 13."),
        (b"[" * 100_000, None),
        (b'{"n": ' + b"9" * 5000 + b"}", None),
        (b'["text"]', " is not a JSON object."),
        (b'{"label": "positive"}', " has no 'text' that is a string."),
        (b'{"text": 5, "label": "positive"}', " has no 'text' that is a string."),
        ('{"text": "好"}'.encode("gb18030"), " is not UTF-8. A gold file is JSON Lines in UTF-8."),
        (b'{"text": "a", "source": ["x"]}', ': the source must be text, not ["x"].'),
        (b'{"text": "a", "source": "\\ud800"}', ": the source holds half a character (a lone surrogate)."),
        (
            b'{"text": "' + b"a" * 1_000_001 + b'"}',
            ": the text has 1,000,001 characters, more than 1,000,000.",
        ),
        (b" " + b"a" * 8_000_000, " is longer than 8,000,000 bytes. A gold file has one text a line."),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: bytes, said: str | None) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(b'{"text": "fine", "label": "positive"}\n' + line + b"\n")
    with pytest.raises(GoldError) as error:
        list(read_gold(path))
    assert str(error.value).startswith(f"{path}, line 2")
    if said is not None:
        assert str(error.value) == f"{path}, line 2{said}"


def test_a_missing_file_and_one_without_labels_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(GoldError, match=r"^There is no file .*nowhere\.jsonl\.$"):
        list(read_gold(tmp_path / "nowhere.jsonl"))
    with pytest.raises(GoldError) as error:
        card_of(GoldRow("neutral", "x", {}))
    assert str(error.value) == (
        "No text with a label. Rows need 'text' and 'sentiment' (or 'label'), 'intent' or 'stage'."
    )


def test_figures_are_those_of_the_formulas() -> None:
    rows = sentiments(
        *[("positive", "positive 0.9")] * 6,
        *[("positive", "neutral 0.1")] * 2,
        *[("negative", "negative -0.9")] * 3,
        *[("neutral", "negative -0.2")] * 1,
    )
    one = field(card_of(*rows), "sentiment")
    assert one.confusion == ((3, 0, 0), (1, 0, 0), (0, 2, 6))  # negative, neutral, positive
    # Wilson for 9 of 12, by hand: (0.75 + z²/24 ± z·√(0.75·0.25/12 + z²/576)) / (1 + z²/12)
    assert rounded(one.accuracy) == (0.75, 0.4677, 0.9111, 12)
    negative, neutral, positive = one.classes
    assert [c.label for c in one.classes] == ["negative", "neutral", "positive"]
    assert rounded(negative.precision) == (0.75, 0.3006, 0.9544, 4)
    assert rounded(negative.recall) == (1.0, 0.4385, 1.0, 3)
    assert rounded(neutral.precision) == (0.0, 0.0, 0.6576, 2)
    assert rounded(neutral.recall) == (0.0, 0.0, 0.7935, 1)
    assert [round(c.f1.value, 4) for c in one.classes if c.f1] == [0.8571, 0.0, 0.8571]
    assert rounded(neutral.f1) == (0.0, None, None, 1)
    assert positive.f1 is not None
    assert positive.f1.low is not None
    assert positive.f1.low < positive.f1.value < (positive.f1.high or 0)
    assert one.macro_f1.value == pytest.approx((6 / 7 + 0 + 12 / 14) / 3)
    assert (one.n, one.unlabelled) == (12, 0)


def test_the_interval_of_macro_f1_is_about_as_wide_as_theory_has_it() -> None:
    """Two classes of equal size, equally often confused: macro-F1 is then the accuracy, to first order."""
    rows = sentiments(
        *[("positive", "positive 1")] * 400,
        *[("positive", "negative -1")] * 100,
        *[("negative", "negative -1")] * 400,
        *[("negative", "positive 1")] * 100,
    )
    macro = field(card_of(*rows), "sentiment").macro_f1
    half = 1.96 * math.sqrt(0.8 * 0.2 / 1000)
    assert macro.value == pytest.approx(0.8)
    assert macro.low == pytest.approx(0.8 - half, abs=0.005)
    assert macro.high == pytest.approx(0.8 + half, abs=0.005)


def test_where_every_answer_is_right_resampling_gives_no_limits() -> None:
    one = field(card_of(*sentiments(("positive", "positive 1"), ("neutral", "neutral"))), "sentiment")
    assert rounded(one.macro_f1) == (1.0, None, None, 2)
    assert rounded(one.accuracy) == (1.0, 0.3424, 1.0, 2)


def test_one_of_several_acceptable_labels_is_right_and_else_the_first_is_the_truth() -> None:
    both = {"sentiment": ("neutral", "negative")}
    one = field(card_of(*(GoldRow(said, "x", both) for said in ("neutral", "negative -1", "positive 1"))), "sentiment")
    assert one.confusion == ((1, 0, 0), (0, 1, 1), (0, 0, 0))
    assert one.accuracy.value == pytest.approx(2 / 3)


def test_a_gold_without_neutral_is_judged_as_said_and_by_the_sign_of_the_score() -> None:
    card = card_of(
        *sentiments(
            ("positive", "positive 0.9"),
            ("positive", "neutral 0.1"),
            ("negative", "neutral 0"),
            ("negative", "negative -1"),
        )
    )
    said, sign = card.fields
    assert (said.field, sign.field) == ("sentiment", "sentiment_by_sign")
    assert said.confusion == ((1, 1, 0), (0, 0, 0), (0, 1, 1))
    assert sign.confusion == ((1, 1, 0), (0, 0, 0), (0, 0, 2))  # a score of nought has no sign
    assert (said.accuracy.value, sign.accuracy.value) == (0.5, 0.75)
    # Neutral is no class of this gold: it has precision, for it was said, and no part in macro-F1.
    assert said.classes[1].recall is None
    assert said.classes[1].f1 is None
    assert rounded(said.classes[1].precision) == (0.0, 0.0, 0.6576, 2)
    assert said.macro_f1.value == pytest.approx((2 / 3 + 2 / 3) / 2)


def test_one_acceptable_neutral_is_enough_for_a_gold_to_hold_neutral() -> None:
    row = GoldRow("neutral", "x", {"sentiment": ("positive", "neutral")})
    assert [each.field for each in card_of(*sentiments(("positive", "positive 1")), row).fields] == ["sentiment"]


def test_rows_without_a_label_are_left_out_of_that_field_and_counted() -> None:
    card = card_of(
        GoldRow("positive 1 praise", "x", {"sentiment": ("positive",), "intent": ("praise",)}),
        GoldRow("positive 1 praise", "x", {"intent": ("complaint",)}),
        GoldRow("positive 1", "x", {}),
    )
    assert card.texts == 3
    assert [(each.field, each.n, each.unlabelled) for each in card.fields] == [
        ("sentiment", 1, 2),
        ("sentiment_by_sign", 1, 2),
        ("intent", 2, 1),
    ]


def test_sources_are_measured_apart_the_largest_first() -> None:
    rows = [
        GoldRow("positive 1", source, {"sentiment": (truth,)})
        for source, truth in [("京东", "positive"), ("美团", "positive"), ("美团", "neutral"), ("天猫", "negative")]
    ]
    one = field(card_of(*rows), "sentiment")
    assert [(source, rounded(figure)) for source, figure in one.sources] == [
        ("美团", (0.5, 0.0945, 0.9055, 2)),
        ("京东", (1.0, 0.2065, 1.0, 1)),
        ("天猫", (0.0, 0.0, 0.7935, 1)),
    ]


def test_batches_are_bounded_in_texts_and_characters_and_change_nothing() -> None:
    many = sentiments(*[("positive", "positive 1"), ("negative", "positive 1")] * 300)
    long = [GoldRow("positive 1" + " " * 150_000, "x", {"sentiment": ("positive",)})] * 3
    parrot = Parrot()
    seen: list[int] = []
    card = evaluate([*many, *long], parrot, lambda _what, more: seen.append(more))
    assert parrot.batches == [256, 256, 89, 1, 1]
    assert field(card, "sentiment").n == 603
    backwards = evaluate(reversed([*many, *long]), Parrot(), lambda _what, _more: None)
    assert field(backwards, "sentiment").macro_f1 == field(card, "sentiment").macro_f1


def test_a_text_is_let_go_once_it_is_counted() -> None:
    """A stream of any length: no more than two batches are ever alive."""
    alive = 0
    most = 0

    class Text(str):
        def __init__(self, _value: str) -> None:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    rows = (GoldRow(Text(f"positive 0.{n}"), "x", {"sentiment": ("positive",)}) for n in range(1, 5000))
    assert evaluate(rows, Parrot(), lambda _what, _more: None).texts == 4999
    assert most <= 520


class Hesitant(Parrot):
    """Says neutral, as surely as the text says."""

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        return [Marks("neutral", 0.0, float(text), "praise", 1.0, "none", 1.0) for text in segments]


def test_the_calibration_error_is_how_far_confidence_is_from_the_share_of_right_answers() -> None:
    # Of four answers at 0.8 three are right, of two at 0.4 none; the bins are as heavy as they have answers.
    said = [("0.8", "neutral")] * 3 + [("0.8", "positive")] + [("0.4", "negative")] * 2
    rows = [GoldRow(text, "x", {"sentiment": (truth,)}) for text, truth in said]
    card = evaluate(rows, Hesitant(), lambda _what, _more: None)
    error = field(card, "sentiment").calibration_error
    assert error is not None
    assert error.value == pytest.approx((4 * abs(0.8 - 3 / 4) + 2 * 0.4) / 6)
    assert field(
        evaluate(rows[:1], Hesitant(), lambda _what, _more: None), "sentiment"
    ).error_by_chance == pytest.approx(0.8)
    # The sign of a score has no confidence of its own.
    by_sign = field(evaluate(rows[3:], Hesitant(), lambda _what, _more: None), "sentiment_by_sign")
    assert by_sign.calibration_error is None


def test_a_small_sample_is_off_by_chance() -> None:
    rows = [GoldRow("0.8", "x", {"sentiment": ("neutral",)})] * 400
    chance = field(evaluate(rows, Hesitant(), lambda _what, _more: None), "sentiment").error_by_chance
    # Nineteen of twenty are within two standard deviations of a share.
    assert chance == pytest.approx(1.96 * (0.8 * 0.2 / 400) ** 0.5, abs=0.004)


def test_the_card_becomes_one_row_per_figure() -> None:
    rows = [
        GoldRow("positive 1", "京东", {"sentiment": ("positive",)}),
        GoldRow("neutral", "京东", {"sentiment": ("positive",)}),
        GoldRow("neutral", "(no source)", {"sentiment": ("neutral",)}),
    ]
    found = evaluation_rows(card_of(*rows), "gold.jsonl", "2026-03-04T04:00:00Z")
    head = ("2026-03-04T04:00:00Z", "gold.jsonl", "parrot", "1", "sentiment")
    assert {(r.evaluated_at, r.gold, r.engine, r.engine_version, r.field) for r in found} == {head}
    assert [(r.part, r.metric, round(r.value, 4), r.n) for r in found] == [
        ("all", "accuracy", 0.6667, 3),
        ("all", "macro_f1", 0.6667, 3),
        ("all", "calibration_error", 0.3333, 3),
        ("class neutral", "precision", 0.5, 2),
        ("class neutral", "recall", 1.0, 1),
        ("class neutral", "f1", 0.6667, 1),
        ("class positive", "precision", 1.0, 1),
        ("class positive", "recall", 0.5, 2),
        ("class positive", "f1", 0.6667, 2),
        ("class positive", "said_neutral", 0.5, 2),
        ("source 京东", "accuracy", 0.5, 2),
        ("source (no source)", "accuracy", 1.0, 1),
    ]


def test_a_gold_without_sources_has_no_rows_of_sources() -> None:
    found = evaluation_rows(card_of(*sentiments(("neutral", "neutral"))), "gold.jsonl", "2026-03-04T04:00:00Z")
    assert [r.part for r in found if r.part.startswith("source")] == []


def test_a_card_replaces_the_former_one_of_its_gold_and_engine_version_and_no_other() -> None:
    def row(gold: str, version: str, value: float) -> EvaluationRow:
        head = ("2026-03-04T04:00:00Z", gold, "fast", version, "stage", "all", "accuracy")
        return EvaluationRow(*head, value, None, None, 10)

    db = Database(memory=True)
    migrate(db, ":memory:")
    connection = db.conn
    for rows in ([row("a", "1", 0.1), row("a", "1", 0.2)], [row("a", "2", 0.3)], [row("b", "1", 0.4)], []):
        save_evaluation(connection, rows)
    save_evaluation(connection, [row("a", "1", 0.5)])
    kept = connection.execute("select gold, engine_version, value, low, high, n from evaluations order by value")
    assert kept.fetchall() == [
        ("a", "2", 0.3, None, None, 10),
        ("b", "1", 0.4, None, None, 10),
        ("a", "1", 0.5, None, None, 10),
    ]
    connection.close()
