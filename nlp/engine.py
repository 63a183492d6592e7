"""The seam between the pipeline and what decides: an engine maps segments to marks.

`fast` is the linear engine, `encoder` the small transformer, `auto` the first where it is sure and the second elsewhere; all ship with the
package. An engine's name may also be the folder of an encoder that `nlp.training.encoder` trained. Another engine is a module with a class of
this shape and a line in `_LOADERS`.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from nlp.errors import EngineError
from nlp.marks import Marks
from nlp.sentiment_model import SentimentModel


class Engine(Protocol):
    """Marks segments. A pure function of the texts and of `version`: order and batch size change nothing."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str:
        """Changes whenever the marks may: a hash of the weights and of the code's revision."""
        ...

    def mark(self, segments: Sequence[str]) -> list[Marks]:
        """One `Marks` per segment, in order. Takes any text, the empty one too."""
        ...


def _fast() -> Engine:
    from nlp.fast.engine import FastEngine

    return FastEngine.load()


def _encoder() -> Engine:
    from nlp.encoder.engine import EncoderEngine, shipped

    return EncoderEngine.load(shipped())


def _auto() -> Engine:
    from nlp.encoder.engine import EncoderEngine, shipped

    return EncoderEngine.load(shipped(), hasty=True)


_LOADERS: dict[str, Callable[[], Engine]] = {"auto": _auto, "encoder": _encoder, "fast": _fast}

DEFAULT_ENGINE = "auto"


def engine_names() -> list[str]:
    return sorted(_LOADERS)


def load_engine(name: str = DEFAULT_ENGINE, sentiment: SentimentModel | None = None) -> Engine:
    """The engine of that name, its weights read once a process; `EngineError` lists the known ones.

    With `sentiment` that classifier's sentiment takes the place of the engine's own.
    """
    return _loaded(name) if sentiment is None else _classifying(name, sentiment)


@cache
def _loaded(name: str) -> Engine:
    if name in _LOADERS:
        return _LOADERS[name]()
    if (Path(name) / "encoder.json").is_file():
        from nlp.encoder.engine import EncoderEngine

        return EncoderEngine.load(Path(name))
    raise EngineError(f"No engine named '{name}'. Known: {', '.join(engine_names())}, or the folder of an encoder.")


@cache
def _classifying(name: str, sentiment: SentimentModel) -> Engine:
    from nlp.classifier import ClassifierEngine

    return ClassifierEngine(_loaded(name), sentiment)
