"""What a ``--type`` or ``type=`` means: names, colours and background files, parsed once.

Imports neither numpy nor torch, so that the command can refuse a bad type at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from ..errors import UnknownTypeError
from .suffixes import ANIMATED_SUFFIXES, FILM_SUFFIXES

RGB: TypeAlias = tuple[int, int, int]

GREEN: RGB = (120, 255, 155)  # the published green screen; CSS's own green is #008000
CHOICES = (
    "rgba, map, green, white, blur, overlay, a colour ([255, 0, 0], #ff0000 or a CSS name) "
    "or the path of a picture or film"
)

_TRIPLE = re.compile(r"\s*(?:\[(.*)\]|\((.*)\)|([^\[\]()]*,[^\[\]()]*))\s*")


@dataclass(frozen=True)
class _Named:
    """A type that has its word."""

    text: str = field(default="", compare=False)
    """As the user wrote it; it becomes part of the results' names. So with the other types."""


class Rgba(_Named):
    """The object's colours and its alpha."""


class Matte(_Named):
    """Alpha as grey."""


class Blur(_Named):
    """The object, sharp, over the blurred picture."""


class Overlay(_Named):
    """The object tinted half green, its edge drawn."""


class Levels(_Named):
    """The levels of the network's pyramid, side by side; in Python and the command only."""


@dataclass(frozen=True)
class Tinted(Rgba):
    """The object over a colour that lets something through: a transparent picture."""

    rgb: RGB = (0, 0, 0)
    """Bytes, 0..255 each."""
    opacity: float = 0.0
    """Of the colour, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Solid:
    """The object over one colour."""

    rgb: RGB
    """Bytes, 0..255 each."""
    text: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The object over another picture, or over a film."""

    path: Path

    @property
    def text(self) -> str:
        """What results are called after: the file's stem."""
        return self.path.stem

    @property
    def moves(self) -> bool:
        """Whether it is a film or an animation by its name; behind a photo stands its first frame."""
        return self.path.suffix.lower() in FILM_SUFFIXES | ANIMATED_SUFFIXES


@dataclass(frozen=True, slots=True)
class HeldBackdrop:
    """The object over a picture that the caller holds in memory, and hands down beside this; Python only."""

    text: str = "background"


ResultType: TypeAlias = Rgba | Matte | Blur | Overlay | Levels | Solid | Backdrop | HeldBackdrop


_PLAIN: dict[str, Callable[[str], ResultType]] = {
    "rgba": Rgba,
    "map": Matte,
    "blur": Blur,
    "overlay": Overlay,
    "debug": Levels,
    "green": lambda text: Solid(GREEN, text),
}
"""What is made of the words that are no colours, and of the published green; given as the user wrote them."""


def parse_type(type: str | Sequence[int] | os.PathLike[str] | HeldBackdrop) -> ResultType:
    """Read a result type.

    Parameters
    ----------
    type
        ``"rgba"``, ``"map"``, ``"green"`` (120, 255, 155), ``"white"``, ``"blur"``, ``"overlay"``;
        ``"debug"``, the levels of the network's pyramid;
        a colour as ``"[r, g, b]"``, ``"(r, g, b)"``, ``"r, g, b"``, three whole numbers in 0..255,
        ``"#rgb"``, ``"#rrggbb"`` or a CSS name; a colour of four numbers, ``"#rgba"`` or ``"#rrggbbaa"``
        lets through what its last part leaves; or the path of a picture or film. Case does not matter in
        names. A file that is called like a type or colour can be given as ``./white``.

    Raises
    ------
    UnknownTypeError
        If it is none of these, or a background file that is not there.
    """
    if isinstance(type, HeldBackdrop):
        return type
    if isinstance(type, str):
        return _parse_text(type)
    if isinstance(type, os.PathLike):
        return _backdrop(os.fspath(type))
    try:
        values = list(type)
    except TypeError:
        values = []
    return _solid(values, str(type))


def split_types(text: str) -> list[str]:
    """Return types that are listed with commas (``rgba,map``), or the text alone if it is no such list."""
    parts = list(dict.fromkeys(part.strip() for part in text.split(",")))
    listed = all(part.lower() in _PLAIN or _named(part.lower()) is not None for part in parts)
    return parts if listed and not Path(text).is_file() else [text]


def _parse_text(text: str) -> ResultType:
    name = text.strip().lower()
    if name in _PLAIN:
        return _PLAIN[name](text)
    triple = _TRIPLE.fullmatch(text)
    if triple and not Path(text).is_file():
        inner = next(group for group in triple.groups() if group is not None)
        return _solid([part.strip() for part in inner.split(",")], text)
    colour = _named(name)
    if colour is not None:
        return _colour(colour, text)
    return _backdrop(text)


def _named(name: str) -> tuple[int, ...] | None:
    """Read "#rgb", "#rrggbb", either with an opacity behind, or a CSS name."""
    from PIL import ImageColor

    if name not in ImageColor.colormap and not re.fullmatch(
        r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", name
    ):
        return None
    return ImageColor.getrgb(name)


def _colour(values: Sequence[int], text: str) -> Solid | Tinted:
    """Make a type of three or four bytes."""
    red, green, blue, *rest = values
    opacity = rest[0] if rest else 255
    if opacity == 255:
        return Solid((red, green, blue), text)
    return Tinted(text, (red, green, blue), opacity / 255)


def _solid(values: Sequence[object], text: str) -> Solid | Tinted:
    numbers = []
    for value in values:
        try:
            number = int(value) if isinstance(value, str) else value.__index__()  # type: ignore[attr-defined]
        except (ValueError, AttributeError):
            break
        numbers.append(int(number))
    if len(numbers) not in (3, 4) or len(values) != len(numbers) or not all(0 <= n <= 255 for n in numbers):
        raise UnknownTypeError(
            f"type {text}: a colour is three or four whole numbers from 0 to 255, such as [255, 0, 0]; "
            f"choose {CHOICES}"
        )
    return _colour(numbers, text)


def _backdrop(text: str) -> Backdrop:
    path = Path(text).expanduser()
    try:
        if path.is_file():
            return Backdrop(path)
    except (OSError, ValueError):  # a name too long or with a null byte cannot be a file
        pass
    if path.suffix and text.strip():
        raise UnknownTypeError(
            f"type {text!r}: no such background file; give an existing picture, or choose {CHOICES}"
        )
    raise UnknownTypeError(f"type {text!r} is unknown; choose {CHOICES}")
