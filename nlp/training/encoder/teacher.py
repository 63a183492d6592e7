"""What the base model makes of a sample of the training texts: the embedding that the encoder has to keep.

The base model's vectors all point the same way (strangers have a cosine of 0.84), so the mean is taken off before they are taught; what is
left is what tells texts apart.
"""

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer, BertModel

from nlp.probabilities import Floats
from nlp.training.encoder.batches import head_and_tail, padded
from nlp.training.encoder.data import Example

PREFIX = "query: "  # how e5 wants texts that are compared with each other
_LONGEST = 128
_BATCH = 64


def taught(examples: Sequence[Example], count: int, seed: int) -> dict[int, int]:
    """A sample of the examples: place among them to place in the teacher's embeddings."""
    chosen = random.Random(seed).sample(range(len(examples)), min(count, len(examples)))
    return {place: n for n, place in enumerate(sorted(chosen))}


def embeddings(base: Path, texts: Sequence[str], cache: Path) -> tuple[Floats, Floats]:
    """Centred unit vectors of the texts, and the mean that was taken off; computed once and kept in `cache`."""
    key = hashlib.blake2b("\n".join(texts).encode()).hexdigest()
    if cache.exists():
        with np.load(cache) as kept:
            if str(kept["key"]) == key:
                return kept["vectors"], kept["mean"]
    raw = _raw(base, texts)
    mean: Floats = raw.mean(axis=0)
    vectors = raw - mean
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    np.savez(cache, vectors=vectors, mean=mean, key=key)
    return vectors, mean


def _raw(base: Path, texts: Sequence[str]) -> Floats:
    tokens = AutoTokenizer.from_pretrained(base)
    model = BertModel.from_pretrained(base, add_pooling_layer=False).eval()
    encodings = tokens.backend_tokenizer.encode_batch([PREFIX + text for text in texts])
    ids = [head_and_tail(encoding.ids, _LONGEST) for encoding in encodings]
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    found = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(order), _BATCH):
            group = order[start : start + _BATCH]
            batch, mask = padded([ids[n] for n in group], tokens.pad_token_id)
            hidden = model(input_ids=batch, attention_mask=mask).last_hidden_state.float()
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            found[group] = torch.nn.functional.normalize(pooled, dim=-1).numpy()
    return found
