"""Who is let in, and how much is held in memory at once."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

RECENT = 32  # pictures whose mean time tells how long others have to wait


class QueueFullError(Exception):
    """No more is taken on now; in ``retry_after`` seconds there may be room."""

    def __init__(self, retry_after: int, message: str = "") -> None:
        super().__init__(message or f"the service is busy; try again in {retry_after} s")
        self.retry_after = retry_after


class ClientBusyError(QueueFullError):
    """One client has as much in work as it may; others may have more taken on."""


class ClosingError(QueueFullError):
    """The service is being stopped: what it has taken is finished, nothing more is taken."""

    def __init__(self) -> None:
        super().__init__(5, "the service is being stopped")


class DeadlineError(Exception):
    """A request was not done in its time."""


class Admission:
    """Counts what was taken on, and refuses more than ``limit`` at once, waiting included."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        """How much is worked on or waits now."""
        self.closing = False
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._empty = asyncio.Event()
        self._empty.set()

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Take something on until the end of the block.

        Raises
        ------
        QueueFullError
            There is no room.
        """
        if self.closing:
            raise ClosingError
        if self.count >= self.limit:
            raise QueueFullError(self.retry_after())
        self.count += 1
        self._empty.clear()
        try:
            yield
        finally:
            self.count -= 1
            self._recent.append(time.monotonic())
            if not self.count:
                self._empty.set()

    def retry_after(self) -> int:
        """Estimate when there will be room: seconds, from 1 to 60, by how fast things lately ended."""
        if len(self._recent) < 2:
            return 1
        rate = (len(self._recent) - 1) / max(time.monotonic() - self._recent[0], 1e-3)
        return min(max(math.ceil(self.limit / 4 / rate), 1), 60)

    async def drain(self) -> None:
        """Refuse what comes from now on, and wait until the rest is done."""
        self.closing = True
        await self._empty.wait()


class Budget:
    """Shares an amount, such as of pixels in memory, among tasks; who came first is served first.

    A task that asks for more than ``total`` gets all of it.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.waiting = 0
        """How many tasks wait."""
        self._free = total
        self._turn = asyncio.Lock()  # serves in turn; whoever has it waits until there is enough
        self._given_back = asyncio.Event()

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator[list[Future[Any]]]:
        """Hold an amount for the block; a task that is cancelled while it waits leaves the queue.

        The list that the block is given takes the work of threads: what such work has is held until it ends,
        also where nobody waits for it any more, since threads cannot be stopped.
        """
        amount = min(amount, self.total)
        self.waiting += 1
        try:
            async with self._turn:
                while amount > self._free:
                    self._given_back.clear()
                    await self._given_back.wait()
                self._free -= amount
        finally:
            self.waiting -= 1
        work: list[Future[Any]] = []
        try:
            yield work
        finally:
            self._give_back(amount, [future for future in work if not future.done()])

    def _give_back(self, amount: int, work: list[Future[Any]]) -> None:
        """Give an amount back when the last of some work is done."""
        if not work:
            self._free += amount
            self._given_back.set()
            return
        loop = asyncio.get_running_loop()

        def done(_: object) -> None:
            with suppress(RuntimeError):  # the loop has ended, and the budget with it
                loop.call_soon_threadsafe(self._give_back, amount, work[1:])

        work[0].add_done_callback(done)
