"""``/api/live``: a camera, over a WebSocket."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.websockets import WebSocket

from ...service.live import SUBPROTOCOL, LiveSession, serve_live
from ...service.services import services_of

router = APIRouter()


@router.websocket("/api/live")
async def live(socket: WebSocket) -> None:
    """Answer frames with their results."""
    services = services_of(socket)
    if services.cameras >= services.limits.cameras or not services.ready:
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in (socket.scope.get("subprotocols") or []) else None)
        await socket.close(1013, "too many cameras are connected; try again later")
        return
    services.cameras += 1
    try:
        session = LiveSession(services.workers, services.limits, services.workers.modes[0])
        await serve_live(socket, session, services.camera_threads)
    finally:
        services.cameras -= 1
