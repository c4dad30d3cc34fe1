"""``/mcp``: the assistants' tools over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request

from .problems import problem
from .uploads import unless_gone

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send


class Endpoint:
    """``/mcp`` as an ASGI application: streamable HTTP without sessions.

    Answers are JSON, not event streams, of which clients take no more than 1 MiB at once: less than a picture
    in base64. So there is no progress.

    Requests of more than ``body_limit`` bytes are refused by the application before.
    """

    path = "/mcp"
    """Where it is, and what the metrics call it."""

    def __init__(self, server: Server[Any], body_limit: int) -> None:
        self._manager = StreamableHTTPSessionManager(
            server,
            json_response=True,
            stateless=True,
            # hosts and origins are the application's business
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
            max_request_body_size=body_limit,
        )
        self.running = self._manager.run
        """A context in which requests are served, once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; a client that goes away leaves the queue."""
        scope.setdefault("route", self)
        if scope["method"] != "POST":
            # a GET would only wait for messages that never come, and keep the service from ending
            await problem(405, "send MCP requests as POST", {"Allow": "POST"})(scope, receive, send)
            return
        request = Request(scope, receive)
        body = b"".join([chunk async for chunk in request.stream()])
        messages = [{"type": "http.request", "body": body, "more_body": False}]
        del body  # it is large, and read once

        async def replay() -> Message:
            if not messages:
                await anyio.sleep_forever()  # that a client has gone is heard here, not there
            return messages.pop()

        await unless_gone(request, self._manager.handle_request(scope, replay, send))
