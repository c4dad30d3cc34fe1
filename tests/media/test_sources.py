"""What --source means."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from transparent_background.errors import SourceNotFoundError
from transparent_background.media.sources import LeftOut, find_sources


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "img10.jpg",
        "img2.JPG",
        "notes.txt",
        "clip.mp4",
        ".hidden.png",
        "sub/deep.png",
        "sub/.git/x.png",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "photos"


def test_a_folder_gives_pictures_and_films_in_natural_order(tree) -> None:
    found = find_sources(["photos"])
    assert [(s.relative.name, s.kind) for s in found.items] == [
        ("clip.mp4", "film"),
        ("img2.JPG", "picture"),
        ("img10.jpg", "picture"),
    ]
    assert {s.root for s in found.items} == {Path("photos")}
    assert [item.path.name for item in found.left_out] == ["notes.txt"]
    assert "neither a picture nor a film" in found.left_out[0].reason


def test_recursion_keeps_the_tree_and_skips_hidden_folders(tree) -> None:
    found = find_sources([str(tree)], recursive=True)
    assert Path("sub/deep.png") in {s.relative for s in found.items}
    assert not any("x.png" in s.name for s in found.items)


def test_globs_are_expanded_where_the_shell_did_not(tree) -> None:
    assert [s.relative for s in find_sources(["photos/*.jpg"]).items] == [Path("img10.jpg")]
    assert {s.relative for s in find_sources([str(tree / "**" / "*.png")]).items} == {Path("deep.png")}


def test_a_name_with_brackets_that_exists_is_itself(tree) -> None:
    (tree / "a[1].jpg").touch()
    assert [s.relative for s in find_sources([str(tree / "a[1].jpg")]).items] == [Path("a[1].jpg")]


def test_a_file_named_twice_is_done_once(tree) -> None:
    found = find_sources(["photos/img2.JPG", "photos"])
    assert [s.relative.name for s in found.items].count("img2.JPG") == 1


def test_a_named_file_is_tried_whatever_its_name(tree) -> None:
    (source,) = find_sources(["photos/notes.txt"]).items
    assert source.kind == "picture"


def test_standard_input_and_cameras(tree) -> None:
    assert [s.kind for s in find_sources(["-", "0"]).items] == ["stdin", "camera"]


@pytest.mark.parametrize("argument", ["nothing.jpg", "*.nothing", "empty"])
def test_what_comes_to_nothing_is_an_error(tree, argument) -> None:
    (tree.parent / "empty").mkdir()
    with pytest.raises(SourceNotFoundError, match=argument.replace("*", r"\*")):
        find_sources([argument])


def test_what_comes_to_nothing_does_not_keep_the_rest_back(tree) -> None:
    found = find_sources(["nothing.jpg", "photos/img2.JPG"])
    assert len(found.items) == 1
    assert found.missing == [("nothing.jpg", "nothing.jpg: no such file or folder")]


def test_a_locked_folder_below_is_left_out_and_said(tree, monkeypatch) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if os.fspath(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path)

    (tree / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    found = find_sources([str(tree)], recursive=True)
    assert found.items
    assert LeftOut(tree / "locked", "cannot be listed: Permission denied") in found.left_out
