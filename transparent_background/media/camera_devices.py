"""Opening cameras: a number, a device, an address or a film, and what went wrong in one sentence."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError, SourceNotFoundError, UnreadableError
from ..types import Size
from .camera_feeds import Feed, OpenCvFeed, PyAvFeed
from .files import name_of, url_scheme
from .video.opening import LIVE_TIMEOUTS, import_av, open_input

FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
"""FFmpeg's way to cameras on each system (``sys.platform``)."""

DEFAULT_SIZE = (720, 1280)  # asked of a device if nothing is said; what calls use
DEFAULT_RATE = 30
RAW_UP_TO = 640 * 480  # pixels that USB 2 carries uncompressed at full rate; above, MJPEG is asked for
_MISSING, _FORBIDDEN = (errno.ENOENT, errno.ENODEV, errno.ENXIO), (errno.EACCES, errno.EPERM)
_FINAL = (*_MISSING, *_FORBIDDEN, errno.EBUSY, errno.ENOTTY)
"""Errors after which less is not asked for."""


def open_feed(source: str, size: Size | None, fps: float | None) -> Feed:
    """Open a camera.

    Parameters
    ----------
    source
        A number, a device's path or name, an address, or a film's path.
    size, fps
        What to ask a device for; None: 1280 x 720 at 30.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    SourceNotFoundError, UnreadableError
        It is not there, in use, may not be used, or is no camera and no film.
    """
    import_av(name_of(source))
    if url_scheme(source):
        return PyAvFeed(name_of(source), lambda: open_input(source, live=True))
    device = find_device(source)
    if device is None:
        path = Path(source).expanduser()
        return PyAvFeed(str(path), lambda: open_input(path))
    return _open_device(source, device, size, fps)


def check_source(source: str) -> None:
    """Raise what :func:`open_feed` would raise at once, without opening anything.

    Raises
    ------
    MissingExtraError, SourceNotFoundError
    """
    import_av(name_of(source))
    if not url_scheme(source) and find_device(source) is None and not Path(source).expanduser().exists():
        raise SourceNotFoundError(f"{source}: no such camera and no such film; {_there()}")


def find_device(source: str) -> str | None:
    """Return a device's path (Linux) or name that a source means; None if it means a film.

    Raises
    ------
    SourceNotFoundError
        It means a device that is not there.
    """
    if source.isdecimal():
        return _numbered(int(source))
    path = Path(source).expanduser()
    if source.startswith("/dev/"):
        if not path.exists():
            raise SourceNotFoundError(f"camera {source}: there is no such device; {_there()}")
        if stat.S_ISCHR(path.stat().st_mode):
            return source
    if sys.platform != "linux" and not path.exists() and source in [name for name, _ in list_devices()]:
        return source
    return None


def _numbered(number: int) -> str:
    if sys.platform == "linux":
        path = f"/dev/video{number}"
        if not Path(path).exists():
            raise SourceNotFoundError(f"camera {number}: there is no {path}; {_there()}")
        return path
    devices = list_devices()
    if devices and number >= len(devices):
        raise SourceNotFoundError(f"camera {number}: there is no such camera; {_there()}")
    if sys.platform == "win32" and devices:
        return devices[number][0]
    return str(number)


def list_devices() -> list[tuple[str, str]]:
    """Return the cameras that are there, as far as it can be known: (path or name, description)."""
    import av

    try:
        found = [
            (str(device.name), str(device.description))
            for device in av.enumerate_input_devices(FORMATS.get(sys.platform, ""))
            if not device.media_types or "video" in device.media_types
        ]
    except (ValueError, OSError):
        found = []  # this build of PyAV has no devices
    if not found and sys.platform == "linux":
        found = [(str(path), "") for path in sorted(Path("/dev").glob("video[0-9]*"))]
    return found


def _there() -> str:
    devices = ", ".join(f"{name} ({text})" if text else name for name, text in list_devices())
    nothing = "no camera is connected; plug one in, or give an address (rtsp://...) or a film"
    return f"there are: {devices}" if devices else nothing


def _open_device(source: str, device: str, size: Size | None, fps: float | None) -> Feed:
    """Try PyAV with less and less of what is asked for, then OpenCV."""
    import av

    name = f"camera {source}"
    format = FORMATS.get(sys.platform, "v4l2")
    target = f"video={device}" if format == "dshow" else device
    refusal: Exception | None = None
    for options in device_options(format, size, fps):
        reopen = partial(av.open, target, format=format, options=options, timeout=(LIVE_TIMEOUTS[0], None))
        try:
            return PyAvFeed(name, reopen)
        except (av.FFmpegError, OSError, ValueError) as error:
            if getattr(error, "errno", None) in _FINAL:
                raise device_error(name, device, error) from error
            refusal = error
            if isinstance(error, ValueError) and not isinstance(error, av.FFmpegError):
                break  # this build has no such format
    capture = _open_with_opencv(source, device, size, fps)
    if capture is None:
        raise device_error(name, device, refusal) from refusal
    return OpenCvFeed(name, capture)


def device_options(format: str, size: Size | None, fps: float | None) -> Iterator[dict[str, str]]:
    """Give the options to open a device with, one set after the other until one is taken."""
    height, width = size or DEFAULT_SIZE
    pictures = {"video_size": f"{width}x{height}"}
    rate = {"framerate": f"{fps or DEFAULT_RATE:g}"}
    if height * width > RAW_UP_TO and format in ("v4l2", "dshow"):
        packed = {"input_format": "mjpeg"} if format == "v4l2" else {"vcodec": "mjpeg"}
        yield {**pictures, **rate, **packed}
    yield {**pictures, **rate}
    yield pictures
    yield rate
    yield {}


def device_error(name: str, device: str, error: Exception | None) -> InputError:
    """Say what is wrong with a device and what to do."""
    code = getattr(error, "errno", None)
    if code in _MISSING:
        return SourceNotFoundError(f"{name}: there is no such device; {_there()}")
    if code == errno.EBUSY:
        why = "another program uses it; close that, or give another camera"
    elif code in _FORBIDDEN:
        joining = "join the group video (sudo usermod -aG video $USER) and log in again"
        allowing = "allow this program to use the camera in the system's privacy settings"
        why = f"permission denied; {joining if sys.platform == 'linux' else allowing}"
    elif code == errno.ENOTTY:
        why = f"{device} is no camera; {_there()}"
    else:
        text = str(getattr(error, "strerror", None) or error or "no answer").splitlines()[0]
        why = f"cannot be opened: {text}; {_there()}"
    return UnreadableError(f"{name}: {why}")


def _open_with_opencv(source: str, device: str, size: Size | None, fps: float | None) -> Any | None:
    """Open a device with OpenCV; None if that fails too."""
    import cv2

    number = source if source.isdecimal() else device
    names = [name for name, _ in list_devices()]
    if not number.isdecimal() and sys.platform != "linux" and number in names:
        number = str(names.index(number))
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # it writes past Python, and says less than we do
    try:
        capture = cv2.VideoCapture(int(number) if number.isdecimal() else os.fspath(number))
    finally:
        logging.setLogLevel(level)
    if not capture.isOpened():
        capture.release()
        return None
    height, width = size or DEFAULT_SIZE
    if height * width > RAW_UP_TO:
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    capture.set(cv2.CAP_PROP_FPS, fps or DEFAULT_RATE)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture
