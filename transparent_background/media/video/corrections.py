"""Frames brought to how they are to be seen: whole ones made of interlaced ones, and turned upright."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ...images.picture import Picture
from ...types import Size

if TYPE_CHECKING:
    from av import VideoFrame
    from av.filter import Graph


class Deinterlacer:
    """Puts frames through FFmpeg's bwdif from the first one on that is marked as interlaced.

    Parameters
    ----------
    time_base
        The stream's; some frames do not know theirs.
    """

    def __init__(self, time_base: Fraction | None) -> None:
        self.used = False
        """Whether a frame was marked."""
        self._time_base = time_base

    def __call__(self, frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        """Give one frame for each, in order."""
        graph: Graph | None = None
        size = (0, 0)
        for frame in frames:
            if graph is not None and size != (frame.height, frame.width):
                yield from _through(graph, None)
                graph = None
            if graph is None and (frame.interlaced_frame or self.used):
                graph, size, self.used = self._new_graph(frame), (frame.height, frame.width), True
            if graph is None:
                yield frame
            else:
                yield from _through(graph, frame)
        if graph is not None:
            yield from _through(graph, None)

    def _new_graph(self, frame: VideoFrame) -> Graph:
        from av.filter import Graph

        graph = Graph()
        base = frame.time_base or self._time_base
        source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=base)
        # one frame for each, and those that are not marked are left alone
        bwdif = graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
        return graph


def _through(graph: Graph, frame: VideoFrame | None) -> Iterator[VideoFrame]:
    """Put a frame in, None at the end, and give what is ready."""
    import av

    graph.vpush(frame)
    while True:
        try:
            yield graph.vpull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return


def _display_matrix(frame: VideoFrame, codec: str) -> tuple[float, float, float, float]:
    """Return a, b, c and d of a frame's display matrix."""
    # What PyAV 18 makes of side data frees the names of ICC profiles, which FFmpeg frees as well: that ends
    # the process. Only PNG has such names. EXIF data, which is in JPEG too, it refuses as unknown.
    if codec not in ("png", "apng"):
        with suppress(ValueError):
            data: Any = frame.side_data.get("DISPLAYMATRIX")
            if data is None:
                return 1, 0, 0, 1
            a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
            return a, b, c, d
    turn = math.radians(frame.rotation)  # without the mirror there may be
    return math.cos(turn), -math.sin(turn), math.sin(turn), math.cos(turn)


class Orientation:
    """How frames are turned upright: what the display matrix of the first one says.

    The matrix maps a stored point (x, y) to (a x + c y, b x + d y); films use quarter turns and mirrors.
    """

    def __init__(self, frame: VideoFrame, codec: str) -> None:
        a, b, c, d = _display_matrix(frame, codec)
        self.transposes = abs(b) > abs(a)
        rows, columns = (b, c) if self.transposes else (d, a)
        self._flips = (slice(None, None, -1 if rows < 0 else 1), slice(None, None, -1 if columns < 0 else 1))

    def stored_size(self, size: Size) -> Size:
        """Return what an upright (height, width) is before turning, and the other way round."""
        return (size[1], size[0]) if self.transposes else size

    def __call__(self, picture: Picture) -> Picture:
        """Turn a picture upright."""
        alpha = None if picture.alpha is None else self._turned(picture.alpha)
        return Picture(self._turned(picture.rgb), alpha)

    def _turned(self, values: Any) -> Any:
        turned = values.swapaxes(0, 1) if self.transposes else values
        return np.ascontiguousarray(turned[self._flips])
