"""A finished picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..types import ColourArray, FloatArray, Size


@dataclass(frozen=True, slots=True)
class Result:
    """A finished picture: ``rgb`` alone, ``rgb`` and ``alpha``, or ``grey`` alone."""

    rgb: ColourArray | None = None
    """(h, w, 3) in the type of the picture it was made from."""
    alpha: FloatArray | None = None
    """(h, w) in [0, 1], for ``rgba`` only."""
    grey: FloatArray | None = None
    """(h, w) in [0, 1], for ``map`` only."""

    @property
    def values(self) -> ColourArray:
        """What is shown: the colours (h, w, 3), or the grey values (h, w)."""
        values = self.grey if self.rgb is None else self.rgb
        if values is None:
            raise TypeError("a result has colours or is grey")
        return values

    @property
    def size(self) -> Size:
        """Height and width."""
        height, width = self.values.shape[:2]
        return height, width

    def mapped(self, change: Callable[[Any], Any]) -> Result:
        """Return a result with all arrays changed."""
        parts = (self.rgb, self.alpha, self.grey)
        return Result(*(None if part is None else change(part) for part in parts))
