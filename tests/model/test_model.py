"""What users of the network rely on, beside its numbers (see test_model_parity.py)."""

from __future__ import annotations

import copy

import pytest
import torch
from networks import noise, settle
from torch.nn import functional

from transparent_background.errors import CheckpointError, UsageError
from transparent_background.model import (
    InSPyReNet,
    create_backbone,
    load_state_dict,
    read_state_dict,
    to_probability,
    to_published_keys,
)
from transparent_background.model.pyramid import expand, reconstruct, reduce, transition


@pytest.fixture(scope="module")
def network() -> InSPyReNet:
    torch.manual_seed(0)
    return settle(InSPyReNet(create_backbone("mobilenetv2_100"), depth=16, base_size=(96, 96)))


@torch.inference_mode()
def test_context_sums_that_float16_cannot_hold_do_not_overflow(network) -> None:
    features = torch.full((1, 16, 96, 96), 100.0, dtype=torch.float16)
    stage = copy.deepcopy(network.attention0).half()
    saliency = torch.full((1, 1, 96, 96), 8.0, dtype=torch.float16)
    context = stage._context_vectors(features, stage.probabilities((96, 96), saliency, saliency))
    assert context.abs().max() > torch.finfo(torch.float16).max  # so the sum alone would be inf
    assert all(result.isfinite().all() for result in stage(features, saliency, saliency))


@torch.inference_mode()
def test_forward_changes_no_state(network) -> None:
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    attributes = {name: set(vars(module)) for name, module in network.named_modules()}
    network(noise(1, 3, 96, 96))
    assert all(torch.equal(before[name], t) for name, t in network.state_dict().items())
    assert attributes == {name: set(vars(module)) for name, module in network.named_modules()}


@pytest.mark.slow
def test_it_can_be_exported(network) -> None:
    x = noise(1, 3, 96, 96)
    program = torch.export.export(network, (x,))
    torch.testing.assert_close(program.module()(x).d0, network(x).d0, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("pad_type", ["same", ""])
@pytest.mark.parametrize("size", [(64, 96), (75, 101)])
def test_mobilenet_is_timms(pad_type, size) -> None:
    import timm

    reference = settle(timm.create_model("mobilenetv2_100", features_only=True, pad_type=pad_type))
    ours = create_backbone("mobilenetv2_100", {"pad_type": pad_type}).eval()
    ours.load_state_dict(reference.state_dict())
    x = noise(1, 3, *size)
    for mine, theirs in zip(ours(x), reference(x), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_100", "swin_tiny_patch4_window7_224"])
def test_any_backbone_with_five_maps_will_do(name) -> None:
    network = InSPyReNet(create_backbone(name), depth=16, base_size=(64, 64)).eval()
    assert network(noise(1, 3, 64, 96)).d0.shape == (1, 1, 64, 96)
    keys = to_published_keys(network)
    assert all(tensor.shape == keys[key].shape for key, tensor in keys.items())
    load_state_dict(network, keys, name)


def test_backbones_that_do_not_fit_are_named() -> None:
    with pytest.raises(UsageError, match=r"convnext_atto.*4 maps"):
        create_backbone("convnext_atto")
    with pytest.raises(UsageError, match=r"no_such_net.*no network of timm"):
        create_backbone("no_such_net")


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    network = InSPyReNet(create_backbone("mobilenetv2_100"), depth=16, base_size=(64, 64)).train()
    pyramid = network(noise(2, 3, 64, 64))
    sum(level.abs().mean() for level in pyramid).backward()
    without = {name for name, p in network.named_parameters() if p.grad is None}
    assert without == set()


def test_a_pyramid_taken_apart_is_put_together_again() -> None:
    x = noise(1, 1, 32, 48)
    reduced = reduce(x)
    detail = x - expand(reduced)
    assert reduced.shape == (1, 1, 16, 24)
    torch.testing.assert_close(reconstruct(reduced, detail), x)


def blur(x: torch.Tensor, gain: float = 1.0) -> torch.Tensor:
    """Convolve with the 7 x 7 Gaussian of sigma 1, borders reflected: the published definition."""
    taps = torch.exp(-((torch.arange(7, dtype=x.dtype) - 3) ** 2) / 2)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    padded = functional.pad(x, (3, 3, 3, 3), mode="reflect")
    return functional.conv2d(padded, gain * kernel[None, None])


@pytest.mark.parametrize("size", [(4, 4), (12, 30), (7, 9)])
def test_the_pyramids_steps_are_blurs_with_reflected_borders(size) -> None:
    x = noise(2, 1, *size).double()
    torch.testing.assert_close(reduce(x), blur(x)[..., ::2, ::2])
    between = torch.zeros(2, 1, 2 * size[0], 2 * size[1], dtype=x.dtype)
    between[..., ::2, ::2] = x
    torch.testing.assert_close(expand(x), blur(between, gain=4.0))


def test_expanding_keeps_the_mean_and_the_place() -> None:
    flat = torch.full((1, 1, 8, 8), 3.0)
    # the even taps of the 7-tap kernel weigh 1.4 % more than the odd ones
    torch.testing.assert_close(expand(flat), torch.full((1, 1, 16, 16), 3.0), atol=0, rtol=0.03)
    dot = torch.zeros(1, 1, 9, 9)
    dot[0, 0, 4, 4] = 1.0
    assert expand(dot)[0, 0].argmax() == 8 * 18 + 8  # pixel (4, 4) becomes (8, 8)


@pytest.mark.parametrize("kernel_size", [5, 9, 17])
def test_the_transition_is_opencvs_ellipse(kernel_size) -> None:
    import cv2
    import numpy as np

    logits = noise(1, 1, 40, 56) * 4
    probability = torch.sigmoid(logits)[0, 0].numpy()
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel_size, kernel_size))
    band = cv2.dilate(probability, element) - cv2.erode(probability, element)
    expected = (band > 0.5).astype(np.float32)
    assert expected.mean() > 0
    sparse = torch.where(torch.rand(1, 1, 40, 56) < 0.002, 9.0, -9.0)
    spots = torch.sigmoid(sparse)[0, 0].numpy()
    band = cv2.dilate(spots, element) - cv2.erode(spots, element)
    np.testing.assert_array_equal(transition(logits, kernel_size)[0, 0].numpy(), expected)
    np.testing.assert_array_equal(
        transition(sparse, kernel_size)[0, 0].numpy(), (band > 0.5).astype(np.float32)
    )


