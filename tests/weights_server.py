"""A local HTTP server that hands out a file as well or as badly as a test wants."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Behaviour:
    """What the server does, and what it was asked."""

    content: bytes
    ranges: bool = True
    etag: str | None = '"v1"'
    status: int = 200
    content_type: str = "application/octet-stream"
    cut_after: list[int] = field(default_factory=list)
    """Bytes after which the line is cut, one for each of the first requests."""
    stall_after: list[int] = field(default_factory=list)
    """Bytes after which nothing more comes, one for each of the first requests."""
    requests: list[str | None] = field(default_factory=list)
    """The Range header of each request."""
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
            if behaviour.status != 200:
                self.send_error(behaviour.status)
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
