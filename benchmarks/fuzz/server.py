"""A service in the worker's process, and a client that sends it bytes as they are."""

from __future__ import annotations

import http.client
import re
import socket
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from .case import Case
from .targets import Made, removers

PATIENCE = 1.0  # seconds without a byte after which the client hangs up, as people do
ALIVE = 15.0  # seconds in which the service has to say that it lives, whatever it was sent
LIMITS: dict[str, Any] = {
    "bytes": 4 << 20,
    "pixels": 4_000_000,
    "batch": 40,
    "batch_bytes": 16 << 20,
    "film_bytes": 4 << 20,
    "film_frames": 300,
    "film_seconds": 60.0,
    "film_work": 10.0,
    "patience": 0.6,
    "slowest": 1 << 20,
    "keep": 5.0,
    "timeout": 15.0,
}
LONGEST = 5.0  # seconds that a client goes on reading


class Service:
    """The service, with small limits, in threads of this process."""

    def __init__(self) -> None:
        from transparent_background.options.service import Limits, ServiceSettings
        from transparent_background.web.app import create_app
        from transparent_background.web.server import make_server

        self.folder = Path(tempfile.mkdtemp(prefix="fuzz-service-"))
        Image.new("RGB", (40, 30), "red").save(self.folder / "photo.png")
        limits = Limits(**LIMITS)
        settings = ServiceSettings(port=0, limits=limits, folders=(str(self.folder),))
        app = create_app([{"lite": removers()[1]}], settings)
        server = make_server(app, settings)
        listening = server.config.bind_socket()
        self.port = listening.getsockname()[1]
        self.job = "none"
        threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
        while not server.started:
            time.sleep(0.05)

    def send(self, data: bytes) -> tuple[str, bytes]:
        """Send bytes; return the answer's status in words, and the start of its body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as line:
            head, end, rest = data.partition(b"\r\n\r\n")
            camera = data.startswith(b"GET /api/live")
            with suppress(OSError):  # it may hang up before all has been sent
                line.sendall(head + end if camera else data)
            try:
                return _answer(line, data, rest if camera else b"")
            except TimeoutError:
                with suppress(OSError):
                    line.shutdown(socket.SHUT_WR)
                return "hung up on", b""
            except (OSError, http.client.HTTPException, ValueError) as error:
                return f"no answer ({type(error).__name__})", b""

    def lives(self) -> bool:
        """Ask whether the service lives."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ALIVE)
        try:
            connection.request("GET", "/healthz", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _answer(line: socket.socket, data: bytes, rest: bytes) -> tuple[str, bytes]:
    """Read an answer; after a camera's handshake send the ``rest``, its frames, and read to the end."""
    method = "HEAD" if data.startswith(b"HEAD") else None
    response = http.client.HTTPResponse(line, method=method)
    response.begin()
    if response.status == 101:
        end = time.monotonic() + LONGEST
        with suppress(OSError):
            line.sendall(rest)
            while line.recv(1 << 16) and time.monotonic() < end:
                pass
        return "101", b""
    stream = response.headers.get_content_type() == "text/event-stream"
    return str(response.status), response.read1(1 << 16) if stream else response.read(1 << 24)


@cache
def _service() -> Service:
    return Service()


def ask(case: Case, folder: Path, real: bool) -> Made:
    """Send a request; what is answered must be an answer, and the service must live on."""
    service = _service()
    status, body = service.send(case.data.replace(b"@JOB@", service.job.encode()))
    found = re.search(rb'"id":\s*"([\w-]{10,})"', body)
    if status == "202" and found:
        service.job = found[1].decode()
    faults: list[str] = []
    if status in ("500", "502"):
        faults.append(f"answered {status}: {body[:150]!r}")
    if b"Traceback (most recent call last)" in body:
        faults.append("an answer holds a traceback")
    if not service.lives():
        faults.append("the service does not answer any more")
    return Made(status, faults=tuple(faults))
