"""Which formats are read, and that no other program is started for any."""

from __future__ import annotations

import io
import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, Image, features

import transparent_background
from transparent_background.errors import DataSetError, UnreadableError
from transparent_background.images.opening import READABLE
from transparent_background.media.pairs import Pair, check_pairs, read_image
from transparent_background.media.reading import animation, measure, read

EPS = b"""%!PS-Adobe-3.0 EPSF-3.0
%%BoundingBox: 0 0 20 20
%%EndComments
0 0 20 20 rectfill
%%EOF
"""


@pytest.fixture
def ghostscript(tmp_path, monkeypatch) -> Path:
    """Put a program that takes the place of Ghostscript first; the file is there once it was started."""
    started = tmp_path / "started"
    program = tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch {started}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)  # it remembers what it found
    return started


@pytest.mark.parametrize("name", ["drawing.eps", "photo.png"])
def test_no_drawing_starts_ghostscript(ghostscript, tmp_path, name) -> None:
    path = tmp_path / name
    path.write_bytes(EPS)
    for do in (read, measure, animation):
        for source in (path, EPS, io.BytesIO(EPS)):
            with pytest.raises(UnreadableError, match="is PostScript, which is drawn by other programs"):
                do(source)
    with pytest.raises(DataSetError, match=f"{name}: is PostScript"):
        read_image(path)
    with pytest.raises(DataSetError, match=name):
        check_pairs(tmp_path, [Pair(path, path)])
    assert not ghostscript.exists()


@pytest.mark.skipif(os.name == "nt", reason="the program that stands for Ghostscript is a shell script")
def test_pillow_by_itself_would_start_it(ghostscript) -> None:
    """So that the test above can fail."""
    with Image.open(io.BytesIO(EPS)) as image, suppress(OSError, subprocess.CalledProcessError):
        image.load()
    assert ghostscript.exists()


def test_pictures_are_opened_in_one_place() -> None:
    package = Path(transparent_background.__file__).parent
    calls = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bImage\.open\(|cv2\.imread\(", path.read_text(encoding="utf-8"))
    }
    assert calls == {"images/opening.py"}


def test_every_format_that_is_read_is_one_of_pillows() -> None:
    Image.init()
    assert set(READABLE) <= set(Image.OPEN)
    assert not set(READABLE) & {"EPS", "WMF", "FITS", "GRIB", "HDF5", "BUFR", "FPX", "MIC", "IPTC"}


def test_a_format_that_pillow_has_given_up_hinders_no_other(monkeypatch) -> None:
    Image.init()
    monkeypatch.delitem(Image.OPEN, "QOI")
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "SGI")
    assert read(file.getvalue()).size == (8, 8)


@pytest.mark.parametrize(
    "format",
    [
        "PNG",
        "JPEG",
        "GIF",
        "BMP",
        "PPM",
        "WEBP",
        "AVIF",
        "TIFF",
        "JPEG2000",
        "ICO",
        "TGA",
        "QOI",
        "DDS",
        "DIB",
        "ICNS",
        "PCX",
        "SGI",
        "SPIDER",
        "MPO",
    ],
)
def test_formats_that_users_have_are_read(format) -> None:
    if format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    file = io.BytesIO()
    mode = "F" if format == "SPIDER" else "RGB"
    picture = Image.new(mode, (128, 128), 0 if mode == "F" else (200, 30, 30))
    more = {"save_all": True, "append_images": [picture]} if format == "MPO" else {}
    picture.save(file, format, **more)
    assert min(read(file.getvalue()).size) >= 128  # ICNS holds larger ones as well
