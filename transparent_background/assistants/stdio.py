"""The MCP server over standard input and output: one client, networks when they are first needed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from mcp.server.stdio import stdio_server

from ..errors import DeviceError, UsageError
from ..options.service import ServiceSettings
from ..pipeline.signals import on_signals
from ..service.admission import ClosingError
from .answers import Answers
from .folders import Folders
from .server import PictureServer

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from ..service.services import Services
    from ..service.workers import Network

Load = Callable[[], Sequence[Mapping[str, "Network"]]]

PATIENCE = 5.0  # seconds without a byte being read, after which an answer is given up at the end


class LazyServices:
    """Services that start when they are first asked for.

    Parameters
    ----------
    load
        Loads the networks; called in a thread, and again if it failed.
    settings
        Limits and threads.
    tasks
        Starting is one of them: who is cancelled meanwhile does not stop it.
    """

    def __init__(self, load: Load, settings: ServiceSettings, tasks: TaskGroup) -> None:
        self._load, self._settings, self._tasks = load, settings, tasks
        self._services: Services | None = None
        self._error: Exception = ClosingError()
        self._starting: anyio.Event | None = None
        self._loading = anyio.CancelScope()
        self._stack = AsyncExitStack()

    async def __call__(self) -> Services:
        """Return the services, once they have started.

        Raises
        ------
        WeightsError, DeviceError, UsageError
            The networks cannot be had.
        ClosingError
            They are not waited for any more.
        """
        if self._starting is None:
            self._starting = anyio.Event()
            self._tasks.start_soon(self._start, self._starting)
        await self._starting.wait()
        if self._services is None:
            raise self._error
        return self._services

    async def _start(self, over: anyio.Event) -> None:
        try:
            with anyio.CancelScope() as self._loading:
                services = await run_sync(self._make, abandon_on_cancel=True)
                self._services = await self._stack.enter_async_context(services.running())
        except Exception as error:
            self._error, self._starting = error, None  # the next call tries again
        over.set()

    def _make(self) -> Services:
        """Import what is slow to import, and load the networks."""
        from ..service.services import Services

        try:
            return Services(self._load(), self._settings)
        except DeviceError as error:  # not for want of memory, as it would be later
            raise UsageError(f"the model cannot be loaded: {error}") from error

    def stop_loading(self) -> None:
        """Wait no longer for networks that are not there yet; who asked for them is told."""
        self._loading.cancel()

    async def close(self) -> bool:
        """Take the services down, if they were started; False: a thread is still loading networks."""
        self.stop_loading()
        if self._starting is not None:
            await self._starting.wait()
        await self._stack.aclose()
        return not self._loading.cancelled_caught


async def serve_stdio(load: Load, folders: Folders, settings: ServiceSettings) -> None:
    """Serve one client over standard input and output until it hangs up.

    While it does, file descriptor 1 is standard error: nothing that is printed gets among the messages. On
    SIGTERM and SIGINT, calls that were taken are finished and their answers written, and the process ends; a
    client that reads nothing of them for ``PATIENCE`` seconds is waited for no longer.

    Parameters
    ----------
    load
        Loads the networks of every device by mode, when a tool first needs them.
    folders
        The folders whose files may be read and written.
    settings
        Limits and threads.
    """
    ended, serving = anyio.Event(), anyio.CancelScope()
    answers = Answers(on_gone=ended.set)
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
        services = LazyServices(load, settings, tasks)
        server = PictureServer(services, folders, settings.limits, answers)
        tasks.start_soon(answers.run)
        tasks.start_soon(serve)
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


def _signals(tell: Callable[[], None]) -> AbstractContextManager[None]:
    """Call a function at a signal to end; a second one ends the process as it always does."""
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(tell)

    return on_signals(handle)


def _end() -> None:
    """End the process: a thread waits for input, a reader or a download, and cannot be called off."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)
