"""`make demo`: the example shop from its exports to a digest, in a folder of its own."""

import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
DEMO = HERE.parent / "demo"
# The last week, then the month in which the courier changed: there the story shows beyond chance.
_STEPS = (
    ["collect"],
    ["analyze"],
    ["digest", "--period", "2026-W09"],
    ["verify", "digests/2026-W09.json"],
    ["digest", "--period", "2026-02"],
    ["verify", "digests/2026-02.json"],
)


def main() -> None:
    shutil.rmtree(DEMO, ignore_errors=True)
    shutil.copytree(HERE / "shop", DEMO)
    for command in _STEPS:
        print(f"\n$ feedback {' '.join(command)}", flush=True)
        subprocess.run([sys.executable, "-m", "feedback", *command], cwd=DEMO, check=True)
    print("\nThe digests as pages, to open in a browser:")
    for page in sorted((DEMO / "digests").glob("*.html")):
        print(f"  {page}")
    print(f"Browse the data: cd {DEMO} && {Path(sys.executable).parent / 'feedback'} browse")


if __name__ == "__main__":
    main()
