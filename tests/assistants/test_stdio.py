"""The command ``mcp``: assistants over standard input and output, by the official client and by hand."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_helpers import ASTRONAUT, check_cutout, converse, picture_of, report_of, sent, told
from PIL import Image

from transparent_background import Remover

COMMAND = [sys.executable, "-m", "transparent_background", "mcp"]


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover("lite", device="cpu")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the astronaut in it."""
    shutil.copy(ASTRONAUT, tmp_path / "astronaut.jpg")
    return tmp_path


def parameters(folder: Path, *arguments: str) -> StdioServerParameters:
    private = {name: value for name, value in os.environ.items() if name.startswith("TRANSPARENT_BACK")}
    command, *rest = COMMAND
    return StdioServerParameters(
        command=command,
        args=[*rest, "-m", "lite", "-D", "cpu", "--folder", str(folder), *arguments],
        env={**private, "PYTHONPATH": str(Path(__file__).parents[2])},
    )


def test_a_session_over_stdio(folder: Path, remover: Remover) -> None:
    async def session() -> None:
        with (folder / "log").open("w") as log:
            transport = stdio_client(parameters(folder, "--max-size", "100k"), errlog=log)
            async with Client(transport) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
                assert "get_matte" in names
                cut = await client.call_tool("remove_background", {"path": "astronaut.jpg"})
                check_cutout(Image.open(report_of(cut)["output"]))
                matte = await client.call_tool("get_matte", {"image_base64": sent()})
                found = np.asarray(picture_of(matte), np.float32) / 255
                assert np.abs(found - remover.alpha(str(ASTRONAUT))).max() <= 1 / 255
                outside = await client.call_tool("remove_background", {"path": "/etc/passwd"})
                assert "is not in a folder that is open" in told(outside)
                models = report_of(await client.call_tool("list_models", {}))
                assert (models["default"], models["folders"]) == ("lite", [str(folder)])
                (folder / "large.png").write_bytes(bytes(200_000))
                large = await client.call_tool("remove_background", {"path": "large.png"})
                assert "at most 0.09766 MiB" in told(large)

    asyncio.run(session())
    assert (folder / "log").read_text() == ""


class Talk:
    """A server process that is talked to line by line."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.number = 0

    def send(self, method: str, **params: Any) -> None:
        assert self.process.stdin is not None
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def start(self) -> dict[str, Any]:
        client = {"name": "test", "version": "1"}
        self.send("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo=client)
        return self.hear()

    def call(self, name: str, **arguments: Any) -> None:
        self.send("tools/call", name=name, arguments=arguments)

    def hear(self) -> dict[str, Any]:
        """Read one line, which has to be a message."""
        assert self.process.stdout is not None
        message = json.loads(self.process.stdout.readline())
        assert message["jsonrpc"] == "2.0"
        result: dict[str, Any] = message.get("result", message)
        return result

    def end(self) -> tuple[int, str, str]:
        """Hang up; return the exit code and what was still said."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def talking(folder: Path) -> Iterator[Callable[..., Talk]]:
    made: list[Talk] = []

    def make(*arguments: str, command: list[str] = COMMAND) -> Talk:
        made.append(Talk([*command, "-m", "lite", "-D", "cpu", *arguments], folder))
        return made[-1]

    yield make
    for talk in made:
        talk.process.kill()
        talk.process.wait()
        for stream in (talk.process.stdin, talk.process.stdout, talk.process.stderr):
            assert stream is not None
            stream.close()


NOISY = """\
import os, sys
from transparent_background.cli import main, mcp
load = mcp.load_devices
def noisy(*arguments, **options):
    print("a library's remark", flush=True)
    os.write(1, b"and one past Python\\n")
    os.system("echo and one of a child; cat")
    return load(*arguments, **options)
mcp.load_devices = noisy
sys.exit(main(["mcp", *sys.argv[1:]]))
"""


def test_nothing_but_messages_is_on_standard_output(talking: Callable[..., Talk]) -> None:
    talk = talking("--debug", command=[sys.executable, "-c", NOISY])
    assert talk.start()["serverInfo"]["name"] == "transparent-background"
    talk.call("remove_background", path="astronaut.jpg")
    assert talk.hear()["structuredContent"]["mode"] == "lite"
    code, out, err = talk.end()
    assert (code, out) == (0, "")
    for remark in ("a library's remark", "and one past Python", "and one of a child"):
        assert remark in err


