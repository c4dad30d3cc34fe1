"""Watching folders for new pictures, by looking."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..errors import SourceNotFoundError
from ..media.atomic import file_key, file_state
from ..media.sources import Source, SourceList, find_sources


class Watcher:
    """Finds sources that are new or changed and have stopped growing.

    Parameters
    ----------
    arguments, recursive
        As for :func:`find_sources`. What is there now counts as known.
    """

    def __init__(self, arguments: Sequence[str], recursive: bool) -> None:
        self.arguments, self.recursive = arguments, recursive
        self.done = {path: file_state(path) for path in self._list()}
        self.seen = dict(self.done)

    def ignore(self, paths: Iterable[Path]) -> None:
        """Take files for known: results that were written into a folder that is watched."""
        written = set(map(file_key, paths))
        self.done |= {path: file_state(path) for path in self._list() if file_key(path) in written}

    def poll(self) -> SourceList:
        """Return what is to be done: changed since it was done, unchanged since the last look."""
        fresh = SourceList()
        now = {}
        for path, source in self._list().items():
            now[path] = state = file_state(path)
            _, size, _ = state
            if size and state == self.seen.get(path) and state != self.done.get(path):
                self.done[path] = state
                fresh.items.append(source)
        self.seen = now
        return fresh

    def _list(self) -> dict[Path, Source]:
        try:
            found = find_sources(self.arguments, recursive=self.recursive).items
        except SourceNotFoundError:
            return {}  # empty for now
        return {source.path: source for source in found if source.path is not None}
