"""Requests that are tried: HTTP by a small grammar, a camera's WebSocket, an assistant's messages; as plain bytes."""

from __future__ import annotations

import base64
import json
import random
import struct
from typing import Any
from urllib.parse import quote, urlencode

from transparent_background.options.cameras import CameraOptions
from transparent_background.options.declare import offered
from transparent_background.options.films import FilmOptions
from transparent_background.options.network import NetworkOptions
from transparent_background.options.result import ResultOptions

from .archives import NAMES, make_archive
from .case import Case
from .films import KINDS as FILM_KINDS
from .films import film_of
from .mutate import mutate, mutate_plain
from .options import ODD, chosen
from .pictures import draw
from .texts import encoded, json_text, value, yaml_text

PATHS = (
    *("/api/remove", "/api/batch", "/api/jobs", "/api/recipe", "/api/models", "/api/options", "/healthz", "/readyz", "/metrics"),
    *("/mcp", "/api/live", "/", "/page/main.js", "/page/../app.py", "/page/%2e%2e/%2e%2e/app.py", "/openapi.json", "/docs"),
    *("/api/jobs/@JOB@", "/api/jobs/@JOB@/result", "/api/jobs/@JOB@/events", "/api/jobs/@JOB@/cancel", "/api/jobs/%00"),
    *("/api/jobs/" + "x" * 200, "//evil.example/", "/%ff%fe", "/api/remove/", "*", "http://127.0.0.1/healthz", "/" + "a/" * 2000),
)
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "G\0T", "")
HEADERS = (
    *("Range: bytes=0-", "Range: bytes=5-2", "Range: bytes=-1", "Range: bytes=0-1,3-4,5-", "Range: x", "Range: bytes=" + "0-1," * 500),
    *("Accept-Encoding: gzip", "Accept: " + "a," * 200, "Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site"),
    *("Authorization: Bearer x", "Authorization: Basic \xff", "Expect: 100-continue", "X: " + "x" * 5000, "Cookie: a=b", "Host: evil"),
    *("Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999", "Transfer-Encoding: chunked", "Upgrade: websocket"),
    *("Connection: close", "Connection: upgrade", "If-None-Match: *", "If-Range: x", "Content-Encoding: gzip", "Mcp-Session-Id: x"),
    *("Mcp-Protocol-Version: 9999", "X-Forwarded-For: 1.2.3.4", "Last-Event-ID: 5", " folded: line", "no colon", "\x00: \x01"),
)
TYPES = (
    *("image/png", "image/jpeg", "application/octet-stream", "multipart/form-data", "multipart/form-data; boundary=", "text/plain"),
    *("application/x-www-form-urlencoded", "application/json", "video/mp4", "application/zip", "", "x", "multipart/mixed; boundary=x"),
    *("multipart/form-data; boundary=" + "b" * 300, 'multipart/form-data; boundary="a b"; charset=utf-99', "image/png; charset=\xff"),
)
TOOLS = ("remove_background", "get_matte", "remove_background_batch", "list_models", "nosuch")
TOOL_KEYS = tuple(
    "path paths folder output overwrite image_base64 background_image type threshold crop format mode preview quality x".split()
)
_OPTIONS = {
    "/api/remove": offered(ResultOptions, NetworkOptions, door="http", subject="picture"),
    "/api/jobs": offered(ResultOptions, NetworkOptions, FilmOptions, door="http", subject="film"),
}
_CAMERA = offered(ResultOptions, NetworkOptions, CameraOptions, door="http", subject="camera")


def make(rng: random.Random) -> Case:
    """Make a request."""
    makers = (_form, _form, _form, _raw, _batch, _job, _job, _recipe, _any, _any, _live, _live, _tool, _tool)
    data, words = rng.choice(makers)(rng)
    if rng.random() < 0.1:
        data, done = mutate_plain(data, rng)
        words += f": {done}"
    return Case("requests", "http", data, {}, words)


