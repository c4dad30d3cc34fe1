"""The page of the architecture names files that exist, and its drawing has every room in its place."""

from __future__ import annotations

import re

from markdown_blocks import ROOT

PACKAGE = ROOT / "transparent_background"
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
DRAWING = (ROOT / "docs" / "rooms.svg").read_text("utf-8")


def test_every_file_and_folder_that_is_named_exists() -> None:
    named = re.findall(r"`([\w/.-]+(?:/|\.(?:py|md|svg|html|js)))`", PAGE)
    assert len(named) > 50
    missing = [path for path in named if not (PACKAGE / path).exists() and not (ROOT / path).exists()]
    assert missing == []


def test_the_drawing_has_every_room() -> None:
    drawn = re.findall(r'class="name">([\w./]+)<', DRAWING)
    folders = {f"{path.name}/" for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert {name for name in drawn if name.endswith("/")} == folders
    assert [name for name in drawn if not (PACKAGE / name).exists()] == []
