"""What a test can leave behind in its process, where the tests after it would find it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from pathlib import Path

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
NOT_OURS = {"PYTEST_CURRENT_TEST", "LD_LIBRARY_PATH", "TORCHINDUCTOR_CACHE_DIR"}
"""Variables that pytest sets anew for every test, and OpenCV and PyTorch once, where they are loaded."""
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


def threads_left(before: set[threading.Thread]) -> list[str]:
    """Name the threads that are new and keep the process from ending; they are given a moment to end."""
    new = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    for thread in new:
        thread.join(PATIENCE)
    return [f"the thread {thread.name!r} still runs" for thread in new if thread.is_alive()]
