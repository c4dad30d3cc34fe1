"""Pieces of a map that a processor's cache holds, and convolutions on them that are exact.

Large maps cost more than their arithmetic: the system hands out and takes back their memory page by
page, and every operation reads it all again. Worked on in pieces of a few megabytes, each of them
through all its layers, the same arithmetic runs at the processor's full speed and hardly needs memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import torch
from torch.nn import functional

from ...types import Size

# Largest map of a piece. Up to 32 MiB glibc keeps freed memory for the next map; beyond that every
# map is fresh pages from the system, and filling them costs as much as a quarter of a convolution.
PIECE_BYTES = 26 << 20
CELL = 64  # pixels; side of the squares that a mask is covered with
MAX_WIDTH = 1024  # of a piece, pixels; wider ones would be low and lose more to their borders


class Box(NamedTuple):
    """A rectangle of a map: rows ``top`` to ``bottom``, columns ``left`` to ``right``, ends excluded."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, border: int, size: Size) -> Box:
        """Return it with a border on all sides, as far as the map goes."""
        height, width = size
        return Box(
            max(self.top - border, 0),
            min(self.bottom + border, height),
            max(self.left - border, 0),
            min(self.right + border, width),
        )

    def cut(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> its part in the box, a view."""
        return x[..., self.top : self.bottom, self.left : self.right]

    def within(self, other: Box) -> Box:
        """Return it in the coordinates of a box around it."""
        return Box(
            self.top - other.top, self.bottom - other.top, self.left - other.left, self.right - other.left
        )


def split(size: Size, channels: int) -> Iterator[Box]:
    """Cover a map with pieces that start at even rows and columns.

    Parameters
    ----------
    size
        (height, width) of the map.
    channels
        Channels of the largest float32 map of a piece.
    """
    height, width = size
    columns = _lengths(width, MAX_WIDTH)
    widest = max(right - left for left, right in columns)
    rows = _lengths(height, max(PIECE_BYTES // (4 * channels * widest), 2))
    for top, bottom in rows:
        for left, right in columns:
            yield Box(top, bottom, left, right)


def _lengths(total: int, longest: int) -> list[tuple[int, int]]:
    """Cut a length into nearly equal parts of about ``longest`` at most, each of an even start."""
    count = -(-total // longest)
    step = -(-total // count)
    step += step % 2
    return [(start, min(start + step, total)) for start in range(0, total, step)]


def boxes_around(mask: torch.Tensor, channels: int) -> Iterator[Box]:
    """Cover the pixels of a mask with few pieces that are not much larger.

    Parameters
    ----------
    mask : (h, w), bool
    channels
        As for :func:`split`.

    Yields
    ------
    Boxes that do not overlap, of rows and columns of cells of :data:`CELL` pixels.
    """
    height, width = mask.shape
    cells = functional.max_pool2d(mask[None, None].float(), CELL, ceil_mode=True)[0, 0] > 0
    widest = max(min(PIECE_BYTES // (4 * channels * CELL), MAX_WIDTH) // CELL, 1)
    for row, line in enumerate(cells.tolist()):
        bottom, end = min((row + 1) * CELL, height), 0
        for wanted, run in groupby(line):
            start, end = end, end + len(list(run))
            if not wanted:
                continue
            for column in range(start, end, widest):
                right = min(min(column + widest, end) * CELL, width)
                yield Box(row * CELL, bottom, column * CELL, right)


def convolve(
    x: torch.Tensor, box: Box, size: Size, weight: torch.Tensor, bias: torch.Tensor | None
) -> torch.Tensor:
    """Apply a 3x3 convolution that pads its map with zeros to a piece of the map.

    Parameters
    ----------
    x : (B, C, h, w)
        The piece with a border of one pixel, but where the map ends.
    box
        The piece without its border.
    size
        (height, width) of the map.
    weight : (C', C, 3, 3)
    bias : (C',), optional

    Returns
    -------
    (B, C', box height, box width)
    """
    x, padding = padded(x, box, size)
    return functional.conv2d(x, weight, bias, padding=padding)


def padded(x: torch.Tensor, box: Box, size: Size) -> tuple[torch.Tensor, tuple[int, int]]:
    """Put zeros where the map ends and the convolution cannot: return the piece, and its own padding."""
    left, right = int(box.left == 0), int(box.right == size[1])
    top, bottom = int(box.top == 0), int(box.bottom == size[0])
    across, along = left == right == 1, top == bottom == 1
    sides = (0, 0) if across else (left, right)
    ends = (0, 0) if along else (top, bottom)
    if any(sides) or any(ends):
        x = functional.pad(x, (*sides, *ends))
    return x, (int(along), int(across))
