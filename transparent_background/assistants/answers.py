"""Standard output as a stream of messages of which it is known when they have been written."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
from anyio.abc import ObjectSendStream
from anyio.to_thread import run_sync
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCResponse, RequestId

PIECE = 1 << 16  # bytes that are written at once, so that a slow reader is told from one who has stopped


class Answers(ObjectSendStream[SessionMessage]):
    """Messages to standard output, written one after another by :meth:`run`, each of them whole.

    It keeps a copy of the descriptor of standard output: make it before anything else takes that.

    Parameters
    ----------
    on_gone
        Called when nobody reads any more.
    """

    def __init__(self, on_gone: Callable[[], None]) -> None:
        self.gone = False
        """Whether nobody reads any more."""
        self._on_gone = on_gone
        self._file = _copy_of_output()
        self._queue, self._queued = anyio.create_memory_object_stream[SessionMessage](math.inf)
        self._unwritten = 0
        self._owed: set[RequestId] = set()
        self._settled = anyio.Event()
        self._taken = 0

    @contextmanager
    def owing(self, request: RequestId) -> Iterator[None]:
        """Owe a request its answer until that has been written, or the block is cancelled."""
        self._owed.add(request)
        try:
            yield
        except BaseException:
            self._owed.discard(request)
            self._settle()
            raise

    async def send(self, item: SessionMessage) -> None:
        """Take a message; it is written though its sender is cancelled.

        Raises
        ------
        anyio.ClosedResourceError, anyio.BrokenResourceError
            The stream is closed, or nobody reads it.
        """
        self._queue.send_nowait(item)
        self._unwritten += 1

    async def run(self) -> None:
        """Write what is taken, until the stream is closed or nobody reads it; a task of its own."""
        async with self._queued:
            async for item in self._queued:
                try:
                    await run_sync(self._write, item, abandon_on_cancel=True)
                except OSError:
                    self.gone = True
                    self._settled.set()
                    self._on_gone()
                    return
                message = item.message
                if isinstance(message, (JSONRPCResponse, JSONRPCError)) and message.id is not None:
                    self._owed.discard(message.id)
                self._unwritten -= 1
                self._settle()

    async def written(self, patience: float) -> bool:
        """Wait for all that is owed; False: nothing of it was read for so many seconds."""
        self._settled = anyio.Event()
        self._settle()
        while not (self._settled.is_set() or self.gone):
            before = self._taken
            with anyio.move_on_after(patience):
                await self._settled.wait()
            if self._taken == before and not self._settled.is_set():
                return False
        return True

    async def aclose(self) -> None:
        """Take no more messages."""
        self._queue.close()
        self._owed.clear()
        self._settle()

    def _write(self, item: SessionMessage) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        rest = memoryview(f"{text}\n".encode())
        del text  # it is large
        while rest:
            count = os.write(self._file, rest[:PIECE])
            rest = rest[count:]
            self._taken += count

    def _settle(self) -> None:
        if not (self._owed or self._unwritten):
            self._settled.set()


def _copy_of_output() -> int:
    """Copy the descriptor of standard output, past those of the standard streams."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # one of them had been closed: what is printed there is not to get among the messages
    os.close(spare)
    return os.dup(1)
