"""Redirects are followed, each as if it were a new address."""

from __future__ import annotations

import socket

import pytest
from raw_server import HERE, PICTURE, Server, get, redirect, refused, serve, whole

from transparent_background.errors import UnreadableError


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_redirects_are_followed(status: str) -> None:
    def answer(line: socket.socket, path: str, server: Server) -> None:
        line.sendall(whole(PICTURE) if path == "/new/b.jpg" else redirect("../new/b.jpg", status))

    with serve(answer) as server:
        assert get(f"http://{HERE}:{server.port}/old/a.jpg") == PICTURE
    assert server.paths() == ["/old/a.jpg", "/new/b.jpg"]


def test_redirects_in_utf_8_are_followed() -> None:
    def answer(line: socket.socket, path: str, server: Server) -> None:
        line.sendall(
            whole(PICTURE) if path == "/%C3%BC.jpg" else redirect("/\u00fc.jpg".encode().decode("latin-1"))
        )

    with serve(answer) as server:
        assert get(server.url) == PICTURE


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.2:{port}/",
        "//127.0.0.2:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://[::1]:{port}/",
        "http://localhost:{port}/",
        "http://2130706434:{port}/",
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://ann:secret@127.0.0.1:{port}/",
        "file:///etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "http://inside.test:{port}/",
        "http://127.0.0.1:22/",
    ],
)
def test_redirects_to_places_that_are_not_allowed_are_refused(location: str, names) -> None:
    names(
        **{"127_0_0_1": [[HERE]], "127_0_0_2": [["127.0.0.2"]], "inside_test": [[HERE, "10.1.2.3"]]},
        **{"10_0_0_1": [["10.0.0.1"]], "169_254_169_254": [["169.254.169.254"]], "::1": [["::1"]]},
        **{"::ffff:127_0_0_1": [["::ffff:127.0.0.1"]], "2130706434": [["127.0.0.2"]]},
    )
    with serve(
        lambda line, path, server: line.sendall(redirect(location.format(port=server.port)))
    ) as server:
        message = refused(server.url, ports={server.port, 80})
    assert message == "127.0.0.1: redirects to an address that may not be fetched"
    assert len(server.requests) == 1


def test_five_redirects_are_followed_and_no_more() -> None:
    def answer(line: socket.socket, path: str, server: Server) -> None:
        step = int(path[1:])
        line.sendall(whole(PICTURE) if step == 5 else redirect(f"/{step + 1}"))

    with serve(answer) as server:
        assert get(f"http://{HERE}:{server.port}/0") == PICTURE
        server.requests.clear()
        assert "more than 5 times" in refused(f"http://{HERE}:{server.port}/-1", UnreadableError)
        assert server.paths() == ["/-1", "/0", "/1", "/2", "/3", "/4"]
        server.requests.clear()
        assert "more than 0 times" in refused(
            f"http://{HERE}:{server.port}/4", UnreadableError, max_redirects=0
        )


def test_redirects_in_a_circle_end() -> None:
    with serve(redirect("/photo.jpg")) as server:
        assert "more than 5 times" in refused(server.url, UnreadableError)
    assert len(server.requests) == 6
