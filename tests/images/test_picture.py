"""Every kind of picture, array and tensor is taken for what it shows."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps

from transparent_background.errors import InputError, UnreadableError
from transparent_background.images.picture import from_array, from_pil, from_tensor, to_pil

GRADIENT = np.linspace(0, 255, 12 * 16 * 3).reshape(12, 16, 3).astype(np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "RGBX", "L", "1", "P", "CMYK", "YCbCr", "HSV"])
def test_opaque_modes_become_what_pillow_shows(mode) -> None:
    image = Image.fromarray(GRADIENT).convert(mode)
    picture = from_pil(image)
    np.testing.assert_array_equal(picture.rgb, np.asarray(image.convert("RGB")))
    assert picture.alpha is None
    assert picture.size == (12, 16)
    assert picture.rgb.flags.c_contiguous


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_transparent_modes_keep_their_alpha(mode) -> None:
    alpha = np.full((12, 16), 255, np.uint8)
    alpha[:6] = 51
    base = Image.fromarray(GRADIENT).convert("LA" if mode in ("LA", "La") else "RGBA")
    base.putalpha(Image.fromarray(alpha))
    picture = from_pil(base.convert(mode))
    np.testing.assert_allclose(picture.alpha, alpha / 255, atol=1e-6)


def test_a_colour_named_transparent_is(tmp_path) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 9, 8, 7, 200, 100, 50])
    image.putpixel((0, 0), 2)
    image.save(tmp_path / "p.png", transparency=2)
    with Image.open(tmp_path / "p.png") as opened:
        picture = from_pil(opened)
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0
    assert picture.alpha[1:].min() == 1
    assert tuple(picture.rgb[1, 1]) == (9, 8, 7)


def test_alpha_that_is_opaque_everywhere_is_none() -> None:
    assert from_pil(Image.new("RGBA", (3, 3), (1, 2, 3, 255))).alpha is None


def test_sixteen_bit_grey_keeps_its_bits() -> None:
    values = np.arange(12 * 16, dtype=np.uint16).reshape(12, 16) * 341
    picture = from_pil(Image.fromarray(values))
    assert picture.rgb.dtype == np.uint16
    np.testing.assert_array_equal(picture.rgb[..., 1], values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 65535]], np.int32), np.array([[0, 65535]], np.uint16)),
        (np.array([[-100, 100]], np.int32), np.array([[0, 65535]], np.uint16)),
        (np.array([[0.0, 0.5]], np.float32), np.array([[0.0, 0.5]], np.float32)),
        (np.array([[0.0, 127.5]], np.float32), np.array([[0.0, 0.5]], np.float32)),
        (np.array([[-2.0, 2.0]], np.float32), np.array([[0.0, 1.0]], np.float32)),
    ],
)
def test_wide_greys_are_brought_to_range(values, expected) -> None:
    picture = from_pil(Image.fromarray(values))
    assert picture.rgb.dtype == expected.dtype
    np.testing.assert_allclose(picture.rgb[..., 0], expected)


def test_nan_in_a_float_picture_is_refused() -> None:
    with pytest.raises(InputError, match="NaN"):
        from_pil(Image.fromarray(np.array([[np.nan, 1.0]], np.float32)))


def test_cmyk_and_lab_go_through_their_profile() -> None:
    srgb = ImageCms.createProfile("sRGB")
    lab_profile = ImageCms.createProfile("LAB")
    image = Image.fromarray(GRADIENT)
    lab = ImageCms.profileToProfile(image, srgb, lab_profile, outputMode="LAB")
    lab.info["icc_profile"] = ImageCms.ImageCmsProfile(lab_profile).tobytes()
    picture = from_pil(lab)
    assert np.abs(picture.rgb.astype(int) - GRADIENT).max() <= 8  # LAB has 8 bits too
    assert picture.metadata.icc_profile is None  # it was of LAB values


def test_a_broken_profile_does_not_stop_a_picture() -> None:
    image = Image.fromarray(GRADIENT).convert("CMYK")
    image.info["icc_profile"] = b"nonsense"
    np.testing.assert_array_equal(from_pil(image).rgb, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(orientation) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.fromarray(GRADIENT).save(file, "PNG", exif=exif)
    with Image.open(file) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
        picture = from_pil(image)
    np.testing.assert_array_equal(picture.rgb, expected)
    block = Image.Exif()
    block.load(picture.metadata.exif)
    assert block.get(0x0112, 1) == 1


def test_a_truncated_picture_is_no_picture() -> None:
    file = io.BytesIO()
    Image.fromarray(np.tile(GRADIENT, (20, 20, 1))).save(file, "JPEG")
    with Image.open(io.BytesIO(file.getvalue()[:-400])) as image, pytest.raises(UnreadableError):
        from_pil(image)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_number_arrays_are_taken_as_they_are(dtype) -> None:
    array = (GRADIENT.astype(np.uint16) * 257 if dtype == np.uint16 else GRADIENT).astype(dtype)
    np.testing.assert_array_equal(from_array(array).rgb, array)
    for grey in (array[..., 0], array[..., :1]):
        np.testing.assert_array_equal(from_array(grey).rgb, np.repeat(array[..., :1], 3, axis=2))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_float_arrays_become_float32(dtype) -> None:
    picture = from_array((GRADIENT / 255).astype(dtype))
    assert picture.rgb.dtype == np.float32
    np.testing.assert_allclose(picture.rgb, GRADIENT / 255, atol=1e-3)


def test_the_fourth_channel_is_alpha() -> None:
    array = np.dstack([GRADIENT, np.full((12, 16), 51, np.uint8)])
    np.testing.assert_allclose(from_array(array).alpha, 0.2, atol=1e-6)


def test_bool_arrays_are_black_and_white() -> None:
    assert set(np.unique(from_array(np.eye(4, dtype=bool)).rgb)) == {0, 255}


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 3, 4, 5), np.uint8), r"\(2, 3, 4, 5\)"),
        (np.zeros((4, 4, 2), np.uint8), r"\(4, 4, 2\)"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.zeros((4, 4, 3), np.complex64), "complex64"),
        (np.full((4, 4, 3), np.nan), "NaN"),
        (np.full((4, 4, 3), np.inf), "NaN or infinite"),
        (np.full((4, 4, 3), 200.0), "from 200 to 200.*uint8"),
        (np.full((4, 4, 3), -0.1), r"\[0, 1\]"),
    ],
)
def test_other_arrays_are_refused_with_the_reason(array, words) -> None:
    with pytest.raises(InputError, match=words) as caught:
        from_array(array)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("batch", [False, True])
def test_tensors_are_channels_first(dtype, batch) -> None:
    tensor = torch.from_numpy(GRADIENT.copy()).permute(2, 0, 1)
    tensor = tensor if dtype == torch.uint8 else (tensor / 255).to(dtype)
    picture = from_tensor(tensor[None] if batch else tensor)
    assert picture.size == (12, 16)
    scale = 1 if dtype == torch.uint8 else 255
    np.testing.assert_allclose(picture.rgb * float(scale), GRADIENT, atol=1.1)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (5, 4, 5), (4, 4)])
def test_other_tensors_are_refused(shape) -> None:
    with pytest.raises(InputError, match="tensor of shape"):
        from_tensor(torch.zeros(shape))


def test_eight_bit_pictures_are_rounded_not_cut() -> None:
    grey = np.array([[0.0, 0.4999, 0.998, 1.0]], np.float32)
    np.testing.assert_array_equal(np.asarray(to_pil(grey)), [[0, 127, 254, 255]])
    rgba = to_pil(np.full((2, 2, 3), 65535 // 2, np.uint16), np.full((2, 2), 0.5, np.float32))
    assert rgba.mode == "RGBA"
    assert rgba.getpixel((0, 0)) == (127, 127, 127, 128)
