"""InSPyReNet as it is run, picture by picture."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ..backbones.swin import SwinBackbone
from ..inspyrenet import TRANSITION_KERNELS, InSPyReNet, PyramidNetwork
from ..layers import resize
from ..pyramid import Pyramid, reconstruct, transition
from .context import InferenceContext, InferenceDecoder
from .stage import InferenceStage
from .swin import InferenceSwin
from .tiles import boxes_around

MULTIPLE = 32  # pixels; both sides of what the pieces are made for


class _Coarse(NamedTuple):
    """The levels of a :class:`Pyramid` below the finest."""

    d3: torch.Tensor
    d2: torch.Tensor
    d1: torch.Tensor
    p2: torch.Tensor
    p1: torch.Tensor


class InferenceInSPyReNet(PyramidNetwork):
    """The same function as an :class:`InSPyReNet`, to rounding, with less arithmetic and memory.

    It shares that network's weights, is made for processors, and cannot be trained.
    """

    def __init__(self, network: InSPyReNet) -> None:
        super().__init__(network.backbone, network.depth, network.base_size)
        self.network = network
        backbone = network.backbone
        self._maps = InferenceSwin(backbone) if isinstance(backbone, SwinBackbone) else backbone
        modules = (getattr(network, f"context{level}") for level in range(1, 6))
        self._contexts = [InferenceContext(module) for module in modules]
        self._decoder = InferenceDecoder(network.decoder)
        stages = (network.attention0, network.attention1, network.attention2)
        self._stages = [InferenceStage(stage) for stage in stages]

    def predict(self, x: torch.Tensor) -> Pyramid:
        """Make one pass."""
        if x.shape[-2] % MULTIPLE or x.shape[-1] % MULTIPLE:
            return self.network.predict(x)
        return _joined([self._predict(picture[None]) for picture in x])

    def blend(self, x: torch.Tensor, x_lr: torch.Tensor) -> Pyramid:
        """Make both passes and blend their pyramids.

        The finest residual of the large pass, a third of its arithmetic, is computed only where blending
        takes any of it.
        """
        if x.shape[-2] % MULTIPLE or x.shape[-1] % MULTIPLE:
            return self.network.blend(x, x_lr)
        small = self.predict(x_lr).d0
        pairs = zip(x, small, strict=True)
        return _joined([self._blend(picture[None], saliency[None]) for picture, saliency in pairs])

    def _blend(self, x: torch.Tensor, saliency_lr: torch.Tensor) -> Pyramid:
        large, features = self._coarse(x)
        saliency = [resize(saliency_lr, (large.d3.shape[-2], large.d3.shape[-1]))]
        details = []
        for detail, kernel_size in zip((large.p2, large.p1), TRANSITION_KERNELS[:2], strict=True):
            mask = transition(saliency[-1], kernel_size)
            details.append(resize(mask, (detail.shape[-2], detail.shape[-1])) * detail)
            saliency.append(reconstruct(saliency[-1], details[-1]))
        size = (x.shape[-2], x.shape[-1])
        mask = resize(transition(saliency[-1], TRANSITION_KERNELS[2]), size)
        boxes = list(boxes_around(mask[0, 0] > 0, features.shape[1]))
        _, p0 = self._stages[0](None, features, size, large.d1, large.p1, keep_features=False, boxes=boxes)
        details.append(mask * p0)
        saliency.append(reconstruct(saliency[-1], details[-1]))
        return Pyramid(*saliency, *details)

    def _predict(self, x: torch.Tensor) -> Pyramid:
        coarse, features = self._coarse(x)
        size = (x.shape[-2], x.shape[-1])
        _, p0 = self._stages[0](None, features, size, coarse.d1, coarse.p1, keep_features=False)
        return Pyramid(coarse.d3, coarse.d2, coarse.d1, reconstruct(coarse.d1, p0), coarse.p2, coarse.p1, p0)

    def _coarse(self, x: torch.Tensor) -> tuple[_Coarse, torch.Tensor]:
        """Make a pass up to the finest level, and return that level's features too."""
        height, width = x.shape[-2:]
        x1, x2, x3, x4, x5 = self._maps(x.to(self.dtype))
        contexts = self._contexts
        f3, d3 = self._decoder(contexts[2](x3), contexts[3](x4), contexts[4](x5))
        d3 = d3.float()
        x2 = contexts[1](x2)
        quarter = (x2.shape[-2], x2.shape[-1])
        f2, p2 = self._stages[2](x2, f3, quarter, d3, None, keep_features=True)
        assert f2 is not None
        d2 = reconstruct(d3, p2)
        half = (height // 2, width // 2)
        x1 = contexts[0](x1)
        if (x1.shape[-2], x1.shape[-1]) == half:
            fine, coarse = x1, f2
        else:
            fine, coarse = None, torch.cat([x1, f2], dim=1)
        f1, p1 = self._stages[1](fine, coarse, half, d2, p2, keep_features=True)
        assert f1 is not None
        return _Coarse(d3, d2, reconstruct(d2, p1), p2, p1), f1


def _joined(pyramids: list[Pyramid]) -> Pyramid:
    """Put the pyramids of single pictures into a batch."""
    if len(pyramids) == 1:
        return pyramids[0]
    return Pyramid(*(torch.cat(maps) for maps in zip(*pyramids, strict=True)))


def inference_form(network: PyramidNetwork) -> PyramidNetwork:
    """Return the fastest form of a folded network for a processor: the same function to rounding."""
    return InferenceInSPyReNet(network) if isinstance(network, InSPyReNet) else network
