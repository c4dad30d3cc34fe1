"""A film that was asked for, and how far the work on it is."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..films.outputs import Targets
from ..films.report import VideoProgress
from ..options.settings import Settings
from .attention import Attention
from .naming import MEDIA_TYPES
from .workers import SharedNetwork

State = Literal["queued", "running", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")


@dataclass(eq=False, slots=True)
class FilmJob:
    """A film that was asked for."""

    id: str
    """Random, so that only who is told it can ask for it."""
    source: Path
    """The upload. Its folder holds the result as well, and goes with the film."""
    shown: str
    """What messages call it."""
    settings: Settings
    network: SharedNetwork
    targets: Targets
    """The files that are written."""
    client: str
    """Who asked for it."""
    attention: Attention = field(default_factory=Attention)
    deliver: Callable[[Path], Awaitable[None]] | None = None
    """Brings the finished file to where it is wanted."""
    state: State = "queued"
    progress: VideoProgress | None = None
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    result: Path | None = None
    bytes: int = 0
    """Size of the result."""
    ended: float | None = None
    """By :func:`time.monotonic`."""
    fetched: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the result has been sent."""
    cancelled: threading.Event = field(default_factory=threading.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at the next change; then there is another one."""
    work: asyncio.Task[None] = field(init=False)

    @property
    def media_type(self) -> str:
        """What the result is, such as ``video/mp4``."""
        suffix = "" if self.result is None else self.result.suffix[1:]
        return MEDIA_TYPES.get(suffix, "application/octet-stream")


def change(film: FilmJob, **values: Any) -> None:
    """Change a film that has not ended, and wake those who watch it; in the loop's thread."""
    if film.state not in ENDED:
        for name, value in values.items():
            setattr(film, name, value)
        film.changed.set()
        film.changed = asyncio.Event()
