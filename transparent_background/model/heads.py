"""The networks by the name of their head, as checkpoints and configurations call them."""

from __future__ import annotations

from ..errors import UsageError
from ..types import Size
from .backbones.base import Backbone
from .inspyrenet import InSPyReNet, PyramidNetwork
from .light import LightInSPyReNet

HEADS: dict[str, type[InSPyReNet] | type[LightInSPyReNet]] = {
    "published": InSPyReNet,
    "light": LightInSPyReNet,
}


def create_network(head: str, backbone: Backbone, depth: int, base_size: Size) -> PyramidNetwork:
    """Build a network without weights.

    Parameters
    ----------
    head
        ``published`` for :class:`InSPyReNet`, ``light`` for :class:`LightInSPyReNet`.
    backbone, depth, base_size
        As these classes take them.

    Raises
    ------
    UsageError
        There is no such head.
    """
    if head not in HEADS:
        raise UsageError(f"head {head!r} is unknown; choose from {', '.join(HEADS)}")
    return HEADS[head](backbone, depth, base_size)
