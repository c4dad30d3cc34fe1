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

from ...errors import DeviceError, UsageError
from .folders import Folders
from .server import make_mcp

if TYPE_CHECKING:
    from ...remover import Remover
    from ..services import Services
    from ..settings import ServiceSettings

Load = Callable[[], Sequence[dict[str, "Remover"]]]


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
    from .. import options, problems, services  # noqa: F401

    try:
        return services.Services(load(), settings)
    except DeviceError as error:  # not for want of memory, as it would be later
        raise UsageError(f"the model cannot be loaded: {error}") from error


SETTLE = 0.5  # seconds for the library to write the last answers, which it does not tell of


async def serve_stdio(load: Load, folders: Folders, settings: ServiceSettings) -> None:
    """Serve one client over standard input and output until it hangs up.

    While it does, file descriptor 1 is standard error: nothing that is printed gets among the messages. On
    SIGTERM and SIGINT, calls that were taken are finished, and the process ends.

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
    server, tools = make_mcp(services, folders, settings.limits)
    serving = asyncio.ensure_future(server.run_stdio_async())
    stopping = asyncio.ensure_future(_signalled())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        services.stop_loading()
        await tools.working.drain()
        await services.close()
        await asyncio.sleep(SETTLE)
        _end()
    stopping.cancel()
    await services.close()
    try:
        serving.result()
    except Exception as error:
        if not _hung_up(error):
            raise


async def _signalled() -> None:
    """Wait for a signal to end; a second one ends the process as it always does."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(told.set)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tell)
    await told.wait()


def _end() -> None:
    """End the process: a thread of the library waits for a line of input, and cannot be called off."""
    logging.shutdown()
    sys.stderr.flush()
    os._exit(0)


def _hung_up(error: BaseException) -> bool:
    """Tell whether all that went wrong is that nobody reads the answers any more."""
    parts = getattr(error, "exceptions", None)
    if parts is not None:  # an ExceptionGroup, which Python 3.10 does not have
        return all(_hung_up(part) for part in parts)
    return isinstance(error, BrokenPipeError)
