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


def test_files_are_turned_and_pictures_in_memory_keep_their_size(remover, photo, tmp_path) -> None:
    """A mask must fit the picture that it was made for; what was opened may have been converted since."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.png"
    photo.save(path, exif=exif)
    assert photo.size == (128, 96)
    for opened in (path, path.read_bytes(), io.BytesIO(path.read_bytes())):
        assert remover.process(opened).size == (96, 128)  # upright: width and height changed places
    for held in (Image.open(path), Image.open(path).convert("RGB")):
        assert held.getexif()[0x0112] == 6
        assert remover.process(held).size == (128, 96)
        assert remover.process(held, orient=True).size == (96, 128)
        assert remover.alpha(held).shape == (96, 128)
        assert remover.alpha(held, orient=True).shape == (128, 96)
    kept = np.asarray(remover.process(Image.open(path)))
    assert np.array_equal(kept, np.asarray(remover.process(photo)))


@pytest.mark.parametrize("colour", ["black", "white", "grey", "red", "#003cc8"])
def test_a_picture_of_one_colour_has_no_object(remover, colour) -> None:
    flat = np.array(Image.new("RGB", (90, 60), colour))
    assert remover.alpha(flat).max() == 0
    noise = np.random.default_rng(0).integers(0, 4, flat.shape, np.uint8)
    assert remover.alpha(np.where(flat < 128, flat + noise, flat - noise)).max() == 0
    assert np.asarray(remover.process(flat, crop=0)).shape == (60, 90, 4)  # nothing to crop to
    deep = flat.astype(np.uint16) * 257
    assert remover.alpha(deep).max() == 0


def test_a_flat_picture_is_empty_among_others_and_not_if_it_has_a_shape_of_its_own(remover, photo) -> None:
    flat = Image.new("RGB", photo.size, "navy")
    mattes = [matte[..., 0] for matte in map(np.asarray, remover.process_batch([flat, photo, flat], "map"))]
    assert [matte.max() > 0 for matte in mattes] == [False, True, False]
    logo = flat.copy()
    logo.putalpha(photo.convert("L"))
    assert remover.alpha(logo).max() > 0


def test_open_files_are_read_from_their_start(remover, photo, tmp_path) -> None:
    memory = io.BytesIO()
    photo.save(memory, "PNG")
    photo.save(tmp_path / "photo.png")
    expected = np.asarray(remover.process(tmp_path / "photo.png"))
    assert np.array_equal(np.asarray(remover.process(memory)), expected)  # it stands at its end
    with (tmp_path / "photo.png").open("rb") as file:
        assert np.array_equal(np.asarray(remover.process(file)), expected)
        assert not file.closed
    with pytest.raises(InputError, match="binary mode"):
        remover.process(object())


def test_tensors_with_channels_last_come_back_so(remover, photo) -> None:
    """As nodes of ComfyUI hold them: (1, h, w, 3), floats."""
    first = torch.from_numpy(np.asarray(photo).copy()).permute(2, 0, 1)
    expected = remover.process(first)
    assert expected.shape == (4, 96, 128)
    last = first.permute(1, 2, 0)
    assert torch.equal(remover.process(last), expected.permute(1, 2, 0))
    batch = (last.float() / 255)[None]
    assert remover.process(batch, "map").shape == (1, 96, 128, 3)


def test_a_picture_in_memory_lies_behind(remover, photo, tmp_path) -> None:
    behind = Image.effect_noise((200, 150), 80).convert("RGB")
    behind.save(tmp_path / "behind.png")
    expected = np.asarray(remover.process(photo, tmp_path / "behind.png"))
    array = np.asarray(behind)
    for held in (behind, array, torch.from_numpy(array.copy())):
        assert np.array_equal(np.asarray(remover.process(photo, held)), expected)
    tiled = remover.process(photo, behind, fit="tile")
    assert np.array_equal(tiled, remover.process(photo, tmp_path / "behind.png", fit="tile"))
    assert np.array_equal(remover.process(photo, np.array([255, 0, 0])), remover.process(photo, "#f00"))


def test_a_colour_with_an_opacity_leaves_a_transparent_picture(remover, photo) -> None:
    plain = np.asarray(remover.process(photo))
    half = np.asarray(remover.process(photo, "#ff000080"))
    clear = plain[..., 3] == 0
    assert clear.any()
    assert np.abs(half[clear].astype(int) - [255, 0, 0, 128]).max() <= 1
    assert np.array_equal(half[plain[..., 3] == 255], plain[plain[..., 3] == 255])
    assert np.array_equal(remover.process(photo, (255, 0, 0, 128)), half)
    assert np.array_equal(remover.process(photo, "#ff0000ff"), remover.process(photo, "#ff0000"))


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


@pytest.mark.parametrize("resize", ["static", "blend"])
def test_a_sheet_shows_the_levels_of_the_pyramid(photo, resize) -> None:
    remover = Remover("lite", device="cpu", resize=resize)
    sheet = remover.process(np.asarray(photo), "debug")
    height, width = 96, 128
    assert sheet.shape == (2 * height, 5 * width, 3)
    tiles = [np.hsplit(row, 5) for row in np.vsplit(sheet, 2)]
    assert np.array_equal(tiles[0][0], np.asarray(photo))
    matte = remover.alpha(photo)
    assert np.abs(tiles[1][0][..., 0] / 255 - matte).mean() < 0.02
    finest = tiles[0][4][..., 0] / 255  # the matte is made of it
    assert np.corrcoef(finest.ravel(), matte.ravel())[0, 1] > 0.95
    assert np.abs(tiles[1][3][..., 0].astype(int) - 128).mean() < np.abs(tiles[0][4].astype(int) - 128).mean()
