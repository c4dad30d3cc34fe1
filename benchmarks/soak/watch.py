"""What a process holds while it works: memory, threads, descriptors, temporary files (Linux)."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path

BOUND = 1.10
"""What memory at the end may be of what it was after the first tenth."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at a moment."""

    memory: float
    """Resident, MB."""
    threads: int
    descriptors: int
    files: int
    """Temporary files."""


def held(pid: int, folder: Path) -> Held:
    """Look at a process, and at the folder of its temporary files."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    )
    descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    files = sum(len(names) for _, _, names in os.walk(folder))
    return Held(int(fields["VmRSS"].split()[0]) / 1000, int(fields["Threads"]), descriptors, files)


class Watch:
    """Looks at a process again and again, until the block ends."""

    def __init__(self, pid: int, folder: Path) -> None:
        self.pid, self.folder = pid, folder
        self.seen: list[tuple[float, Held]] = []

    def look(self, share: float) -> None:
        """Note what is held when a share of the work is done, 0 to 1."""
        with suppress(OSError, KeyError):  # it may be ending
            self.seen.append((share, held(self.pid, self.folder)))

    @contextmanager
    def by_time(self, every: float) -> Iterator[None]:
        """Look every so many seconds; shares are of the time that the block takes."""
        done, started = threading.Event(), time.monotonic()

        def look() -> None:
            while not done.wait(every):
                self.look(time.monotonic() - started)

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()
            whole = time.monotonic() - started
            self.seen = [(share / whole, found) for share, found in self.seen]

    def within(self, begin: float, end: float) -> Held:
        """Return the medians of a part of the work."""
        rows = [astuple(found) for share, found in self.seen if begin <= share <= end]
        memory, *counts = (statistics.median(column) for column in zip(*rows, strict=True))
        return Held(memory, *(round(count) for count in counts))

    def table(self, what: str) -> str:
        """Return Markdown: the second tenth, the last one, and whether the promise holds."""
        early, late = self.within(0.1, 0.2), self.within(0.9, 1.0)
        flat = late.memory <= BOUND * early.memory
        more = [
            name for name in ("threads", "descriptors", "files") if getattr(late, name) > getattr(early, name)
        ]
        words = "flat" if flat and not more else f"GROWS: {', '.join(more) or 'memory'}"
        cells = [
            f"{getattr(early, name):.0f} / {getattr(late, name):.0f}"
            for name in ("memory", "threads", "descriptors", "files")
        ]
        return f"| {what} | {' | '.join(cells)} | {words} |"


HEAD = (
    "| in the second tenth / in the last | memory, MB | threads | descriptors | temporary files | |\n"
    "|---|---|---|---|---|---|"
)
