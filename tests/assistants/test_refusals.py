"""What is refused, in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from mcp_helpers import (
    ASTRONAUT,
    call,
    told,
)
from PIL import Image


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"this is a text\n", "odd.png: is not a picture, whatever its name says"),
        (b"", "odd.png: is empty (0 bytes)"),
        (ASTRONAUT.read_bytes()[:5000], "cannot be decoded: image file is truncated"),
        (bytes(1_000_001), "odd.png: is too large; at most 0.9537 MiB are taken here"),
    ],
)
def test_files_that_are_no_pictures(address: str, folder: Path, data: bytes, says: str) -> None:
    (folder / "odd.png").write_bytes(data)
    assert says in told(call(address, path="odd.png"))
    assert says in told(call(address, path="astronaut.jpg", background_image="odd.png")).replace(
        "the background", "odd.png"
    )
    assert not list(folder.glob("*_rgba.png"))


def test_pictures_of_too_many_pixels(address: str, folder: Path) -> None:
    Image.new("L", (3000, 1000)).save(folder / "wide.png")
    assert "has 3.0 million pixels; at most 2 million" in told(call(address, path="wide.png"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"type": "no such type"}, "type 'no such type' is unknown; choose rgba, map"),
        ({"type": "/etc/passwd"}, "type '/etc/passwd' is unknown"),
        ({"mode": "nope"}, "mode 'nope' is not served here; choose from lite"),
        ({"threshold": 7}, "threshold: input should be less than or equal to 1"),
        ({"crop": "a lot"}, "crop "),
        ({"format": "gif"}, "format: input should be 'png'"),
        ({"format": "png", "output": "a.jpg"}, "output 'a.jpg' is no png by its name"),
        ({"quality": 0}, "quality: input should be greater"),
        ({"background": "nothing", "format": "jpg"}, "background 'nothing' is no colour"),
        ({"treshold": 0.5}, "treshold: there is no such argument"),
        ({"image_base64": "AAAA"}, "give either path or image_base64"),
        ({"path": None}, "give either path or image_base64"),
        ({"path": 5}, "path: input should be a valid string"),
    ],
)
def test_arguments_that_make_no_sense(
    address: str, folder: Path, arguments: dict[str, Any], says: str
) -> None:
    assert says in told(call(address, **{"path": "astronaut.jpg", **arguments}))
    assert [entry.name for entry in folder.iterdir()] == ["astronaut.jpg"]


def test_what_breaks_is_logged_and_not_told(
    address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("the secret of /etc/shadow")

    monkeypatch.setattr("transparent_background.service.pictures.finish", broken)
    text = told(call(address, path="astronaut.jpg"))
    assert text == "something went wrong here; the server's log says what"
    assert any(record.exc_info and "secret" in str(record.exc_info[1]) for record in caplog.records)
