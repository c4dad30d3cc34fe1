"""Folders that are open to assistants: what is exchanged in between, and systems that can do less."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from transparent_background.assistants import folders as folders_module
from transparent_background.assistants.folders import Folders, as_folder
from transparent_background.errors import OutputConflictError, OutputError, UnreadableError, UsageError


class Exchange:
    """Folders of which one is exchanged for a link after a path in it was looked at."""

    def __init__(self, tmp_path: Path) -> None:
        self.root, self.outside = tmp_path / "open", tmp_path / "outside"
        (self.root / "inner").mkdir(parents=True)
        self.outside.mkdir()
        (self.root / "inner" / "a.png").write_bytes(b"mine")
        (self.outside / "a.png").write_bytes(b"secret")
        self.folders = Folders([self.root])

    def exchange(self) -> None:
        shutil.rmtree(self.root / "inner")
        (self.root / "inner").symlink_to(self.outside)


def test_a_folder_that_becomes_a_link_is_not_read_through(tmp_path: Path) -> None:
    case = Exchange(tmp_path)
    place = case.folders.source("inner/a.png")
    assert case.folders.read(place, 100).data == b"mine"
    case.exchange()
    with pytest.raises(UnreadableError, match=r"^inner/a\.png: cannot be opened"):
        case.folders.read(place, 100)


def test_a_file_that_becomes_a_link_is_not_read(tmp_path: Path) -> None:
    case = Exchange(tmp_path)
    place = case.folders.source("inner/a.png")
    (case.root / "inner" / "a.png").unlink()
    (case.root / "inner" / "a.png").symlink_to(case.outside / "a.png")
    with pytest.raises(UnreadableError, match="is no file that can be read"):
        case.folders.read(place, 100)


def test_a_folder_that_becomes_a_link_is_not_written_through(tmp_path: Path) -> None:
    case = Exchange(tmp_path)
    place = case.folders.target("inner/b.png", "x.png")
    case.exchange()
    with pytest.raises(OutputError, match=r"^inner/b\.png: cannot be written"):
        case.folders.write(place, lambda file: file.write(b"new"), overwrite=True)
    assert [entry.name for entry in case.outside.iterdir()] == ["a.png"]


@pytest.mark.parametrize("lacks", ["handles of folders by name", "ways through folders"])
def test_systems_that_can_do_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacks: str) -> None:
    if lacks == "ways through folders":
        monkeypatch.setattr(folders_module, "WALKS", False)
    else:
        monkeypatch.setattr(folders_module, "OPEN_FOLDERS", tmp_path / "no proc")
    case = Exchange(tmp_path)
    assert case.folders.read(case.folders.source("inner/a.png"), 100).data == b"mine"
    case.folders.write(
        case.folders.target("new/b.png", "x.png"), lambda file: file.write(b"new"), overwrite=False
    )
    assert (case.root / "new" / "b.png").read_bytes() == b"new"
    (case.root / "away").symlink_to(case.outside)
    for find in (case.folders.source, lambda text: case.folders.target(text, "x.png")):
        with pytest.raises(UsageError, match="is not in a folder that is open"):
            find("away/a.png")


def test_a_link_is_replaced_not_written_through(tmp_path: Path) -> None:
    case = Exchange(tmp_path)
    (case.root / "inner" / "b.png").symlink_to(case.root / "inner" / "a.png")
    place = case.folders.target("inner/b.png", "x.png")
    with pytest.raises(OutputConflictError):
        case.folders.write(place, lambda file: file.write(b"new"), overwrite=False)
    case.folders.write(place, lambda file: file.write(b"new"), overwrite=True)
    assert (case.root / "inner" / "a.png").read_bytes() == b"mine"
    assert not (case.root / "inner" / "b.png").is_symlink()


@pytest.mark.parametrize(
    ("separators", "text", "shown"),
    [
        ("/", "out", "out/"),
        ("/", "out//", "out/"),
        ("/", "/", "/"),
        ("/\\", "C:\\out\\", "C:\\out/"),
        ("/\\", "C:/out/", "C:/out/"),
    ],
)
def test_how_folders_end(monkeypatch: pytest.MonkeyPatch, separators: str, text: str, shown: str) -> None:
    monkeypatch.setattr(folders_module, "SEPARATORS", separators)
    assert as_folder(text) == shown


def test_a_backslash_says_that_a_folder_is_meant_where_it_parts_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders_module, "SEPARATORS", "/\\")
    monkeypatch.setattr(folders_module, "FOREIGN", re.compile("(?!)"))
    folders = Folders([tmp_path])
    assert folders.means_folder("out\\")
    assert folders.target("out\\", "x.png").shown == "out/x.png"
    assert not folders.means_folder("out.png")


def test_a_folder_that_is_missing_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no such folder"):
        Folders([tmp_path / "missing"])


def test_half_a_character_is_no_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has characters that no path has"):
        Folders([tmp_path]).source("a\ud800.png")
