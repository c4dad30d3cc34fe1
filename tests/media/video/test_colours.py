"""Colours and transparency of films are those that a player shows."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from film_copies import read_film
from film_makers import make_film, marked

from transparent_background.media.video.colours import gamut_matrix

# Kr and Kb of ITU-R BT.601, BT.709 and BT.2020
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
PATCHES = np.array(
    [(255, 255, 255), (0, 0, 0), (200, 30, 40), (20, 180, 60), (40, 50, 220), (128, 128, 128), (250, 220, 10)]
)


def yuv_frame(rgb: np.ndarray, matrix: int, full: bool, bits: int = 8) -> np.ndarray:
    """Turn RGB in [0, 1] (h, w, 3) into planar 4:4:4, by the book (ITU-T H.273, 8.3)."""
    kr, kb = WEIGHTS[matrix]
    r, g, b = np.moveaxis(rgb, 2, 0)
    y = kr * r + (1 - kr - kb) * g + kb * b
    u, v = (b - y) / (2 * (1 - kb)), (r - y) / (2 * (1 - kr))
    scale = 1 << (bits - 8)
    peak = (1 << bits) - 1
    if full:
        planes = [y * peak, u * peak + 128 * scale, v * peak + 128 * scale]
    else:
        planes = [(219 * y + 16) * scale, (224 * u + 128) * scale, (224 * v + 128) * scale]
    return np.clip(np.rint(np.stack(planes)), 0, peak).astype(np.uint16 if bits > 8 else np.uint8)


def colour_film(path: Path, planes: np.ndarray, *, tags, bits: int = 8) -> Path:
    """Write planes (3, h, w) as a lossless film, tagged (matrix, primaries, transfer, range)."""
    kind = "yuv444p" if bits == 8 else "yuv444p10le"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width, stream.pix_fmt = *planes.shape[1:], kind
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = tags
        frame = av.VideoFrame(planes.shape[2], planes.shape[1], kind)
        for plane, values in zip(frame.planes, planes, strict=True):
            lines = np.zeros((plane.height, plane.line_size // values.itemsize), values.dtype)
            lines[:, : values.shape[1]] = values
            plane.update(lines.tobytes())
        frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range = tags
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        container.mux([*stream.encode(frame), *stream.encode()])
    return path


def patches(height: int = 64) -> np.ndarray:
    return np.repeat(np.repeat(PATCHES[None], height, 0), 16, 1) / 255


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 6, 9])
def test_matrix_and_range_are_those_of_the_tags(tmp_path, matrix, full) -> None:
    planes = yuv_frame(patches(), matrix, full)
    film = colour_film(tmp_path / "c.mkv", planes, tags=(matrix, 1, 1, 2 if full else 1))
    _, (frame,) = read_film(film)
    assert np.abs(frame.picture.rgb - patches() * 255).max() <= 2


@pytest.mark.parametrize(("height", "matrix"), [(480, 6), (720, 1)])
def test_a_film_without_tags_is_taken_as_players_take_it(tmp_path, height, matrix) -> None:
    planes = yuv_frame(patches(height), matrix, False)
    _, (frame,) = read_film(colour_film(tmp_path / "c.mkv", planes, tags=(2, 2, 2, 0)))
    assert np.abs(frame.picture.rgb - patches(height) * 255).max() <= 2


def test_ten_bits_are_kept_if_asked_for_and_rounded_else(tmp_path) -> None:
    ramp = np.repeat(np.linspace(0, 1, 256)[None, :, None], 64, 0).repeat(3, 2)
    film = colour_film(tmp_path / "t.mkv", yuv_frame(ramp, 1, False, 10), tags=(1, 1, 1, 1), bits=10)
    reader, (deep,) = read_film(film, deep=True)
    assert reader.info.deep
    assert deep.picture.rgb.dtype == np.uint16
    assert np.abs(deep.picture.rgb / 65535 - ramp).max() < 1 / 700
    _, (plain,) = read_film(film)
    assert plain.picture.rgb.dtype == np.uint8
    assert np.abs(plain.picture.rgb / 255 - ramp).max() < 1 / 200


@pytest.mark.parametrize("pix_fmt", ["yuv420p10le", "yuv422p10le", "yuv420p"])
@pytest.mark.parametrize("scale", [None, "0.5"])
def test_colours_of_every_layout_are_right_at_every_depth(tmp_path, pix_fmt, scale) -> None:
    image = np.zeros((128, 128, 3), np.uint8)
    for index, colour in enumerate([(210, 180, 60), (40, 60, 90), (200, 30, 40), (20, 180, 60)]):
        image[:, 32 * index : 32 * index + 32] = colour
    film = make_film(tmp_path / "c.mkv", [image], codec="ffv1", pix_fmt=pix_fmt)
    _, (frame,) = read_film(film, deep=True, scale=scale)
    values = frame.picture.rgb / (65535 if frame.picture.rgb.dtype == np.uint16 else 255)
    step = values.shape[1] // 4
    for index in range(4):
        middle = values[values.shape[0] // 2, step * index + step // 2]
        assert np.abs(middle * 255 - image[0, 32 * index + 16]).max() < 3


def pq(nits):
    """Encode cd/m2 by SMPTE ST 2084."""
    y = np.asarray(nits) / 10000
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    return ((c1 + c2 * y**m1) / (1 + c3 * y**m1)) ** m2


def test_hdr_is_brought_to_the_range_of_other_pictures(tmp_path) -> None:
    nits = np.array([0.0, 20.3, 50.0, 203.0, 1000.0])
    grey = np.repeat(np.repeat(pq(nits)[None, :, None], 64, 0).repeat(3, 2), 16, 1)
    film = colour_film(tmp_path / "h.mkv", yuv_frame(grey, 9, False, 10), tags=(9, 9, 16, 1), bits=10)
    reader, (frame,) = read_film(film)
    found = frame.picture.rgb[32, 8::16].astype(float)
    assert np.ptp(found, axis=1).max() <= 2  # greys stay grey
    levels = found.mean(axis=1)
    # below the knee of the curve light is kept: a tenth of white's is (1 / 10) ** (1 / 2.4)
    assert levels[0] <= 1
    assert levels[1] == pytest.approx(255 * 0.1 ** (1 / 2.4), abs=2)
    assert levels[2] == pytest.approx(255 * (50 / 203) ** (1 / 2.4), abs=2)
    assert 200 < levels[3] < 245  # diffuse white, a little room above it for highlights
    assert levels[4] >= 254
    assert reader.notes == ["is HDR: brought to the range of BT.709"]


def test_hlg_and_wide_gamuts_are_mapped_too(tmp_path) -> None:
    white = np.full((64, 64, 3), 0.75)  # HLG's diffuse white (ITU-R BT.2408)
    film = colour_film(tmp_path / "g.mkv", yuv_frame(white, 9, False, 10), tags=(9, 9, 18, 1), bits=10)
    _, (frame,) = read_film(film)
    assert 195 < frame.picture.rgb.mean() < 245
    # a red of Display P3 that BT.709 has too: its linear (0.6, 0.1, 0.1) through the matrix
    linear = np.array([0.6, 0.1, 0.1])
    inside = np.broadcast_to(linear ** (1 / 2.4), (64, 64, 3))
    film = colour_film(tmp_path / "p.mkv", yuv_frame(inside, 1, False, 10), tags=(1, 12, 1, 1), bits=10)
    _, (frame,) = read_film(film)
    to_709 = np.array([[1.2249, -0.2249, 0.0], [-0.0420, 1.0420, 0.0], [-0.0196, -0.0786, 1.0983]])
    expected = 255 * np.clip(to_709 @ linear, 0, 1) ** (1 / 2.4)
    assert np.abs(frame.picture.rgb[32, 32] - expected).max() <= 2


def test_the_gamut_matrix_keeps_white() -> None:
    for primaries in (9, 12):
        assert np.allclose(gamut_matrix(primaries).sum(axis=1), 1, atol=1e-4)


def test_transparency_of_a_film_is_read(tmp_path) -> None:
    rgba = np.dstack([marked(1), np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))])
    for name, codec, pix_fmt in (
        ("a.mov", "prores_ks", "yuva444p10le"),
        ("b.webm", "libvpx-vp9", "yuva420p"),
        ("c.mkv", "ffv1", "bgra"),
    ):
        options = {"profile": "4444"} if codec == "prores_ks" else {"auto-alt-ref": "0", "crf": "5"}
        film = make_film(
            tmp_path / name,
            [rgba] * 2,
            codec=codec,
            pix_fmt=pix_fmt,
            options=options if codec != "ffv1" else {},
        )
        _, frames = read_film(film)
        assert len(frames) == 2
        assert frames[0].picture.alpha is not None, name
        assert np.abs(frames[0].picture.alpha - rgba[..., 3] / 255).max() < 0.03, name
