"""What is asked for, at random: by the declarations of the options, now and then outside of their bounds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from transparent_background.options.declare import Option, offered
from transparent_background.options.films import FilmOptions
from transparent_background.options.result import ResultOptions

ODD: tuple[Any, ...] = (
    *(0, -1, 1, 2, 1e308, -0.0, 1 << 70, True, False),
    *(
        "",
        " ",
        "nan",
        "inf",
        "-1",
        "0x10",
        "1e999",
        "\x00",
        "\x1b[2J",
        "[/x]",
        "\u202egnp",
        "%s%n",
        "../../x",
        "é" * 200,
    ),
    *(
        "[255, 0, 0]",
        "[1,2]",
        "#fff",
        "#ggg",
        "rgb(1,2,3)",
        "white",
        "12.5",
        "1:30",
        "5%",
        "200%",
        "0.5",
        "1280x720",
    ),
    *([], [1, 2, 3], {"a": 1}, None),
)
TEXTS: dict[str, tuple[Any, ...]] = {
    "type": (
        "rgba",
        "map",
        "green",
        "white",
        "blur",
        "overlay",
        "[255, 0, 0]",
        "#123456",
        "navy",
        "0",
        "red.png",
    ),
    "crop": ("0", "5", "5%", "20", "100%", "-3"),
    "background": ("white", "#000", "[1, 2, 3]"),
    "start": ("0", "0.05", "0:00.1", "1:00", "-1", "9999"),
    "end": ("0.1", "0.2", "1:00", "0"),
    "fps": ("5", "30", "30000/1001", "0", "1000"),
    "scale": ("0.5", "50%", "32x32", "32x", "24p", "0", "2", "1x1"),
    "bitrate": ("100k", "1M", "0"),
    "codec": ("h264", "prores", "vp9", "ffv1", "png", "mpeg4", "nosuch"),
    "preset": ("ultrafast", "veryfast", "nosuch"),
    "pix_fmt": ("yuv420p", "yuv444p", "gray", "nosuch"),
}
FORMATS = ("png", "jpg", "webp", "tiff", "gif", "bmp", "ico", "tga", "jp2", "ppm", "nosuch")
WRITTEN = ("mp4", "mov", "mkv", "webm", "gif", "apng", "webp", "ts", "png", "nosuch")


def value_of(entry: Option, rng: random.Random) -> Any:
    """Choose a value for an option, most often one that is allowed."""
    if rng.random() < 0.04:
        return rng.choice(ODD)
    if entry.kind == "flag":
        return rng.random() < 0.5
    if entry.choices:
        return rng.choice(entry.choices)
    if entry.kind in ("whole", "number"):
        low = entry.least if entry.least is not None else entry.above or 0
        high = entry.most if entry.most is not None else low + 50
        value = rng.choice((low, high, rng.uniform(low, high)))
        return round(value) if entry.kind == "whole" else value
    return rng.choice(TEXTS.get(entry.name, ODD))


def chosen(entries: Sequence[Option], rng: random.Random, share: float) -> dict[str, Any]:
    """Choose values for a share of some options."""
    return {entry.name: value_of(entry, rng) for entry in entries if rng.random() < share}


_PICTURE = offered(ResultOptions, door="python", subject="picture")
_FILM = offered(ResultOptions, FilmOptions, door="python", subject="film")
_SLOW = (
    "codec",
    "preset",
    "pix_fmt",
    "crf",
    "bitrate",
    "resize",
    "resume",
    "matte",
    "foreground_film",
    "format",
)


def result_options(rng: random.Random) -> dict[str, Any]:
    """Choose what is made of a picture, and the format it is written as."""
    values = chosen([entry for entry in _PICTURE if entry.name != "format"], rng, 0.2)
    values.setdefault("type", rng.choice(TEXTS["type"][:9]))
    values["format"] = rng.choice(FORMATS)
    return values


def film_options(rng: random.Random) -> dict[str, Any]:
    """Choose what is made of a film."""
    values = chosen([entry for entry in _FILM if entry.name not in _SLOW], rng, 0.12)
    values |= chosen([entry for entry in _FILM if entry.name in _SLOW], rng, 0.04)
    values["format"] = rng.choices(WRITTEN, (6, 4, 4, 1, 4, 2, 1, 1, 1, 1))[0]
    values.setdefault("type", rng.choice(TEXTS["type"][:9]))
    return values
