"""Running the application: connections, signals, and what a client may leave half-done."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from ..options.service import SLOWEST, ServiceSettings
from ..pipeline.signals import exit_code
from ..service.films import CANCELLING, FETCHING, FilmService

if TYPE_CHECKING:
    from fastapi import FastAPI

HEAD_SECONDS = 15.0  # for the lines before a request's body
KEEP_ALIVE = 15  # seconds that a connection is kept between requests
FRAME_BYTES = 16 << 20  # of a WebSocket's message: a background picture in base64
SLACK = 5.0  # seconds beside those that pictures and films are given at the end
TELLING = 0.3  # seconds in which the last states of films are sent, where there is no time
STALL = 30.0  # seconds in which a client has to take some of what waits to be sent to it


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on clients that neither get to the end of a request's head nor read answers.

    uvicorn waits for both without end, so that a few bytes a minute would hold a connection, and the answer
    that waits in memory, for ever.
    """

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does so for sockets that name their protocol, which uvicorn's do not; without it the end
            # of an answer waits until the client has acknowledged its beginning: 40 ms
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take bytes in; wait for the rest of the head if they are not the end of it."""
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_head()
        self._stop_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Watch no more: it has read nearly all."""
        self._stop_reader()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; whoever works on its beginning has nobody to answer any more.

        uvicorn would let both answer, and log a fault.
        """
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        with suppress(h11.LocalProtocolError):  # an answer has begun, or HEAD allows no words
            super().send_400_response(msg)
        self.transport.close()

    def _watch_reader(self) -> None:
        self._stop_reader()
        waiting = self.transport.get_write_buffer_size()
        self._reader = self.loop.call_later(STALL, self._check_reader, waiting)

    def _check_reader(self, before: int) -> None:
        if self.transport.get_write_buffer_size() > before - STALL * SLOWEST:
            self.transport.abort()
        else:
            self._watch_reader()

    def _idle(self) -> bool:
        """Tell whether the client is to send a request: none is worked on, and nobody has hung up."""
        working = self.cycle is not None and not self.cycle.response_complete
        return not (working or self.transport.is_closing())

    def _wait(self) -> None:
        handed_on = self.transport.get_protocol() is not self  # it has become a WebSocket
        if handed_on or not self._idle():
            self._stop_head()
        elif self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _hang_up(self) -> None:
        self._head = None
        if self._idle():
            self.transport.close()

    def _stop_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _stop_reader(self) -> None:
        if self._reader is not None:
            self._reader.cancel()


class AnsweringWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that says why it is refused, and hangs up, also where the head cannot be read at all.

    uvicorn would log it, and keep the connection.
    """

    def data_received(self, data: bytes) -> None:
        """Take bytes in; the first ones may be refused."""
        super().data_received(data)
        if not self.handshake_initiated and (refusal := b"".join(self.conn.data_to_send())):
            self.transport.write(refusal)
            self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """Hand a message on. Text that is no UTF-8 ends the connection (RFC 6455, 8.1).

        uvicorn would log a trace, and raise where the client has said in the same breath that it goes.
        """
        if self.curr_msg_data_type == "text" and not self.close_sent:
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()


class PromptServer(uvicorn.Server):
    """A server that takes no more work from the moment it is told to end.

    uvicorn waits for connections before the application hears of the end, and whoever watches a film would
    keep it waiting.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was taken, and end.

        First only ``/readyz`` says so, for as long as load balancers take to hear of it. Then nothing new is
        taken, but all is answered, so that films that are finished now can be fetched. Then nobody is
        listened to any more, and what is left is finished. After a second Ctrl-C films are cut short and
        clients hung up on; only pictures that are worked on are finished, since threads cannot be stopped.
        """
        services = self.config.app.state.services  # type: ignore[union-attr]
        hurry = asyncio.create_task(self._hurry(services.films))
        services.ready = False
        await self._go_on(asyncio.sleep(services.limits.drain))
        services.begin_to_close()
        await self._go_on(services.films.begin_to_close())
        await super().shutdown(sockets)
        if self.force_exit:  # uvicorn leaves the rest out, and logs that it was cancelled
            await hurry
            await self.lifespan.shutdown()
            if self.server_state.tasks:
                await asyncio.wait(self.server_state.tasks, timeout=SLACK)
        hurry.cancel()

    async def _hurry(self, films: FilmService) -> None:
        """Wait for a second Ctrl-C; then cut films short, tell who watches them, and hang up on everybody."""
        while not self.force_exit:
            await asyncio.sleep(0.05)
        await films.hurry()
        await asyncio.sleep(TELLING)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Heed a signal; Ctrl-C once more than that ends the process at once."""
        if self.force_exit and sig == signal.SIGINT:
            self.config.app.state.services.remove_files()  # type: ignore[union-attr]
            os._exit(exit_code(sig))
        super().handle_exit(sig, frame)

    async def _go_on(self, until: Awaitable[None]) -> None:
        """Go on serving until something is done, or a second signal says that there is no time."""
        waiting = asyncio.ensure_future(until)
        while not waiting.done() and not self.force_exit:
            await self.on_tick(0)
            await asyncio.wait([waiting], timeout=0.1)


def make_server(app: FastAPI, settings: ServiceSettings, **options: Any) -> uvicorn.Server:
    """Return a server for an application; ``run()`` it.

    On SIGTERM or SIGINT it stops listening, finishes what it has taken, and ends. Further options, of
    :class:`uvicorn.Config`, go before those set here.
    """
    longest = max(settings.limits.timeout, settings.limits.grace + CANCELLING + FETCHING) + SLACK
    values: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "http": PatientProtocol,
        "ws": AnsweringWebSocket,
        "ws_max_size": FRAME_BYTES,
        "ws_per_message_deflate": False,  # pictures are packed already, and little could become much
        "lifespan": "on",
        "server_header": False,
        "date_header": True,
        "log_config": None,
        "access_log": False,
        "timeout_keep_alive": KEEP_ALIVE,
        "timeout_graceful_shutdown": int(longest),
        "h11_max_incomplete_event_size": 64 * 1024,
        **options,
    }
    return PromptServer(uvicorn.Config(app, **values))
