"""Embeddings of texts, from the same graphs that mark them."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from nlp.encoder.description import TOKENIZER
from nlp.encoder.engine import shipped
from nlp.encoder.reader import Reader
from nlp.probabilities import Floats


class Embedder:
    """`embed` gives unit vectors `(texts, width)`, each a function of its text and of `version`."""

    def __init__(self, folder: Path) -> None:
        self._reader = Reader(folder)
        digest = hashlib.sha256()
        for name in (TOKENIZER, self._reader.description.lower, self._reader.description.upper):
            digest.update((folder / name).read_bytes())
        self.version = digest.hexdigest()[:12]

    def embed(self, texts: Sequence[str]) -> Floats:
        """Takes any text, the empty one too; one text at least."""
        return self._reader.embed(texts)


def load_embedder(engine: str) -> Embedder:
    """The embedder of an engine: of the encoder that ships, or of the one in the folder that the engine's name is."""
    return Embedder(Path(engine) if (Path(engine) / "encoder.json").is_file() else shipped())
