"""Which texts training may see at all, and which only measure."""

import csv
import json
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

from nlp.normalize import squash
from nlp.training.corpus import LABELS, labelled_segments

HELD_OUT_EMOTION = "emotion_weibo.jsonl"
# Development files that are not called *_dev.
MEASURING = ("eprstmt_train.jsonl",)
# Segments to measure on, and segments to choose thresholds and temperatures on.
MEASURING_LABELS = ("dev", "calibration")
# Written to measure on.
CASES = ("cases.jsonl", "opinion_cases.jsonl")
_TENTHS = 10


def is_measuring(file_name: str) -> bool:
    """Whether a file is for measuring alone."""
    return "_dev" in file_name or file_name in MEASURING


def is_held_out_emotion(text: str) -> bool:
    """Whether a Weibo post belongs to the tenth that measures; copies of a text fall on the same side."""
    digest = blake2b(squash(text).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % _TENTHS == 0


def rows(path: Path) -> Iterator[dict]:  # type: ignore[type-arg]
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def measuring_rows() -> dict[str, set[str]]:
    """The rows that measuring segments were cut from, by file."""
    found: dict[str, set[str]] = {}
    for name in MEASURING_LABELS:
        with (LABELS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
            for file_name, row, *_ in csv.reader(file, delimiter="\t"):
                found.setdefault(file_name, set()).add(row.partition(".")[0])
    return found


def measuring_texts(data: Path, gold: Path | None = None) -> set[str]:
    """Every text that measures, squashed: no text equal to one of these is ever trained on."""
    texts = [segment.text for name in MEASURING_LABELS for segment in labelled_segments(data, name)]
    paths = [path for path in sorted(data.glob("*.jsonl")) if is_measuring(path.name)] + [
        LABELS / name for name in CASES
    ]
    if gold:
        paths.append(gold / "segments_dev.jsonl")
    for path in paths:
        texts += [row["text"] for row in rows(path)]
    texts += [row["text"] for row in rows(data / HELD_OUT_EMOTION) if is_held_out_emotion(row["text"])]
    return {squash(text) for text in texts}


def training_texts(data: Path) -> Iterator[str]:
    """Every text of the training files and the unlabelled ones, whole, in the order of the files' names."""
    barred, cut = measuring_texts(data), measuring_rows()
    for path in sorted([*data.glob("*.jsonl"), *data.glob("*.csv")]):
        if is_measuring(path.name):
            continue
        for n, texts in enumerate(_texts_of(path)):
            if str(n) not in cut.get(path.name, ()):
                yield from (text for text in texts if text and squash(text) not in barred)


def _texts_of(path: Path) -> Iterator[list[str]]:
    """The texts of each row of a file."""
    if path.suffix == ".csv":
        for line in table(path):
            yield [line.get("content") or line.get("comment") or ""]
        return
    for row in rows(path):
        yield [turn["text"] for turn in row["turns"]] if "turns" in row else [row["text"]]


def table(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)
