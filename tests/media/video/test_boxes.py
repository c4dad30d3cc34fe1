"""Tables of samples that announce more than a file can hold."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from film_makers import make_film

from transparent_background.errors import UnreadableError
from transparent_background.media.video.boxes import check_boxes
from transparent_background.media.video.readers import open_film

MANY = 5_000_000


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def long_box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4sQ", 1, name, 16 + len(content)) + content


def table(size: int = 22_000, count: int = MANY) -> bytes:
    return bytes(4) + struct.pack(">II", size, count)


def film(stsz: bytes) -> bytes:
    inner = stsz
    for name in (b"stbl", b"minf", b"mdia", b"trak"):
        inner = box(name, inner)
    return box(b"moov", inner)


def packed() -> bytes:
    whole = film(box(b"stsz", table()))
    return box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + box(b"cmvd", bytes(4) + zlib.compress(whole))))


TYPE = box(b"ftyp", b"isom")
HIDDEN: dict[str, Callable[[], bytes]] = {
    "plain": lambda: TYPE + film(box(b"stsz", table())),
    "with a long head": lambda: TYPE + film(long_box(b"stsz", table())),
    "behind a box of another name": lambda: box(b"\xffabc", b"") + film(box(b"stsz", table())),
    "behind many boxes": lambda: box(b"free", b"") * 200_000 + film(box(b"stsz", table(count=9_000_000))),
    "in a box of another name": lambda: TYPE + film(box(b"tref", box(b"stsz", table()))),
    "packed": lambda: TYPE + packed(),
    "in tracks of fewer": lambda: TYPE + film(box(b"stsz", table(count=3_500_000))) * 6,
    "of a byte each": lambda: TYPE + film(box(b"stsz", table(1, 15_000_000))) + bytes(3_800_000),
    "in a box up to the end": lambda: TYPE + struct.pack(">I", 0) + film(box(b"stsz", table()))[4:],
    "in a box beyond the end": lambda: TYPE + struct.pack(">I", 1 << 30) + film(box(b"stsz", table()))[4:],
}


@pytest.mark.parametrize("way", HIDDEN)
def test_more_samples_than_a_file_holds_are_refused(tmp_path, way) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(HIDDEN[way]())
    with pytest.raises(UnreadableError, match=r"announces .* samples"):
        check_boxes(path)
    with pytest.raises(UnreadableError, match=r"announces .* samples"):
        open_film(path)


@pytest.mark.parametrize(
    "content",
    [
        film(box(b"stsz", table(0, MANY))),  # a table of sizes, which FFmpeg reads as far as it goes
        film(box(b"stsz", table(2, 1_000_000))),
        film(box(b"stsz", table(4, 40_000_000))) + box(b"mdat", bytes(30_000_000)),  # sound, cut off
        b"\x1aE\xdf\xa3\1\0\0\0stsz" + bytes(4) + b"\xff" * 8,
        b"RIFF\xff\xff\xff\xffAVI LIST",
        b"",
        b"\0\0",
        box(b"moov", b"stsz"),
        box(b"moov", b"cmvd" + bytes(4) + b"no zlib"),
    ],
)
def test_other_files_pass(tmp_path, content) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    check_boxes(path)
    check_boxes(Path("not there"))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts", "webm"])
def test_films_pass(tmp_path, suffix) -> None:
    codec = "libvpx" if suffix == "webm" else "libx264"
    check_boxes(make_film(tmp_path / f"a.{suffix}", 3, codec=codec))
