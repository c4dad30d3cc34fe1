"""Writing films with PyAV: pictures to a stream of video, beside what is passed on of the source."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import UsageError
from ...images.result import Result
from ...types import Size
from .colours import ColourTags, Matrix
from .containers import Encoding
from .frames import FilmInfo
from .opening import import_av
from .pixels import FromRgb, is_rgb

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import OutputContainer
    from av.filter import Graph
    from av.packet import Packet
    from av.video.stream import VideoStream

FINEST_CLOCK = Fraction(1, 100_000)  # seconds; finer ones overflow in some encoders


@dataclass(frozen=True, slots=True)
class Look:
    """What the frames of a film have in common."""

    size: Size
    """(height, width)."""
    alpha: bool
    deep: bool
    """More than 8 bits."""

    @classmethod
    def of(cls, result: Result, *, deep: bool) -> Look:
        """Read it off a result; ``deep`` holds for colours of 16 bits only."""
        sixteen = result.rgb is not None and result.rgb.dtype == np.uint16
        return cls(result.size, result.alpha is not None, deep and sixteen)


class VideoEncoder:
    """Encodes results into one stream of a container that is open for writing.

    The other parameters are those of :class:`writing.FilmWriter`.

    Raises
    ------
    UsageError
        The encoder does not know an option or takes no such pictures.
    """

    def __init__(self, container: OutputContainer, encoding: Encoding, look: Look, film: FilmInfo) -> None:
        self.container, self.encoding = container, encoding
        self.pixels = encoding.pixels(alpha=look.alpha, deep=look.deep)
        srgb = ColourTags(Matrix.RGB, primaries=1, transfer=13)
        self.tags = srgb if is_rgb(self.pixels) else film.tags.of_result(look.size[0])
        self.time_base = _time_base(film, encoding)
        codec = encoding.codec
        even = codec.even or (self.pixels.startswith("yuv420") and codec.encoder != "libvpx-vp9")
        height, width = look.size
        self.padded = (height + height % 2, width + width % 2) if even else look.size
        self.stream = self._add_stream(film.rate)
        context = self.stream.codec_context
        context.height, context.width = self.padded
        try:
            context.pix_fmt = self.pixels
            self.to_yuv = FromRgb(self.pixels, self.tags)
        except ValueError as error:
            raise UsageError(f"pixel format {self.pixels!r} is unknown to FFmpeg") from error
        except IndexError as error:
            raise UsageError(f"pictures cannot be stored as {self.pixels}") from error
        context.time_base = self.time_base
        if film.pixel_aspect != 1:
            context.sample_aspect_ratio = film.pixel_aspect
        if encoding.tag is not None:
            context.codec_tag = encoding.tag
        if encoding.bitrate is not None:
            context.bit_rate = encoding.bitrate
        self.tags.put_on(context)
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
        try:
            if av.Codec(encoder, "w").type != "video":
                raise ValueError("it encodes no pictures")
            sane = rate.limit_denominator(1001) or Fraction(1)  # numbers that every encoder takes
            stream: Any = self.container.add_stream(encoder, rate=sane, options=dict(self.encoding.options))
        except (av.FFmpegError, ValueError) as error:
            raise UsageError(f"codec {self.encoding.codec_name!r} cannot be used here: {error}") from error
        return stream

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
            from av.filter import Graph

            self._palette = Graph()
            source = self._palette.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=self.time_base
            )
            split = self._palette.add("split")
            colours = self._palette.add("palettegen", "stats_mode=single:reserve_transparent=1")
            use = self._palette.add("paletteuse", "new=1:alpha_threshold=128:dither=sierra2_4a")
            self._palette.link_nodes(source, split, use, self._palette.add("buffersink"))
            split.link_to(colours, 1, 0)
            colours.link_to(use, 0, 1)
            self._palette.configure()
        self._palette.vpush(frame)
        ready = self._palette.vpull()
        ready.pts, ready.time_base = frame.pts, frame.time_base
        return ready


def _time_base(film: FilmInfo, encoding: Encoding) -> Fraction:
    """Choose an encoder's clock: the source's own; formats that have a clock of their own use that."""
    fixed = {"gif": Fraction(1, 100), "webp": Fraction(1, 1000)}
    usual = film.time_base if FINEST_CLOCK <= film.time_base <= 1 / film.rate else Fraction(1, 90_000)
    return fixed.get(encoding.container.muxer, usual)


def open_output(path: Path, muxer: str, options: dict[str, str]) -> OutputContainer:
    """Open a film file for writing.

    Raises
    ------
    MissingExtraError
        PyAV is not installed.
    OSError
        It cannot be made.
    """
    import_av(str(path))
    import av

    return av.open(os.fspath(path), "w", format=muxer, container_options=options)
