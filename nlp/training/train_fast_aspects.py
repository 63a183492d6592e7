"""Trains what the fast engine knows of aspects: a linear model for each, over hashed character n-grams.

    python -m nlp.training.train_fast_aspects --data DIR [--out nlp/models/fast_aspects.npz]

They learn from all texts that say which aspects of a taxonomy they speak of (`nlp.training.aspect_sets`), and from segments that nobody labelled, of which the encoder that ships says it: for each
segment the aspects of the taxonomy that its source belongs to. Nothing that measures is trained on.
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

from nlp.encoder.engine import EncoderEngine, shipped
from nlp.fast.aspects import ASPECT_BITS, LinearAspects
from nlp.normalize import squash
from nlp.probabilities import Floats
from nlp.segmenter import segment
from nlp.training import aspect_sets
from nlp.training.aspect_sets import ASPECTS, TAXONOMIES, UNKNOWN
from nlp.training.encoder.data import examples, unread
from nlp.training.texts import measuring_texts
from nlp.training.train_fast import folded, matrix

SEED = 20261130
TAUGHT = 70_000  # segments of which the encoder tells
SPEAKS = 0.4  # how likely an aspect is to the encoder, from which on it counts as spoken of
SHORTEST_TAUGHT = 3  # characters
TAUGHT_WEIGHT = 0.5  # against a label that a person or a reader gave
RESTAURANT_WEIGHT = 0.3  # of sentences that say a part of what they speak of
C = 30.0
FEWEST = 5  # texts that speak of an aspect; of fewer nothing is learned


def unlabelled(data: Path) -> list[tuple[str, str]]:
    """Taxonomy and words of segments to be taught, each once, drawn."""
    barred = measuring_texts(data)
    for taxonomy in TAXONOMIES:
        barred |= {squash(text) for text, _ in aspect_sets.held_out(data, taxonomy)}
    found: dict[str, tuple[str, str]] = {}
    for taxonomy, text in unread(data):
        for start, end in segment(text):
            words = text[start:end].strip()
            if len(words) >= SHORTEST_TAUGHT and (key := squash(words)) not in barred:
                found.setdefault(key, (taxonomy, words))
    return random.Random(SEED).sample(list(found.values()), min(TAUGHT, len(found)))


def taught(segments: Sequence[tuple[str, str]]) -> npt.NDArray[np.int64]:
    """What the encoder says of the segments, as labels `(segments, aspects)`: of the other taxonomies nothing."""
    reader = EncoderEngine.load(shipped()).reader
    of_aspect = np.array([of for of, _ in reader.description.aspects])
    places = [reader.description.aspects.index(aspect) for aspect in ASPECTS]
    labels = np.full((len(segments), len(ASPECTS)), UNKNOWN)
    for start in range(0, len(segments), 1000):
        part = segments[start : start + 1000]
        for n, ((taxonomy, _), reading) in enumerate(zip(part, reader.read([t for _, t in part]), strict=True), start):
            assert reading.aspects is not None
            speaks = (1 - reading.aspects[places, 0] > SPEAKS).astype(np.int64)
            labels[n] = np.where(of_aspect[places] == taxonomy, speaks, UNKNOWN)
        print(f"taught {start + len(part)} of {len(segments)}", flush=True)
    return labels


def learned(x: sp.csr_matrix, labels: npt.NDArray[np.int64], weight: Floats) -> tuple[Floats, Floats]:
    """Weights `(buckets, aspects)` and biases; a label is UNKNOWN, 0, or more where the text speaks of the aspect."""
    weights = np.zeros((x.shape[1], labels.shape[1]), dtype=np.float32)
    biases = np.full(labels.shape[1], -20.0, dtype=np.float32)  # never
    for n in range(labels.shape[1]):
        known = np.flatnonzero(labels[:, n] != UNKNOWN)
        speaks = labels[known, n] > 0
        if speaks.sum() < FEWEST:
            print(f"{'/'.join(ASPECTS[n])}: {speaks.sum()} texts, nothing learned")
            continue
        model = LogisticRegression(solver="liblinear", C=C, tol=1e-2, random_state=SEED)
        model.fit(x[known], speaks, sample_weight=weight[known])
        weights[:, n], biases[n] = model.coef_[0], model.intercept_[0]
    return weights, biases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--out", type=Path, default=Path("nlp/models/fast_aspects.npz"))
    how = parser.parse_args()
    told = [each for each in examples(how.data) if each.aspects is not None]
    drawn = unlabelled(how.data)
    labels = np.concatenate([np.array([each.aspects for each in told]), taught(drawn)])
    of_told = [RESTAURANT_WEIGHT if each.source == "restaurant_triplets" else 1.0 for each in told]
    weight = np.array(of_told + [TAUGHT_WEIGHT] * len(drawn), dtype=np.float32)
    weights, bias = learned(
        folded(matrix([each.text for each in told] + [t for _, t in drawn]), ASPECT_BITS), labels, weight
    )
    scale = np.maximum(np.abs(weights).max(axis=0) / 127, 1e-9).astype(np.float32)
    np.savez_compressed(
        how.out,
        aspects=np.array(["/".join(aspect) for aspect in ASPECTS]),
        weights=np.clip(np.rint(weights / scale), -127, 127).astype(np.int8),
        scale=scale,
        bias=bias,
    )
    print(f"{how.out}: {how.out.stat().st_size:,} bytes")
    for taxonomy in TAXONOMIES:
        texts, truth = zip(*aspect_sets.held_out(how.data, taxonomy), strict=True)
        model = LinearAspects(taxonomy, how.out.read_bytes())
        likely = model.likelihoods(texts)
        for least in (0.2, 0.3, 0.4, 0.5):
            found = [{(model.aspects[n][1], "") for n in np.flatnonzero(row >= least)} for row in likely]
            score = aspect_sets.aspect_scores(found, [{(aspect, "") for aspect, _ in said} for said in truth])["aspect"]
            print(json.dumps({"set": taxonomy, "least": least, "aspect": round(score, 3)}), flush=True)


if __name__ == "__main__":
    main()
