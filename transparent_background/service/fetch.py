"""Fetching a picture from an address that a stranger named.

A server that fetches whatever it is told to can be used to reach what only it can reach: its own
ports, its neighbours, the metadata of the cloud it runs in. Therefore:

- Only ``http`` and ``https``, only ports 80 and 443, no user name and password.
- A name is looked up once, every one of its numbers must be allowed, and the connection goes to one of
  those very numbers: a name that means something else a moment later gains nothing. The certificate
  is checked for the name all the same.
- Redirects are followed by hand, each as if it were a new address. Proxies are not used.
- One deadline covers all of it, looking up the name included; bytes are counted as they come, and
  answers that would have to be unpacked are refused.
- What is said of a refusal or failure never tells what a name or a redirect led to.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin

import requests.utils
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from .._version import __version__
from ..errors import TooLargeError, UnreadableError, UsageError
from .addresses import IPAddress, is_public

PORTS = frozenset({80, 443})
HEADERS = {"User-Agent": f"transparent-background/{__version__}", "Accept": "*/*", "Connection": "close"}
_BLOCK = 1 << 16  # bytes read at once
_NO_ADDRESS = "url: is no address of something on the web"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout: float,
    max_redirects: int = 5,
    allowed: Callable[[IPAddress], bool] = is_public,
    ports: Collection[int] = PORTS,
) -> bytes:
    """Fetch what an address holds; blocks, so it belongs in a thread.

    Parameters
    ----------
    url
        An ``http`` or ``https`` address.
    max_bytes
        Most bytes of the answer's body.
    timeout
        Seconds for all of it, redirects and looking up names included.
    max_redirects
        Most redirects that are followed.
    allowed
        Which addresses may be connected to; all that a name has must be.
    ports
        Which ports may be connected to. Others mostly belong to services that are not for the public.

    Raises
    ------
    UsageError
        The address is none, or is not allowed, or leads to one that is not.
    TooLargeError
        The answer has more than ``max_bytes``.
    UnreadableError
        There is no answer in time, or none that can be used.
    """
    rules = _Rules(max_bytes, timeout, time.monotonic() + timeout, allowed, frozenset(ports))
    first = target = _parse(url, rules)
    answer: bytes | str = ""
    for _ in range(max_redirects + 1):
        try:
            answer = _ask(target, rules)
            if isinstance(answer, bytes):
                return answer
            target = _parse(answer, rules)
        except UsageError as error:
            if not answer:
                raise
            raise UsageError(f"{first.host}: redirects to an address that may not be fetched") from error
    raise UnreadableError(f"{first.host}: redirects more than {max_redirects} times")


@dataclass(frozen=True, slots=True)
class _Rules:
    max_bytes: int
    timeout: float
    deadline: float  # on the monotonic clock
    allowed: Callable[[IPAddress], bool]
    ports: frozenset[int]

    def left(self, host: str) -> float:
        """Return the seconds that are left."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise self.late(host)
        return seconds

    def late(self, host: str) -> UnreadableError:
        return UnreadableError(f"{host}: took longer than {self.timeout:g} seconds")

    def check(self, size: int, host: str) -> None:
        """Refuse an answer of so many bytes if they are too many."""
        if size > self.max_bytes:
            raise TooLargeError(f"{host}: has more than {self.max_bytes:,} bytes, the most that are fetched")


@dataclass(frozen=True, slots=True)
class _Target:
    """An address taken apart."""

    url: str
    secure: bool
    host: str  # lower case, IDNA, without brackets
    port: int
    path: str  # with the query


def _parse(url: str, rules: _Rules) -> _Target:
    """Take an address apart and check what can be checked without looking up its name."""
    url = url.strip()
    # programs disagree on what these mean; no address needs them
    if any(character < " " or character in "\\\x7f" for character in url):
        raise UsageError("url: holds characters that no address has")
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise UsageError(_NO_ADDRESS) from error
    if parts.scheme not in ("http", "https"):
        raise UsageError("url: only addresses that begin with http:// or https:// can be fetched")
    host = (parts.host or "").strip("[]")
    if not host:
        raise UsageError("url: names no host")
    if parts.auth is not None:
        raise UsageError(f"{host}: addresses with a user name or password are not fetched")
    if "%" in host:  # an interface of this machine, or what only looks like a name
        raise UsageError(_NO_ADDRESS)
    if host.rstrip(".").rsplit(".", 1)[-1] == "localhost":
        raise _forbidden(host)
    secure = parts.scheme == "https"
    port = (443 if secure else 80) if parts.port is None else parts.port
    if port not in rules.ports:
        raise UsageError(f"{host}: port {port} may not be fetched from")
    return _Target(parts._replace(fragment=None).url, secure, host, port, parts.request_uri)


def _forbidden(host: str) -> UsageError:
    return UsageError(f"{host}: this address may not be fetched")


