"""The form that networks are run in: the same function as the network that is trained."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from networks import SWIN, build, noise
from reference_weights import published_state_dict
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from transparent_background.engine.prepare import lower_precision
from transparent_background.errors import UsageError
from transparent_background.model import (
    InSPyReNet,
    create_backbone,
    fold_batch_norm,
    load_state_dict,
    to_probability,
)
from transparent_background.model.inference import InferenceInSPyReNet, inference_form, kernels, tiles
from transparent_background.model.inference.tiles import Box, boxes_around, convolve, split


@pytest.fixture(scope="module")
def mobile() -> InSPyReNet:
    """A backbone whose first map has stride 2, so that one stage upsamples nothing of it."""
    return build("mobilenetv2_100", (96, 96))


@pytest.fixture(scope="module")
def swin() -> InSPyReNet:
    """Windows of 4 pixels: padded at most sizes, shifted in every second block."""
    return build("swin_tiny_patch4_window7_224", (96, 128), **SWIN)


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut maps of these sizes into several pieces both ways."""
    monkeypatch.setattr(tiles, "PIECE_BYTES", 4 * 16 * 40 * 24)
    monkeypatch.setattr(tiles, "MAX_WIDTH", 40)
    monkeypatch.setattr(tiles, "CELL", 16)
    monkeypatch.setattr("transparent_background.model.inference.swin.STRIP_BYTES", 16 * 16 * 4 * 20)


def assert_same(network: InSPyReNet, *inputs: torch.Tensor) -> None:
    plain, fast = network(*inputs), inference_form(network)(*inputs)
    for name, expected, found in zip(plain._fields, plain, fast, strict=True):
        torch.testing.assert_close(found, expected, atol=2e-4, rtol=2e-4, msg=lambda m, n=name: f"{n}: {m}")


@torch.inference_mode()
@pytest.mark.parametrize("size", [(96, 96), (128, 96), (160, 352), (32, 32), (224, 96)])
@pytest.mark.parametrize("name", ["mobile", "swin"])
def test_it_is_the_same_function(name, size, request, small_pieces) -> None:
    assert_same(request.getfixturevalue(name), noise(1, 3, *size))


@torch.inference_mode()
@pytest.mark.parametrize("name", ["mobile", "swin"])
def test_pieces_larger_than_the_map_give_the_same(name, request) -> None:
    assert_same(request.getfixturevalue(name), noise(1, 3, 96, 128))


@torch.inference_mode()
@pytest.mark.parametrize("name", ["mobile", "swin"])
def test_blending_and_batches(name, request, small_pieces) -> None:
    network = request.getfixturevalue(name)
    low = functional.interpolate(noise(2, 3, 192, 256), size=network.base_size)
    assert_same(network, noise(2, 3, 192, 256), low)


@torch.inference_mode()
def test_sizes_that_are_no_multiple_of_32_go_the_plain_way(mobile) -> None:
    x = noise(1, 3, 90, 100)
    assert torch.equal(inference_form(mobile)(x).d0, mobile(x).d0)


@torch.inference_mode()
def test_context_sums_whose_planes_are_no_whole_rows() -> None:
    assert_same(build("mobilenetv2_100", (100, 90)), noise(1, 3, 96, 96))


@pytest.mark.slow
@torch.inference_mode()
def test_published_weights_to_rounding() -> None:
    network = InSPyReNet(create_backbone("swin_base_patch4_window12_384"), base_size=(384, 384))
    load_state_dict(network, published_state_dict("swinb"), "seeded")
    network = fold_batch_norm(network.eval().requires_grad_(False))
    x = noise(1, 3, 160, 256)
    plain, fast = (to_probability(net(x).d0, stretch=True) for net in (network, inference_form(network)))
    assert (plain - fast).abs().max() < 0.1 / 255


@torch.inference_mode()
def test_plain_operations_take_the_place_of_fused_ones(swin, monkeypatch, small_pieces) -> None:
    for name in ("_has_linear", "_has_conv_add"):
        monkeypatch.setattr(kernels, name, lambda *which: False)
    assert_same(swin, noise(1, 3, 128, 160))


