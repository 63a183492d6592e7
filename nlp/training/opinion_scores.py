"""How right found opinions are: F1 of what judging words judge, of the words, of both together.

    python -m nlp.training.opinion_scores --data DIR [--engine encoder] [--cases nlp/training/labels/opinion_cases.jsonl]

Exact: spans agree to the character. Near: they share a character. Sets with spans are the restaurants' development file, a fifth of the make-up reviews, `labels/opinions_dev.tsv`; cases are counted by kind.
ASAP's aspects are looked up by the restaurant taxonomy. Of cars and make-up, each the fifth that is not trained on, and of segments of restaurants', hotels' and shops' customers, as two readers
read them, F1 of the aspects that a text speaks of, alone and with their polarity: as the taxonomy's words find them, as the encoder says of the whole text, both together.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from nlp.marks import SENTIMENTS, Opinion, Span
from nlp.training import aspect_sets, opinion_sets
from nlp.training.opinion_sets import Marked
from nlp.training.texts import rows

Judged = tuple[Span | None, Span, str]
Same = Callable[[Judged, Judged], bool]


def meet(one: Span | None, other: Span | None) -> bool:
    """Whether both spans are there and share a character, or neither is."""
    if one is None or other is None:
        return one is other
    return one[0] < other[1] and other[0] < one[1]


EXACT: dict[str, Same] = {
    "aspect": lambda one, other: one[0] == other[0],
    "words": lambda one, other: one[1] == other[1],
    "pair": lambda one, other: one[:2] == other[:2],
    "triplet": lambda one, other: one == other,
}
NEAR: dict[str, Same] = {
    "aspect": lambda one, other: meet(one[0], other[0]),
    "words": lambda one, other: meet(one[1], other[1]),
    "pair": lambda one, other: meet(one[0], other[0]) and meet(one[1], other[1]),
    "triplet": lambda one, other: meet(one[0], other[0]) and meet(one[1], other[1]) and one[2] == other[2],
}


def opinion_scores(
    found: Sequence[Sequence[Opinion]], marked: Sequence[Marked], same: dict[str, Same] = EXACT
) -> dict[str, float]:
    """F1 of `aspect` terms, `words` that judge, `pair`s of them and `triplet`s with their polarity; aspects that are not named do not count as terms."""
    scores = {}
    for name, alike in same.items():
        right = hit = said = true = 0
        for guesses, truth in zip(found, marked, strict=True):
            guessed = _parts(name, [(o.aspect, o.words, o.sentiment) for o in guesses])
            known = _parts(name, [(o.aspect, o.words, SENTIMENTS[o.sentiment]) for o in truth.opinions])
            right += sum(any(alike(guess, one) for one in known) for guess in guessed)
            hit += sum(any(alike(guess, one) for guess in guessed) for one in known)
            said, true = said + len(guessed), true + len(known)
        precision, recall = right / max(1, said), hit / max(1, true)
        scores[name] = 2 * precision * recall / max(1e-9, precision + recall)
    return scores


def _parts(name: str, judged: Sequence[Judged]) -> list[Judged]:
    """The distinct ones; of terms alone each once, whatever judges them."""
    if name == "aspect":
        return [(aspect, (0, 0), "") for aspect in dict.fromkeys(j[0] for j in judged) if aspect is not None]
    if name == "words":
        return [(None, words, "") for words in dict.fromkeys(j[1] for j in judged)]
    return list(dict.fromkeys(judged))


def cases(path: Path) -> dict[str, list[Marked]]:
    """Written cases by kind: `text`, `kind`, `opinions` as words (`aspect`, `opinion`, `sentiment`)."""
    found: dict[str, list[Marked]] = defaultdict(list)
    for row in rows(path):
        listed = [{"aspect_term": o["aspect"], **o} for o in row["opinions"]]
        found[row["kind"]].append(Marked(row["text"], tuple(opinion_sets.placed(row["text"], listed))))
    return found


def asap(path: Path, engine: str) -> dict[str, float]:
    """Of the aspects that annotators found in whole reviews: the share that we find, and whose polarity is theirs, of all and of those that we find."""
    from nlp.config import PipelineConfig
    from nlp.pipeline import load_pipeline

    pipeline = load_pipeline(PipelineConfig(taxonomy="restaurant", engine=engine))
    name_of = {aspect.label: aspect.name for aspect in pipeline.taxonomy.aspects}
    listed = list(rows(path))
    true = seen = right = 0
    for row, analysis in zip(listed, pipeline.analyze(row["text"] for row in listed), strict=True):
        said: dict[str, list[str]] = defaultdict(list)
        for segment in analysis.segments:
            for mention in segment.mentions:
                said[mention.aspect].append(mention.sentiment)
        for label, polarity in row["aspects"].items():
            found = said.get(name_of[label], [])
            true, seen = true + 1, seen + bool(found)
            right += bool(found) and _overall(found) == polarity
    return {"found": seen / true, "right of all": right / true, "right of the found": right / max(1, seen)}


def spoken_of(data: Path, taxonomy: str, engine: str) -> dict[str, float]:
    """F1 of the aspects of a taxonomy that the texts that measure it speak of; of one that is told with several polarities the first."""
    from nlp.config import PipelineConfig
    from nlp.engine import load_engine
    from nlp.pipeline import load_pipeline

    texts, truth = zip(*aspect_sets.held_out(data, taxonomy), strict=True)
    worded = [
        {mention.aspect: mention.sentiment for segment in analysis.segments for mention in reversed(segment.mentions)}
        for analysis in load_pipeline(PipelineConfig(taxonomy=taxonomy, engine=engine)).analyze(texts)
    ]
    marks = load_engine(engine).mark(texts)
    said = [
        {s.aspect: s.sentiment for s in mark.spoken_of if s.taxonomy == taxonomy and s.confidence > 0.5}
        for mark in marks
    ]
    both = [words | spoken for words, spoken in zip(worded, said, strict=True)]
    scores: dict[str, float] = {}
    for name, found in (("words", worded), ("encoder", said), ("both", both)):
        of_these = aspect_sets.aspect_scores([set(each.items()) for each in found], truth)
        scores |= {f"{name}, {part}": value for part, value in of_these.items()}
    return scores


def _overall(said: Sequence[str]) -> str:
    praise, blame = said.count("positive"), said.count("negative")
    return "positive" if praise > blame else "negative" if blame > praise else "neutral"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--engine", default="encoder", help="an engine's name, or the folder of an encoder")
    parser.add_argument("--cases", type=Path, help="written cases")
    arguments = parser.parse_args()
    from nlp.engine import load_engine

    engine = load_engine(arguments.engine)
    sets = {
        "restaurants": list(opinion_sets.restaurants(arguments.data / "restaurant_triplets_dev.jsonl")),
        "make-up": [
            m
            for m in opinion_sets.makeup(arguments.data / "makeup_opinions.jsonl")
            if opinion_sets.is_held_out_makeup(m.text)
        ],
        "labels/opinions_dev": list(opinion_sets.read_opinions(arguments.data, "opinions_dev")),
    }
    if arguments.cases:
        sets |= {f"cases, {kind}": found for kind, found in cases(arguments.cases).items()}
    for name, marked in sets.items():
        found = [marks.opinions or () for marks in engine.mark([m.text for m in marked])]
        figures = {f"exact {part}": value for part, value in opinion_scores(found, marked).items()}
        silent = [not guesses for guesses, m in zip(found, marked, strict=True) if not m.opinions]
        if silent:
            figures["nothing found where there is nothing"] = sum(silent) / len(silent)
        figures |= {f"near {part}": value for part, value in opinion_scores(found, marked, NEAR).items()}
        print(json.dumps({"set": name, "n": len(marked)} | {k: round(v, 3) for k, v in figures.items()}), flush=True)
    found_of_asap = asap(arguments.data / "asap_dev_sample.jsonl", arguments.engine)
    for taxonomy in aspect_sets.TAXONOMIES:
        scores = spoken_of(arguments.data, taxonomy, arguments.engine)
        print(json.dumps({"set": f"{taxonomy}, aspects"} | {name: round(value, 3) for name, value in scores.items()}))
    print(json.dumps({"set": "asap"} | {name: round(value, 3) for name, value in found_of_asap.items()}))


if __name__ == "__main__":
    main()