def _ask(target: _Target, rules: _Rules) -> bytes | str:
    """Ask one server once; return the body of its answer, or the address where it sends us."""
    places = _look_up(target, rules)
    raw = _connect(places, target, rules)
    with raw, _cut_off(raw, rules):
        try:
            connection = HTTPConnection(target.host, target.port)
            connection.default_port = 443 if target.secure else 80  # which the header Host leaves out
            connection.auto_open = 0  # never connects by itself: it would look up the name again
            connection.sock = _secured(raw, target.host) if target.secure else raw
            with contextlib.closing(connection):
                # http.client asks for a body that is not packed: a few packed bytes can become gigabytes
                connection.request("GET", target.path, headers=HEADERS)
                with connection.getresponse() as response:
                    answer = _take(response, target, rules)
        except ssl.SSLCertVerificationError as error:
            raise UnreadableError(f"{target.host}: its certificate cannot be trusted") from error
        except (OSError, HTTPException, ValueError) as error:
            rules.left(target.host)
            if isinstance(error, TimeoutError):
                raise rules.late(target.host) from error
            if isinstance(error, (UnreadableError, TooLargeError)):
                raise
            raise UnreadableError(f"{target.host}: does not answer as a web server does") from error
        rules.left(target.host)  # the end that was seen may be of our own making
        return answer


def _look_up(target: _Target, rules: _Rules) -> list[tuple[int, Any]]:
    """Return the family and socket address of each number of a name, all of them allowed."""
    found: list[tuple[int, Any]] = []

    def ask() -> None:
        with contextlib.suppress(OSError, UnicodeError):  # names may be too long for the DNS
            for family, *_, place in socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM):
                found.append((family, place))

    # nothing ends a look-up early, so it is left to itself when time is up
    thread = threading.Thread(target=ask, name="look-up", daemon=True)
    thread.start()
    thread.join(rules.left(target.host))
    if thread.is_alive():
        raise rules.late(target.host)
    if not found:
        raise UnreadableError(f"{target.host}: there is no such host")
    if not all(rules.allowed(ip_address(str(place[0]))) for _, place in found):
        raise _forbidden(target.host)
    return found


def _connect(places: list[tuple[int, Any]], target: _Target, rules: _Rules) -> socket.socket:
    """Connect to the first place that takes us, each with its share of the time."""
    for index, (family, place) in enumerate(places):
        share = rules.left(target.host) / (len(places) - index)
        with contextlib.suppress(OSError), contextlib.ExitStack() as undo:
            connection = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
            connection.settimeout(share)
            connection.connect(place)
            connection.settimeout(rules.timeout)
            undo.pop_all()  # stays open
            return connection
    rules.left(target.host)
    raise UnreadableError(f"{target.host}: cannot be reached")


def _secured(raw: socket.socket, host: str) -> ssl.SSLSocket:
    """Check that the other side is who the name says, whatever its number."""
    context = ssl.create_default_context()  # what the system trusts, and, where it has no store:
    context.load_verify_locations(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    return context.wrap_socket(raw, server_hostname=host.rstrip("."))


@contextlib.contextmanager
def _cut_off(connection: socket.socket, rules: _Rules) -> Iterator[None]:
    """End a connection at the deadline, however slowly and steadily bytes drip.

    Timeouts of sockets begin anew with every byte.
    """
    guard = connection.dup()  # TLS takes the socket itself away

    def end() -> None:
        with contextlib.suppress(OSError):  # it is over already
            guard.shutdown(socket.SHUT_RDWR)

    # a moment later, so that whoever sees the end sees that the time is over too
    timer = threading.Timer(max(0.0, rules.deadline - time.monotonic()) + 0.02, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        guard.close()


def _take(response: HTTPResponse, target: _Target, rules: _Rules) -> bytes | str:
    """Take an answer in; returns what :func:`_ask` does."""
    location = response.headers.get("Location")
    if response.status in _REDIRECTS and location:
        # headers come as Latin-1, whatever they were
        with contextlib.suppress(UnicodeError):
            location = location.encode("latin-1").decode()
        return urljoin(target.url, location)
    if response.status != 200:
        raise UnreadableError(f"{target.host}: answered with status {response.status}")
    for name, harmless in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        if response.headers.get(name, harmless).strip().lower() not in ("", harmless):
            raise UnreadableError(f"{target.host}: answered with a packed body, which was not asked for")
    announced = response.length or 0  # None where it ends with the connection, or comes in chunks
    rules.check(announced, target.host)
    body = bytearray()
    # read1, not read: http.client takes a chunk of -1 bytes for all that comes
    while block := response.read1(_BLOCK):
        body += block
        rules.check(len(body), target.host)
    if len(body) < announced:
        raise UnreadableError(f"{target.host}: broke off after {len(body):,} of {announced:,} bytes")
    return bytes(body)
