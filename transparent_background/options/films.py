"""What can be asked for of a film beside what is asked for of pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from ..errors import UsageError
from ..types import ResizeMethod
from .declare import LOCAL, Door, Subject, choice, flag, number, shared, text, whole
from .network import NetworkOptions
from .running import RunOptions
from .values import parse_bitrate, parse_path, parse_rate, parse_scale, parse_time

BackgroundPlay: TypeAlias = Literal["loop", "hold"]
ForegroundFilm: TypeAlias = Literal["straight", "premultiplied"]

FILM: frozenset[Subject] = frozenset(("film",))
MOVING: frozenset[Subject] = frozenset(("film", "camera"))
SERVED: frozenset[Door] = frozenset(("command", "python", "http", "assistant", "page"))
TIMES = "Seconds (12.5) or minutes and seconds (1:30)."


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a film is taken, and at what rate and size."""

    IN_COMMON: ClassVar = {"group": "films", "doors": LOCAL, "subjects": FILM}

    start: Fraction | None = text(
        "begin there: seconds (12.5) or a clock (1:30)",
        parse=parse_time,
        metavar="TIME",
        label="From",
        section="Part of the film",
        hint=TIMES,
        choice_labels={"": "0:00"},
        doors=SERVED,
    )
    end: Fraction | None = text(
        "end there; frames from there on are left out",
        parse=parse_time,
        metavar="TIME",
        label="To",
        section="Part of the film",
        hint=TIMES,
        choice_labels={"": "the end"},
        doors=SERVED,
    )
    fps: Fraction | None = text(
        "frames a second",
        parse=parse_rate,
        metavar="RATE",
        default_help="as they are",
        doors=SERVED - {"page"},
        subjects=MOVING,
    )
    scale: str | None = text(
        "size of the result: 0.5, 50%, 1280x720, 1280x, 720p",
        parse=parse_scale,
        metavar="SIZE",
        label="Size",
        section="File",
        choice_labels={"": "As it is", "50%": "Half: quicker", "25%": "A quarter: to try it out"},
        doors=SERVED,
    )
    every: int = whole("keep every n-th frame only", default=1, least=1)

    def __post_init__(self) -> None:
        """Check what can be checked without a film."""
        if self.end is not None and self.end <= (self.start or 0):
            raise UsageError(f"the end ({float(self.end):g} s) must come after the start")

    def rate_of(self, rate: Fraction) -> Fraction:
        """Return the rate of what is taken of a film of that rate."""
        return self.fps or rate / self.every

    def count_of(self, frames: int | None, rate: Fraction) -> int | None:
        """Return how many frames are taken of so many."""
        if frames is None:
            return None
        length = frames / rate
        begin = min(self.start or Fraction(0), length)
        stop = length if self.end is None else min(self.end, length)
        if self.fps is not None:
            return max(round((stop - begin) * self.fps), 1)
        return max(math.ceil((stop - begin) * rate / self.every), 1)


@dataclass(frozen=True, kw_only=True)
class EncodingOptions:
    """What the user wants of a film's file; None: the defaults."""

    IN_COMMON: ClassVar = {"group": "films", "doors": LOCAL, "subjects": FILM}

    codec: str | None = text(
        "h264, hevc, vp9, av1, prores, ffv1 (lossless), png, or an FFmpeg encoder",
        metavar="NAME",
        default_help="by the format",
    )
    crf: float | None = number("constant quality, smaller is better", default_help="no visible loss")
    bitrate: int | None = text("bits a second in place of it: 8M, 800k", parse=parse_bitrate, metavar="RATE")
    preset: str | None = text(
        "the encoder's speed: veryfast ... slow; of ProRes its profile: hq, 4444xq ...", metavar="NAME"
    )
    pix_fmt: str | None = text("FFmpeg's pixel format, such as yuv420p10le", metavar="NAME")


@dataclass(frozen=True, kw_only=True)
class FilmOptions(Selection, EncodingOptions):
    """How films are read, matted and written."""

    resize: ResizeMethod | None = shared(NetworkOptions, "resize")
    """What the network sees; None: what the remover was asked for, else ``static``."""
    temporal: bool = flag(
        "steady the mattes along the motion",
        default=True,
        label="Steady edges, without flicker",
        section="Edges",
        doors=SERVED,
        subjects=MOVING,
    )
    sound: bool = flag(
        "pass on sound, subtitles, chapters and metadata",
        default=True,
        label="Keep the sound",
        section="File",
        doors=SERVED,
    )
    matte: bool | Path = text(
        "also write the matte as a film: --matte, --matte=FILE",
        default=False,
        parse=lambda value, name: value if isinstance(value, bool) else parse_path(value, name),
        metavar="FILE",
        bare=True,
    )
    foreground_film: ForegroundFilm | None = choice(
        ForegroundFilm,
        "also write a film of the object's own colours, as they are or multiplied by the matte",
    )
    background_play: BackgroundPlay = choice(
        BackgroundPlay, "what a shorter film behind does at its end", default="loop"
    )
    batch_size: int = shared(RunOptions, "batch_size")
    """Frames that share a pass of the network."""
    resume: bool = flag("write in segments; if stopped, the same command goes on after the last one")

    def __post_init__(self) -> None:
        """Check what goes together."""
        super().__post_init__()
        if self.crf is not None and self.bitrate is not None:
            raise UsageError("crf and bitrate exclude each other")
