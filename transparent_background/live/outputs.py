"""Where live results are shown: what every output does, and the virtual camera for video calls."""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from ..compositing.backgrounds import fit_background
from ..compositing.blend import blend
from ..errors import DeviceError, OutputError, UsageError, needing
from ..images.picture import to_eight_bit
from ..images.resizing import resized
from ..images.result import Result
from ..options.result_types import GREEN
from ..types import ByteArray, Size
from .watchers import is_open_elsewhere

Action: TypeAlias = Literal["next", "previous", "mirror", "pause", "record", "still", "quit"]
"""What a person in front of an output can ask for."""

PERIOD = 0.5  # seconds between looks for who has a device open; who opens it waits that long for a picture


@dataclass(frozen=True, slots=True)
class Status:
    """How a camera is doing."""

    fps: float
    """Results a second, over the last two seconds."""
    latency: float
    """Seconds from a frame's coming to its result, on average over the last ten."""
    dropped: int
    """Frames that were never worked on, since newer ones had come."""
    network: tuple[int, int] | None
    """(height, width) that the network sees; None: it decides."""
    scale: float
    """How large frames are worked on, beside their own size."""
    background: str
    """The type in use, as it was given; of a file, its name."""
    recording: bool
    paused: bool
    connected: bool
    message: str | None = None
    """What has just happened, for a few seconds."""


class Output(Protocol):
    """Something that results are shown on."""

    @property
    def watched(self) -> bool:
        """False while it is known that nobody looks."""

    def show(self, result: Result, time: float, status: Status) -> None:
        """Show a result whose frame came at a time (:func:`time.monotonic`)."""

    def poll(self) -> Sequence[Action]:
        """Return what was asked for since the last call. It is called often, also while nothing is shown."""

    def close(self) -> None:
        """Let go of it."""


def flat_bytes(result: Result, under: ByteArray | tuple[int, int, int]) -> ByteArray:
    """Return a result as opaque uint8 (h, w, 3), transparency over a colour or a picture of its size."""
    if result.rgb is None:
        return np.repeat(to_eight_bit(result.values)[..., None], 3, axis=2)
    rgb: Any = result.rgb if result.alpha is None else blend(result.rgb, result.alpha, under)
    return to_eight_bit(rgb)


def result_at(result: Result, size: Size) -> Result:
    """Return a result at another size (height, width)."""
    return result.mapped(lambda part: resized(part, size))


class VirtualCamera:
    """A camera that programs for calls can choose, made with pyvirtualcam (extra ``webcam``).

    It holds no transparency: ``rgba`` is shown over green (120, 255, 155), for programs that key it out.

    Parameters
    ----------
    size
        (height, width); results of another size are scaled to cover it.
    fps
        Frames a second that will come, about.
    device
        Such as ``/dev/video9`` or ``OBS Virtual Camera``; also a backend (``obs``, ``unitycapture``,
        ``v4l2loopback``), alone or before a colon (``unitycapture:Unity Video Capture``). None: any.

    Raises
    ------
    MissingExtraError
        pyvirtualcam is not installed.
    DeviceError
        There is no virtual camera; the message says how to get one.
    """

    watched: bool
    """False while no program has it open; where that cannot be known (all but Linux), True."""

    def __init__(self, size: tuple[int, int], fps: float, device: str | None = None) -> None:
        with needing("webcam", "the virtual camera needs pyvirtualcam"):
            import pyvirtualcam
        backend, name = _split(device, sorted(pyvirtualcam.camera.BACKENDS))
        self.size = size[0] - size[0] % 2, size[1] - size[1] % 2  # what halves its colours wants
        try:
            self._camera: Any = pyvirtualcam.Camera(
                self.size[1], self.size[0], fps, device=name, backend=backend
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise DeviceError(_no_camera(device, error)) from error
        self.device: str = self._camera.device
        """Its name, as programs show it."""
        self.watched = True
        self._closed = threading.Event()
        watch = partial(_watch, weakref.ref(self), self._closed)  # one that is dropped is closed all the same
        self._watching = threading.Thread(target=watch, name="watchers", daemon=True)
        if sys.platform == "linux" and self.device.startswith("/"):
            self._watching.start()

    def show(self, result: Result, time: float, status: Status) -> None:
        """Send a result.

        Raises
        ------
        OutputError
            The device takes it no more.
        """
        picture = flat_bytes(result, GREEN)
        if picture.shape[:2] != self.size:
            fitted: Any = fit_background(picture, self.size, "cover")
            picture = fitted
        try:
            self._camera.send(picture)
        except (RuntimeError, OSError) as error:
            raise OutputError(f"the virtual camera {self.device} takes no more pictures: {error}") from error

    def poll(self) -> Sequence[Action]:
        """Nobody can ask it for anything."""
        return ()

    def close(self) -> None:
        """Let go of the device."""
        self._closed.set()
        if self._watching.is_alive():
            self._watching.join()
        self._camera.close()


def _watch(camera: weakref.ref[VirtualCamera], closed: threading.Event) -> None:
    while not closed.wait(PERIOD) and (seen := camera()):
        seen.watched = is_open_elsewhere(seen.device)
        del seen


def _split(device: str | None, backends: Sequence[str]) -> tuple[str | None, str | None]:
    """Tell a backend from a device's name."""
    if device is None:
        return None, None
    first, colon, rest = device.partition(":")
    if first in backends:
        return first, rest or None
    if colon and first in ("obs", "unitycapture", "v4l2loopback"):
        raise UsageError(f"virtual camera {device!r}: {first} is not for this system; there is {backends[0]}")
    return None, device


_WAYS = {
    "linux": "load v4l2loopback: sudo modprobe v4l2loopback devices=1 exclusive_caps=1 card_label=Background "
    "(Debian and Ubuntu have it as v4l2loopback-dkms)",
    "darwin": "install OBS 30 or newer, start its virtual camera once, allow it in the settings, stop it",
    "win32": "install OBS (its virtual camera comes with it) or Unity Capture",
}


def _no_camera(device: str | None, error: Exception) -> str:
    """Say why there is no virtual camera and how to get one."""
    which = "there is no virtual camera" if device is None else f"virtual camera {device!r} cannot be used"
    way = _WAYS.get(sys.platform, _WAYS["win32"])
    reason = "" if device is None else f": {str(error).splitlines()[0].split(': ', 1)[-1].rstrip('.')}"
    return f"{which}{reason}; {way}"
