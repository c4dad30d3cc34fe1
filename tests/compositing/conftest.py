"""What tests of compositing share."""

from __future__ import annotations

import cv2
import numpy as np
import pytest


@pytest.fixture
def photo() -> np.ndarray:
    """Return a picture of soft noise."""
    rng = np.random.default_rng(2)
    return cv2.GaussianBlur(rng.integers(0, 256, (90, 120, 3), dtype=np.uint8), (0, 0), 2)
