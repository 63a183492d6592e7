"""python -m benchmarks [--data DIR] [--quick] [--only GROUP]: one table of speed, memory and growth, beside peers.

Each figure comes from a process of its own (`tasks.py`); small ones are the median of three by wall time.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RANDOM = ("pipeline", "plain_export")  # their weights are drawn, so what they say is nothing
ONCE_ABOVE = 20_000  # rows; beyond, a task runs once

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Sizes:
    collect: tuple[int, ...] = (10_000, 100_000, 300_000)
    analyze: tuple[int, ...] = (10_000, 100_000, 300_000)
    fast: int = 2_000
    encoder: int = 1_000
    pipeline: int = 300
    pysenti: int = 2_000
    snownlp: int = 300
    topics: int = 20_000
    topics_whole: int = 100_000


QUICK = Sizes(
    collect=(1_000, 5_000),
    analyze=(1_000,),
    fast=500,
    encoder=100,
    pipeline=30,
    pysenti=500,
    snownlp=50,
    topics=3_000,
    topics_whole=5_000,
)


class Bench:
    """A temporary folder with exports and projects in it, and the tasks that run on them."""

    def __init__(self, folder: Path, data: Path | None, sizes: Sizes) -> None:
        self.folder = folder
        self.data = str(data) if data else None
        self.sizes = sizes

    def run(self, task: str, **arguments: object) -> Figures:
        command = [sys.executable, "-m", "benchmarks.tasks", json.dumps({"task": task, **arguments})]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{task} {arguments} failed:\n{done.stderr}")
        figures: Figures = json.loads(done.stdout)
        return figures

    def median(self, rows: int, measure: Callable[[], Figures]) -> Figures:
        runs = [measure() for _ in range(1 if rows > ONCE_ABOVE else 3)]
        return sorted(runs, key=lambda figures: figures["wall"])[len(runs) // 2]

    def export(self, mix: str, rows: int) -> Path:
        path = self.folder / f"{mix}-{rows}.csv"
        if not path.exists():
            self.run("prepare", path=str(path), data=self.data, mix=mix, rows=rows)
        return path

    def yardstick(self) -> str:
        """How fast the machine is just now, at something everybody knows."""
        return line("jieba 0.42.1 cuts such reviews", self.run("jieba", data=self.data, rows=self.sizes.fast))

    def project(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def fresh(self, export: Path) -> Figures:
        """Collect into a database that does not exist yet."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            return self.run("collect", folder=folder, export=str(export))


def collecting(bench: Bench) -> Iterator[str]:
    yield head("collect: read, clean, mask, find copies, index, store")
    yield bench.yardstick()
    for mix, title in (
        ("repeated", "as they are, repeated"),
        ("unique", "sentences mixed anew"),
        ("copies", "one in five a copy"),
    ):
        for rows in bench.sizes.collect:
            export = bench.export(mix, rows)
            figures = bench.median(rows, lambda export=export: bench.fresh(export))  # type: ignore[misc]
            yield line(title, figures, f"{int(figures['duplicates']):,} copies")
    rows = bench.sizes.collect[min(1, len(bench.sizes.collect) - 1)]
    project, export = bench.project("again"), bench.folder / "again.csv"
    bench.run("prepare", path=str(export), data=bench.data, mix="unique", rows=rows)
    bench.run("collect", folder=str(project), export=str(export))
    yield line("the same file again", bench.run("collect", folder=str(project), export=str(export)) | {"rows": rows})
    bench.run("grow", path=str(export), share=0.01)
    grown = bench.run("collect", folder=str(project), export=str(export))
    yield line("the file grown by 1 %", grown, f"{int(grown['added']):,} new")


def analyzing(bench: Bench) -> Iterator[str]:
    yield head("analyze (rows are reviews)")
    yield bench.yardstick()
    for rows in bench.sizes.analyze:
        project = bench.project(f"analyze-{rows}")
        bench.run("collect", folder=str(project), export=str(bench.export("repeated", rows)))
        figures = bench.run("analyze", folder=str(project))
        segments = int(figures["segments"])
        yield line("whole project, fast", figures, f"{segments:,} segments, {segments / figures['wall']:,.0f}/s")
    rows = bench.sizes.analyze[0]
    for engine in ("auto", "encoder"):
        project = bench.project(f"analyze-{engine}")
        bench.run("collect", folder=str(project), export=str(bench.export("repeated", rows)))
        figures = bench.run("analyze", folder=str(project), engine=engine)
        segments = int(figures["segments"])
        yield line(f"whole project, {engine}", figures, f"{segments:,} segments, {segments / figures['wall']:,.0f}/s")


