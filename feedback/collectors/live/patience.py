"""How long a run waits for a source that asks for patience, and what is raised when that is over."""

from feedback.errors import CollectError

MOST_WAITING_SECONDS = 1800.0
LONGEST_WAIT_SECONDS = 120.0  # at a time


class Unreachable(CollectError):
    """The source answers nothing now, whatever it is asked."""


class Patience:
    """What is left of the time that one run may wait, all its streams together."""

    def __init__(self, seconds: float = MOST_WAITING_SECONDS) -> None:
        self._left = seconds

    def lasts(self, seconds: float) -> bool:
        """Whether so long may be waited now."""
        return seconds <= min(LONGEST_WAIT_SECONDS, self._left)

    def spend(self, seconds: float) -> None:
        self._left -= seconds
