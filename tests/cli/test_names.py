"""Odd names of files: shown, not obeyed, and never the end of a run."""

from __future__ import annotations

import io
import os
import socket
from pathlib import Path

import pytest
from command import tb
from drawing import draw_object
from PIL import Image

from transparent_background.cli import logging_left_alone, main
from transparent_background.cli.console import print_data, progress_bar, shown, start_console

EVIL = "a\x1b[31m\nred[/x][bold].jpg"


def save(name: str) -> Path:
    Image.fromarray(draw_object(32, 40)).save(name)
    return Path(name)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("photo [1] ü 猫.jpg", "photo [1] ü 猫.jpg"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("\x9b2J\x7f", "\\x9b2J\\x7f"),
        ("gpj.\u202ephoto", "gpj.\\u202ephoto"),
        (os.fsdecode(b"caf\xe9"), "caf\\udce9"),
    ],
)
def test_control_characters_are_shown(text, seen) -> None:
    assert shown(text) == seen


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_nothing_in_a_name_reaches_the_terminal_as_a_command(capsys) -> None:
    save("a\x1b[31m\nred[bold].jpg")
    Path("b\x1b[2J.txt").touch()
    Path("broken\x1b[5m.png").write_bytes(b"no picture")
    assert tb(".", "-d", "out", "-v") == 4
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "a\\x1b[31m\\nred[bold].jpg -> out/a" in said
    assert "left out: b\\x1b[2J.txt" in said
    assert "broken\\x1b[5m.png: is not a picture" in said


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_name_in_an_error_or_a_wrong_argument_is_shown(capsys) -> None:
    assert main(["no\x1b[31m.jpg"]) == 4
    with pytest.raises(SystemExit):
        main(["a.jpg", "--no\x1b[31m"])
    assert "\x1b" not in capsys.readouterr().err


def test_a_bar_and_notes_take_names_as_they_are(monkeypatch) -> None:
    """Square brackets are rich's markup."""
    for name, value in (("TERM", "xterm"), ("TTY_COMPATIBLE", "1"), ("TTY_INTERACTIVE", "1")):
        monkeypatch.setenv(name, value)
    screen = io.StringIO()
    with logging_left_alone():
        console = start_console()
        console.file = screen
        with progress_bar(console) as update:
            update(1, 2, EVIL)
            console.print(EVIL)
    text = screen.getvalue()
    assert text.count("\\x1b[31m\\nred[/x][bold].jpg") >= 2
    assert "\x1b[31m" not in text


def test_data_are_escaped_for_a_terminal_only(monkeypatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    for screen, expected in ((Screen(), "a\\x1b\nb\n"), (io.StringIO(), "a\x1b\nb\n")):
        monkeypatch.setattr("sys.stdout", screen)
        print_data("a\x1b\nb")
        assert screen.getvalue() == expected


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_that_lead_in_a_circle_cost_only_themselves(capsys) -> None:
    folder = Path("photos")
    folder.mkdir()
    save("photos/good.png")
    Path("photos/loop.jpg").symlink_to("loop.jpg")
    Path("photos/here").symlink_to(".")
    assert tb("photos", "--recursive") == 4
    said = capsys.readouterr().err
    assert "1 done" in said
    assert "1 failed" in said
    assert "photos/loop.jpg: cannot be opened: Too many" in said
    assert Path("photos/good_rgba.png").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.timeout(60)
def test_pipes_and_sockets_are_not_waited_for(capsys) -> None:
    folder = Path("photos")
    folder.mkdir()
    save("photos/good.png")
    os.mkfifo("photos/pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("photos/door.png")
        assert tb("photos", "--recursive") == 0
    said = capsys.readouterr().err
    assert "left out: photos/pipe.jpg: is a named pipe, not a file" in said
    assert "left out: photos/door.png: is a socket, not a file" in said
    assert tb("photos/pipe.jpg") == 4
    assert "photos/pipe.jpg: is a named pipe, not a picture" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a" * 300 + ".jpg", "nul\0.jpg", "\N{PILE OF POO}" * 300])
def test_names_that_no_file_can_have_are_missing(name, capsys) -> None:
    assert tb(name) == 4
    assert capsys.readouterr().err.count("\n") == 1
