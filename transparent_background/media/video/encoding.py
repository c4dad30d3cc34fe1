"""Writing films with PyAV: pictures to a stream of video, beside what is passed on of the source."""

from __future__ import annotations

import os
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from ...errors import OutputError, UsageError
from ..atomic import cannot_write
from .colours import ColourTags, Matrix, is_rgb
from .containers import Encoding
from .opening import import_av
from .pixels import FromRgb

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer
    from av.filter import Graph
    from av.packet import Packet
    from av.video.stream import VideoStream

    from ...images.result import Result

MAX_TICKS = 1_000_000  # ticks a second of an encoder's clock; finer ones overflow in some


class VideoEncoder:
    """Encodes results into one stream of a container.

    Parameters
    ----------
    container
        Open for writing.
    encoding
        From :func:`containers.choose_encoding`.
    size
        (height, width) of the results.
    rate
        Frames a second, on average.
    time_base
        Every time is a multiple of it, seconds.
    tags
        The matrix that RGB goes through, and what the stream says of its colours.
    alpha, deep
        Whether results are transparent, and whether they have more than 8 bits.
    pixel_aspect
        Width of a pixel through its height.

    Raises
    ------
    UsageError
        The encoder does not know an option or takes no such pictures.
    """

    def __init__(
        self,
        container: OutputContainer,
        encoding: Encoding,
        size: tuple[int, int],
        *,
        rate: Fraction,
        time_base: Fraction,
        tags: ColourTags,
        alpha: bool = False,
        deep: bool = False,
        pixel_aspect: Fraction = Fraction(1),
    ) -> None:
        self.container, self.encoding, self.size, self.alpha = container, encoding, size, alpha
        self.pixels = encoding.pixels(alpha=alpha, deep=deep)
        self.tags = tags
        self.time_base = time_base if 1 / time_base <= MAX_TICKS else Fraction(1, MAX_TICKS)
        codec = encoding.codec
        even = codec.even or self.pixels.startswith("yuv420")
        even = even and codec.encoder != "libvpx-vp9"
        self.padded = (size[0] + size[0] % 2, size[1] + size[1] % 2) if even else size
        self.stream = self._add_stream(rate)
        context = self.stream.codec_context
        context.height, context.width = self.padded
        try:
            context.pix_fmt = self.pixels
        except ValueError as error:
            raise UsageError(f"pixel format {self.pixels!r} is unknown to FFmpeg") from error
        context.time_base = self.time_base
        if pixel_aspect != 1:
            context.sample_aspect_ratio = pixel_aspect
        if codec.tag and encoding.container.muxer in ("mp4", "mov"):
            context.codec_tag = codec.tag
        if encoding.bitrate is not None:
            context.bit_rate = encoding.bitrate
        self._tag(context)
        try:
            self.to_yuv = FromRgb(self.pixels, tags)
        except (ValueError, IndexError) as error:
            raise UsageError(f"pictures cannot be stored as {self.pixels}") from error
        self.dropped = 0
        """Frames that the container's clock cannot tell apart."""
        self._last: int | None = None
        self._begin = self._end = 0
        self._first_dts: int | None = None
        self._durations: dict[int, int] = {}
        self._palette: Graph | None = None
        self._open(context)

    def _add_stream(self, rate: Fraction) -> VideoStream:
        import av

        encoder = self.encoding.codec.encoder
        options = dict(self.encoding.options)
        try:
            if av.Codec(encoder, "w").type != "video":
                raise ValueError("it encodes no pictures")
            stream: Any = self.container.add_stream(encoder, rate=_sane(rate), options=options)
        except (av.FFmpegError, ValueError) as error:
            raise UsageError(f"codec {self.encoding.codec_name!r} cannot be used here: {error}") from error
        return stream  # type: ignore[no-any-return]

    def _tag(self, context: Any) -> None:
        if is_rgb(self.pixels):
            context.colorspace = int(Matrix.RGB)
            context.color_primaries, context.color_trc = 1, 13  # sRGB
            return
        context.colorspace = self.tags.matrix
        context.color_primaries = self.tags.primaries
        context.color_trc = self.tags.transfer
        context.color_range = self.tags.range

    def _open(self, context: Any) -> None:
        import av

        try:
            context.open(strict=False)
        except (av.FFmpegError, ValueError) as error:
            settings = " ".join(f"{key}={value}" for key, value in self.encoding.options.items())
            raise UsageError(
                f"the encoder {context.name} does not take these settings: {settings} "
                f"pix_fmt={self.pixels}, {self.padded[1]} x {self.padded[0]} pixels"
            ) from error

    def encode(self, result: Result, time: Fraction, duration: Fraction) -> list[Packet[Any]]:
        """Encode one result; return the packets that are ready."""
        pts = round(time / self.time_base)
        if self._last is not None and pts <= self._last:
            self.dropped += 1  # the container's clock is too coarse to tell it from the last one
            return []
        self._begin = pts if self._last is None else self._begin
        self._last = pts
        frame = self.to_yuv(result, self.padded)
        frame.pts, frame.time_base = pts, self.time_base
        self._durations[pts] = frame.duration = max(round(duration / self.time_base), 1)
        self._end = pts + self._durations[pts]
        if self.pixels == "pal8":
            frame = self._through_palette(frame)
        return self._timed(self.stream.encode(frame))

    def flush(self) -> list[Packet[Any]]:
        """Return the last packets."""
        packets = self._timed(self.stream.encode(None))
        if packets and self.encoding.container.muxer in ("mp4", "mov"):
            # their films end with the packet that was decoded last, which need not be the one shown last
            last = packets[-1]
            decoded = (last.dts or 0) - (self._first_dts or 0)
            last.duration = max(self._end - self._begin - decoded, 1)
        return packets

    def _timed(self, packets: Iterable[Packet[Any]]) -> list[Packet[Any]]:
        """Tell packets how long they are shown: encoders forget it, and of the last one nobody else knows."""
        packets = list(packets)
        for packet in packets:
            if self._first_dts is None:
                self._first_dts = packet.dts
            packet.duration = self._durations.pop(packet.pts or 0, packet.duration or 0)
        return packets

    def _through_palette(self, frame: VideoFrame) -> VideoFrame:
        """Choose 256 colours for each frame of a GIF, one of them transparent."""
        if self._palette is None:
            self._palette = _palette_graph(frame, self.time_base)
        self._palette.vpush(frame)
        ready = self._palette.vpull()
        ready.pts, ready.time_base = frame.pts, frame.time_base
        return ready


