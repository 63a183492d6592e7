"""Sentiment by any text classifier that `transformers` opens, in place of the engine's own; needs `pip install 'yuansheng[torch]'`."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from nlp.errors import EngineError
from nlp.marks import SENTIMENTS, Marks, Sentiment
from nlp.probabilities import Floats, softmax
from nlp.quiet_transformers import transformers
from nlp.sentiment_model import SentimentModel

if TYPE_CHECKING:
    from nlp.engine import Engine

INSTALL = "pip install 'yuansheng[torch]'"
MOST_TOKENS = 512  # in a window, where the model does not say how many it takes


class ClassifierEngine:
    """Another engine's marks with the sentiment of a classifier. Every text runs alone, long ones in windows, none cut."""

    def __init__(self, base: "Engine", said: SentimentModel) -> None:
        self._base = base
        self._tokenizer, self._model = _opened(said.model)
        self._columns = _columns(said, self._model.config.id2label)
        self.name = f"{base.name}+classifier"
        self.version = (
            f"{base.version}+{_digest(said.model)}.{hashlib.sha256(repr(said.labels).encode()).hexdigest()[:8]}"
        )

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        """One `Marks` per segment, in order."""
        said = {text: self._probabilities(text) for text in dict.fromkeys(segments)}
        return [_with(marks, said[text]) for text, marks in zip(segments, self._base.mark(segments), strict=True)]

    def _probabilities(self, text: str) -> Floats:
        """Of the three sentiments, `(3,)`."""
        import torch

        parts: list[list[int]] = self._tokenizer(
            text, truncation=True, max_length=self._most_tokens(), return_overflowing_tokens=True
        )["input_ids"]
        with torch.inference_mode():
            logits = np.stack([self._model(torch.tensor([part])).logits[0].float().numpy() for part in parts])
        weights = np.array([len(part) for part in parts], dtype=np.float32)
        mean = softmax((weights / weights.sum() @ logits)[None])[0]
        found = np.zeros(len(SENTIMENTS), dtype=np.float32)
        np.add.at(found, self._columns, mean)
        return found

    def _most_tokens(self) -> int:
        takes = int(getattr(self._model.config, "max_position_embeddings", MOST_TOKENS))
        return min(takes, int(self._tokenizer.model_max_length), MOST_TOKENS)


def _with(marks: Marks, probabilities: Floats) -> Marks:
    best = int(probabilities.argmax())
    score = probabilities[SENTIMENTS.index("positive")] - probabilities[SENTIMENTS.index("negative")]
    return replace(
        marks,
        sentiment=SENTIMENTS[best],
        sentiment_score=round(float(score), 4),
        sentiment_confidence=round(float(probabilities[best]), 4),
    )


def _opened(model: str) -> tuple[Any, Any]:
    """The tokenizer and the network; `EngineError` says what is missing."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise EngineError(f"A sentiment model needs PyTorch, which is not installed: {INSTALL}.") from error
    try:
        tokenizer = transformers().AutoTokenizer.from_pretrained(model)
        network = transformers().AutoModelForSequenceClassification.from_pretrained(model).eval()
    except Exception as error:  # transformers, the hub and the tokenizers raise kinds of their own
        raise EngineError(_not_opened(model, error)) from error
    if not tokenizer.is_fast:
        raise EngineError(
            f"The tokenizer of the sentiment model {model} is of the slow kind, which cannot read a long text in windows."
        )
    return tokenizer, network


def _not_opened(model: str, error: Exception) -> str:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    if Path(model).exists():
        return f"The sentiment model in {model} can't be loaded: {first}."
    return (
        f"No sentiment model '{model}': there is no such folder, it was not downloaded before, and the hub does not give it "
        f"({first}). Download it where there is a network, and name its folder."
    )


def _columns(said: SentimentModel, id2label: dict[int, str]) -> list[int]:
    """For each output of the model, its place in SENTIMENTS."""
    meaning = dict(said.labels) or {
        label: cast(Sentiment, label.lower()) for label in id2label.values() if label.lower() in SENTIMENTS
    }
    labels = [id2label[n] for n in range(len(id2label))]
    if missing := [label for label in labels if label not in meaning]:
        raise EngineError(
            f"It is not known what the label '{missing[0]}' of the sentiment model {said.model} means. Its labels are "
            f"{', '.join(labels)}: say under [sentiment] labels which is negative, neutral, positive."
        )
    if unknown := sorted(set(meaning) - set(labels)):
        raise EngineError(
            f"The sentiment model {said.model} has no label '{unknown[0]}'. Its labels are {', '.join(labels)}."
        )
    return [SENTIMENTS.index(meaning[label]) for label in labels]


def _digest(model: str) -> str:
    """Changes when the model does: of a folder the bytes in it, of a hub's model its commit."""
    digest = hashlib.sha256()
    if Path(model).is_dir():
        for path in sorted(Path(model).iterdir()):
            if path.is_file():
                digest.update(path.name.encode())
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
    else:
        digest.update(Path(str(transformers().utils.cached_file(model, "config.json"))).parent.name.encode())
    return digest.hexdigest()[:12]
