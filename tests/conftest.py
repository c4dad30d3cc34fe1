"""What several tests share."""

from __future__ import annotations

import os
from pathlib import Path

# as the command does for itself: threads that spin while they wait make a busy machine crawl
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own weights and config out of the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_FILE_PATH", str(home))
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_OFFLINE", "1")
    return home / ".transparent-background"


def draw_object(height: int = 96, width: int = 128) -> np.ndarray:
    """Return a bright disc on a dark, noisy ground, uint8 (height, width, 3)."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    inside = (y - height / 2) ** 2 + (x - width / 2) ** 2 < (min(height, width) / 3) ** 2
    image = np.where(inside[..., None], (230, 190, 60), (40, 60, 90))
    return np.clip(image + rng.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def photo() -> Image.Image:
    """Return a small picture with one object."""
    return Image.fromarray(draw_object())
