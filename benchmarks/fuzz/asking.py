"""Requests that are tried, as bytes: HTTP by a small grammar, cameras' WebSockets, assistants' messages."""

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
from .wire import frame, multipart, request
from .words import HEADERS, METHODS, PATHS, TOOL_KEYS, TOOLS, TYPES

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


def _picture(rng: random.Random) -> bytes:
    data, _ = draw(rng.choice(("png", "jpg", "webp", "gif", "tiff", "avif", "bmp")), rng)
    if rng.random() < 0.4:
        data, _ = mutate(data, rng)
    return data


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
    for name in rng.choice(
        (["file"], ["file"], ["file"], ["image"], ["file", "background_image"], ["file", "file"], [], ["x"])
    ):
        fields.append((name, _picture(rng), rng.choice(NAMES)))
    if rng.random() < 0.03:
        fields *= 60
    rng.shuffle(fields)
    body, kind = multipart(fields, rng)
    return request("POST", "/api/remove", body, kind, rng), "a form with a picture"


def _raw(rng: random.Random) -> tuple[bytes, str]:
    query = urlencode(_asked("/api/remove", rng), errors="replace")
    more = (
        [f'Content-Disposition: attachment; filename="{rng.choice(NAMES)}"'.replace("\0", "")]
        if rng.random() < 0.2
        else []
    )
    return request(
        "POST", f"/api/remove?{query}", _picture(rng), rng.choice(TYPES), rng, *more
    ), "a picture as the body"


def _batch(rng: random.Random) -> tuple[bytes, str]:
    archive = make_archive(rng)
    if rng.random() < 0.3:
        query = urlencode(_asked("/api/remove", rng), errors="replace")
        return request(
            "POST", f"/api/batch?{query}", archive, "application/zip", rng
        ), "an archive as the body"
    fields: list[tuple[str, bytes | str, str | None]] = [("files", archive, "a.zip")]
    fields += [("files", _picture(rng), rng.choice(NAMES)) for _ in range(rng.choice((0, 1, 3, 12)))]
    body, kind = multipart(fields, rng)
    return request("POST", "/api/batch", body, kind, rng), "a batch"


def _job(rng: random.Random) -> tuple[bytes, str]:
    if rng.random() < 0.5:
        path = rng.choice([path for path in PATHS if "@JOB@" in path])
        method = "POST" if path.endswith("cancel") else rng.choice(("GET", "GET", "GET", "DELETE", "HEAD"))
        more = [rng.choice(HEADERS[:6])] if rng.random() < 0.3 else []
        return request(method, path, b"", "", rng, *more), "about a film"
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
    return request("POST", "/api/jobs", body, form, rng), "a film"


def _recipe(rng: random.Random) -> tuple[bytes, str]:
    keys = [entry.name for entry in _OPTIONS["/api/jobs"]]
    text = yaml_text(rng, keys) if rng.random() < 0.5 else json_text(rng, keys)
    return request("POST", "/api/recipe", encoded(text, rng), "text/plain", rng), "a recipe"


def _any(rng: random.Random) -> tuple[bytes, str]:
    """Make a request of any method to any path, now and then one that is none."""
    method = rng.choice(METHODS[:2]) if rng.random() < 0.7 else rng.choice(METHODS)
    path = rng.choice(PATHS)
    if rng.random() < 0.3:
        path += "?" + "&".join(
            f"{quote(str(rng.choice(ODD)))}={rng.choice(ODD)}" for _ in range(rng.choice((1, 3, 200)))
        ).replace(" ", "+")
    body = rng.randbytes(rng.choice((0, 0, 10, 3000)))
    data = request(method, path, body, rng.choice(TYPES), rng, *rng.sample(HEADERS, rng.choice((0, 1, 3))))
    if rng.random() < 0.1:
        data = data.replace(
            b"HTTP/1.1", rng.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/0.9", b"", b"HTTP/1.1\r\n")), 1
        )
    if rng.random() < 0.05:
        data += data  # another one behind it
    return data, "any request"


def _live(rng: random.Random) -> tuple[bytes, str]:
    key = base64.b64encode(rng.randbytes(16)).decode()
    head = [
        "GET /api/live HTTP/1.1",
        "Host: localhost",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
    ]
    head.append(f"Sec-WebSocket-Version: {rng.choices((13, 8, 'x'), (20, 1, 1))[0]}")
    if rng.random() < 0.2:
        head.append(
            rng.choice(
                (
                    "Sec-WebSocket-Protocol: transparent-background",
                    "Sec-WebSocket-Extensions: permessage-deflate",
                    "Origin: http://x",
                )
            )
        )
    out = ["\r\n".join([*head, "", ""]).encode()]
    for _ in range(rng.choice((1, 2, 4, 8))):
        if rng.random() < 0.4:
            options: Any = chosen(_CAMERA, rng, 0.15)
            if rng.random() < 0.2:
                options["background_image"] = rng.choice(
                    (base64.b64encode(_picture(rng)).decode(), "x", "é", 3)
                )
            text = json.dumps(options) if rng.random() < 0.7 else json_text(rng, list(options) or ["type"])
            out.append(frame(1, text.encode("utf-8", "surrogatepass"), rng))
        else:
            out.append(frame(2, _picture(rng)[:20_000], rng))
    out.append(frame(8, struct.pack(">H", rng.choice((1000, 1001, 0, 65535))), rng, slips=False))
    return b"".join(out), "a camera"


def _tool(rng: random.Random) -> tuple[bytes, str]:
    message: Any = {
        "jsonrpc": "2.0",
        "id": rng.choice((1, "a", None, 1.5, [], 1 << 70)),
        "method": "tools/call",
    }
    if rng.random() < 0.2:
        message["method"] = rng.choice(
            ("tools/list", "initialize", "ping", "resources/list", "nosuch", "", 5, "notifications/cancelled")
        )
        message["params"] = value(rng, ("protocolVersion", "capabilities", "clientInfo", "requestId", "name"))
    else:
        arguments = {key: value(rng, TOOL_KEYS) for key in rng.sample(TOOL_KEYS, rng.choice((0, 1, 2)))}
        if rng.random() < 0.6:
            arguments["image_base64"] = base64.b64encode(_picture(rng)).decode()
        if rng.random() < 0.4:
            arguments["path"] = rng.choice(
                ("photo.png", "../photo.png", "/etc/passwd", "~", "", "\0", "x" * 5000, *NAMES)
            )
        message["params"] = {"name": rng.choice(TOOLS), "arguments": arguments}
    if rng.random() < 0.1:
        message = rng.choice(([message], [], [message] * 3, "x", {**message, "jsonrpc": "1.0"}))
    body = json.dumps(message).encode()
    if rng.random() < 0.1:
        body, _ = mutate_plain(body, rng)
    more = rng.choice((["Accept: application/json, text/event-stream"], ["Accept: application/json"], []))
    more = [*more, "Mcp-Protocol-Version: 2025-06-18"] if rng.random() < 0.5 else more
    return request("POST", "/mcp", body, "application/json", rng, *more), "an assistant's message"
