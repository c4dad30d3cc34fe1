"""What the tests of assistants' tools share: a service in a thread, calls by the official client, results."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from mcp.client import Client
from mcp.types import CallToolResult, ImageContent, TextContent
from PIL import Image

from transparent_background import Remover
from transparent_background.options.service import ServiceSettings
from transparent_background.web.app import create_app
from transparent_background.web.server import make_server

ASTRONAUT = Path(__file__).parents[2] / "samples" / "astronaut.jpg"


@contextlib.contextmanager
def running(remover: Remover, **settings: Any) -> Iterator[str]:
    """Run a service in a thread; yields the address of its /mcp."""
    chosen = ServiceSettings(**settings)
    server = make_server(create_app([{"lite": remover}], chosen), chosen)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                thread.join(0.01)
                assert thread.is_alive()
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            server.should_exit = True
            thread.join()


def converse(transport: Any, calls: list[tuple[str, dict[str, Any]]], **options: Any) -> list[CallToolResult]:
    """Call tools one after another as one client."""

    async def session() -> list[CallToolResult]:
        async with Client(transport, **options) as client:
            return [await client.call_tool(name, arguments) for name, arguments in calls]

    return asyncio.run(session())


def call(address: str, name: str = "remove_background", /, **arguments: Any) -> CallToolResult:
    (result,) = converse(address, [(name, arguments)])
    return result


def told(result: CallToolResult) -> str:
    """Return the sentence of a call that failed."""
    assert result.is_error
    (content,) = result.content
    assert isinstance(content, TextContent)
    assert "\n" not in content.text
    return content.text


def picture_of(result: CallToolResult) -> Image.Image:
    assert not result.is_error, result.content
    (content,) = [content for content in result.content if isinstance(content, ImageContent)]
    picture = Image.open(io.BytesIO(base64.b64decode(content.data)))
    assert content.mime_type == Image.MIME[picture.format or ""]
    return picture


def report_of(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def check_cutout(picture: Image.Image) -> None:
    """See that the astronaut is there and the background is not."""
    assert picture.mode == "RGBA"
    alpha = np.asarray(picture)[..., 3]
    height, width = alpha.shape
    assert alpha[height // 2, width // 2] > 250
    assert alpha[: height // 10, : width // 10].mean() < 30
    assert 0.2 < (alpha > 127).mean() < 0.8


def sent() -> str:
    return base64.b64encode(ASTRONAUT.read_bytes()).decode()


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")
