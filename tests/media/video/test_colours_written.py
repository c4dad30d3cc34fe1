"""Colours of what is written, and what films say of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from film_copies import copy_film, ramp
from film_makers import SIZE, make_film, probe

from transparent_background.images.result import Result
from transparent_background.media.video.containers import choose_encoding
from transparent_background.media.video.encoding import Look
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.writing import FilmWriter
from transparent_background.options.films import EncodingOptions


@pytest.mark.parametrize(("size", "tags"), [(SIZE, (6, 6, 6, 1)), ((720, 1280), (1, 1, 1, 1))])
def test_the_result_says_what_its_colours_are(tmp_path, size, tags) -> None:
    patches = np.zeros((*size, 3), np.uint8)
    colours = [(255, 255, 255), (200, 30, 40), (20, 180, 60), (40, 50, 220)]
    for index, colour in enumerate(colours):
        patches[:, index * size[1] // 4 : (index + 1) * size[1] // 4] = colour
    source = make_film(tmp_path / "a.mkv", [patches], codec="ffv1", pix_fmt="bgr0")
    for suffix in ("mp4", "mov", "mkv"):
        target = tmp_path / f"b.{suffix}"
        copy_film(source, target, streams=False, **({"codec": "prores"} if suffix == "mov" else {}))
        assert probe(target)["tags"] == tags, suffix
        (frame,) = open_film(target)
        for index, colour in enumerate(colours):
            middle = frame.picture.rgb[size[0] // 2, (2 * index + 1) * size[1] // 8]
            assert np.abs(middle.astype(int) - colour).max() <= 3, (suffix, colour)


def test_ten_bits_reach_a_file_of_ten_bits(tmp_path) -> None:
    levels = np.tile(np.arange(256, 256 + 96, dtype=np.uint16) * 64, (64, 1))  # steps of a tenth bit
    deep = np.dstack([levels] * 3)
    encoding = choose_encoding("mov", EncodingOptions(codec="prores", preset="4444"), alpha=False)
    assert encoding.deep
    reader = open_film(make_film(tmp_path / "a.mp4", 1))
    result = Result(rgb=deep)
    writer = FilmWriter(tmp_path / "b.mov", encoding, Look.of(result, deep=True), reader.info)
    writer.write(result, Fraction(0), Fraction(1, 25))
    writer.finish()
    reader.close()
    (frame,) = open_film(tmp_path / "b.mov", deep=True)
    assert frame.picture.rgb.dtype == np.uint16
    assert len(np.unique(frame.picture.rgb[32, :, 1])) > 60  # 8 bits have 24 of them
    assert np.abs(frame.picture.rgb.astype(int) - deep).mean() < 150


def test_the_shape_of_pixels_is_kept(tmp_path) -> None:
    def anamorphic(container, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(16, 11)

    source = make_film(tmp_path / "a.mkv", 3, set_up=anamorphic)
    copy_film(source, tmp_path / "b.mp4")
    assert probe(tmp_path / "b.mp4")["aspect"] == Fraction(16, 11)


def test_a_matte_is_grey_over_its_whole_range(tmp_path) -> None:
    reader = open_film(make_film(tmp_path / "a.mp4", 1))
    for suffix, codec in (("mp4", None), ("mov", "prores"), ("mkv", "ffv1")):
        encoding = choose_encoding(
            suffix, EncodingOptions(codec=codec, crf=1 if codec is None else None), alpha=False
        )
        result = Result(grey=ramp())
        writer = FilmWriter(tmp_path / f"m.{suffix}", encoding, Look.of(result, deep=True), reader.info)
        writer.write(result, Fraction(0), Fraction(1, 25))
        writer.finish()
        (frame,) = open_film(tmp_path / f"m.{suffix}")
        assert np.abs(frame.picture.rgb / 255 - ramp()[..., None]).max() < 0.02, suffix
    reader.close()
