"""Work in another process, and what comes of it here."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.ahead import WorkerGone, ahead
from feedback.errors import CollectError


def count(n: int) -> Iterator[int]:
    print("not an item")  # what a library prints does not get among the items
    yield from range(n)


def squares(n: int) -> Iterator[tuple[int, bytes]]:
    for k in range(n):
        yield k * k, b"x" * 300_000


def broken(after: int) -> Iterator[int]:
    yield from range(after)
    raise CollectError("reviews.csv is damaged.")


def wrong(_: None) -> Iterator[int]:
    yield 1
    raise KeyError("a bug")


def unpicklable(_: None) -> Iterator[int]:
    class Local(Exception):
        pass

    yield 1
    raise Local("nobody else knows this kind")


def own_pid(_: None) -> Iterator[int]:
    while True:
        yield os.getpid()


def test_items_come_in_order_and_whole() -> None:
    assert list(ahead(count, 1000)) == list(range(1000))
    assert list(ahead(squares, 5)) == list(squares(5))
    assert list(ahead(count, 0)) == []


def test_an_error_comes_after_the_items_before_it() -> None:
    items = ahead(broken, 3)
    assert [next(items) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(CollectError, match=r"^reviews\.csv is damaged\.$"):
        next(items)


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(KeyError, match="a bug") as caught:
        list(ahead(wrong, None))
    assert any('raise KeyError("a bug")' in note for note in caught.value.__notes__)


def test_an_error_that_can_not_be_sent_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"^Local: nobody else knows this kind$"):
        list(ahead(unpicklable, None))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_process_that_is_killed_is_told() -> None:
    items = ahead(own_pid, None)
    os.kill(next(items), signal.SIGKILL)
    with pytest.raises(WorkerGone, match=r"exit code -9"):
        list(items)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_the_process_ends_with_the_generator() -> None:
    items = ahead(own_pid, None)
    pid = next(items)
    assert pid != os.getpid()
    assert is_alive(pid)
    items.close()
    assert not is_alive(pid)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_the_process_ends_when_the_one_it_works_for_is_killed() -> None:
    script = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from test_ahead import own_pid
        from feedback.ahead import ahead
        items = ahead(own_pid, None)
        print(next(items), flush=True)
        for item in items:
            input()
    """
    main = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with main:
        assert main.stdout
        pid = int(main.stdout.readline())
        assert is_alive(pid)
        main.kill()
    deadline = time.monotonic() + 30
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)


class Particular(Exception):
    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")


def particular(_: None) -> Iterator[int]:
    yield 1
    raise Particular("line 3", "a bug")


def test_an_error_that_can_be_sent_and_not_be_read_again_is_told() -> None:
    with pytest.raises(RuntimeError, match=r"^Particular: line 3: a bug$"):
        list(ahead(particular, None))
