"""The `feedback` command as a process of its own, to be cut off in the middle."""

import subprocess
import sys
import time
from pathlib import Path

_STRICT = ("-W", "error")


def command(folder: Path, *arguments: str, warnings: tuple[str, ...] = _STRICT) -> list[str]:
    return [sys.executable, *warnings, "-m", "feedback", "--project", str(folder), *arguments]


def interruptible(folder: Path, *arguments: str) -> list[str]:
    """The command as one to be stopped by Ctrl+C: that may come between opening and closing any file, Python's own at an import too, which then warns."""
    return command(folder, *arguments, warnings=(*_STRICT, "-W", "ignore::ResourceWarning"))


def run_to_end(folder: Path, *arguments: str) -> None:
    done = subprocess.run(command(folder, *arguments), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def wait_for_writes(process: "subprocess.Popen[bytes]", folder: Path, count: int) -> None:
    """Until the process has written to the database so often, or has ended. Looks at the file alone: a reader would disturb."""
    log = folder / "feedback.db-wal"

    def state() -> tuple[int, int] | None:
        try:
            found = log.stat()
        except FileNotFoundError:
            return None
        return found.st_mtime_ns, found.st_size

    last = state()
    while count and process.poll() is None:
        time.sleep(0.002)
        now = state()
        count -= now not in (last, None)
        last = now
