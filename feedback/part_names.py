"""What a part of a source is called in the database.

The export of one chat is named after the customer, and so may its folder be; no name of a person is stored. The parts of
such collectors (`private_names`) are stored under a keyed hash of their name. `feedback rejects` turns it back, from
the files that the project names: whoever has them may see their names.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

from feedback.collectors.base import Collector, Part
from feedback.collectors.registry import load_file_collector
from feedback.errors import CollectError
from feedback.project import Project

_STORED = re.compile(r"file-[0-9a-f]{12}")


def stored_name(collector: Collector, part: Part, secret: bytes) -> str:
    if not collector.private_names:
        return part.name
    return (
        "file-"
        + hmac.digest(secret, f"part\x00{part.name}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()[:12]
    )


def stored_location(location: str, part: Part, name: str) -> str:
    """A location in a part ("chats/何田.csv:17") as it is stored under `name` ("file-1f0c9a3b5d7e:17")."""
    if name == part.name:
        return location
    known = next((known for known in (part.name, part.path.name) if location.startswith(known)), location)
    return name + location[len(known) :]


def hidden_names(project: Project) -> dict[str, str]:
    """Stored name -> name, of all files of the project's sources that are stored under another one."""
    names: dict[str, str] = {}
    for source in project.sources:
        try:
            collector = load_file_collector(source.collector)
            parts = collector.parts(source) if collector.private_names else []
        except CollectError:  # its files are gone
            continue
        names |= {stored_name(collector, part, project.secret()): part.name for part in parts}
    return names


def shown_location(location: str, names: Mapping[str, str]) -> str:
    return _STORED.sub(lambda found: names.get(found[0], found[0]), location, count=1)
