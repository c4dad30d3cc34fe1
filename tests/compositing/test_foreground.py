"""Foreground estimation on composites whose foreground, alpha and background are known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from transparent_background.compositing.foreground import estimate as foreground
from transparent_background.compositing.foreground.estimate import estimate_foreground
from transparent_background.engine.devices import estimates_on


def composite(height=200, width=260, dtype=np.uint8):
    """Make a textured orange disc with hair over a textured blue background."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    disc = ((y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 3) ** 2) * 1.0
    alpha = cv2.GaussianBlur(disc, (0, 0), 3).astype(np.float32)
    hair = np.zeros((height, width), np.float32)
    for angle in rng.uniform(0, 2 * np.pi, 60):
        end = (
            int(width / 2 + width * 0.45 * np.cos(angle)),
            int(height / 2 + height * 0.45 * np.sin(angle)),
        )
        cv2.line(hair, (width // 2, height // 2), end, 0.8, 1, cv2.LINE_AA)
    alpha = np.maximum(alpha, hair)
    wave = np.sin(x / 9) * 0.08
    fore = np.stack([0.85 + wave, 0.5 + wave, 0.2 + wave], -1).astype(np.float32)
    back = np.stack([0.15 - wave, 0.3 + wave, 0.75 + wave], -1).astype(np.float32)
    mixed = fore * alpha[..., None] + back * (1 - alpha[..., None])
    if dtype != np.float32:
        mixed = np.rint(mixed * np.iinfo(dtype).max)
    return mixed.astype(dtype), alpha, fore


def error(estimate, alpha, truth):
    """Return the mean absolute error over soft pixels, weighted by alpha, in bytes."""
    soft = (alpha > 1 / 255) & (alpha < 254 / 255)
    white = 1 if estimate.dtype.kind == "f" else np.iinfo(estimate.dtype).max
    off = np.abs(estimate[soft] / white - truth[soft]).mean(-1)
    return float((off * alpha[soft]).sum() / alpha[soft].sum() * 255)


def test_arrays_can_be_worked_on_on_a_device() -> None:
    image = np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)
    alpha = np.linspace(0, 1, 90, dtype=np.float32)[None].repeat(70, 0)
    there = estimate_foreground(image, alpha, device=torch.device("cpu"))
    assert isinstance(there, np.ndarray)
    assert (there == estimate_foreground(image, alpha)).all()
    assert estimates_on(torch.device("cuda", 1)) == torch.device("cuda", 1)
    assert estimates_on(torch.device("cpu")) is estimates_on(torch.device("mps")) is None


def test_soft_pixels_lose_the_backgrounds_colour():
    image, alpha, truth = composite()
    assert error(image, alpha, truth) > 25
    assert error(estimate_foreground(image, alpha), alpha, truth) < 3


@pytest.fixture
def pymatting() -> Iterator[Any]:
    """Give pymatting, if it is there; its import sets PyTorch's threads, which get their number back."""
    before = torch.get_num_threads()
    try:
        yield pytest.importorskip("pymatting")
    finally:
        torch.set_num_threads(before)


def test_the_error_is_no_worse_than_pymattings(pymatting):
    image, alpha, truth = composite()
    theirs = pymatting.estimate_foreground_ml(image / 255.0, alpha).astype(np.float32)
    ours = error(estimate_foreground(image, alpha), alpha, truth)
    assert ours <= 1.1 * error(theirs, alpha, truth)


def test_opaque_pixels_keep_their_colour_exactly():
    image, alpha, _ = composite()
    opaque = alpha == 1
    assert opaque.any()
    np.testing.assert_array_equal(estimate_foreground(image, alpha)[opaque], image[opaque])


def test_transparent_pixels_far_from_the_object_continue_its_colour():
    image, alpha, _ = composite()
    corner = estimate_foreground(image, alpha)[:10, :10].astype(int)
    assert (corner[..., 0] > corner[..., 2] + 60).all()  # orange, where the picture is blue


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_deep_pictures_keep_their_precision(dtype):
    image, alpha, truth = composite(dtype=dtype)
    estimate = estimate_foreground(image, alpha)
    assert estimate.dtype == dtype
    assert error(estimate, alpha, truth) < 3
    assert len(np.unique(estimate[..., 0])) > 300
    opaque = alpha == 1
    np.testing.assert_array_equal(estimate[opaque], image[opaque])


def test_strips_and_batches_do_not_show(monkeypatch):
    image, alpha, _ = composite(300, 210)
    whole = estimate_foreground(image, alpha)
    monkeypatch.setattr(foreground, "STRIP_PIXELS", 210 * 32)
    monkeypatch.setattr(foreground, "BATCH_WINDOWS", {"cpu": 3, "other": 3})
    pieces = estimate_foreground(image, alpha)
    assert abs(whole.astype(int) - pieces).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (3, 5), (31, 33), (64, 32), (5, 400)])
def test_every_size_works(size):
    rng = np.random.default_rng(0)
    image = np.empty((*size, 3), np.uint8)
    image[:] = 200, 90, 30  # of one colour, so that is the foreground's under any matte
    estimate = estimate_foreground(image, rng.random(size, dtype=np.float32))
    assert estimate.shape == image.shape
    assert abs(estimate.astype(int) - image).max() <= 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_matte_of_one_value_gives_finite_colours(value):
    image, alpha, _ = composite(dtype=np.float32)
    estimate = estimate_foreground(image, np.full_like(alpha, value))
    assert np.isfinite(estimate).all()
    assert estimate.min() >= 0
    assert estimate.max() <= 1


def test_the_inputs_are_left_alone():
    image, alpha, _ = composite()
    image_before, alpha_before = image.copy(), alpha.copy()
    estimate_foreground(image, alpha)
    np.testing.assert_array_equal(image, image_before)
    np.testing.assert_array_equal(alpha, alpha_before)
