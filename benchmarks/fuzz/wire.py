"""Requests, forms and WebSocket frames as bytes, with slips now and then."""

from __future__ import annotations

import random
import struct

from .words import HEADERS, TYPES


def request(method: str, path: str, body: bytes, kind: str, rng: random.Random, *more: str) -> bytes:
    """Put a request together, with a body of a length that is told, in chunks, or told wrong."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost", *more]
    if kind:
        head.append(f"Content-Type: {kind}")
    if rng.random() < 0.1:
        head += rng.sample(HEADERS, rng.choice((1, 2)))
    if rng.random() < 0.08:
        head.append("Transfer-Encoding: chunked")
        sizes = [
            rng.choice(("", "0", "-1", "ffffffffffff", "zz")) if rng.random() < 0.2 else f"{len(body):x}"
        ]
        body = (
            f"{sizes[0]}\r\n".encode()
            + body
            + rng.choice((b"\r\n0\r\n\r\n", b"\r\n", b"0\r\n\r\n", b"\r\n0\r\nX: y\r\n\r\n"))
        )
    else:
        length = len(body) if rng.random() < 0.95 else rng.choice((0, len(body) + 9, max(len(body) - 9, 0)))
        head.append(f"Content-Length: {length}")
    return "\r\n".join([*head, "", ""]).encode("latin-1", "replace") + body


def multipart(fields: list[tuple[str, bytes | str, str | None]], rng: random.Random) -> tuple[bytes, str]:
    """Write a form of (name, value, file name), with slips now and then; return it and its type."""
    boundary = rng.choice(("xXx", "----b", "a" * 70, "'()+_,-./:=?"))
    out = []
    for name, content, file in fields:
        said = f'form-data; name="{name}"' + ("" if file is None else f'; filename="{file}"')
        if rng.random() < 0.05:
            said = rng.choice(
                (
                    said[:-1],
                    f"form-data; name={name}",
                    "attachment",
                    "form-data",
                    f"{said}; filename*=utf-9''%ff",
                    said * 20,
                )
            )
        lines = [f"Content-Disposition: {said}"]
        if file is not None:
            lines.append(f"Content-Type: {rng.choice(TYPES)}")
        if rng.random() < 0.03:
            lines.append(
                rng.choice(
                    (
                        "Content-Transfer-Encoding: base64",
                        "X" * 9000,
                        "Content-Type: text/plain; charset=utf-7",
                        "",
                    )
                )
            )
        body = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        out.append(
            f"--{boundary}\r\n".encode()
            + "\r\n".join(lines).encode("utf-8", "surrogatepass")
            + b"\r\n\r\n"
            + body
            + b"\r\n"
        )
    end = (
        f"--{boundary}--\r\n"
        if rng.random() < 0.95
        else rng.choice(("", f"--{boundary}", f"--{boundary}--x", "--"))
    )
    return b"".join(out) + end.encode(), f'multipart/form-data; boundary="{boundary}"'


def frame(opcode: int, payload: bytes, rng: random.Random, *, slips: bool = True) -> bytes:
    """Write a WebSocket's frame as a client does: masked, with slips now and then."""
    first, masked = 0x80 | opcode, 0x80
    if slips and rng.random() < 0.1:
        first, masked = rng.choice(
            ((opcode, 0x80), (0xF0 | opcode, 0x80), (0x80 | opcode, 0), (0x80 | rng.randrange(16), 0x80))
        )
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
