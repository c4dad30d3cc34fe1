"""Bodies that are too large, too slow, malformed, or pictures that are bombs."""

from __future__ import annotations

import re
import socket
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from serving import bomb, detail, file_of, serve, wait_until

from transparent_background.web.bodies import BodyLimits, Pool
from transparent_background.web.problems import Problem


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


def test_what_is_announced_and_does_not_come_takes_nothing_from_others(remover) -> None:
    """Two films of 1 GiB are announced, and a byte of each is sent: photos and another's films are taken."""
    head = (
        b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: video/mp4\r\n"
        b"Content-Length: 1073741824\r\n\r\n1"
    )
    with serve([{"lite": remover}], limits={"films": 8}) as service, ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=10))
            client.sendall(head)
        wait_until(lambda: len(service.services.films._receiving) == 2)
        assert service.post("/api/remove", data=file_of()).status_code == 200
        assert detail(service.post("/api/jobs", files={"file": ("a.mp4", b"no film")}), 415)


def test_one_client_has_half_of_the_room_for_films(remover) -> None:
    with serve([{"lite": remover}], limits={"films": 2}) as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(b"POST /api/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\n1")
            wait_until(lambda: service.services.films._receiving)
            response = service.post("/api/jobs", data=b"no film")
            assert "1 of your films are worked on" in detail(response, 429)
            assert response.headers["retry-after"] == "30"
            assert response.json()["code"] == "client-busy"
        wait_until(lambda: not service.services.films._receiving)


def test_pools_count_what_came_by_client() -> None:
    pool = Pool(100)
    pool.add("a", 50, 50)
    with pytest.raises(Problem) as refused:
        pool.add("a", 1, 1)
    assert refused.value.status_code == 429
    pool.give_back("a", 1)
    pool.add("b", 50, 50)
    with pytest.raises(Problem) as refused:
        pool.add("c", 1, 1)
    assert refused.value.status_code == 503
    for client, size in (("a", 50), ("b", 50), ("c", 1)):
        pool.give_back(client, size)
    assert (pool.held, dict(pool.by_client)) == (0, {})
    pool.add("a", 1000, 1000)  # one alone always fits


def test_uploads_together_are_bounded(remover) -> None:
    """What a client has sent and is not done leaves it no room for more, until it has gone."""
    with serve([{"lite": remover}], limits={"upload_bytes": 1 << 20}) as service:
        with socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
            client.sendall(
                b"POST /api/remove HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\n"
                b"Content-Length: 9000000\r\n\r\n" + bytes(1 << 20)
            )
            limits = service.app.middleware_stack
            while not isinstance(limits, BodyLimits):
                limits = limits.app
            wait_until(lambda: limits._others.held == 1 << 20)  # all of it has come
            response = service.post("/api/remove", data=file_of())
            assert "other uploads" in detail(response, 429)
            assert response.headers["retry-after"]
        wait_until(lambda: service.post("/api/remove", data=file_of()).status_code == 200)


@pytest.mark.parametrize("side", [2000, 30_000])
def test_decompression_bombs_are_not_decoded(service, side) -> None:
    data = bomb(side)
    assert len(data) < 1 << 18
    started = time.monotonic()
    assert re.search(
        "at most 1 million|than 1 million",
        detail(service.post("/api/remove", files={"file": ("a.png", data)}), 413),
    )
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
