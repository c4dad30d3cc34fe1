"""How frames are turned upright."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...images.picture import Picture
from ...types import Size

if TYPE_CHECKING:
    from av import VideoFrame


class Orientation:
    """How frames are turned upright: what the display matrix of the first one says.

    The matrix maps a stored point (x, y) to (a x + c y, b x + d y); films use quarter turns and mirrors.
    """

    def __init__(self, frame: VideoFrame) -> None:
        self.transposes = self.flips_x = self.flips_y = False
        data: Any = frame.side_data.get("DISPLAYMATRIX")
        if data is None:
            return
        a, b, _, c, d = (int(value) for value in np.frombuffer(bytes(data), np.int32)[:5])
        self.transposes = abs(b) > abs(a)
        self.flips_x = (c if self.transposes else a) < 0
        self.flips_y = (b if self.transposes else d) < 0

    def stored_size(self, size: Size) -> Size:
        """Return what an upright (height, width) is before turning, and the other way round."""
        return (size[1], size[0]) if self.transposes else size

    def __call__(self, picture: Picture) -> Picture:
        """Turn a picture upright."""
        return Picture(
            self._turned(picture.rgb), None if picture.alpha is None else self._turned(picture.alpha)
        )

    def _turned(self, values: Any) -> Any:
        if self.transposes:
            values = values.swapaxes(0, 1)
        values = values[:: -1 if self.flips_y else 1, :: -1 if self.flips_x else 1]
        return np.ascontiguousarray(values)
