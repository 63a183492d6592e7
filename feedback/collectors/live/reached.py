"""How far the runs before have come, as the state of a stream whose things have a date."""

import json
from dataclasses import dataclass

MOST_OVERLAP_SECONDS = 10 * 366 * 86_400  # that a run asks again


@dataclass(frozen=True, slots=True)
class Reached:
    """Everything up to `since` was seen. A walk that was cut off had come from `newest` down to the page at `resume`.

    Moments are `YYYY-MM-DDTHH:MM:SSZ`, so that they sort as they read; so do numbers that stand for them, filled up with zeros.
    """

    since: str | None = None
    newest: str | None = None
    resume: str | None = None

    @classmethod
    def read(cls, state: str | None) -> "Reached":
        return cls(*json.loads(state)) if state else cls()

    def text(self) -> str:
        return json.dumps([self.since, self.newest, self.resume])
