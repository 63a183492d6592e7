"""Trains what tells what a survey's question asks for: linear models over hashed character n-grams.

    python -m nlp.training.train_survey_questions [--out nlp/models/survey_questions.npz]

They learn from `labels/survey_questions.tsv`, a label and a wording a line: `n` who or where somebody is, `m` numbers and accounts alone, `w` anything else; `nw`
and `mw`, words as well. Prints how right they are on wordings they have not seen: of those, five-fold, and of `labels/survey_questions_dev.tsv`.
"""

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from nlp.survey_questions import ASKED, WORDING_BITS
from nlp.training.corpus import LABELS
from nlp.training.train_fast import folded, matrix

SEED = 20261130
FOLDS = 5
C = 30.0
# What each label says of each of ASKED; of a question that asks for no details nothing is learned about which.
SAYS: dict[str, tuple[bool, bool | None, bool | None]] = {
    "n": (True, True, False),
    "m": (True, False, False),
    "nw": (True, True, True),
    "mw": (True, False, True),
    "w": (False, None, None),
}


def wordings(name: str = "survey_questions") -> list[tuple[str, str]]:
    """Labels and wordings of `labels/NAME.tsv`."""
    with (LABELS / f"{name}.tsv").open(encoding="utf-8", newline="") as file:
        return [(label, wording) for label, wording in csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def learned(x: sp.csr_matrix, labels: Sequence[str]) -> list[LogisticRegression]:
    """A model for each of ASKED."""
    models = []
    for column in range(len(ASKED)):
        says = [SAYS[label][column] for label in labels]
        known = [n for n, said in enumerate(says) if said is not None]
        model = LogisticRegression(solver="liblinear", C=C, random_state=SEED)
        models.append(model.fit(x[known], [says[n] for n in known]))
    return models


def unseen(x: sp.csr_matrix, labels: Sequence[str]) -> npt.NDArray[np.float64]:
    """What models that have not seen a wording say of it, `(wordings, ASKED)`."""
    likely = np.zeros((x.shape[0], len(ASKED)))
    for seen, rest in StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(x, labels):
        for column, model in enumerate(learned(x[seen], [labels[n] for n in seen])):
            likely[rest, column] = model.predict_proba(x[rest])[:, 1]
    return likely


def told(name: str, likely: npt.NDArray[np.float64], labels: Sequence[str]) -> None:
    """Prints how much of what the labels say is said of the wordings."""
    for column, asked in enumerate(ASKED):
        known = [n for n, label in enumerate(labels) if SAYS[label][column] is not None]
        right = sum((likely[n, column] > 0.5) == SAYS[labels[n]][column] for n in known)
        print(f"{name}, {asked}: {right / len(known):.3f} of {len(known)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("nlp/models/survey_questions.npz"))
    how = parser.parse_args()
    labels, texts = zip(*wordings(), strict=True)
    x = folded(matrix(texts), WORDING_BITS)
    told("five-fold", unseen(x, labels), labels)
    models = learned(x, labels)
    new = [(label, text) for label, text in wordings("survey_questions_dev") if text not in set(texts)]
    dev_labels, dev_texts = zip(*new, strict=True)
    dev = folded(matrix(dev_texts), WORDING_BITS)
    told("dev", np.stack([model.predict_proba(dev)[:, 1] for model in models], axis=1), dev_labels)
    weights = np.hstack([model.coef_.T for model in models])
    scale = np.maximum(np.abs(weights).max(axis=0) / 127, 1e-9).astype(np.float32)
    np.savez_compressed(
        how.out,
        weights=np.clip(np.rint(weights / scale), -127, 127).astype(np.int8),
        scale=scale,
        bias=np.array([model.intercept_[0] for model in models], dtype=np.float32),
    )
    print(f"{how.out}: {how.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