def _palette_graph(frame: VideoFrame, time_base: Fraction) -> Graph:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=time_base
    )
    split = graph.add("split")
    palette = graph.add("palettegen", "stats_mode=single:reserve_transparent=1")
    use = graph.add("paletteuse", "new=1:alpha_threshold=128:dither=sierra2_4a")
    sink = graph.add("buffersink")
    source.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(palette, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    return graph


def _sane(rate: Fraction) -> Fraction:
    """Bring a rate to numbers that every encoder takes."""
    return Fraction(rate).limit_denominator(1001) or Fraction(1)


def open_output(path: str, muxer: str, options: dict[str, str]) -> OutputContainer:
    """Open a film file for writing.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    OutputError
        It cannot be made.
    """
    import_av(path)
    import av

    try:
        return av.open(path, "w", format=muxer, container_options=options)
    except (av.FFmpegError, OSError) as error:
        raise as_output_error(path, error) from error


def as_output_error(path: str | os.PathLike[str], error: Exception) -> OutputError:
    """Turn whatever PyAV raises while writing into an error of ours."""
    if isinstance(error, OutputError):
        return error
    if isinstance(error, OSError) and error.errno:
        return cannot_write(os.fspath(path), OSError(error.errno, error.strerror))
    text = str(getattr(error, "strerror", None) or error).splitlines()
    return OutputError(f"{os.fspath(path)}: cannot be written: {text[0] if text else type(error).__name__}")
