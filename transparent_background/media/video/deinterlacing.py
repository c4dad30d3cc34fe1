"""Whole frames out of interlaced ones."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

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
        source = graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or self._time_base,
        )
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
