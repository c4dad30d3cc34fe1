"""A local HTTP server that hands out a file as well or as badly as a test wants."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def zipped(data: bytes) -> bytes:
    """Return a zip, which is what PyTorch writes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("data"), data)
    return stream.getvalue()


CONTENT = zipped(bytes(range(256)) * 4000)  # a megabyte
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Pauses(list):
    """Stands in for sleep."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes
    ranges: bool = True
    etag: str | None = '"v1"'
    status: int = 200
    content_type: str = "application/octet-stream"
    announced: bool = True
    """Whether the answer says how long it is."""
    redirect: str | None = None
    """Where to send who asks."""
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the line is cut, one for each of the first requests."""
    stall_after: list[int] = field(default_factory=list)
    """Bytes after which nothing more comes, one for each of the first requests."""
    hold: threading.Event | None = None
    """Waited for before the second half is sent."""
    requests: list[str | None] = field(default_factory=list)
    """The Range header of each request."""
    encodings: list[str | None] = field(default_factory=list)
    """The Accept-Encoding header of each request."""
    asked: threading.Event = field(default_factory=threading.Event)
    """Set by the first request."""
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve(behaviour: Behaviour) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1; yields the file's address."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            behaviour.requests.append(asked)
            behaviour.encodings.append(self.headers.get("Accept-Encoding"))
            behaviour.asked.set()
            if behaviour.status != 200:
                self.send_error(behaviour.status)
                return
            if behaviour.redirect:
                self.send_response(302)
                self.send_header("Location", behaviour.redirect)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self._send(self._start(asked))

        def _start(self, asked: str | None) -> int:
            """Answer the range; return the first byte to send."""
            validator = self.headers.get("If-Range")
            fits = validator is None or validator == behaviour.etag
            start = int(asked.split("=")[1].rstrip("-")) if asked and behaviour.ranges and fits else 0
            size = len(behaviour.content)
            if start >= size:
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return size
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            if behaviour.etag:
                self.send_header("ETag", behaviour.etag)
            self.send_header("Content-Type", behaviour.content_type)
            if behaviour.announced:
                self.send_header("Content-Length", str(size - start))
            self.end_headers()
            return start

        def _send(self, start: int) -> None:
            body = behaviour.content[start:]
            if behaviour.stall_after:
                self.wfile.write(body[: behaviour.stall_after.pop(0)])
                self.wfile.flush()
                behaviour.released.wait(10)
                return
            if behaviour.cut_after:
                self.wfile.write(body[: behaviour.cut_after.pop(0)])
                self.close_connection = True
                return
            if behaviour.hold is not None:
                self.wfile.write(body[: len(body) // 2])
                body = body[len(body) // 2 :]
                behaviour.hold.wait(20)
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/weights.pth"
    finally:
        behaviour.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
