"""python -m benchmarks.transcripts FOLDER [--which odd|even] [--show]: how well pasted chats are read.

FOLDER holds transcripts NNN.txt, and NNN.json with the turns that are in each (`nlp.training.transcripts` makes some). A turn is right if role and words
are; a window's own notices count as a bot's. Who is asked about (`roles`) is answered from the truth, and counted.
"""

import argparse
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from feedback.collectors.base import Record, SourceConfig
from feedback.collectors.chat import ChatCollector
from feedback.collectors.chat.roles import UnknownSpeakers
from feedback.errors import CollectError
from storage.records import Role

Said = tuple[str, str]


class Read(NamedTuple):
    """What was read of a file; `asked`: whether it could be read only with roles, or `failed` with them too."""

    turns: Counter[Said]
    asked: bool
    failed: str
    noted: int = 0


def read(path: Path, roles: dict[str, Role]) -> Read:
    """A file as it is read without roles; where they are asked for, with those of the truth."""
    collector = ChatCollector()
    asked = False
    for known in ({}, roles):
        config = SourceConfig("chats", "chat", (path.name,), path.parent, roles=known)
        try:
            items = [item for part in collector.parts(config) for item in collector.collect(part, config)]
        except UnknownSpeakers:
            asked = True
            continue
        except CollectError as error:
            return Read(Counter(), asked, str(error))
        records = [item for item in items if isinstance(item, Record)]
        notes = sum("reads like somebody" in problem for record in records for problem in record.problems)
        return Read(Counter((record.role, record.text) for record in records), asked, "", notes)
    return Read(Counter(), asked, "roles do not help")


def truths(folder: Path, which: str) -> Iterator[tuple[Path, dict[str, object]]]:
    for path in sorted(folder.glob("*.json")):
        if not which or int(path.stem) % 2 == (which == "odd"):
            yield path.with_suffix(".txt"), json.loads(path.read_text(encoding="utf-8"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--which", choices=("odd", "even"), default="")
    parser.add_argument("--show", action="store_true", help="name the files that are not wholly right")
    how = parser.parse_args()
    sums: dict[str, Counter[str]] = {}
    for path, truth in truths(how.folder, how.which):
        turns = truth["turns"]
        assert isinstance(turns, list)
        roles: dict[str, Role] = {t["speaker"]: "bot" if t["role"] == "system" else t["role"] for t in turns}
        told = Counter((roles[t["speaker"]], t["text"].strip()) for t in turns)
        written = path.read_text(encoding="utf-8")
        numbered = {
            f"{name}{n}": role
            for name, role in roles.items()
            for n in re.findall(re.escape(name) + r"(\(\d+\))", written)
        }
        found = read(path, roles | numbered)
        right = (told & found.turns).total()
        wrong = found.turns != told
        for key in ("all", f"form {truth['form']}", f"with {truth['phenomenon']}"):
            of = sums.setdefault(key, Counter())
            of.update(files=1, whole=not wrong, asked=found.asked, failed=bool(found.failed), notes=found.noted)
            of.update(unasked=not (wrong or found.asked), told=told.total(), found=found.turns.total(), right=right)
        if how.show and (wrong or found.asked):
            print(path.name, truth["form"], truth["phenomenon"], "asked" if found.asked else "", found.failed[:80])
    for key, of in sorted(sums.items()):
        precision, recall = of["right"] / max(of["found"], 1), of["right"] / max(of["told"], 1)
        print(
            f"{key:32} precision {precision:.3f} recall {recall:.3f}, of {of['files']:3} files {of['whole']:3} whole, "
            f"{of['unasked']:3} without asking; {of['asked']} asked, {of['failed']} failed, {of['notes']} notes"
        )


if __name__ == "__main__":
    main()
