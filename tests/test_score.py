"""Scoring of lines. The engine's figures may change with its weights: exact answers come from a stand-in."""

import io
import json
from collections.abc import Iterator, Sequence
from io import BufferedReader
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import nlp.engine
from feedback.score import lines_as_they_come, score_lines
from nlp.config import PipelineConfig
from nlp.marks import Marks
from nlp.pipeline import load_pipeline

PIPELINE = load_pipeline(PipelineConfig())


class FixedEngine:
    """Negative and a complaint where there is a 差, else positive and praise; the score tells the length it was shown."""

    name = "fixed"
    version = "1"

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        return [
            Marks("negative", -len(text) / 100, 0.9, "complaint", 0.8, "purchase", 0.7)
            if "差" in text
            else Marks("positive", len(text) / 100, 0.9, "praise", 0.8, "engagement", 0.7)
            for text in segments
        ]


@pytest.fixture(autouse=True)
def fixed_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(nlp.engine._LOADERS, "fixed", FixedEngine)


def score(*lines: bytes, plain: bool = False, whole: bool = False, engine: str = "fixed") -> list[dict[str, Any]]:
    pipeline = load_pipeline(PipelineConfig(engine=engine, whole=whole))
    return list(score_lines([lines], pipeline, plain=plain))


def row(**keys: object) -> bytes:
    return json.dumps(keys, ensure_ascii=False).encode("utf-8", "surrogatepass")


def test_an_answer_has_exactly_the_documented_shape_and_order() -> None:
    [answer] = score(row(id=7, text="物流不错，但是質量太差。", store={"city": "杭州"}))
    assert json.dumps(answer, ensure_ascii=False) == json.dumps(
        {
            "id": 7,
            "store": {"city": "杭州"},
            "sentiment": "negative",
            "sentiment_score": -0.12,
            "language": "zh",
            "segments": [
                {
                    "start": 0,
                    "end": 4,
                    "text": "物流不错",
                    "stage": "engagement",
                    "sentiment": "positive",
                    "sentiment_score": 0.04,
                    "intent": "praise",
                    "mentions": [
                        {
                            "aspect": "物流",
                            "term": "物流",
                            "start": 0,
                            "end": 2,
                            "opinion": "不错",
                            "opinion_start": 2,
                            "opinion_end": 4,
                            "sentiment": "positive",
                        }
                    ],
                },
                {
                    "start": 5,
                    "end": 12,
                    "text": "但是質量太差。",
                    "stage": "purchase",
                    "sentiment": "negative",
                    "sentiment_score": -0.07,
                    "intent": "complaint",
                    "mentions": [
                        {
                            "aspect": "质量",
                            "term": "質量",
                            "start": 7,
                            "end": 9,
                            "opinion": "太差",
                            "opinion_start": 9,
                            "opinion_end": 11,
                            "sentiment": "negative",
                        }
                    ],
                },
            ],
        },
        ensure_ascii=False,
    )


def test_a_whole_text_is_one_segment_whose_stage_and_intent_stand_at_the_top_too() -> None:
    [answer] = score(row(text="今天收到。挺差的"), whole=True)
    assert answer == {
        "sentiment": "negative",
        "sentiment_score": -0.08,
        "language": "zh",
        "stage": "purchase",
        "intent": "complaint",
        "segments": [
            {
                "start": 0,
                "end": 8,
                "text": "今天收到。挺差的",
                "stage": "purchase",
                "sentiment": "negative",
                "sentiment_score": -0.08,
                "intent": "complaint",
                "mentions": [],
            }
        ],
    }
    assert list(answer) == ["sentiment", "sentiment_score", "language", "stage", "intent", "segments"]


NOTHING = {"sentiment": "neutral", "sentiment_score": 0.0, "language": "und"}


def test_a_text_without_words_is_neutral_and_has_no_segments() -> None:
    assert score(row(text=""), row(text=" \n")) == [{**NOTHING, "segments": []}] * 2
    assert score(row(text=""), whole=True) == [{**NOTHING, "stage": "none", "intent": "statement", "segments": []}]


