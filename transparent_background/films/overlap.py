"""Doing one thing while the next is prepared, with bounded queues."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


class Prefetch(Generic[T]):
    """Iterates in a thread of its own, a few items ahead.

    Parameters
    ----------
    items
        Taken one by one in the thread. An error of theirs is raised where the items are used.
    ahead
        How many may wait.
    """

    def __init__(self, items: Iterable[T], ahead: int) -> None:
        self._queue: queue.Queue[T | _Failure | None] = queue.Queue(ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(items,), name="read", daemon=True)
        self._thread.start()

    def _run(self, items: Iterable[T]) -> None:
        try:
            for item in items:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # whatever it is, the user of the items has to see it
            self._put(_Failure(error))

    def _put(self, item: T | _Failure | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> Iterator[T]:
        """Give the items in order."""
        while True:
            item = self._queue.get()
            if item is None:
                return
            if isinstance(item, _Failure):
                raise item.error
            yield item

    def close(self) -> None:
        """Stop the thread; what it has read ahead is dropped."""
        self._stop.set()
        self._thread.join()


class Stopwatch:
    """Adds up how long each kind of work took, over all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the time of a block."""
        started = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - started
            with self._lock:
                self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def iterate(self, items: Iterable[T], name: str) -> Iterator[T]:
        """Count the time that each item takes to come."""
        iterator = iter(items)
        while True:
            with self.timed(name):
                item = next(iterator, None)
            if item is None:
                return
            yield item
