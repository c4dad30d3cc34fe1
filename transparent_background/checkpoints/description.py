"""What a file of weights says of its own network, checked: whoever wrote the file need not be trusted."""

from __future__ import annotations

import dataclasses
import json
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from ..errors import CheckpointError
from ..model.create import HEADS
from ..types import MAX_AREA, Normalisation, ResizeMethod
from .records import Checkpoint, fits_a_pass, is_text

MOST_SIDE = 4096  # pixels; a pass of more is beyond any network there is, and beyond most memories
# options of timm's that make it fetch weights, or read a file that another file names
_FETCHING = frozenset(
    ("cache_dir", "checkpoint_path", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay")
)


def _is_whole(value: Any, least: int, most: int) -> bool:
    return type(value) is int and least <= value <= most


def _is_size(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_whole(side, 32, MOST_SIDE) and side % 32 == 0 for side in value)
        and fits_a_pass((value[0], value[1]))
    )


def _are_options(value: Any) -> bool:
    return isinstance(value, dict) and not value.keys() & _FETCHING


_RULES: dict[str, tuple[Callable[[Any], object], str]] = {
    "name": (is_text, "text"),
    "backbone": (is_text, "text"),
    "backbone_options": (_are_options, "options of a backbone that fetch nothing"),
    "head": (lambda value: isinstance(value, str) and value in HEADS, "one of " + ", ".join(HEADS)),
    "depth": (lambda value: _is_whole(value, 4, 1024), "a whole number from 4 to 1024"),
    "base_size": (
        _is_size,
        f"[height, width], multiples of 32 up to {MOST_SIDE}, and at most {MAX_AREA} pixels in all",
    ),
    "resize": (get_args(ResizeMethod).__contains__, "one of " + ", ".join(get_args(ResizeMethod))),
    "short_side": (lambda value: _is_whole(value, 32, MOST_SIDE), f"a whole number from 32 to {MOST_SIDE}"),
    "enlarge": (lambda value: isinstance(value, bool), "true or false"),
    "normalisation": (get_args(Normalisation).__contains__, "one of " + ", ".join(get_args(Normalisation))),
}
"""What the value of a key must be, and what that is called."""


def own_description(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """Return what a file says of itself, by the names of :class:`Checkpoint`; empty if nothing.

    Raises
    ------
    CheckpointError
        It cannot be read, or a value in it makes no sense.
    """
    if "inspyrenet" not in metadata:
        return {}
    try:
        fields = json.loads(metadata["inspyrenet"])
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its own description cannot be read: {error}") from error
    if not isinstance(fields, dict) or "base_size" not in fields:
        raise CheckpointError(f"{path}: its own description cannot be read: it has no base_size")
    known = {entry.name for entry in dataclasses.fields(Checkpoint)}
    for key, value in fields.items():
        if key not in _RULES and key not in known:
            raise CheckpointError(f"{path}: its own description cannot be read: {key!r} is unknown")
        fits, expected = _RULES.get(key, (is_text, "text"))
        if not fits(value):
            shown = reprlib.repr(value)
            raise CheckpointError(
                f"{path}: its own description cannot be read: {key} must be {expected}, not {shown}"
            )
    return {**fields, "base_size": tuple(fields["base_size"])}
