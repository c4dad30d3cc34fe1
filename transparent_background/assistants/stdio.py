"""The MCP server over standard input and output: one client, networks when they are first needed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server

from ..errors import DeviceError, UsageError
from ..service.admission import ClosingError
from .answers import Answers
from .folders import Folders
from .server import make_mcp

if TYPE_CHECKING:
    from ..options.service import ServiceSettings
    from ..service.services import Services
    from ..service.workers import Network

Load = Callable[[], Sequence[Mapping[str, "Network"]]]

PATIENCE = 5.0  # seconds without a byte being read, after which an answer is given up at the end


@dataclass(eq=False, slots=True)
class _Attempt:
    """One attempt to start the services, which may be waited for."""

    wanted: anyio.Event = field(default_factory=anyio.Event)
    over: anyio.Event = field(default_factory=anyio.Event)
    outcome: Services | Exception = field(default_factory=ClosingError)

    def end(self, outcome: Services | Exception) -> None:
        self.outcome = outcome
        self.over.set()


class LazyServices:
    """Services that start when they are first asked for; :meth:`run` starts them.

    Parameters
    ----------
    load
        Loads the networks; called in a thread of its own, and again if it failed.
    settings
        Of the services.
    """

    def __init__(self, load: Load, settings: ServiceSettings) -> None:
        self._load, self._settings = load, settings
        self._attempt = _Attempt()
        self._starting = anyio.CancelScope()
        self._closing, self._closed = anyio.Event(), anyio.Event()

    async def __call__(self) -> Services:
        """Return the services; who is cancelled while they start does not stop that.

        Raises
        ------
        WeightsError, DeviceError, UsageError
            The networks cannot be had.
        ClosingError
            They are not waited for any more.
        """
        attempt = self._attempt
        attempt.wanted.set()
        await attempt.over.wait()
        if isinstance(attempt.outcome, Exception):
            raise attempt.outcome
        return attempt.outcome

    async def run(self) -> None:
        """Start the services when they are asked for, and keep them until the end; a task of its own."""
        async with AsyncExitStack() as stack:
            with self._starting:
                while not self._attempt.over.is_set():
                    await self._attempt.wanted.wait()
                    await self._start(stack)
            if self._starting.cancelled_caught:
                self._attempt.end(ClosingError())
            await self._closing.wait()
        self._closed.set()

    async def _start(self, stack: AsyncExitStack) -> None:
        attempt = self._attempt
        try:
            services = await anyio.to_thread.run_sync(self._make, abandon_on_cancel=True)
            await stack.enter_async_context(services.running())
        except Exception as error:
            self._attempt = _Attempt()
            attempt.end(error)
        else:
            attempt.end(services)

    def _make(self) -> Services:
        """Import what is slow to import, and load the networks."""
        from ..service.services import Services

        try:
            return Services(self._load(), self._settings)
        except DeviceError as error:  # not for want of memory, as it would be later
            raise UsageError(f"the model cannot be loaded: {error}") from error

    def stop_loading(self) -> None:
        """Wait no longer for networks that are not there yet; who asked for them is told."""
        self._starting.cancel()

    async def close(self) -> bool:
        """Take the services down, if they were started; False: they are still being loaded in a thread."""
        self.stop_loading()
        self._closing.set()
        await self._closed.wait()
        return not (self._starting.cancelled_caught and self._attempt.wanted.is_set())


async def serve_stdio(load: Load, folders: Folders, settings: ServiceSettings) -> None:
    """Serve one client over standard input and output until it hangs up.

    While it does, file descriptor 1 is standard error: nothing that is printed gets among the messages. On
    SIGTERM and SIGINT, calls that were taken are finished and their answers written, and the process ends; a
    client that reads nothing of them for ``PATIENCE`` seconds is waited for no longer.

    Parameters
    ----------
    load
        Loads the networks when a tool first needs them: for every device by mode.
    folders
        Whose files may be read and written.
    settings
        Limits and threads.
    """
    ended, serving = anyio.Event(), anyio.CancelScope()
    services, answers = LazyServices(load, settings), Answers(on_gone=ended.set)
    server = make_mcp(services, folders, settings.limits, answers)
    hung_up = False

    async def serve() -> None:
        nonlocal hung_up
        with serving:
            async with stdio_server() as (requests, unused):
                await unused.aclose()
                await server.run(requests, answers, server.create_initialization_options())
        hung_up = True
        ended.set()

    async with anyio.create_task_group() as tasks:
        for work in (services.run, answers.run, serve):
            tasks.start_soon(work)
        with _signals(ended.set):
            await ended.wait()
            if not hung_up:
                services.stop_loading()
                if answers.gone:
                    serving.cancel()  # and with it the calls: nobody would hear of them
                await server.working.drain()
            closed = await services.close()
            written = await answers.written(PATIENCE)
            if not (hung_up and closed and written):
                _end()
            tasks.cancel_scope.cancel()


@contextmanager
def _signals(tell: Callable[[], None]) -> Iterator[None]:
    """Call a function at a signal to end; a second one ends the process as it always does."""
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(tell)

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    """End the process: a thread waits for input, a reader or a download, and cannot be called off."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)
