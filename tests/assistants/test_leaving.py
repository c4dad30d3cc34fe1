"""Clients that go away, and what they leave."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp_helpers import (
    report_of,
)

from transparent_background import Remover
from transparent_background.assistants import tools as tools_module
from transparent_background.assistants.folders import Folders
from transparent_background.assistants.server import PictureServer
from transparent_background.options.service import ServiceSettings
from transparent_background.service.services import Services


def hang_up(address: str, entered: threading.Event) -> None:
    """Send a request by hand, and close the connection when it is worked on."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    message |= {"params": {"name": "remove_background", "arguments": {"path": "astronaut.jpg"}}}
    body = json.dumps(message).encode()
    host, port = address.split("/")[2].split(":")
    head = (
        f"POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Accept: application/json, text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(head.encode() + body)
        assert entered.wait(30)


def cancel(address: str, entered: threading.Event) -> None:
    """Call a tool by the client, and cancel that when it is worked on."""

    async def session() -> None:
        async with Client(address) as client:
            calling = asyncio.ensure_future(client.call_tool("remove_background", {"path": "astronaut.jpg"}))
            assert await asyncio.to_thread(entered.wait, 30)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    asyncio.run(session())


@pytest.mark.parametrize("leave", [hang_up, cancel])
def test_who_goes_away_leaves_the_queue(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, leave: Callable[..., None]
) -> None:
    entered, release, cancelled = threading.Event(), threading.Event(), threading.Event()

    async def held(self: Any, *arguments: Any, **options: Any) -> Any:
        entered.set()
        try:
            while not release.is_set():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    monkeypatch.setattr(tools_module.Work, "one", held)
    try:
        leave(address, entered)
        assert cancelled.wait(30)
    finally:
        release.set()
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


def test_a_file_that_is_being_written_is_waited_for_when_its_call_is_cancelled(
    folder: Path, remover: Remover, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServiceSettings(folders=(str(folder),))
    entered, release = threading.Event(), threading.Event()
    write = Folders.write

    def held(*arguments: Any, **options: Any) -> None:
        entered.set()
        assert release.wait(30)
        write(*arguments, **options)

    monkeypatch.setattr(Folders, "write", held)

    async def session() -> None:
        services = Services([{"lite": remover}], settings)

        async def started() -> Services:
            return services

        server = PictureServer(started, Folders(settings.folders), settings.limits)
        async with services.running(), Client(server, mode="legacy") as client:
            calling = asyncio.ensure_future(client.call_tool("remove_background", {"path": "astronaut.jpg"}))
            assert await asyncio.to_thread(entered.wait, 30)
            calling.cancel()
            report_of(await client.call_tool("list_models", {}))  # the cancellation has been heard of
            counts = server.working.count, services.pictures.admission.count
            release.set()
            await server.working.drain()
            assert (folder / "astronaut_rgba.png").exists()
            await asyncio.gather(calling, return_exceptions=True)
            assert counts == (1, 1)

    asyncio.run(session())
