"""The light head and the backbone of the bundled model."""

from __future__ import annotations

import copy

import pytest
import torch
from networks import noise, settle
from torch import nn

from transparent_background.backends.torchscript import record
from transparent_background.errors import CheckpointError, UsageError
from transparent_background.model import (
    LightInSPyReNet,
    create_backbone,
    create_network,
    load_state_dict,
    to_published_keys,
)
from transparent_background.model.light import AxialMixer, LightStage
from transparent_background.model.pyramid import expand, transition


@pytest.fixture(scope="module")
def network() -> LightInSPyReNet:
    torch.manual_seed(0)
    backbone = create_backbone("mobilenet_edgetpu_100", {"pad_type": "same"})
    return settle(LightInSPyReNet(backbone, depth=32, base_size=(64, 64)))


@torch.inference_mode()
@pytest.mark.parametrize("pad_type", ["same", ""])
@pytest.mark.parametrize("size", [(64, 96), (75, 101)])
def test_edgetpu_is_timms_without_its_first_activation(pad_type, size) -> None:
    import timm

    reference = timm.create_model(
        "mobilenet_edgetpu_100", features_only=True, pad_type=pad_type, act_layer="relu"
    )
    reference.blocks[0][0].bn1.act = nn.Identity()  # MLCommons' network has none there
    settle(reference)
    ours = create_backbone("mobilenet_edgetpu_100", {"pad_type": pad_type}).eval()
    ours.load_state_dict(reference.state_dict())
    x = noise(1, 3, *size)
    for mine, theirs in zip(ours(x), reference(x), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("options", [{}, {"pad_type": "same"}, {"pad_type": ""}])
@pytest.mark.parametrize("size", [(64, 96), (75, 101)])
def test_efficientnet_lite_is_timms(options, size) -> None:
    import timm

    reference = settle(timm.create_model("tf_efficientnet_lite2", features_only=True, **options))
    ours = create_backbone("tf_efficientnet_lite2", options).eval()
    ours.load_state_dict(reference.state_dict())
    x = noise(1, 3, *size)
    for mine, theirs, channels in zip(ours(x), reference(x), ours.channels, strict=True):
        assert mine.shape[1] == channels
        torch.testing.assert_close(mine, theirs, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_every_level_has_its_size_and_the_last_is_the_expansion(network) -> None:
    pyramid = network(noise(2, 3, 96, 160))
    assert [tuple(level.shape[-2:]) for level in pyramid[:4]] == [(12, 20), (24, 40), (48, 80), (96, 160)]
    assert torch.equal(pyramid.d0, expand(pyramid.d1))
    assert not pyramid.p0.any()


@torch.inference_mode()
def test_blending_changes_the_small_result_near_its_edges_alone(network) -> None:
    large, small = noise(1, 3, 128, 128), noise(1, 3, 64, 64, seed=1)
    small[..., :32] += 3.0
    network = copy.deepcopy(network)
    network.decoder.saliency.weight.data.mul_(100)  # sure of itself, so that its saliency has edges
    blended, alone = network(large, small), network(small)
    assert [tuple(level.shape[-2:]) for level in blended[:4]] == [(16, 16), (32, 32), (64, 64), (128, 128)]
    # at twice the base size the small pass's finest level is put in as it is
    torch.testing.assert_close(blended.d2, alone.d1)
    plain = expand(alone.d1)
    quiet = nn.functional.max_pool2d((transition(alone.d1, 9) != 0).float(), 5, 1, 2) == 0
    quiet = nn.functional.interpolate(quiet.float(), scale_factor=2) > 0
    assert quiet.any()
    torch.testing.assert_close(blended.d1[quiet], plain[quiet], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(blended.d1, plain)


@torch.inference_mode()
@pytest.mark.parametrize(
    "name", ["mobilenet_edgetpu_100", "mobilenetv2_100", "tf_efficientnet_lite2", "resnet18"]
)
def test_the_shallow_maps_are_the_first_two(name) -> None:
    backbone = create_backbone(name).eval()
    x = noise(1, 3, 64, 96)
    for shallow, whole in zip(backbone.shallow(x), backbone(x)[:2], strict=True):
        assert torch.equal(shallow, whole)


@torch.inference_mode()
def test_a_recording_keeps_the_numbers(network) -> None:
    recorded = record(copy.deepcopy(network), torch.zeros(1, 3, 64, 64))
    x = noise(1, 3, 64, 64)
    torch.testing.assert_close(recorded(x)[3], network(x).d0, atol=1e-3, rtol=1e-3)


@torch.inference_mode()
def test_rows_and_columns_attend_among_themselves() -> None:
    mixer = AxialMixer(8).eval()
    nn.init.constant_(mixer.gamma, 1.0)
    x = noise(1, 8, 6, 9)
    changed = x.clone()
    changed[..., 2, 3] += 1.0
    difference = (mixer(changed) - mixer(x)).abs().amax(dim=(0, 1))
    reached = difference > 1e-6
    expected = torch.zeros(6, 9, dtype=torch.bool)
    expected[2, :] = expected[:, 3] = True
    assert torch.equal(reached, expected)


@torch.inference_mode()
def test_context_vectors_are_weighted_means() -> None:
    stage = LightStage(4, 4, 4, laplacian=False).eval()
    features = noise(1, 4, 8, 8)
    saliency = torch.full((1, 1, 8, 8), -20.0)
    saliency[..., :4] = 20.0
    context = stage._context_vectors(features, saliency, None)[0]
    # foreground and background are the two halves; nothing is uncertain
    torch.testing.assert_close(context[0], features[0, :, :, :4].mean(dim=(1, 2)), atol=0.02, rtol=0.02)
    torch.testing.assert_close(context[1], features[0, :, :, 4:].mean(dim=(1, 2)), atol=0.02, rtol=0.02)
    assert context[2].abs().max() < 1e-3


@pytest.mark.parametrize("laplacian", [True, False])
def test_a_stage_is_called_as_it_was_built(laplacian) -> None:
    stage = LightStage(4, 4, 4, laplacian=laplacian)
    maps = noise(1, 1, 8, 8)
    with pytest.raises(TypeError, match="Laplacian"):
        stage(noise(1, 4, 16, 16), noise(1, 4, 8, 8), maps, None if laplacian else maps)


def test_gradients_reach_every_weight() -> None:
    torch.manual_seed(0)
    backbone = create_backbone("mobilenet_edgetpu_100", {"pad_type": "same"})
    network = LightInSPyReNet(backbone, depth=16).train()
    for name, parameter in network.named_parameters():
        if name.endswith("gamma"):
            parameter.data.fill_(0.1)  # at zero they hide what they scale
    pyramid = network(noise(4, 3, 64, 64))
    sum((level**2).mean() for level in pyramid[:4]).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None] == []


def test_weights_go_out_and_in_under_the_same_names(network) -> None:
    other = create_network(
        "light", create_backbone("mobilenet_edgetpu_100", {"pad_type": "same"}), 32, (64, 64)
    )
    load_state_dict(other, to_published_keys(network), "weights")
    with pytest.raises(CheckpointError, match="not a checkpoint of this network"):
        load_state_dict(
            create_network("published", other.backbone, 32, (64, 64)), to_published_keys(network), "weights"
        )


def test_an_unknown_head_names_the_heads_there_are() -> None:
    with pytest.raises(UsageError, match="published, light"):
        create_network("heavy", create_backbone("mobilenetv2_100"), 16, (64, 64))
