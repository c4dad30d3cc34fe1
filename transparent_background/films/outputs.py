"""The files that are written of one film: the result, and if wanted its matte and its foreground."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import OutputError, UsageError
from ..media.atomic import make_folder
from ..media.video.containers import (
    CHOICES,
    CONTAINERS,
    Encoding,
    choose_encoding,
    film_format,
    is_pattern,
    is_sequence,
)
from ..media.video.decoding import FilmReader
from ..media.video.encoding import Look
from ..media.video.frames import Frame, Reader
from ..media.video.writing import FilmWriter, SequenceWriter, Writer
from ..options.films import EncodingOptions
from ..options.result_types import Rgba
from ..options.suffixes import KEEPS_ALPHA, format_of
from .segments import SegmentedWriter, can_resume

logger = logging.getLogger(__name__)

if TYPE_CHECKING:
    from ..images.result import Result
    from ..options.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """One file, or one run of pictures."""

    path: Path
    encoding: Encoding | None
    """How the film is encoded; None: numbered pictures."""


@dataclass(frozen=True, slots=True)
class Targets:
    """All files of one film."""

    files: dict[str, Target]
    """``result``, and if wanted ``matte`` and ``foreground``."""
    alpha: bool
    """Whether the result's file holds transparency."""

    @property
    def deep(self) -> bool:
        """Whether more than 8 bits of the source reach a file."""
        return any(t.encoding is None or t.encoding.deep for t in self.files.values())

    @property
    def keeps_shape(self) -> bool:
        """Whether the result says what shape its pixels have; PyAV does not tell Matroska."""
        encoding = self.files["result"].encoding
        if encoding is None or not encoding.container.streams:
            return False
        return encoding.container.muxer not in ("matroska", "webm") or encoding.codec_name in ("h264", "hevc")


def plan_targets(path: Path, format: str | None, settings: Settings) -> Targets:
    """Decide how a film's files are written.

    Parameters
    ----------
    path
        The result: a film's name, or a pattern of pictures (``cut_%05d.png``).
    format
        Its format; None: by the suffix.
    settings
        What is made; ``settings.film`` says how it is encoded.

    Raises
    ------
    UsageError
        Format, codec and transparency do not fit.
    """
    transparent = isinstance(settings.type, Rgba)
    options = settings.film
    if is_pattern(path.name):
        if options.resume:
            raise UsageError("--resume: numbered pictures are whole one by one; go on with --start")
        return _pictures(path, settings, transparent=transparent)
    kind = film_format(format or path.name)
    if kind is None:
        if is_sequence(format or path.name):
            raise UsageError(
                f"{path}: a film becomes many pictures; name them like "
                f"{path.stem}_%05d{path.suffix}, or choose apng, gif or webp"
            )
        raise UsageError(f"{path}: films are written as {CHOICES}")
    alpha = transparent and bool(CONTAINERS[kind].alpha)
    encoding = choose_encoding(kind, options, alpha=alpha)
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a film in it")
    files = {"result": Target(path, encoding)}
    plain = kind if CONTAINERS[kind].streams else "mp4"
    for name in _extras(settings):
        beside = path.with_name(f"{path.stem}_{name}.{plain}")
        if name == "matte" and isinstance(options.matte, Path):
            beside = options.matte
        files[name] = Target(beside, _plain_encoding(beside, options, encoding))
    for target in files.values():
        if options.resume and target.encoding is not None and not can_resume(target.encoding):
            raise UsageError(
                f"--resume: {target.path.suffix} cannot be put together of parts; use mp4, mov, mkv or webm"
            )
    return Targets(files, alpha)


def _extras(settings: Settings) -> list[str]:
    wanted = {"matte": bool(settings.film.matte), "foreground": settings.film.foreground_film is not None}
    return [name for name, asked in wanted.items() if asked]


def _plain_encoding(path: Path, options: EncodingOptions, main: Encoding) -> Encoding:
    """Encode matte and foreground as the result is, as far as that fits without transparency."""
    kind = film_format(path.name)
    if kind is None:
        raise UsageError(f"{path}: films are written as {CHOICES}")
    same = main.codec_name in CONTAINERS[kind].codecs and options.pix_fmt is None
    if main.codec_name == "prores" and same:
        # an editor's master: matte and colours go beside it in the same kind
        return choose_encoding(kind, EncodingOptions(codec="prores"), alpha=False)
    return choose_encoding(kind, options if same and options.codec else EncodingOptions(), alpha=False)


