"""Work for a client, which ends when the client goes away."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("fastapi")

from starlette.requests import ClientDisconnect, Request

from transparent_background.web.problems import Problem
from transparent_background.web.uploads import unless_gone


def asked(receive) -> Request:
    return Request({"type": "http", "method": "POST", "headers": []}, receive)


def run(receive, work):
    async def main():
        return await unless_gone(asked(receive), work())

    return asyncio.run(main())


async def stays():
    await asyncio.Event().wait()


async def goes():
    return {"type": "http.disconnect"}


def test_the_work_is_done_for_a_client_that_stays() -> None:
    async def work():
        return 7

    assert run(stays, work) == 7


def test_the_work_ends_when_the_client_goes() -> None:
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    with pytest.raises(ClientDisconnect):
        run(goes, work)
    assert ended


def test_what_is_wrong_with_the_request_is_said() -> None:
    async def too_large():
        raise Problem(413, "too large")

    with pytest.raises(Problem, match="too large"):
        run(too_large, asyncio.Event().wait)
