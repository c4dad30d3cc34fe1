"""What rembg's clients send: the names of its options and models, and what they mean here (rembg 2.0.86)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from ..errors import UsageError

MODELS = re.compile(
    r"u2netp?|u2net_(human_seg|cloth_seg|custom)|silueta|isnet-(general-use|anime)|sam|birefnet-[\w-]+|"
    r"bria-rmbg|(ben|dis)_custom|atlascloud|withoutbg"
)
"""What it calls its models; its clients send the names, which mean the default here."""


def _field(kind: Any, default: Any, words: str = "taken, without effect", **bounds: Any) -> tuple[Any, Any]:
    return kind, Field(default, description=f"rembg: {words}.", **bounds)


FIELDS: dict[str, Any] = {
    "model": _field(str | None, None, "as mode; its own models mean the default here", max_length=100),
    "om": _field(bool, False, "only the mask, as type=map"),
    "ppm": _field(bool, False, "smooth the mask and cut it hard"),
    "bgc": _field(str | None, None, "background colour as red,green,blue,alpha of 0 to 255", max_length=40),
    "a": _field(bool, False, "edge colours are estimated, as foreground=estimate"),
    "dc": _field(bool, False, "edge colours are estimated, as foreground=estimate"),
    "af": _field(int, 240, ge=0, le=255),
    "ab": _field(int, 10, ge=0, le=255),
    "ae": _field(int, 10, ge=0, le=10_000),
    "vm": _field(bool, False),
    "extras": _field(str | None, None, max_length=10_000),
}
"""Its options, as pydantic takes them."""


def translate(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with what its names mean under ours."""
    ours = dict(values)
    if not ours.get("mode"):
        ours["mode"] = ours.get("model")
    if ours.get("om"):
        ours["type"] = "map"
    if ours.get("a") or ours.get("dc"):
        ours["foreground"] = "estimate"
    return ours


def colour_of(values: Mapping[str, Any]) -> tuple[int, int, int, int] | None:
    """Read ``bgc``, such as ``255,255,255,255``; three numbers are opaque.

    Raises
    ------
    UsageError
        It is no colour.
    """
    text = values.get("bgc")
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 3:
        parts.append("255")
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and int(part) <= 255 for part in parts):
        raise UsageError(f"bgc {text!r} is not understood; give red,green,blue,alpha, each from 0 to 255")
    red, green, blue, alpha = map(int, parts)
    return red, green, blue, alpha
