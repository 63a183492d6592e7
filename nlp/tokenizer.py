"""jieba behind spaCy's tokenizer interface, in an instance of its own.

jieba's module-level functions share one dictionary for the whole process; a project's words must not change another
project's tokens, so they are never used here.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from nlp.errors import UnusableText
from nlp.normalize import fold

# A text beyond this is no customer's; cutting it would break "no text silently cut", so it is refused.
LONGEST_TEXT = 1_000_000
# jieba's cost grows with the square of a run without a pause, so a long text is handed over in blocks that end at one.
_BLOCK = re.compile(r".{1,999}[\n 。，！？；,!?;]|.{1,1000}", re.DOTALL)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class JiebaTokenizer:
    """Words of the folded text, as slices of the text itself: `Doc.text` equals the text, spaces included."""

    def __init__(self, vocab: Vocab, words: Sequence[str] = ()) -> None:
        self.vocab = vocab
        self.words = tuple(words)

    def __call__(self, text: str) -> Doc:
        if len(text) > LONGEST_TEXT:
            raise UnusableText(f"the text has {len(text):,} characters, more than {LONGEST_TEXT:,}")
        if "\x00" in text:
            raise UnusableText("the text holds a NUL character")
        if _LONE_SURROGATE.search(text):
            raise UnusableText("the text holds half a character (a lone surrogate)")
        words, start = [], 0
        for piece in cut(fold(text), self.words):
            words.append(text[start : start + len(piece)])
            start += len(piece)
        return Doc(self.vocab, words=words, spaces=[False] * len(words))

    def to_bytes(self, **_: Any) -> bytes:
        return b""

    def from_bytes(self, _: bytes, **__: Any) -> "JiebaTokenizer":
        return self

    def to_disk(self, *_: Any, **__: Any) -> None:
        """Nothing to write: the words are part of the pipeline's configuration."""

    def from_disk(self, *_: Any, **__: Any) -> "JiebaTokenizer":
        return self


def create_jieba_tokenizer(words: list[str]) -> Callable[[Language], JiebaTokenizer]:
    """What spaCy's configuration calls: `@tokenizers = "yuansheng.jieba.v1"`, `words` = the project's own."""

    def create(nlp: Language) -> JiebaTokenizer:
        return JiebaTokenizer(nlp.vocab, words)

    return create


def cut(folded: str, words: tuple[str, ...] = ()) -> Iterator[str]:
    """The words of a folded text, white space and marks included, in time that grows with its length alone."""
    jieba = _jieba(words)
    for block in _BLOCK.finditer(folded):
        yield from jieba.cut(block.group())


@cache
def _jieba(words: tuple[str, ...]) -> Any:
    """A private jieba instance with `words` added; shared by pipelines with the very same words."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    tokenizer.initialize()
    for word in words:
        tokenizer.add_word(fold(word))
    return tokenizer
