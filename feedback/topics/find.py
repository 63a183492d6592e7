"""Find topics: what customers talk about that nobody thought to list.

A run first lets every new text join the topic that it is nearest to; only what belongs to none is searched for new ones (births). A topic that has doubled is looked at for parts that lie apart
(splits), topics that have come to mean the same are joined (merges), and one that nobody mentions any more ends. Everything that happens to a topic is an event. The same texts in
any order give the same topics, and a run without new texts changes nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from feedback.collected import Progress
from feedback.project import Project
from nlp.encoder.embedder import load_embedder
from nlp.probabilities import Floats
from nlp.topics.density import PROMINENCE, SAMPLE, Space, find_centres, nearest, space_of
from nlp.topics.packing import packed, unpacked
from nlp.topics.words import content_words, keywords, label
from storage import topics as rows
from storage.journal import finish_run, start_run, utc_now
from storage.store import Store
from storage.topics import Event, TopicRow

LEAST = 15  # distinct texts below which there is no topic
EMBED_BATCH = 1000
_MOST_ROUNDS = 12
PART_LEAST = 5  # distinct texts of a part that a person asks for
_DOUBLED = 2
_PART = 0.2  # of a topic: what a part of it must hold to be one of its own
_CLEARLY = 2 * PROMINENCE
_ALIKE = 0.9  # similarity from which two topics mean the same
_WORDS_FROM = 60_000  # texts that keywords are counted in


@dataclass(frozen=True, slots=True)
class Found:
    """What a run came to: distinct texts, how many of them had no embedding yet, live topics, what happened."""

    texts: int
    embedded: int
    topics: int
    events: tuple[Event, ...]


class Embedding(Protocol):
    """What makes embeddings: a pure function of a text and of `version`."""

    @property
    def version(self) -> str: ...

    def embed(self, texts: Sequence[str]) -> Floats:
        """Unit vectors `(texts, width)`."""
        ...


def find_topics(
    store: Store, project: Project, progress: Progress, least: int = LEAST, embedder: Embedding | None = None
) -> Found:
    """Bring the topics up to date with what customers say, by the embeddings of the project's encoder unless another is given.

    Interrupted, it keeps the embeddings made so far.
    """
    with store.transaction() as connection:
        run_id = start_run(connection, "topics", None)
    status, message = "failed", None
    try:
        embedder = embedder or load_embedder(project.engine)
        with store.transaction() as connection:
            texts = rows.gather_texts(connection)
        embedded = _embed(store, embedder, progress)
        with store.transaction() as connection:
            run = Run(store, project, least)
            run.update(embedder.version, texts)
            for event in run.events:
                rows.log_event(connection, run_id, run.at, event)
        status = "done"
        live = sum(topic.status == "live" for topic in rows.read_topics(store.connection))
        return Found(texts, embedded, live, tuple(run.events))
    except BaseException as error:
        message = f"{type(error).__name__}: {error}"[:500]
        raise
    finally:
        with store.transaction() as connection:
            finish_run(connection, run_id, status, message)


def _embed(store: Store, embedder: Embedding, progress: Progress) -> int:
    done = 0
    while waiting := rows.texts_to_embed(store.connection, embedder.version, EMBED_BATCH):
        vectors = embedder.embed([text.strip() for _, text in waiting])
        with store.transaction() as connection:
            digests = (digest for digest, _ in waiting)
            rows.save_embeddings(connection, embedder.version, zip(digests, packed(vectors), strict=True))
        done += len(waiting)
        progress("embed", len(waiting))
    return done


class Run:
    """One update, inside a transaction."""

    def __init__(self, store: Store, project: Project, least: int) -> None:
        self.connection, self.project, self.least = store.connection, project, least
        self.at = utc_now()
        self.events: list[Event] = []
        self.born: list[int] = []
        self.space: Space | None = None

    def update(self, encoder: str, texts: int) -> None:
        said = rows.read_space(self.connection)
        if said is None:
            if texts < max(2, self.least):
                return
            self._make_space(encoder, texts)
        elif said.encoder != encoder or texts >= _DOUBLED * said.texts:
            self._move(said, encoder, texts)
        else:
            self.read_space()
        self._assign()
        self._births()
        self._splits()
        self._merges()
        self._ends()
        rows.publish_members(self.connection)
        self.name_topics()

    def read_space(self) -> None:
        said = rows.read_space(self.connection)
        assert said is not None
        self.space = _space(said)

    def _make_space(self, encoder: str, texts: int) -> None:
        """The space that the texts show."""
        vectors, leaning = zip(*rows.leaning_embeddings(self.connection, SAMPLE), strict=True)
        self.space = space_of(unpacked(vectors), np.array(leaning, dtype=np.float32))
        mean, direction = self.space.mean.tobytes(), self.space.direction.tobytes()
        rows.save_space(self.connection, rows.SpaceRow(encoder, mean, direction, texts))

    def _move(self, said: rows.SpaceRow, encoder: str, texts: int) -> None:
        """Another encoder's space, or that of twice as many texts: topics keep their members, whose means are their centres there."""
        centres: dict[int, list[Floats]] = {}
        for topic, vector in rows.read_centres(self.connection):
            centres.setdefault(topic, []).append(np.frombuffer(vector, dtype=np.float32))
        if said.encoder == encoder:
            self.space = _space(said)
        else:  # which of a topic's centres a member was near can't be told any more
            centres = {topic: several[:1] for topic, several in centres.items()}
        nearest_of = {topic: self._nearest_of(topic, np.stack(several)) for topic, several in centres.items()}
        self._make_space(encoder, texts)
        for topic, places in nearest_of.items():
            members = list(self._pages(topic))
            if not members:
                if said.encoder != encoder:  # where it was in another encoder's space says nothing
                    rows.set_centres(self.connection, topic, [])
                continue
            seen = np.concatenate([part for _, part, _ in members])
            moved = np.stack([_unit_mean(seen[places == n]) for n in np.unique(places)])
            rows.set_centres(self.connection, topic, [centre.tobytes() for centre in moved])
            similarity = (seen @ moved.T).max(axis=1)
            digests = [digest for part, _, _ in members for digest in part]
            rows.save_members(
                self.connection, ((d, topic, float(how)) for d, how in zip(digests, similarity, strict=True))
            )

    def _nearest_of(self, topic: int, centres: Floats) -> npt.NDArray[np.int64]:
        """Which of its centres each member of a topic is nearest to, in the order of the members."""
        if len(centres) == 1:
            return np.zeros(rows.member_counts(self.connection).get(topic, 0), dtype=np.int64)
        return np.concatenate([(seen @ centres.T).argmax(axis=1) for _, seen, _ in self._pages(topic)])

    def _pages(
        self, topic: int | None = None, *, everything: bool = False, limit: int | None = None
    ) -> Iterator[tuple[list[bytes], Floats, list[int | None]]]:
        """Digests, vectors as the space shows them, topics."""
        assert self.space is not None
        for page in rows.embeddings(self.connection, topic=topic, everything=everything, limit=limit):
            digests, pieces, topics = zip(*page, strict=True)
            yield list(digests), self.space.seen(unpacked(pieces)), list(topics)

    def _sample(self, topic: int | None) -> Floats:
        """The first `SAMPLE` texts of a topic, or of none; digests are in no order that means anything."""
        parts = [seen for _, seen, _ in self._pages(topic, limit=SAMPLE)]
        return np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)

    def _assign(self) -> None:
        """Texts of no topic join the nearest that there is."""
        centres = rows.read_centres(self.connection)
        if centres:
            places = np.stack([np.frombuffer(vector, dtype=np.float32) for _, vector in centres])
            self._join(places, [topic for topic, _ in centres])

    def _join(self, centres: Floats, topics: list[int]) -> None:
        for digests, seen, _ in self._pages(None):
            place, similarity = nearest(seen, centres)
            rows.save_members(
                self.connection,
                (
                    (digest, topics[where], float(how))
                    for digest, where, how in zip(digests, place.tolist(), similarity, strict=True)
                    if where >= 0
                ),
            )

    def _births(self) -> None:
        """Search what belongs to nothing until nothing more is found there."""
        for _ in range(_MOST_ROUNDS):
            sample = self._sample(None)
            free = sum(len(digests) for digests, _, _ in self._pages(None))
            if free < self.least:
                return
            centres = find_centres(sample, max(2, self.least * len(sample) // free))
            if not len(centres):
                return
            counts = np.zeros(len(centres), dtype=np.int64)
            for _, seen, _ in self._pages(None):
                place, _ = nearest(seen, centres)
                counts += np.bincount(place[place >= 0], minlength=len(centres))
            order = [n for n in np.argsort(-counts, kind="stable").tolist() if counts[n] >= self.least]
            if not order:
                return
            ids = [self._bear([centres[n]], int(counts[n])) for n in order]
            self._join(centres[order], ids)

    def _bear(self, centres: list[Floats], texts: int, *, hidden: bool = False) -> int:
        topic = TopicRow(rows.next_topic_id(self.connection), "", False, (), "live", False, hidden, texts)
        rows.add_topic(self.connection, topic, self.at, [centre.tobytes() for centre in centres])
        self.born.append(topic.id)
        return topic.id

    def _live(self) -> list[TopicRow]:
        return [topic for topic in rows.read_topics(self.connection) if topic.status == "live"]

    def _splits(self) -> None:
        """Topics that have doubled since they were last looked at, and are two things now."""
        counts = rows.member_counts(self.connection)
        for topic in self._live():
            count = counts.get(topic.id, 0)
            if topic.pinned or topic.id in self.born or count < _DOUBLED * topic.looked:
                continue
            rows.change_topic(self.connection, topic.id, looked=count)
            self.split(topic, max(self.least, int(_PART * count)), _CLEARLY)

    def split(self, topic: TopicRow, least: int, prominence: float) -> list[int]:
        """Take parts of a topic that lie apart out of it; the largest keeps its name and number. The new topics."""
        sample = self._sample(topic.id)
        count = rows.member_counts(self.connection).get(topic.id, 0)
        centres = find_centres(sample, max(2, least * len(sample) // max(1, count)), prominence)
        if len(centres) < 2:
            return []
        members = list(self._pages(topic.id))
        sizes = np.zeros(len(centres), dtype=np.int64)
        for _, seen, _ in members:
            sizes += np.bincount((seen @ centres.T).argmax(axis=1), minlength=len(centres))
        ids = [topic.id] + [
            self._bear([centres[n]], int(sizes[n]), hidden=topic.hidden) for n in range(1, len(centres))
        ]
        rows.set_centres(self.connection, topic.id, [centres[0].tobytes()])
        for digests, seen, _ in members:
            similarity = seen @ centres.T
            place = similarity.argmax(axis=1)
            best = similarity[np.arange(len(place)), place]
            rows.save_members(
                self.connection,
                ((d, ids[n], float(how)) for d, n, how in zip(digests, place.tolist(), best, strict=True)),
            )
        self.events += [Event("split", new, topic.id, "") for new in ids[1:]]
        return ids[1:]

    def _merges(self) -> None:
        """Topics that have come to mean the same: the smaller goes into the larger."""
        means = self._means()
        counts = rows.member_counts(self.connection)
        live = [t for t in self._live() if not t.is_touched and t.id in means and t.id not in self.born]
        live.sort(key=lambda topic: (-counts.get(topic.id, 0), topic.id))
        gone: set[int] = set()
        for n, larger in enumerate(live):
            for smaller in live[n + 1 :]:
                if {larger.id, smaller.id} & gone or float(means[larger.id] @ means[smaller.id]) < _ALIKE:
                    continue
                merge(self.connection, smaller.id, larger.id, self.at)
                gone.add(smaller.id)
                self.events.append(Event("merge", smaller.id, larger.id, ""))

    def _means(self) -> dict[int, Floats]:
        """The mean of each topic's members, a unit vector."""
        sums: dict[int, Floats] = {}
        for _, seen, topics in self._pages(everything=True):
            belongs = np.array([-1 if topic is None else topic for topic in topics])
            for topic in np.unique(belongs[belongs >= 0]).tolist():
                part = seen[belongs == topic].sum(axis=0)
                sums[topic] = sums[topic] + part if topic in sums else part
        return {topic: (total / np.linalg.norm(total)).astype(np.float32) for topic, total in sorted(sums.items())}

    def _ends(self) -> None:
        counts = rows.member_counts(self.connection)
        for topic in self._live():
            if not topic.is_touched and not counts.get(topic.id):
                rows.change_topic(self.connection, topic.id, status="gone", ended_at=self.at)
                self.events.append(Event("death", topic.id, None, topic.label))

    def name_topics(self) -> None:
        """Keywords of all topics as they are now; labels of the new ones, which keep them from then on."""
        texts = [
            (topic, content_words(text, self.project.words))
            for topic, text in rows.member_texts(self.connection, _WORDS_FROM)
        ]
        found = keywords(texts)
        live = self._live()
        taken = {topic.label for topic in live}
        for topic in live:
            named = found.get(topic.id, ())
            if topic.id in self.born and not topic.named:
                name = label(named, (words for of, words in texts if of == topic.id), taken) or f"主题 {topic.id}"
                taken.add(name)
                rows.change_topic(self.connection, topic.id, label=name)
                self.events = [replace(e, detail=name) if e.topic_id == topic.id else e for e in self.events]
                if not any(event.topic_id == topic.id for event in self.events):
                    self.events.append(Event("birth", topic.id, None, name))
            if named != topic.keywords:
                rows.change_topic(self.connection, topic.id, keywords=" ".join(named))


def _space(said: rows.SpaceRow) -> Space:
    return Space(*(np.frombuffer(part, dtype=np.float32) for part in (said.mean, said.direction)))


def _unit_mean(vectors: Floats) -> Floats:
    mean: Floats = vectors.mean(axis=0)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)
    return mean


def merge(connection: sqlite3.Connection, smaller: int, larger: int, at: str) -> None:
    """All that belongs to one topic belongs to the other from now on, and so will what resembles it."""
    centres = [vector for topic, vector in rows.read_centres(connection) if topic in (smaller, larger)]
    rows.set_centres(connection, larger, centres)
    rows.set_centres(connection, smaller, [])
    rows.move_members(connection, smaller, larger)
    rows.change_topic(connection, smaller, status="merged", ended_at=at)
