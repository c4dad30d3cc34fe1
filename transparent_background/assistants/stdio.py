"""The MCP server over standard input and output: one client, networks when they are first needed."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from ..errors import DeviceError, UsageError
from .answers import Answers
from .folders import Folders
from .server import make_mcp

if TYPE_CHECKING:
    from ..options.service import ServiceSettings
    from ..remover import Remover
    from ..service.services import Services

Load = Callable[[], Sequence[dict[str, "Remover"]]]

PATIENCE = 5.0  # seconds without a byte being read, after which an answer is given up at the end


class LazyServices:
    """Services that start when they are first asked for.

    Parameters
    ----------
    load
        Loads the networks; called in a thread of its own, and again if it failed.
    settings
        Of the services.
    """

    def __init__(self, load: Load, settings: ServiceSettings) -> None:
        self._load, self._settings = load, settings
        self._starting: asyncio.Task[Services] | None = None
        self._stack = AsyncExitStack()

    async def __call__(self) -> Services:
        """Return the services; who is cancelled while they start does not stop that.

        Raises
        ------
        WeightsError, DeviceError, UsageError
            The networks cannot be had.
        """
        if self._starting is None or _failed(self._starting):
            self._starting = asyncio.create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> Services:
        made: Future[Services] = Future()
        made.set_running_or_notify_cancel()

        def make() -> None:
            try:
                made.set_result(_make(self._load, self._settings))
            except Exception as error:
                made.set_exception(error)

        # a daemon, so that a process which is to end does not wait for a download
        threading.Thread(target=make, name="load", daemon=True).start()
        services = await asyncio.wrap_future(made)
        return await self._stack.enter_async_context(services.running())

    def stop_loading(self) -> None:
        """Wait no longer for networks that are not there yet; who asked for them is cancelled."""
        if self._starting is not None:
            self._starting.cancel()

    async def close(self) -> None:
        """Take the services down, if they were started."""
        self.stop_loading()
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
        await self._stack.aclose()


def _failed(task: asyncio.Task[Services]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is not None


def _make(load: Load, settings: ServiceSettings) -> Services:
    """Import what is slow to import, and load the networks."""
    from ..service import services
    from ..web import problems  # noqa: F401

    try:
        return services.Services(load(), settings)
    except DeviceError as error:  # not for want of memory, as it would be later
        raise UsageError(f"the model cannot be loaded: {error}") from error


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
    services = LazyServices(load, settings)
    server = make_mcp(services, folders, settings.limits)
    answers = Answers()
    serving = asyncio.ensure_future(server.serve_stdio(answers))
    reasons = [asyncio.ensure_future(reason) for reason in (_signalled(), answers.gone.wait())]
    await asyncio.wait({serving, *reasons}, return_when=asyncio.FIRST_COMPLETED)
    hung_up = serving.done()
    if not hung_up:
        services.stop_loading()
        if answers.gone.is_set():
            serving.cancel()  # and with it the calls: nobody would hear of them
        await server.working.drain()
    await services.close()
    written = await answers.written(PATIENCE)
    if not (hung_up and written):
        _end()
    for reason in reasons:
        reason.cancel()
    serving.result()


async def _signalled() -> bool:
    """Wait for a signal to end; a second one ends the process as it always does."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(told.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    return await told.wait()


def _end() -> None:
    """End the process: a thread waits for a line of input or for a reader, and cannot be called off."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)
