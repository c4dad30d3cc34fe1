"""Picture files that are written: whole or not at all, with all that the source said."""

from __future__ import annotations

import errno
import io
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from picture_files import ALPHA, ICC, RGB, RNG, one_line
from PIL import Image, ImageDraw, features

from transparent_background.errors import (
    OutputError,
    TooLargeError,
    UsageError,
)
from transparent_background.images.picture import Metadata
from transparent_background.images.result import Result
from transparent_background.media.reading import animation, read, read_frames
from transparent_background.media.writing import pick_format, png_options, write, write_animation


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_profile_resolution_and_exif_are_kept(jpeg, tmp_path, suffix) -> None:
    picture = read(jpeg)
    path = tmp_path / f"out.{suffix}"
    write(path, Result(rgb=picture.rgb), metadata=picture.metadata)
    back = read(path).metadata
    assert back.icc_profile == ICC
    assert back.dpi == pytest.approx((300, 300), rel=1e-3)
    with Image.open(path) as image:
        exif = image.getexif()
    assert exif[0x010F] == "Camera"
    assert exif.get(0x0112, 1) == 1


@pytest.mark.parametrize("compression", [None, "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("suffix", ["tif", "png", "jpg"])
def test_a_tiffs_layout_is_not_taken_for_metadata(tmp_path, compression, suffix) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    Image.fromarray(RGB).save(tmp_path / "in.tif", compression=compression, dpi=(200, 200), exif=exif)
    picture = read(tmp_path / "in.tif")
    for name, rgb in (("same", picture.rgb), ("smaller", np.ascontiguousarray(picture.rgb[:20, :20]))):
        path = tmp_path / f"{name}.{suffix}"
        write(path, Result(rgb=rgb), metadata=picture.metadata)
        back = read(path)
        assert back.size == rgb.shape[:2]
        assert back.metadata.dpi == pytest.approx((200, 200), rel=1e-3)
        with Image.open(path) as image:
            assert image.getexif()[0x010F] == "Camera"


@pytest.mark.parametrize("suffix", ["webp", "avif"])
def test_profile_and_exif_are_kept_where_there_is_no_resolution(jpeg, tmp_path, suffix) -> None:
    picture = read(jpeg)
    write(tmp_path / f"o.{suffix}", Result(rgb=picture.rgb), metadata=picture.metadata)
    with Image.open(tmp_path / f"o.{suffix}") as image:
        assert image.info["icc_profile"] == ICC
        assert image.getexif()[0x010F] == "Camera"


@pytest.mark.parametrize(
    ("suffix", "tolerance"), [("png", 0), ("tif", 0), ("webp", 12), ("avif", 16), ("jp2", 0)]
)
def test_formats_with_transparency_keep_it(tmp_path, suffix, tolerance) -> None:
    path = tmp_path / f"cut.{suffix}"
    write(path, Result(rgb=RGB, alpha=ALPHA))
    picture = read(path)
    assert np.abs(picture.alpha - ALPHA).max() < 0.03
    seen = ALPHA > 0.5
    assert np.abs(picture.rgb.astype(int) - RGB)[seen].mean() <= tolerance


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_sixteen_bits_survive(tmp_path, suffix, with_alpha) -> None:
    rgb = RNG.integers(0, 65536, (130, 75, 3), dtype=np.uint16)
    alpha = RNG.random((130, 75)).astype(np.float32) if with_alpha else None
    path = tmp_path / f"deep.{suffix}"
    write(path, Result(rgb=rgb, alpha=alpha), metadata=Metadata(ICC, (240.0, 240.0), None))
    picture = read(path)
    np.testing.assert_array_equal(picture.rgb, rgb)
    if alpha is not None:
        assert np.abs(picture.alpha - alpha).max() <= 0.5 / 65535 + 1e-7
    assert picture.metadata.icc_profile == ICC
    assert picture.metadata.dpi == pytest.approx((240, 240), rel=1e-3)
    with Image.open(path) as image:  # and another reader agrees
        assert np.abs(np.asarray(image.convert("RGB")).astype(int) - rgb // 257).max() <= 1


def test_quality_counts(tmp_path) -> None:
    for suffix in ("jpg", "webp", "avif"):
        sizes = []
        for quality in (20, 90):
            path = tmp_path / f"{quality}.{suffix}"
            write(path, Result(rgb=RGB), quality=quality)
            sizes.append(path.stat().st_size)
        assert sizes[0] < sizes[1]
    write(tmp_path / "lossless.webp", Result(rgb=RGB), quality=100)
    np.testing.assert_array_equal(read(tmp_path / "lossless.webp").rgb, RGB)


def test_impossible_wishes_are_refused_and_leave_nothing(tmp_path) -> None:
    with pytest.raises(UsageError, match="quality must be from 1 to 100"):
        write(tmp_path / "a.jpg", Result(rgb=RGB), quality=101)
    with pytest.raises(UsageError, match="JPEG cannot hold transparency"):
        write(tmp_path / "a.jpg", Result(rgb=RGB, alpha=ALPHA))
    with pytest.raises(UsageError, match=r"'a\.xyz' cannot be written; choose from .*png"):
        write(tmp_path / "a.xyz", Result(rgb=RGB))
    assert pick_format("a.png", "JPG") == "JPEG"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failure) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(b"the old one")

    def fail_half_way(self: Image.Image, file: io.BufferedWriter, **options: object) -> None:
        file.write(b"half")
        raise failure

    monkeypatch.setattr(Image.Image, "save", fail_half_way)
    with pytest.raises((OutputError, KeyboardInterrupt)) as caught:
        write(path, Result(rgb=RGB))
    if isinstance(failure, OSError):
        assert "cut.png: cannot be written: the disk is full" in one_line(caught.value)
    assert path.read_bytes() == b"the old one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["cut.png"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")  # noqa: PTH110
def test_a_full_device_is_said_to_be_full() -> None:
    with Path("/dev/full").open("wb", buffering=0) as file, pytest.raises(OutputError, match="disk is full"):
        write(file, Result(rgb=RGB), format="png")


def test_a_missing_folder_is_said(tmp_path) -> None:
    with pytest.raises(OutputError, match="the folder does not exist"):
        write(tmp_path / "no" / "a.png", Result(rgb=RGB))


def test_results_get_the_permissions_of_ordinary_files(tmp_path) -> None:
    (tmp_path / "ordinary").touch()
    write(tmp_path / "a.png", Result(rgb=RGB))
    assert (tmp_path / "a.png").stat().st_mode == (tmp_path / "ordinary").stat().st_mode


@pytest.mark.parametrize("suffix", ["png", "webp", "gif"])
def test_animations_keep_frames_times_and_loops(tmp_path, suffix) -> None:
    frames = [np.roll(RGB, 20 * index, axis=1) for index in range(3)]
    alpha = (ALPHA > 0.4).astype(np.float32)
    path = tmp_path / f"moving.{suffix}"
    write_animation(path, (Result(rgb=f, alpha=alpha) for f in frames), [50, 100, 150], loop=2)
    info = animation(path)
    assert info is not None
    assert info.frames == 3
    again = list(read_frames(path))
    assert [frame.duration for frame in again] == [50, 100, 150]
    for frame, expected in zip(again, frames, strict=True):
        np.testing.assert_allclose(frame.picture.alpha, alpha, atol=0.02)
        difference = np.abs(frame.picture.rgb.astype(int) - expected)[alpha > 0]
        assert difference.mean() < {"png": 0.01, "webp": 5, "gif": 25}[suffix]


def test_photos_are_packed_by_runs_and_text_is_not() -> None:
    """Runs alone take half the time for photos, and several times the bytes for text."""
    rng = np.random.default_rng(1)
    smooth = np.cumsum(rng.normal(0, 2, (256, 512, 3)), axis=1) + 128
    photo = Image.fromarray(np.clip(smooth, 0, 255).astype(np.uint8))
    page = Image.new("RGBA", (512, 256))
    draw = ImageDraw.Draw(page)
    for y in range(0, 256, 12):
        draw.text((5, y), "The quick brown fox jumps over the lazy dog. " * 3, fill=(20, 20, 20, 255))
    assert png_options(photo)["compress_type"] == zlib.Z_RLE
    assert "compress_type" not in png_options(page)
    assert "compress_type" not in png_options(page.crop((0, 0, 512, 20)))  # too little to tell by


@pytest.mark.parametrize(
    ("suffix", "most"), [("jpg", 65_500), ("webp", 16_383), ("avif", 32_768), ("gif", 65_535)]
)
def test_what_a_format_cannot_hold_is_refused_with_its_limit(tmp_path, suffix, most) -> None:
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    for sides in ((most, 2), (2, most)):
        write(tmp_path / f"fits.{suffix}", Result(rgb=np.zeros((*sides, 3), np.uint8)))
        assert read(tmp_path / f"fits.{suffix}").size == sides
    with pytest.raises(
        TooLargeError, match=f"holds at most {most:,} pixels a side, and the result is 2 x {most + 1:,}"
    ):
        write(tmp_path / f"large.{suffix}", Result(rgb=np.zeros((most + 1, 2, 3), np.uint8)))
    assert not (tmp_path / f"large.{suffix}").exists()
