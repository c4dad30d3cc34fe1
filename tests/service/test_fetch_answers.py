"""Answers that are no picture, too large or too slow, and certificates."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
from raw_server import (
    CERTIFICATE,
    DRIPS,
    ENDLESS,
    HERE,
    KEY,
    LIMIT,
    PICTURE,
    SECRET,
    Answer,
    get,
    redirect,
    refused,
    say,
    serve,
    whole,
)

from transparent_background.errors import InputError, TooLargeError, UnreadableError, UsageError


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (whole(b"gone", status="404 Not Found"), "answered with status 404"),
        (whole(b"", status="500 \x1b[31mOops"), "answered with status 500"),
        (whole(b"", status="204 No Content"), "answered with status 204"),
        (whole(PICTURE, status="206 Partial Content"), "answered with status 206"),
        (whole(b"", status="302 Found"), "answered with status 302"),  # to nowhere
        (whole(b"", status="304 Not Modified"), "answered with status 304"),
        (whole(b"", status="401 Unauthorized"), "answered with status 401"),
        (whole(gzip.compress(PICTURE), "Content-Encoding: gzip"), "packed"),
        (whole(b"", "Content-Encoding: br"), "packed"),
        (whole(b"", "Transfer-Encoding: gzip, chunked"), "packed"),
        (whole(PICTURE, "Content-Length: 99999"), "broke off after 10,240 of 99,999 bytes"),
        (whole(b"100\r\nabc", "Transfer-Encoding: chunked"), "web server"),
        (whole(b"abc\r\n", "Transfer-Encoding: chunked"), "web server"),
        (whole(b"nonsense\r\n", "Transfer-Encoding: chunked"), "web server"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "web server"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", "web server"),
        (b"HTTP/1.1 200 " + b"x" * 70_000, "web server"),
        (redirect("http://[::1"), "web server"),
        (b"\r\n\r\n", "web server"),
    ],
)
def test_answers_that_hold_no_picture_are_told_in_a_sentence(answer: bytes, why: str) -> None:
    with serve(answer) as server:
        message = refused(server.url, UnreadableError)
    assert message.startswith("127.0.0.1: ")
    assert why in message
    assert message.isprintable()


def test_a_port_where_nobody_listens_is_told() -> None:
    with serve(whole(PICTURE)) as server:
        pass
    assert refused(server.url, UnreadableError) == "127.0.0.1: cannot be reached"


def test_failures_are_errors_of_the_input() -> None:
    """Which is what the service answers by."""
    assert issubclass(UnreadableError, InputError)
    assert issubclass(TooLargeError, InputError)
    assert not issubclass(UsageError, InputError)


@pytest.mark.parametrize(
    "headers",
    [(f"Content-Length: {LIMIT}",), ("Connection: close",)],
    ids=["announced", "not announced"],
)
def test_the_most_bytes_are_still_fetched(headers: tuple[str, ...]) -> None:
    with serve(whole(b"x" * LIMIT, *headers)) as server:
        assert len(get(server.url)) == LIMIT
        assert "more than 99,999 bytes" in refused(server.url, TooLargeError, max_bytes=LIMIT - 1)


@pytest.mark.parametrize(
    "answer",
    [
        say(whole(b"", f"Content-Length: {1 << 40}"), ENDLESS, again=True),
        say(whole(b"", "Connection: close"), ENDLESS, again=True),
        say(whole(b"", "Content-Length: -1"), ENDLESS, again=True),
        say(whole(b"", "Content-Length: many"), ENDLESS, again=True),
        say(whole(b"", "Transfer-Encoding: chunked"), b"10000\r\n" + ENDLESS + b"\r\n", again=True),
        say(whole(b"", "Transfer-Encoding: chunked") + b"ffffffffff\r\n", ENDLESS, again=True),
        say(whole(b"", "Transfer-Encoding: chunked") + b"-1\r\n", ENDLESS, again=True),
    ],
    ids=["length", "no length", "length -1", "no number", "chunks", "one chunk", "chunk of -1"],
)
def test_what_is_too_large_is_given_up_early(answer: Answer) -> None:
    with serve(answer) as server:
        assert "127.0.0.1: has more than 100,000 bytes" in refused(server.url, TooLargeError)
    assert server.sent < 30_000_000  # what the system's buffers hold, not what would come in five seconds


@pytest.mark.parametrize("answer", DRIPS.values(), ids=DRIPS.keys())
def test_whoever_drips_is_cut_off_at_the_deadline(answer: Answer) -> None:
    start = time.monotonic()
    with serve(answer) as server:
        message = refused(server.url, UnreadableError, timeout=0.35, max_redirects=100)
        taken = time.monotonic() - start
    assert message == "127.0.0.1: took longer than 0.35 seconds"
    assert 0.3 < taken < 2
    assert server.requests


@pytest.mark.parametrize(
    "answer",
    [
        lambda line, path, server: server.stopped.wait(5),
        say(b"\x16", b"\x03", b"\x03\x40\x00", b"\0", again=True, pause=0.02),
    ],
    ids=["silence", "drip"],
)
def test_tls_that_drips_is_cut_off_at_the_deadline(answer: Answer) -> None:
    start = time.monotonic()
    with serve(answer, asked=False) as server:
        message = refused(f"https://{HERE}:{server.port}/", UnreadableError, timeout=0.35)
        taken = time.monotonic() - start
    assert message == "127.0.0.1: took longer than 0.35 seconds"
    assert taken < 2


def test_a_look_up_that_hangs_is_left_at_the_deadline(monkeypatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(5) and [])
    start = time.monotonic()
    assert "took longer than 0.2 seconds" in refused("http://pictures.test/", UnreadableError, timeout=0.2)
    assert time.monotonic() - start < 2
    released.set()


def test_nothing_is_left_behind() -> None:
    """Neither threads nor, which warnings would tell, sockets."""
    before = set(threading.enumerate())
    with serve(whole(PICTURE)) as server:
        for _ in range(3):
            get(server.url)
        refused(server.url, TooLargeError, max_bytes=10)
    assert set(threading.enumerate()) <= before


@pytest.fixture
def tls(tmp_path: Path, monkeypatch) -> ssl.SSLContext:
    """Return a server's side for pictures.test, which this process trusts as it would its system's store."""
    (tmp_path / "key.pem").write_text(KEY)
    (tmp_path / "certificate.pem").write_text(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    return context


def test_the_certificate_is_asked_for_and_checked_by_name(tls, names) -> None:
    resolver = names(pictures_test=[[HERE], ["::1"]], **{"pictures_test.": [[HERE]]})
    asked: list[str] = []
    tls.sni_callback = lambda connection, name, context: asked.append(name)
    with serve(whole(PICTURE), tls) as server:
        assert get(f"https://pictures.test:{server.port}/") == PICTURE
        assert resolver.asked == ["pictures.test"]
        assert get(f"https://pictures.test.:{server.port}/") == PICTURE
    assert asked == ["pictures.test", "pictures.test"]
    assert f"Host: pictures.test:{server.port}\r\n" in server.requests[0]


@pytest.mark.parametrize("host", ["other.test", HERE])
def test_a_certificate_for_another_name_is_refused(host: str, tls, names) -> None:
    names(other_test=[[HERE]], **{"127_0_0_1": [[HERE]]})
    with serve(whole(SECRET), tls) as server:
        message = refused(f"https://{host}:{server.port}/", UnreadableError)
    assert message == f"{host}: its certificate cannot be trusted"
    assert server.requests == []


def test_a_certificate_that_nobody_vouches_for_is_refused(tls, names, monkeypatch) -> None:
    names(pictures_test=[[HERE]])
    monkeypatch.delenv("SSL_CERT_FILE")
    with serve(whole(SECRET), tls) as server:
        message = refused(f"https://pictures.test:{server.port}/", UnreadableError)
    assert message == "pictures.test: its certificate cannot be trusted"


def test_plain_http_where_tls_was_meant_is_told() -> None:
    with serve(b"HTTP/1.1 400 Bad Request\r\n\r\n", asked=False) as server:
        assert "web server" in refused(f"https://{HERE}:{server.port}/", UnreadableError)
