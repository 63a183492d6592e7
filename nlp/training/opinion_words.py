"""Makes `nlp/models/opinions.tsv`: expressions that judge, and which way, from data in which people marked them.

    python -m nlp.training.opinion_words --data DIR

An expression is kept when at least `MINIMUM` annotators' spans agree on its polarity in `PURITY` of the cases. Neutral is kept too:
"一般" must not count as praise. `opinions_by_hand.toml` adds fields that the data does not cover.
"""

import argparse
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from nlp.normalize import fold

MINIMUM = 3
PURITY = 0.75
LONGEST = 6  # characters; longer spans are whole clauses
_PLAIN = re.compile(r"[\u4e00-\u9fffa-z]+")


def spans(data: Path) -> Iterator[tuple[str, str]]:
    """Every marked opinion expression with its polarity, from the training splits."""
    for row in _rows(data / "restaurant_triplets_train.jsonl"):
        for opinion in row["opinions"]:
            start, end = opinion["opinion"]
            yield row["text"][start:end], opinion["sentiment"]
    for name, key in (("makeup_opinions.jsonl", "opinions"), ("car_aspects.jsonl", "aspects")):
        for row in _rows(data / name):
            for opinion in row[key]:
                if opinion["opinion"]:
                    yield opinion["opinion"], opinion["sentiment"]


def lexicon(marked: Iterator[tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for expression, polarity in marked:
        expression = fold(expression).strip(" ,。!?~")
        if 0 < len(expression) <= LONGEST and _PLAIN.fullmatch(expression):
            counts[expression][polarity] += 1
    kept = {}
    for expression, seen in counts.items():
        polarity, n = seen.most_common(1)[0]
        if n >= MINIMUM and n >= PURITY * seen.total():
            kept[expression] = polarity
    return kept


def by_hand() -> dict[str, list[str]]:
    """The lists of `opinions_by_hand.toml`: a polarity each, and `unclear` for words that judge only in context."""
    lists = tomllib.loads(Path(__file__).with_name("opinions_by_hand.toml").read_text(encoding="utf-8"))
    return {name: words.split() for name, words in lists.items()}


def _rows(path: Path) -> Iterator[dict]:  # type: ignore[type-arg]
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--out", type=Path, default=Path("nlp/models/opinions.tsv"))
    arguments = parser.parse_args()
    lists = by_hand()
    kept = lexicon(spans(arguments.data)) | {word: name for name, words in lists.items() for word in words}
    kept = {word: polarity for word, polarity in kept.items() if polarity != "unclear"}
    arguments.out.write_text("".join(f"{word}\t{kept[word]}\n" for word in sorted(kept)), encoding="utf-8")
    print(f"{len(kept)} expressions: {dict(Counter(kept.values()))}")


if __name__ == "__main__":
    main()
