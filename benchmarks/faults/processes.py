"""Runs of the program in processes of their own, forked from one that has imported everything."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LIMIT = 120.0
"""Seconds after which a run counts as hung."""
NOT_BEGUN = 254
"""The exit code of a process that was interrupted before the program had begun."""
BROKEN = 255
"""The exit code of a process in which the program raised."""


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    code: int
    """Its exit code, or minus the signal that ended it."""
    errors: str
    """What it wrote on standard error."""
    seconds: float
    hung: bool
    fired: bool
    """Whether the fault that :func:`arm` put in has struck."""


Disturb = Callable[[int, "Waiting"], threading.Thread | None]
"""Called in the parent with the process and what to wait with; may return a thread that ends with it."""


@dataclass(frozen=True)
class Waiting:
    """Waits until a moment of a run, or its end."""

    end: int
    """A pipe that can be read once the process has ended."""

    def until(self, seconds: float) -> bool:
        """Wait so long; whether the process still runs then."""
        return not select.select([self.end], [], [], max(seconds, 0))[0]


def run(
    work: Callable[[], int],
    folder: Path,
    *,
    disturb: Disturb | None = None,
    inject: Callable[[], None] | None = None,
    limit: float = LIMIT,
) -> Ended:
    """Run ``work`` in a folder, in a process of its own with temporary files of its own.

    Parameters
    ----------
    work
        What the process does; returns its exit code.
    folder
        Its current folder; temporary files are made in ``tmp`` below it.
    disturb
        What the parent does meanwhile.
    inject
        Called in the process before the work.
    limit
        Seconds until it is ended, and counts as hung.
    """
    (folder / "tmp").mkdir(exist_ok=True)
    log = folder.with_name(f"{folder.name}.log")
    begun, begin = os.pipe()
    ended, end = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    process = os.fork()
    if process == 0:
        os.close(begun)
        os.close(ended)
        os._exit(_child(work, folder, log, begin, inject))
    os.close(begin)
    os.close(end)
    started = time.monotonic()
    os.read(begun, 1)
    waiting = Waiting(ended)
    beside = None if disturb is None else disturb(process, waiting)
    hung = waiting.until(started + limit - time.monotonic())
    if hung:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    seconds = time.monotonic() - started
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)  # whatever it has started
    if beside is not None:
        beside.join()
    rest = os.read(begun, 1)  # written if the fault has struck
    os.close(begun)
    os.close(ended)
    text = log.read_text(encoding="utf-8", errors="replace")
    return Ended(os.waitstatus_to_exitcode(status), text, seconds, hung, rest == b"1")


def _child(
    work: Callable[[], int], folder: Path, log: Path, begin: int, inject: Callable[[], None] | None
) -> int:
    try:
        os.setpgid(0, 0)
        with log.open("wb") as file:
            os.dup2(file.fileno(), 2)
            os.dup2(file.fileno(), 1)
        os.chdir(folder)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
        if inject is not None:
            inject()
        os.write(begin, b".")
        code = work()
    except KeyboardInterrupt:
        code = NOT_BEGUN
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = BROKEN
    sys.stderr.flush()
    if faults_can_be_put_in() and ctypes.CDLL(None).faults_fired():
        os.write(begin, b"1")
    return code


def faults_can_be_put_in() -> bool:
    """Whether ``calls.c`` is preloaded."""
    return hasattr(ctypes.CDLL(None), "faults_arm")


CALLS = {"open": 1, "write": 2, "fsync": 3, "rename": 4, "mkdir": 5, "unlink": 6}


def arm(folder: Path, call: str, nth: int, number: int, *, for_ever: bool) -> None:
    """Let the nth call of a kind fail for files below a folder, in this process."""
    ctypes.CDLL(None).faults_arm(os.fsencode(folder), CALLS[call], nth, number, int(for_ever))


def shift_clock(seconds: float, after: float) -> None:
    """Set this process's clock of the day, after so many seconds."""
    lib = ctypes.CDLL(None)
    lib.faults_clock(ctypes.c_long(int(seconds)), ctypes.c_longlong(int(after * 1e9)))
