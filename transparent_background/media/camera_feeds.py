"""Where live frames come from: a stream or device read with PyAV, a film in real time, or OpenCV."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

import cv2
import numpy as np

from ..errors import UnreadableError
from ..images.picture import Picture
from ..types import Size
from .video.colours import ToRgb
from .video.opening import describe, video_stream
from .video.orientation import Orientation

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer


LATE = 1.0  # seconds behind its clock after which a film's clock is set anew instead of hurrying after it


class Convert(Protocol):
    """Makes an upright RGB picture of a frame."""

    def __call__(self, size: Size | None = None, scale: float = 1.0, /) -> Picture:
        """Return it, of a size (height, width) or its own, times a scale."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame as it came, not converted yet."""

    time: float
    """Of its coming, by :func:`time.monotonic`."""
    convert: Convert
    """Makes a picture of it."""


class Feed(Protocol):
    """What a camera is read through, until it breaks."""

    rate: float | None
    """Frames a second, as far as the source says."""

    def frames(self, stop: threading.Event) -> Iterator[Arrived]:
        """Give frames as they come; raise an InputError when there are no more."""

    def close(self) -> None:
        """Let go of the source."""


class PyAvFeed:
    """Reads a device or a stream; what has an end is a film, played in real time and begun again.

    Parameters
    ----------
    name
        What to call it in messages.
    reopen
        Opens it, also for each new round of a film.
    """

    def __init__(self, name: str, reopen: Callable[[], InputContainer]) -> None:
        self.name, self._reopen = name, reopen
        self._container = reopen()
        try:
            self._set_up()
        except BaseException:
            self._container.close()
            raise
        kind = self._container.format.name
        # a server of RTSP sends a film in its own time, as if it were a camera
        self.film = bool(self._container.duration and self._container.duration > 0) and kind != "rtsp"
        # the parts of an HLS stream come in bursts; played by their times they do not stutter
        self._paced = self.film or "hls" in kind
        average = self._stream.average_rate
        self.rate: float | None = float(average) if average and 0 < average <= 240 else None
        self._to_rgb = ToRgb(deep=False)
        self._due = 0.0

    def _set_up(self) -> None:
        self._stream = video_stream(self._container, self.name)
        # frame threads would hold back as many frames as there are threads
        self._stream.thread_type = "SLICE"
        self._upright: Orientation | None = None

    def frames(self, stop: threading.Event) -> Iterator[Arrived]:
        """Give frames as they come.

        Raises
        ------
        UnreadableError
            The stream has ended, or broken off.
        """
        self._due = time.monotonic()
        while True:
            count = 0
            for frame in self._paced_frames(stop) if self._paced else self._decode():
                count += 1
                if stop.is_set():
                    return
                yield Arrived(time.monotonic(), self._converter(frame))
            if not self.film or not count:
                raise UnreadableError(f"{self.name}: the stream has ended")
            self._container.close()
            self._container = self._reopen()
            self._set_up()

    def _paced_frames(self, stop: threading.Event) -> Iterator[VideoFrame]:
        """Wait with each frame until its time has come."""
        step = 1 / (self.rate or 25.0)
        first: Fraction | None = None
        begin = self._due
        for frame in self._decode():
            base = frame.time_base or self._stream.time_base  # the decoder's last frames have none
            if frame.pts is not None and base is not None:
                stamp = frame.pts * base
                first = stamp if first is None else first
                self._due = begin + float(stamp - first)
            now = time.monotonic()
            if now - self._due > LATE:
                begin += now - self._due
                self._due = now
            if self._due > now and stop.wait(self._due - now):
                return
            yield frame
            self._due += step  # of the next one, or of the next round's first

    def _decode(self) -> Iterator[VideoFrame]:
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                raise describe(error, self.name, "the stream has broken off") from error
            if packet is None:
                return
            try:
                yield from self._stream.codec_context.decode(packet if packet.size else None)
            except av.error.EOFError:
                return
            except (av.FFmpegError, ValueError):
                continue  # lost or damaged on the way; the next one may be whole

    def _converter(self, frame: VideoFrame) -> Convert:
        if self._upright is None:
            self._upright = Orientation(frame)
        upright = self._upright

        def convert(size: Size | None = None, scale: float = 1.0) -> Picture:
            stored = (frame.height, frame.width)
            size = scaled(size or upright.stored_size(stored), scale)
            target = upright.stored_size(cover(upright.stored_size(stored), size))
            rgb, alpha = self._to_rgb(frame, None if target == stored else target)
            turned = upright(rgb), None if alpha is None else upright(alpha)
            return Picture(*(middle(values, size) for values in turned))

        return convert

    def close(self) -> None:
        """Let go of the source."""
        self._container.close()


class OpenCvFeed:
    """Reads a device with OpenCV, where PyAV's build has no way to it.

    Parameters
    ----------
    name
        What to call it in messages.
    capture
        An opened ``cv2.VideoCapture``.
    """

    def __init__(self, name: str, capture: Any) -> None:
        self.name, self._capture = name, capture
        rate = float(capture.get(cv2.CAP_PROP_FPS) or 0)
        self.rate: float | None = rate if 0 < rate <= 240 else None

    def frames(self, stop: threading.Event) -> Iterator[Arrived]:
        """Give frames as they come.

        Raises
        ------
        UnreadableError
            The camera gives no more.
        """
        while not stop.is_set():
            there, bgr = self._capture.read()
            if not there:
                raise UnreadableError(f"{self.name}: the camera gives no more pictures")
            yield Arrived(time.monotonic(), _bgr_converter(bgr))

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


def _bgr_converter(bgr: np.ndarray[Any, Any]) -> Convert:
    def convert(size: Size | None = None, scale: float = 1.0) -> Picture:
        values, own = bgr, bgr.shape[:2]
        size = scaled(size or own, scale)
        area = cover(own, size)
        if area != own:
            kernel = cv2.INTER_AREA if area[0] < own[0] else cv2.INTER_CUBIC
            values = cv2.resize(bgr, area[::-1], interpolation=kernel)
        return Picture(cv2.cvtColor(middle(values, size), cv2.COLOR_BGR2RGB))

    return convert


def scaled(size: Size, scale: float) -> Size:
    """Return a size times a scale, even as video wants it; the size itself for 1."""
    return size if scale == 1 else (round(size[0] * scale / 2) * 2, round(size[1] * scale / 2) * 2)


def cover(own: Size, size: Size) -> Size:
    """Return the size, in the shape of ``own``, that just covers ``size``."""
    scale = max(size[0] / own[0], size[1] / own[1])
    return max(round(own[0] * scale), size[0]), max(round(own[1] * scale), size[1])


def middle(values: Any, size: Size) -> Any:
    """Cut (h, w, ...) to a size, evenly on both sides."""
    if values is None or values.shape[:2] == size:
        return values
    top, left = (values.shape[0] - size[0]) // 2, (values.shape[1] - size[1]) // 2
    return np.ascontiguousarray(values[top : top + size[0], left : left + size[1]])
