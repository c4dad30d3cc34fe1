"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small_training import draw_set, write_config

from transparent_background.train import records
from transparent_background.train.config import TrainConfig, load_config


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("data")
    draw_set(root / "one", 12, 1)
    draw_set(root / "two", 6, 2)
    draw_set(root / "val", 4, 3)
    (root / "backgrounds").mkdir()
    for index in range(3):
        noise = np.random.default_rng(index).integers(0, 90, (80, 100, 3), np.uint8)
        Image.fromarray(noise).save(root / "backgrounds" / f"{index}.png")
    return root


@pytest.fixture
def config(data, tmp_path) -> TrainConfig:
    return load_config(write_config(data, tmp_path / "run"))


@pytest.fixture(autouse=True)
def no_curves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the curves out, which take longer than the steps, but where a test asks for them."""
    if "curves" not in request.fixturenames:
        monkeypatch.setattr(records, "draw_curves", lambda folder: None)


@pytest.fixture
def curves() -> None:
    """Draw the curves."""


@pytest.fixture(autouse=True)
def fresh_accelerate() -> Iterator[None]:
    """Settle devices and precision anew, which accelerate does once per process."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
