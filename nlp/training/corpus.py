"""The labelled data as training sees it. Texts stay where they are; the labels of segments that ship with this package point into them.

A line of `labels/*.tsv` is `file row start end check stage sentiment intent`: a segment of the text in that row (for conversations
`row.turn`), as code point offsets, and a hash of its words, so that another edition of the data is noticed. A field with two acceptable
labels has both, joined by `|`. A line of `labels/reviews.tsv` is `file row check sentiment`: the verdict of a whole review, `neutral` where it is
balanced, undecidable or none.

Two files are no pointers, for their texts were written for this package: `labels/written.jsonl`, to train on, and `labels/cases.jsonl`, to measure on, each case
with the one label it is about.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LABELS = Path(__file__).parent / "labels"
FIELDS = ("stage", "sentiment", "intent")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A segment with its labels; every field lists the acceptable ones, the first is the one to train on."""

    text: str
    stage: tuple[str, ...]
    sentiment: tuple[str, ...]
    intent: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Review:
    """A whole review with its polarity."""

    text: str
    sentiment: str


def labelled_segments(data: Path, name: str) -> list[Labelled]:
    """The segments of `labels/NAME.tsv`, their words looked up in `data`; raises ValueError where they differ."""
    segments = []
    for text, file_name, labels in read_segments(data, name):
        stage, sentiment, intent = (tuple(label.split("|")) for label in labels)
        segments.append(Labelled(text, stage, sentiment, intent, Path(file_name).stem))
    return segments


def read_segments(data: Path, name: str) -> Iterator[tuple[str, str, list[str]]]:
    """The words of each segment of `labels/NAME.tsv`, the file they stand in, and what is said of them; raises ValueError where they are others than those that were labelled."""
    with (LABELS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        for file_name, row, start, end, check, *said in csv.reader(file, delimiter="\t"):
            text = _texts(data / file_name)[row][int(start) : int(end)]
            if fingerprint(text) != check:
                raise ValueError(f"{file_name} row {row} is not the text that was labelled.")
            yield text, file_name, said


def read_reviews(data: Path) -> dict[tuple[str, str], Review]:
    """The reviews of `labels/reviews.tsv` by file and row; raises ValueError where a text is another one."""
    found = {}
    with (LABELS / "reviews.tsv").open(encoding="utf-8", newline="") as file:
        for file_name, row, check, sentiment in csv.reader(file, delimiter="\t"):
            text = _texts(data / file_name)[row]
            if fingerprint(text) != check:
                raise ValueError(f"{file_name} row {row} is not the text that was labelled.")
            found[file_name, row] = Review(text, sentiment)
    return found


def gold_segments(path: Path) -> list[Labelled]:
    """Segments of a gold file (`text`, and `stage`, `sentiment`, `intent` as one label or a list)."""
    return [
        Labelled(
            text=row["text"],
            stage=_labels(row["stage"]),
            sentiment=_labels(row["sentiment"]),
            intent=_labels(row["intent"]),
            source=str(row.get("source", path.stem)),
        )
        for row in _rows(path)
    ]


def written_segments() -> list[Labelled]:
    """The segments of `labels/written.jsonl`: kinds that are hard, and rare among real ones."""
    return gold_segments(LABELS / "written.jsonl")


def reviews(path: Path) -> dict[str, Review]:
    """The reviews of a file by row; one without a label has the sentiment ''."""
    return {str(n): Review(row["text"], row.get("label", "")) for n, row in enumerate(_rows(path))}


def fingerprint(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def _labels(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@cache
def _texts(path: Path) -> dict[str, str]:
    """The texts of a data file by row; a conversation's turns by `row.turn`."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {
                str(n): row.get("content") or row.get("comment") or "" for n, row in enumerate(csv.DictReader(file))
            }
    texts = {}
    for n, row in enumerate(_rows(path)):
        if "turns" in row:
            texts.update({f"{n}.{k}": turn["text"] for k, turn in enumerate(row["turns"])})
        else:
            texts[str(n)] = row["text"]
    return texts


def _rows(path: Path) -> Iterator[dict]:  # type: ignore[type-arg]
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
