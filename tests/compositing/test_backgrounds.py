"""Backgrounds are fitted as asked, and read once."""

from __future__ import annotations

import os

import numpy as np
import pytest
from finishing import made
from PIL import Image

from transparent_background.compositing.backgrounds import FileBackground, fit_background
from transparent_background.errors import UsageError
from transparent_background.options.result_types import Backdrop


def test_cover_keeps_the_shape_and_the_middle():
    background = np.zeros((40, 120, 3), np.uint8)
    background[:, 40:80] = 255
    assert (fit_background(background, (80, 80), "cover")[:, 4:-4] == 255).all()


def test_contain_shows_everything_and_draws_out_the_edges():
    background = np.zeros((40, 80, 3), np.uint8)
    background[0], background[-1] = 200, 100
    fitted = fit_background(background, (80, 80), "contain")
    assert (fitted[:20] == 200).all()
    assert (fitted[60:] == 100).all()
    np.testing.assert_array_equal(fitted[20:60], background)


def test_tile_repeats():
    background = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    expected = np.tile(background, (3, 2, 1))[:5, :3]
    np.testing.assert_array_equal(fit_background(background, (5, 3), "tile"), expected)


def test_an_unknown_fit_is_refused():
    with pytest.raises(UsageError, match="cover, contain, stretch, tile"):
        fit_background(np.zeros((2, 2, 3), np.uint8), (3, 3), "squeeze")


def test_a_transparent_background_shows_white(photo, tmp_path):
    path = tmp_path / "clear.png"
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(path)
    result = made(photo, np.zeros((90, 120), np.float32), Backdrop(path))
    assert (result.rgb == 255).all()


def test_a_backgrounds_orientation_is_applied(photo, tmp_path):
    path = tmp_path / "turned.png"
    stored = np.zeros((20, 10, 3), np.uint8)
    stored[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    Image.fromarray(stored).save(path, exif=exif)
    nothing = np.zeros((90, 120), np.float32)
    result = made(photo, nothing, Backdrop(path), fit="stretch").rgb
    assert result[5, 5, 0] == 0
    assert result[-5, 5, 0] == 255


def test_a_background_is_read_once_until_it_changes(tmp_path):
    path = tmp_path / "b.png"
    Image.new("RGB", (4, 4), (1, 2, 3)).save(path)
    background = FileBackground(path, "cover")
    first = background.at_size((8, 8))
    assert background.at_size((8, 8)) is first
    Image.new("RGB", (4, 4), (9, 9, 9)).save(path)
    os.utime(path, ns=(1, 1))
    assert (background.at_size((8, 8)) == 9).all()
