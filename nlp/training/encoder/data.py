"""All labelled sets as one list of examples, each with the labels it has.

`examples()` never returns a text that measures: no development file, no row that a development segment was cut from, no Weibo post of the
held-out tenth, nothing equal to one of these after `nlp.normalize.squash`. Copies within the training sets stay with the set named first.

A review's two-class label does not say that it is not neutral, so it is kept apart from the three-class label: see `Losses.polarity_neutral`.
What a reader said of a review (`labels/reviews.tsv`) takes the place of its label. `labels/written.jsonl` holds segments written for the purpose:
what real ones seldom show and a model gets wrong (praise worded by negation, irony, comparisons, facts without a judging word).
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from nlp.marks import EMOTIONS, INTENTS, SENTIMENTS, STAGES
from nlp.normalize import squash
from nlp.segmenter import segment as cut
from nlp.training import aspect_sets, opinion_sets
from nlp.training.aspect_sets import Label
from nlp.training.corpus import Labelled, gold_segments, labelled_segments, read_reviews, written_segments
from nlp.training.opinion_sets import Marked, Opinion
from nlp.training.texts import is_held_out_emotion, measuring_rows, measuring_texts, rows, table

POLES = ("negative", "positive")
SHORTEST_UNLABELLED = 4  # characters
SHORTEST_TELLING = 8  # characters by which a development segment is known inside a review

# How much a label of each set counts. Cars: half of what is labelled neutral there praises or blames by the codebook.
# Stars: three of five are given for praise as well.
WEIGHTS = {
    "segments": 1.0,
    "written": 1.0,
    "reviews_binary": 1.0,
    "eprstmt": 1.0,
    "emotion_weibo": 1.0,
    "car_aspects": 0.35,
    "restaurant_triplets": 0.5,
    "makeup_opinions": 0.5,
    "asap": 1.0,
    "meituan": 0.7,
    "opinions": 1.0,
    "aspects": 1.0,
}
NEUTRAL_STARS_WEIGHT = 0.4
_SEGMENTS = ("segments", "opinions", "aspects")  # sources of segments that were read
UNDECIDED_WEIGHT = 0.6  # some are balanced, of others a reader could not tell
COPIES = {
    "segments": 2,
    "restaurant_triplets": 3,
    "makeup_opinions": 6,
    "opinions": 12,
    "written": 4,
    "emotion_weibo": 2,
    "car_aspects": 4,
    "aspects": 6,
}  # passes over a set for one over the rest
_TRADES = {"waimai": "restaurant", "hotel_htl": "hotel", "shop_酒店": "hotel"}  # of a review's `src`; else a shop's


@dataclass(frozen=True, slots=True)
class Example:
    """A text and places in SENTIMENTS, POLES, EMOTIONS, INTENTS, STAGES; None where nobody said."""

    text: str
    source: str
    weight: float
    sentiment: int | None = None
    polarity: int | None = None
    emotion: int | None = None
    intent: int | None = None
    stage: int | None = None
    opinions: tuple[Opinion, ...] | None = None
    aspects: Label | None = None


def examples(data: Path, gold: Path | None = None) -> list[Example]:
    """The training examples, each once."""
    barred = measuring_texts(data, gold)
    unseen = [s.text for s in gold_segments(gold / "segments_dev.jsonl")] if gold else []
    unseen = [text for text in unseen if len(text) >= SHORTEST_TELLING]
    found, known = [], set()
    for example in _all(data, gold):
        key = squash(example.text)
        # A segment may be a whole review as well, and one that was read for something else: all labels are wanted then.
        if not key or key in barred or (example.source not in _SEGMENTS and key in known):
            continue
        if any(text in example.text for text in unseen):
            continue
        if example.source == "makeup_opinions" and opinion_sets.is_held_out_makeup(example.text):
            continue
        known.add(key)
        found.append(example)
    return found


def unlabelled(data: Path, labelled: Sequence[Example], count: int, seed: int) -> list[Example]:
    """So many segments of what customers wrote that nobody labelled, each once, drawn; like `examples`, never one that measures."""
    if not count:
        return []
    seen = measuring_texts(data, None) | {squash(example.text) for example in labelled}
    found: dict[str, str] = {}
    for _, text in unread(data):
        for start, end in cut(text):
            words = text[start:end].strip()
            key = squash(words)
            if len(words) >= SHORTEST_UNLABELLED and key not in seen:
                found.setdefault(key, words)
    drawn = random.Random(seed).sample(list(found.values()), min(count, len(found)))
    return [Example(words, "unlabelled", 0.0) for words in drawn]


def unread(data: Path) -> Iterator[tuple[str, str]]:
    """Whole texts, each with the taxonomy of its trade, but those that a measuring segment was cut from."""
    for _, row in _uncut(data, "reviews_binary_train.jsonl"):
        yield _TRADES.get(row["src"], "retail"), row["text"]
    for _, row in _uncut(data, "eprstmt_unlabeled.jsonl"):
        yield "retail", row["text"]
    for name, column, taxonomy in (
        ("jd_reviews.csv", "content", "beauty"),
        ("meituan_reviews.csv", "comment", "restaurant"),
    ):
        barred = measuring_rows().get(name, set())
        yield from ((taxonomy, row[column]) for n, row in enumerate(table(data / name)) if str(n) not in barred)


def segment(labelled: Labelled, source: str = "segments") -> Example:
    return Example(
        labelled.text,
        source,
        WEIGHTS[source],
        sentiment=SENTIMENTS.index(labelled.sentiment[0]),
        intent=INTENTS.index(labelled.intent[0]),
        stage=STAGES.index(labelled.stage[0]),
    )


def _all(data: Path, gold: Path | None) -> Iterator[Example]:
    known = set()
    for labelled in labelled_segments(data, "train") + (gold_segments(gold / "segments_train.jsonl") if gold else []):
        if labelled.text not in known:
            known.add(labelled.text)
            yield segment(labelled)
    for labelled in written_segments():
        yield segment(labelled, "written")
    yield from _reviews(data)
    yield from _emotions(data)
    yield from _cars(data)
    yield from _opinions(data)
    yield from _aspects(data)
    yield from _starred(data)


def _reviews(data: Path) -> Iterator[Example]:
    read = read_reviews(data)
    for n, row in _uncut(data, "reviews_binary_train.jsonl"):
        said = read.get(("reviews_binary_train.jsonl", str(n)))
        yield _review(row["text"], f"reviews_binary {row['src']}", said.sentiment if said else row["label"])
    for n, row in _uncut(data, "eprstmt_unlabeled.jsonl"):
        if said := read.get(("eprstmt_unlabeled.jsonl", str(n))):
            yield _review(row["text"], "eprstmt", said.sentiment)


def _review(text: str, source: str, verdict: str) -> Example:
    if verdict == "neutral":
        return Example(text, source, UNDECIDED_WEIGHT, sentiment=SENTIMENTS.index("neutral"))
    return Example(text, source, WEIGHTS[source.split()[0]], polarity=POLES.index(verdict))


def _emotions(data: Path) -> Iterator[Example]:
    for _, row in _uncut(data, "emotion_weibo.jsonl"):
        if not is_held_out_emotion(row["text"]):
            yield Example(row["text"], "emotion_weibo", WEIGHTS["emotion_weibo"], emotion=EMOTIONS.index(row["label"]))


def _cars(data: Path) -> Iterator[Example]:
    """The posts but a fifth, which measures; with their polarity where all opinions have the same."""
    for _, row in _uncut(data, "car_aspects.jsonl"):
        if aspect_sets.is_held_out_car(row):
            continue
        said = {opinion["sentiment"] for opinion in row["aspects"]}
        yield Example(
            row["text"],
            "car_aspects",
            WEIGHTS["car_aspects"],
            sentiment=SENTIMENTS.index(said.pop()) if len(said) == 1 else None,
            aspects=aspect_sets.label_of("auto", aspect_sets.of_cars(row)),
        )


def _opinions(data: Path) -> Iterator[Example]:
    cut = measuring_rows()
    for n, each in enumerate(opinion_sets.restaurants(data / "restaurant_triplets_train.jsonl")):
        if str(n) not in cut.get("restaurant_triplets_train.jsonl", ()):
            yield replace(_marked(each, "restaurant_triplets"), aspects=aspect_sets.of_restaurant(each))
    reviews = rows(data / "makeup_opinions.jsonl")
    for n, (each, row) in enumerate(zip(opinion_sets.makeup(data / "makeup_opinions.jsonl"), reviews, strict=True)):
        if str(n) not in cut.get("makeup_opinions.jsonl", ()):
            label = aspect_sets.label_of("beauty", aspect_sets.of_makeup(row))
            yield replace(_marked(each, "makeup_opinions"), aspects=label)
    for each in opinion_sets.read_opinions(data, "opinions"):
        yield _marked(each, "opinions", sentiment=False)


def _marked(marked: Marked, source: str, *, sentiment: bool = True) -> Example:
    """The text with its opinions and, where they agree, with their polarity."""
    said = {opinion.sentiment for opinion in marked.opinions}
    return Example(
        marked.text,
        source,
        WEIGHTS[source],
        sentiment=said.pop() if sentiment and len(said) == 1 else None,
        opinions=marked.opinions,
    )


def _aspects(data: Path) -> Iterator[Example]:
    for each in aspect_sets.read_aspects(data, "aspects"):
        label = aspect_sets.label_of(each.taxonomy, each.said[0])
        yield Example(each.text, "aspects", WEIGHTS["aspects"], aspects=label)


def _starred(data: Path) -> Iterator[Example]:
    for _, row in _uncut(data, "asap_train_sample.jsonl"):
        yield _by_stars(row["text"], "asap", float(row["star"]))
    cut = measuring_rows().get("meituan_reviews.csv", set())
    for n, row in enumerate(table(data / "meituan_reviews.csv")):
        if str(n) not in cut:
            yield _by_stars(row["comment"], "meituan", int(row["star_x10"]) / 10)


def _by_stars(text: str, source: str, stars: float) -> Example:
    if stars == 3:
        return Example(text, source, NEUTRAL_STARS_WEIGHT, sentiment=SENTIMENTS.index("neutral"))
    return Example(text, source, WEIGHTS[source], polarity=int(stars > 3))


def _uncut(data: Path, name: str) -> Iterator[tuple[int, dict]]:  # type: ignore[type-arg]
    """The rows of a file that no measuring segment was cut from, numbered."""
    cut = measuring_rows().get(name, set())
    for n, row in enumerate(rows(data / name)):
        if str(n) not in cut:
            yield n, row
