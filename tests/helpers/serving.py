"""A real service on a port of its own, for tests."""

from __future__ import annotations

import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import requests
from drawing import draw_object
from PIL import Image

from transparent_background import Remover
from transparent_background.options.service import Limits, ServiceSettings
from transparent_background.web.app import create_app
from transparent_background.web.server import make_server

TOKEN = "open-sesame_123"


class Running:
    """A service that answers, and a client for it."""

    def __init__(self, app: Any, server: Any, port: int) -> None:
        self.app, self.server, self.port = app, server, port
        self.address = f"http://127.0.0.1:{port}"
        self.client = requests.Session()

    @property
    def services(self) -> Any:
        return self.app.state.services

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.client.get(self.address + path, timeout=60, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.client.post(self.address + path, timeout=120, **options)

    def delete(self, path: str, **options: Any) -> requests.Response:
        return self.client.delete(self.address + path, timeout=60, **options)


@contextmanager
def serve(
    devices: Any = None,
    *,
    limits: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Running]:
    """Run a service with the bundled model in a thread, and stop it as a signal would.

    ``server`` has options of uvicorn's.
    """
    chosen = ServiceSettings(port=0, limits=Limits(**(limits or {})), **settings)
    app = create_app(devices or [{"lite": Remover("lite", device="cpu")}], chosen)
    made = make_server(app, chosen, **(server or {}))
    socket = made.config.bind_socket()
    thread = threading.Thread(target=made.run, kwargs={"sockets": [socket]}, daemon=True)
    thread.start()
    running = Running(app, made, socket.getsockname()[1])
    try:
        wait_until(lambda: made.started)
        yield running
    finally:
        running.client.close()
        made.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the service did not end"


def wait_until(done: Any, seconds: float = 30.0) -> None:
    """Wait for something that happens in another thread."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def file_of(image: Image.Image | None = None, format: str = "PNG", **options: Any) -> bytes:
    """Return a picture's file: of a disc on a dark ground, if none is given."""
    image = Image.fromarray(draw_object()) if image is None else image
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def opened(response: requests.Response) -> Image.Image:
    """Return the picture that was answered."""
    assert response.status_code == 200, response.text
    image = Image.open(io.BytesIO(response.content))
    image.load()
    return image


def detail(response: requests.Response, status: int) -> str:
    """Return the sentence of an error, which has to be of a status."""
    assert response.status_code == status, (response.status_code, response.text)
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert "Traceback" not in response.text
    sentence: str = body["detail"]
    return sentence


def difference(one: Image.Image, other: Image.Image) -> int:
    """Return the largest difference of two pictures, in bytes."""
    assert one.mode == other.mode
    assert one.size == other.size
    return int(np.abs(np.asarray(one).astype(int) - np.asarray(other)).max())


def bomb(side: int) -> bytes:
    """Return a small PNG of side x side black pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    rows = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
