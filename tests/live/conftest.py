"""What the tests of cameras share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cameras import HalfPredictor, VirtualDevice, virtual_camera_package
from film_makers import make_film

from transparent_background.live.camera import Camera


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """Work in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def film(tmp_path) -> Path:
    """Return half a second at 40 frames a second."""
    return make_film(tmp_path / "film.mp4", 20, rate=40, options={"crf": "10"})


@pytest.fixture
def camera(film) -> Iterator[Camera]:
    """Return a camera that shows the left half of its frames on red."""
    with Camera(film, HalfPredictor(), type="[255, 0, 0]", temporal=False) as made:
        yield made


@pytest.fixture
def device(monkeypatch) -> type[VirtualDevice]:
    """Let every virtual camera be one of ours."""
    monkeypatch.setattr(VirtualDevice, "made", [])
    monkeypatch.setitem(sys.modules, "pyvirtualcam", virtual_camera_package())
    return VirtualDevice
