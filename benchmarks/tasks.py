"""What is measured, each task in a process of its own: `python -m benchmarks.tasks '{"task": "collect", …}'` prints a JSON object.

A process of its own, so that peak memory is the task's and nothing is warm from the one before.
"""

import csv
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.peers import Judge

# Imported where they are measured: feedback, nlp, storage and the peers' packages.

SEARCHES = ("物流", "物流太慢", "客服 态度", "包装破了", "iPhone15续航", "退款", "好吃", "性价比")


def measured(work: Callable[[], int]) -> dict[str, float]:
    """Wall and CPU seconds of `work`, those of the processes it started included, and how many rows it says it did."""
    wall, cpu = time.perf_counter(), _cpu_seconds()
    rows = work()
    return {"rows": rows, "wall": time.perf_counter() - wall, "cpu": _cpu_seconds() - cpu}


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def prepare(path: str, data: str | None, mix: Any, rows: int) -> dict[str, float]:
    from benchmarks.reviews import write_csv

    return {"bytes": write_csv(Path(path), _path(data), mix, rows)}


def grow(path: str, share: float) -> dict[str, float]:
    """The export a day later: some of its rows once more, with new ids, at its end."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    with Path(path).open("a", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([f"new{row[0]}", *row[1:]] for row in rows[: int(len(rows) * share)])
    return {"rows": int(len(rows) * share)}


def collect(folder: str, export: str) -> dict[str, float]:
    from feedback.collectors.base import SourceConfig
    from feedback.pipeline import collect as collect_source
    from feedback.project import Project
    from storage.store import Store

    project = Project(folder=Path(folder), name="bench")
    source = SourceConfig(name="shop", collector="table", paths=(export,), base=Path(folder))
    sums: dict[str, int] = {}

    def work() -> int:
        with Store.open(project.database) as store:
            done = collect_source(store, project, source, lambda *_: None)
        sums.update(added=done.added, duplicates=done.duplicates)
        return done.added + done.changed + done.unchanged

    return measured(work) | sums | {"database_bytes": project.database.stat().st_size}


def analyze(folder: str, engine: str = "fast") -> dict[str, float]:
    from feedback.pipeline import analyze as analyze_project
    from feedback.project import Project
    from storage.store import Store

    project = Project(folder=Path(folder), name="bench", engine=engine)
    sums: dict[str, int] = {}

    def work() -> int:
        with Store.open(project.database) as store:
            done = analyze_project(store, project, lambda *_: None)
        sums["segments"] = done.segments
        return done.verbatims

    return measured(work) | sums


def digest(folder: str, period: str) -> dict[str, float]:
    from feedback.digest.make import make_digest, newest_period
    from feedback.project import Project
    from storage.store import Store

    project = Project(folder=Path(folder), name="bench", engine="fast")
    with Store.open(project.database) as store:
        segments = store.connection.execute("select count(*) from segments").fetchone()[0]

        def work() -> int:
            make_digest(store, project, newest_period(store, project, period))
            return int(segments)

        return measured(work)


def search(folder: str) -> dict[str, float]:
    """The median and the worst of `SEARCHES`, each asked three times, after one that loads the dictionary."""
    from feedback.project import Project
    from nlp.normalize import fold
    from storage.search import search as find
    from storage.store import Store

    seconds = []
    with Store.open(Project(folder=Path(folder), name="bench").database) as store:
        find(store.connection, "你好", 20)
        for query in SEARCHES:
            for _ in range(3):
                seconds.append(measured(lambda query=query: len(find(store.connection, fold(query), 20)))["wall"])  # type: ignore[misc]
        rows = store.connection.execute("select count(*) from verbatims").fetchone()[0]
    return {"rows": rows, "median": statistics.median(seconds), "worst": max(seconds)}


def engine(name: str, data: str | None, rows: int) -> dict[str, float]:
    """Whole reviews through one engine, after a warm-up; accuracy when the reviews are labelled."""
    from benchmarks.reviews import labelled, texts

    sample = labelled(Path(data), rows) if data else [(text, True) for text in texts(None, "unique", rows)]
    judge = _ENGINES[name]()
    judge(["物流很快，包装也好"])
    verdicts: list[bool] = []

    def work() -> int:
        verdicts.extend(judge([text for text, _ in sample]))
        return len(sample)

    result = measured(work)
    if data:
        right = sum(verdict == positive for verdict, (_, positive) in zip(verdicts, sample, strict=True))
        result["accuracy"] = right / len(sample)
    return result


def embed_topics(data: str, name: str, most: int, cache: str) -> dict[str, float]:
    from benchmarks import topics

    def work() -> int:
        topics.embed(Path(data), name, most, Path(cache))
        return most

    return measured(work)


def topics(data: str, name: str, most: int, cache: str, finder: str) -> dict[str, float]:
    """Topics by one of `topics.FINDERS`, after a warm-up, and how good they are; ours once more with the texts shuffled."""
    import numpy as np

    from benchmarks import topics as comparing

    texts, categories = comparing.texts_of(Path(data), name, most)
    vectors = np.load(cache)
    find = comparing.FINDERS[finder]
    find(texts[:1500], vectors[:1500])
    found: list[tuple[list[int], list[list[str]]]] = []

    def work() -> int:
        found.append(find(texts, vectors))
        return len(texts)

    result = measured(work)
    labels, keywords = found[0]
    documents = [comparing.content_words(text) for text in texts]
    result |= comparing.measure(labels, keywords, documents, categories)
    if finder == "yuansheng":
        order = np.random.default_rng(comparing.SEED).permutation(len(texts))
        again, words = find([texts[n] for n in order], vectors[order])
        result["same"] = float([labels[n] for n in order] == again and words == keywords)
    return result


def topics_whole(data: str, most: int) -> dict[str, float]:
    """What `feedback topics` does for the first time with so many opinions, their embeddings included."""
    from benchmarks import topics as comparing
    from feedback.topics.find import find_topics

    texts, _ = comparing.texts_of(Path(data), "segments", most)
    with comparing.analysed(texts) as (store, project):

        def work() -> int:
            found = find_topics(store, project, lambda *_: None)
            lives.append(found.topics)
            return len(texts)

        lives: list[int] = []
        return measured(work) | {"topics": lives[0]}


def jieba(data: str | None, rows: int) -> dict[str, float]:
    """What cutting reviews into words costs: a measure of the machine at this moment."""
    import jieba as cutter

    from benchmarks.reviews import texts

    sample = list(texts(_path(data), "repeated", rows))
    cutter.initialize()
    return measured(lambda: sum(1 for text in sample if cutter.lcut(text)))


def _own(name: str) -> Callable[[], Judge]:
    def load() -> Judge:
        from nlp.engine import load_engine

        model = load_engine(name)
        return lambda reviews: [marks.sentiment_score >= 0 for marks in model.mark(reviews)]

    return load


_ENGINES: dict[str, Callable[[], Judge]] = {
    "fast": _own("fast"),
    "auto": _own("auto"),
    "encoder": _own("encoder"),
    "pipeline": peers.pipeline,
    "plain_export": peers.plain_export,
    "snownlp": peers.snownlp,
    "pysenti": peers.pysenti,
}
_TASKS: dict[str, Callable[..., dict[str, float]]] = {
    task.__name__: task
    for task in (prepare, grow, collect, analyze, digest, search, engine, embed_topics, topics, topics_whole, jieba)
}


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def peak_mb() -> float:
    """The most memory this process has held, and the largest one it started. Linux counts in KiB, macOS in bytes."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_maxrss for usage in usages) / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    arguments = json.loads(sys.argv[1])
    result = _TASKS[arguments.pop("task")](**arguments)
    print(json.dumps(result | {"peak_mb": peak_mb()}))


if __name__ == "__main__":
    main()
