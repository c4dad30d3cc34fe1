"""Whether anybody still waits for something: when it was asked for last, and how long it goes on without."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class Attention:
    """What is known of those who wait."""

    patience: float | None = None
    """Seconds without a question after which it is given up; None: never."""
    asked: float = field(default_factory=time.monotonic)
    """When somebody asked last, by :func:`time.monotonic`."""
    watching: int = 0
    """How many follow it all the time."""

    def ask(self) -> None:
        """Note that somebody asks now."""
        self.asked = time.monotonic()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Note that somebody follows it until the end of the block."""
        self.watching += 1
        try:
            yield
        finally:
            self.watching -= 1
            self.ask()

    @property
    def lost(self) -> bool:
        """Whether everybody has gone."""
        if self.patience is None or self.watching:
            return False
        return time.monotonic() - self.asked > self.patience
