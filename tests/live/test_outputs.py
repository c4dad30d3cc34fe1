"""Virtual cameras, and what is said where there is none."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from cameras import STATUS, Screen

from transparent_background.errors import DeviceError, MissingExtraError, OutputError, UsageError
from transparent_background.images.result import Result
from transparent_background.live.outputs import VirtualCamera
from transparent_background.live.window import PreviewWindow


def test_the_virtual_camera_gets_what_is_shown(camera, device) -> None:
    output = VirtualCamera(camera.size, camera.rate)
    camera.run([output, Screen([None] * 3)])
    output.close()
    (made,) = device.made
    assert (made.size, made.fps, made.closed) == ((64, 96), 40, True)
    assert len(made.frames) >= 3
    assert (made.frames[0][:, -40:] == (255, 0, 0)).all()
    assert np.abs(made.frames[0][40, 12].astype(int) - (210, 180, 60)).max() < 16


def test_the_virtual_camera_keeps_its_size_and_shows_what_is_transparent_on_green(device) -> None:
    output = VirtualCamera((101, 151), 25, "fake:somewhere")
    rgb = np.full((30, 45, 3), 90, np.uint8)
    alpha = np.zeros((30, 45), np.float32)
    alpha[:, :20] = 1
    output.show(Result(rgb, alpha), 0.0, STATUS)
    output.show(Result(grey=alpha), 0.0, STATUS)
    output.close()
    (made,) = device.made
    assert (made.size, made.device) == ((100, 150), "somewhere")
    assert tuple(made.frames[0][50, 140]) == (120, 255, 155)
    assert tuple(made.frames[0][50, 10]) == (90, 90, 90)
    assert tuple(made.frames[1][50, 10]) == (255, 255, 255)


def test_a_missing_virtual_camera_is_said_with_the_way_to_one(device, monkeypatch) -> None:
    with pytest.raises(DeviceError) as error:
        VirtualCamera((64, 96), 25, "missing")
    assert "device missing does not exist" in str(error.value)
    with pytest.raises(UsageError, match="unitycapture is not for this system"):
        VirtualCamera((64, 96), 25, "unitycapture:Unity Video Capture")
    ways = {"linux": "modprobe v4l2loopback", "darwin": "OBS", "win32": "Unity Capture"}
    for system, way in ways.items():
        monkeypatch.setattr(sys, "platform", system)
        with pytest.raises(DeviceError, match=way):
            VirtualCamera((64, 96), 25, "missing")


def test_a_virtual_camera_that_fails_is_an_error_of_ours(camera, device, monkeypatch) -> None:
    output = VirtualCamera(camera.size, camera.rate)
    monkeypatch.setattr(device, "fails", True)
    with pytest.raises(OutputError, match="takes no more pictures: pulled out"):
        camera.run([output])
    output.close()


def test_the_real_package_takes_what_the_stand_in_takes(monkeypatch) -> None:
    pyvirtualcam = pytest.importorskip("pyvirtualcam")
    sent = []

    class Backend:
        """A backend of the real package."""

        def __init__(self, *, width, height, fps, fourcc, device, **options) -> None:
            self.size, self.name = (height, width), device

        def send(self, frame) -> None:
            sent.append(frame.reshape(*self.size, 3).copy())

        def device(self) -> str:
            return self.name

        def native_fourcc(self) -> None:
            return None

        def close(self) -> None:
            sent.append("closed")

    monkeypatch.setattr(pyvirtualcam.camera, "BACKENDS", {})
    pyvirtualcam.register_backend("fake", Backend)
    output = VirtualCamera((64, 96), 25, "fake:somewhere")
    output.show(Result(np.full((64, 96, 3), 90, np.uint8)), 0.0, STATUS)
    output.close()
    assert output.device == "somewhere"
    assert (sent[0] == 90).all()
    assert sent[1:] == ["closed"]


@pytest.mark.parametrize(
    ("module", "make"),
    [("pyvirtualcam", lambda: VirtualCamera((64, 96), 25)), ("pygame", PreviewWindow)],
)
def test_a_missing_package_is_said(module, make, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r'pip install "transparent-background\[webcam\]"'):
        make()
