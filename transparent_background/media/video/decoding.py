"""Reading films with PyAV: frames in order with their times, upright, in right colours."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from ...errors import UnreadableError
from ...images.picture import Picture
from ...options.films import Selection
from ..files import name_of, url_scheme
from .colours import ColourTags
from .corrections import Deinterlacer, Orientation
from .frames import FilmInfo, Frame, Losses, Raw, Reader
from .opening import FilmSource, describe, open_input, video_stream
from .pixels import ToRgb

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.video.codeccontext import VideoCodecContext

logger = logging.getLogger(__name__)

AV_TIME_BASE = 1_000_000  # ticks a second of a container's own times
FALLBACK_RATE = Fraction(25)
BACKWARDS = (0, 5, 15, None)  # seconds before the start to look for a keyframe; None: the film's beginning
SOUND_LAG = 10  # seconds of film that sound may be stored behind its pictures
MAX_RATE = 1000  # frames a second; what claims more is mistaken
FRAME_A_PACKET = frozenset(
    ("h264", "hevc", "av1", "vp9", "prores", "dnxhd", "mjpeg", "ffv1", "huffyuv", "ffvhuff", "utvideo", "png")
)
"""Codecs each of whose packets is shown as one frame, if it is not interlaced."""


class FilmReader(Reader):
    """Reads one film; ``streams`` asks for packets of its sound and subtitles.

    Parameters and errors are those of :func:`readers.open_film`; an address may be of HLS too.
    """

    def __init__(
        self,
        source: FilmSource,
        *,
        selection: Selection | None = None,
        deep: bool = False,
        streams: bool = False,
        square: bool = False,
    ) -> None:
        super().__init__(selection)
        self.name = name_of(source)
        self.container = open_input(source)
        with ExitStack() as failed:
            failed.callback(self.container.close)
            self._set_up(source, ToRgb(deep=deep), streams, square)
            failed.pop_all()

    def _set_up(self, source: FilmSource, to_rgb: ToRgb, streams: bool, square: bool) -> None:
        self.stream = video_stream(self.container, self.name)
        self.stream.thread_type = "AUTO"
        self._tags = {key.lower(): value for key, value in self.stream.metadata.items()}
        self._decoder = _decoder_with_alpha(self.stream, self._tags) or self.stream.codec_context
        self.sides: list[Any] = [s for s in self.container.streams if s.type in ("audio", "subtitle")]
        """Its streams of sound and subtitles."""
        self._pass_on = streams
        rates = (self.stream.average_rate, self.stream.guessed_rate, self.stream.base_rate)
        self._rate = next((Fraction(rate) for rate in rates if rate and 0 < rate <= MAX_RATE), FALLBACK_RATE)
        scheme = url_scheme(source)
        start_time = self.container.start_time
        if start_time is not None and scheme not in ("rtsp", "rtsps", "rtp", "udp"):
            self.begin = self.offset = Fraction(start_time, AV_TIME_BASE)
        self._deinterlacer = Deinterlacer(self.stream.time_base)
        self._to_rgb = to_rgb
        self._frames: Iterator[tuple[Fraction, VideoFrame]]
        first = self._begin_reading()
        if first is None:
            index = " (an MP4 whose index is at its end cannot be read from a stream)"
            seekable = isinstance(source, (str, os.PathLike)) and scheme is None
            raise UnreadableError(
                f"{self.name}: not one frame of it can be decoded{'' if seekable else index}"
            )
        self._frames = chain([first], self._frames)
        self._upright = Orientation(first[1], self.stream.codec_context.name)
        self._stored = (first[1].height, first[1].width)
        self.info = self._describe(first[1], square)

    def _begin_reading(self) -> tuple[Fraction, VideoFrame] | None:
        """Decode the first frame, from the last keyframe before the start if the file lets us go there.

        Some containers go to a place that is no keyframe, or one after the start: then farther back.
        """
        start = self.selection.start
        for back in BACKWARDS if start else (None,):
            # before the beginning for the beginning: transport streams are searched inexactly
            if start and not self._seek(Fraction(-10) if back is None else max(start - back, Fraction(0))):
                start = None  # it cannot be sought in; frames before the start are passed over
            self._lost, self._side = Losses(), []
            self._last: Fraction | None = None
            self._demuxed = self._packets()
            self._frames = self._decode()
            first = next(self._frames, None)
            if not start or back is None or (first is not None and first[0] <= start):
                break
        return first

    def _seek(self, time: Fraction) -> bool:
        """Go to a keyframe before a time of the film, seconds; return whether that is possible."""
        import av

        try:
            self.container.seek(int((time + self.begin) * AV_TIME_BASE))
        except (av.FFmpegError, OSError):
            logger.debug("%s: cannot seek", self.name)
            return False
        self._decoder.flush_buffers()
        return True

    def _describe(self, first: VideoFrame, square: bool) -> FilmInfo:
        size = height, width = self._upright.stored_size(self._stored)
        aspect = self.stream.sample_aspect_ratio or Fraction(1)
        if self._upright.transposes:
            aspect = 1 / aspect
        if square and aspect != 1:  # the longer way, so that nothing is lost
            size = (height, round(width * aspect)) if aspect > 1 else (round(height / aspect), width)
            aspect = Fraction(1)
        frames = self.stream.frames if self.stream.frames > 0 else None
        if frames is None and self.duration is not None:
            frames = max(round(self.duration * self._rate), 1)
        base = self.stream.time_base or Fraction(1, AV_TIME_BASE)
        tags = ColourTags.of(first)
        info = FilmInfo(
            name=self.name, size=size, rate=self._rate, time_base=base, frames=frames, tags=tags
        ).of_part(self.selection)
        if self.selection.scale is not None:
            aspect *= Fraction(info.size[0] * size[1], info.size[1] * size[0])
            aspect = Fraction(1) if abs(aspect - 1) < Fraction(1, 50) else aspect
        return replace(info, pixel_aspect=aspect)

    @property
    def duration(self) -> Fraction | None:
        """Seconds, as the file says."""
        base = self.stream.time_base
        if self.stream.duration and base:
            return self.stream.duration * base
        # Matroska's
        if match := re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", self._tags.get("duration", "")):
            hours, minutes, seconds = match.groups()
            return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)
        alone = not any(s.type == "audio" for s in self.container.streams)  # sound may last longer
        if alone and self.container.duration and self.container.duration > 0:
            return Fraction(self.container.duration, AV_TIME_BASE)
        return None

    @property
    def notes(self) -> list[str]:
        """What was done to the frames that a user may not expect."""
        notes = []
        if self._deinterlacer.used:
            notes.append("is interlaced: deinterlaced (bwdif)")
        if self.info.tags.mapped:
            kind = "HDR" if self.info.tags.hdr else "of a wide gamut"
            notes.append(f"is {kind}: brought to the range of BT.709")
        return notes

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames in order, once."""
        yield from super().__iter__()
        if self._pass_on and self.selection.end is not None:
            self._read_sound_to(self.selection.end)

    def _read_sound_to(self, end: Fraction) -> None:
        """Read on, after the last frame, until all sound up to the end has come: files store it later."""
        behind = {s.index for s in self.container.streams if s.type == "audio"}
        for packet in self._demuxed:
            time = self._packet_time(packet)
            if time is None:
                continue
            if packet.stream_index != self.stream.index:
                self._side.append(packet)
                if time >= end:
                    behind.discard(packet.stream_index)
                if not behind:
                    return
            elif time > end + SOUND_LAG:
                return

    def packets_beside(self) -> Iterator[Packet[Any]]:
        """Read the film for its sound and subtitles alone; its frames cannot be read any more after that."""
        self.container.seek(0)
        for packet in self.container.demux(*self.sides) if self.sides else ():
            if packet.dts is not None:
                yield packet

    def _packet_time(self, packet: Packet[Any]) -> Fraction | None:
        """Return a packet's time in the source, seconds."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        return None if stamp is None else stamp * packet.time_base - self.begin

    def packet_time(self, packet: Packet[Any]) -> Fraction | None:
        """Return where a packet that was passed on belongs in the result, seconds; None: it does not."""
        time, end = self._packet_time(packet), self.selection.end
        if time is None or (end is not None and time >= end):
            return None
        time += self.begin - self.offset
        return None if self.selection.start and time < 0 else time

    def _raws(self) -> Iterator[Raw]:
        last = Fraction(0)
        for index, (time, frame) in enumerate(self._frames):
            if (frame.height, frame.width) != self._stored:
                self._lost.resized(self._stored, (frame.height, frame.width), time)
            last = time
            lasts = frame.duration * (frame.time_base or Fraction(0))
            yield Raw(index, time, lasts if 0 < lasts < 3600 else 1 / self._rate, partial(self._load, frame))
        if self.selection.end is None:
            self._lost.ended(last + 1 / self._rate, self.duration, self._rate)

    def _load(self, frame: VideoFrame) -> Picture:
        """Convert a frame to an upright picture of the film's size."""
        import av

        try:
            return self._upright(self._to_rgb(frame, self._upright.stored_size(self.info.size)))
        except (av.FFmpegError, MemoryError) as error:
            what = f"a frame of {frame.width} x {frame.height} pixels cannot be converted"
            raise describe(error, self.name, what) from error

    def _decode(self) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Decode all there is: (seconds from the start of the film, frame), in order."""
        for frame in self._deinterlacer(self._counted()):
            if frame.is_corrupt:
                self._lost.corrupt += 1
            yield self._time_of(frame), frame

    def _time_of(self, frame: VideoFrame) -> Fraction:
        """Return a frame's time, which is later than the last one's, whatever the file says."""
        base = frame.time_base or self.stream.time_base
        stamp = frame.pts if frame.pts is not None else frame.dts
        time = None if stamp is None or base is None else stamp * base - self.begin
        if time is None or (self._last is not None and time <= self._last):
            if time is not None:
                self._lost.retimed += 1
            time = Fraction(0) if self._last is None else self._last + 1 / self._rate
        self._last = time
        return time

    def _counted(self) -> Iterator[VideoFrame]:
        """Decode, and count the frames that decoders leave out without a word."""
        frames, self._shown = 0, 0
        for frame in self._decoded():
            frames += 1
            yield frame
        whole = not self._deinterlacer.used and not self.selection.start
        if whole and self.stream.codec_context.name in FRAME_A_PACKET:
            self._lost.missing = max(self._shown - frames, 0)

    def _decoded(self) -> Iterator[VideoFrame]:
        import av

        for packet in self._demuxed:
            if packet.stream_index != self.stream.index:
                if self._pass_on and packet.dts is not None:
                    self._side.append(packet)
                continue
            self._shown += bool(packet.size and not packet.is_discard)
            try:
                yield from self._decoder.decode(packet if packet.size else None)
            except av.error.EOFError:
                return
            except (av.FFmpegError, OSError, ValueError) as error:
                logger.debug("%s: a packet cannot be decoded: %s", self.name, error)
                self._lost.undecodable(self._last)

    def _packets(self) -> Iterator[Packet[Any]]:
        import av

        try:
            yield from self.container.demux(self.stream, *(self.sides if self._pass_on else ()))
        except (av.FFmpegError, OSError) as error:
            self._lost.broken_off(self._last, describe(error, self.name, "cannot be read on"))
            empty: Packet[Any] = av.Packet(0)  # makes the decoder give its last frames
            empty.stream = self.stream
            yield empty

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()


def _decoder_with_alpha(stream: Any, tags: dict[str, str]) -> VideoCodecContext | None:
    """Return libvpx's decoder for VP8 and VP9 with transparency: FFmpeg's own ones leave it out."""
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
    if tags.get("alpha_mode") != "1" or name is None:
        return None
    from av.codec import CodecContext

    decoder: Any = CodecContext.create(name, "r")
    decoder.extradata = stream.codec_context.extradata
    return decoder
