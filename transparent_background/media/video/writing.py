"""Writing films and numbered pictures, and joining films; a film appears when it is whole."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ...images.result import Result
from ..atomic import writing_to
from ..parts import Part
from ..writing import write
from .containers import COUNTER, Encoding
from .decoding import FilmReader
from .encoding import Look, VideoEncoder, open_output
from .frames import FilmInfo
from .opening import open_input
from .passing import SideStreams, move

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet


def _writing_to(path: Path) -> contextlib.AbstractContextManager[None]:
    """Turn what the system, an encoder or a muxer refuses into an OutputError that names the file."""
    import av

    return writing_to(path, av.FFmpegError, OverflowError)


class Writer:
    """What all kinds of films are written through."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        """What was done that a user may not expect."""

    def write(self, result: Result, time: Fraction, duration: Fraction) -> None:
        """Add one frame."""
        raise NotImplementedError

    def pass_on(self, packets: Iterable[Packet[Any]]) -> None:
        """Add packets of the source's sound and subtitles, if they are written with the frames."""

    def finish(self) -> Path:
        """End the film and give it its name; return that."""
        raise NotImplementedError

    def save(self) -> Path | None:
        """End the film early; return what holds it then, None if there is nothing."""
        return self.finish()

    def abandon(self) -> None:
        """Remove what is written and is not whole."""


