"""``/mcp`` as a path of the service."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_helpers import (
    running,
)

from transparent_background import Remover
from transparent_background.options.service import Limits

TOKEN = "a-token-of-the-tests"


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover("lite", device="cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def address(remover: Remover, root: Path) -> Iterator[str]:
    limits = Limits(bytes=1_000_000, pixels=2_000_000, batch=5)
    with running(remover, folders=(str(root),), limits=limits) as url:
        yield url


def test_a_token_is_asked_for(remover: Remover) -> None:
    with running(remover, token=TOKEN) as url:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        for wrong in ({}, {"Authorization": "Bearer wrong"}):
            answer = httpx2.post(url, content="{}", headers={**headers, **wrong})
            assert answer.status_code == 401

        async def session(token: str) -> list[str]:
            async with (
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                return [tool.name for tool in (await client.list_tools()).tools]

        assert asyncio.run(session(TOKEN)) == ["remove_background", "get_matte", "list_models"]
        with pytest.raises(BaseException, match=r"401|unhandled errors"):
            asyncio.run(session("wrong"))


def test_other_pages_other_names_and_large_bodies_are_refused(address: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

    def status(**more: str) -> int:
        return httpx2.post(address, content="{}", headers={**headers, **more}).status_code

    assert status(Host="evil.example") == 421
    assert status(Origin="https://evil.example") == 403
    assert httpx2.post(address, content=b"{" * 4_000_000, headers=headers).status_code == 413
    for method in ("GET", "DELETE"):
        answer = httpx2.request(method, address, headers=headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    metrics = httpx2.get(address.replace("/mcp", "/metrics")).text
    assert 'path="/mcp",status="405"' in metrics
