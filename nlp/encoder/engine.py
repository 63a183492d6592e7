"""The encoder as an engine: marks from its logits."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np

from nlp.encoder.reader import DESCRIPTION, TOKENIZER, Reader, Readings
from nlp.errors import EngineError
from nlp.marks import INTENTS, SENTIMENTS, STAGES, Marks
from nlp.probabilities import Floats, marks_of, softmax

# Raise it when the way from text to marks changes.
CODE_VERSION = "1"
_QUESTIONS = {"sentiment": SENTIMENTS, "intent": INTENTS, "stage": STAGES}


class EncoderEngine:
    """Marks segments by the encoder in a folder; what it says of one segment does not depend on the others."""

    name = "encoder"

    def __init__(self, reader: Reader, digest: str) -> None:
        for question, classes in _QUESTIONS.items():
            found = reader.description.classes.get(question, ())
            if found != classes:
                raise EngineError(
                    f"The encoder's classes of {question} are {', '.join(found)}, not {', '.join(classes)}."
                )
        self.reader = reader
        self.version = f"{CODE_VERSION}.{digest}"

    @classmethod
    def load(cls, folder: Path) -> "EncoderEngine":
        """The encoder that `nlp.training.encoder.export` wrote to `folder`."""
        reader = Reader(folder)
        digest = hashlib.sha256()
        for name in (DESCRIPTION, TOKENIZER, reader.description.graph):
            digest.update((folder / name).read_bytes())
        return cls(reader, digest.hexdigest()[:12])

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        """One `Marks` per segment, in order."""
        if not segments:
            return []
        readings = self.reader.read(segments)
        return marks_of(*(self.probabilities(readings, question) for question in _QUESTIONS))

    def probabilities(self, readings: Readings, question: str) -> Floats:
        """How likely each class of a question is, `(texts, classes)`, calibrated as the description says."""
        description = self.reader.description
        logits = readings.logits[question] + np.array(description.offsets[question], dtype=np.float32)
        return softmax(cast(Floats, logits / description.temperatures[question]))
