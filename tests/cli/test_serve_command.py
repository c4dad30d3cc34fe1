"""The command ``serve``: a process that starts, answers, and ends as it should."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import requests

pytest.importorskip("fastapi")

from film_jobs import long_film_of
from serving import file_of, opened, wait_until
from websockets.sync.client import connect

from transparent_background.cli import main
from transparent_background.cli.serve import build_parser, read_settings
from transparent_background.options.service import PORT, Limits, ServiceSettings
from transparent_background.pipeline.signals import ENDING

COMMAND = [sys.executable, "-m", "transparent_background", "serve", "--mode", "lite"]


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    """Start the command; return it and the address that it says it serves at."""
    process = subprocess.Popen([*COMMAND, "--port", "0", *options], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"serving at (http://\S+)", line)
        if found:
            return process, found[1]
    raise AssertionError(f"it ended with {process.wait()}")


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command for the block, from when it is ready; it may leave no temporary files."""
    before = set(Path(tempfile.gettempdir()).glob("transparent-background-*"))
    process, address = start(*options)
    with ExitStack() as stack:
        stack.enter_context(process)
        stack.callback(process.kill)
        wait_until(lambda: is_ready(address))
        yield process, address
    assert set(Path(tempfile.gettempdir()).glob("transparent-background-*")) == before


def is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/readyz", timeout=10).text == "ok"
    except requests.ConnectionError:
        return False  # it is not listening yet


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it has no signals")
@pytest.mark.parametrize("number", ENDING)
def test_it_serves_until_it_is_told_to_end(number) -> None:
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("this process was started so that its children ignore the signal, as nohup does")
    with running() as (process, address):
        assert address.startswith("http://127.0.0.1:")
        image = opened(requests.post(f"{address}/api/remove", files={"file": file_of()}, timeout=60))
        assert image.mode == "RGBA"
        process.send_signal(number)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it has no signals")
def test_a_second_interrupt_cuts_films_short(tmp_path) -> None:
    """Nobody waits for a film, and whoever watches one or has a camera open sees the end in order."""
    pytest.importorskip("av")
    with ExitStack() as stack:
        process, address = stack.enter_context(running())
        with long_film_of(tmp_path).open("rb") as film:
            job = requests.post(f"{address}/api/jobs", files={"file": film}, timeout=60).json()["id"]
        events = requests.get(f"{address}/api/jobs/{job}/events", stream=True, timeout=60)
        lines = stack.enter_context(closing(events)).iter_lines()
        assert next(lines)
        camera = stack.enter_context(connect(address.replace("http", "ws") + "/api/live"))
        camera.send(file_of(format="JPEG"))
        camera.recv(20)
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_ready(address))
        assert process.poll() is None  # the film has two minutes
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert any(b"cancelled" in line for line in lines)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="it has no signals")
def test_a_third_interrupt_ends_it_at_once() -> None:
    with running("--drain", "600") as (process, _):
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.01)  # signals that wait become one
        assert process.wait(10) in (0, 130)  # it may have ended by the second


@pytest.mark.slow
def test_a_port_in_use_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert "is it in use?" in done.stderr
    assert "Traceback" not in done.stderr


def settings(*arguments: str) -> ServiceSettings:
    return read_settings(vars(build_parser().parse_args(arguments)))


def test_defaults_are_those_of_the_library(monkeypatch) -> None:
    monkeypatch.delenv("TRANSPARENT_BACKGROUND_TOKEN", raising=False)
    made = settings()
    assert (made.host, made.port, made.token) == ("127.0.0.1", PORT, None)
    assert made.limits == Limits()
    assert "127.0.0.1" in made.hosts
    assert not made.allow_urls


def test_options_reach_the_limits() -> None:
    made = settings(
        *("--max-size", "5M", "--max-pixels", "12", "--max-frames", "100", "--max-seconds", "9.5"),
        *("--queue", "7", "--timeout", "3", "--host", "0.0.0.0", "--workers", "5", "--batch", "8"),
    )
    limits = made.limits
    assert (limits.bytes, limits.pixels, limits.film_frames) == (5 << 20, 12_000_000, 100)
    assert (limits.film_seconds, limits.queue, limits.timeout) == (9.5, 7, 3.0)
    assert (made.threads, made.batch_size) == (5, 8)
    assert "localhost" in made.hosts


def test_the_token_comes_from_the_environment_and_is_not_shown(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_TOKEN", "secret-1")
    assert settings().token == "secret-1"
    assert settings("--token", "other").token == "other"
    assert "secret-1" not in repr(settings())
    file = tmp_path / "token"
    file.write_text("from-a-file\n")
    assert settings("--token-file", str(file)).token == "from-a-file"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "70000"],
        ["--max-size", "huge"],
        ["--timeout", "0"],
        ["--workers", "0"],
        ["--max-pixels", "-1"],
    ],
)
def test_wrong_options_are_one_line(arguments, capsys) -> None:
    assert main(["serve", *arguments]) == 2
    error = capsys.readouterr().err
    assert arguments[0] in error
    assert len(error.strip().splitlines()) == 1


def test_tokens_and_folders_are_checked(monkeypatch, capsys) -> None:
    assert main(["serve", "--token", "two words"]) == 2
    assert "without spaces" in capsys.readouterr().err
    assert main(["serve", "--token", ""]) == 2
    assert "empty" in capsys.readouterr().err
    assert main(["serve", "--token-file", "/no/such/file"]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["serve", "--folder", "/no/such/folder"]) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr("transparent_background.cli.serve.find_spec", lambda name: None)
    assert main(["serve"]) == 2
    assert "transparent-background[web]" in capsys.readouterr().err
