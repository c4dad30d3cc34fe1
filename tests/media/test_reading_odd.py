"""Picture files that are odd but not broken: every one of them is read."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, UnidentifiedImageError, features

from transparent_background.errors import TooLargeError, UnreadableError
from transparent_background.images.picture import Metadata
from transparent_background.images.result import Result
from transparent_background.media.reading import animation, measure, read
from transparent_background.media.writing import write

RNG = np.random.default_rng(7)
RGB = RNG.integers(0, 256, (24, 32, 3), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def png(colour_type: int, rows: list[bytes], transparent: bytes = b"") -> bytes:
    """Make a 16-bit PNG two pixels wide."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, len(rows), 16, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    middle = chunk(b"tRNS", transparent) if transparent else b""
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + middle + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "block",
    [
        b"garbage",
        b"II*\0\x08\0\0\0\xff\xff",
        b"II*\0\xff\xff\xff\x7f",
        b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0",
    ],
)
def test_broken_exif_neither_stops_a_picture_nor_warns(kind, block) -> None:
    picture = read(encoded(Image.fromarray(RGB), kind, exif=b"Exif\0\0" + block))
    assert picture.size == RGB.shape[:2]


@pytest.mark.parametrize(
    ("colour_type", "row", "transparent"),
    [
        (0, (300, 1000), (300,)),
        (2, (300, 1, 2, 1000, 2000, 3000), (300, 1, 2)),
        (4, (300, 0, 1000, 65535), ()),
    ],
    ids=["grey", "rgb", "grey and alpha"],
)
def test_sixteen_bit_png_keeps_every_kind_of_transparency(colour_type, row, transparent) -> None:
    data = png(
        colour_type,
        [struct.pack(f">{len(row)}H", *row)] * 2,
        struct.pack(f">{len(transparent)}H", *transparent),
    )
    picture = read(data)
    assert picture.rgb.dtype == np.uint16
    np.testing.assert_array_equal(picture.rgb[0, :, 0], [300, 1000])
    np.testing.assert_array_equal(picture.alpha, [[0, 1], [0, 1]])


@pytest.mark.parametrize("mode", ["L", "I;16"])
def test_a_profile_of_greys_is_not_put_on_colours(mode) -> None:
    grey = Image.new(mode, (8, 8), 100)
    profile = b"\0" * 16 + b"GRAY" + b"\0" * 200
    assert read(encoded(grey, "PNG", icc_profile=profile)).metadata.icc_profile is None


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")
def test_avif_is_not_taken_for_heic_by_its_first_brand() -> None:
    data = encoded(Image.fromarray(RGB), "AVIF")
    assert data[8:12] == b"avif"
    assert read(data[:8] + b"mif1" + data[12:]).size == RGB.shape[:2]


@pytest.mark.parametrize("orientation", [1, 3, 5, 6])
def test_heic_is_turned_once(orientation) -> None:
    heif = pytest.importorskip("pillow_heif")
    corner = np.zeros((40, 64, 3), np.uint8)
    corner[:12, :12] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(corner)).save(file, exif=exif.tobytes(), quality=90)
    rgb = read(file.getvalue()).rgb
    where = {1: (slice(8), slice(8)), 3: (slice(-8, None), slice(-8, None)), 5: (slice(8), slice(8))}
    assert rgb[where.get(orientation, (slice(8), slice(-8, None)))].mean() > 200
    assert rgb.shape[:2] == ((64, 40) if orientation >= 5 else (40, 64))


def test_heic_has_the_same_limit_as_other_pictures(monkeypatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(RGB)).save(file)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", RGB[..., 0].size // 2 - 1)
    with pytest.raises(TooLargeError):
        read(file.getvalue())


def test_cut_off_heic_is_an_error() -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.fromarray(RGB)).save(file)
    with pytest.raises(UnreadableError):
        read(file.getvalue()[: len(file.getvalue()) // 2])


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_files_keep_exif_with_camera_and_place(tmp_path, suffix) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    exif.get_ifd(0x8825)[1] = "N"
    deep = RNG.integers(0, 65536, (70, 9, 3), dtype=np.uint16)
    path = tmp_path / f"deep.{suffix}"
    write(path, Result(rgb=deep), metadata=Metadata(exif=exif.tobytes()))
    picture = read(path)
    np.testing.assert_array_equal(picture.rgb, deep)
    back = Image.Exif()
    back.load(picture.metadata.exif)
    assert back[0x010F] == "Maker"
    assert back.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
    assert back.get_ifd(0x8825)[1] == "N"


def test_resolution_turns_with_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(RGB), "JPEG", dpi=(300, 150), exif=exif)
    assert read(data).metadata.dpi == (150, 300)


@pytest.mark.parametrize("channels", [3, 4])
def test_tiffs_of_floats_in_colour_are_read(channels) -> None:
    """Pillow refuses them."""
    values = RNG.random((20, 30, channels), dtype=np.float32)
    order = [2, 1, 0, 3][:channels]
    data = cv2.imencode(".tif", values[..., order])[1].tobytes()
    with pytest.raises(UnidentifiedImageError):
        Image.open(io.BytesIO(data))
    picture = read(data)
    np.testing.assert_array_equal(picture.rgb, values[..., :3])
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, values[..., 3])
    assert measure(data) == (20, 30)
    assert animation(data) is None
    bright = cv2.imencode(".tif", values[..., order] * 200)[1].tobytes()
    np.testing.assert_allclose(read(bright).rgb, values[..., :3] * 200 / 255, atol=1e-5)
    for length in (9, 200, len(data) // 2):
        with pytest.raises(UnreadableError):
            read(data[:length])


def test_a_tiff_of_floats_has_the_limit_of_other_pictures(monkeypatch) -> None:
    data = cv2.imencode(".tif", np.zeros((20, 30, 3), np.float32))[1].tobytes()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 299)
    for look in (read, measure, animation):
        with pytest.raises(TooLargeError):
            look(data)


def test_pages_that_are_passed_over_are_told(caplog) -> None:
    pages = encoded(Image.fromarray(RGB), "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))] * 2)
    np.testing.assert_array_equal(read(pages).rgb, RGB)
    assert "has 3 pages, and only the first is done" in caplog.text
    caplog.clear()
    read(encoded(Image.fromarray(RGB), "TIFF"))
    assert not caplog.records
    many = encoded(Image.fromarray(RGB), "TIFF", save_all=True, append_images=[Image.new("1", (1, 1))] * 1100)
    np.testing.assert_array_equal(read(many).rgb, RGB)
    assert "has at least 1000 pages" in caplog.text
    caplog.clear()
    cut = encoded(Image.fromarray(RGB), "TIFF", save_all=True, append_images=[Image.fromarray(RGB)])[:-100]
    np.testing.assert_array_equal(read(cut).rgb, RGB)
