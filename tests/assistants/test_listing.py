"""What a folder holds, page by page, and which of it is a result of an earlier call."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mcp_helpers import ASTRONAUT, call, report_of, told

from transparent_background.assistants.listing import results_among


def test_a_folder_is_listed_page_by_page(address: str, folder: Path, outside: Path) -> None:
    shutil.copy(ASTRONAUT, folder / "b.jpg")
    shutil.copy(ASTRONAUT, folder / "b_white.png")
    (folder / "broken.png").write_bytes(b"a text")
    (folder / "clip.mp4").write_bytes(b"a film")
    (folder / "notes.txt").write_text("neither")
    first = report_of(call(address, "list_folder", folder=".", most=3))
    assert [entry["path"] for entry in first["entries"]] == ["astronaut.jpg", "b.jpg", "b_white.png"]
    assert (first["total"], first["next"]) == (7, "b_white.png")  # two of them are links that lead out
    astronaut, _, white = first["entries"]
    assert (astronaut["width"], astronaut["height"], astronaut["kind"]) == (512, 512, "picture")
    assert astronaut["bytes"] == ASTRONAUT.stat().st_size
    assert (astronaut["result"], white["result"]) == (False, True)
    rest = report_of(call(address, "list_folder", after=first["next"], most=3))
    assert [(entry["path"], entry["kind"], entry["width"]) for entry in rest["entries"]] == [
        ("broken.png", "picture", None),
        ("clip.mp4", "film", None),
    ]
    assert rest["next"] == "dangling.png"
    assert report_of(call(address, "list_folder", after="dangling.png"))["entries"] == []


def test_only_open_folders_are_listed(address: str, folder: Path, outside: Path) -> None:
    assert "is not in a folder that is open here" in told(call(address, "list_folder", folder=str(outside)))
    assert "is not in a folder that is open here" in told(call(address, "list_folder", folder="away"))
    assert "cannot be listed" in told(call(address, "list_folder", folder="missing"))
    assert "most" in told(call(address, "list_folder", most=0))


@pytest.mark.parametrize(
    ("names", "results"),
    [
        (["a.jpg", "a_rgba.png", "a_map.png"], {"a_rgba.png", "a_map.png"}),
        (["a.jpg", "a_rgba_reverse.png", "a_white.webp"], {"a_rgba_reverse.png", "a_white.webp"}),
        (["a.jpg", "a_[1, 2, 3].png", "a_#102030.png"], {"a_[1, 2, 3].png", "a_#102030.png"}),
        (["a.jpg", "a_tomato.png"], {"a_tomato.png"}),
        (["a.jpg", "a_rgba.png", "a_rgba_white.png"], {"a_rgba.png", "a_rgba_white.png"}),
        (["my_dog.jpg", "my_dog_rgba.png", "my.jpg"], {"my_dog_rgba.png"}),
        (["a.jpg", "a_background_image.png"], {"a_background_image.png"}),
        (["a_rgba.png", "b_white.jpg"], set()),  # of pictures that are not there: nobody can know
        (["a.jpg", "a_2.jpg", "a_edited.jpg", "a_.jpg", "_rgba.png"], set()),
    ],
)
def test_results_are_known_by_their_names_and_sources(names: list[str], results: set[str]) -> None:
    assert results_among(names) == results