def test_a_picture_without_object_stays_dark_unless_stretched() -> None:
    logits = torch.cat([torch.full((1, 1, 4, 4), -6.0), noise(1, 1, 4, 4)])
    logits[0, 0, 0, 0] = -5.0
    assert to_probability(logits, stretch=False)[0].max() < 0.01
    stretched = to_probability(logits, stretch=True)
    assert stretched[0].max() > 0.99  # as published
    for index in range(2):  # and every picture by itself
        alone = to_probability(logits[index : index + 1], stretch=True)
        torch.testing.assert_close(stretched[index : index + 1], alone)


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_wrappers_are_stripped(network, prefix, tmp_path) -> None:
    state = {prefix + name: tensor for name, tensor in to_published_keys(network).items()}
    torch.save({"state_dict": state}, tmp_path / "w.pth")
    read, _ = read_state_dict(tmp_path / "w.pth")
    load_state_dict(copy.deepcopy(network), read, "w.pth")


def test_safetensors_bring_their_description(network, tmp_path) -> None:
    from safetensors.torch import save_file

    state = {name: tensor.contiguous() for name, tensor in to_published_keys(network).items()}
    save_file(state, tmp_path / "w.safetensors", metadata={"inspyrenet": "{}"})
    read, metadata = read_state_dict(tmp_path / "w.safetensors")
    assert metadata == {"inspyrenet": "{}"}
    assert read.keys() == state.keys()


def test_another_networks_weights_are_refused_with_one_line(network) -> None:
    state = to_published_keys(network)
    state["stranger.weight"] = state.pop("decoder.conv5.conv.weight")
    with pytest.raises(CheckpointError, match=r"^w\.pth: not a checkpoint of this network") as caught:
        load_state_dict(network, state, "w.pth")
    assert "decoder.conv5.conv.weight" in str(caught.value)
    assert "stranger.weight" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"\x00" * 100, b"PK\x03\x04 no zip", b"\x10\0\0\0\0\0\0\0{nonsense"]
)
def test_damaged_files_are_refused_with_one_line(content, tmp_path) -> None:
    path = tmp_path / "w.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.pth") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


def test_code_in_a_checkpoint_is_not_run(tmp_path) -> None:
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"weights": Bomb()}, tmp_path / "w.pth")
    with pytest.raises(CheckpointError):
        read_state_dict(tmp_path / "w.pth")
    assert not (tmp_path / "ran").exists()
