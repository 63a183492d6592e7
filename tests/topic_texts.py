"""Texts about a few themes, and embeddings made so that those of a theme lie together. All of it is made up."""

import hashlib
from collections.abc import Sequence

import numpy as np

from nlp.probabilities import Floats

WIDTH = 24
THEMES = {
    "delivery": ("物流", "太慢", "快递"),
    "screen": ("屏幕", "划痕", "清晰"),
    "battery": ("电池", "续航", "充电"),
    "service": ("客服", "态度", "回复"),
    "price": ("价钱", "公道", "降价"),
}
_NAMES = tuple(THEMES)


def text_of(theme: str, number: int) -> str:
    """Texts of a theme share its words; no two are alike."""
    first, second, third = THEMES[theme]
    return f"{first}{second}{number}" if number % 3 else f"{third}{first}{number}"


class ThemeEmbedder:
    """Each theme has a direction; a text lies near that of its theme, one without a theme anywhere. `spread` tells how near."""

    def __init__(self, version: str = "1", spread: float = 0.35, turn: int = 0) -> None:
        self.version, self.spread = version, spread
        self.embedded: list[str] = []
        # Another encoder's space is another one: the same themes elsewhere.
        rng = np.random.default_rng(7 + turn)
        self._directions = np.linalg.qr(rng.normal(size=(WIDTH, WIDTH)))[0]

    def embed(self, texts: Sequence[str]) -> Floats:
        self.embedded += texts
        return np.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> Floats:
        seed = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
        noise = np.random.default_rng(seed).normal(size=WIDTH)
        noise /= np.linalg.norm(noise)
        theme = next((n for n, name in enumerate(_NAMES) if THEMES[name][0] in text), None)
        vector = noise if theme is None else self._directions[theme] + self.spread * noise
        return (vector / np.linalg.norm(vector)).astype(np.float32)