def test_fused_operations_are_tried_before_they_are_used(monkeypatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            raise AttributeError(name)

    monkeypatch.setattr(torch.ops, "mkldnn", Broken(), raising=False)
    assert kernels._has_linear.__wrapped__(False) is False
    assert kernels._has_linear.__wrapped__(True) is False
    assert kernels._has_conv_add.__wrapped__() is False


@torch.inference_mode()
def test_the_input_and_the_weights_stay_as_they_are(swin) -> None:
    x = noise(1, 3, 96, 128)
    before, weights = x.clone(), {name: t.clone() for name, t in swin.state_dict().items()}
    fast = inference_form(swin)
    first = fast(x).d0
    assert torch.equal(fast(x).d0, first)
    assert torch.equal(x, before)
    assert all(torch.equal(weights[name], t) for name, t in swin.state_dict().items())


def test_only_the_published_head_has_such_a_form(mobile) -> None:
    assert isinstance(inference_form(mobile), InferenceInSPyReNet)
    other = torch.nn.Identity()
    assert inference_form(other) is other


@torch.inference_mode()
def test_it_multiplies_less(swin) -> None:
    def work(network: torch.nn.Module) -> int:
        with FlopCounterMode(display=False) as counter:
            network(noise(1, 3, 256, 256))
        return counter.get_total_flops()

    # at depth 64 the share is larger; here the attention's 3x3 acts on 5 channels in place of 16
    assert work(inference_form(swin)) < 0.95 * work(swin)


@torch.inference_mode()
def test_work_grows_with_the_pixels(swin) -> None:
    """Four times the pixels are four times the work, and not more but for the rows' attention."""

    def work(side: int) -> int:
        with FlopCounterMode(display=False) as counter:
            inference_form(swin)(noise(1, 3, side, side))
        return counter.get_total_flops()

    assert work(512) < 4.3 * work(256)


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("form", [inference_form, lambda network: network])
def test_half_precision_is_close(swin, dtype, form) -> None:
    x = noise(1, 3, 96, 128)
    exact = to_probability(form(swin)(x).d0, stretch=False)
    half = to_probability(form(lower_precision(swin, dtype))(x).d0, stretch=False)
    assert half.dtype == torch.float32
    assert half.isfinite().all()
    assert (half - exact).abs().mean() < (0.02 if dtype == torch.bfloat16 else 0.004)


def test_pieces_cover_a_map_once() -> None:
    for size in ((96, 96), (1280, 3264), (34, 2050), (2, 2)):
        covered = np.zeros(size, int)
        for box in split(size, 64):
            covered[box.top : box.bottom, box.left : box.right] += 1
            assert 4 * 64 * (box.bottom - box.top) * (box.right - box.left) <= tiles.PIECE_BYTES * 1.1
        assert (covered == 1).all()


def test_boxes_cover_a_mask_and_little_else() -> None:
    mask = torch.zeros(500, 700, dtype=torch.bool)
    mask[3, 5] = mask[499, 699] = True
    mask[200:210, 100:650] = True
    covered = torch.zeros(500, 700, dtype=torch.int)
    for box in boxes_around(mask, 64):
        box.cut(covered[None])[:] += 1
    assert covered.max() == 1
    assert covered[mask].all()
    assert covered.float().mean() < 0.25
    assert list(boxes_around(torch.zeros_like(mask), 64)) == []


def test_a_convolution_of_a_piece_is_a_piece_of_the_convolution() -> None:
    x, weight, bias = noise(1, 4, 20, 30), noise(6, 4, 3, 3), noise(6)
    whole = functional.conv2d(x, weight, bias, padding=1)
    for box in (Box(0, 20, 0, 30), Box(0, 7, 0, 30), Box(7, 20, 10, 30), Box(4, 9, 5, 8), Box(0, 20, 3, 9)):
        around = box.grown(1, (20, 30))
        piece = convolve(around.cut(x), box, (20, 30), weight, bias)
        torch.testing.assert_close(piece, box.cut(whole), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_swin_is_timms_where_borders_need_no_padding() -> None:
    import timm

    theirs = timm.create_model(
        "swin_tiny_patch4_window7_224", features_only=True, img_size=256, always_partition=True, **SWIN
    ).eval()
    ours = create_backbone("swin_tiny_patch4_window7_224", SWIN).eval()
    state = {
        key.replace("layers_", "layers."): value
        for key, value in theirs.state_dict().items()
        if not key.endswith("relative_position_index")
    }
    missing, unknown = ours.load_state_dict(state, strict=False)
    assert not unknown
    assert all(key.startswith("norm") for key in missing)  # timm's feature network has none of its own
    x = noise(1, 3, 256, 256)
    for index, map_ in enumerate(theirs(x)):
        expected = getattr(ours, f"norm{index}")(map_)
        torch.testing.assert_close(ours(x)[index + 1].permute(0, 2, 3, 1), expected, atol=1e-4, rtol=1e-4)


def test_branches_are_left_out_in_training_only() -> None:
    backbone = create_backbone("swin_tiny_patch4_window7_224", {**SWIN, "drop_path_rate": 0.9})
    x = noise(1, 3, 64, 64)
    assert not torch.equal(backbone(x)[4], backbone(x)[4])
    backbone.eval()
    assert torch.equal(backbone(x)[4], backbone(x)[4])


def test_names_and_options_of_swin_are_checked() -> None:
    with pytest.raises(UsageError, match="no Swin that is known"):
        create_backbone("swin_s3_tiny_224")
    with pytest.raises(UsageError, match="no option 'colour'"):
        create_backbone("swin_tiny_patch4_window7_224", {"colour": 3})


def test_copies_are_independent(swin) -> None:
    assert copy.deepcopy(inference_form(swin)).network is not swin
