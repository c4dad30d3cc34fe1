"""Remover: whatever a picture comes as, the same matte; whatever is wrong, one clear line."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from drawing import draw_object
from PIL import Image
from reference_weights import published_state_dict
from safetensors.torch import save_file

import transparent_background
from transparent_background import Remover, remove
from transparent_background.errors import (
    CheckpointError,
    DeviceError,
    InputError,
    UnknownModeError,
    UnknownTypeError,
    UsageError,
)
from transparent_background.matting.preprocess import dynamic_size, pass_sizes
from transparent_background.types import MAX_AREA, MAX_SIDE


@pytest.fixture(scope="module")
def remover() -> Remover:
    return Remover("lite", device="cpu")


def test_a_photo_becomes_a_cut_out(remover, photo) -> None:
    cutout = remover.process(photo)
    assert (cutout.mode, cutout.size) == ("RGBA", photo.size)
    alpha = np.asarray(cutout.getchannel("A")).astype(int)
    assert alpha[48, 64] > alpha[:4].mean() + 60  # the disc stands out against the border


def test_every_kind_of_input_gives_the_same_matte(remover, photo, tmp_path) -> None:
    expected = remover.alpha(photo)
    assert expected.dtype == np.float32
    assert expected.shape == (96, 128)
    assert 0 <= expected.min() < expected.max() <= 1
    array = np.asarray(photo)
    photo.save(tmp_path / "photo.png")
    file = io.BytesIO()
    photo.save(file, "PNG")
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    for other in (
        array,
        array.astype(np.uint16) * 257,
        (array / 255).astype(np.float32),
        array / 255,
        tensor,
        tensor[None] / 255,
        tmp_path / "photo.png",
        str(tmp_path / "photo.png"),
        file.getvalue(),
    ):
        np.testing.assert_allclose(remover.alpha(other), expected, atol=1e-4)


def test_results_are_of_the_kind_that_was_given(remover, photo, tmp_path) -> None:
    array = np.asarray(photo)
    assert isinstance(remover.process(photo, "white"), Image.Image)
    photo.save(tmp_path / "photo.png")
    assert isinstance(remover.process(tmp_path / "photo.png"), Image.Image)
    for dtype in (np.uint8, np.uint16, np.float32, np.float64):
        scale = {"u": np.iinfo(dtype).max / 255 if np.dtype(dtype).kind == "u" else 0, "f": 1 / 255}
        given = (array * scale[np.dtype(dtype).kind]).astype(dtype)
        for kind, channels in (("rgba", 4), ("map", 3), ("green", 3)):
            result = remover.process(given, kind)
            assert (result.dtype, result.shape) == (dtype, (96, 128, channels))
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    assert remover.process(tensor).shape == (4, 96, 128)
    half = remover.process((tensor / 255).half()[None], "white")
    assert (half.shape, half.dtype) == ((1, 3, 96, 128), torch.float16)


def test_sixteen_bit_arrays_keep_their_bits(remover) -> None:
    deep = draw_object().astype(np.uint16) * 257 + 5
    result = remover.process(deep, "rgba", foreground="original")
    np.testing.assert_array_equal(result[..., :3], deep)


def test_threshold_reverse_and_own_transparency(remover, photo) -> None:
    alpha = remover.alpha(photo)
    hard = remover.alpha(photo, threshold="0.4")
    np.testing.assert_array_equal(hard, alpha > 0.4)
    np.testing.assert_allclose(remover.alpha(photo, reverse=True), 1 - alpha, atol=1e-6)
    np.testing.assert_array_equal(remover.alpha(photo, threshold=0.4, reverse=True), 1 - hard)
    see_through = photo.copy()
    see_through.putalpha(51)
    np.testing.assert_allclose(remover.alpha(see_through), alpha * 0.2, atol=1e-4)


def test_orientation_is_applied(remover, photo) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    photo.save(file, "PNG", exif=exif)
    assert remover.process(Image.open(file)).size == (96, 128)  # upright: width and height changed places


LONG_SIZES = [pytest.param(size, marks=pytest.mark.slow) for size in ((1, 300), (33, 1000))]


@pytest.mark.parametrize("size", [(1, 1), (300, 1), (7, 5), *LONG_SIZES])
def test_every_size_works(remover, size) -> None:
    image = np.full((*size, 3), 127, np.uint8)
    assert remover.process(image).shape == (*size, 4)
    assert np.isfinite(remover.alpha(image)).all()


def test_a_batch_equals_one_by_one(remover) -> None:
    images = [draw_object(96, 128), draw_object(300, 260), draw_object(50, 60), draw_object(310, 250)]
    together = remover.process_batch(images, "map", batch_size=4)
    for image, result in zip(images, together, strict=True):
        assert np.abs(result.astype(int) - remover.process(image, "map")).max() <= 1


def test_blending_changes_edges_only_and_static_is_one_pass() -> None:
    image = draw_object(400, 480)
    blended = Remover("lite").alpha(image)
    static = Remover("lite", resize="static").alpha(image)
    assert blended.shape == static.shape
    changed = np.abs(blended - static) > 0.02
    assert 0 < changed.mean() < 0.5
    assert Remover("lite").resize == "blend"


def test_normalisation_can_be_chosen() -> None:
    empty = np.full((64, 64, 3), 90, np.uint8)
    raw = Remover("lite", normalisation="sigmoid").alpha(empty)
    stretched = Remover("lite", normalisation="minmax").alpha(empty)
    assert raw.max() < 0.9
    assert stretched.max() > 0.95
    assert stretched.min() < 0.05


def test_jit_gives_the_same_at_a_fixed_size(photo) -> None:
    recorded = Remover("lite", jit=True)
    plain = Remover("lite", resize="static")
    assert recorded.resize == "static"
    np.testing.assert_allclose(recorded.alpha(photo), plain.alpha(photo), atol=1e-4)
    images = [np.asarray(photo)] * 2
    assert len(recorded.process_batch(images, batch_size=2)) == 2


def test_the_thin_function_does_the_same(remover, photo) -> None:
    result = remove(photo, mode="lite", type="white")
    assert np.array_equal(np.asarray(result), np.asarray(remover.process(photo, "white")))


def test_public_names_are_what_they_say() -> None:
    assert dir(transparent_background) == ["Camera", "Remover", "__version__", "errors", "remove"]
    for name in ("Camera", "Remover", "remove"):
        assert getattr(transparent_background, name).__name__ == name
    assert transparent_background.errors.UsageError is UsageError
    with pytest.raises(AttributeError):
        transparent_background.no_such_name  # noqa: B018


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"mode": "nope"}, UnknownModeError, "'nope' is unknown; choose from base"),
        ({"mode": "lite", "device": "cuda:99"}, DeviceError, "cuda:99"),
        ({"mode": "lite", "device": "tpu"}, DeviceError, "'tpu' is"),
        ({"mode": "lite", "resize": "huge"}, UsageError, "choose from static, dynamic, blend"),
        ({"mode": "lite", "normalisation": "x"}, UsageError, "choose from minmax, sigmoid"),
        ({"mode": "lite", "ckpt": "/no/such.pth"}, CheckpointError, "no such checkpoint file"),
    ],
)
def test_wrong_settings_are_refused_with_one_line(arguments, error, words) -> None:
    with pytest.raises(error, match=words) as caught:
        Remover(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"type": "sepia"}, UnknownTypeError, "'sepia' is unknown; choose rgba, map"),
        ({"type": "[1, 2]"}, UnknownTypeError, "1, 2"),
        ({"type": "[1, 2, 300]"}, UnknownTypeError, "300"),
        ({"threshold": 1.5}, UsageError, "1.5"),
        ({"threshold": float("nan")}, UsageError, "nan"),
        ({"threshold": "half"}, UsageError, "half"),
        ({"fit": "zoom"}, UsageError, "choose from cover"),
        ({"foreground": "best"}, UsageError, "choose from auto"),
    ],
)
def test_wrong_options_are_refused_with_one_line(remover, photo, options, error, words) -> None:
    with pytest.raises(error, match=words) as caught:
        remover.process(photo, **options)
    assert "\n" not in str(caught.value)


def test_things_that_are_no_pictures_are_refused(remover) -> None:
    with pytest.raises(InputError, match="cannot be made of int"):
        remover.process(3)
    with pytest.raises(InputError, match="NaN"):
        remover.process(np.full((4, 4, 3), np.nan))


def test_a_published_checkpoint_is_recognised_without_a_mode(tmp_path, photo) -> None:
    path = tmp_path / "own.pth"
    torch.save({f"module.{key}": value for key, value in published_state_dict("res2net50").items()}, path)
    remover = Remover(ckpt=path, device="cpu")
    assert remover.checkpoint.backbone == "res2net50d"
    assert remover.checkpoint.base_size == (384, 384)
    assert remover.alpha(photo).shape == (96, 128)


def test_weights_of_another_network_are_refused(tmp_path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(CheckpointError, match=r"resnet\.pth: not a checkpoint of this network.*depth 64"):
        Remover("lite", ckpt=path)
    with pytest.raises(CheckpointError, match=r"resnet\.pth.*name the mode"):
        Remover(ckpt=path)


def test_a_file_that_describes_itself_is_believed(tmp_path, photo) -> None:
    from transparent_background.checkpoints import find, local_path
    from transparent_background.model import read_state_dict

    state, metadata = read_state_dict(local_path(find("lite")))
    save_file(state, tmp_path / "mine.safetensors", metadata=metadata)
    mine = Remover(ckpt=tmp_path / "mine.safetensors")
    assert (mine.checkpoint.depth, mine.checkpoint.base_size, mine.resize) == (64, (320, 320), "blend")
    np.testing.assert_array_equal(mine.alpha(photo), Remover("lite").alpha(photo))


def test_a_tilde_in_ckpt_is_expanded(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        Remover("lite", ckpt="~/mine.pth")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1000, 1500), (992, 1504)),  # as 1.3.4: sides to the nearest multiple of 32
        ((2000, 3000), (1280, 1920)),
        ((3000, 2000), (1920, 1280)),
        ((5, 4000), (32, 4000)),
        ((10, 10), (32, 32)),
    ],
)
def test_dynamic_sizes(size, expected) -> None:
    assert dynamic_size(size) == expected


@pytest.mark.parametrize("short", [1, 5, 31, 33, 47, 100, 1281])
@pytest.mark.parametrize("long", [4000, 20_000, 131_073, 1_000_000, 50_000_000])
@pytest.mark.parametrize("side", [None, 448, 10**5])
def test_no_pass_is_larger_than_a_pass_may_be(short, long, side) -> None:
    """Rounding up to 32 once made of a picture 1 pixel high one of 32 times its area."""
    more = {} if side is None else {"short_side": side, "enlarge": True}
    for size in ((short, long), (long, short)):
        height, width = dynamic_size(size, **more)
        assert height * width <= MAX_AREA
        assert max(height, width) <= MAX_SIDE
        assert height % 32 == width % 32 == 0
        assert (height < width) == (size[0] < size[1])
        for method in ("static", "dynamic", "blend"):
            for one in pass_sizes(size, (384, 384), method, **more):
                assert one is None or one[0] * one[1] <= MAX_AREA


def test_a_panorama_is_capped_and_that_is_said(caplog) -> None:
    height, width = dynamic_size((2000, 40_000))
    assert height * width <= 4.3e6
    assert width / height == pytest.approx(20, rel=0.05)
    assert "too much memory" in caplog.text


def test_blending_needs_a_picture_larger_than_its_base() -> None:
    assert pass_sizes((500, 2000), (384, 384), "blend") == ((384, 384), None)  # as published
    assert pass_sizes((600, 800), (384, 384), "blend") == ((608, 800), (384, 384))
    assert pass_sizes((600, 800), (1024, 1024), "static") == ((1024, 1024), None)
    assert pass_sizes((600, 800), (384, 384), "dynamic") == ((608, 800), None)
