"""Films that are written in segments, so that a stopped run can go on, and put together at the end."""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import AbstractContextManager, closing, nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

from .._version import __version__
from ..images.result import Result
from ..media.atomic import file_state, make_folder, replacing
from ..media.parts import sweep
from ..media.video.containers import Encoding
from ..media.video.decoding import FilmReader
from ..media.video.encoding import Look
from ..media.video.frames import Reader
from ..media.video.readers import SequenceReader
from ..media.video.writing import FilmWriter, Writer, join
from ..options.result_types import Backdrop
from ..options.settings import Settings

SEGMENT_SECONDS = 10  # what a stop costs at most


class SegmentedWriter(Writer):
    """Writes a film as segments of about ten seconds in a folder ``.NAME.parts`` beside it.

    A segment gets its name when it is whole. ``finish`` joins them, with the source's sound, without
    encoding anything again, and removes the folder.

    Segments that were made of anything but this reader, settings and model are thrown away. ``sides`` says
    whether sound and subtitles of the source belong into the film.
    """

    def __init__(
        self,
        path: Path,
        encoding: Encoding,
        reader: Reader,
        settings: Settings,
        model: str,
        *,
        sides: bool,
    ) -> None:
        super().__init__()
        self.path, self.encoding, self.reader, self.sides = path, encoding, reader, sides
        self.folder = path.with_name(f".{path.name}.parts")
        self._segment: FilmWriter | None = None
        self._in_segment = 0
        self._begin = Fraction(0)
        self._job = _fingerprint(reader, settings, encoding, model)
        self._parts: list[dict[str, Any]] = self._load()

    @property
    def frames(self) -> int:
        """How many the whole segments hold."""
        return sum(part["frames"] for part in self._parts)

    def cut(self, frames: int) -> None:
        """Forget the segments beyond a number of frames."""
        while self.frames > frames:
            part = self._parts.pop()
            self._note()  # first: a record of a segment that is gone would cost all of them
            (self.folder / part["name"]).unlink(missing_ok=True)

    def _note(self) -> None:
        """Write down which segments are whole."""
        with replacing(self.folder / "job.json") as file:
            file.write(json.dumps({"job": self._job, "parts": self._parts}, indent=1).encode())

    def _load(self) -> list[dict[str, Any]]:
        try:
            state = json.loads((self.folder / "job.json").read_text(encoding="utf-8"))
            parts = [part for part in state["parts"] if (self.folder / part["name"]).is_file()]
            if state["job"] == self._job and parts == state["parts"]:
                sweep(self.folder)
                return parts
        except (OSError, ValueError, KeyError, TypeError):
            pass
        shutil.rmtree(self.folder, ignore_errors=True)
        return []

    def write(self, result: Result, time: Fraction, duration: Fraction) -> None:
        """Add one frame."""
        if self._segment is not None and time - self._begin >= SEGMENT_SECONDS:
            self._close()
        if self._segment is None:
            make_folder(self.folder)
            look = Look.of(result, deep=self.encoding.deep)
            name = f"{len(self._parts):05d}{self.path.suffix}"
            self._segment = FilmWriter(self.folder / name, self.encoding, look, self.reader.info)
            self._begin, self._in_segment = time, 0
        self._segment.write(result, time - self._begin, duration)
        self._in_segment += 1

    def _close(self) -> None:
        """End the segment and note that it is whole."""
        if self._segment is None:
            return
        path = self._segment.finish()
        self.notes = self._segment.notes
        self._segment = None
        begin = [self._begin.numerator, self._begin.denominator]
        self._parts.append({"name": path.name, "frames": self._in_segment, "begin": begin})
        self._note()

    def finish(self) -> Path:
        """Put the film together."""
        self._close()
        segments = [(self.folder / part["name"], Fraction(*part["begin"])) for part in self._parts]
        with self._source() as source:
            self.notes += join(segments, self.path, self.encoding, source)
        shutil.rmtree(self.folder, ignore_errors=True)
        return self.path

    def _source(self) -> AbstractContextManager[FilmReader | None]:
        """Open the source once more, for its sound."""
        if not self.sides or not isinstance(self.reader, FilmReader):
            return nullcontext()
        reader = FilmReader(self.reader.name, selection=self.reader.selection, streams=True)
        reader.offset = self.reader.offset
        return closing(reader)

    def save(self) -> Path | None:
        """Keep the whole segments; the rest of the last one is done again."""
        if self._segment is not None:
            self._segment.abandon()
            self._segment = None
        return self.folder if self._parts else None

    def abandon(self) -> None:
        """Keep the whole segments: whatever went wrong, a later run goes on from there."""
        self.save()


def _fingerprint(reader: Reader, settings: Settings, encoding: Encoding, model: str) -> str:
    """Describe what a segment depends on."""
    files = [Path(reader.info.name)]
    if isinstance(reader, SequenceReader):
        files = [path for _, path in reader.files]
    if isinstance(settings.type, Backdrop):
        files.append(settings.type.path)
    states = sorted(file_state(path) for path in files)
    sources = [str(files[0]), len(states), hashlib.sha256(repr(states).encode()).hexdigest()]
    options = dict(encoding.options)
    job = [__version__, sources, model, repr(settings), encoding.codec_name, options, encoding.pix_fmt]
    return json.dumps(job)
