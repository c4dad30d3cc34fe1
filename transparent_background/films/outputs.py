"""The files of one film, named, planned and written: the result, and if wanted matte and foreground."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ..errors import OutputConflictError, OutputError, UsageError
from ..images.result import Result
from ..media.atomic import file_key, file_keys, make_folder
from ..media.parts import sweep
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
from ..options.settings import Settings
from ..options.suffixes import KEEPS_ALPHA, format_of
from .segments import SegmentedWriter

logger = logging.getLogger(__name__)


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
    if film_format(format or path.name) is None and is_sequence(format or path.name):
        raise UsageError(
            f"{path}: a film becomes many pictures; name them like "
            f"{path.stem}_%05d{path.suffix}, or choose apng, gif or webp"
        )
    kind = _kind(path, format or path.name)
    alpha = transparent and bool(CONTAINERS[kind].alpha)
    encoding = choose_encoding(kind, options, alpha=alpha)
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name a film in it")
    files = {"result": Target(path, encoding)}
    plain = kind if CONTAINERS[kind].streams else "mp4"
    for name, beside in _extras(settings, path, f"{path.stem}_{{}}.{plain}"):
        files[name] = Target(beside, _plain_encoding(beside, options, encoding))
    for target in files.values():
        if options.resume and target.encoding and not target.encoding.container.streams:
            raise UsageError(
                f"--resume: {target.path.suffix} cannot be put together of parts; use mp4, mov, mkv or webm"
            )
    return Targets(files, alpha)


def _kind(path: Path, name: str) -> str:
    """Return the container of a film's name or format."""
    kind = film_format(name)
    if kind is None:
        raise UsageError(f"{path}: films are written as {CHOICES}")
    return kind


def _extras(settings: Settings, path: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    """Give what is written besides the result, and its path: the user's own, or one beside the result."""
    matte = settings.film.matte
    if matte:
        yield "matte", matte if isinstance(matte, Path) else path.with_name(pattern.format("matte"))
    if settings.film.foreground_film is not None:
        yield "foreground", path.with_name(pattern.format("foreground"))


def _plain_encoding(path: Path, options: EncodingOptions, main: Encoding) -> Encoding:
    """Encode matte and foreground as the result is, as far as that fits without transparency."""
    kind = _kind(path, path.name)
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
    for name, beside in _extras(settings, path, f"{{}}_{path.name}"):
        if not is_pattern(beside.name):
            raise UsageError(f"--matte {beside}: pictures are numbered; name them like matte_%05d.png")
        files[name] = Target(beside, None)
    return Targets(files, transparent and kind in KEEPS_ALPHA)


def film_result_path(source: object, dest: str | os.PathLike[str] | None, settings: Settings) -> Path:
    """Name the result of one film, for callers that plan nothing.

    Parameters
    ----------
    source
        A path, an address, a pattern of pictures, or an open file.
    dest
        The result's own name, a folder for it, or None for the current folder.
    """
    name = os.fspath(source) if isinstance(source, (str, os.PathLike)) else "film"
    path = Path(dest).expanduser() if dest is not None else Path()
    if dest is None or path.is_dir():
        path = path / film_name(film_stem(name), settings)
    return path


def check_targets(source: object, targets: Targets) -> None:
    """See that no file of a film takes the place of its source, or of another one of them.

    Raises
    ------
    OutputConflictError
        One does.
    """
    own = file_keys(Path(source)) if isinstance(source, (str, os.PathLike)) else set()
    seen: set[str] = set()
    for path in (target.path for target in targets.files.values()):
        if not own.isdisjoint(file_keys(path)):
            raise OutputConflictError(f"{path}: the result would overwrite its source; choose another name")
        if file_key(path) in seen:
            raise OutputConflictError(f"{path}: two results of the film have this name; choose another one")
        seen.add(file_key(path))


def film_stem(name: str) -> str:
    """Return what a film's results are called after: ``clip`` for ``a/clip.mp4``, ``frame`` for a pattern."""
    stem = PurePath(name.split("?")[0]).stem
    return re.sub(r"[_.-]*%0?\d*d", "", stem) or "film"


def film_name(stem: str, settings: Settings) -> str:
    """Return the name of a film's result; of numbered pictures, a folder and a pattern."""
    format = settings.format
    if format is None:
        format = "mov" if isinstance(settings.type, Rgba) else "mp4"
    format = format.lstrip(".").lower()
    if is_sequence(format):
        return f"{stem}{settings.tag}/%05d.{format}"
    return f"{stem}{settings.tag}.{format}"


class Outputs:
    """Writes a film's files frame by frame; each begins with its first frame.

    ``model`` says in words which network makes the mattes: parts of a film made with another are not used.
    """

    def __init__(self, targets: Targets, reader: Reader, settings: Settings, model: str) -> None:
        self.targets, self.reader, self.settings = targets, reader, settings
        self.notes: list[str] = []
        segments: dict[str, SegmentedWriter] = {}
        for target in targets.files.values():
            make_folder(target.path.parent)
            sweep(target.path.parent)
        if settings.film.resume:
            for name, target in targets.files.items():
                if target.encoding is not None:
                    sides = name == "result" and settings.film.sound
                    segments[name] = SegmentedWriter(
                        target.path, target.encoding, reader, settings, model, sides=sides
                    )
        # files of one film go on from where the shortest of them ends; segments end at the same frames
        self.resumed = min((segmented.frames for segmented in segments.values()), default=0)
        """Frames that an earlier run has finished."""
        for segmented in segments.values():
            segmented.cut(self.resumed)
        self.writers: dict[str, Writer] = dict(segments)  # all frames may be those of an earlier run

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
        sides = self.reader if name == "result" and self.settings.film.sound else None
        source = sides if isinstance(sides, FilmReader) else None
        return FilmWriter(target.path, target.encoding, look, self.reader.info, source)

    def finish(self, rest: Iterable[Any]) -> dict[str, Path]:
        """End all files, with the packets that are left; return their names."""
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
