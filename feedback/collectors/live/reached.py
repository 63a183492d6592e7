"""How far the runs before have come, as the state of a stream whose things have a date."""

import json
from dataclasses import dataclass

MOST_OVERLAP_SECONDS = 10 * 366 * 86_400  # that a run asks again


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything up to `since` was seen. A walk that was cut off had come from `newest` down to the page at `resume`.

    `begun`: when that walk began, where a collector goes by it; of what changed later it has seen some at most.
    Moments are `YYYY-MM-DDTHH:MM:SSZ`, so that they sort as they read; so do numbers that stand for them, filled up with zeros.
    """

    since: str | None = None
    newest: str | None = None
    resume: str | None = None
    begun: str | None = None

    @classmethod
    def read(cls, state: str | None) -> "Reached":
        return cls(*json.loads(state)) if state else cls()

    def text(self) -> str:
        begun = [] if self.begun is None else [self.begun]
        return json.dumps([self.since, self.newest, self.resume, *begun])
