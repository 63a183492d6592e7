"""Precision and recall of the masking of personal data: one table from `tests/cases/pii.jsonl`.

    python benchmarks/pii.py [CASES]

A finding counts only when kind, start and end all agree. Cases marked `known_failure` count like the others.
Exits 1 when the file can't be read.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict, get_args

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from feedback.pii import Kind, find  # noqa: E402

CASES = ROOT / "tests" / "cases" / "pii.jsonl"


class Case(TypedDict):
    text: str
    spans: list[tuple[int, int, str]]


def count(cases: Iterable[Case]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """True positives, false positives and misses, per kind."""
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for case in cases:
        wanted = {(start, end, kind) for start, end, kind in case["spans"]}
        got = {(one.start, one.end, one.kind) for one in find(case["text"])}
        right.update(kind for _, _, kind in got & wanted)
        wrong.update(kind for _, _, kind in got - wanted)
        missed.update(kind for _, _, kind in wanted - got)
    return right, wrong, missed


def percent(part: int, whole: int) -> str:
    return f"{part / whole:7.3f}" if whole else "      –"


def padded(name: str, width: int) -> str:
    """`name` and blanks; a Han character is two columns wide."""
    return name + " " * (width - sum(2 if ord(char) > 0x2E80 else 1 for char in name))


def table(cases: list[Case]) -> str:
    right, wrong, missed = count(cases)
    rows = [(kind, right[kind], wrong[kind], missed[kind]) for kind in get_args(Kind)]
    rows.append(("all", right.total(), wrong.total(), missed.total()))
    lines = [f"{'kind':10}   found   wrong  missed  precision  recall"]
    for kind, true, false, miss in rows:
        lines.append(
            f"{padded(kind, 10)} {true:7} {false:7} {miss:7}    {percent(true, true + false)} {percent(true, true + miss)}"
        )
    negative = [case for case in cases if not case["spans"]]
    kept = sum(not find(case["text"]) for case in negative)
    lines.append(f"{len(cases)} cases; of {len(negative)} that hold nothing personal, {kept} were left alone.")
    return "\n".join(lines)


def main() -> int:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CASES
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        print(f"Can't read {path}: {error.strerror}.", file=sys.stderr)
        return 1
    print(table([json.loads(line) for line in lines]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
