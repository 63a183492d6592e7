"""Work done in another process, a little ahead of what is done with it here."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable
from queue import Queue
from typing import Any, BinaryIO, TypeVar

from feedback.errors import FeedbackError
from feedback.garbage import rarely_collected

Argument = TypeVar("Argument")
Item = TypeVar("Item")

_WAITING = 1  # items done and not yet sent; one more is being sent, one being worked on
# Not multiprocessing: started anew it runs the caller's script once more, forked it copies open databases and threads.
_BOOTSTRAP = """
import pickle, sys
try:
    sys.path[:] = pickle.load(sys.stdin.buffer)
except EOFError:  # whoever started this is gone already
    sys.exit()
from feedback.ahead import serve
serve()
"""


class WorkerGone(FeedbackError):
    """The other process ended without a word: killed, or out of memory."""


def ahead(work: Callable[[Argument], Iterable[Item]], argument: Argument) -> Generator[Item, None, None]:
    """What `work(argument)` yields, in order, and what it raises; `WorkerGone` when its process is killed.

    `work` is a function of a module, and what goes in and out can be pickled. The process ends when the generator is
    closed, and when this process dies. It costs half a second to start.
    """
    process = subprocess.Popen([sys.executable, "-c", _BOOTSTRAP], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    try:
        try:
            process.stdin.write(pickle.dumps(sys.path) + pickle.dumps((work, argument)))
            process.stdin.close()
        except BrokenPipeError:
            pass  # it is gone already; reading says so
        while True:
            try:
                kind, value = pickle.load(process.stdout)
            except (EOFError, pickle.UnpicklingError):
                raise WorkerGone(
                    f"The process that reads ahead was ended (exit code {process.wait()}). "
                    "Is the memory full? What was stored so far is kept; run it again to go on."
                ) from None
            if kind == "done":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def serve() -> None:
    """What the other process does: the work that comes in through stdin, its items out through stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches this process too; the other one decides
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # whatever prints there must not get among the items
    work, argument = pickle.load(sys.stdin.buffer)
    waiting: Queue[bytes] = Queue(_WAITING)
    threading.Thread(target=_send, args=(out, waiting), daemon=True).start()
    try:
        with rarely_collected():
            for item in work(argument):
                waiting.put(pickle.dumps(("item", item), pickle.HIGHEST_PROTOCOL))
        last: tuple[str, Any] = ("done", None)
    except Exception as error:
        last = ("error", error)
    waiting.put(_pickled(*last))
    waiting.join()


def _send(out: BinaryIO, waiting: Queue[bytes]) -> None:
    while True:
        rest = memoryview(waiting.get())
        try:
            while rest:
                rest = rest[out.write(rest) :]
        except OSError:  # nobody reads any more
            os._exit(1)
        waiting.task_done()


def _pickled(kind: str, value: object) -> bytes:
    """The last word. The traceback of a bug would stay behind in this process: it goes along as a note."""
    if isinstance(value, Exception) and not isinstance(value, FeedbackError):
        value.add_note("In the process that reads ahead:\n" + "".join(traceback.format_exception(value)))
    try:
        said = pickle.dumps((kind, value))
        pickle.loads(said)  # an error with arguments of its own may be written and not be read
        return said
    except Exception:
        return pickle.dumps((kind, RuntimeError(f"{type(value).__name__}: {value}")))
