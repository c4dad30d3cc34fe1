"""How much memory a pass of the network takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..types import Size


@dataclass(frozen=True, slots=True)
class _Cost:
    fixed: int
    """Bytes."""
    pixel: int
    """Bytes a pixel."""
    side: float = 0.0
    """Bytes more a pixel for each pixel of the longer side: attention along each row and column."""
    square: int = 0
    """Bytes by the square of the longer side: attention along all rows at once, as published."""


_COSTS = {
    "light": _Cost(32 << 20, 200, side=1 / 64),
    "published": _Cost(256 << 20, 550, square=2),
    "published, plain": _Cost(256 << 20, 2200, square=4),
}
"""In float32 on a processor; measured by benchmarks/memory.py (2 cores of AMD EPYC, PyTorch 2.14) with
Swin-B, Res2Net-50 and lite, and rounded up by a fifth at least. Converted networks and half precision take
less."""


def pass_memory(head: str, form: str, sizes: Iterable[Size]) -> int:
    """Return the bytes that a picture takes in a network.

    Parameters
    ----------
    head, form
        As checkpoints and :class:`engine.plan.ExecutionPlan` call them.
    sizes
        Of its passes, (height, width); one comes after the other, so the largest counts.
    """
    cost = _COSTS[head if head == "light" or form in ("pieces", "converted") else "published, plain"]
    passes = []
    for height, width in sizes:
        longer = max(height, width)
        passes.append(height * width * (cost.pixel + cost.side * longer) + cost.square * longer**2)
    return cost.fixed + int(max(passes))
