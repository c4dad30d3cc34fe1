"""What is offered, over HTTP and to clients without folders."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp_helpers import (
    ASTRONAUT,
    call,
    check_cutout,
    converse,
    picture_of,
    report_of,
    running,
    sent,
    told,
    until,
)

from transparent_background import Remover
from transparent_background.assistants.folders import Folders
from transparent_background.assistants.server import PictureServer
from transparent_background.options.service import ServiceSettings
from transparent_background.service.services import Services


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_tools_are_described_with_all_their_arguments(address: str, root: Path, mode: str) -> None:
    async def session() -> None:
        async with Client(address, mode=mode) as client:
            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert str(root) in (client.instructions or "")
        pictures = ["remove_background", "get_matte", "remove_background_batch", "list_models", "list_folder"]
        assert list(listed) == [*pictures, "start_film", "film_progress", "cancel_film"]
        for tool in listed.values():
            assert tool.title and tool.description and "\n" not in tool.description
            assert tool.input_schema["additionalProperties"] is False
            assert tool.output_schema is not None
            for name, values in tool.input_schema["properties"].items():
                assert values.get("description"), (tool.name, name)
        hints = {name: tool.annotations for name, tool in listed.items()}
        assert hints["list_models"].read_only_hint
        assert not hints["remove_background"].read_only_hint
        assert hints["remove_background"].destructive_hint
        assert not any(hint.open_world_hint for hint in hints.values())

    asyncio.run(session())


def test_models_are_those_of_the_http_service_and_folders_are_told(address: str, root: Path) -> None:
    report = report_of(call(address, "list_models"))
    assert report.pop("folders") == [str(root)]
    answer = httpx2.get(address.replace("/mcp", "/api/models"))
    assert report == answer.json()
    assert [model["name"] for model in report["models"]] == ["lite"]


def test_without_a_folder_pictures_are_sent(remover: Remover) -> None:
    calls = [
        ("remove_background", {"path": str(ASTRONAUT)}),
        ("remove_background", {"image_base64": sent(), "output": "a.png"}),
        ("remove_background", {"image_base64": sent()}),
        ("list_models", {}),
    ]
    with running(remover) as url:
        for mode in ("auto", "legacy"):
            by_path, by_output, by_picture, models = converse(url, calls, mode=mode)
            assert "no folder is open to this service" in told(by_path)
            assert "--folder PATH" in told(by_output)
            check_cutout(picture_of(by_picture))
            assert report_of(models)["folders"] == []


def test_calls_of_every_tool_are_counted_and_refused_at_the_end(remover: Remover) -> None:
    settings = ServiceSettings()

    async def session() -> None:
        services = Services([{"lite": remover}], settings)
        going_on = asyncio.Event()

        async def started() -> Services:
            await going_on.wait()
            return services

        server = PictureServer(started, Folders([]), settings.limits)
        async with Client(server) as client:
            calling = asyncio.ensure_future(client.call_tool("list_models", {}))
            await until(lambda: server.working.count == 1)
            draining = asyncio.ensure_future(server.working.drain())
            await until(lambda: server.working.closing)
            assert told(await client.call_tool("list_models", {})) == "the service is being stopped"
            assert not draining.done()
            going_on.set()
            await draining
            assert report_of(await calling)["default"] == "lite"

    asyncio.run(session())
