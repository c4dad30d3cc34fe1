"""Calls that come before the network is there."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anyio
import pytest
from mcp.client import Client
from mcp.types import CallToolResult
from mcp_helpers import (
    report_of,
)

from transparent_background import Remover
from transparent_background.assistants import tool as tool_module
from transparent_background.assistants.folders import Folders
from transparent_background.assistants.server import PictureServer
from transparent_background.assistants.stdio import LazyServices
from transparent_background.options.service import ServiceSettings
from transparent_background.service.services import Services


def test_progress_is_told_while_the_network_is_loaded_and_of_a_batch(
    folder: Path, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tool_module, "WAITING", 0.01)
    settings = ServiceSettings(folders=(str(folder),))
    progress: list[tuple[float, float | None, str | None]] = []

    async def session() -> CallToolResult:
        told = asyncio.Event()
        services = Services([{"lite": remover}], settings)

        async def started() -> Services:
            await told.wait()
            return services

        async def note(done: float, total: float | None, message: str | None) -> None:
            progress.append((done, total, message))
            told.set()

        server = PictureServer(started, Folders(settings.folders), settings.limits)
        async with services.running(), Client(server) as client:
            return await client.call_tool("remove_background_batch", {"folder": "."}, progress_callback=note)

    report = report_of(asyncio.run(session()))
    assert report["done"] == 1
    assert progress[0] == (1, None, "the model is being loaded or downloaded")
    assert progress[-1] == (1, 1, "astronaut.jpg")


def test_loading_goes_on_when_the_call_that_began_it_is_given_up(remover: Remover) -> None:
    settings = ServiceSettings()
    entered, release = threading.Event(), threading.Event()
    loads = []

    def load() -> list[dict[str, Remover]]:
        loads.append(1)
        entered.set()
        assert release.wait(30)
        return [{"lite": remover}]

    async def session() -> None:
        async with anyio.create_task_group() as tasks:
            services = LazyServices(load, settings, tasks)
            server = PictureServer(services, Folders([]), settings.limits)
            async with Client(server) as client:
                calling = asyncio.ensure_future(client.call_tool("list_models", {}))
                assert await asyncio.to_thread(entered.wait, 30)
                calling.cancel()
                await asyncio.gather(calling, return_exceptions=True)
                release.set()
                assert report_of(await client.call_tool("list_models", {}))["default"] == "lite"
            assert await services.close()

    asyncio.run(session())
    assert loads == [1]
