"""Requests that break HTTP's rules or the service's: forms, chunks, lengths, headers, ranges, paths, names."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

pytest.importorskip("fastapi")

from attack import parametrised
from serving import Running, file_of, serve

from transparent_background import Remover

LIMITS = {"bytes": 1 << 20, "pixels": 1_000_000, "patience": 0.5, "slowest": 1 << 20}
PICTURE = file_of()
FORM = 'multipart/form-data; boundary="b"'


@dataclass(frozen=True)
class Asked:
    """A request that somebody hostile makes, as bytes."""

    tries: str
    data: bytes
    statuses: tuple[int, ...]
    """Of the answer; 0: the connection ends without one."""


def request(line: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    told = (
        [] if length is None and not body else [f"Content-Length: {len(body) if length is None else length}"]
    )
    head = [f"{line} HTTP/1.1", "Host: localhost", "Connection: close", *told, *headers, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def post(*headers: str, body: bytes = b"", path: str = "/api/remove", length: int | None = None) -> bytes:
    return request(f"POST {path}", *headers, body=body, length=length)


def part(said: str, body: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: {said}", *headers])
    return b"--b\r\n" + head.encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body + b"\r\n"


def form(*parts: bytes, end: bytes = b"--b--\r\n", kind: str = FORM) -> bytes:
    return post(f"Content-Type: {kind}", body=b"".join(parts) + end)


FILE = part('form-data; name="file"; filename="a.png"', PICTURE)
CHUNKED = "Transfer-Encoding: chunked"
IMAGE = "Content-Type: image/png"


def field(name: str, value: str) -> bytes:
    return part(f'form-data; name="{name}"', value.encode("utf-8", "surrogatepass"))


def chunks(*parts: bytes) -> bytes:
    return request("POST /api/remove", IMAGE, CHUNKED) + b"".join(parts)


ATTACKS = [
    # forms
    Asked("a form without a boundary", form(FILE, kind="multipart/form-data"), (400, 422)),
    Asked("a form with an empty boundary", form(FILE, kind="multipart/form-data; boundary="), (400, 422)),
    Asked("a form with a boundary of 4,000", form(FILE, kind="multipart/form-data; boundary=" + "b" * 4000), (400,)),
    Asked("a form with another boundary", form(FILE, kind="multipart/form-data; boundary=c"), (400, 422)),
    Asked("a form that does not end", form(FILE, end=b""), (200, 400, 422)),
    Asked("a form of nothing", form(end=b""), (400, 422)),
    Asked("a form in a character set that there is not", form(FILE, kind=f"{FORM}; charset=utf-99"), (200, 400)),
    Asked("a form that says UTF-16", form(FILE, kind=f"{FORM}; charset=utf-16"), (200, 400, 422)),
    Asked("a part without a name", form(part("form-data", b"x")), (400, 422)),
    Asked("a part of another kind", form(part("attachment", b"x")), (400, 422)),
    Asked("a part whose name does not end", form(part('form-data; name="file', PICTURE)), (400, 422)),
    Asked("a part without a head", form(b"--b\r\n\r\nx\r\n"), (400, 422)),
    Asked("a part whose head is 100 kB", form(part("form-data; name=x", b"x", "X: " + "x" * 100_000)), (400, 413, 422)),
    Asked("ten thousand headers in a part", form(part("form-data; name=x", b"x", *["X: y"] * 10_000)), (400, 413, 422)),
    Asked("a thousand fields", form(*[field("type", "white")] * 1000, FILE), (400, 413, 422)),
    Asked("a thousand files", form(*[FILE] * 1000), (0, 400, 413, 422)),
    Asked("a field of 100 kB", form(field("type", "x" * 100_000), FILE), (400, 413, 422)),
    Asked("a picture as a field", form(field("file", "x")), (400, 422)),
    Asked("two pictures", form(FILE, FILE), (400, 422)),
    Asked("a picture of nothing", form(part('form-data; name="file"; filename="a.png"', b"")), (415, 422)),
    Asked("a form in a form", form(part('form-data; name="file"; filename="a.png"', FILE, f"Content-Type: {FORM}")), (415,)),
    Asked("a name that leads out", form(part('form-data; name="file"; filename="../../etc/passwd"', PICTURE)), (200,)),
    Asked("a name with NUL", form(part('form-data; name="file"; filename="a\0b.png"', PICTURE)), (200, 400)),
    Asked("a name that clears the terminal", form(part('form-data; name="file"; filename="\x1b[2J.png"', PICTURE)), (200, 400)),
    Asked("a name of half a character", form(part('form-data; name="file"; filename="\ud800.png"', PICTURE)), (200, 400)),
    Asked("a name of 20,000 characters", form(part(f'form-data; name="file"; filename="{"x" * 20_000}.png"', PICTURE)), (200, 400, 413)),
    Asked("a name with a line's end", form(part('form-data; name="file"; filename="a\\r\\nX: y.png"', PICTURE)), (200, 400)),
    Asked("a name that is encoded and broken", form(part("form-data; name=\"file\"; filename*=utf-99''%ff%zz", PICTURE)), (200, 400, 422)),
    # options
    *(
        Asked(f"{name} of {value[:20]!r}", form(field(name, value), FILE), (422,))
        for name, value in (
            ("threshold", "nan"), ("threshold", "inf"), ("threshold", "1e999"), ("quality", "9" * 5000), ("crop", "-1"),
            ("type", "/etc/passwd"), ("type", "../../../etc/passwd.png"), ("type", "\x00"), ("type", "http://127.0.0.1/"),
            ("background", "x" * 90), ("format", "../x"), ("mode", "../../x"), ("evil", "1"), ("__class__", "1"), ("recipe", "&a [*a]"),
        )
    ),
    Asked("an address of this machine", form(field("url", "http://127.0.0.1/")), (403, 422)),
    Asked("an address of a file", request("GET /api/remove?url=file:///etc/passwd"), (403, 422)),
    # bodies
    Asked("more than is told", post(IMAGE, body=PICTURE + b"x" * 100, length=len(PICTURE)), (200,)),
    Asked("less than is told", post(IMAGE, body=PICTURE, length=len(PICTURE) + 9), (400, 408)),
    Asked("a length below nothing", post(IMAGE, body=b"x", length=-1), (400,)),
    Asked("a length of ten to the 30", post(IMAGE, body=b"x", length=10**30), (400, 413)),
    Asked("two lengths", post(IMAGE, "Content-Length: 5", body=PICTURE), (400,)),
    Asked("a length and chunks", post(IMAGE, CHUNKED, body=PICTURE), (400, 415)),
    Asked("a chunk of a length in words", chunks(b"zz\r\n", PICTURE), (0, 400)),
    Asked("a chunk of 2 to the 64", chunks(b"ffffffffffffffff1\r\n", PICTURE), (0, 400, 408, 413)),
    Asked("a chunk below nothing", chunks(b"-5\r\n", PICTURE), (0, 400)),
    Asked("a chunk with 60 kB of words", chunks(b"5;" + b"x" * 60_000 + b"\r\nhello\r\n0\r\n\r\n"), (0, 400, 415)),
    Asked("chunks that are refused in HEAD", request("HEAD /api/jobs/x/result", CHUNKED) + b"0\n0\n\n", (0, 400, 404, 405, 408)),
    Asked("chunks of one byte", chunks(b"1\r\nx\r\n" * 5000, b"0\r\n\r\n"), (415,)),
    Asked("chunks with a header behind", chunks(b"%x\r\n" % len(PICTURE), PICTURE, b"\r\n0\r\nX: y\r\n\r\n"), (200, 400)),
    Asked("packing that is not taken", post(IMAGE, "Content-Encoding: gzip", body=b"\x1f\x8b" + bytes(50)), (415,)),
    Asked("a packing of chunks that there is not", request("POST /api/remove", "Transfer-Encoding: evil"), (400, 415, 422, 501)),
    Asked("a head that never ends", b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 30_000, (0, 400, 431)),
    Asked("a header of 200 kB", request("GET /healthz", "X: " + "x" * 200_000), (0, 400, 431)),
    Asked("a header of bytes that are no text", request("GET /healthz", "X: \xff\xfe\x80"), (200, 400)),
    Asked("a header with NUL", request("GET /healthz", "X: a\0b"), (400,)),
    Asked("a header without a colon", request("GET /healthz", "evil"), (400,)),
    Asked("a header on two lines", request("GET /healthz", "X: a", " b"), (200, 400)),
    Asked("no host", b"GET /healthz HTTP/1.1\r\n\r\n", (400,)),
    Asked("another's host", b"GET /api/models HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", (400, 403, 421)),
    Asked("another site's page", post(IMAGE, "Origin: https://evil.example", body=PICTURE), (403,)),
    Asked("another version", b"GET /healthz HTTP/9.9\r\nHost: localhost\r\nConnection: close\r\n\r\n", (200, 400, 505)),
    Asked("no HTTP", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(200), (0, 400)),
    Asked("a method that there is not", request("EVIL /api/remove"), (405,)),
    Asked("TRACE", request("TRACE /"), (405,)),
    Asked("CONNECT", request("CONNECT evil.example:443"), (400, 404, 405)),
    Asked("a path that leads out", request("GET /page/../../../etc/passwd"), (404,)),
    Asked("a path that leads out, encoded", request("GET /page/%2e%2e/%2e%2e/app.py"), (404,)),
    Asked("a path with NUL", request("GET /page/%00"), (400, 404)),
    Asked("a path that is no UTF-8", request("GET /api/jobs/%ff%fe"), (400, 404)),
    Asked("a path of 60 kB", request("GET /" + "a/" * 30_000), (0, 400, 404, 414)),
    Asked("a path of another machine", request("GET http://evil.example/"), (200, 400, 404)),
    Asked("a film that there is not", request("GET /api/jobs/" + "x" * 500), (404, 422)),
    Asked("a range of a file, backwards", request("GET /page/main.js", "Range: bytes=9-1"), (200, 400, 416)),
    Asked("a thousand ranges", request("GET /page/main.js", "Range: bytes=" + ",".join(["0-0"] * 1000)), (200, 206, 400, 416)),
    Asked("a range in words", request("GET /page/main.js", "Range: evil"), (200, 400, 416)),
    Asked("a recipe of laughs", post(path="/api/recipe", body=b"a: &a [x]\nb: &b [*a, *a]\ntype: *b"), (422,)),
    Asked("a recipe that makes an object", post(path="/api/recipe", body=b"type: !!python/object/apply:os.system [ls]"), (422,)),
    Asked("a recipe that is no UTF-8", post(path="/api/recipe", body=b"\xff\xfe"), (400,)),
    Asked("a recipe of 50,000 brackets", post(path="/api/recipe", body=b"[" * 50_000), (413,)),
    Asked("a batch of nothing", post(path="/api/batch", body=b""), (400, 422)),
    Asked("a play list for a film", post("Content-Type: video/mp4", path="/api/jobs", body=b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"), (415, 422)),
    Asked("a film that is a picture", post("Content-Type: video/mp4", path="/api/jobs", body=PICTURE), (415, 422, 202)),
]  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with serve([{"lite": Remover("lite", device="cpu", resize="static")}], limits=LIMITS) as running:
        yield running


def ask(port: int, data: bytes) -> bytes:
    """Send bytes, and return all that comes until the service hangs up or nothing more comes."""
    received = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        try:
            line.sendall(data)
            while block := line.recv(1 << 16):
                received += block
        except OSError:  # it may hang up while we send
            pass
    return bytes(received)


# of a form that breaks off, Starlette leaves the last part's file to be closed by whoever forgets it
@pytest.mark.filterwarnings("ignore:Exception ignored.*Spooled:pytest.PytestUnraisableExceptionWarning")
@parametrised(ATTACKS)
def test_attack(service: Running, attack: Asked) -> None:
    answer = ask(service.port, attack.data)
    found = re.match(rb"HTTP/1\.\d (\d{3})", answer)
    status = int(found[1]) if found else 0
    assert status in attack.statuses, answer[:500]
    assert b"Traceback" not in answer
    assert b"root:" not in answer  # of /etc/passwd
    head, _, body = answer.partition(b"\r\n\r\n")
    if status >= 400 and b"problem+json" in head and not attack.data.startswith(b"HEAD"):
        assert json.loads(body)["status"] == status
    assert service.get("/healthz").text == "ok"
