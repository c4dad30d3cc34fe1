"""What a network predicts of a picture on its way to the matte, as one sheet to be looked at."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..engine.predictor import Predictor
from ..errors import UsageError
from ..images.picture import Picture, to_eight_bit
from ..images.resizing import resized
from ..images.result import Result
from ..types import ByteArray, Size
from .network import NetworkPredictor

TILE = 512  # pixels of a tile's longer side, at most


def level_sheet(predictor: Predictor, picture: Picture) -> Result:
    """Show a picture with the levels of its pyramid, the coarse ones on the left.

    Returns
    -------
    Result
        Colours (h, w, 3) uint8 in two rows of tiles: the picture and the saliency d3, d2, d1 and d0; below
        the matte and the Laplacians p2, p1 and p0, each of which leads from one saliency to the next. As in
        the research code, both go through a sigmoid: where nothing is added, it is mid-grey.

    Raises
    ------
    UsageError
        The network is not at hand, as behind a service's queue.
    """
    if not isinstance(predictor, NetworkPredictor):
        raise UsageError("type debug shows a network that is at hand: in Python and the command")
    pyramid = predictor.pyramid(picture)
    height, width = picture.size
    scale = min(TILE / max(height, width), 1)
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    matte = np.rint(predictor.matte_of(pyramid) * 255).astype(np.uint8)
    saliency = [_grey(level) for level in (pyramid.d3, pyramid.d2, pyramid.d1, pyramid.d0)]
    laplacian = [_grey(level) for level in (pyramid.p2, pyramid.p1, pyramid.p0)]
    rows = ([to_eight_bit(picture.rgb), *saliency], [matte, *laplacian, np.full_like(matte, 255)])
    return Result(rgb=np.vstack([np.hstack([_tile(part, size) for part in row]) for row in rows]))


def _grey(logits: torch.Tensor) -> ByteArray:
    values = torch.sigmoid(logits.float())[0, 0].mul(255).round()
    return values.to(torch.uint8).cpu().numpy()


def _tile(values: ByteArray, size: Size) -> ByteArray:
    tile: ByteArray = resized(values, size)
    return tile if tile.ndim == 3 else cv2.cvtColor(tile, cv2.COLOR_GRAY2RGB)
