"""Names of files that break terminals, commands or systems; things in a folder that are no files."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from attack import parametrised
from PIL import Image

from transparent_background.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Named:
    """What somebody hostile has put into a folder."""

    tries: str
    make: str | bytes | Callable[[Path], object]
    """A picture's name, or what makes it in the folder."""
    code: int = 0
    """The exit code of a command that is given the folder."""


def loop(folder: Path) -> None:
    (folder / "loop.png").symlink_to("loop.png")


def circle(folder: Path) -> None:
    (folder / "circle").symlink_to(folder, target_is_directory=True)


def listens(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(os.path.relpath(folder / "s.png"))  # a path of a socket is short


ATTACKS = [
    Named("markup that ends", "[/x].png"),
    Named("markup that begins", "[red]alert[blink].png"),
    Named("an address in markup", "[link=https:evil]x[/link].png"),
    Named("ESC", "\x1b[2J\x1b]0;evil\x07.png"),
    Named("a line's end", "a\nb.png"),
    Named("a carriage return", "evil\rgood.png"),
    Named("a bell and a backspace", "a\x07\x08.png"),
    Named("C1 control characters", "a\x9b2J.png"),
    Named("text that reads backwards", "photo\u202egnp.exe.png"),
    Named("characters of no width", "a\u200b\u2060\ufeff.png"),
    Named("a name that is no UTF-8", b"\xff\xfe.png"),
    Named("a mark on every letter", "e" + "\u0301" * 60 + ".png"),
    Named("emoji", "\U0001f468\u200d\U0001f469\u200d\U0001f467.png"),
    Named("a dash in front", "-rf.png"),
    Named("an option", "--help.png"),
    Named("a name of dashes", "--.png"),
    Named("spaces", "   .png"),
    Named("a quote and a semicolon", "a'; touch canary; '.png"),
    Named("a command in backquotes", "`touch canary`.png"),
    Named("a variable", "$HOME.png"),
    Named("a pattern of numbers", "%05d.png"),
    Named("a pattern of text", "%s%n.png"),
    Named("a glob", "*[a-z]?.png"),
    Named("an address", "http:evil.png"),
    Named("a device of Windows", "CON.png"),
    Named("a stream of Windows", "a.png:evil.png"),
    Named("a dot at the end", "a..png"),
    Named("a name of 250 bytes", "x" * 246 + ".png"),
    Named("a name of 240 bytes in two-byte letters", "é" * 118 + ".png"),
    Named("capitals", "A.PNG"),
    Named("a folder that is called a picture", lambda folder: (folder / "a.png").mkdir()),
    Named("a link to nothing", lambda folder: (folder / "a.png").symlink_to("nothing"), code=4),
    Named("a link to itself", loop, code=4),
    Named("a folder in itself", circle),
    Named("a link to a device", lambda folder: (folder / "a.png").symlink_to("/dev/null")),
    Named("a link to an endless device", lambda folder: (folder / "a.png").symlink_to("/dev/zero")),
    Named("a socket", listens),
    Named("a file of nothing", lambda folder: (folder / "a.png").touch(), code=4),
]  # fmt: skip


@parametrised(ATTACKS)
def test_attack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], attack: Named
) -> None:
    """The command ends with the right code, does the sound picture, and writes nothing raw."""
    monkeypatch.chdir(tmp_path)
    picture = Image.new("RGB", (8, 8), "red")
    folder = tmp_path / "in"
    folder.mkdir()
    picture.save(folder / "sound.png")
    if callable(attack.make):
        attack.make(folder)
    else:
        path = folder / os.fsdecode(attack.make)
        path.parent.mkdir(exist_ok=True)  # a slash makes two names of it, and one again where it is told
        picture.save(path, "PNG")
    assert main(["-m", "lite", "-D", "cpu", "in", "-r", "static", "-d", "out", "--recursive"]) == attack.code
    told = capsys.readouterr().err
    assert "Traceback" not in told
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", told)
    assert (tmp_path / "out" / "sound_rgba.png").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    done = 1 + (not callable(attack.make))
    assert sum(path.is_file() for path in (tmp_path / "out").rglob("*")) == done


@pytest.mark.slow
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "a.png")
    command = [sys.executable, "-m", "transparent_background", "-m", "lite", "-D", "cpu", "in", "-d", "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, capture_output=True, timeout=30, cwd=tmp_path, env=environment, check=False
    )
    assert done.returncode in (2, 4)
