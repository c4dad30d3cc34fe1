"""What the published head and the light one promise alike."""

from __future__ import annotations

import copy

import pytest
import torch
from networks import noise, settle

from transparent_background.model import (
    PyramidNetwork,
    create_backbone,
    create_network,
    fold_batch_norm,
    to_probability,
)


@pytest.fixture(scope="module", params=["published", "light"])
def network(request) -> PyramidNetwork:
    torch.manual_seed(0)
    if request.param == "published":
        return settle(create_network("published", create_backbone("mobilenetv2_100"), 16, (96, 96)))
    backbone = create_backbone("mobilenet_edgetpu_100", {"pad_type": "same"})
    return settle(create_network("light", backbone, 32, (64, 64)))


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)


@torch.inference_mode()
def test_a_batch_equals_its_pictures_one_by_one(network) -> None:
    batch, small = noise(3, 3, 128, 160), noise(3, 3, *network.base_size, seed=1)
    together = network(batch, small).d0
    for index in range(3):
        alone = network(batch[index : index + 1], small[index : index + 1]).d0
        assert_close(together[index : index + 1], alone)


@torch.inference_mode()
def test_channels_last_gives_the_same_numbers(network) -> None:
    x = noise(2, 3, 96, 128)
    other = copy.deepcopy(network).to(memory_format=torch.channels_last)
    assert_close(other(x.to(memory_format=torch.channels_last)).d0, network(x).d0)


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near_and_finite(network, dtype) -> None:
    x = noise(1, 3, 96, 128)
    exact = to_probability(network(x).d0, stretch=False)
    half = to_probability(copy.deepcopy(network).to(dtype)(x.to(dtype)).d0, stretch=False)
    assert half.isfinite().all()
    assert (half - exact).abs().mean() < 0.03


def test_every_weight_is_trained_in_half_precision_too(network) -> None:
    half = copy.deepcopy(network).bfloat16().train()
    pyramid = half(noise(2, 3, 96, 128).bfloat16())
    sum(level.float().sum() for level in pyramid).backward()
    assert not [name for name, parameter in half.named_parameters() if parameter.grad is None]


@torch.inference_mode()
def test_folding_keeps_the_numbers(network) -> None:
    folded = fold_batch_norm(copy.deepcopy(network))
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in folded.modules())
    x = noise(1, 3, 96, 128)
    assert_close(folded(x).d0, network(x).d0)