SLOW = """\
import sys, threading
from transparent_background.cli import main, mcp
def slow(*arguments, **options):
    print("downloading", file=sys.stderr, flush=True)
    threading.Event().wait()
mcp.load_devices = slow
sys.exit(main(["mcp", *sys.argv[1:]]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["signal", "end of input"])
def test_no_download_keeps_it_from_ending(talking: Callable[..., Talk], folder: Path, how: str) -> None:
    talk = talking(command=[sys.executable, "-c", SLOW])
    talk.start()
    talk.call("remove_background", path="astronaut.jpg")
    assert talk.process.stderr is not None
    assert talk.process.stderr.readline() == b"downloading\n"
    if how == "signal":
        talk.process.send_signal(signal.SIGTERM)
        assert talk.process.wait(30) == 0
    assert talk.end()[0] == 0
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


def test_lines_that_are_no_messages_do_no_harm(talking: Callable[..., Talk]) -> None:
    talk = talking()
    talk.start()
    assert talk.process.stdin is not None
    talk.process.stdin.write(b"no json\n[1]\n\xff\xfe\n\n")
    talk.call("list_models", nothing=1)
    while "content" not in (answer := talk.hear()):
        pass
    assert answer["content"][0]["text"] == "nothing: there is no such argument"
    assert talk.end()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_though_input_stays_open(talking: Callable[..., Talk], number: int) -> None:
    talk = talking()
    talk.start()
    talk.process.send_signal(number)
    assert talk.process.wait(30) == 0
    assert talk.end()[1:] == ("", "")


@pytest.mark.slow
def test_what_was_taken_is_finished_after_a_signal(talking: Callable[..., Talk], folder: Path) -> None:
    talk = talking()
    talk.start()
    talk.call("get_matte", path="astronaut.jpg", output="first.png")
    talk.hear()
    for number in range(4):
        talk.call("get_matte", path="astronaut.jpg", output=f"{number}.png")
    talk.call("list_models", nothing=1)  # answered at once: the others have been taken then
    while "no such argument" not in str(talk.hear()):
        pass
    talk.process.send_signal(signal.SIGTERM)
    assert talk.process.wait(60) == 0
    assert sorted(entry.name for entry in folder.iterdir()) == sorted(
        ["astronaut.jpg", "first.png", *(f"{number}.png" for number in range(4))]
    )


def noise(pixels: int) -> str:
    """Return a picture in base64 whose cut-out is large."""
    rgb = np.random.default_rng(0).integers(0, 256, (pixels, pixels, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=50)
    return base64.b64encode(file.getvalue()).decode()


def begin_a_large_answer(talk: Talk) -> None:
    """Call for a picture that no pipe holds; return when its first bytes have come, of which none is read."""
    talk.start()
    talk.call("remove_background", image_base64=noise(1000), type="blur")
    assert talk.process.stdout is not None
    assert select.select([talk.process.stdout], [], [], 60)[0]


@pytest.mark.slow
def test_an_answer_is_written_whole_after_a_signal(talking: Callable[..., Talk]) -> None:
    talk = talking()
    begin_a_large_answer(talk)
    talk.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        talk.process.wait(1)  # it does wait for its reader
    assert talk.process.stdout is not None
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(talk.process.stdout.fileno(), 4096)
    assert len(line) > 1_000_000
    content = json.loads(line)["result"]["content"]
    assert Image.open(io.BytesIO(base64.b64decode(content[1]["data"]))).size == (1000, 1000)
    assert talk.process.wait(30) == 0
    assert talk.end()[1:] == ("", "")


IMPATIENT = """\
import sys
from transparent_background.cli import main
from transparent_background.assistants import stdio
stdio.PATIENCE = 0.1
sys.exit(main(["mcp", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("how", ["signal", pytest.param("end of input", marks=pytest.mark.slow)])
def test_who_reads_nothing_does_not_keep_it_from_ending(talking: Callable[..., Talk], how: str) -> None:
    talk = talking(command=[sys.executable, "-c", IMPATIENT])
    begin_a_large_answer(talk)
    if how == "signal":
        talk.process.send_signal(signal.SIGTERM)
    else:
        assert talk.process.stdin is not None
        talk.process.stdin.close()
    assert talk.process.wait(30) == 0


def test_who_reads_no_more_ends_it_though_input_stays_open(talking: Callable[..., Talk]) -> None:
    talk = talking()
    talk.start()
    assert talk.process.stdout is not None
    talk.process.stdout.close()
    talk.call("list_models", nothing=1)
    assert talk.process.wait(30) == 0
    assert talk.process.stderr is not None
    assert talk.process.stderr.read() == b""


@pytest.mark.slow
def test_who_reads_no_more_is_no_reason_for_a_traceback(talking: Callable[..., Talk]) -> None:
    talk = talking()
    talk.start()
    assert talk.process.stdout is not None
    talk.process.stdout.close()
    talk.call("list_models", nothing=1)
    assert talk.process.stdin is not None
    talk.process.stdin.close()
    assert talk.process.wait(30) == 0
    assert talk.process.stderr is not None
    assert talk.process.stderr.read() == b""


@pytest.mark.slow
def test_a_network_that_cannot_be_loaded_is_a_tool_error(folder: Path) -> None:
    calls = [("remove_background", {"path": "astronaut.jpg"}), ("list_models", {})]
    with (folder / "log").open("w") as log:
        transport = stdio_client(parameters(folder, "-D", "cuda:99"), errlog=log)
        for result in converse(transport, calls):
            assert "cuda:99" in told(result)


def refused(folder: Path, *arguments: str, **environment: str) -> str:
    """Run the command, which has to refuse to start; return its line."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


@pytest.mark.slow
def test_the_whole_home_or_disk_is_open_only_if_it_is_named(tmp_path: Path) -> None:
    assert "--folder PATH" in refused(Path("/"))
    assert "--folder PATH" in refused(tmp_path, HOME=str(tmp_path))
    assert "--folder PATH" in refused(tmp_path.parent, HOME=str(tmp_path))
    assert "mode 'nope' is unknown" in refused(tmp_path, "-m", "nope")
    assert "there is no such folder" in refused(tmp_path, "--folder", "nowhere")


def test_help_imports_nothing_heavy() -> None:
    code = """
import sys
from transparent_background.cli import main
try:
    main(["mcp", "--help"])
except SystemExit as stop:
    assert stop.code == 0
heavy = "torch numpy PIL cv2 mcp fastapi starlette uvicorn pydantic rich asyncio".split()
assert not [name for name in heavy if name in sys.modules]
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
