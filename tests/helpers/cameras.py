"""Stand-ins for what a camera works with: a network, a screen, a virtual camera's package."""

from __future__ import annotations

import time
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import numpy as np
import torch

from transparent_background.engine.plan import ExecutionPlan
from transparent_background.images.result import Result
from transparent_background.live.outputs import Status

WAIT = 20
"""Seconds that a busy machine may take for what takes none."""

STATUS = Status(25.0, 0.05, 3, (320, 320), 1.0, "blur", False, False, True)


class HalfPredictor:
    """Predicts that the object is the left half of every frame."""

    fingerprint = "half"

    def __init__(self, seconds: float = 0.0) -> None:
        self.checkpoint = SimpleNamespace(base_size=(64, 64))
        self.asked_resize = None
        self.device = torch.device("cpu")
        self.plan = ExecutionPlan("torch", "plain", torch.float32)
        self.seconds, self.calls = seconds, 0
        self.sizes: list[tuple[int, int]] = []

    def predictions(self, pictures, *, resize=None, base_size=None):
        self.calls += 1
        self.sizes.append(base_size)
        time.sleep(self.seconds)  # this is what a network takes, and not a wait for anything
        height, width = base_size or self.checkpoint.base_size
        matte = torch.zeros(1, 1, height, width)
        matte[..., : width // 2] = 1
        return [matte for _ in pictures]


class Screen:
    """An output that keeps what is shown, and acts as it is told."""

    def __init__(self, script=(), watched: bool = True) -> None:
        self.script, self.watched = list(script), watched
        self.shown: list[tuple[Result, Status]] = []

    def show(self, result, time, status) -> None:
        self.shown.append((result, status))

    def poll(self):
        """After each turn that showed something, the next action of the script; None does nothing."""
        if not self.script:
            return ("quit",)
        if len(self.shown) == 0:
            return ()
        action = self.script.pop(0)
        return () if action is None else (action,)

    def close(self) -> None:
        pass


class VirtualDevice:
    """A virtual camera as pyvirtualcam opens it, with one backend called ``fake``."""

    made: ClassVar[list[VirtualDevice]] = []
    fails = False

    def __init__(self, width, height, fps, *, device=None, backend=None) -> None:
        assert backend in (None, "fake")
        if device == "missing":
            raise RuntimeError("'fake' backend: device missing does not exist")
        self.size, self.fps, self.device = (height, width), fps, device or "fake"
        self.frames: list[np.ndarray] = []
        self.closed = False
        self.made.append(self)

    def send(self, frame) -> None:
        if self.fails:
            raise RuntimeError("pulled out")
        assert frame.shape == (*self.size, 3)
        self.frames.append(frame.copy())

    def close(self) -> None:
        self.closed = True


def virtual_camera_package() -> ModuleType:
    """Return what is imported in place of pyvirtualcam, whether that is installed or not."""
    package = ModuleType("pyvirtualcam")
    package.Camera = VirtualDevice
    package.camera = SimpleNamespace(BACKENDS={"fake": VirtualDevice})
    return package
