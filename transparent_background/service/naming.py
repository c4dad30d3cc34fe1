"""What uploads are called: in messages, on disk, and as results."""

from __future__ import annotations

import re
from pathlib import Path

from ..options.result import PICTURE_FORMATS
from ..options.suffixes import ANIMATED_SUFFIXES, FILM_SUFFIXES, format_of

NAME_LENGTH = 100
RESULT_SUFFIXES = {format_of(suffix) or "": suffix for suffix in PICTURE_FORMATS}
"""By Pillow's name of a format, with what the names of results end."""
MEDIA_TYPES = {
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mkv": "video/matroska",
    "gif": "image/gif",
    "apng": "image/apng",
    "webp": "image/webp",
}
"""Of films, by what their names end with."""
MOVING_PICTURES = ANIMATED_SUFFIXES | {".webp", ".png", ".avif"}
"""Suffixes of pictures that may be animated."""


def shown_name(name: str | None, default: str = "the picture") -> str:
    """Return what to call an upload in a message: the last part of its name, printable and short."""
    return _printable(re.split(r"[/\\]", name or "")[-1]).strip()[:NAME_LENGTH] or default


def safe_stem(name: str | None, default: str) -> str:
    """Return what results are called after: the stem of a name, with nothing in it that a system forbids."""
    text = re.split(r"[/\\]", name or "")[-1]
    stem = re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "", text.rpartition(".")[0] or text).strip(" .")
    return _printable(stem)[:NAME_LENGTH] or default


def safe_path(name: str, default: str) -> str:
    """Return an archive member's folder and stem, relative: ``x/a/b`` for ``/x/../a/b.jpg``."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")]
    folders = [safe_stem(f"{part}.x", "folder") for part in parts[:-1]]
    return "/".join([*folders[-8:], safe_stem(parts[-1] if parts else "", default)])


def stored_name(name: str) -> str:
    """Return what an uploaded film is called on disk: nothing of its own name but a known suffix."""
    suffix = Path(name.replace("\\", "/")).suffix.lower()
    known = suffix in FILM_SUFFIXES - {".m3u8"} or suffix in MOVING_PICTURES
    return f"upload{suffix}" if known else "upload"


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
