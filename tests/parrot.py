"""An engine that answers what the text tells it to, and gold files for it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from nlp.marks import Intent, Marks, Sentiment, Stage


class Parrot:
    """Reads its answer from the text: "negative -0.4 complaint purchase", with defaults from the right."""

    name = "parrot"
    version = "1"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        self.batches.append(len(segments))
        return [self._marks(text) for text in segments]

    def _marks(self, text: str) -> Marks:
        said = text.split()
        sentiment, score, intent, stage = [*said, *["neutral", "0", "statement", "none"][len(said) :]]
        return Marks(cast(Sentiment, sentiment), float(score), 1.0, cast(Intent, intent), 1.0, cast(Stage, stage), 1.0)


def gold(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "gold.jsonl"
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
