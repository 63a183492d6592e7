"""Topics beside BERTopic: the same texts, embeddings and words, each in a process of its own.

Coherence is the mean normalised pointwise mutual information of a topic's ten keywords, counted in the texts themselves (Bouma 2009); diversity the share of keywords that are no other
topic's as well (Dieng, Ruiz & Blei 2020). Where texts have a category, its normalised mutual information with the topics; what belongs to none counts as one topic more.
"""

import json
import math
import random
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nlp.probabilities import Floats
from nlp.topics.words import content_words

if TYPE_CHECKING:
    from feedback.project import Project
    from storage.store import Store

KEYWORDS = 10
NONE = -1
SEED = 20261129

Labels = list[int]
Keywords = list[list[str]]


def texts_of(data: Path, name: str, most: int) -> tuple[list[str], list[str] | None]:
    """`segments`: opinions from reviews of online shops, with what was bought; `reviews`: those of EPRSTMT without labels."""
    from nlp.segmenter import segment

    if name == "reviews":
        with (data / "eprstmt_unlabeled.jsonl").open(encoding="utf-8") as lines:
            return [json.loads(line)["text"] for line in lines][:most], None
    with (data / "reviews_binary_train.jsonl").open(encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["src"].startswith("shop_")]
    random.Random(SEED).shuffle(rows)
    found = [
        (words, row["src"])
        for row in rows
        for start, end in segment(row["text"])
        if (words := row["text"][start:end].strip())
    ][:most]
    return [words for words, _ in found], [source for _, source in found]


def embed(data: Path, name: str, most: int, cache: Path) -> None:
    """The embeddings of the texts, in their order, into a file."""
    from nlp.encoder.embedder import load_embedder

    texts, _ = texts_of(data, name, most)
    distinct = list(dict.fromkeys(texts))
    vectors = load_embedder("encoder").embed(distinct)
    place = {text: n for n, text in enumerate(distinct)}
    np.save(cache, vectors[[place[text] for text in texts]])


@contextmanager
def analysed(texts: Sequence[str]) -> "Iterator[tuple[Store, Project]]":
    """A project whose database holds these texts, analysed."""
    from feedback.project import Project
    from storage.store import Store

    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "feedback.db") as store:
        with store.transaction() as connection:
            _fill(connection, texts)
        yield store, Project(folder=Path(folder), name="bench")


def own(texts: Sequence[str], vectors: Floats) -> tuple[Labels, Keywords]:
    """The product itself, from a database of analysed texts to topics in it; the embeddings are given."""
    from feedback.topics.find import find_topics

    class Given:
        version = "given"

        def __init__(self) -> None:
            self._vectors = dict(zip(texts, vectors, strict=True))

        def embed(self, wanted: Sequence[str]) -> Floats:
            return np.stack([self._vectors[text] for text in wanted])

    with analysed(texts) as (store, project):
        find_topics(store, project, lambda *_: None, embedder=Given())
        rows = store.connection.execute(
            "select v.source_id, t.topic_id from verbatims v join segments s on s.verbatim_id = v.id "
            "left join segment_topics t on t.segment_id = s.id"
        ).fetchall()
        of = {int(n): NONE if topic is None else topic for n, topic in rows}
        named = store.connection.execute("select keywords from topics where status = 'live' order by id").fetchall()
    return [of[n] for n in range(len(texts))], [keywords.split() for (keywords,) in named]


def _fill(connection: sqlite3.Connection, texts: Sequence[str]) -> None:
    from nlp.engine import load_engine

    marks = load_engine("fast").mark(texts)
    connection.executemany(
        "insert into verbatims (id, source, source_id, kind, channel, role, text, content_hash) "
        "values (?, 'bench', ?, 'review', 'bench', 'customer', ?, 0)",
        ((n + 1, str(n), text) for n, text in enumerate(texts)),
    )
    connection.executemany(
        "insert into segments values (?, ?, 0, ?, ?, 1, ?, ?, 1, ?, 1, null)",
        (
            (n + 1, n + 1, len(text), said.stage, said.sentiment, said.sentiment_score, said.intent)
            for n, (text, said) in enumerate(zip(texts, marks, strict=True))
        ),
    )


def bertopic(texts: Sequence[str], vectors: Floats) -> tuple[Labels, Keywords]:
    """BERTopic as its documentation sets it up, with our words."""
    from bertopic import BERTopic
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(tokenizer=content_words, token_pattern=None, lowercase=False)
    model = BERTopic(language="multilingual", vectorizer_model=words, embedding_model=None)
    labels, _ = model.fit_transform(list(texts), vectors)
    topics = sorted(set(labels) - {NONE})
    return [int(label) for label in labels], [[word for word, _ in model.get_topic(n) if word] for n in topics]


FINDERS = {"yuansheng": own, "bertopic": bertopic}


def measure(
    labels: Labels, keywords: Keywords, documents: Sequence[Sequence[str]], categories: Sequence[str] | None
) -> dict[str, float]:
    """The figures of one result; `documents` are the content words of the texts."""
    tops = [words[:KEYWORDS] for words in keywords]
    figures = {
        "topics": float(len(tops)),
        "unassigned": sum(label == NONE for label in labels) / len(labels),
        "npmi": coherence(tops, documents),
        "diversity": diversity(tops),
    }
    if categories:
        from sklearn.metrics import normalized_mutual_info_score

        figures["nmi"] = float(normalized_mutual_info_score(categories, labels))
    return figures


def coherence(tops: Keywords, documents: Sequence[Sequence[str]]) -> float:
    wanted = {word for words in tops for word in words}
    single: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for document in documents:
        present = sorted(wanted.intersection(document))
        single.update(present)
        pairs.update(combinations(present, 2))
    means = [
        sum(_npmi(pair, single, pairs, len(documents)) for pair in combinations(sorted(words), 2))
        / math.comb(len(words), 2)
        for words in tops
        if len(words) > 1
    ]
    return sum(means) / len(means)


def _npmi(pair: tuple[str, str], single: Mapping[str, int], pairs: Mapping[tuple[str, str], int], texts: int) -> float:
    together = pairs[pair] / texts
    if together in (0, 1):
        return together * 2 - 1
    return math.log(together / (single[pair[0]] / texts * single[pair[1]] / texts)) / -math.log(together)


def diversity(tops: Keywords) -> float:
    words = [word for top in tops for word in top]
    return len(set(words)) / len(words)
