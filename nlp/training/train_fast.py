"""Trains the fast engine: linear models over hashed character n-grams for sentiment, intent and stage.

    python -m nlp.training.train_fast --data DIR [--gold DIR/gold] [--out nlp/models/fast.npz]

`DIR` holds the labelled data. Development files only measure: nothing is ever fitted on them. With `--gold` the gold segments
join the training (`segments_train.jsonl`) and the measuring (`segments_dev.jsonl`).

Sentiment learns from whole reviews and from segments together. Intent and stage learn from segments alone, but see the polarity that
whole reviews taught: it is linear in the same n-grams, so it folds into one weight matrix.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from nlp.fast.engine import FastEngine
from nlp.fast.features import BITS, BUCKETS, bags_of
from nlp.marks import INTENTS, SENTIMENTS, STAGES
from nlp.normalize import squash
from nlp.training.corpus import (
    FIELDS,
    Labelled,
    Review,
    gold_segments,
    labelled_segments,
    read_reviews,
    reviews,
    written_segments,
)
from nlp.training.texts import measuring_rows, measuring_texts

SEED = 20261122
SEGMENT_WEIGHT = 0.9  # of a labelled segment against a noisily labelled review, for sentiment
POLARITY_SHARE = 0.3  # how loudly polarity speaks to intent and stage
SHORTEST_TELLING = 8  # characters by which a development segment is known inside a review
NEUTRAL_OFFSET = -0.8  # whole reviews teach no neutral, and are hardly ever meant so; chosen on dev
# How far rare classes are favoured over what training saw (logit adjustment, Menon et al. 2021); chosen on dev.
RARITY = {"intent": 0.4, "stage": 0.8}
C = {"polarity": 10.0, "sentiment": 18.0, "intent": 12.0, "stage": 25.0}
_CLASSES: dict[str, tuple[str, ...]] = {"sentiment": SENTIMENTS, "intent": INTENTS, "stage": STAGES}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Head:
    """Weights of one question: `(buckets, classes)` and `(classes,)`."""

    weights: Floats
    bias: Floats


def matrix(texts: Sequence[str]) -> sp.csr_matrix:
    """The segments' feature vectors, `(texts, BUCKETS)`, as the engine sees them."""
    pieces = []
    for start in range(0, len(texts), 2000):
        bags = bags_of(texts[start : start + 2000])
        values = np.repeat(1 / bags.norms, np.diff(bags.starts)).astype(np.float32)
        piece = sp.csr_matrix((values, bags.buckets, bags.starts), shape=(len(bags.norms), BUCKETS))
        piece.sum_duplicates()
        pieces.append(piece)
    return sp.vstack(pieces).tocsr()


def folded(x: sp.csr_matrix, bits: int) -> sp.csr_matrix:
    """The features in fewer buckets, `(texts, 2 ** bits)`."""
    cells = x.tocoo()
    shape = (x.shape[0], 1 << bits)
    return sp.coo_matrix((cells.data, (cells.row, cells.col >> (BITS - bits))), shape=shape).tocsr()


def fit(
    x: sp.csr_matrix, labels: Sequence[str], classes: Sequence[str], c: float, weight: Floats | None = None
) -> Head:
    """One-vs-rest logistic regression."""
    columns, biases = [], []
    for name in classes:
        model = LogisticRegression(solver="liblinear", C=c, tol=1e-2, random_state=SEED)
        model.fit(x, np.array([label == name for label in labels]), sample_weight=weight)
        columns.append(model.coef_[0])
        biases.append(model.intercept_[0])
    return Head(np.array(columns, dtype=np.float32).T, np.array(biases, dtype=np.float32))


