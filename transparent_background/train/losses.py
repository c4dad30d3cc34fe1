"""The losses of InSPyReNet (arXiv 2209.09475, section 3.3): structure at every level, consistency between."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..model.pyramid import Pyramid, reduce


def local_mean(mask: torch.Tensor, window: int) -> torch.Tensor:
    """Average (B, 1, h, w) over a square window, with zeros outside the picture."""
    half = window // 2
    rows = functional.avg_pool2d(mask, (window, 1), stride=1, padding=(half, 0))
    return functional.avg_pool2d(rows, (1, window), stride=1, padding=(0, half))


def structure_loss(
    logits: torch.Tensor, target: torch.Tensor, *, edge: float = 5.0, window: int = 31, iou: float = 1.0
) -> torch.Tensor:
    """Pixel-position-weighted cross entropy plus intersection over union (F3Net, Wei et al. 2020).

    Parameters
    ----------
    logits, target : (B, 1, h, w)
        The target in [0, 1], soft if wanted.
    edge
        A pixel weighs 1 + edge * |mean of its window - itself|.
    window
        Side of the window, pixels, odd.
    iou
        Weight of the second term.

    Returns
    -------
    A scalar: the mean over the batch.
    """
    weight = 1 + edge * (local_mean(target, window) - target).abs()
    entropy = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    entropy = (weight * entropy).sum(dim=(1, 2, 3)) / weight.sum(dim=(1, 2, 3))
    probability = torch.sigmoid(logits)
    both = (weight * probability * target).sum(dim=(1, 2, 3))
    either = (weight * (probability + target)).sum(dim=(1, 2, 3)) - both
    return (entropy + iou * (1 - (both + 1) / (either + 1))).mean()


def pyramid_loss(
    pyramid: Pyramid,
    target: torch.Tensor,
    *,
    edge: float = 5.0,
    window: int = 31,
    iou: float = 1.0,
    consistency: float = 1e-4,
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """Compare every level of a pyramid with the reduced target, and with the next finer level.

    Levels are brought to the full size by nearest neighbour, so that each counts the same pixels.

    Parameters
    ----------
    pyramid
        Logits of a pass.
    target : (B, 1, H, W) in [0, 1]
    edge, window, iou
        As in :func:`structure_loss`.
    consistency
        Weight of the L1 distance between a level and the reduction of the next finer one, which is
        held fixed.

    Returns
    -------
    loss : scalar
    terms : its parts by name, detached
    """
    size = (target.shape[-2], target.shape[-1])
    levels = [level.float() for level in (pyramid.d0, pyramid.d1, pyramid.d2, pyramid.d3)]
    targets = [target.float()]
    for _ in levels[1:]:
        targets.append(reduce(targets[-1]).clamp(0.0, 1.0))
    loss = target.new_zeros(())
    terms: dict[str, torch.Tensor] = {}
    for index, (level, wanted) in enumerate(zip(levels, targets, strict=True)):
        term = structure_loss(
            _nearest(level, size), _nearest(wanted, size), edge=edge, window=window, iou=iou
        )
        terms[f"d{index}"] = term.detach()
        loss = loss + term
    distance = target.new_zeros(())
    for coarse, fine in zip(levels[1:], levels[:-1], strict=True):
        distance = distance + functional.l1_loss(coarse, reduce(fine).detach())
    terms["consistency"] = distance.detach()
    return loss + consistency * distance, terms


def _nearest(x: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return x if (x.shape[-2], x.shape[-1]) == size else functional.interpolate(x, size=size, mode="nearest")
