"""Cut-outs that are pasted: their colours, their soft edges, what light and lenses do to them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from transparent_background.train.compositing import cut_out, paste, take_out
from transparent_background.train.config import AugmentConfig
from transparent_background.train.effects import Effects, blurred, darken, defocus, motion
from transparent_background.train.samples import Draw, TrainingSet


def test_cut_outs_take_their_colours_along_and_leave_the_old_background() -> None:
    mask = np.zeros((80, 80), np.uint8)
    mask[20:60, 20:60] = 255
    image = np.full((80, 80, 3), (0, 0, 255), np.uint8)
    image[mask > 0] = (255, 0, 0)
    cut = cut_out(image, mask, sigma=1.0)
    assert cut is not None
    picture = np.full((96, 96, 3), (0, 255, 0), np.uint8)
    alpha = paste(*cut, picture, np.random.default_rng(4))
    assert alpha.max() > 0.99
    assert np.mean((alpha > 0.05) & (alpha < 0.95)) > 0.02  # its edge is soft
    assert picture[..., 2].max() < 40  # nothing of the blue that was around it
    solid = alpha > 0.99
    assert np.all(picture[solid][:, 0] > 120)
    assert np.all(picture[alpha == 0] == (0, 255, 0))


@pytest.mark.parametrize("area", [0, 100])
def test_nothing_and_everything_are_not_cut_out(area) -> None:
    mask = np.full((50, 50), 255 if area else 0, np.uint8)
    assert cut_out(np.zeros((50, 50, 3), np.uint8), mask, 1.0) is None


def test_a_cut_out_with_a_matte_keeps_it() -> None:
    matte = np.zeros((40, 60), np.uint8)
    matte[10:30, 20:50] = np.linspace(10, 255, 30)
    colours, alpha = take_out(np.full((40, 60, 3), 90, np.uint8), matte)
    assert alpha.shape == (20, 30) == colours.shape[:2]
    assert np.array_equal(np.rint(alpha * 255), matte[10:30, 20:50])
    assert take_out(np.zeros((40, 60, 3), np.uint8), np.zeros((40, 60), np.uint8)) is None


def disc() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:60, :60]
    colours = np.full((60, 60, 3), (200, 40, 40), np.uint8)
    colours[:, 30:] = (40, 40, 200)
    return colours, (np.hypot(y - 30, x - 30) < 24).astype(np.float32)


@pytest.mark.parametrize("kernel", [defocus(3.0), motion(12.0, 0.7), defocus(0.5), motion(0.0, 0.0)])
def test_a_blurred_cut_out_is_what_a_lens_makes_of_it(kernel) -> None:
    """Over black, a blurred cut-out is the blur of the cut-out over black: colours are weighted by alpha."""
    colours, alpha = disc()
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    half = kernel.shape[0] // 2
    soft_colours, soft = blurred(colours, alpha, kernel)
    assert soft.shape == (60 + 2 * half, 60 + 2 * half)
    assert soft.sum() == pytest.approx(alpha.sum(), rel=1e-3)
    over_black = np.pad(colours * alpha[..., None], ((half, half), (half, half), (0, 0)))
    expected = cv2.filter2D(over_black, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    assert np.abs(soft_colours * soft[..., None] - expected).max() < 0.6
    edge = soft_colours[(soft > 0.1) & (soft < 0.9)].astype(int)
    assert (edge.max(axis=1) > 110).all()  # no black of what is not there


@pytest.mark.parametrize(("length", "angle"), [(3.0, 0.0), (7.3, 0.4), (12.0, 2.0)])
def test_a_movement_is_as_long_as_it_says(length, angle) -> None:
    kernel = motion(length, angle)
    half = kernel.shape[0] // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = x * np.cos(angle) + y * np.sin(angle)
    assert (kernel * along**2).sum() == pytest.approx(length**2 / 12, rel=0.25)  # of a uniform line
    assert len(np.unique(kernel.round(4))) > 3 or angle == 0  # it has no steps


def test_what_is_darkened_shines_in_places() -> None:
    colours, alpha = disc()
    results = [darken(colours, alpha, np.random.default_rng(seed)) for seed in range(20)]
    inside = alpha > 0.9
    bright = np.median(colours[inside].mean(axis=1))
    assert all(np.median(result[inside].mean(axis=1)) < 0.7 * bright for result in results)
    assert max(result[inside].max() for result in results) > 150


def test_effects_change_what_is_pasted_and_stay_in_the_frame() -> None:
    config = AugmentConfig(blur_chance=1.0, veil_chance=1.0, dark_chance=1.0)
    for seed in range(30):
        canvas = np.full((64, 96, 3), 255, np.uint8)
        alpha = paste(*disc(), canvas, np.random.default_rng(seed), effect=Effects(config))
        assert alpha.shape == (64, 96)
        assert 0.2 < alpha.max() <= 0.91  # it is seen through
        assert np.all(canvas[alpha == 0] == 255)
        assert canvas[alpha > 0.3].mean() < 220


def test_strands_grow_from_what_is_pasted() -> None:
    canvases = []
    for chance in (0.0, 1.0):
        canvas = np.full((128, 128, 3), 255, np.uint8)
        effect = Effects(AugmentConfig(strands_chance=chance))
        alpha = paste(*disc(), canvas, np.random.default_rng(5), effect=effect)
        canvases.append(np.mean((alpha > 0.05) & (alpha < 0.95)))
    assert canvases[1] > canvases[0] + 0.01


def test_samples_of_several_objects_and_of_none(config) -> None:
    config.augment.several_chance = 1.0
    for entry in config.data.train:
        entry.paste = 1.0
    samples = TrainingSet(config)
    parts = [
        cv2.connectedComponents((samples[Draw(i, i, (64, 64))][1][0].numpy() > 0.5).astype(np.uint8))[0] - 1
        for i in range(12)
    ]
    assert max(parts) >= 2
    config.data.empty = 1.0
    assert TrainingSet(config)[Draw(0, 0, (64, 64))][1].max() == 0
