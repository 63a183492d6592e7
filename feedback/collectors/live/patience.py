"""How long a run waits for a source that asks for patience, and what is raised when that is over."""

from collections.abc import Callable

from feedback.errors import CollectError

MOST_WAITING_SECONDS = 1800.0
LONGEST_WAIT_SECONDS = 120.0  # at a time


class Unreachable(CollectError):
    """The source answers nothing now, whatever it is asked; `wait_seconds`: how long it said it is to be left alone. `status`: what it answered with, if anything."""

    def __init__(self, message: str, wait_seconds: float = 0.0, status: int | None = None) -> None:
        super().__init__(message)
        self.wait_seconds, self.status = wait_seconds, status


def reworded(error: CollectError, message: str) -> CollectError:
    """The same error in other words."""
    return Unreachable(message, error.wait_seconds) if isinstance(error, Unreachable) else CollectError(message)


class Patience:
    """What is left of the time that one run may wait, all its streams together. `tell` is told of every wait, and of what else takes time before anything comes."""

    def __init__(self, seconds: float = MOST_WAITING_SECONDS) -> None:
        self._left = seconds
        self.tell: Callable[[str], None] = lambda _what: None

    def lasts(self, seconds: float) -> bool:
        """Whether so long may be waited now."""
        return seconds <= min(LONGEST_WAIT_SECONDS, self._left)

    def spend(self, seconds: float, why: str) -> None:
        self._left -= seconds
        self.tell(f"{why} Waiting {seconds:.0f} s.")