def judging(bench: Bench) -> Iterator[str]:
    yield head("engine alone, whole reviews")
    base = 0.0
    for name, title, rows in (
        ("fast", "yuansheng fast", bench.sizes.fast),
        ("auto", "yuansheng auto", bench.sizes.fast),
        ("encoder", "yuansheng encoder", bench.sizes.encoder),
        ("pipeline", "transformers pipeline, its shape", bench.sizes.pipeline),
        ("plain_export", "its shape, plain export, cut at 96", bench.sizes.encoder),
        ("pysenti", "pysenti 0.1.8 (model)", bench.sizes.pysenti),
        ("snownlp", "SnowNLP 0.12.3", bench.sizes.snownlp),
        ("fast", "yuansheng fast, SnowNLP's sample", bench.sizes.snownlp),
    ):
        figures = bench.run("engine", name=name, data=bench.data, rows=rows)
        speed = figures["rows"] / figures["cpu"]
        base = base or speed
        accuracy = f"accuracy {figures['accuracy']:.3f}, " if "accuracy" in figures and name not in RANDOM else ""
        yield line(title, figures, f"{accuracy}speed x {speed / base:.3f}")


def asking(bench: Bench) -> Iterator[str]:
    yield head("digest (rows are segments) and search")
    for rows in bench.sizes.analyze:
        project = bench.project(f"analyze-{rows}")
        if not (project / "feedback.db").exists():
            bench.run("collect", folder=str(project), export=str(bench.export("repeated", rows)))
            bench.run("analyze", folder=str(project))
        for period in ("month", "all"):
            figures = bench.median(rows, lambda p=project, t=period: bench.run("digest", folder=str(p), period=t))  # type: ignore[misc]
            yield line(f"digest, {period}", figures)
    rows = bench.sizes.collect[-1]
    project = bench.project("search")
    bench.run("collect", folder=str(project), export=str(bench.export("unique", rows)))
    found = bench.run("search", folder=str(project))
    times = f"{found['median']:9.4f} {'':26} {found['peak_mb']:8.0f} {os.getloadavg()[0]:5.1f}"
    yield f"{'search, median':34} {found['rows']:9,.0f} {times}  worst {found['worst']:.4f} s"
    walls = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "feedback", "--help"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - start)
    yield f"{'feedback --help':34} {'':>9} {sorted(walls)[1]:9.2f}"


def finding_topics(bench: Bench) -> Iterator[str]:
    yield head("topics (rows are texts), embeddings given")
    if bench.data is None:
        yield "only with --data: generated reviews have no topics of their own"
        return
    for name in ("segments", "reviews"):
        cache = bench.folder / f"topics-{name}.npy"
        given = {"data": bench.data, "name": name, "most": bench.sizes.topics, "cache": str(cache)}
        yield line(f"embed, {name}", bench.run("embed_topics", **given))
        for finder in ("yuansheng", "bertopic"):
            figures = bench.run("topics", finder=finder, **given)
            note = (
                f"{figures['topics']:.0f} topics, unassigned {figures['unassigned']:.3f}, NPMI {figures['npmi']:.3f}, "
            )
            note += f"diversity {figures['diversity']:.3f}"
            if "nmi" in figures:
                note += f", NMI {figures['nmi']:.4f}"
            if "same" in figures:
                note += f", shuffled {'the same' if figures['same'] else 'OTHERS'}"
            yield line(f"{finder}, {name}", figures, note)
    figures = bench.run("topics_whole", data=bench.data, most=bench.sizes.topics_whole)
    yield line("yuansheng, embedding included", figures, f"{figures['topics']:.0f} topics")


GROUPS: dict[str, Callable[[Bench], Iterator[str]]] = {
    "collect": collecting,
    "analyze": analyzing,
    "engines": judging,
    "ask": asking,
    "topics": finding_topics,
}


def head(title: str) -> str:
    return f"\n{title}\n{'':34} {'rows':>9} {'wall s':>9} {'cpu s':>8} {'rows/s':>8} {'/cpu s':>8} {'peak MB':>8} {'load':>5}"


def line(title: str, figures: Figures, note: str = "") -> str:
    rows, wall, cpu = figures["rows"], figures["wall"], figures["cpu"]
    return (
        f"{title:34} {rows:9,.0f} {wall:9.2f} {cpu:8.2f} {rows / wall:8,.0f} {rows / max(cpu, 1e-9):8,.0f} "
        f"{figures['peak_mb']:8.0f} {os.getloadavg()[0]:5.1f}  {note}"
    ).rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder with jd_reviews.csv, meituan_reviews.csv, reviews_binary_*.jsonl"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything runs")
    parser.add_argument("--only", choices=GROUPS, help="one group of the table")
    arguments = parser.parse_args()
    data = arguments.data.resolve() if arguments.data else None
    source = "real reviews" if data else "generated reviews"
    print(
        f"{date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores ({platform.machine()}), "
        f"load {os.getloadavg()[0]:.1f} at the start, {source}"
    )
    with tempfile.TemporaryDirectory(prefix="yuansheng-bench-") as folder:
        bench = Bench(Path(folder), data, QUICK if arguments.quick else Sizes())
        for name in [arguments.only] if arguments.only else GROUPS:
            for row in GROUPS[name](bench):
                print(row, flush=True)


if __name__ == "__main__":
    main()