def _pictures(path: Path, settings: Settings, *, transparent: bool) -> Targets:
    kind = format_of(path.name)
    if kind is None:
        raise UsageError(f"{path}: pictures cannot be written as {path.suffix}")
    files = {"result": Target(path, None)}
    for name in _extras(settings):
        beside = path.with_name(f"{name}_{path.name}")
        if name == "matte" and isinstance(settings.film.matte, Path):
            beside = settings.film.matte
            if not is_pattern(beside.name):
                raise UsageError(f"--matte {beside}: pictures are numbered; name them like matte_%05d.png")
        files[name] = Target(beside, None)
    return Targets(files, transparent and kind in KEEPS_ALPHA)


class Outputs:
    """Writes a film's files frame by frame; each begins with its first frame.

    Parameters
    ----------
    targets
        Which files.
    reader
        The source.
    settings
        As for :func:`process.process_film`.
    model
        Which network makes the mattes, in words: parts of a film made with another are not used.
    """

    def __init__(self, targets: Targets, reader: Reader, settings: Settings, model: str) -> None:
        self.targets, self.reader, self.settings = targets, reader, settings
        self.writers: dict[str, Writer] = {}
        self.notes: list[str] = []
        self.resumed = 0
        """Frames that an earlier run has finished."""
        self._segments: dict[str, SegmentedWriter] = {}
        for target in targets.files.values():
            make_folder(target.path.parent)
        if settings.film.resume:
            self._set_up_segments(model)

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Save what was done if the user stopped it, remove it if it failed."""
        if isinstance(error, KeyboardInterrupt):
            for path in self._each(lambda writer: writer.save()):
                if path is not None:
                    logger.warning("%s: stopped; %s holds what was done", self.reader.info.name, path)
        elif error is not None:
            self._each(lambda writer: writer.abandon())

    def _set_up_segments(self, model: str) -> None:
        for name, target in self.targets.files.items():
            if target.encoding is not None:
                sides = name == "result" and self.settings.film.sound
                self._segments[name] = SegmentedWriter(
                    target.path, target.encoding, self.reader, self.settings, model, sides=sides
                )
        # files of one film go on from where the shortest of them ends; segments end at the same frames
        self.resumed = min((segmented.frames for segmented in self._segments.values()), default=0)
        for segmented in self._segments.values():
            segmented.cut(self.resumed)

    def write(self, results: dict[str, Result], frame: Frame) -> None:
        """Write what was made of a frame."""
        for name, result in results.items():
            if name not in self.writers:
                self.writers[name] = self._begin(name, result)
            writer = self.writers[name]
            writer.pass_on(frame.before if name == "result" else ())
            writer.write(result, frame.time, frame.duration)

    def _begin(self, name: str, result: Result) -> Writer:
        target = self.targets.files[name]
        if target.encoding is None:
            return SequenceWriter(target.path, first=1 + self.reader.skip, quality=self.settings.quality)
        look = Look.of(result, deep=target.encoding.deep)
        if name in self._segments:
            self._segments[name].begin(look)
            return self._segments[name]
        source = self.reader if name == "result" and self.settings.film.sound else None
        sides = source if isinstance(source, FilmReader) else None
        return FilmWriter(target.path, target.encoding, look, self.reader.info, sides)

    def finish(self, rest: Iterable[Any]) -> dict[str, Path]:
        """End all files, with the packets that are left; return their names."""
        for name, segmented in self._segments.items():
            self.writers.setdefault(name, segmented)  # all frames may be those of an earlier run
        if "result" not in self.writers:
            raise OutputError(f"{self.targets.files['result'].path}: there is no frame to write")
        self.writers["result"].pass_on(rest)
        paths = {name: writer.finish() for name, writer in self.writers.items()}
        notes = [note for writer in self.writers.values() for note in writer.notes]
        self.notes = list(dict.fromkeys(notes))  # each once
        if self.settings.crop is not None:
            self.notes.append("films are not cropped")
        return paths

    def _each(self, do: Callable[[Writer], Path | None]) -> list[Path | None]:
        paths = []
        for writer in self.writers.values():
            try:
                paths.append(do(writer))
            except OutputError as error:  # the other files are ended nevertheless
                logger.warning("%s", error)
        return paths
