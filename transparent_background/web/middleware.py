"""What every request passes: who may ask, what it is called, and what answers always say."""

from __future__ import annotations

import base64
import hmac
import logging
import re
import secrets
import time
from collections.abc import Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from ..service.metrics import Metrics
from ..service.sentences import REQUEST
from .problems import PAGE, answer, problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
PUBLIC = ("/healthz", "/readyz", PAGE)
"""Answered without a token, as are the page's files."""

REQUEST_ID = "X-Request-ID"
NAME = re.compile(r"[\w.:@/+=-]{1,100}", re.ASCII)
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def route_path(scope: Scope) -> str:
    """Return a request's path without what a proxy shows the service under (``--root-path``)."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


def client_of(scope: Scope) -> str:
    """Return the address of who asks; empty where the server does not know it."""
    return str((scope.get("client") or ("",))[0])


class SecurityHeaders:
    """Adds what browsers are told of every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if route_path(scope).startswith("/api/"):
                    headers.setdefault("cache-control", "no-store")
            await send(message)

        await self.app(scope, receive, add if scope["type"] == "http" else send)


class RequestIds:
    """Names every request, in its answer and in the log, and answers errors that nobody expected.

    The name is the client's, or a proxy's before it, if it has the form of one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope).get(REQUEST_ID, "")
        name = asked if NAME.fullmatch(asked) else secrets.token_hex(8)
        begun = False

        async def add(message: Message) -> None:
            nonlocal begun
            if message["type"] in ("http.response.start", "websocket.accept"):
                begun = True
                message.setdefault("headers", [])
                MutableHeaders(scope=message)[REQUEST_ID] = name
            await send(message)

        token = REQUEST.set(name)
        try:
            await self.app(scope, receive, add)
        except Exception as error:
            if begun or scope["type"] == "websocket":
                logger.error("request %s broke off", name, exc_info=error)
                raise
            await (await answer(None, error))(scope, receive, add)
        finally:
            REQUEST.reset(token)


class CountRequests:
    """Counts requests and their time by route, so that ids in paths make no new series."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.requests = metrics.counter("requests", "Requests answered.", "method", "path", "status")
        self.seconds = metrics.histogram("request_seconds", "Until the answer was sent.", "path")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.monotonic(), 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            path = getattr(scope.get("route"), "path", None) or "other"
            method = scope["method"] if scope["method"] in METHODS else "other"
            seconds = time.monotonic() - started
            self.requests.labels(method, path, str(status)).inc()
            self.seconds.labels(path).observe(seconds)
            took = f"{1000 * seconds:.0f} ms"
            logger.info("request %s: %s %s: %d, %s", REQUEST.get(), method, path, status, took)


class Doorkeeper:
    """Refuses requests that another web site sent through a visitor's browser, and those without the token.

    Parameters
    ----------
    hosts
        Names that a request may have asked for, beside addresses in numbers; None: any. Against DNS
        rebinding: a page elsewhere whose name suddenly means this machine asks for its own name.
    origins
        Other sites that may ask.
    token
        What ``Authorization: Bearer`` has to hold; None: nothing.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Sequence[str] | None, origins: Sequence[str], token: str | None
    ) -> None:
        self.app = app
        self.hosts = None if hosts is None else frozenset(host.lower() for host in hosts)
        self.origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self.token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refusal[1]})
        else:
            status, detail = refusal
            extra = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
            await problem(status, detail, extra)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> tuple[int, str] | None:
        host = headers.get("host", "")
        if self.hosts is not None and not _is_address(host) and _without_port(host) not in self.hosts:
            return 421, "this service is not known by the name that was asked for; see --allow-host"
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
        # pages can make a browser GET anything without an origin, as a picture; newer ones say so
        foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        foreign = foreign and route_path(scope).startswith(("/api/", "/mcp"))
        if (foreign or (origin is not None and changes)) and not self._is_known(origin or "null", host):
            return 403, "requests from pages of other sites are not taken; see --allow-origin"
        if self.token is None or not _needs_token(scope):
            return None
        if not hmac.compare_digest(_token_of(headers).encode(), self.token.encode()):
            return 401, "a token is needed: Authorization: Bearer TOKEN"
        return None

    def _is_known(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        return origin in self.origins or urlsplit(origin).netloc == host.lower()


def _without_port(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    """Tell an address in numbers, which no page can have made mean something else."""
    try:
        ip_address(_without_port(host))
    except ValueError:
        return False
    return True


def _needs_token(scope: Scope) -> bool:
    path = route_path(scope)
    if scope["type"] == "http" and (scope["method"] == "OPTIONS" or path in PUBLIC):
        return False
    return not (path == "/" or path.startswith("/page/"))


def _token_of(headers: Headers) -> str:
    """Return the token of a request; a browser's WebSocket has it among its subprotocols."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    for protocol in headers.get("sec-websocket-protocol", "").split(","):
        name, _, coded = protocol.strip().partition(".")
        if name == "bearer":
            try:
                return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
            except ValueError:  # no base64, or no text
                return ""
    return ""
