"""Mattes of films: flicker goes, nothing trails, a cut starts anew; enlarging follows the picture's edges."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from transparent_background.matting.pictures import guided_upsample
from transparent_background.matting.steady import Steadier

SIZE = (120, 160)


def textured(seed: int = 0) -> np.ndarray:
    """Return a smooth, busy picture (h, w, 3) uint8 that optical flow can follow."""
    import cv2

    noise = np.random.default_rng(seed).integers(0, 256, (SIZE[0] // 4, SIZE[1] // 4, 3), np.uint8)
    return cv2.resize(noise, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def disc(x: float, radius: float = 22) -> np.ndarray:
    rows, columns = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    distance = np.hypot(rows - 60, columns - x)
    return np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32)


def scene(x: float, ground: np.ndarray, figure: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a frame in which a textured disc stands at ``x``, and its matte."""
    alpha = disc(x)
    moved = np.roll(figure, round(x), axis=1)
    return (alpha[..., None] * moved + (1 - alpha[..., None]) * ground).astype(np.uint8), alpha


def flicker(mattes: list[np.ndarray]) -> float:
    return float(np.mean([np.abs(a - b).mean() for a, b in pairwise(mattes)]))


def test_flicker_on_a_still_scene_goes() -> None:
    rng = np.random.default_rng(2)
    frame, truth = scene(80, textured(1), textured(2))
    truth = (0.2 + 0.6 * truth).astype(np.float32)  # so that noise on it has no bias
    noisy = [truth + rng.uniform(-0.2, 0.2, SIZE).astype(np.float32) for _ in range(20)]
    steadier = Steadier()
    steady = [steadier(frame, matte) for matte in noisy]
    assert flicker(steady[8:]) < 0.25 * flicker(noisy[8:])
    assert np.abs(steady[-1] - truth).mean() < 0.6 * np.abs(noisy[-1] - truth).mean()


def test_a_matte_that_is_lost_for_a_frame_is_bridged() -> None:
    frame, truth = scene(80, textured(1), textured(2))
    steadier = Steadier()
    for _ in range(4):
        steadier(frame, truth)
    bridged = steadier(frame, np.zeros(SIZE, np.float32))
    assert bridged[truth > 0.9].mean() > 0.7


def test_nothing_trails_behind_what_moves() -> None:
    ground, figure = textured(3), textured(4)
    steadier = Steadier()
    for step in range(12):
        x = 40 + 6 * step
        frame, truth = scene(x, ground, figure)
        steady = steadier(frame, truth)
        wrong = np.abs(steady - truth)
        assert wrong.mean() < 0.02, f"step {step}"
        behind = disc(x - 24) * (1 - disc(x, 25))  # where it was and is no more
        if step > 4:
            assert (steady * behind).sum() < 0.12 * behind.sum()


def test_a_cut_starts_anew() -> None:
    steadier = Steadier()
    frame, truth = scene(60, textured(1), textured(2))
    for _ in range(3):
        steadier(frame, truth)
    other, matte = scene(110, textured(7), textured(8))
    assert np.array_equal(steadier(other, matte), matte)
    assert steadier.cuts == 1


def test_a_first_frame_and_another_size_are_taken_as_they_are() -> None:
    steadier = Steadier()
    frame, truth = scene(60, textured(1), textured(2))
    assert steadier(frame, truth) is truth
    smaller = truth[::2, ::2].copy()
    assert np.array_equal(steadier(frame, smaller), smaller)
    steadier.reset()
    assert np.array_equal(steadier(frame, 1 - smaller), 1 - smaller)


def test_an_enlarged_matte_lies_on_the_pictures_edge() -> None:
    import cv2

    truth = disc(80)
    big = cv2.resize((truth > 0.5).astype(np.float32), None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    big = (cv2.GaussianBlur(big, (0, 0), 3) > 0.5).astype(np.float32)
    picture = np.where(big[..., None] > 0, (220, 200, 190), (40, 60, 90)).astype(np.uint8)
    coarse = cv2.resize(big, (80, 60), interpolation=cv2.INTER_AREA)
    guided = guided_upsample(coarse, picture)
    plain = cv2.resize(coarse, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    assert guided.shape == big.shape
    assert guided.dtype == np.float32
    assert (guided.min(), guided.max()) >= (0, 0.99)
    assert guided.max() <= 1
    assert np.abs(guided - big).mean() < 0.6 * np.abs(plain - big).mean()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_flat_matte_stays_flat_whatever_the_picture(value) -> None:
    matte = np.full((30, 40), value, np.float32)
    assert np.abs(guided_upsample(matte, textured(5)) - value).max() < 1e-3
