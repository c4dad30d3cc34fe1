"""Results equal those of transparent-background 1.3.4 where it was right."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from finishing import made
from PIL import Image

from transparent_background.compositing.finish import finish
from transparent_background.errors import InputError
from transparent_background.images.picture import Picture
from transparent_background.options.result_types import Blur, Matte, Overlay, Rgba, Solid, parse_type
from transparent_background.options.settings import Settings

CPU = torch.device("cpu")


@pytest.fixture
def alpha():
    matte = np.zeros((90, 120), np.float32)
    matte[25:70, 30:90] = 1
    return cv2.GaussianBlur(matte, (0, 0), 4)


def over(image, matte, background):
    """Blend and truncate as 1.3.4 does (Remover.process: float64, then astype(uint8))."""
    matte = matte[..., None].astype(np.float64)
    return (image * matte + background * (1 - matte)).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "colour"),
    [("green", (120, 255, 155)), ("white", (255, 255, 255)), ("[255, 0, 7]", (255, 0, 7))],
)
def test_colours_equal_the_published_result(photo, alpha, name, colour):
    ours = made(photo, alpha, parse_type(name), foreground="original").rgb
    assert abs(ours.astype(int) - over(photo, alpha, np.array(colour))).max() <= 1


def test_overlay_equals_the_published_result(photo, alpha):
    tint = (np.array([120.0, 255.0, 155.0]) + photo) // 2
    published = over(tint, alpha, photo)
    edge = cv2.Canny(((alpha > 0.5) * 255).astype(np.uint8), 50, 100)
    published[edge != 0] = [120, 255, 155]
    ours = made(photo, alpha, Overlay()).rgb
    assert abs(ours.astype(int) - published).max() <= 2


def test_a_stretched_background_equals_the_published_result(photo, alpha, tmp_path):
    rng = np.random.default_rng(3)
    behind = rng.integers(0, 256, (50, 200, 3), dtype=np.uint8)
    path = tmp_path / "room.png"
    Image.fromarray(behind).save(path)
    ours = made(photo, alpha, parse_type(str(path)), fit="stretch", foreground="original").rgb
    published = over(photo, alpha, cv2.resize(behind, (120, 90)))
    assert abs(ours.astype(int) - published).max() <= 2


def test_map_is_alpha(photo, alpha):
    result = made(photo, alpha, Matte())
    assert result.rgb is None
    np.testing.assert_array_equal(result.grey, alpha)


def test_blur_far_from_the_object_equals_the_published_result():
    rng = np.random.default_rng(4)
    image = cv2.GaussianBlur(rng.integers(0, 256, (400, 600, 3), dtype=np.uint8), (0, 0), 3)
    matte = np.zeros((400, 600), np.float32)
    matte[100:300, 20:150] = 1
    ours = made(image, matte, Blur()).rgb
    published = cv2.GaussianBlur(image, (0, 0), 15)
    far = (slice(80, 320), slice(300, 520))
    assert abs(ours[far].astype(int) - published[far]).max() <= 2


@pytest.mark.parametrize("scale", [1, 4])
def test_blur_has_no_halo(scale):
    size = (100 * scale, 120 * scale)
    matte = np.zeros(size, np.float32)
    matte[30 * scale : 70 * scale, 40 * scale : 80 * scale] = 1
    image = np.where(matte[..., None] > 0, np.uint8([250, 10, 10]), np.uint8([20, 60, 90]))
    ours = made(image, matte, Blur()).rgb
    assert abs(ours[matte == 0].astype(int) - [20, 60, 90]).max() <= 1
    np.testing.assert_array_equal(ours[matte == 1], image[matte == 1])


def test_a_cut_out_has_no_fringe_over_black_or_white():
    matte = cv2.GaussianBlur(np.pad(np.ones((40, 40), np.float32), 40), (0, 0), 4)
    image = over(np.uint8([200, 30, 30]), matte, np.uint8([20, 200, 20]))
    result = made(image, matte, Rgba())
    soft = (matte > 0.1) & (matte < 0.9)
    assert abs(result.rgb[soft].astype(int) - [200, 30, 30]).max() <= 8
    np.testing.assert_array_equal(result.alpha, matte)
    original = made(image, matte, Rgba(), foreground="original")
    np.testing.assert_array_equal(original.rgb, image)


def test_a_binary_matte_keeps_the_pictures_colours(photo, alpha):
    result = made(photo, alpha, Rgba(), threshold=0.5)
    np.testing.assert_array_equal(result.rgb, photo)


def test_on_a_new_background_colours_are_estimated_unless_the_photo_s_own_are_asked_for():
    matte = cv2.GaussianBlur(np.pad(np.ones((40, 40), np.float32), 40), (0, 0), 4)
    image = over(np.uint8([200, 30, 30]), matte, np.uint8([20, 200, 20]))
    wanted = over(np.uint8([200, 30, 30]), matte, np.uint8([255, 255, 255]))
    white = Solid((255, 255, 255))
    estimate = made(image, matte, white).rgb
    plain = made(image, matte, white, foreground="original").rgb
    assert abs(estimate.astype(int) - wanted).max() <= 5
    assert abs(plain.astype(int) - wanted).max() > 30


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("kind", [Rgba(), Blur(), Overlay(), Solid((120, 255, 155))])
def test_deep_pictures_stay_deep(photo, alpha, dtype, kind):
    deep = (photo * np.float32(257)).astype(np.uint16)
    if dtype == np.float32:
        deep = photo / np.float32(255)
    white = 65535 if dtype == np.uint16 else 1
    result = made(deep, alpha, kind).rgb
    assert result.dtype == dtype
    shallow = made(photo, alpha, kind).rgb
    assert abs(result / white - shallow / 255).max() < 2 / 255


def test_strips_do_not_show(monkeypatch, photo, alpha):
    kinds = [Solid((1, 2, 3)), Overlay(), Blur()]
    whole = [made(photo, alpha, kind).rgb for kind in kinds]
    monkeypatch.setattr("transparent_background.compositing.strips.STRIP_PIXELS", 120 * 16)
    for kind, expected in zip(kinds, whole, strict=True):
        ours = made(photo, alpha, kind).rgb
        assert abs(ours.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("kind", [Rgba(), Matte(), Blur(), Overlay(), Solid((1, 2, 3))])
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 3)])
def test_tiny_pictures_work(kind, size):
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    result = made(image, rng.random(size, dtype=np.float32), kind)
    assert result.size == size


def test_threshold_comes_before_reverse_and_own_transparency_last():
    alpha = np.array([[0.2, 0.5, 0.7]], np.float32)
    own = np.array([[0.5, 1, 1]], np.float32)
    settings = Settings(type=Matte(), threshold=0.5, reverse=True)
    finished = finish(Picture(np.zeros((1, 3, 3), np.uint8), own), alpha, settings, CPU).alpha
    np.testing.assert_array_equal(finished, [[0.5, 1, 0]])
    np.testing.assert_array_equal(alpha, np.array([[0.2, 0.5, 0.7]], np.float32))


def test_a_matte_of_another_size_is_refused(photo):
    with pytest.raises(InputError):
        made(photo, np.zeros((5, 5), np.float32), Rgba())
