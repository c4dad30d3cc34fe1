"""The network is the published one: same keys, same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from reference_weights import DATA, published_shapes, published_state_dict

from transparent_background.model import (
    InSPyReNet,
    create_backbone,
    fold_batch_norm,
    load_state_dict,
    to_probability,
    to_published_keys,
)
from transparent_background.model.input import normalise, resize_rgb

TIMM_NAMES = {"swinb": "swin_base_patch4_window12_384", "res2net50": "res2net50d"}
STEPS = {"d3": 1, "p2": 2, "p1": 4, "p0": 8}


@pytest.fixture(scope="module", params=["swinb", "res2net50"])
def published(request: pytest.FixtureRequest) -> tuple[str, InSPyReNet]:
    name = request.param
    network = InSPyReNet(create_backbone(TIMM_NAMES[name]), depth=64, base_size=(384, 384))
    load_state_dict(network, published_state_dict(name), name)
    return name, network.eval()


def predict(network: InSPyReNet, image: np.ndarray, *, blend: bool):
    large = normalise(torch.from_numpy(image).permute(2, 0, 1)[None])
    small = normalise(resize_rgb(image, (384, 384))[None]) if blend else None
    with torch.inference_mode():
        return network(large, small)


@pytest.mark.parametrize(
    ("published", "case"),
    [
        ("swinb", "256x320"),
        pytest.param("swinb", "blend_576x672", marks=pytest.mark.slow),
        ("res2net50", "256x320"),
        pytest.param("res2net50", "blend_576x672", marks=pytest.mark.slow),
    ],
    indirect=["published"],
)
def test_logits_and_prediction_equal_the_published_code(published, case) -> None:
    name, network = published
    expected = np.load(DATA / f"parity_{case}.npz")
    pyramid = predict(network, expected["image"], blend=case.startswith("blend"))
    for level, step in STEPS.items():
        ours = getattr(pyramid, level)[0, 0, ::step, ::step].numpy()
        np.testing.assert_allclose(ours, expected[f"{name}_{level}"], atol=1e-3, rtol=0)
    prediction = to_probability(pyramid.d0, stretch=True)[0, 0, ::8, ::8].numpy()
    np.testing.assert_allclose(prediction, expected[f"{name}_pred"], atol=1e-4, rtol=0)


def test_published_keys_come_back_out(published) -> None:
    name, network = published
    keys = {key for key in published_shapes(name) if not key.endswith("relative_position_index")}
    assert set(to_published_keys(network)) == keys


@pytest.mark.slow
def test_folding_keeps_the_numbers(published) -> None:
    name, network = published
    folded = InSPyReNet(create_backbone(TIMM_NAMES[name]), depth=64, base_size=(384, 384))
    load_state_dict(folded, published_state_dict(name), name)
    fold_batch_norm(folded.eval())
    image = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = (folded(image).d0 - network(image).d0).abs().max()
    assert difference < 1e-3


def test_the_low_resolution_input_is_pillows() -> None:
    image = np.load(DATA / "parity_blend_576x672.npz")["image"]
    pillow = np.asarray(Image.fromarray(image).resize((384, 384), Image.Resampling.BILINEAR))
    ours = resize_rgb(image, (384, 384)).permute(1, 2, 0).numpy()
    assert np.abs(ours.astype(int) - pillow).max() <= 1
