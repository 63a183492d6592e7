"""Writes a labelled set of segments as a gold file that `feedback evaluate` reads.

python -m nlp.training.gold --data DIR --name dev > segments_dev.jsonl
"""

import argparse
import json
from pathlib import Path

from nlp.training.corpus import FIELDS, labelled_segments


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the labelled data")
    parser.add_argument("--name", default="dev", help="the set: dev or train")
    arguments = parser.parse_args()
    for segment in labelled_segments(arguments.data, arguments.name):
        labels = {field: list(getattr(segment, field)) for field in FIELDS}
        print(json.dumps({"text": segment.text, "source": segment.source, **labels}, ensure_ascii=False))


if __name__ == "__main__":
    main()
