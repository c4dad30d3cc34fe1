"""Doing one thing while the next is prepared, a bounded number of items ahead."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import repeat, takewhile
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_advance(
    pool: Executor, do: Callable[[T], R], items: Iterable[T], ahead: int
) -> Iterator[tuple[T, Future[R]]]:
    """Give items in their order, each with what is made of it; at most ``ahead`` are begun before it."""
    begun: deque[tuple[T, Future[R]]] = deque()
    for item in items:
        begun.append((item, pool.submit(do, item)))
        if len(begun) > ahead:
            yield begun.popleft()
    yield from begun


@contextmanager
def threads(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Give threads; at the end, what they have not begun is dropped."""
    pool = ThreadPoolExecutor(count, thread_name_prefix=name)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def prefetched(items: Iterable[T], ahead: int) -> Iterator[Iterator[T]]:
    """Iterate in a thread of its own, up to ``ahead`` items ahead; errors are raised where items are used."""
    iterator, end = iter(items), object()
    with threads(1, "read") as reader:
        coming = in_advance(reader, lambda _: next(iterator, end), repeat(None), ahead)
        yield takewhile(lambda item: item is not end, (read.result() for _, read in coming))  # type: ignore[misc]


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
