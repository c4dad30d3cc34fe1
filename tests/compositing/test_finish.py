"""The one tail of all mattes: what is made of them, in which order, and where."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch

from transparent_background.compositing import finish as module
from transparent_background.compositing.finish import finish
from transparent_background.errors import InputError
from transparent_background.films.frames import MattedFrame
from transparent_background.films.process import _results
from transparent_background.images.picture import Picture
from transparent_background.media.video.frames import Frame
from transparent_background.options.settings import settings_of

CPU, GPU = torch.device("cpu"), torch.device("cuda", 1)
RED = np.full((40, 60, 3), (200, 0, 0), np.uint8)


@pytest.fixture
def matte() -> np.ndarray:
    """Return a soft square."""
    soft = np.zeros((40, 60), np.float32)
    soft[10:20, 25:45] = 0.5
    soft[12:18, 27:43] = 1
    return soft


def test_a_crop_says_where_it_is_and_leaves_the_matte_whole(matte) -> None:
    done = finish(Picture(RED), matte, settings_of(crop="3"), CPU)
    assert done.box == (22, 7, 26, 16)  # left, top, width, height
    assert done.result.size == done.result.alpha.shape == (16, 26)
    np.testing.assert_array_equal(done.result.alpha, matte[7:23, 22:48])
    assert done.alpha.shape == (40, 60)
    assert finish(Picture(RED), matte, settings_of(), CPU).box is None


def test_what_cannot_be_transparent_lies_over_the_background_colour(matte) -> None:
    wanted = settings_of(background="#0000ff")
    flat = finish(Picture(RED), matte, wanted, CPU, holds_alpha=False).result
    assert flat.alpha is None
    assert tuple(flat.rgb[0, 0]) == (0, 0, 255)
    assert tuple(flat.rgb[15, 35]) == (200, 0, 0)
    assert finish(Picture(RED), matte, wanted, CPU).result.alpha is not None


def test_a_veil_lets_its_share_through(matte) -> None:
    veiled = finish(Picture(RED), matte, settings_of(), CPU, veil=(0, 255, 0, 51)).result
    assert veiled.alpha[0, 0] == pytest.approx(0.2)
    assert veiled.alpha[11, 30] == pytest.approx(0.5 + 0.5 * 0.2)
    assert tuple(veiled.rgb[0, 0]) == (0, 255, 0)
    opaque = finish(Picture(RED), matte, settings_of(), CPU, veil=(0, 255, 0, 255)).result
    assert opaque.alpha is None


def test_a_smoothed_mask_is_hard_and_has_no_specks(matte) -> None:
    matte[2, 2] = 1
    alpha = finish(Picture(RED), matte, settings_of(), CPU, smooth=True).alpha
    assert set(np.unique(alpha)) == {0, 1}
    assert alpha[2, 2] == 0
    assert alpha[15, 35] == 1


def test_a_matte_of_another_size_is_refused(matte) -> None:
    with pytest.raises(InputError, match=r"\(40, 50\)"):
        finish(Picture(RED), matte[:, :50], settings_of(), CPU)


@pytest.mark.parametrize(("device", "expected"), [(GPU, GPU), (CPU, None)])
def test_colours_are_estimated_beside_the_network(matte, monkeypatch, device, expected) -> None:
    """Of films as well: beside a GPU the processor has the frames to decode and to encode."""
    used = []

    def estimate(rgb, alpha, *, device):
        used.append(device)
        return rgb

    monkeypatch.setattr(module, "estimate_foreground", estimate)
    finish(Picture(RED), matte, settings_of(), device)
    frame = MattedFrame(Frame(0, Fraction(0), Fraction(1, 25), Picture(RED)), matte, None, repeats=False)
    film = settings_of(type="map", matte=True, foreground_film="straight")
    made = _results(frame, settings=film, device=device, holds_alpha=False)
    assert list(made) == ["result", "foreground", "matte"]
    assert used == [expected] * 2


@pytest.mark.parametrize("size", [(1, 3000), (3000, 7)])
def test_a_line_keeps_its_own_colours(size, monkeypatch) -> None:
    """The estimate works in blocks of 32 x 32; of a long line they would be 32 times its memory."""
    monkeypatch.setattr(module, "estimate_foreground", None)
    picture = Picture(np.full((*size, 3), 200, np.uint8))
    done = finish(picture, np.full(size, 0.5, np.float32), settings_of(type="rgba"), CPU)
    np.testing.assert_array_equal(done.colours, picture.rgb)
