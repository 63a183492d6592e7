"""Looking for garbage less often, where millions of small objects are made and none of them is in a cycle."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS = 100_000  # Python's own: 700


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Python's search for cycles runs seldom inside: it takes a tenth of the time of collecting reviews and finds nothing.

    What is freed by counting references, nearly everything, is freed as ever.
    """
    before = gc.get_threshold()
    gc.set_threshold(_ALLOCATIONS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
