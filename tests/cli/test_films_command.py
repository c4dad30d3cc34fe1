"""The command takes films as it takes pictures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from film_makers import files, frames_of, make_film, marked, probe, samples_of, times_of
from PIL import Image

from transparent_background.cli import main


def test_the_command_takes_films_and_pictures_together(capsys) -> None:
    Path("in").mkdir()
    make_film(Path("in/clip.mp4"), 6, sound="aac")
    Image.fromarray(marked(0)).save("in/photo.jpg")
    assert main(["-m", "lite", "in", "-d", "out", "-t", "green", "--json"]) == 0
    assert files()[2:] == ["out/clip_green.mp4", "out/photo_green.jpg"]
    summary = json.loads(capsys.readouterr().out)
    film = next(r["film"] for r in summary["results"] if r["source"].endswith("clip.mp4"))
    assert (film["frames"], film["losses"]) == (6, [])
    assert np.array_equal(samples_of("in/clip.mp4"), samples_of("out/clip_green.mp4"))


def test_the_commands_options_reach_the_film(capsys) -> None:
    make_film(Path("clip.mp4"), 25)
    arguments = [
        "-m",
        "lite",
        "clip.mp4",
        "-d",
        "o.webm",
        "--start",
        "0.2",
        "--end",
        "0:00.6",
        "--every",
        "2",
    ]
    assert main([*arguments, "--scale", "0.5", "--matte", "--crf", "40", "--no-temporal"]) == 0
    assert sorted(files()) == ["clip.mp4", "o.webm", "o_matte.webm"]
    assert len(frames_of("o.webm")) == 5
    assert probe("o.webm")["size"] == (32, 48)
    assert main(["-m", "lite", "clip.mp4", "-f", "jpg", "-t", "white", "--end", "0.1"]) == 0
    assert files()[:3] == ["clip.mp4", "clip_white/00001.jpg", "clip_white/00002.jpg"]
    assert main(["-m", "lite", "clip.mp4", "-f", "gif", "--end", "0.1"]) == 0
    assert Path("clip_rgba.gif").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clip.mp4", "--crf", "90", "-t", "green"], "from 0 to 51"),
        (["clip.mp4", "--start", "x"], "--start"),
        (["clip.mp4", "-d", "-"], "standard output"),
        (["clip.mp4", "--codec", "h264"], "holds no transparency"),
        (["clip.mp4", "--resume", "-f", "gif"], "--resume"),
        (["clip.mp4", "--scale", "huge"], "scale"),
        (["clip.mp4", "-f", "xyz"], "mp4"),
    ],
)
def test_mistakes_are_one_line_and_exit_with_2(arguments, words, capsys) -> None:
    make_film(Path("clip.mp4"), 2)
    assert main(["-m", "lite", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_photo_cannot_become_a_film_but_an_animation_can(capsys) -> None:
    images = [Image.fromarray(marked(i)) for i in range(3)]
    images[0].save("a.gif", save_all=True, append_images=images[1:], duration=100)
    images[0].save("p.jpg")
    assert main(["-m", "lite", "a.gif", "p.jpg", "-f", "mp4", "-t", "white"]) == 4
    assert "p.jpg: a picture cannot be written as mp4" in capsys.readouterr().err
    assert [float(t) for t in times_of("a_white.mp4")] == pytest.approx([0, 0.1, 0.2])


def test_a_broken_film_does_not_stop_the_others(capsys) -> None:
    Path("bad.mp4").write_text("no film")
    make_film(Path("good.mp4"), 2)
    assert main(["-m", "lite", "bad.mp4", "good.mp4", "-t", "white"]) == 4
    error = capsys.readouterr().err
    assert "bad.mp4: cannot be opened" in error
    assert Path("good_white.mp4").exists()
    assert not Path("bad_white.mp4").exists()


def at_work(*options: str) -> subprocess.Popen[str]:
    """Start the command on a film, and wait until it writes."""
    make_film(Path("a.mp4"), [marked(i % 256, (360, 640)) for i in range(300)])
    command = [sys.executable, "-m", "transparent_background", "-m", "lite", "a.mp4", "-t", "white", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not any(p.stat().st_size > 1000 for p in Path().glob(".a_white.mp4*/.*.part")) and not any(
        p.stat().st_size > 1000 for p in Path().glob(".a_white.mp4.*.part") if p.is_file()
    ):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)  # until it is at work: nothing is asserted of the time
    return process


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("numbers", [["SIGINT"], ["SIGINT", "SIGINT"], ["SIGTERM", "SIGINT"], ["SIGHUP"]])
def test_an_interrupted_command_leaves_a_playable_film(numbers) -> None:
    if signal.getsignal(getattr(signal, numbers[0])) == signal.SIG_IGN:
        pytest.skip("this process was started so that its children ignore the signal, as nohup does")
    process = at_work()
    for number in numbers:
        process.send_signal(getattr(signal, number))
        time.sleep(0.02)  # two that come together are one to Python
    _, error = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, numbers[0])
    assert "a_white.partial.mp4 holds what was done" in error
    assert 0 < len(frames_of("a_white.partial.mp4")) < 300
    assert files() == ["a.mp4", "a_white.partial.mp4"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills a process")
@pytest.mark.parametrize("options", [[], ["--resume"]])
def test_what_a_killed_run_leaves_is_removed_by_the_next(options, capsys) -> None:
    process = at_work(*options)
    process.kill()
    process.communicate(timeout=60)
    assert files() != ["a.mp4"]
    assert main(["-m", "lite", "a.mp4", "-t", "white", "--end", "0.2", *options]) == 0
    assert files() == ["a.mp4", "a_white.mp4"]
