"""All that decides the marks of a text, and the version that names it. Loads neither spaCy nor jieba."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from nlp.engine import DEFAULT_ENGINE, load_engine
from nlp.sentiment_model import SentimentModel
from nlp.taxonomy import load_taxonomy

# Raise it when segmentation, folding, aspects or opinions change what they say: stored marks are then made anew.
CODE_VERSION = "3"


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Picklable. `words`: the project's own, for jieba; `steps`: spaCy components to add; `whole`: a text is one segment; `sentiment`: a classifier of its own for it."""

    taxonomy: str = "retail"
    engine: str = DEFAULT_ENGINE
    words: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    whole: bool = False
    sentiment: SentimentModel | None = None


def pipeline_version(config: PipelineConfig) -> str:
    """Equal versions give equal marks, on any machine."""
    # The taxonomy is read each time: a scheduler runs for months, and the file is the user's to edit.
    return _version(config, load_taxonomy(config.taxonomy).digest)


@cache
def _version(config: PipelineConfig, taxonomy_digest: str) -> str:
    from nlp.fast.aspects import aspects_version  # loads numpy

    lexicon = (resources.files("nlp") / "models" / "opinions.tsv").read_bytes()
    engine = load_engine(config.engine, config.sentiment)
    parts = (
        CODE_VERSION,
        engine.version,
        aspects_version(),
        taxonomy_digest,
        hashlib.sha256(lexicon).hexdigest(),
        config.words,
        config.steps,
        config.whole,
    )
    return f"{engine.name}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"
