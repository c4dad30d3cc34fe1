"""Reading what users write: times, rates, sizes, paddings, colours, amounts of memory.

Functions called ``parse_`` take what a user wrote and what messages call it, and raise a
:class:`UsageError` for what they do not understand.
"""

from __future__ import annotations

import math
import re
import reprlib
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import UsageError
from ..types import Size
from .result_types import RGB, Solid, parse_type
from .suffixes import FILM_FORMATS, format_of

MOST_SECONDS = 1_000_000_000


class Padding(NamedTuple):
    """Room to leave around an object."""

    value: float
    share: bool
    """Whether it is a percentage of the object's longer side; else pixels."""


def parse_padding(text: Any, name: str = "crop") -> Padding:
    """Read ``"12"`` (pixels) or ``"5%"`` (of the object's longer side); empty is none."""
    if isinstance(text, Padding):
        return text
    text = str(text).strip() or "0"
    share = text.endswith("%")
    try:
        value = float(text[:-1] if share else text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise UsageError(f"{name} padding {text!r} is not understood; give pixels (12) or a share (5%)")
    return Padding(value, share)


def parse_colour(value: Any, name: str = "background") -> RGB:
    """Read a colour: ``"#ff0000"``, a CSS name, ``"[255, 0, 0]"`` or three numbers from 0 to 255."""
    try:
        kind = parse_type(value)
    except UsageError:
        kind = None
    if not isinstance(kind, Solid):
        raise UsageError(
            f"{name} {value!r} is no colour; give #ff0000, a CSS name or three numbers, 0 to 255"
        )
    return kind.rgb


def parse_format(value: str, name: str = "format") -> str:
    """Read the name of a format that pictures or films can be written in."""
    value = str(value)
    if format_of(value) is None and value.rsplit(".", 1)[-1].lower() not in FILM_FORMATS:
        raise UsageError(
            f"{name} {value!r} cannot be written; choose png, jpg, webp, tiff or avif, "
            "for films mp4, mov, mkv, webm, gif or apng"
        )
    return value


def parse_path(value: Any, name: str = "path") -> Path:
    """Return a path, with ``~`` for the home folder."""
    return Path(str(value)).expanduser()


def parse_size(text: Any, name: str = "size") -> Size:
    """Read ``1280x720``, width before height; return (height, width)."""
    match = re.fullmatch(r"(\d{2,5})\s*[x:*]\s*(\d{2,5})", str(text).strip().lower())
    if match is None:
        raise UsageError(f"{name} {text!r} is no size; give width x height, such as 1280x720")
    return int(match[2]), int(match[1])


def parse_time(value: str | float | Fraction, name: str = "time") -> Fraction:
    """Read seconds (``12.5``) or a clock (``1:30``, ``00:01:30.250``): from 0 to below a billion seconds."""
    if isinstance(value, str):
        match = re.fullmatch(
            r"(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,9}(?:\.\d{1,18})?|\.\d{1,18})", value.strip()
        )
        if match is not None:
            hours, minutes, seconds = match.groups()
            time = int(hours or 0) * 3600 + int(minutes or 0) * 60 + Fraction(seconds)
            if time < MOST_SECONDS:
                return time
    elif isinstance(value, (int, float, Fraction)) and 0 <= value < MOST_SECONDS:
        return Fraction(value)
    shown = reprlib.repr(value) if isinstance(value, (str, float)) else "of this number"
    raise UsageError(
        f"{name} {shown} is not understood; give seconds (12.5) or a clock (1:30.5), below a billion seconds"
    )


def parse_rate(value: str | float | Fraction, name: str = "fps") -> Fraction:
    """Read frames a second, above 0 and up to 1000: ``25``, ``29.97``, ``30000/1001``."""
    text = str(value)
    try:
        rate = Fraction(text if "e" not in text.lower() else 0)  # 1e999999999 would take minutes
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if not 0 < rate <= 1000:
        raise UsageError(
            f"{name}: frame rate {value!r} is not understood; give 25, 29.97 or 30000/1001, at most 1000"
        )
    for exact in (Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)):
        if abs(rate - exact) < Fraction(1, 100):  # 29.97 means the exact one
            return exact
    return rate


def parse_bitrate(value: str | int, name: str = "bitrate") -> int:
    """Read bits a second: ``8M``, ``800k``, ``8000000``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKmM]?)", str(value).strip())
    if match is None:
        raise UsageError(f"{name}: bit rate {value!r} is not understood; give 8M, 800k or bits a second")
    return round(float(match[1]) * {"": 1, "k": 1000, "m": 1_000_000}[match[2].lower()])


def parse_bytes(value: str | int, name: str = "size") -> int:
    """Read an amount of memory: ``32M``, ``1.5 GiB``, ``800k``, ``1048576``; units are powers of 1024."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgG]?)(?:i?[bB])?\s*", str(value))
    size = 0
    if match is not None:
        size = int(float(match[1]) * 1024 ** " kmg".index(match[2].lower() or " "))
    if size < 1:
        raise UsageError(f"{name} {value!r} is not understood; give 32M, 1.5G, 800k or bytes")
    return size


def parse_megapixels(value: float, name: str = "pixels") -> int:
    """Return pixels for millions of them."""
    return max(round(value * 1e6), 1)


def parse_scale(value: Any, name: str = "scale") -> str:
    """Check what :func:`scaled_size` takes, as far as that goes without a film."""
    scaled_size((1080, 1920), str(value))
    return str(value)


def scaled_size(size: Size, scale: str) -> Size:
    """Return the size that a scale means for frames of a size, even, in pixels.

    Parameters
    ----------
    size
        (height, width).
    scale
        A factor (``0.5``, ``50%``), a size (``1280x720``), or one side, the other in proportion
        (``1280x``, ``x720``, ``720p``).

    Raises
    ------
    UsageError
        It is none of these, or comes to less than 16 or more than 16,384 pixels a side.
    """
    height, width = size
    text = scale.strip().lower()
    try:
        if match := re.fullmatch(r"(\d*)\s*[x:*]\s*(\d*)", text):
            wide, high = (int(part) if part else None for part in match.groups())
            if wide is None and high is None:
                raise ValueError
            new = (high or height * (wide or 0) / width, wide or width * (high or 0) / height)
        elif match := re.fullmatch(r"(\d+)p", text):
            new = (int(match[1]), width * int(match[1]) / height)
        else:
            factor = float(text[:-1]) / 100 if text.endswith("%") else float(text)
            new = (height * factor, width * factor)
        result = _even(new[0]), _even(new[1])
    except (ValueError, OverflowError):
        raise UsageError(
            f"scale {scale!r} is not understood; give 0.5, 50%, 1280x720, 1280x, x720 or 720p"
        ) from None
    if not all(16 <= side <= 16384 for side in result):
        raise UsageError(f"scale {scale!r} makes {result[1]} x {result[0]} pixels; 16 to 16384 are possible")
    return result


def _even(length: float) -> int:
    if not math.isfinite(length):
        raise ValueError
    return round(length / 2) * 2
