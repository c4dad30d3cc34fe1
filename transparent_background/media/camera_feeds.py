"""Where live frames come from: a stream or a device read with PyAV or OpenCV, or a film in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import cv2
import numpy as np

from ..errors import UnreadableError
from ..images.picture import Picture
from ..images.resizing import resized
from ..types import Size
from .video.corrections import Orientation
from .video.opening import describe, video_stream
from .video.pixels import ToRgb

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer

LATE = 1.0  # seconds behind its clock after which a film's clock is set anew instead of hurrying after it
HIGHEST_RATE = 240  # frames a second; what claims more does not know


@dataclass(frozen=True, slots=True)
class Arrived:
    """A frame as it came, not converted yet."""

    time: float
    """When it came, by :func:`time.monotonic`."""
    size: Size
    """(height, width), upright."""
    convert: Callable[[Size], Picture]
    """Makes an upright RGB picture of that size."""

    def picture(self, size: Size | None, scale: float) -> Picture:
        """Return the frame scaled to cover a size, and cut evenly to it.

        Parameters
        ----------
        size
            (height, width); None: its own.
        scale
            What that size is multiplied by.
        """
        size = size or self.size
        if scale != 1:  # even, as video wants it
            size = round(size[0] * scale / 2) * 2, round(size[1] * scale / 2) * 2
        grown = max(size[0] / self.size[0], size[1] / self.size[1])
        covering = tuple(max(round(own * grown), side) for own, side in zip(self.size, size, strict=True))
        picture = self.convert((covering[0], covering[1]))
        return Picture(_middle(picture.rgb, size), _middle(picture.alpha, size))


def _middle(values: Any, size: Size) -> Any:
    """Cut (h, w, ...) to a size, evenly on both sides."""
    if values is None or values.shape[:2] == size:
        return values
    top, left = (values.shape[0] - size[0]) // 2, (values.shape[1] - size[1]) // 2
    return np.ascontiguousarray(values[top : top + size[0], left : left + size[1]])


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
        self.rate = _plausible(self._stream.average_rate)
        self._to_rgb = ToRgb(deep=False)
        self._due = 0.0

    def _set_up(self) -> None:
        self._stream = video_stream(self._container, self.name)
        # frame threads would hold back as many frames as there are threads
        self._stream.thread_type = "SLICE"

    def frames(self, stop: threading.Event) -> Iterator[Arrived]:
        """Give frames as they come.

        Raises
        ------
        UnreadableError
            The stream has ended, or broken off.
        """
        self._due = time.monotonic()
        while True:
            upright: Orientation | None = None
            for frame in self._paced_frames(stop) if self._paced else self._decode():
                if stop.is_set():
                    return
                upright = upright or Orientation(frame, self._stream.codec_context.name)
                size = upright.stored_size((frame.height, frame.width))
                yield Arrived(time.monotonic(), size, partial(self._convert, frame, upright))
            if not self.film or upright is None:
                raise UnreadableError(f"{self.name}: the stream has ended")
            self._container.close()
            self._container = self._reopen()
            self._set_up()

    def _convert(self, frame: VideoFrame, upright: Orientation, size: Size) -> Picture:
        return upright(self._to_rgb(frame, upright.stored_size(size)))

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
                packet = next(packets)
            except StopIteration:
                return
            except (av.FFmpegError, OSError) as error:
                raise describe(error, self.name, "the stream has broken off") from error
            try:
                yield from self._stream.codec_context.decode(packet if packet.size else None)
            except av.error.EOFError:
                return
            except (av.FFmpegError, ValueError):
                continue  # lost or damaged on the way; the next one may be whole

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
        self.rate = _plausible(capture.get(cv2.CAP_PROP_FPS))

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
            yield Arrived(time.monotonic(), bgr.shape[:2], partial(_convert_bgr, bgr))

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()


Feed: TypeAlias = PyAvFeed | OpenCvFeed
"""What a camera is read through until it breaks off; ``frames`` then raises an InputError."""


def _convert_bgr(bgr: np.ndarray[Any, Any], size: Size) -> Picture:
    return Picture(cv2.cvtColor(resized(bgr, size), cv2.COLOR_BGR2RGB))


def _plausible(rate: Any) -> float | None:
    return float(rate) if rate and 0 < rate <= HIGHEST_RATE else None
