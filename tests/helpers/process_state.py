"""What a test can leave behind in its process, where the tests after it would find it."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
NOT_OURS = {
    "PYTEST_CURRENT_TEST",  # another one for every test
    *("LD_LIBRARY_PATH", "TORCHINDUCTOR_CACHE_DIR"),  # by OpenCV and PyTorch
    *("KMP_DUPLICATE_LIB_OK", "KMP_INIT_AT_FORK"),  # by joblib and threadpoolctl
    "PYGAME_HIDE_SUPPORT_PROMPT",  # by the preview window, before it loads pygame
}
"""Variables that pytest sets, and libraries for themselves as they are loaded."""
PATIENCE = 5.0
"""Seconds in which a thread that was told to end must have ended."""


def process_state() -> dict[str, object]:
    """Return what there is one of in a process, by a name that a message can say."""
    state: dict[str, object] = {"the current folder": str(Path.cwd()), "sys.path": list(sys.path)}
    state |= {f"the handler of {number.name}": signal.getsignal(number) for number in SIGNALS}
    state |= {f"the variable {name}": value for name, value in os.environ.items() if name not in NOT_OURS}
    for name in ("root", *logging.Logger.manager.loggerDict):
        if name == "root" or name.partition(".")[0] == "transparent_background":
            state |= _logger_state(name)
    return state | _library_state()


def _logger_state(name: str) -> dict[str, object]:
    """Return what differs from a logger that nobody has set up."""
    logger = logging.getLogger(None if name == "root" else name)
    handlers = [handler for handler in logger.handlers if not type(handler).__module__.startswith("_pytest")]
    usual = logging.WARNING if name == "root" else logging.NOTSET
    plain = {"level": usual, "handlers": [], "filters": [], "propagate": True, "disabled": False}
    found = {key: getattr(logger, key) for key in plain} | {"handlers": handlers}
    return {f"{key} of the logger {name}": value for key, value in found.items() if value != plain[key]}


def _library_state() -> dict[str, object]:
    """Return settings of libraries, as far as these are loaded."""
    state: dict[str, object] = {}
    if torch := sys.modules.get("torch"):
        state["PyTorch's threads"] = torch.get_num_threads()
        state["PyTorch's default type"] = torch.get_default_dtype()
        state["whether PyTorch records gradients"] = torch.is_grad_enabled()
        state["PyTorch's precision of products"] = torch.get_float32_matmul_precision()
        state["whether PyTorch is deterministic"] = torch.are_deterministic_algorithms_enabled()
    if cv2 := sys.modules.get("cv2"):
        state["OpenCV's threads"] = cv2.getNumThreads()
    return state


LIBRARIES = ("PyTorch", "OpenCV")


def changes(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Say what has changed, but not that a library was loaded."""
    names = sorted(before.keys() | after.keys())
    return [
        f"{name}: {before.get(name)!r} is now {after.get(name)!r}"
        for name in names
        if before.get(name) != after.get(name)
        and not (name not in before and any(library in name for library in LIBRARIES))
    ]


class Threads:
    """The threads that are started from now on and keep the process from ending."""

    def __init__(self) -> None:
        self.before = set(threading.enumerate())
        self.started_by: dict[threading.Thread, str] = {}

    def note(self, test: str) -> None:
        """Remember after which test a thread was there."""
        for thread in threading.enumerate():
            if thread not in self.before and not thread.daemon:
                self.started_by.setdefault(thread, test)

    def left(self) -> list[str]:
        """Name those that still run, given a moment to end."""
        gc.collect()  # pools that nobody holds any more end their threads
        for thread in self.started_by:
            thread.join(PATIENCE)
        running = [(name, thread) for thread, name in self.started_by.items() if thread.is_alive()]
        return [f"{name} leaves the thread {thread.name!r} running" for name, thread in running]


class Peak:
    """How much memory this process has taken at most since it was asked to look; Linux only."""

    added = 0
    """Bytes, when it has been told to stop looking; 0 where there is no way to know."""


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure what a block adds to the memory of this process."""
    peak, status = Peak(), Path("/proc/self/status")
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the peak is what there is now
    except OSError:
        yield peak
        return
    before = _kib(status, "VmRSS")
    yield peak
    peak.added = (_kib(status, "VmHWM") - before) << 10


def _kib(status: Path, name: str) -> int:
    return int(status.read_text().split(f"{name}:")[1].split()[0])
