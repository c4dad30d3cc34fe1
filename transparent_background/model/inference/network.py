"""InSPyReNet as it is run, picture by picture."""

from __future__ import annotations

import torch

from ...types import MULTIPLE, Size
from ..backbones.base import FeatureMaps
from ..backbones.swin import SwinBackbone
from ..inspyrenet import InSPyReNet, Maps, PyramidNetwork
from ..layers import size_of
from ..pyramid import Pyramid
from .context import with_faster_attention
from .stage import InferenceStage
from .swin import InferenceSwin
from .tiles import boxes_around


class InferenceInSPyReNet(InSPyReNet):
    """The same function as an :class:`InSPyReNet`, to rounding, with less arithmetic and memory.

    It shares that network's weights, is made for processors, and cannot be trained.
    """

    def __init__(self, network: InSPyReNet) -> None:
        PyramidNetwork.__init__(self, network.backbone, network.depth, network.base_size)
        self.network = network
        for name, part in network.named_children():
            if name.startswith(("context", "decoder")):
                self.add_module(name, with_faster_attention(part))
        backbone = network.backbone
        self._swin = InferenceSwin(backbone) if isinstance(backbone, SwinBackbone) else None
        stages = (network.attention0, network.attention1, network.attention2)
        self._stages = [InferenceStage(stage) for stage in stages]

    def forward(self, x: torch.Tensor, x_lr: torch.Tensor | None = None) -> Pyramid:
        """Predict the saliency pyramid of a batch, picture by picture; as :class:`InSPyReNet` does."""
        inputs = (x,) if x_lr is None else (x, x_lr)
        if any(side % MULTIPLE for given in inputs for side in size_of(given)):
            return self.network(*inputs)
        forward = super().forward
        each = [forward(*single) for single in zip(*(torch.split(t, 1) for t in inputs), strict=True)]
        return each[0] if len(each) == 1 else Pyramid(*map(torch.cat, zip(*each, strict=True)))

    def _maps(self, x: torch.Tensor) -> FeatureMaps:
        return super()._maps(x) if self._swin is None else self._swin(x)

    def _refine(
        self, stage: int, fine: torch.Tensor, coarse: torch.Tensor, size: Size, maps: Maps
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if size_of(fine) == size:
            return self._stages[stage](fine, coarse, size, maps)
        return self._stages[stage](None, torch.cat([fine, coarse], dim=1), size, maps)

    def _finest(
        self, features: torch.Tensor, size: Size, maps: Maps, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the finest Laplacian, a third of the arithmetic, where blending takes any of it."""
        boxes = None if mask is None else list(boxes_around(mask[0, 0] > 0, features.shape[1]))
        return self._stages[0](None, features, size, maps, keep_features=False, boxes=boxes)[1]


def inference_form(network: PyramidNetwork) -> PyramidNetwork:
    """Return the fastest form of a folded network for a processor: the same function to rounding."""
    return InferenceInSPyReNet(network) if isinstance(network, InSPyReNet) else network
