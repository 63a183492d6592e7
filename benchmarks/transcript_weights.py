"""python -m benchmarks.transcript_weights [--out feedback/collectors/chat/transcript_weights.toml]: learns which lines of pasted chats open a message.

From transcripts that `nlp.training.transcripts` makes up; it prints how many lines of others, of another seed, the weights tell right.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from feedback.collectors.base import Part, SourceConfig
from feedback.collectors.chat.lines import TextFile
from feedback.collectors.chat.transcript_features import Candidate
from feedback.collectors.chat.transcript_form import Form, find_form
from feedback.collectors.chat.transcript_judgement import candidates, rounds, told, weigh
from feedback.collectors.chat.transcript_turns import Turn, read_turns
from nlp.training.transcripts import Transcript, transcripts

SEED, TEST_SEED = 1, 2
COUNT, TEST_COUNT = 5000, 400
C = 1.0
KEPT = 0.05  # smaller weights say nothing


class Example(NamedTuple):
    """The candidates of a transcript, and which of them open a turn."""

    form: Form
    some: Sequence[Candidate]
    opens: list[bool]


def examples(made: Sequence[Transcript], folder: Path) -> Iterator[Example]:
    config = SourceConfig("chats", "chat", ("t.txt",), folder)
    for each in made:
        path = folder / "t.txt"
        path.write_text(each.text, encoding="utf-8")
        file = TextFile.open(Part("t.txt", path))
        form = find_form(file.opening, config)
        if form is not None:
            turns = (turn for turn in read_turns(file, form) if isinstance(turn, Turn))
            some = list(candidates(turns, form))
            yield Example(form, some, [candidate.line in each.heads for candidate in some])


def learned(of: Sequence[Example]) -> dict[str, float]:
    """The weights of one round."""
    rows = [features for each in of for features in told(each.some, each.form)]
    names = sorted({name for row in rows for name in row} - {"bias"})
    x = np.array([[float(row[name]) for name in names] for row in rows])
    y = np.array([opens for each in of for opens in each.opens])
    shares = np.array(
        [3 / (2 + len(each.some)) for each in of for _ in each.some]
    )  # a short file is as good as a long one
    model = LogisticRegression(C=C, max_iter=3000).fit(x, y, sample_weight=shares)
    weights = {"bias": float(model.intercept_[0])} | dict(zip(names, map(float, model.coef_[0]), strict=True))
    return {name: round(weight, 2) for name, weight in weights.items() if abs(weight) >= KEPT}


def right(of: Sequence[Example]) -> str:
    told_right = [
        candidate.opens == opens for each in of for candidate, opens in zip(each.some, each.opens, strict=True)
    ]
    whole = [all(c.opens == opens for c, opens in zip(each.some, each.opens, strict=True)) for each in of]
    return f"{sum(told_right) / len(told_right):.4f} of {len(told_right)} lines, {sum(whole) / len(whole):.3f} of {len(whole)} files wholly"


def written(weights: Mapping[str, Mapping[str, float]]) -> str:
    parts = ["# Learned by benchmarks/transcript_weights.py.\n"]
    for name, of in weights.items():
        parts.append(f"\n[{name}]\n" + "".join(f"{feature} = {weight}\n" for feature, weight in of.items()))
    return "".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("feedback/collectors/chat/transcript_weights.toml"))
    parser.add_argument("--count", type=int, default=COUNT)
    how = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train = list(examples(transcripts(how.count, SEED), Path(folder)))
        test = list(examples(transcripts(TEST_COUNT, TEST_SEED), Path(folder)))
    weights = {}
    for stamped in (True, False):
        learn, check = ([each for each in of if each.form.stamped is stamped] for of in (train, test))
        for which in dict.fromkeys(rounds(learn[0].form)):
            weights[which] = learned(learn)
            for each in (*learn, *check):
                weigh(each.some, each.form, weights[which])
            print(f"{which}: {right(learn)}; others: {right(check)}")
    how.out.write_text(written(weights), encoding="utf-8")


if __name__ == "__main__":
    main()
