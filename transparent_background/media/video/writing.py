"""Writing results as films and as numbered pictures; a film appears when it is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from ...options.suffixes import KEEPS_ALPHA, format_of
from ..atomic import part_of, writing_to
from ..writing import write
from .containers import Encoding
from .decoding import FilmReader
from .encoding import Look, VideoEncoder, open_output
from .frames import FilmInfo
from .passing import SideStreams
from .pictures import numbered

if TYPE_CHECKING:
    from av.packet import Packet

    from ...images.result import Result


class Writer(Protocol):
    """What all kinds of films are written through."""

    notes: list[str]
    """What was done that a user may not expect."""

    def write(self, result: Result, time: Fraction, duration: Fraction) -> None:
        """Add one frame."""

    def pass_on(self, packets: Iterable[Packet[Any]]) -> None:
        """Add packets of the source's sound and subtitles."""

    def finish(self) -> Path:
        """End the film and give it its name; return that."""

    def save(self) -> Path | None:
        """End the film early, under a name that says so; return that, None if there is nothing."""

    def abandon(self) -> None:
        """Remove what was written."""


class FilmWriter:
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
        self.path = path
        self.notes: list[str] = []
        self._temporary = part_of(path)
        options = dict(encoding.container.options)
        if encoding.container.muxer == "gif":
            # GIF counts repetitions, and -1 is none
            options["loop"] = str({0: 0, 1: -1}.get(film.loop, film.loop - 1))
        elif "loop" in options or "plays" in options:
            options["loop" if "loop" in options else "plays"] = str(film.loop)
        self._frames = 0
        self._state: Literal["open", "flushed", "closed"] = "open"
        self._written: Path | None = None
        with writing_to(path):
            self._container = open_output(self._temporary, encoding.container.muxer, options)
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
        self._mux(self._encoder.encode(result, time, duration))
        self._frames += 1

    def pass_on(self, packets: Iterable[Packet[Any]]) -> None:
        """Add packets of the source's sound and subtitles."""
        if self._sides is not None:
            with writing_to(self.path):
                for packet in packets:
                    self._sides.put(packet)

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with writing_to(self.path):
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
            self._mux(self._encoder.flush())
        with writing_to(self.path):
            if self._state == "flushed":
                if self._sides is not None:
                    self._sides.flush()
                    if self._sides.dropped:
                        self.notes.append(f"{self._sides.dropped} packets of sound had impossible times")
                self._container.close()
                self._state = "closed"
            self._temporary.replace(path)
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
        self._temporary.unlink(missing_ok=True)


class SequenceWriter:
    """Writes every frame as a picture of its own.

    Parameters
    ----------
    pattern
        Such as ``cut/frame_%05d.png``; numbers begin with 1.
    first
        The number of the first picture that is written.
    """

    def __init__(self, pattern: Path, *, first: int = 1, quality: int | None = None) -> None:
        self.pattern, self.quality = os.fspath(pattern), quality
        self.notes: list[str] = []
        self._number = first
        self._format = format_of(pattern.name)
        pattern.parent.mkdir(parents=True, exist_ok=True)

    @property
    def keeps_alpha(self) -> bool:
        """Whether the pictures can be transparent."""
        return self._format in KEEPS_ALPHA

    def write(self, result: Result, time: Fraction, duration: Fraction) -> None:
        """Write one picture."""
        write(numbered(self.pattern, self._number), result, quality=self.quality)
        self._number += 1

    def pass_on(self, packets: Iterable[Packet[Any]]) -> None:
        """Pictures have no sound."""

    def finish(self) -> Path:
        """Return the folder."""
        return Path(self.pattern)

    def save(self) -> Path | None:
        """Return the folder; what is written is whole."""
        return Path(self.pattern)

    def abandon(self) -> None:
        """Leave what is written: every picture is whole."""
