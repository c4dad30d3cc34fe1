"""Cameras' WebSockets: frames that break the protocol's rules, pictures that are bombs, options that are none."""

from __future__ import annotations

import base64
import json
import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

pytest.importorskip("fastapi")

from attack import parametrised
from serving import Running, bomb, file_of, serve
from websockets.sync.client import connect

from benchmarks.fuzz.wire import frame
from transparent_background import Remover

RNG = random.Random(1)
HEAD = (
    b"GET /api/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
)
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
PICTURE = file_of(format="JPEG")


@dataclass(frozen=True)
class Sent:
    """What somebody hostile sends after the handshake."""

    tries: str
    frames: bytes
    answers: str = ""
    """What the service says before it ends the connection: ``error`` in JSON, ``picture``; empty: nothing."""
    head: bytes = HEAD
    status: int = 101


def f(opcode: int, payload: bytes) -> bytes:
    return frame(opcode, payload, RNG, slips=False)


def raw(first: int, second: int, rest: bytes = b"") -> bytes:
    return bytes([first, second]) + rest


def said(**options: object) -> bytes:
    return f(TEXT, json.dumps(options).encode())


ATTACKS = [
    Sent("frames without a mask", raw(0x82, 4, b"evil")),
    Sent("a frame of 2 to the 63 bytes", raw(0x82, 0xFF, struct.pack(">Q", 1 << 63))),
    Sent("a frame of a gigabyte", raw(0x82, 0xFF, struct.pack(">Q", 1 << 30) + b"mask" + bytes(100))),
    Sent("a kind that there is not", raw(0x83, 0x80, b"mask")),
    Sent("bits that are reserved", raw(0xF2, 0x80, b"mask")),
    Sent("a ping of 200 bytes", raw(0x89, 0xFE, struct.pack(">H", 200) + b"mask" + bytes(200))),
    Sent("a ping in parts", raw(0x09, 0x80, b"mask")),
    Sent("the rest of nothing", raw(0x80, 0x80, b"mask")),
    Sent("text that is no UTF-8", f(TEXT, b"\xff\xfe\xfd")),
    Sent("text that is no UTF-8, in parts", raw(0x01, 0x81, bytes(4) + b"\xe2") + raw(0x80, 0x81, bytes(4) + b"\x28")),
    Sent("text that is no UTF-8, and a close", f(TEXT, b"\xff" * 9) + f(CLOSE, b"") + f(TEXT, b"\xff") * 2),
    Sent("a close of one byte", f(CLOSE, b"\x03")),
    Sent("a close for a reason that there is not", f(CLOSE, struct.pack(">H", 5))),
    Sent("a close with words that are no UTF-8", f(CLOSE, b"\x03\xe8\xff\xff")),
    Sent("packed frames, which were not agreed on", raw(0xC2, 0x80, b"mask")),
    Sent("a picture in a thousand parts", raw(0x02, 0x80, b"mask") + raw(0x00, 0x80, b"mask") * 1000 + f(CLOSE, b"")),
    Sent("a hundred pings", f(PING, b"x") * 100 + f(CLOSE, b"")),
    Sent("no picture", f(BINARY, b"evil"), "error"),
    Sent("a picture of nothing", f(BINARY, b""), "error"),
    Sent("a picture that is a bomb", f(BINARY, bomb(5000)), "error"),
    Sent("a picture that is cut off", f(BINARY, PICTURE[: len(PICTURE) // 2]), "error"),
    Sent("a picture of 3 bytes a thousand times", f(BINARY, b"abc") * 1000, "error"),
    Sent("options that are no JSON", f(TEXT, b"{"), "error"),
    Sent("options that are a list", f(TEXT, b"[]"), "error"),
    Sent("options of 50,000 brackets", f(TEXT, b"[" * 50_000), "error"),
    Sent("an option twice", f(TEXT, b'{"type": "x", "type": "y"}'), "error"),
    Sent("half of a character", f(TEXT, b'{"type": "\\ud800"}'), "error"),
    Sent("NaN", f(TEXT, b'{"threshold": NaN}'), "error"),
    Sent("a type that is a file", said(type="/etc/passwd"), "error"),
    Sent("a background that is no base64", said(background_image="%%%"), "error"),
    Sent("a background that is a bomb", said(background_image=base64.b64encode(bomb(12_000)).decode()), "error"),
    Sent("an option that there is not", said(evil=1), "error"),
    Sent("a mode that leads out", said(mode="../../x"), "error"),
    Sent("no key", b"", head=HEAD.replace(b"Sec-WebSocket-Key", b"X"), status=400),
    Sent("another version", b"", head=HEAD.replace(b"Version: 13", b"Version: 99"), status=400),
    Sent("another site's page", b"", head=HEAD + b"Origin: https://evil.example\r\n", status=403),
    Sent("another host", b"", head=HEAD.replace(b"Host: localhost", b"Host: evil.example"), status=403),
    Sent("a protocol of 50 kB", b"", head=HEAD + b"Sec-WebSocket-Protocol: " + b"x," * 25_000 + b"\r\n", status=431),
]  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with serve([{"lite": Remover("lite", device="cpu", resize="static")}]) as running:
        yield running


@parametrised(ATTACKS)
def test_attack(service: Running, attack: Sent, caplog) -> None:
    with socket.create_connection(("127.0.0.1", service.port), timeout=8) as line:
        line.sendall(attack.head + b"\r\n")
        answer = line.recv(1 << 16)
        assert int(answer.split()[1]) == attack.status, answer
        if attack.status == 101:
            line.sendall(attack.frames)
            received = b""
            if attack.answers:
                while b'{"error"' not in received:
                    received += line.recv(1 << 16)
            line.sendall(f(CLOSE, struct.pack(">H", 1000)))
            try:
                while b"\x88" not in received and (block := line.recv(1 << 16)):
                    received += block
            except ConnectionError:  # it had ended before
                pass
            assert b"Traceback" not in received
            assert b"root:" not in received  # of /etc/passwd
    with connect(f"ws://127.0.0.1:{service.port}/api/live") as camera:  # others are served as before
        camera.send(PICTURE)
        assert camera.recv(20)[:2] == b"\xff\xd8"
    assert not [record for record in caplog.records if record.exc_info]
