"""Watching folders for new pictures, by looking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import SourceNotFoundError
from ..media.atomic import file_key
from ..media.sources import Source, SourceList, find_sources

State = tuple[int, int]  # size, time of change in ns


class Watcher:
    """Finds sources that are new or changed and have stopped growing.

    Parameters
    ----------
    arguments, recursive
        As for :func:`find_sources`. What is there now counts as known.
    """

    def __init__(self, arguments: Sequence[str], recursive: bool) -> None:
        self.arguments, self.recursive = arguments, recursive
        self.done = {source.path: _state(source) for source in self._list()}
        self.seen = dict(self.done)

    def ignore(self, paths: Iterable[str]) -> None:
        """Take files for known: results that were written into a folder that is watched."""
        for path in paths:
            source = Source("picture", Path(path))
            own = next((known.path for known in self._list() if known.path and _same(known.path, path)), None)
            if own is not None:
                self.done[own] = _state(source)

    def poll(self) -> SourceList:
        """Return what is to be done: changed since it was done, unchanged since the last look."""
        fresh = SourceList()
        now: dict[Path | None, State | None] = {}
        for source in self._list():
            state = now[source.path] = _state(source)
            if state is None or state[0] == 0 or state == self.done.get(source.path):
                continue
            if state == self.seen.get(source.path):
                self.done[source.path] = state
                fresh.items.append(source)
        self.seen = now
        return fresh

    def _list(self) -> list[Source]:
        try:
            return find_sources(self.arguments, recursive=self.recursive).items
        except SourceNotFoundError:
            return []  # empty for now


def _same(path: Path, other: str) -> bool:
    return file_key(path) == file_key(Path(other))


def _state(source: Source) -> State | None:
    if source.path is None:
        return None
    try:
        status = source.path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns
