"""Addresses that are refused before anything is sent, and what is sent to whom."""

from __future__ import annotations

import pytest
from raw_server import HERE, LIMIT, PICTURE, SECRET, get, redirect, refused, serve, whole

from transparent_background.errors import UnreadableError, UsageError
from transparent_background.service.fetch import fetch


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://0.0.0.0/",
        "http://localhost/",
        "http://localhost./",
        "http://LOCALHOST/",
        "http://what.localhost/",
        "https://127.0.0.1/",
        "http://[::1]/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[2002:7f00:1::]/",
        "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://192.168.1.1:80/",
        "http://8.8.8.8@127.0.0.1/",
        "http://127.0.0.1#@8.8.8.8/",
        "http://127.0.0.1\\@8.8.8.8/",
        "http://8.8.8.8:80@127.0.0.1/",
    ],
)
def test_addresses_of_this_machine_and_its_neighbours_are_refused(url: str, no_connection) -> None:
    with pytest.raises(UsageError):
        fetch(url, max_bytes=LIMIT, timeout=5)
    assert no_connection == []


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "http:// or https://"),
        ("FILE:///etc/passwd", "http:// or https://"),
        ("ftp://8.8.8.8/a.jpg", "http:// or https://"),
        ("gopher://8.8.8.8/", "http:// or https://"),
        ("data:image/png;base64,AAAA", "http:// or https://"),
        ("//8.8.8.8/a.jpg", "http:// or https://"),
        ("/etc/passwd", "http:// or https://"),
        ("8.8.8.8/a.jpg", "http:// or https://"),
        ("", "http:// or https://"),
        ("http://", "no host"),
        ("http:///a.jpg", "no host"),
        ("http:8.8.8.8", "no host"),
        ("http://ann:secret@8.8.8.8/", "8.8.8.8: addresses with a user name"),
        ("http://ann@8.8.8.8/", "8.8.8.8: addresses with a user name"),
        ("http://8.8.8.8:22/", "port 22"),
        ("https://8.8.8.8:8443/", "port 8443"),
        ("http://8.8.8.8:0/", "port 0"),
        ("http://8.8.8.8:65536/", "no address"),
        ("http://8.8.8.8:port/", "no address"),
        ("http://[::1", "no address"),
        ("http://exa%00mple.org/", "no address"),
        ("http://\uff11\uff12\uff17.0.0.1/", "no address"),
        ("http://8.8.8.8/\r\nX-Injected: 1", "characters"),
        ("http://8.8.8.8\t/", "characters"),
    ],
)
def test_what_is_no_web_address_is_refused(url: str, why: str, no_connection) -> None:
    with pytest.raises(UsageError) as caught:
        fetch(url, max_bytes=LIMIT, timeout=5)
    assert why in str(caught.value)
    assert "secret" not in str(caught.value)
    assert no_connection == []


@pytest.mark.parametrize(
    "numbers",
    [
        ["10.0.0.7"],
        ["8.8.8.8", "10.0.0.7"],
        ["10.0.0.7", "8.8.8.8"],
        ["2606:4700::1", "fd00::7"],
        ["::ffff:10.0.0.7"],
    ],
    ids=" ".join,
)
def test_every_number_of_a_name_must_be_public(numbers: list[str], names, no_connection) -> None:
    names(pictures_test=[numbers])
    with pytest.raises(UsageError) as caught:
        fetch("http://pictures.test/", max_bytes=LIMIT, timeout=5)
    assert str(caught.value) == "pictures.test: this address may not be fetched"
    assert no_connection == []


def test_names_that_are_not_there_are_no_usage_errors(names, no_connection) -> None:
    names()
    assert "missing.test: there is no such host" in refused("http://missing.test/", UnreadableError)
    # too long for the DNS, which Python tells in its own way
    assert "no such host" in refused(f"http://{'a' * 70}.test/", UnreadableError)


def test_a_picture_arrives_as_it_is() -> None:
    with serve(whole(PICTURE)) as server:
        assert get(f"http://{HERE}:{server.port}/a b/\u00fc.jpg?size=1&x=%2F#part") == PICTURE
    (request,) = server.requests
    first, *headers = request.split("\r\n")
    assert first == "GET /a%20b/%C3%BC.jpg?size=1&x=%2F HTTP/1.1"
    assert f"Host: {HERE}:{server.port}" in headers
    assert "Accept-Encoding: identity" in headers
    assert not [line for line in headers if line.lower().startswith(("cookie", "authorization", "referer"))]


@pytest.mark.parametrize(
    "answer",
    [
        whole(PICTURE, "Connection: close"),
        whole(b"6\r\nabcdef\r\n4;note=1\r\nghij\r\n0\r\nTrailer: 1\r\n\r\n", "Transfer-Encoding: chunked"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + whole(PICTURE),
        whole(PICTURE, f"Content-Length: {len(PICTURE)}", "Content-Encoding: identity"),
        b"HTTP/1.0 200 OK\r\n\r\n" + PICTURE,
    ],
    ids=["until closed", "chunks", "continue", "identity", "1.0"],
)
def test_every_way_of_sending_a_body_is_understood(answer: bytes) -> None:
    with serve(answer) as server:
        assert get(server.url) == (b"abcdefghij" if b"abcdef\r\n" in answer else PICTURE)


def test_a_name_is_looked_up_once_and_that_very_number_connected_to(names) -> None:
    """The second look-up would lead elsewhere: to ::1, where nobody listens and nobody may go."""
    resolver = names(pictures_test=[[HERE], ["::1"]])
    with serve(whole(PICTURE)) as server:
        assert get(f"http://pictures.test:{server.port}/") == PICTURE
    assert resolver.asked == ["pictures.test"]
    assert f"Host: pictures.test:{server.port}\r\n" in server.requests[0]


def test_a_name_that_was_public_is_looked_up_and_checked_anew_for_a_redirect(names) -> None:
    names(pictures_test=[[HERE], ["127.0.0.2"]])
    with serve(redirect("/again")) as server:
        message = refused(f"http://pictures.test:{server.port}/")
    assert message == "pictures.test: redirects to an address that may not be fetched"
    assert server.paths() == ["/"]


def test_another_number_of_a_name_is_tried_where_one_does_not_answer(names) -> None:
    names(pictures_test=[["::1", HERE]])
    with serve(whole(PICTURE)) as server:
        assert get(f"http://pictures.test:{server.port}/", allowed=lambda _: True) == PICTURE


def test_proxies_of_the_environment_are_not_used(monkeypatch) -> None:
    with serve(whole(SECRET)) as proxy, serve(whole(PICTURE)) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://{HERE}:{proxy.port}")
        assert get(server.url) == PICTURE
    assert proxy.requests == []
