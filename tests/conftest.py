"""What several tests share."""

from __future__ import annotations

import os
from pathlib import Path

# as the command does for itself: threads that spin while they wait make a busy machine crawl
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import pytest
from drawing import draw_object
from PIL import Image


@pytest.fixture(autouse=True)
def private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the user's own weights and config out of the tests."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_FILE_PATH", str(home))
    monkeypatch.setenv("TRANSPARENT_BACKGROUND_OFFLINE", "1")
    return home / ".transparent-background"


@pytest.fixture
def photo() -> Image.Image:
    """Return a small picture with one object."""
    return Image.fromarray(draw_object())
