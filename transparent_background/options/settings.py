"""What to make of every source, photo or film: checked once, then handed down."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal

from ..types import BackgroundFit
from .films import FilmOptions
from .result_types import Backdrop, ResultType


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to make of every source."""

    type: ResultType
    type_text: str
    """As the user wrote it; it becomes part of the results' names."""
    threshold: float | None = None
    reverse: bool = False
    fit: BackgroundFit = "cover"
    foreground: Literal["auto", "estimate", "original"] = "auto"
    format: str | None = None
    """Such as ``webp``; None: png for ``rgba``, else the source's."""
    quality: int | None = None
    background: tuple[int, int, int] = (255, 255, 255)
    """Under cut-outs in formats without transparency."""
    crop: str | None = None
    """Padding around the object, ``"12"`` pixels or ``"5%"``; None: no crop."""
    skip_existing: bool = False
    film: FilmOptions = field(default_factory=FilmOptions)
    """What concerns films only."""

    @property
    def tag(self) -> str:
        """What follows the source's stem in a result's name."""
        kind = self.type
        text = kind.path.stem if isinstance(kind, Backdrop) else self.type_text
        text = text.replace(os.sep, "_").replace("/", "_")
        return f"_{text}_reverse" if self.reverse else f"_{text}"
