"""Passing on what a film holds beside its pictures: sound, subtitles, chapters, metadata."""

from __future__ import annotations

import logging
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from .containers import Container
from .decoding import FilmReader

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream

logger = logging.getLogger(__name__)

# What containers say of themselves, and is no longer true of another one.
_OWN_KEYS = frozenset(
    ("major_brand", "minor_version", "compatible_brands", "encoder", "duration", "rotate", "alpha_mode",
     "vendor_id", "bps", "number_of_frames", "number_of_bytes", "_statistics_tags",
     "_statistics_writing_app", "_statistics_writing_date_utc")
)  # fmt: skip

# FFmpeg's muxers accept these, but what plays the files does not
_UNPLAYABLE: dict[str, tuple[str, ...]] = {
    "mp4": ("vorbis", "flac", "pcm_", "truehd", "dts"),
    "mov": ("vorbis", "opus", "flac"),
    "mpegts": ("pcm_", "flac", "alac", "vorbis", "subrip", "srt", "ass", "mov_text", "webvtt"),
}
SOUND_RATE = 192_000  # bits a second of sound that has to be encoded again


class SideStreams:
    """Copies a source's sound and subtitles into a container; encodes again what does not fit.

    Parameters
    ----------
    reader
        The source's, made with ``streams=True``.
    target
        The container that is written, its streams not started.
    container
        What it is.
    """

    def __init__(self, reader: FilmReader, target: OutputContainer, container: Container) -> None:
        self.reader, self.target = reader, target
        self.notes: list[str] = []
        self.dropped = 0
        self._ways: dict[int, _Way] = {}
        self._last: dict[int, int] = {}
        self._unread = reader.packets_beside()
        if not container.streams:
            if any(s.type == "audio" for s in reader.sides):
                self.notes.append(f"its sound is left out: {container.muxer} holds none")
            return
        for stream in reader.sides:
            if (way := self._way(stream, container)) is not None:
                self._ways[stream.index] = way
        _copy_metadata(reader, target)
        if reader.container.chapters() and container.muxer == "mpegts":
            self.notes.append("its chapters are left out: mpegts holds none")
        if container.muxer == "matroska":
            for font in reader.container.streams.attachments:
                name = font.metadata.get("filename", "attachment")
                target.add_attachment(name, font.mimetype or "application/octet-stream", font.data)

    def _way(self, stream: Stream, container: Container) -> _Way | None:
        name = stream.codec_context.name if stream.codec_context is not None else "unknown"
        if not name.startswith(_UNPLAYABLE.get(container.muxer, ())):
            try:
                return _Way(_described(self.target.add_stream_from_template(stream), stream))
            except (ValueError, OSError):
                logger.debug("%s does not go into %s", name, container.muxer)
        sound = stream.type == "audio"
        kind = "sound" if sound else "subtitles"
        try:
            if stream.codec_context is None:
                raise ValueError("nothing here can decode it")
            again = _Sound(self.target, stream) if sound else _Subtitles(self.target, stream)
        except (ValueError, OSError, TypeError, RuntimeError):
            self.notes.append(f"its {kind} ({name}) are left out: {container.muxer} cannot hold them")
            return None
        self.notes.append(f"its {kind} ({name}) does not go into {container.muxer}: encoded as {again.name}")
        return again

    def put(self, packet: Packet[Any]) -> None:
        """Write one packet of the source, if it belongs in the result."""
        way = self._ways.get(packet.stream_index)
        time = self.reader.packet_time(packet)
        if way is not None and time is not None:
            self._mux(way(packet, time))

    def put_until(self, time: Fraction | None) -> None:
        """Read the source for its packets alone, and write those up to a moment of it; None: all."""
        for packet in self._unread:
            when = self.reader.packet_time(packet)
            self.put(packet)
            if time is not None and when is not None and when >= time:
                return

    def flush(self) -> None:
        """Write what is left at the end; once."""
        ways, self._ways = self._ways, {}
        for way in ways.values():
            self._mux(way.flush())

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            stamp = packet.dts if packet.dts is not None else packet.pts
            last = self._last.get(packet.stream_index)
            if stamp is None or (last is not None and stamp <= last):
                self.dropped += 1  # damaged sources repeat or go back; no container takes that
                continue
            self._last[packet.stream_index] = stamp
            self.target.mux_one(packet)


class _Way:
    """How the packets of one stream get into the result: as they are, at their new times."""

    name = ""
    """The codec that they are encoded with again, if they are."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __call__(self, packet: Packet[Any], time: Fraction) -> list[Packet[Any]]:
        """Return what to write for a packet that belongs at a time of the result."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        move(packet, round(time / packet.time_base) - (stamp or 0))
        packet.stream = self.stream
        return [packet]

    def flush(self) -> list[Packet[Any]]:
        """Return what is left at the end."""
        return []


