"""Marks for texts that come and go as JSON Lines, without a database."""

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from typing import Any

from nlp.marks import Analysis, Marks, Mention, Segment
from nlp.pipeline import Pipeline

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of input: what to echo and the text, or why it can't be used."""

    echo: dict[str, Any]
    text: str
    error: str | None = None


def lines_as_they_come(stream: BufferedReader) -> Iterator[list[bytes]]:
    """Whole lines without their ends, in the groups in which they arrive: who sends one line and waits, gets its answer."""
    begun: list[bytes] = []  # of a line whose end has not come yet
    while chunk := stream.read1(_CHUNK_BYTES):
        first, *others = chunk.split(b"\n")
        begun.append(first)
        if others:
            *whole, rest = b"".join(begun), *others
            begun = [rest]
            yield whole
    if last := b"".join(begun):
        yield [last]


def score_lines(groups: Iterable[Sequence[bytes]], pipeline: Pipeline, *, plain: bool) -> Iterator[dict[str, Any]]:
    """One answer per line, in order, a group of lines at a time. A line that can't be used yields `{"error": …}` in its place."""
    number = 0
    for group in groups:
        lines = [_read(number + n, line, plain) for n, line in enumerate(group, 1)]
        number += len(lines)
        analyses = list(pipeline.analyze(line.text for line in lines if line.error is None))
        # The verdict on the whole comes from the whole: clauses don't add up to it.
        texts = (line.text for line in lines if line.error is None)
        marked = [text for text, analysis in zip(texts, analyses, strict=True) if analysis.error is None]
        verdicts, answers = iter(pipeline.engine.mark(marked)), iter(analyses)
        for line in lines:
            analysis = next(answers) if line.error is None else Analysis(error=line.error)
            if analysis.error is not None:
                yield {**line.echo, "error": analysis.error}
            else:
                yield _answer(line, analysis, next(verdicts), pipeline.config.whole)


def _read(number: int, line: bytes, plain: bool) -> _Line:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return _Line({}, "", f"line {number} is not UTF-8")
    if plain:
        return _Line({}, text)
    try:
        row = json.loads(text, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        return _Line({}, "", f"line {number} is not JSON: {error}")
    if not isinstance(row, dict):
        return _Line({}, "", f"line {number} is not a JSON object")
    row.pop("error", None)  # in an answer the key means that this line failed, now
    value = row.pop("text", None)
    if not isinstance(value, str):
        return _Line(row, "", f"line {number} has no 'text' that is a string")
    return _Line(row, value)


def _finite(number: str) -> float:
    """A number that can be written as JSON again; `1e999` and `NaN` could not."""
    value = float(number)
    if not math.isfinite(value):
        raise ValueError(f"{number} is not a number it knows")
    return value


def _answer(line: _Line, analysis: Analysis, verdict: Marks, whole: bool) -> dict[str, Any]:
    answer = {
        **line.echo,
        "sentiment": verdict.sentiment if analysis.segments else "neutral",
        "sentiment_score": verdict.sentiment_score if analysis.segments else 0.0,
        "language": analysis.language,
    }
    if whole:
        marks = analysis.segments[0].marks if analysis.segments else None
        answer["stage"] = marks.stage if marks else "none"
        answer["intent"] = marks.intent if marks else "statement"
    answer["segments"] = [_segment(line.text, segment) for segment in analysis.segments]
    return answer


def _segment(text: str, segment: Segment) -> dict[str, Any]:
    marks = segment.marks
    return {
        "start": segment.start,
        "end": segment.end,
        "text": text[segment.start : segment.end],
        "stage": marks.stage,
        "sentiment": marks.sentiment,
        "sentiment_score": marks.sentiment_score,
        "intent": marks.intent,
        **({"emotion": marks.emotion} if marks.emotion else {}),
        "mentions": [_mention(mention) for mention in segment.mentions],
    }


def _mention(mention: Mention) -> dict[str, Any]:
    return {
        "aspect": mention.aspect,
        "term": mention.term,
        "start": mention.start,
        "end": mention.end,
        "opinion": mention.opinion,
        "opinion_start": mention.opinion_start,
        "opinion_end": mention.opinion_end,
        "sentiment": mention.sentiment,
    }
