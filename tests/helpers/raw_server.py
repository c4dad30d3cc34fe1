"""A web server that answers with the very bytes it is told to, and names that mean what a test wants."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from transparent_background.errors import UsageError
from transparent_background.service.fetch import fetch

PICTURE = bytes(range(256)) * 40
SECRET = b"the neighbour's secret"
LIMIT = 100_000
ENDLESS = b"x" * 65_536
HERE = "127.0.0.1"

# made with openssl for this test, for the name pictures.test, valid until 2120; signed by itself
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDU9PzG3txMxE0RnC
zkJxo6nn6OFVhwzZaXds9Uv9nBOhRANCAATjVCcG3OxQKQNnZW8VRevr08OFKRqE
GF2cX2xU9eTfksgDBqV+GHKSn7IIpi7adU2hz8FHVYyJ324sl+nxUIbF
-----END PRIVATE KEY-----
"""
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBfjCCASOgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1waWN0dXJl
cy50ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1waWN0dXJlcy50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE41Qn
BtzsUCkDZ2VvFUXr69PDhSkahBhdnF9sVPXk35LIAwalfhhykp+yCKYu2nVNoc/B
R1WMid9uLJfp8VCGxaNcMFowHQYDVR0OBBYEFCTG7o5l8Dzfj9wzY0cl0NECE+b/
MA8GA1UdEwEB/wQFMAMBAf8wGAYDVR0RBBEwD4INcGljdHVyZXMudGVzdDAOBgNV
HQ8BAf8EBAMCAoQwCgYIKoZIzj0EAwIDSQAwRgIhAPfr8W0ciYE4mf3h8ZWpZAFH
XGKpe2RZ7fSFpXGP8B7KAiEAjjZcnCm5lb7Pd+0f67RCz2VPIIu2ALCJ/bP9qPJL
wD4=
-----END CERTIFICATE-----
"""


@dataclass
class Server:
    """What was asked of it, and how much it could send."""

    port: int = 0
    requests: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """Server names that TLS asked for."""
    sent: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}/photo.jpg"

    def paths(self) -> list[str]:
        return [request.split(" ")[1] for request in self.requests]


Answer = Callable[[socket.socket, str, Server], None]


def say(*parts: bytes, pause: float = 0.0, again: bool = False) -> Answer:
    """Send parts, the last one again and again if so told, with a pause before each."""

    def answer(line: socket.socket, path: str, server: Server) -> None:
        rest = iter(parts)
        part = next(rest)
        while not server.stopped.is_set():
            line.sendall(part)
            server.sent += len(part)
            part = next(rest, part if again else b"")
            if not part or (pause and server.stopped.wait(pause)):
                return

    return answer


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *(headers or (f"Content-Length: {len(body)}",)), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return whole(b"", f"Location: {location}", "Content-Length: 0", status=status)


@contextlib.contextmanager
def serve(answer: Answer | bytes, tls: ssl.SSLContext | None = None, asked: bool = True) -> Iterator[Server]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = Server()
    listener = socket.create_server((HERE, 0))
    server.port = listener.getsockname()[1]
    reply = say(answer) if isinstance(answer, bytes) else answer

    def work() -> None:
        while True:
            line, _ = listener.accept()
            with contextlib.suppress(OSError), line:
                if server.stopped.is_set():
                    return
                one(line)

    def one(line: socket.socket) -> None:
        if tls is not None:
            line = tls.wrap_socket(line, server_side=True)
        with line:
            request = b""
            while asked and b"\r\n\r\n" not in request:
                block = line.recv(65_536)
                if not block:
                    return
                request += block
            text = request.decode("latin-1")
            if asked:
                server.requests.append(text)
            reply(line, text.split(" ")[1] if text else "", server)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        with socket.socket() as knock:  # create_connection would look up the name
            knock.connect((HERE, server.port))
        thread.join(5)
        listener.close()
        assert not thread.is_alive()


def get(url: str, **options: object) -> bytes:
    """Fetch, with 127.0.0.1 as the only public address and all ports free."""
    options = {
        "max_bytes": LIMIT,
        "timeout": 5.0,
        "allowed": lambda address: str(address) == HERE,
        "ports": range(1, 65_536),
        **options,
    }
    return fetch(url, **options)


def refused(url: str, kind: type[Exception] = UsageError, **options: object) -> str:
    """Return the sentence with which an address is refused."""
    with pytest.raises(kind) as caught:
        get(url, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


class Names:
    """Stands in for the system's look-up of names; each look-up takes the next of a name's answers."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(listed) for name, listed in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: object) -> list[tuple]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        listed = self.answers[host]
        found = []
        for address in listed.pop(0) if len(listed) > 1 else listed[0]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            place = (address, port, 0, 0) if ":" in address else (address, port)
            found.append((family, socket.SOCK_STREAM, 6, "", place))
        return found


CHUNKED = "Transfer-Encoding: chunked"


DRIPS = {
    "status": say(b"H", b"T", again=True, pause=0.02),
    "headers": say(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", again=True, pause=0.05),
    "continue": say(b"HTTP/1.1 100 Continue\r\n\r\n", again=True, pause=0.02),
    "length": say(whole(b"", "Content-Length: 90000"), b"x", again=True, pause=0.02),
    "no length": say(whole(b"", "Connection: close"), b"x", again=True, pause=0.02),
    "chunks": say(whole(b"", CHUNKED), b"1\r\nx\r\n", again=True, pause=0.02),
    "size of a chunk": say(whole(b"", CHUNKED), b"0", again=True, pause=0.02),
    "trailers": say(whole(b"0\r\n", CHUNKED), b"X: 1\r\n", again=True, pause=0.02),
    "silence": lambda line, path, server: server.stopped.wait(5),
    "redirects": say(b"HTTP/1.1 302 Found\r\n", b"Location: /photo.jpg\r\n\r\n", pause=0.1),
}