class _Sound(_Way):
    """Decodes sound and encodes it with the container's own codec."""

    def __init__(self, target: OutputContainer, source: Any) -> None:
        import av

        self.name = "libopus" if target.format.name == "webm" else target.default_audio_codec
        context = source.codec_context
        self.rate = 48_000 if self.name == "libopus" else min(context.sample_rate, 48_000)
        layout = _LAYOUTS.get(context.layout.nb_channels, "stereo")
        if "channels" in context.layout.name:
            context.layout = layout  # raw sound names a number of channels, and no places for them
        trial: Any = av.CodecContext.create(self.name, "w")  # a stream that was added cannot be taken back
        trial.sample_rate, trial.layout, trial.bit_rate = self.rate, layout, SOUND_RATE
        trial.format = trial.codec.audio_formats[0]
        trial.time_base = Fraction(1, self.rate)
        trial.open()
        stream: Any = target.add_stream(self.name, rate=self.rate)
        stream.codec_context.layout = layout
        stream.codec_context.bit_rate = SOUND_RATE
        self.stream = _described(stream, source)
        self.format, self.layout = stream.codec_context.format, stream.codec_context.layout
        self.resampler = av.AudioResampler(format=self.format, layout=self.layout, rate=self.rate)
        self.next: int | None = None  # samples so far

    def __call__(self, packet: Packet[Any], time: Fraction) -> list[Packet[Any]]:
        import av

        due = max(round(time * self.rate), 0)
        if self.next is None:
            self.next = due
        packets = self._silence(due - self.next) if due - self.next > self.rate * GAP else []
        try:
            frames = packet.decode()
        except (av.FFmpegError, OSError):
            return packets
        return packets + [out for frame in frames for out in self._encode(frame)]

    def _silence(self, samples: int) -> list[Packet[Any]]:
        """Fill a gap in the source, else all that follows would come early."""
        import av

        packets: list[Packet[Any]] = []
        while samples > 0:
            frame = av.AudioFrame(self.format.name, self.layout.name, min(samples, self.rate))
            frame.sample_rate = self.rate
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            samples -= frame.samples
            packets += self._put(frame)
        return packets

    def _encode(self, frame: Any) -> list[Packet[Any]]:
        return [packet for part in self.resampler.resample(frame) for packet in self._put(part)]

    def _put(self, part: Any) -> list[Packet[Any]]:
        part.pts, part.time_base = self.next, Fraction(1, self.rate)
        self.next = (self.next or 0) + part.samples
        return list(self.stream.encode(part))

    def flush(self) -> list[Packet[Any]]:
        if self.next is None:
            return []
        return self._encode(None) + list(self.stream.encode(None))


GAP = 0.1  # seconds of sound missing that are filled with silence
_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""What encoders take; what has its loudspeakers elsewhere is mixed to it."""


class _Subtitles(_Way):
    """Decodes text subtitles and encodes them as the container's own kind."""

    def __init__(self, target: OutputContainer, source: Any) -> None:
        self.name = _TEXT.get(target.format.name, "")
        if not self.name or source.codec_context.name in _BITMAPS:
            raise ValueError("no text, or no place for it")
        if not source.codec_context.is_open:
            source.codec_context.open()  # only then the decoder has a header
        stream: Any = target.add_stream(self.name)
        stream.codec_context.subtitle_header = source.codec_context.subtitle_header
        stream.codec_context.time_base = Fraction(1, 1000)
        self.stream = _described(stream, source)

    def __call__(self, packet: Packet[Any], time: Fraction) -> list[Packet[Any]]:
        import av

        try:
            subtitle = packet.stream.codec_context.decode2(packet)
            if subtitle is None:
                return []
            encoded = self.stream.codec_context.encode_subtitle(subtitle)
        except (av.FFmpegError, OSError, ValueError):
            return []
        encoded.time_base = Fraction(1, 1000)
        encoded.pts = encoded.dts = round(time * 1000)
        encoded.duration = round((packet.duration or 0) * packet.time_base * 1000)
        encoded.stream = self.stream
        return [encoded]


_TEXT = {"mp4": "mov_text", "mov": "mov_text", "webm": "webvtt", "matroska": "ass"}
"""What text subtitles are in each container."""

_BITMAPS = frozenset(
    ("dvd_subtitle", "dvdsub", "hdmv_pgs_subtitle", "pgssub", "dvb_subtitle", "dvbsub", "xsub")
)


def move(packet: Packet[Any], ticks: int) -> None:
    """Move a packet in time."""
    if packet.pts is not None:
        packet.pts += ticks
    if packet.dts is not None:
        packet.dts += ticks


def _described(stream: Any, source: Any) -> Any:
    """Give a stream the language, title and role of its source."""
    stream.metadata.update(_kept(source.metadata))
    stream.disposition = source.disposition
    return stream


def _copy_metadata(reader: FilmReader, target: OutputContainer) -> None:
    target.metadata.update(_kept(reader.container.metadata))
    chapters = []
    for chapter in reader.container.chapters():
        base = chapter["time_base"] or Fraction(1, 1000)
        start, end = (round(chapter[edge] - reader.offset / base) for edge in ("start", "end"))
        if reader.selection.end is not None:
            end = min(end, round(reader.selection.end / base))
        if end > max(start, 0):
            chapters.append({**chapter, "start": max(start, 0), "end": end})
    if chapters:
        target.set_chapters(chapters)  # type: ignore[arg-type]


def _kept(metadata: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in metadata.items() if key.lower().split("-")[0] not in _OWN_KEYS}
