"""Bodies that are too large, too slow, malformed, or pictures that are bombs."""

from __future__ import annotations

import socket
import tempfile
import time
from pathlib import Path

import pytest
import requests
from serving import bomb, detail, file_of, serve, wait_until


def temporary_files() -> set[Path]:
    return set(Path(tempfile.gettempdir()).iterdir())


def test_too_many_bytes_are_refused_before_they_come(service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(
            b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 999999999\r\n\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 413")


def test_too_many_bytes_are_refused_while_they_come(service) -> None:
    """Chunked, so that no length is told; nothing is left of them."""
    before = temporary_files()

    def endless():
        for _ in range(10_000):
            yield bytes(1 << 16)

    try:
        response = service.post("/api/remove", data=endless(), headers={"Content-Type": "image/png"})
        assert detail(response, 413)
    except requests.ConnectionError:
        pass  # it hung up on us in the middle, as it may
    large = {"file": ("a.png", bytes((1 << 20) + 1))}
    assert "too large" in detail(service.post("/api/remove", files=large), 413)
    assert temporary_files() == before


def test_uploads_together_are_bounded(remover) -> None:
    """What one client says it will send leaves no room for another's, until it has gone."""
    with serve([{"lite": remover}], limits={"upload_bytes": 1 << 20}) as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(
                b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: 9000000\r\n\r\n1"
            )
            response = None

            def refused() -> bool:
                nonlocal response
                response = service.post("/api/remove", data=file_of())
                return response.status_code == 503

            wait_until(refused)
            assert "other uploads" in detail(response, 503)
            assert response.headers["retry-after"]
        wait_until(lambda: service.post("/api/remove", data=file_of()).status_code == 200)


@pytest.mark.parametrize("side", [2000, 30_000])
def test_decompression_bombs_are_not_decoded(service, side) -> None:
    data = bomb(side)
    assert len(data) < 1 << 18
    started = time.monotonic()
    assert "million" in detail(service.post("/api/remove", files={"file": ("a.png", data)}), 413)
    behind = {"file": ("a.png", file_of()), "background_image": ("b.png", data)}
    assert "background" in detail(service.post("/api/remove", files=behind), 413)
    assert time.monotonic() - started < 5


def form(body: bytes, boundary: str = "x") -> dict:
    return {"data": body, "headers": {"Content-Type": f"multipart/form-data; boundary={boundary}"}}


# Starlette leaves the file of a part that does not end to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no form at all",
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nhalf',
        b"--x\r\nContent-Disposition: form-data\r\n\r\nno name\r\n--x--\r\n",
        b"--x\r\nbad header\r\n\r\n\r\n--x--\r\n",
        b'--x\r\nContent-Disposition: form-data; name="type"\r\n\r\n' + b"a" * 70_000 + b"\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % i for i in range(200))
        + b"--x--\r\n",
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n' for _ in range(9)
        )
        + b"--x--\r\n",
    ],
    ids=["empty", "text", "half", "nameless", "bad header", "huge field", "many fields", "many files"],
)
def test_malformed_forms_are_refused(service, body) -> None:
    before = temporary_files()
    response = service.post("/api/remove", **form(body))
    assert response.status_code in (400, 422)
    assert detail(response, response.status_code)
    assert temporary_files() == before


def test_a_form_without_a_boundary(service) -> None:
    response = service.post("/api/remove", data=b"x", headers={"Content-Type": "multipart/form-data"})
    assert detail(response, 400)


def test_a_body_that_trickles_is_given_up(service) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(
            b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
            b"Content-Length: 1000\r\n\r\n1"
        )
        started = time.monotonic()
        assert client.recv(100).startswith(b"HTTP/1.1 408")
        assert time.monotonic() - started < 5
