"""The resize rules: at which sizes a picture goes through the network."""

from __future__ import annotations

import logging
from functools import lru_cache

from ..model.input import blends
from ..types import MAX_AREA, MAX_SIDE, MULTIPLE, ResizeMethod, Size

logger = logging.getLogger(__name__)

MAX_SHORT_SIDE = 1280  # of the dynamic size; transparent-background 1.3.4


@lru_cache(128)  # several places ask for one picture, and a film does for every frame: it is logged once
def dynamic_size(size: Size, *, short_side: int = MAX_SHORT_SIDE, enlarge: bool = False) -> Size:
    """Return the size of a pass that keeps the picture's shape.

    The short side is at most ``short_side`` and both are multiples of 32, at least 32. A panorama whose area
    or longer side would still exceed what a pass may have is shrunk, and that is logged; one that is a few
    pixels high loses its shape, as it has to be 32 pixels high.

    Parameters
    ----------
    size
        (height, width) of the picture.
    short_side
        Most pixels on the short side.
    enlarge
        Whether smaller pictures are enlarged to that short side.
    """
    height, width = size
    scale = short_side / min(height, width)
    if not enlarge:
        scale = min(1.0, scale)
    wanted = max(height, width) * scale
    scale = min(scale, (MAX_AREA / (height * width)) ** 0.5, MAX_SIDE / max(height, width))
    short, long = sorted((_multiple(height * scale), _multiple(width * scale)))
    # once more, of what rounding made of them: a side of 1 has become 32
    long = min(long, MAX_AREA // short // MULTIPLE * MULTIPLE, MAX_SIDE)
    if wanted - long > MULTIPLE:
        made = (long, short) if width > height else (short, long)
        logger.warning(
            "a picture of %d x %d goes through the network at %d x %d: larger would take too much memory",
            *(width, height, *made),
        )
    return (short, long) if width > height else (long, short)


def _multiple(length: float) -> int:
    return max(round(length / MULTIPLE) * MULTIPLE, MULTIPLE)


def pass_sizes(
    size: Size,
    base_size: Size,
    method: ResizeMethod,
    *,
    short_side: int = MAX_SHORT_SIDE,
    enlarge: bool = False,
) -> tuple[Size, Size | None]:
    """Say at which sizes a picture goes through the network.

    Parameters
    ----------
    size
        (height, width) of the picture.
    base_size
        (height, width) the weights were trained at.
    method
        ``static``: one pass at base size; ``dynamic``: one at :func:`dynamic_size`; ``blend``: both,
        if the large one exceeds 4/3 of the base size on both sides (512 pixels for weights trained at
        384, as published), else the one at base size.
    short_side
        Most pixels on the short side of the large pass.
    enlarge
        Whether, for ``blend``, every picture gets a large pass of that short side, small ones too.

    Returns
    -------
    main
        Size of the pass that gives the result.
    low_resolution
        Size of the pass that gives its shape, if two are made.
    """
    if method == "static":
        return base_size, None
    large = dynamic_size(size, short_side=short_side, enlarge=enlarge and method == "blend")
    if method == "dynamic":
        return large, None
    if enlarge:
        return large, base_size
    return (large, base_size) if blends(large, base_size) else (base_size, None)
