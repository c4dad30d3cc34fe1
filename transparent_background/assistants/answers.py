"""Standard output as a stream of messages of which it is known when they have been written."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

import anyio
from mcp.shared.message import SessionMessage
from mcp.types import JSONRPCError, JSONRPCResponse, RequestId
from typing_extensions import Self

PIECE = 1 << 16  # bytes that are written at once, so that a slow reader is told from one who has stopped


class Answers:
    """Messages to standard output; a message that was sent has been written.

    To be made before anything else takes standard output, whose descriptor it keeps a copy of.
    """

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        """Nobody reads any more."""
        self._file = _copy_of_output()
        self._turn = asyncio.Lock()
        self._writing: set[asyncio.Task[None]] = set()
        self._owed: set[RequestId] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._taken = 0
        self._closed = False

    @contextmanager
    def owing(self, request: RequestId) -> Iterator[None]:
        """Owe a request its answer until that has been written, or the block is cancelled."""
        if not self._closed:
            self._owed.add(request)
            self._idle.clear()
        try:
            yield
        except asyncio.CancelledError:
            self._owed.discard(request)
            self._settle()
            raise

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message; one that was begun is written whole though its sender is cancelled.

        Raises
        ------
        anyio.ClosedResourceError, anyio.BrokenResourceError
            The stream is closed, or nobody reads it.
        """
        if self._closed:
            raise anyio.ClosedResourceError
        task = asyncio.ensure_future(self._deliver(item))
        self._writing.add(task)
        self._idle.clear()
        task.add_done_callback(lambda task: self._delivered(task, item))
        await asyncio.shield(task)

    async def written(self, patience: float) -> bool:
        """Wait for all that is owed; False: nothing of it was read for so many seconds."""
        while not (self._idle.is_set() or self.gone.is_set()):
            before = self._taken
            try:
                await asyncio.wait_for(self._idle.wait(), patience)
            except asyncio.TimeoutError:
                if self._taken == before:
                    return False
        return True

    async def aclose(self) -> None:
        """Take no more messages."""
        self._closed = True
        self._owed.clear()
        self._settle()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _deliver(self, item: SessionMessage) -> None:
        async with self._turn:
            if self.gone.is_set():
                raise anyio.BrokenResourceError
            try:
                await asyncio.to_thread(self._write, item)
            except OSError as error:
                self.gone.set()
                raise anyio.BrokenResourceError from error

    def _write(self, item: SessionMessage) -> None:
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        rest = memoryview(f"{text}\n".encode())
        del text  # it is large
        while rest:
            count = os.write(self._file, rest[:PIECE])
            rest = rest[count:]
            self._taken += count

    def _delivered(self, task: asyncio.Task[None], item: SessionMessage) -> None:
        if not task.cancelled():
            task.exception()  # whoever sent it may not be there to ask
        self._writing.discard(task)
        message = item.message
        if isinstance(message, (JSONRPCResponse, JSONRPCError)) and message.id is not None:
            self._owed.discard(message.id)
        self._settle()

    def _settle(self) -> None:
        if not (self._owed or self._writing):
            self._idle.set()


def _copy_of_output() -> int:
    """Copy the descriptor of standard output, past those of the standard streams."""
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # one of them had been closed: what is printed there is not to get among the messages
    os.close(spare)
    return os.dup(1)
