"""Keeps of the base model's 250,000 pieces those that Chinese customers' texts need, and cuts the embedding matrix to match.

    python -m nlp.training.encoder.vocabulary --base runs/encoder/base --data DIR --out runs/encoder/pruned

Kept: every single Han character the base has, simplified or traditional; ASCII, emoji, kana and punctuation as single characters; and every
longer piece that is common in the training and unlabelled texts of DIR, as they are written or put into traditional characters.
Development files are never read but to report how much of them is unknown. The tokenizer also drops emoji variants (skin, style, joiners).
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import opencc
import torch
from tokenizers import Regex, normalizers
from transformers import AutoTokenizer, BertModel, PreTrainedTokenizerFast

from nlp.training.encoder.base import packed_file, tokenizer
from nlp.training.encoder.packed import Pieces, read
from nlp.training.texts import rows, training_texts

LEAST_SEEN = 20  # over three writings of every text, so about seven true occurrences
META = "▁"
# Code points of which every piece of one character is kept, whether seen or not.
_RANGES = (
    (0x0020, 0x0100),  # ASCII, Latin-1
    (0x2000, 0x2C00),  # punctuation, arrows, signs, shapes, dingbats
    (0x3000, 0x3100),  # CJK punctuation, kana
    (0x3400, 0xA000),  # Han
    (0xF900, 0xFB00),  # Han, compatibility
    (0xFE30, 0xFE50),
    (0xFF00, 0xFFF0),
    (0x1F000, 0x20000),  # emoji
    (0x20000, 0x30000),  # Han, extensions
)
_VARIANTS = Regex("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")
_BATCH = 2000


def kept(pieces: Pieces, seen: Counter[str]) -> list[int]:
    """The places of the pieces to keep, in their old order; the special ones come with them."""
    special = {pieces.bos, pieces.eos, pieces.pad, pieces.unk, len(pieces.pieces) - 1}
    return [
        i
        for i, piece in enumerate(pieces.pieces)
        if i in special or piece == META or _is_single(piece) or seen[piece] >= LEAST_SEEN
    ]


def _is_single(piece: str) -> bool:
    bare = piece.removeprefix(META)
    return len(bare) == 1 and any(low <= ord(bare) < high for low, high in _RANGES)


def count(tokens: PreTrainedTokenizerFast, texts: Iterable[str]) -> Counter[str]:
    """How often each piece occurs, in the texts as they are and in traditional characters."""
    converters = [opencc.OpenCC(name) for name in ("s2hk", "s2t")]
    seen: Counter[str] = Counter()
    for batch in _batches(texts):
        for version in (batch, *([c.convert(text) for text in batch] for c in converters)):
            for encoding in tokens.backend_tokenizer.encode_batch(version, add_special_tokens=False):
                seen.update(encoding.tokens)
    return seen


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def pruned(pieces: Pieces, keep: list[int]) -> PreTrainedTokenizerFast:
    """The tokenizer of the kept pieces."""
    place = {old: new for new, old in enumerate(keep)}
    smaller = replace(
        pieces,
        pieces=[pieces.pieces[i] for i in keep],
        scores=[pieces.scores[i] for i in keep],
        bos=place[pieces.bos],
        eos=place[pieces.eos],
        pad=place[pieces.pad],
        unk=place[pieces.unk],
    )
    tokens = tokenizer(smaller)
    inner = tokens.backend_tokenizer
    inner.normalizer = normalizers.Sequence([normalizers.Replace(_VARIANTS, ""), inner.normalizer])
    return tokens


def cut(model: BertModel, keep: list[int]) -> None:
    """Leaves the model with the embeddings of the kept pieces alone."""
    weights = model.get_input_embeddings().weight.detach()[keep].clone()
    embedding = torch.nn.Embedding(len(keep), weights.shape[1], padding_idx=model.config.pad_token_id)
    embedding.weight.data.copy_(weights)
    model.set_input_embeddings(embedding)
    model.config.vocab_size = len(keep)


def unknown_rate(tokens: PreTrainedTokenizerFast, texts: list[str]) -> tuple[float, Counter[str]]:
    """The share of tokens that are unknown, and the characters behind them."""
    unknown, total, characters = 0, 0, Counter[str]()
    for text, encoding in zip(
        texts, tokens.backend_tokenizer.encode_batch(texts, add_special_tokens=False), strict=True
    ):
        total += len(encoding.ids)
        for place, piece in enumerate(encoding.ids):
            if piece == tokens.unk_token_id:
                unknown += 1
                start, end = encoding.offsets[place]
                characters[text[start:end]] += 1
    return unknown / max(total, 1), characters


def _emoji_rich(data: Path) -> list[str]:
    """Texts of which at least a tenth of the characters are emoji."""
    texts = [row["text"] for name in ("openrice_hk_dev", "emotion_weibo") for row in rows(data / f"{name}.jsonl")]
    texts += [text for text in training_texts(data) if len(text) < 200]
    return [text for text in texts if sum(0x1F000 <= ord(c) < 0x20000 for c in text) * 10 >= len(text)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="the folder that nlp.training.encoder.base wrote")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled and unlabelled data")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write the smaller model to")
    arguments = parser.parse_args()
    pieces = read(packed_file()).pieces
    whole = AutoTokenizer.from_pretrained(arguments.base)
    keep = kept(pieces, count(whole, training_texts(arguments.data)))
    tokens = pruned(pieces, keep)
    model = BertModel.from_pretrained(arguments.base, add_pooling_layer=False)
    cut(model, keep)
    model.config.pad_token_id = tokens.pad_token_id
    model.save_pretrained(arguments.out)
    tokens.save_pretrained(arguments.out)
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{len(keep):,} of {len(pieces.pieces):,} pieces; {parameters / 1e6:.1f} M parameters")

    hk = [row["text"] for row in rows(arguments.data / "openrice_hk_dev.jsonl")]
    emoji = _emoji_rich(arguments.data)
    figures = {}
    for name, texts in (("openrice_hk_dev", hk), (f"{len(emoji)} emoji-rich texts", emoji)):
        for whose, used in (("base", whole), ("pruned", tokens)):
            rate, characters = unknown_rate(used, texts)
            figures[f"{name}, {whose}"] = f"{rate:.5f} {' '.join(c for c, _ in characters.most_common(20))}"
    print(json.dumps(figures, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
