"""How much of the collectors the tests run, line by line: `make coverage`. Exits 1 where it is less than 95 in 100 of a collector, marked with a star.

What a process of its own runs is not counted: the limits of the web client are tested so, plugins too. Nor is what needs a database server, where there is none.
"""

import sys
from pathlib import Path

import coverage
import pytest

from feedback.collectors.registry import _BUILT_IN

TESTS = Path(__file__).parent
LEAST = 95.0


def main() -> int:
    named = [path for path in sorted(TESTS.glob("test_*.py")) if "feedback.collectors" in path.read_text("utf-8")]
    measured = coverage.Coverage(source_pkgs=["feedback.collectors"], data_file=None)
    measured.start()
    failed = pytest.main(["-q", *map(str, named), *map(str, TESTS.glob("test_live_contract_*.py"))])
    measured.stop()
    low = 0
    root = TESTS.parent
    collectors = {root / f"{place.partition(':')[0].replace('.', '/')}.py" for place in _BUILT_IN.values()}
    for path in sorted((root / "feedback" / "collectors").rglob("*.py")):
        _, lines, _, missing, _ = measured.analysis2(str(path))
        share = 100 * (1 - len(missing) / len(lines)) if lines else 100.0
        is_collector = path in collectors or (
            path.name == "__init__.py" and path.parent.with_suffix(".py") in collectors
        )
        low += is_collector and share < LEAST
        print(f"{'*' if is_collector else ' '} {share:6.1f} {path.relative_to(root)} {missing or ''}")
    return int(failed or low > 0)


if __name__ == "__main__":
    sys.exit(main())