def _request(method: str, path: str, body: bytes, kind: str, rng: random.Random, *more: str) -> bytes:
    """Put a request together, with a body of a length that is told, in chunks, or told wrong."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *more]
    if kind:
        head.append(f"Content-Type: {kind}")
    if rng.random() < 0.1:
        head += rng.sample(HEADERS, rng.choice((1, 2)))
    if rng.random() < 0.08:
        head.append("Transfer-Encoding: chunked")
        sizes = [rng.choice(("", "0", "-1", "ffffffffffff", "zz")) if rng.random() < 0.2 else f"{len(body):x}"]
        body = f"{sizes[0]}\r\n".encode() + body + rng.choice((b"\r\n0\r\n\r\n", b"\r\n", b"0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n"))
    else:
        length = len(body) if rng.random() < 0.95 else rng.choice((0, len(body) + 9, max(len(body) - 9, 0)))
        head.append(f"Content-Length: {length}")
    return "\r\n".join([*head, "", ""]).encode("latin-1", "replace") + body


def _picture(rng: random.Random) -> bytes:
    data, _ = draw(rng.choice(("png", "jpg", "webp", "gif", "tiff", "avif", "bmp")), rng)
    if rng.random() < 0.4:
        data, _ = mutate(data, rng)
    return data


def multipart(fields: list[tuple[str, bytes | str, str | None]], rng: random.Random) -> tuple[bytes, str]:
    """Write a form of (name, value, file name), with slips now and then; return it and its type."""
    boundary = rng.choice(("xXx", "----b", "a" * 70, "'()+_,-./:=?"))
    out = []
    for name, content, file in fields:
        said = f'form-data; name="{name}"' + ("" if file is None else f'; filename="{file}"')
        if rng.random() < 0.05:
            said = rng.choice((said[:-1], f"form-data; name={name}", "attachment", "form-data", f"{said}; filename*=utf-9''%ff", said * 20))
        lines = [f"Content-Disposition: {said}"]
        if file is not None:
            lines.append(f"Content-Type: {rng.choice(TYPES)}")
        if rng.random() < 0.03:
            lines.append(rng.choice(("Content-Transfer-Encoding: base64", "X" * 9000, "Content-Type: text/plain; charset=utf-7", "")))
        body = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        out.append(f"--{boundary}\r\n".encode() + "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body + b"\r\n")
    end = f"--{boundary}--\r\n" if rng.random() < 0.95 else rng.choice(("", f"--{boundary}", f"--{boundary}--x", "--"))
    return b"".join(out) + end.encode(), f'multipart/form-data; boundary="{boundary}"'


def _asked(path: str, rng: random.Random) -> dict[str, str]:
    values = chosen(_OPTIONS.get(path, _OPTIONS["/api/remove"]), rng, 0.12)
    if rng.random() < 0.1:
        values["recipe"] = yaml_text(rng, list(values) or ["type"])
    if rng.random() < 0.05:
        values[rng.choice(("url", "nosuch", "type[]", "", "model", "a", "only_mask"))] = rng.choice(ODD)
    return {name: str(value) for name, value in values.items() if value is not None}


def _form(rng: random.Random) -> tuple[bytes, str]:
    fields: list[tuple[str, bytes | str, str | None]] = [
        (name, text, None) for name, text in _asked("/api/remove", rng).items()
    ]
    for name in rng.choice((["file"], ["file"], ["file"], ["image"], ["file", "background_image"], ["file", "file"], [], ["x"])):
        fields.append((name, _picture(rng), rng.choice(NAMES)))
    if rng.random() < 0.03:
        fields *= 60
    rng.shuffle(fields)
    body, kind = multipart(fields, rng)
    return _request("POST", "/api/remove", body, kind, rng), "a form with a picture"


def _raw(rng: random.Random) -> tuple[bytes, str]:
    query = urlencode(_asked("/api/remove", rng), errors="replace")
    more = [f'Content-Disposition: attachment; filename="{rng.choice(NAMES)}"'.replace("\0", "")] if rng.random() < 0.2 else []
    return _request("POST", f"/api/remove?{query}", _picture(rng), rng.choice(TYPES), rng, *more), "a picture as the body"


def _batch(rng: random.Random) -> tuple[bytes, str]:
    archive = make_archive(rng)
    if rng.random() < 0.3:
        query = urlencode(_asked("/api/remove", rng), errors="replace")
        return _request("POST", f"/api/batch?{query}", archive, "application/zip", rng), "an archive as the body"
    fields: list[tuple[str, bytes | str, str | None]] = [("files", archive, "a.zip")]
    fields += [("files", _picture(rng), rng.choice(NAMES)) for _ in range(rng.choice((0, 1, 3, 12)))]
    body, kind = multipart(fields, rng)
    return _request("POST", "/api/batch", body, kind, rng), "a batch"


def _job(rng: random.Random) -> tuple[bytes, str]:
    if rng.random() < 0.5:
        path = rng.choice([path for path in PATHS if "@JOB@" in path])
        method = "POST" if path.endswith("cancel") else rng.choice(("GET", "GET", "GET", "DELETE", "HEAD"))
        more = [rng.choice(HEADERS[:6])] if rng.random() < 0.3 else []
        return _request(method, path, b"", "", rng, *more), "about a film"
    kind = rng.choice(FILM_KINDS)
    film = film_of(kind)
    if rng.random() < 0.5:
        film, _ = mutate(film, rng)
    fields: list[tuple[str, bytes | str, str | None]] = [
        (name, text, None) for name, text in _asked("/api/jobs", rng).items()
    ]
    fields.append(("file", film, rng.choice((f"clip.{kind.suffix}", *NAMES, "clip.m3u8", ""))))
    if rng.random() < 0.1:
        fields.append(("background_image", _picture(rng), "b.png"))
    body, form = multipart(fields, rng)
    return _request("POST", "/api/jobs", body, form, rng), "a film"


def _recipe(rng: random.Random) -> tuple[bytes, str]:
    keys = [entry.name for entry in _OPTIONS["/api/jobs"]]
    text = yaml_text(rng, keys) if rng.random() < 0.5 else json_text(rng, keys)
    return _request("POST", "/api/recipe", encoded(text, rng), "text/plain", rng), "a recipe"


def _any(rng: random.Random) -> tuple[bytes, str]:
    """Make a request of any method to any path, now and then one that is none."""
    method = rng.choice(METHODS[:2]) if rng.random() < 0.7 else rng.choice(METHODS)
    path = rng.choice(PATHS)
    if rng.random() < 0.3:
        path += "?" + "&".join(f"{quote(str(rng.choice(ODD)))}={rng.choice(ODD)}" for _ in range(rng.choice((1, 3, 200)))).replace(" ", "+")
    body = rng.randbytes(rng.choice((0, 0, 10, 3000)))
    data = _request(method, path, body, rng.choice(TYPES), rng, *rng.sample(HEADERS, rng.choice((0, 1, 3))))
    if rng.random() < 0.1:
        data = data.replace(b"HTTP/1.1", rng.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"", b"HTTP/1.1\r\n")), 1)
    if rng.random() < 0.05:
        data += data  # another one behind it
    return data, "any request"


def frame(opcode: int, payload: bytes, rng: random.Random, *, slips: bool = True) -> bytes:
    """Write a WebSocket's frame as a client does: masked, with slips now and then."""
    first, masked = 0x80 | opcode, 0x80
    if slips and rng.random() < 0.1:
        first, masked = rng.choice(((opcode, 0x80), (0xF0 | opcode, 0x80), (0x80 | opcode, 0), (0x80 | rng.randrange(16), 0x80)))
    length = len(payload)
    if slips and rng.random() < 0.05:
        length = rng.choice((0, length + 5, 1 << 30, (1 << 63) + 1))
    if length < 126:
        head = bytes([first, masked | length])
    elif length < 1 << 16:
        head = bytes([first, masked | 126]) + struct.pack(">H", length)
    else:
        head = bytes([first, masked | 127]) + struct.pack(">Q", length)
    if not masked:
        return head + payload
    mask = rng.randbytes(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def _live(rng: random.Random) -> tuple[bytes, str]:
    key = base64.b64encode(rng.randbytes(16)).decode()
    head = ["GET /api/live HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"]
    head.append(f"Sec-WebSocket-Version: {rng.choices((13, 8, 'x'), (20, 1, 1))[0]}")
    if rng.random() < 0.2:
        head.append(rng.choice(("Sec-WebSocket-Protocol: transparent-background", "Sec-WebSocket-Extensions: permessage-deflate", "Origin: http://x")))
    out = ["\r\n".join([*head, "", ""]).encode()]
    for _ in range(rng.choice((1, 2, 4, 8))):
        if rng.random() < 0.4:
            options: Any = chosen(_CAMERA, rng, 0.15)
            if rng.random() < 0.2:
                options["background_image"] = rng.choice((base64.b64encode(_picture(rng)).decode(), "x", "é", 3))
            text = json.dumps(options) if rng.random() < 0.7 else json_text(rng, list(options) or ["type"])
            out.append(frame(1, text.encode("utf-8", "surrogatepass"), rng))
        else:
            out.append(frame(2, _picture(rng)[:20_000], rng))
    out.append(frame(8, struct.pack(">H", rng.choice((1000, 1001, 0, 65535))), rng, slips=False))
    return b"".join(out), "a camera"


def _tool(rng: random.Random) -> tuple[bytes, str]:
    message: Any = {"jsonrpc": "2.0", "id": rng.choice((1, "a", None, 1.5, [], 1 << 70)), "method": "tools/call"}
    if rng.random() < 0.2:
        message["method"] = rng.choice(("tools/list", "initialize", "ping", "resources/list", "nosuch", "", 5, "notifications/cancelled"))
        message["params"] = value(rng, ("protocolVersion", "capabilities", "clientInfo", "requestId", "name"))
    else:
        arguments = {key: value(rng, TOOL_KEYS) for key in rng.sample(TOOL_KEYS, rng.choice((0, 1, 2)))}
        if rng.random() < 0.6:
            arguments["image_base64"] = base64.b64encode(_picture(rng)).decode()
        if rng.random() < 0.4:
            arguments["path"] = rng.choice(("photo.png", "../photo.png", "/etc/passwd", "~", "", "\0", "x" * 5000, *NAMES))
        message["params"] = {"name": rng.choice(TOOLS), "arguments": arguments}
    if rng.random() < 0.1:
        message = rng.choice(([message], [], [message] * 3, "x", {**message, "jsonrpc": "1.0"}))
    body = json.dumps(message).encode()
    if rng.random() < 0.1:
        body, _ = mutate_plain(body, rng)
    more = rng.choice((["Accept: application/json, text/event-stream"], ["Accept: application/json"], []))
    more = [*more, "Mcp-Protocol-Version: 2025-06-18"] if rng.random() < 0.5 else more
    return _request("POST", "/mcp", body, "application/json", rng, *more), "an assistant's message"
