"""Bodies of requests: how large, how many at once, and how slowly."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from anyio import fail_after
from starlette.datastructures import Headers

from ..options.service import MIB, Limits
from .middleware import client_of, route_path
from .problems import Problem, problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLOSE = {"Connection": "close"}
FILMS = "/api/jobs"


class Pool:
    """Bytes of uploads that have come and are held, in all and by client; one request alone always fits."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held = 0
        """Of all requests that are being read or answered."""
        self.by_client: Counter[str] = Counter()

    def add(self, client: str, more: int, own: int) -> None:
        """Hold more for a client's request, which has then ``own`` bytes.

        Raises
        ------
        Problem
            The client would have more than half of all, or all of them together too much.
        """
        self.held += more
        self.by_client[client] += more
        if more and self.by_client[client] > max(self.most // 2, own):
            raise Problem(429, "your other uploads are still worked on; try again in a few seconds", CLOSE)
        if more and self.held > max(self.most, own):
            raise Problem(503, "the service is busy with other uploads; try again in a few seconds", CLOSE)

    def give_back(self, client: str, size: int) -> None:
        """Hold so much less for a client."""
        self.held -= size
        self.by_client[client] -= size
        if not self.by_client[client]:
            del self.by_client[client]


class BodyLimits:
    """Refuses bodies that are too large, too many at once, and clients that send them too slowly.

    What counts are bytes that have come: whoever announces much and sends nothing takes nothing from others.
    Films, which are on the disk, and all else do not take each other's place.

    Parameters
    ----------
    limits
        ``patience``, ``slowest``, ``upload_bytes`` and ``film_upload_bytes`` are kept to here.
    largest
        How many bytes some paths take; others take 1 MiB.
    """

    def __init__(self, app: ASGIApp, *, limits: Limits, largest: Mapping[str, int]) -> None:
        self.app, self.limits, self.largest = app, limits, largest
        self._films, self._others = Pool(limits.film_upload_bytes), Pool(limits.upload_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = route_path(scope).rstrip("/")
        most, pool = self.largest.get(path, MIB), self._films if path == FILMS else self._others
        client = client_of(scope)
        told = Headers(scope=scope).get("content-length", "0")
        started = time.monotonic()
        taken, complete = 0, False

        def check(size: int) -> None:
            if size > most:
                detail = f"the request is too large; at most {most / 2**20:.0f} MiB are taken here"
                raise Problem(413, detail, CLOSE)

        async def limited() -> Message:
            nonlocal taken, complete
            if complete:
                return await receive()  # that is how one hears that a client has gone
            left = self.limits.patience + taken / self.limits.slowest - (time.monotonic() - started)
            try:
                with fail_after(max(left, 0.001)):
                    message = await receive()
            except TimeoutError as error:
                raise Problem(408, "the request came too slowly", CLOSE) from error
            if message["type"] == "http.request":
                more = len(message.get("body", b""))
                taken += more
                complete = not message.get("more_body", False)
                pool.add(client, more, taken)
                check(taken)
            return message

        try:
            check(int(told) if told.isascii() and told.isdigit() else 0)
            await self.app(scope, limited, send)
        except Problem as error:  # what the application raises it answers itself
            headers = {**(error.headers or {}), **({"Retry-After": "5"} if error.status_code != 413 else {})}
            await problem(error.status_code, error.detail, headers)(scope, receive, send)
        finally:
            pool.give_back(client, taken)
