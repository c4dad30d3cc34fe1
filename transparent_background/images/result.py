"""A finished picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..types import ColourArray, FloatArray


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
    def size(self) -> tuple[int, int]:
        """Height and width."""
        array = self.grey if self.rgb is None else self.rgb
        assert array is not None
        return array.shape[0], array.shape[1]
