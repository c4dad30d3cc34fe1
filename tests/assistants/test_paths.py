"""Paths that lead out of the open folders, or to what is no file."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from mcp_helpers import (
    call,
    report_of,
    told,
)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../outside/secret.png", "'..'"),
        ("there/../../outside/secret.png", "'..'"),
        ("{outside}/secret.png", "is not in a folder that is open"),
        ("{outside}/missing.png", "is not in a folder that is open"),
        ("/etc/passwd", "is not in a folder that is open"),
        ("/dev/zero", "is not in a folder that is open"),
        ("{folder}/link.png", "is not in a folder that is open"),
        ("link.png", "is not in a folder that is open"),
        ("away/secret.png", "is not in a folder that is open"),
        ("dangling.png", "is not in a folder that is open"),
        ("C:\\Windows\\win.ini", "write paths with /"),
        ("..\\outside\\secret.png", "write paths with /"),
        ("\\\\server\\share\\a.png", "write paths with /"),
        ("a\x00.png", "too long, or has characters"),
        ("a\n.png", "too long, or has characters"),
        ("a" * 5000, "too long, or has characters"),
        ("a" * 300 + ".png", "cannot be opened: File name too long"),
        ("", "is empty"),
        ("astronaut.jpg/x.png", "cannot be opened: Not a directory"),
        ("~/secret.png", "is not in a folder that is open"),
        ("file:///etc/passwd", "no such file"),
        ("loop.png", "is no file that can be read"),
    ],
)
@pytest.mark.parametrize("argument", ["path", "background_image"])
def test_no_source_lies_outside_the_folders(
    address: str, folder: Path, outside: Path, argument: str, path: str, says: str
) -> None:
    (folder / "loop.png").symlink_to("loop.png")
    path = path.format(outside=outside, folder=folder)
    arguments = {"path": "astronaut.jpg", argument: path}
    assert says in told(call(address, **arguments))
    assert sorted(entry.name for entry in folder.iterdir() if not entry.is_symlink()) == ["astronaut.jpg"]


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("../outside/new.png", "'..'"),
        ("{outside}/new.png", "is not in a folder that is open"),
        ("{outside}/", "is not in a folder that is open"),
        ("/tmp/new.png", "is not in a folder that is open"),
        ("away/new.png", "is not in a folder that is open"),
        ("away/new/new.png", "is not in a folder that is open"),
        ("away", "is not in a folder that is open"),
        ("link.png", "is not in a folder that is open"),
        ("dangling.png", "is not in a folder that is open"),
        ("..\\new.png", "write paths with /"),
        ("new\x00.png", "too long, or has characters"),
        ("a" * 5000, "too long, or has characters"),
        ("a" * 300 + ".png", "cannot be written: the name is too long"),
        ("", "is empty"),
        ("astronaut.jpg/new.png", "cannot be written: Not a directory"),
        ("fifo.png", "something that is no file has that name"),
        ("new.sh", "end it with .png"),
        ("new", "end it with .png"),
        (".png", "end it with .png"),
        ("new.png.jpg", None),
    ],
)
def test_no_output_lies_outside_the_folders(
    address: str, folder: Path, outside: Path, output: str, says: str | None
) -> None:
    os.mkfifo(folder / "fifo.png")
    before = {entry: entry.read_bytes() for entry in outside.iterdir()}
    output = output.format(outside=outside, folder=folder)
    result = call(address, path="astronaut.jpg", output=output, overwrite=True)
    if says is None:
        assert report_of(result)["format"] == "jpg"
    else:
        assert says in told(result)
    assert {entry: entry.read_bytes() for entry in outside.iterdir()} == before


def test_of_files_elsewhere_not_even_their_being_there_is_told(address: str, outside: Path) -> None:
    texts = {
        told(call(address, path=f"{outside}/{name}")).replace(name, "NAME")
        for name in ("secret.png", "missing.png")
    }
    assert len(texts) == 1


def test_what_is_no_file_is_not_opened(address: str, folder: Path) -> None:
    os.mkfifo(folder / "fifo.png")  # to open it would be to wait for ever
    (folder / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket.png"))
        assert told(call(address, path="socket.png")) == "socket.png: is no file that can be read"
    assert told(call(address, path="fifo.png")) == "fifo.png: is no file that can be read"
    assert told(call(address, path="folder.png")) == "folder.png: is a folder, not a picture"
    assert told(call(address, path=".")) == ".: is a folder, not a picture"