class FilmWriter(Writer):
    """Writes one film file.

    Parameters
    ----------
    path
        Where it appears when it is whole.
    encoding
        From :func:`containers.choose_encoding`.
    look
        What its frames have in common.
    film
        The source: rate, times and colours are its.
    source
        Its reader, if sound, subtitles, chapters and metadata are to be passed on.

    Raises
    ------
    UsageError
        The encoder takes no such settings.
    OutputError
        It cannot be written.
    """

    def __init__(
        self, path: Path, encoding: Encoding, look: Look, film: FilmInfo, source: FilmReader | None = None
    ) -> None:
        super().__init__()
        self.path = path
        options = dict(encoding.container.options)
        if encoding.container.muxer == "gif":
            # GIF counts repetitions, and -1 is none
            options["loop"] = str({0: 0, 1: -1}.get(film.loop, film.loop - 1))
        elif "loop" in options or "plays" in options:
            options["loop" if "loop" in options else "plays"] = str(film.loop)
        self._frames = 0
        self._state: Literal["open", "flushed", "closed"] = "open"
        self._written: Path | None = None
        with _writing_to(path):
            self._part = Part(path)
            try:
                self._container = open_output(self._part.path, encoding.container.muxer, options)
            except BaseException:
                self._part.remove()
                raise
        try:
            self._encoder = VideoEncoder(self._container, encoding, look, film)
            self._sides = None if source is None else SideStreams(source, self._container, encoding.container)
        except BaseException:
            self.abandon()
            raise
        if self._sides is not None:
            self.notes += self._sides.notes
        padded, size = self._encoder.padded, look.size
        if padded != size:
            self.notes.append(
                f"{size[1]} x {size[0]} became {padded[1]} x {padded[0]}: "
                f"{encoding.codec_name} with these pixels wants even sides, so edge pixels are repeated"
            )

    def write(self, result: Result, time: Fraction, duration: Fraction) -> None:
        """Add one frame."""
        with _writing_to(self.path):
            self._mux(self._encoder.encode(result, time, duration))
        self._frames += 1

    def pass_on(self, packets: Iterable[Packet[Any]]) -> None:
        """Add packets of the source's sound and subtitles."""
        if self._sides is not None:
            with _writing_to(self.path):
                for packet in packets:
                    self._sides.put(packet)

    def _mux(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            self._container.mux_one(packet)

    def _end(self, path: Path) -> Path:
        """End the file, as far as that is not done, and give it a name."""
        if self._state == "open":
            self._state = "flushed"  # an encoder can be told only once, whatever interrupts it
            if self._encoder.dropped:
                self.notes.append(
                    f"{self._encoder.dropped} frames are left out: its clock is too coarse for them"
                )
            with _writing_to(self.path):
                self._mux(self._encoder.flush())
        with _writing_to(self.path):
            if self._state == "flushed":
                if self._sides is not None:
                    self._sides.flush()
                    if self._sides.dropped:
                        self.notes.append(f"{self._sides.dropped} packets of sound had impossible times")
                self._container.close()
                self._state = "closed"
            self._part.become(path)
        self._written = path
        return path

    def finish(self) -> Path:
        """End the film and give it its name."""
        return self._end(self.path)

    def save(self) -> Path | None:
        """End the film early; it is called ``NAME.partial.SUFFIX``."""
        if self._written is not None:
            return self._written
        if not self._frames:
            self.abandon()
            return None
        return self._end(self.path.with_suffix(f".partial{self.path.suffix}"))

    def abandon(self) -> None:
        """Remove what was written."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._container.close()  # a disk that is full cannot take the end of the file either
        self._part.remove()


class SequenceWriter(Writer):
    """Writes every frame as a picture of its own.

    Parameters
    ----------
    pattern
        Such as ``cut/frame_%05d.png``; numbers begin with 1.
    first
        The number of the first picture that is written.
    """

    def __init__(self, pattern: Path, *, first: int = 1, quality: int | None = None) -> None:
        super().__init__()
        self.pattern, self.quality = pattern, quality
        self._number = first
        pattern.parent.mkdir(parents=True, exist_ok=True)

    def write(self, result: Result, time: Fraction, duration: Fraction) -> None:
        """Write one picture."""
        name = COUNTER.sub(lambda to: str(self._number).zfill(int(to[2] or 0)), self.pattern.name, count=1)
        write(self.pattern.with_name(name), result, quality=self.quality)
        self._number += 1

    def finish(self) -> Path:
        """Return the pattern; what is written is whole."""
        return self.pattern


def join(
    segments: Sequence[tuple[Path, Fraction]], path: Path, encoding: Encoding, source: FilmReader | None
) -> list[str]:
    """Make one film of several, packet by packet, with the sound of their source.

    Parameters
    ----------
    segments
        Films of one stream each, made with one encoding, and when each begins, seconds.
    path
        Where the film appears when it is whole.
    source
        A fresh reader of what they were made of, for sound, subtitles, chapters and metadata; or None.

    Returns
    -------
    What was done that one may not expect.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    container = encoding.container
    with _writing_to(path), Part(path) as part:
        with open_output(part.path, container.muxer, dict(container.options)) as target:
            notes = _copy(segments, target, encoding, source)
        part.become(path)
    return notes


def _copy(
    segments: Sequence[tuple[Path, Fraction]],
    target: OutputContainer,
    encoding: Encoding,
    source: FilmReader | None,
) -> list[str]:
    stream: Any = None
    sides: SideStreams | None = None
    last: int | None = None
    for file, begin in segments:
        with open_input(file) as container:
            film = container.streams.video[0]
            if stream is None:
                stream = _like(target, film, encoding)
                sides = None if source is None else SideStreams(source, target, encoding.container)
            for packet in _with_decoding_times(container.demux(film)):
                # some containers begin at a time of their own
                move(packet, round(begin / packet.time_base) - (film.start_time or 0))
                if last is not None and packet.dts <= last:
                    packet.dts = last + 1  # where the rate varies, one segment's may reach into the next
                last = packet.dts
                if sides is not None:
                    sides.put_until(packet.dts * packet.time_base)
                packet.stream = stream
                target.mux_one(packet)
    if sides is None:
        return []
    sides.put_until(None)
    sides.flush()
    return sides.notes


def _with_decoding_times(packets: Iterable[Packet[Any]]) -> Iterator[Any]:
    """Give the packets that hold something, each with a time to be decoded at.

    Matroska names none for the first ones where frames are not stored in the order in which they are shown.
    """
    first: list[Packet[Any]] = []
    for packet in packets:
        if not packet.size:
            continue
        if packet.dts is not None:
            yield from _counted_back(first, packet.dts)
            first = []
            yield packet
        else:
            first.append(packet)
    yield from _counted_back(first, 1 + min((packet.pts or 0 for packet in first), default=0))


def _counted_back(packets: list[Packet[Any]], end: int) -> list[Packet[Any]]:
    """Let packets be decoded one after the other, the last of them before a time."""
    for number, packet in enumerate(reversed(packets), 1):
        packet.dts = end - number * max(packet.duration or 0, 1)
    return packets


def _like(target: OutputContainer, template: Any, encoding: Encoding) -> Any:
    """Add a stream for packets of another film."""
    stream = target.add_stream_from_template(template, opaque=True)
    if "alpha_mode" in template.metadata:  # else players take VP9's second stream for nothing
        stream.metadata["alpha_mode"] = template.metadata["alpha_mode"]
    if encoding.tag is not None:
        stream.codec_context.codec_tag = encoding.tag
    return stream