def train(data: Path, gold: Path | None) -> dict[str, Head]:
    """The three heads, from training files alone."""
    whole = whole_reviews(data)
    segments = labelled_segments(data, "train") + written_segments()
    if gold:
        segments += gold_segments(gold / "segments_train.jsonl")
        unseen = [s.text for s in gold_segments(gold / "segments_dev.jsonl") if len(s.text) >= SHORTEST_TELLING]
        whole = [review for review in whole if not any(text in review.text for text in unseen)]
    x_whole, x_segments = matrix([r.text for r in whole]), matrix([s.text for s in segments])
    print(f"{len(whole)} reviews, {len(segments)} segments", flush=True)

    sentiment = fit(
        sp.vstack([x_whole, x_segments]).tocsr(),
        [r.sentiment for r in whole] + [s.sentiment[0] for s in segments],
        SENTIMENTS,
        C["sentiment"],
        np.array([1.0] * len(whole) + [SEGMENT_WEIGHT] * len(segments), dtype=np.float32),
    )
    sentiment.bias[SENTIMENTS.index("neutral")] += NEUTRAL_OFFSET
    polarity = fit(x_whole, [r.sentiment for r in whole], ("positive",), C["polarity"])
    seen = POLARITY_SHARE * (x_segments @ polarity.weights + polarity.bias)
    stacked = sp.hstack([x_segments, seen]).tocsr()
    heads = {"sentiment": sentiment}
    for field in ("intent", "stage"):
        head = fit(stacked, [getattr(s, field)[0] for s in segments], _CLASSES[field], C[field])
        echo = POLARITY_SHARE * head.weights[-1:]
        bias = head.bias + polarity.bias @ echo - RARITY[field] * _log_shares(field, segments)
        heads[field] = Head(head.weights[:-1] + polarity.weights @ echo, bias)
    return heads


def whole_reviews(data: Path) -> list[Review]:
    """The reviews to learn from, with what a reader said of them where one did, but for those neither good nor bad.

    None that a measuring segment was cut from.
    """
    read, found = read_reviews(data), []
    for name in ("reviews_binary_train.jsonl", "eprstmt_unlabeled.jsonl"):
        cut = measuring_rows().get(name, set())
        for row, review in reviews(data / name).items():
            said = read.get((name, row), review)
            if row not in cut and said.sentiment in ("positive", "negative"):
                found.append(said)
    barred = measuring_texts(data)
    return [review for review in found if squash(review.text) not in barred]


def _log_shares(field: str, segments: Sequence[Labelled]) -> Floats:
    """The logarithm of each class's share of the training segments."""
    counts = Counter(getattr(s, field)[0] for s in segments)
    return np.log(np.array([counts[name] / len(segments) for name in _CLASSES[field]], dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Quantised:
    """All heads side by side in 8 bits, as the engine reads them."""

    weights: npt.NDArray[np.int8]
    scale: Floats
    bias: Floats


def quantised(heads: dict[str, Head]) -> Quantised:
    """Each column scaled to its largest weight; clipping the largest costs stage and intent their surest words."""
    weights = np.hstack([heads[field].weights for field in _CLASSES])
    scale = np.abs(weights).max(axis=0) / 127
    rounded = np.clip(np.rint(weights / scale), -127, 127).astype(np.int8)
    bias = np.concatenate([heads[field].bias for field in _CLASSES])
    return Quantised(rounded, scale.astype(np.float32), bias.astype(np.float32))


def measure(engine: FastEngine, data: Path, dev: dict[str, list[Labelled]]) -> dict[str, float]:
    """Accuracies on files that were not trained on."""
    figures = {}
    for name in ("reviews_binary_dev", "eprstmt_train"):
        rows = list(reviews(data / f"{name}.jsonl").values())
        said = [marks.sentiment for marks in engine.mark([r.text for r in rows])]
        figures[f"{name} sentiment"] = float(np.mean([s == r.sentiment for s, r in zip(said, rows, strict=True)]))
    for name, segments in dev.items():
        marks = engine.mark([s.text for s in segments])
        for field in FIELDS:
            said_field = [getattr(m, field) for m in marks]
            accepted = [getattr(s, field) for s in segments]
            right = [s in a for s, a in zip(said_field, accepted, strict=True)]
            truth = [s if ok else a[0] for s, a, ok in zip(said_field, accepted, right, strict=True)]
            figures[f"{name} {field}"] = float(np.mean(right))
            figures[f"{name} {field} macro-F1"] = float(f1_score(truth, said_field, average="macro", zero_division=0))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--gold", type=Path, help="the folder of the gold segments, where there is one")
    parser.add_argument("--out", type=Path, default=Path("nlp/models/fast.npz"))
    arguments = parser.parse_args()
    small = quantised(train(arguments.data, arguments.gold))
    dev = {f"labels/{name}": labelled_segments(arguments.data, name) for name in ("dev", "calibration")}
    if arguments.gold:
        dev["gold/segments_dev"] = gold_segments(arguments.gold / "segments_dev.jsonl")
    np.savez_compressed(arguments.out, weights=small.weights, scale=small.scale, bias=small.bias)
    engine = FastEngine(small.weights, small.scale, small.bias, "unsaved")
    print(json.dumps({k: round(v, 4) for k, v in measure(engine, arguments.data, dev).items()}, indent=1))
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
