"""Bringing a file from a server, going on where an earlier try or run stopped."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3

from ..types import ByteProgress
from .records import Checkpoint

logger = logging.getLogger(__name__)

CHUNK = 1 << 16  # bytes read at once; what a cut line may cost
# what the same request will meet again: addresses that are none, bad certificates
_HOPELESS = (ValueError, requests.exceptions.SSLError, requests.exceptions.TooManyRedirects)
_TRANSIENT = frozenset({408, 425, 429})  # these, and 500 and above, may pass by themselves


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait and how often to try."""

    connect: float = 5.0
    """Seconds until a server must answer."""
    stall: float = 20.0
    """Seconds without a byte after which a connection is given up."""
    attempts: int = 4
    """Tries in a row that bring nothing new before a source is given up."""
    pause: float = 1.0
    """Seconds before the second try, doubled for each further one that brought nothing new."""
    sleep: Callable[[float], None] = time.sleep


class RefusedError(Exception):
    """A source will not give the file, however often it is asked."""


class InterruptedTransferError(Exception):
    """A source stopped half-way; asking again may help."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is to be brought, where to, and how."""

    checkpoint: Checkpoint
    part: Path
    progress: ByteProgress | None
    patience: Patience


def persist(ask: Callable[[], None], size: Callable[[], int], source: str, patience: Patience) -> None:
    """Ask a source until the file is whole.

    Tries that bring bytes are free: a bad line costs time, not the download. A server that cannot
    be reached, or says nothing at all, is asked once: there are others, and nobody wants to wait in vain.

    Parameters
    ----------
    ask
        One try.
    size
        Gives the number of bytes that are there.

    Raises
    ------
    RefusedError, InterruptedTransferError
    """
    start = most = size()
    failures = 0
    while True:
        try:
            ask()
            return
        except InterruptedTransferError as error:
            reason = str(error)
        except requests.RequestException as error:
            reason = describe(error)
            if isinstance(error, _HOPELESS) or (_is_unreachable(error) and most == start):
                raise RefusedError(reason) from error
        failures = 1 if size() > most else failures + 1
        most = max(most, size())
        if failures >= patience.attempts:
            raise InterruptedTransferError(reason)
        logger.info("%s: %s; trying again", source, reason)
        patience.sleep(patience.pause * 2 ** (failures - 1))


def check_status(status: int, reason: str) -> None:
    """Raise what an HTTP status other than success means."""
    if status in _TRANSIENT or status >= 500:
        raise InterruptedTransferError(f"HTTP {status} {reason}")
    if status not in (200, 206):
        raise RefusedError(f"HTTP {status} {reason}")


def bring_from_server(transfer: Transfer, source: str) -> bool:
    """Bring the part to its full length from an HTTP server.

    Returns
    -------
    Whether it begins with bytes that were there before, which may be another file's.

    Raises
    ------
    RefusedError, InterruptedTransferError
        The server did not give the file.
    OSError
        The part cannot be written.
    """
    with requests.Session() as session:
        session.headers["Accept-Encoding"] = "identity"  # ranges count the file's own bytes
        server = _Server(transfer, source, session)
        leftover = server.size() > 0
        persist(server.ask, server.size, source, transfer.patience)
    return leftover


class _Server:
    """One file on an HTTP server."""

    def __init__(self, transfer: Transfer, url: str, session: requests.Session) -> None:
        self.transfer, self.url, self.session = transfer, url, session
        self.validator: str | None = None  # a strong ETag, once the server has given one

    def size(self) -> int:
        part = self.transfer.part
        return part.stat().st_size if part.exists() else 0

    def ask(self) -> None:
        """Ask once for what is missing; return at the file's end."""
        start = self.size()
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and self.validator:
            headers["If-Range"] = self.validator  # the whole file, should it have changed meanwhile
        patience, proxy = self.transfer.patience, self.transfer.checkpoint.http_proxy
        with self.session.get(
            self.url,
            headers=headers,
            stream=True,
            timeout=(patience.connect, patience.stall),
            # here, not on the session: there the environment's proxies would come first
            proxies={"http": proxy, "https": proxy} if proxy else None,
        ) as response:
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                if not response.headers.get("Content-Range", "").endswith(f"/{start}"):
                    self.transfer.part.unlink(missing_ok=True)
                    raise InterruptedTransferError("the part does not fit; starting anew")
                return  # nothing is missing
            check_status(response.status_code, response.reason)
            if response.headers.get("Content-Type", "").startswith("text/html"):
                raise RefusedError("a web page came in place of the file")
            self._take(response, start)

    def _take(self, response: requests.Response, start: int) -> None:
        part = self.transfer.part
        resumed = response.status_code == requests.codes.partial_content
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink(missing_ok=True)
            raise InterruptedTransferError("the server sent another range than asked for")
        done = start if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        expected = self.transfer.checkpoint.size
        if None not in (total, expected) and total != expected:
            raise RefusedError(f"another file than the published one: {total} bytes, not {expected}")
        etag = response.headers.get("ETag", "")
        self.validator = etag if etag and not etag.startswith("W/") else None
        with part.open("ab" if resumed else "wb") as file:
            for block in response.iter_content(CHUNK):
                file.write(block)
                done += len(block)
                if self.transfer.progress is not None:
                    self.transfer.progress(done, total)
        if total is not None and done < total:  # urllib3 tells this by itself only from 2.0 on
            raise InterruptedTransferError(f"the line was cut after {done} of {total} bytes")


def _is_unreachable(error: requests.RequestException) -> bool:
    """Tell whether no connection came about at all, or one that brought nothing."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    kinds = (
        requests.exceptions.ConnectTimeout,
        requests.exceptions.ProxyError,
        requests.exceptions.ReadTimeout,  # not even the head of an answer came
    )
    return isinstance(error, kinds) or isinstance(cause, urllib3.exceptions.NewConnectionError)


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy cannot be reached"),
    (requests.exceptions.ConnectTimeout, "no answer"),
    (requests.exceptions.ReadTimeout, "the server stalled"),
    (requests.exceptions.SSLError, "its certificate is not trusted"),
    (requests.exceptions.ChunkedEncodingError, "the line was cut"),
    (requests.exceptions.ConnectionError, "no connection"),
)


def describe(error: Exception) -> str:
    """Say in a few words what a library's exception means."""
    if "Read timed out" in str(error):
        return "the server stalled"
    known = (words for kind, words in _WORDS if isinstance(error, kind))
    return next(known, " ".join(str(error).split())[:200] or type(error).__name__)
