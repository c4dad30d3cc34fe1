"""``/api/live``: a camera, over a WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from anyio import create_task_group, fail_after
from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ...service.live import LiveSession
from ..problems import told
from . import Running

router = APIRouter()

SUBPROTOCOL = "transparent-background"
IDLE = 60.0  # seconds without a message after which the connection is closed


@router.websocket("/api/live")
async def live(socket: WebSocket, services: Running) -> None:
    """Answer frames with their results."""
    offered = socket.scope.get("subprotocols") or []
    await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
    if services.cameras >= services.limits.cameras or not services.taking:
        await socket.close(1013, "too many cameras are connected; try again later")
        return
    services.cameras += 1
    try:
        await _serve(socket, LiveSession(services.workers, services.limits), services.camera_threads)
    finally:
        services.cameras -= 1


async def _serve(socket: WebSocket, session: LiveSession, threads: ThreadPoolExecutor) -> None:
    """Answer a connection's frames, always the newest, until it ends."""
    newest: asyncio.Queue[bytes] = asyncio.Queue(1)
    run = asyncio.get_running_loop().run_in_executor

    async def answer() -> None:
        while True:
            frame = await newest.get()
            try:
                made = await run(threads, session.make, frame)
            except Exception as error:
                await socket.send_json({"error": told(error)[1]})
            else:
                await socket.send_bytes(made)

    async def listen() -> None:
        while True:
            with fail_after(IDLE):
                message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if (data := message.get("bytes")) is not None:
                if newest.full():
                    newest.get_nowait()  # nobody waits for an older frame
                newest.put_nowait(data)
            elif (text := message.get("text")) is not None:
                try:
                    await run(threads, session.configure, text)
                except Exception as error:
                    await socket.send_json({"error": told(error)[1]})

    async def until_gone(work: Callable[[], Awaitable[None]]) -> None:
        with suppress(TimeoutError, WebSocketDisconnect, RuntimeError):  # it has gone, or is as good as gone
            await work()
        tasks.cancel_scope.cancel()

    async with create_task_group() as tasks:
        tasks.start_soon(until_gone, answer)
        tasks.start_soon(until_gone, listen)
    if socket.application_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError, WebSocketDisconnect):
            await socket.close()
