"""Picture files that are read: what is shown is what comes, and what is wrong is one line."""

from __future__ import annotations

import builtins
import errno
import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from picture_files import RGB, RNG, exif_block, one_line
from PIL import Image

from transparent_background.errors import (
    MissingExtraError,
    SourceNotFoundError,
    TooLargeError,
    UnreadableError,
)
from transparent_background.images.picture import Metadata
from transparent_background.images.result import Result
from transparent_background.media.reading import animation, measure, read
from transparent_background.media.writing import write


def test_paths_bytes_and_files_give_the_same_picture(jpeg) -> None:
    expected = read(jpeg).rgb
    assert expected.shape == (90, 70, 3)  # its orientation is applied
    for source in (str(jpeg), jpeg.read_bytes(), io.BytesIO(jpeg.read_bytes())):
        np.testing.assert_array_equal(read(source).rgb, expected)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(SourceNotFoundError, match=r"gone\.png: no such file") as caught:
        read(tmp_path / "gone.png")
    assert isinstance(caught.value, FileNotFoundError)


def test_a_folder_is_no_picture(tmp_path) -> None:
    with pytest.raises(UnreadableError, match="is a folder"):
        read(tmp_path)


def test_a_file_that_may_not_be_read_is_named(jpeg, monkeypatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreadableError, match=r"photo\.jpg.*permission denied"):
        read(jpeg)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"just some text, no picture at all", "is not a picture")],
)
def test_files_that_are_no_pictures_are_refused(tmp_path, content, words) -> None:
    path = tmp_path / "text.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableError, match=words) as caught:
        read(path)
    assert one_line(caught.value).startswith(str(path))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "gif", "bmp"])
def test_a_cut_off_file_is_an_error_not_half_a_picture(tmp_path, suffix) -> None:
    whole = tmp_path / f"whole.{suffix}"
    Image.fromarray(RGB).save(whole)
    cut = tmp_path / f"cut.{suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(UnreadableError, match=rf"cut\.{suffix}") as caught:
        read(cut)
    one_line(caught.value)


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(TooLargeError, match=r"bomb\.png.*million pixels"):
        read(path)


def test_large_pictures_below_the_limit_are_read_without_a_warning(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 70 * 90 * 3 // 4)  # between limit and twice it
    path = tmp_path / "large.png"
    Image.fromarray(RGB).save(path)
    assert read(path).size == (70, 90)  # pytest makes warnings errors


def test_heic_is_read_with_the_extra(tmp_path) -> None:
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "photo.heic"
    heif.from_pillow(Image.fromarray(RGB)).save(path, quality=95)
    before = set(Image.registered_extensions())
    assert np.abs(read(path).rgb.astype(int) - RGB).mean() < 6
    assert set(Image.registered_extensions()) == before  # Pillow was not changed for everybody


def test_heic_without_the_extra_says_what_to_install(tmp_path, monkeypatch) -> None:
    path = tmp_path / "photo.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    real_import = builtins.__import__

    def no_heif(name: str, *args: object, **kwargs: object) -> object:
        if name == "pillow_heif":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "pillow_heif", raising=False)
    monkeypatch.setattr(builtins, "__import__", no_heif)
    with pytest.raises(MissingExtraError, match=r"pip install \"transparent-background\[heif\]\""):
        read(path)


def test_the_orientation_of_a_sixteen_bit_picture_is_applied(tmp_path) -> None:
    rgb = RNG.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    for orientation in range(1, 9):
        exif = exif_block(orientation).tobytes()
        path = tmp_path / f"{orientation}.png"
        write(path, Result(rgb=rgb), metadata=Metadata(exif=exif))
        deep = read(path).rgb
        eight = tmp_path / "8.png"
        Image.fromarray((rgb // 257).astype(np.uint8)).save(eight, exif=exif)
        assert deep.dtype == np.uint16
        np.testing.assert_array_equal(deep // 257, read(eight).rgb)


def test_a_cut_off_sixteen_bit_picture_is_an_error(tmp_path) -> None:
    path = tmp_path / "deep.png"
    write(path, Result(rgb=RNG.integers(0, 65536, (130, 75, 3), dtype=np.uint16)))
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(UnreadableError):
        read(path)


def test_a_still_picture_is_no_animation(jpeg) -> None:
    assert animation(jpeg) is None


def test_measuring_reads_the_head_only() -> None:
    whole = io.BytesIO()
    Image.effect_noise((301, 200), 60).save(whole, "JPEG")
    assert measure(whole.getvalue()) == (200, 301)
    assert measure(whole.getvalue()[:1000]) == (200, 301)
    with pytest.raises(UnreadableError):
        measure(b"no picture")


def test_measuring_heic() -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (64, 48))).save(file)
    assert measure(file.getvalue()) == (48, 64)
