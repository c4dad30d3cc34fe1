"""Addresses that strangers name are fetched from public places only, within their time and bytes."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import pytest

from transparent_background.errors import InputError, TooLargeError, UnreadableError, UsageError
from transparent_background.service.fetch import fetch, is_public

PICTURE = bytes(range(256)) * 40
SECRET = b"the neighbour's secret"
LIMIT = 100_000
ENDLESS = b"x" * 65_536
HERE = "127.0.0.1"

# made with openssl for this test, for the name pictures.test, valid until 2120; signed by itself
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDU9PzG3txMxE0RnC
zkJxo6nn6OFVhwzZaXds9Uv9nBOhRANCAATjVCcG3OxQKQNnZW8VRevr08OFKRqE
GF2cX2xU9eTfksgDBqV+GHKSn7IIpi7adU2hz8FHVYyJ324sl+nxUIbF
-----END PRIVATE KEY-----
"""
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBfjCCASOgAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1waWN0dXJl
cy50ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
VQQDDA1waWN0dXJlcy50ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE41Qn
BtzsUCkDZ2VvFUXr69PDhSkahBhdnF9sVPXk35LIAwalfhhykp+yCKYu2nVNoc/B
R1WMid9uLJfp8VCGxaNcMFowHQYDVR0OBBYEFCTG7o5l8Dzfj9wzY0cl0NECE+b/
MA8GA1UdEwEB/wQFMAMBAf8wGAYDVR0RBBEwD4INcGljdHVyZXMudGVzdDAOBgNV
HQ8BAf8EBAMCAoQwCgYIKoZIzj0EAwIDSQAwRgIhAPfr8W0ciYE4mf3h8ZWpZAFH
XGKpe2RZ7fSFpXGP8B7KAiEAjjZcnCm5lb7Pd+0f67RCz2VPIIu2ALCJ/bP9qPJL
wD4=
-----END CERTIFICATE-----
"""


@dataclass
class Server:
    """What was asked of it, and how much it could send."""

    port: int = 0
    requests: list[str] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """Server names that TLS asked for."""
    sent: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{HERE}:{self.port}/photo.jpg"

    def paths(self) -> list[str]:
        return [request.split(" ")[1] for request in self.requests]


Answer = Callable[[socket.socket, str, Server], None]


def say(*parts: bytes, pause: float = 0.0, again: bool = False) -> Answer:
    """Send parts, the last one again and again if so told, with a pause before each."""

    def answer(line: socket.socket, path: str, server: Server) -> None:
        rest = iter(parts)
        part = next(rest)
        while not server.stopped.is_set():
            line.sendall(part)
            server.sent += len(part)
            part = next(rest, part if again else b"")
            if not part or (pause and server.stopped.wait(pause)):
                return

    return answer


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *(headers or (f"Content-Length: {len(body)}",)), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return whole(b"", f"Location: {location}", "Content-Length: 0", status=status)


@contextlib.contextmanager
def serve(answer: Answer | bytes, tls: ssl.SSLContext | None = None, asked: bool = True) -> Iterator[Server]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    server = Server()
    listener = socket.create_server((HERE, 0))
    server.port = listener.getsockname()[1]
    reply = say(answer) if isinstance(answer, bytes) else answer

    def work() -> None:
        while True:
            line, _ = listener.accept()
            with contextlib.suppress(OSError), line:
                if server.stopped.is_set():
                    return
                one(line)

    def one(line: socket.socket) -> None:
        if tls is not None:
            line = tls.wrap_socket(line, server_side=True)
        with line:
            request = b""
            while asked and b"\r\n\r\n" not in request:
                block = line.recv(65_536)
                if not block:
                    return
                request += block
            text = request.decode("latin-1")
            if asked:
                server.requests.append(text)
            reply(line, text.split(" ")[1] if text else "", server)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopped.set()
        with socket.socket() as knock:  # create_connection would look up the name
            knock.connect((HERE, server.port))
        thread.join(5)
        listener.close()
        assert not thread.is_alive()


def get(url: str, **options: object) -> bytes:
    """Fetch, with 127.0.0.1 as the only public address and all ports free."""
    options = {
        "max_bytes": LIMIT,
        "timeout": 5.0,
        "allowed": lambda address: str(address) == HERE,
        "ports": range(1, 65_536),
        **options,
    }
    return fetch(url, **options)


def refused(url: str, kind: type[Exception] = UsageError, **options: object) -> str:
    """Return the sentence with which an address is refused."""
    with pytest.raises(kind) as caught:
        get(url, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


class Names:
    """Stands in for the system's look-up of names; each look-up takes the next of a name's answers."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): list(listed) for name, listed in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, **_: object) -> list[tuple]:
        self.asked.append(host)
        if host not in self.answers:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        listed = self.answers[host]
        found = []
        for address in listed.pop(0) if len(listed) > 1 else listed[0]:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            place = (address, port, 0, 0) if ":" in address else (address, port)
            found.append((family, socket.SOCK_STREAM, 6, "", place))
        return found


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Names]:
    def replace(**answers: list[list[str]]) -> Names:
        resolver = Names(**answers)
        monkeypatch.setattr(socket, "getaddrinfo", resolver)
        return resolver

    return replace


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Let nobody connect; returns the attempts."""
    attempts: list[object] = []

    def connect(_: socket.socket, place: object) -> None:
        attempts.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return attempts


# which addresses everybody can reach


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "1.1.1.1", "93.184.216.34", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"),
        *("192.0.1.1", "198.17.1.1", "198.20.0.1", "223.255.255.255", "168.63.129.17"),
        *("2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888"),
        *("::ffff:8.8.8.8", "64:ff9b::808:808", "2606:4700::5efe:808:808"),
    ],
)
def test_addresses_that_everybody_can_reach(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200"),
        *("127.0.0.1", "127.8.9.10", "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255"),
        *("192.0.0.1", "192.0.0.9", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1"),
        *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"),
        "255.255.255.255",
        *("::", "::1", "::127.0.0.1", "::8.8.8.8", "fe80::1", "fe80::1%eth0", "febf::1", "fec0::1"),
        *("fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "100::1", "5f00::1", "4000::1"),
        *("2001:db8::1", "3fff::1", "2001:2::1", "2001:20::1", "2001:10::1"),
        # IPv4 within IPv6: mapped, translated, NAT64, 6to4, Teredo, ISATAP
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::7f00:1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::1", "2002:a00:1::", "2002:808:808::1"),
        *("2001:0:4136:e378:8000:63bf:80ff:fffe", "2001:0:7f00:1::1"),
        *("2606:4700::5efe:7f00:1", "2606:4700::200:5efe:a00:1"),
    ],
)
def test_addresses_that_only_some_can_reach(address: str) -> None:
    assert not is_public(ip_address(address))


# what is refused before anything is sent


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


# what is sent, and to whom


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


# redirects


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


# answers that cannot be used


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


# bytes


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


# time

CHUNKED = "Transfer-Encoding: chunked"
DRIPS = {
    "status": say(b"H", b"T", again=True, pause=0.02),
    "headers": say(b"HTTP/1.1 200 OK\r\n", b"X: 1\r\n", again=True, pause=0.05),
    "continue": say(b"HTTP/1.1 100 Continue\r\n\r\n", again=True, pause=0.02),
    "length": say(whole(b"", "Content-Length: 90000"), b"x", again=True, pause=0.02),
    "no length": say(whole(b"", "Connection: close"), b"x", again=True, pause=0.02),
    "chunks": say(whole(b"", CHUNKED), b"1\r\nx\r\n", again=True, pause=0.02),
    "size of a chunk": say(whole(b"", CHUNKED), b"0", again=True, pause=0.02),
    "trailers": say(whole(b"0\r\n", CHUNKED), b"X: 1\r\n", again=True, pause=0.02),
    "silence": lambda line, path, server: server.stopped.wait(5),
    "redirects": say(b"HTTP/1.1 302 Found\r\n", b"Location: /photo.jpg\r\n\r\n", pause=0.1),
}


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


# certificates


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
