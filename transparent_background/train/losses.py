"""The losses of InSPyReNet (arXiv 2209.09475, section 3.3): structure at every level, consistency between.

The structure term is F3Net's: cross entropy and IoU are weighted sums over each picture.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from ..model.pyramid import Pyramid, reduce
from .config import LossConfig


def local_mean(mask: torch.Tensor, window: int) -> torch.Tensor:
    """Average (B, 1, h, w) over a square window, with zeros outside the picture."""
    half = window // 2
    for axis in (-2, -1):
        # running sums: pooling takes ten times as long for a window of 31
        padding = (0, 0, half + 1, half) if axis == -2 else (half + 1, half, 0, 0)
        sums = functional.pad(mask, padding).cumsum(dim=axis)
        length = mask.shape[axis]
        mask = (sums.narrow(axis, window, length) - sums.narrow(axis, 0, length)) / window
    return mask


def structure_loss(
    logits: torch.Tensor, target: torch.Tensor, config: LossConfig, *, scale: int = 1
) -> torch.Tensor:
    """Pixel-position-weighted cross entropy plus intersection over union (F3Net, Wei et al. 2020).

    A pixel weighs 1 + edge * abs(mean of its window - itself).

    Parameters
    ----------
    logits, target : (B, 1, h, w)
        The target in [0, 1], soft if wanted.
    config
        Says edge, window, and the weight of the second term.
    scale
        Both maps stand for ones that are larger by this factor, each pixel repeated: the loss is
        theirs, at a fraction of the work.

    Returns
    -------
    A scalar: the mean over the batch.
    """
    with torch.no_grad():
        large = target.repeat_interleave(scale, -2).repeat_interleave(scale, -1) if scale > 1 else target
        weight = 1 + config.edge * (local_mean(large, config.window) - large).abs()
        if scale > 1:  # each pixel weighs what its copies weigh together
            weight = functional.avg_pool2d(weight, scale) * scale**2
        whole = weight.sum(dim=(1, 2, 3))
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    entropy = (weight * entropy).sum(dim=(1, 2, 3)) / whole
    probability = torch.sigmoid(logits)
    both = (weight * probability * target).sum(dim=(1, 2, 3))
    either = (weight * (probability + target)).sum(dim=(1, 2, 3)) - both
    return (entropy + config.iou * (1 - (both + 1) / (either + 1))).mean()


def matte_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Distance of mattes and of their gradients, for edges that are soft where the target's are.

    The mean of |p - y| over pixels (Xu et al. 2017, "Deep Image Matting", the alpha-prediction loss), plus
    that of the differences of neighbours, |(p - p') - (y - y')|, in rows and in columns.

    Parameters
    ----------
    logits, target : (B, 1, h, w)
        The target in [0, 1].
    """
    distance = torch.sigmoid(logits) - target
    loss = distance.abs().mean()
    for axis in (-2, -1):
        loss = loss + distance.diff(dim=axis).abs().mean()
    return loss


def pyramid_loss(
    pyramid: Pyramid, target: torch.Tensor, config: LossConfig
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Compare every level of a pyramid with the reduced target, and with the next finer level.

    Levels are compared as if brought to the full size by nearest neighbour, so that windows are alike; the
    second by the L1 distance between a level and the reduction of the next finer one, which is held fixed.

    Parameters
    ----------
    pyramid
        Logits of a pass.
    target : (B, 1, H, W) in [0, 1]
    config
        Weights of the terms.

    Returns
    -------
    loss : scalar
    terms : its parts by name, detached
    """
    levels = [level.float() for level in (pyramid.d0, pyramid.d1, pyramid.d2, pyramid.d3)]
    targets = [target.float()]
    for _ in levels[1:]:
        targets.append(reduce(targets[-1]).clamp(0.0, 1.0))
    loss = target.new_zeros(())
    terms: dict[str, torch.Tensor] = {}
    for index, (level, wanted) in enumerate(zip(levels, targets, strict=True)):
        term = structure_loss(level, wanted, config, scale=2**index)
        terms[f"d{index}"] = term.detach()
        loss = loss + term
    distance = target.new_zeros(())
    for coarse, fine in zip(levels[1:], levels[:-1], strict=True):
        distance = distance + functional.l1_loss(coarse, reduce(fine.detach()))
    terms["consistency"] = distance.detach()
    loss = loss + config.consistency * distance
    if config.matte:
        soft = matte_loss(levels[0], targets[0])
        terms["matte"] = soft.detach()
        loss = loss + config.matte * soft
    return loss, terms
