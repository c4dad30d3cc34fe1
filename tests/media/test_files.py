"""What sources are called, and files that cannot be opened."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from transparent_background.errors import SourceNotFoundError, UnreadableError
from transparent_background.media.files import name_of, open_file, url_scheme


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Path("a") / "b.png", str(Path("a") / "b.png")),
        ("rtsp://me:secret@camera/live", "rtsp://camera/live"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("folder//me@home.png", "folder//me@home.png"),
        (b"12345", "<5 bytes>"),
        (io.BytesIO(), "<stream>"),
    ],
)
def test_names(source, name) -> None:
    assert name_of(source) == name


def test_only_texts_have_schemes() -> None:
    assert url_scheme("RTSP://camera") == "rtsp"
    assert url_scheme("C:/film.mp4") is None
    assert url_scheme(Path("http://a")) is None


def test_what_cannot_be_opened_is_said(tmp_path) -> None:
    with pytest.raises(SourceNotFoundError, match="no such file"):
        open_file(tmp_path / "none.png", "picture")
    with pytest.raises(UnreadableError, match="is a folder, not a film"):
        open_file(tmp_path, "film")
