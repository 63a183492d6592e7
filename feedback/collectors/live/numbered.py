"""Pages that are asked for by their numbers: what is removed from a list while it is read moves the rest up, past whoever asks.

So the page before is asked for once more after each page. What moved up while the page was asked for, less than a page of it, stands there now.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def moved_up(again: Sequence[T], *seen: Sequence[T], key: Callable[[T], str] = repr) -> list[T]:
    """What of a page that was asked for once more was on none of the pages `seen`: on itself before, and on the one after it. `key` tells it apart."""
    known = {key(each) for page in seen for each in page}
    return [each for each in again if key(each) not in known]
