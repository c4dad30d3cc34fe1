"""The command with a camera: what it shows results on, what it says, and how it ends."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cameras import WAIT, HalfPredictor
from film_makers import frames_of

from transparent_background.cli import console, live
from transparent_background.cli.options import read_request
from transparent_background.errors import DeviceError, MissingExtraError, UsageError


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take back what the command does to the package's log records."""
    logger = logging.getLogger("transparent_background")
    before = logger.level, logger.propagate, list(logger.handlers)
    yield
    logger.setLevel(before[0])
    logger.propagate, logger.handlers[:] = before[1:]


@pytest.fixture
def quick(monkeypatch) -> None:
    """Load no network."""
    monkeypatch.setattr(console, "load_remover", lambda *arguments, **options: HalfPredictor())


def run(source: object, *arguments: str) -> int:
    return live.run_live(read_request([str(source), "-t", "white", *arguments]), str(source))


def test_options_are_read() -> None:
    given = ("--size", "1920x1080", "--mirror", "--no-realtime", "--virtual-camera=/dev/video9")
    options = read_request(["0", *given]).camera
    assert (options.size, options.mirror, options.realtime) == ((1080, 1920), True, False)
    assert options.virtual_camera == "/dev/video9"
    assert read_request(["0", "--virtual-camera"]).camera.virtual_camera is True
    with pytest.raises(UsageError, match="1280x720"):
        read_request(["0", "--size", "huge"])


def test_reading_the_options_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom transparent_background.cli import live, options\n"
        "options.read_request(['0', '--virtual-camera'])\n"
        "heavy = ('torch', 'numpy', 'cv2', 'av', 'pygame', 'pyvirtualcam', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise")
def test_a_virtual_camera_is_used_if_there_is_one(film, device, quick, monkeypatch, capsys) -> None:
    monkeypatch.setattr(device, "send", lambda self, frame: os.kill(os.getpid(), signal.SIGINT))
    assert run(film) == 0
    assert device.made[0].closed
    assert "virtual camera fake" in capsys.readouterr().err


def test_else_a_window_is_opened(film, quick, monkeypatch, capsys) -> None:
    class Window:
        """Stands in for the preview window; it is closed as soon as it is looked at."""

        watched, closed = True, False

        def poll(self):
            return ("quit",)

        def close(self) -> None:
            Window.closed = True

    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    monkeypatch.setattr("transparent_background.live.window.PreviewWindow", Window)
    assert run(film) == 0
    assert "preview window" in capsys.readouterr().err
    assert Window.closed


def test_with_neither_there_is_one_sentence_with_both_ways(film, quick, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(DeviceError) as error:
        run(film)
    assert "nothing to show the camera on" in str(error.value)
    assert "pyvirtualcam" in str(error.value)
    assert "pygame" in str(error.value)
    for asked in ("--virtual-camera", "--preview"):
        with pytest.raises(MissingExtraError):
            run(film, asked)


def test_a_missing_camera_is_said_before_the_network_is_loaded(monkeypatch) -> None:
    monkeypatch.setattr(console, "load_remover", lambda *arguments, **options: pytest.fail("loaded"))
    with pytest.raises(ValueError, match="no such camera"):
        run("nothing.mp4")
    with pytest.raises(UsageError, match=r"--record out\.jpg"):
        run(__file__, "--record", "out.jpg")


DRIVER = """
import sys
sys.path.insert(0, {helpers!r})
import cameras
from transparent_background.cli import console, live
from transparent_background.cli.options import read_request
for name in ("pyvirtualcam", "pygame"):
    sys.modules[name] = None
console.load_remover = lambda *arguments, **options: cameras.HalfPredictor()
sys.exit(live.run_live(read_request([{film!r}, "-t", "white", "--record", "out.mp4", "--verbose"]), {film!r}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_with_a_playable_recording(film, here, number) -> None:
    code = DRIVER.format(helpers=str(Path(__file__).parents[1] / "helpers"), film=str(film))
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) as command:
        end = time.monotonic() + 3 * WAIT
        while not (parts := list(here.glob(".out.mp4.*.part"))) or not parts[0].stat().st_size:
            assert command.poll() is None, command.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.02)
        command.send_signal(number)
        _, errors = command.communicate(timeout=WAIT)
    assert command.returncode == 0, errors
    assert len(frames_of(here / "out.mp4")) >= 1
    assert not list(here.glob(".*.part"))
    assert "out.mp4" in errors
