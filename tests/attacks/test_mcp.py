"""Messages of assistants, over HTTP and over standard input: no JSON, wrong kinds, paths that lead out, bombs."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("mcp")

from attack import parametrised
from serving import Running, bomb, file_of, serve

from transparent_background import Remover

ASKED = {
    "Content-Type": "application/json",
    "Accept": "application/json",
    "Mcp-Protocol-Version": "2025-06-18",
}


@dataclass(frozen=True)
class Told:
    """A message that somebody hostile sends."""

    tries: str
    message: Any
    """JSON, or bytes that are meant to be."""


def call(tool: Any = "remove_background", **arguments: Any) -> dict[str, Any]:
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


ATTACKS = [
    Told("no JSON", b"{"),
    Told("nothing", b""),
    Told("50,000 brackets", b"[" * 50_000),
    Told("half of a character", b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}'),
    Told("text that is no UTF-8", b'{"jsonrpc":"2.0","id":1,"method":"\xff"}'),
    Told("another version", {"jsonrpc": "9.0", "id": 1, "method": "ping"}),
    Told("a method that there is not", {"jsonrpc": "2.0", "id": 1, "method": "evil"}),
    Told("a method that is a list", {"jsonrpc": "2.0", "id": 1, "method": []}),
    Told("a number of the message that is a list", {"jsonrpc": "2.0", "id": [], "method": "ping"}),
    Told("an answer that nobody asked for", {"jsonrpc": "2.0", "id": 99, "result": {}}),
    Told("many messages in one", [call()] * 3),
    Told("a tool that there is not", call("evil")),
    Told("a tool that is a list", call([])),
    Told("arguments that are a list", {**call(), "params": {"name": "get_matte", "arguments": []}}),
    Told("an argument that there is not", call(evil=1)),
    Told("no picture", call()),
    Told("a picture that is no base64", call(image_base64="%%%")),
    Told("a picture that is none", call(image_base64=base64_of(b"evil"))),
    Told("a picture that is a bomb", call(image_base64=base64_of(bomb(20_000)))),
    Told("a picture of a mapping", call(image_base64={"a": "b"})),
    *(
        Told(f"a path of {path[:30]!r}", call(path=path))
        for path in ("/etc/passwd", "../../etc/passwd", "~/.ssh/id_rsa", "link", "fifo", "folder", "", ".", "\0", "x" * 5000, "-rf",
                     "/dev/zero", "/proc/self/environ", "file:///etc/passwd", "http://127.0.0.1/", "[/x]", "\x1b[2J", "\ud800")
    ),
    Told("a result that leads out", call(path="photo.png", output="../../evil.png")),
    Told("a result over its source", call(path="photo.png", output="photo.png", overwrite=True)),
    Told("a result over a link that leads out", call(path="photo.png", output="link.png", overwrite=True)),
    Told("a result in a format that there is not", call(path="photo.png", output="x.evil")),
    Told("a background that leads out", call(path="photo.png", background_image="/etc/passwd")),
    Told("a type that is a file", call(path="photo.png", type="/etc/passwd")),
    Told("a threshold of ten to the 400", b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_matte","arguments":{"path":"photo.png","threshold":1e999}}}'),
    Told("a batch of a folder that leads out", call("remove_background_batch", folder="../..")),
    Told("a batch of ten thousand paths", call("remove_background_batch", paths=["photo.png"] * 10_000)),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an open folder with a photo, and with what should not be followed."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "secret.png").write_bytes(b"secret")
    folder = tmp_path_factory.mktemp("open")
    (folder / "photo.png").write_bytes(file_of())
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "link.png").symlink_to(outside / "secret.png")
    os.mkfifo(folder / "fifo")
    return folder


@pytest.fixture(scope="module")
def service(folder: Path) -> Iterator[Running]:
    with serve([{"lite": Remover("lite", device="cpu", resize="static")}], folders=(str(folder),)) as running:
        yield running


def check(folder: Path, answer: str) -> None:
    """See that nothing was told, and nothing was harmed."""
    assert "Traceback" not in answer
    assert "root:" not in answer  # of /etc/passwd
    assert (folder / "photo.png").read_bytes() == file_of()
    assert (folder / "link.png").resolve().read_bytes() == b"secret"
    assert not (folder.parent / "evil.png").exists()


def encoded(message: Any) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


@parametrised(ATTACKS)
def test_attack(service: Running, folder: Path, attack: Told) -> None:
    answer = service.post("/mcp", data=encoded(attack.message), headers=ASKED)
    assert answer.status_code in (200, 202, 400, 406, 413), answer.text
    if answer.status_code == 200:
        told = answer.json()
        assert "error" in told or told["result"].get("isError"), told
    check(folder, answer.text)


@pytest.mark.slow
def test_all_of_them_over_standard_input(folder: Path) -> None:
    """Whatever comes, the last message is answered, and standard output holds nothing but JSON."""
    lines = [encoded(attack.message).replace(b"\n", b" ") for attack in ATTACKS]
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "evil", "version": "0"},
    }
    first = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    begun = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    last = {"jsonrpc": "2.0", "id": "last", "method": "tools/list"}
    sent = b"\n".join([encoded(first), encoded(begun), *lines, encoded(last), b""])
    command = [
        sys.executable,
        "-m",
        "transparent_background",
        "mcp",
        "-m",
        "lite",
        "-D",
        "cpu",
        "--folder",
        str(folder),
    ]
    done = subprocess.run(
        command, input=sent, capture_output=True, timeout=240, cwd=Path(__file__).parents[2]
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert any(answer.get("id") == "last" and "result" in answer for answer in answers)
    assert done.returncode == 0
    check(folder, done.stdout.decode() + done.stderr.decode())
