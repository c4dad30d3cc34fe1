"""A local camera that sends JPEGs over HTTP, as many network cameras do."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from PIL import Image


class MjpegServer:
    """Sends pictures to everyone who asks, until it is pulled out.

    Parameters
    ----------
    picture
        Makes picture number n, uint8 (h, w, 3).
    port
        0: a free one.
    fps
        Pictures a second.
    """

    def __init__(self, picture: Callable[[int], np.ndarray], port: int = 0, fps: float = 50) -> None:
        self.pulled = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
                self.end_headers()
                number = 0
                try:
                    while not outer.pulled.wait(1 / fps):
                        self.wfile.write(_part(picture(number)))
                        number += 1
                except OSError:
                    return  # who looked has gone

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/video"
        arguments = {"poll_interval": 0.01}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=arguments, daemon=True)
        self._thread.start()

    def pull_out(self) -> None:
        """Break off every connection, and take no more."""
        self.pulled.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> MjpegServer:
        return self

    def __exit__(self, *_: object) -> None:
        if not self.pulled.is_set():
            self.pull_out()


def _part(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=95)
    data = stream.getvalue()
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data + b"\r\n"