@pytest.mark.parametrize(
    "line, error",
    [
        (b"", "line 2 is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b"x", "line 2 is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"text": "a"', "line 2 is not JSON: Expecting ',' delimiter: line 1 column 13 (char 12)"),
        (
            b"[" * 100_000,
            "line 2 is not JSON: maximum recursion depth exceeded while decoding a JSON array from a unicode string",
        ),
        (b'{"text": "a", "n": NaN}', "line 2 is not JSON: NaN is not a number it knows"),
        (b'{"text": "a", "n": 1e999}', "line 2 is not JSON: 1e999 is not a number it knows"),
        (b'["text"]', "line 2 is not a JSON object"),
        (b"null", "line 2 is not a JSON object"),
        (b"{}", "line 2 has no 'text' that is a string"),
        (b'{"text": null}', "line 2 has no 'text' that is a string"),
        (b'{"text": 5}', "line 2 has no 'text' that is a string"),
        ("质量".encode("gbk"), "line 2 is not UTF-8"),
        (b'{"text": "\\ud83d"}', "the text holds half a character (a lone surrogate)"),
        (b'{"text": "a\\u0000"}', "the text holds a NUL character"),
        (row(text="慢" * 5_000_000), "the text has 5,000,000 characters, more than 1,000,000"),
        (
            b"\xef\xbb\xbf{}",
            "line 2 is not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)",
        ),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_line_that_cannot_be_used_yields_its_error_in_its_place(line: bytes, error: str) -> None:
    before, broken, after = score(row(text="不错"), line, row(text="差", id=3))
    assert broken == {"error": error}
    assert (before["sentiment"], after["sentiment"], after["id"]) == ("positive", "negative", 3)


def test_an_error_echoes_what_could_be_read() -> None:
    assert score(row(id=1, content="不错"), row(id=2, text="好\x00")) == [
        {"id": 1, "content": "不错", "error": "line 1 has no 'text' that is a string"},
        {"id": 2, "error": "the text holds a NUL character"},
    ]


def test_the_answers_keys_win_over_the_inputs_and_an_old_error_is_not_kept() -> None:
    [answer] = score(row(text="差", sentiment="positive", segments=[], error="of yesterday", stage="x"))
    assert (answer["sentiment"], len(answer["segments"]), answer["stage"], "error" in answer) == (
        "negative",
        1,
        "x",
        False,
    )


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text() -> None:
    bom = b"\xef\xbb\xbf"
    assert score(bom + row(text="差") + b"\r") == score(row(text="差"))
    assert score(bom + "质量差\r".encode(), "质量差".encode(), plain=True) == score("质量差".encode(), plain=True) * 2


def test_plain_lines_are_texts_empty_ones_and_json_too() -> None:
    answers = score("质量差".encode(), b"", b'{"text": "a"}', b"\xff", b"a\x00", plain=True)
    assert [a.get("error") or [s["text"] for s in a["segments"]] for a in answers] == [
        ["质量差"],
        [],
        ['{"text": "a"}'],
        "line 4 is not UTF-8",
        "the text holds a NUL character",
    ]


def test_lines_are_numbered_through_all_groups() -> None:
    answers = score_lines([[b"x", row(text="好")], [], [b"y"]], PIPELINE, plain=False)
    assert [a.get("error", "")[:6] for a in answers] == ["line 1", "", "line 3"]


def test_the_text_in_front_of_the_engine_is_the_one_that_was_not_refused() -> None:
    # A refused text must not shift the verdicts of those after it.
    answers = score(row(text="差\x00"), row(text="不错不错"), b"x", row(text="质量差"))
    assert [a.get("sentiment_score") for a in answers] == [None, 0.04, None, -0.03]


def test_the_real_engine_is_understood() -> None:
    bad, good = score("质量太差了，再也不买".encode(), "非常满意，强烈推荐".encode(), plain=True, engine="fast")
    assert (bad["sentiment"], good["sentiment"]) == ("negative", "positive")
    assert -1 <= bad["sentiment_score"] < 0 < good["sentiment_score"] <= 1


class Pipe(io.RawIOBase):
    """A pipe whose writer sends one chunk at a time."""

    def __init__(self, *chunks: bytes) -> None:
        self.chunks = list(chunks)
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self.taken == len(self.chunks):
            return 0
        chunk = self.chunks[self.taken]
        self.taken += 1
        buffer[: len(chunk)] = chunk
        return len(chunk)


@pytest.mark.parametrize(
    "chunks, groups",
    [
        ([], []),
        ([b"a\n"], [[b"a"]]),
        ([b"a\nb\n", b"c"], [[b"a", b"b"], [b"c"]]),
        ([b"a", b"b", b"c\nd", b"\n"], [[b"abc"], [b"d"]]),
        ([b"\n\n"], [[b"", b""]]),
        (["质".encode()[:1], "质".encode()[1:], b"\n"], [["质".encode()]]),
    ],
)
def test_lines_come_in_the_groups_in_which_they_arrive(chunks: list[bytes], groups: list[list[bytes]]) -> None:
    assert list(lines_as_they_come(BufferedReader(Pipe(*chunks)))) == groups


def test_a_line_is_answered_before_the_next_one_is_sent() -> None:
    pipe = Pipe(row(text="差") + b"\n", row(text="好") + b"\n")
    answers = score_lines(lines_as_they_come(BufferedReader(pipe)), PIPELINE, plain=False)
    assert next(answers)["sentiment"] == "negative"
    assert pipe.taken == 1


@given(st.lists(st.binary(max_size=6), max_size=8))
@example([b"a\r\n", b"\n", b"b"])
def test_chunks_do_not_change_the_lines(chunks: list[bytes]) -> None:
    chunks = [chunk for chunk in chunks if chunk]  # an empty read is the end
    lines = [line for group in lines_as_they_come(BufferedReader(Pipe(*chunks))) for line in group]
    expected = b"".join(chunks).split(b"\n")
    assert lines == (expected[:-1] if expected[-1] == b"" else expected)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
OWN = {"text", "error", "sentiment", "sentiment_score", "language", "segments"}


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3).filter(lambda keys: not OWN & set(keys)), max_size=4))
def test_all_other_keys_are_echoed_as_they_are_in_order(echoes: list[dict[str, Any]]) -> None:
    answers = list(
        score_lines([[row(text="差", **{"k": n}, echo=e) for n, e in enumerate(echoes)]], PIPELINE, plain=False)
    )
    assert [(a["k"], a["echo"]) for a in answers] == list(enumerate(echoes))
    flat = list(score_lines([[json.dumps({**e, "text": "差"}).encode() for e in echoes]], PIPELINE, plain=False))
    assert [{key: a[key] for key in a if key not in OWN} for a in flat] == echoes


def test_lines_are_taken_a_group_at_a_time() -> None:
    taken: list[int] = []

    def groups() -> Iterator[list[bytes]]:
        for number in range(5):
            taken.append(number)
            yield [row(text="差")]

    assert next(score_lines(groups(), PIPELINE, plain=False))["language"] == "zh"
    assert taken == [0]
