"""Memory: what pictures take of it, how much is free, and who is about to use how much.

The kernel ends a process that takes more memory than there is, and whatever else it was working on is lost.
So what a picture will take is estimated before, and held against what is free.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ..errors import MemoryShortageError
from ..types import Size

# Bytes a pixel, by bytes a channel; measured by benchmarks/memory.py (2 cores of AMD EPYC, Pillow 13,
# NumPy 2, OpenCV 5) and rounded up by a tenth at least.
_DECODING = {1: 18, 2: 36, 4: 36}
_KEPT = {1: 7, 2: 10, 4: 16}
_FINISHING = {1: 40, 2: 60, 4: 72}
UNCOUNTED = 32 << 20
"""What takes less is not worth to be counted."""


def depth_of(values: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> int:
    """Return the bytes of one channel of one pixel: 1, 2 or 4."""
    return min(values.dtype.itemsize, 4)


def decoding(size: Size, depth: int) -> int:
    """Return the bytes that reading a file takes, the picture that comes of it included."""
    return size[0] * size[1] * _DECODING[depth]


def kept(size: Size, depth: int) -> int:
    """Return the bytes of a decoded picture with transparency."""
    return size[0] * size[1] * _KEPT[depth]


def finishing(size: Size, depth: int) -> int:
    """Return the bytes that a picture's matte, its result and the file of it take beside the picture."""
    return size[0] * size[1] * _FINISHING[depth]


def peak(size: Size, depth: int, passes: int) -> int:
    """Return the bytes that a picture takes at most on its way from file to file.

    Parameters
    ----------
    size
        Height and width.
    depth
        Bytes of a channel: 1, 2 or 4.
    passes
        What the network takes; see ``matting/memory.py``.
    """
    return max(decoding(size, depth), kept(size, depth) + max(passes, finishing(size, depth)))


def free_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that this process can still take, by machine and container; None if nobody says.

    Only Linux says, and only there are processes killed for it: other systems move memory to the disk.

    Parameters
    ----------
    root
        Where ``/proc`` and ``/sys`` are.
    """
    found = [_available(root), *_left_in_groups(root)]
    return min((amount for amount in found if amount is not None), default=None)


def _available(root: Path) -> int | None:
    with suppress(OSError, ValueError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    return None


def _left_in_groups(root: Path) -> Iterator[int | None]:
    """Give what is left of the limit of each control group that the process is in, of version 2 and 1."""
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for group in groups:
        _, controllers, path = group.split(":", 2)
        if not controllers:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "")
        elif "memory" in controllers.split(","):
            top = root / "sys/fs/cgroup/memory"
            names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
        else:
            continue
        # limits of the groups around it hold as well; a container sees its own as the top
        folder = top / path.strip("/")
        for place in (folder, *folder.parents):
            yield _left(place, *names)
            if place == top:
                break


def _left(folder: Path, limit: str, usage: str, prefix: str) -> int | None:
    """Return what is left in one group; None: no limit. What the kernel would drop counts as free."""
    try:
        most, used = (folder / limit).read_text().strip(), int((folder / usage).read_text())
        if most == "max":
            return None
        counted = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        dropped = sum(int(counted.get(f"{prefix}{name}", 0)) for name in ("inactive_file", "active_file"))
        return max(int(most) - used + dropped, 0)
    except (OSError, ValueError):
        return None


def give_back_memory() -> None:
    """Return memory that was freed to the system; glibc keeps it in an arena for every few threads."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library has no such function
            ctypes.CDLL(None).malloc_trim(0)


def in_words(amount: float) -> str:
    """Write an amount of memory: ``640 MB``, ``2.1 GB``."""
    return f"{amount / 1e9:.1f} GB" if amount >= 1e9 else f"{amount / 1e6:.0f} MB"


class Ledger:
    """Who is about to take how much memory; who finds too little waits for the others.

    Parameters
    ----------
    free
        Says what is free, bytes; None: it is not known, and everything is let through.
    """

    def __init__(self, free: Callable[[], int | None] = free_memory) -> None:
        self._free = free
        self._changed = threading.Condition()
        self._held: list[tuple[int, int]] = []  # thread and bytes
        self._waiting: set[int] = set()

    @contextmanager
    def hold(self, need: int, what: str, remedy: str = "make it smaller first") -> Iterator[None]:
        """Take so much memory within this block.

        Parameters
        ----------
        need
            Bytes, at the peak. What others hold may partly be taken already and so be counted twice: that
            makes one wait too early, never too late.
        what, remedy
            For the message: who needs it, such as ``a picture of 640 x 480``, and what to do.

        Raises
        ------
        MemoryShortageError
            There is less, though nobody else takes any.
        """
        if need <= UNCOUNTED:
            yield
            return
        held = threading.get_ident(), need
        with self._changed:
            self._wait_for(*held, what, remedy)
            self._held.append(held)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(held)
                self._changed.notify_all()

    def _wait_for(self, thread: int, need: int, what: str, remedy: str) -> None:
        while True:
            free = self._free()
            if free is None or need <= free - sum(amount for _, amount in self._held):
                return
            # a thread that waits itself gives nothing back, and may wait for this one
            if not any(holder != thread and holder not in self._waiting for holder, _ in self._held):
                break
            self._waiting.add(thread)
            try:
                self._changed.wait()
            finally:  # an interrupt too
                self._waiting.discard(thread)
        give_back_memory()
        free = self._free()
        if free is not None and need > free:
            raise MemoryShortageError(
                f"{what} needs about {in_words(need)} of memory, and {in_words(free)} are free; {remedy}"
            )


LEDGER = Ledger()
"""The process's own: its memory is one, whoever uses it."""
