"""InSPyReNet: a backbone, context modules, a decoder and three refinement stages (arXiv 2209.09475)."""

from __future__ import annotations

import torch
from torch import nn

from ..types import Size
from .attention import ContextAttention
from .backbones.base import Backbone, FeatureMaps
from .context import ContextModule, Decoder
from .layers import resize, size_of
from .pyramid import Pyramid, reconstruct, transition

TRANSITION_KERNELS = (5, 9, 17)  # for the levels p2, p1, p0

Maps = tuple[torch.Tensor, ...]
"""The last saliency map, and but for the first stage the last Laplacian."""


class PyramidNetwork(nn.Module):
    """A network that predicts a saliency pyramid; the base of the published network and the light one."""

    title = "InSPyReNet"
    """What exported files call it."""

    def __init__(self, backbone: Backbone, depth: int, base_size: Size) -> None:
        super().__init__()
        self.backbone = backbone
        self.depth = depth
        self.base_size = base_size

    @property
    def dtype(self) -> torch.dtype:
        """Precision of the weights, and of the features."""
        return next(self.parameters()).dtype

    def predict(self, x: torch.Tensor) -> Pyramid:
        """Make one pass: (B, 3, H, W), H and W multiples of 32, to logits of four sizes."""
        raise NotImplementedError

    def blend(self, x: torch.Tensor, x_lr: torch.Tensor) -> Pyramid:
        """Blend passes over a large picture and the same picture at base size."""
        raise NotImplementedError

    def forward(self, x: torch.Tensor, x_lr: torch.Tensor | None = None) -> Pyramid:
        """Predict the saliency pyramid of a batch.

        Parameters
        ----------
        x : (B, 3, H, W)
            Normalised pictures, H and W multiples of 32.
        x_lr : (B, 3, *base_size), optional
            The same pictures at base size: their pass gives the shape, and ``x`` only the detail
            near edges (pyramid blending).

        Returns
        -------
        Pyramid
            Logits; ``d0`` is (B, 1, H, W). Every picture's result is its own: a batch equals its
            pictures one by one.
        """
        return self.predict(x) if x_lr is None else self.blend(x, x_lr)


class InSPyReNet(PyramidNetwork):
    """Inverse saliency pyramid reconstruction network.

    Parameters
    ----------
    backbone
        Gives five maps for a picture; see :mod:`.backbones`.
    depth
        Channels of the head; 64 as published.
    base_size
        (height, width) the weights were trained at. It sets the size at which context vectors are
        summed; pictures of any size whose sides are multiples of 32 may be given.
    """

    def __init__(self, backbone: Backbone, depth: int = 64, base_size: Size = (384, 384)) -> None:
        super().__init__(backbone, depth, base_size)
        c1, c2, c3, c4, c5 = backbone.channels
        self.context1 = ContextModule(c1, depth)
        self.context2 = ContextModule(c2, depth)
        self.context3 = ContextModule(c3, depth)
        self.context4 = ContextModule(c4, depth)
        self.context5 = ContextModule(c5, depth)
        self.decoder = Decoder(depth)
        height, width = base_size
        sizes = [(height // 2**stage, width // 2**stage) for stage in range(3)]
        self.attention0 = ContextAttention(depth, depth, sizes[0], laplacian=True)
        self.attention1 = ContextAttention(2 * depth, depth, sizes[1], laplacian=True)
        self.attention2 = ContextAttention(2 * depth, depth, sizes[2], laplacian=False)

    def predict(self, x: torch.Tensor) -> Pyramid:
        """Make one pass."""
        saliency, details, features = self._coarse(x)
        # Each level is trained on its own input: no gradient flows through the maps.
        maps = (saliency[-1].detach(), details[-1].detach())
        details.append(self._finest(features, size_of(x), maps))
        saliency.append(reconstruct(saliency[-1].detach(), details[-1]))
        return Pyramid(*saliency, *details)

    def blend(self, x: torch.Tensor, x_lr: torch.Tensor) -> Pyramid:
        """Rebuild the small pass's saliency at the large size, with the large pass's detail near edges.

        Section 3.4 of the paper. The Laplacians that are returned are zero away from the edges.
        """
        small = self.predict(x_lr).d0
        large, residuals, features = self._coarse(x)
        saliency, details = [resize(small, size_of(large[0]))], []
        for detail, kernel_size in zip((*residuals, None), TRANSITION_KERNELS, strict=True):
            size = size_of(x if detail is None else detail)
            mask = resize(transition(saliency[-1], kernel_size), size)
            if detail is None:
                detail = self._finest(features, size, (large[-1].detach(), residuals[-1].detach()), mask)
            details.append(mask * detail)
            saliency.append(reconstruct(saliency[-1], details[-1]))
        return Pyramid(*saliency, *details)

    def _coarse(self, x: torch.Tensor) -> tuple[list[torch.Tensor], list[torch.Tensor], torch.Tensor]:
        """Make a pass up to the finest level: d3, d2 and d1; p2 and p1; features for the finest level."""
        height, width = size_of(x)
        x1, x2, x3, x4, x5 = self._maps(x.to(self.dtype))
        f3, d3 = self.decoder(self.context3(x3), self.context4(x4), self.context5(x5))
        d3 = d3.float()  # maps stay in float32, whatever the precision of the features
        x2 = self.context2(x2)
        f2, p2 = self._refine(2, x2, f3, size_of(x2), (d3.detach(),))
        d2 = reconstruct(d3.detach(), p2)
        half = (height // 2, width // 2)
        f1, p1 = self._refine(1, self.context1(x1), f2, half, (d2.detach(), p2.detach()))
        return [d3, d2, reconstruct(d2.detach(), p1)], [p2, p1], f1

    def _maps(self, x: torch.Tensor) -> FeatureMaps:
        return self.backbone(x)

    def _refine(
        self, stage: int, fine: torch.Tensor, coarse: torch.Tensor, size: Size, maps: Maps
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine features of two sources by the last maps: features of that size, and the next Laplacian."""
        features = torch.cat([resize(fine, size), resize(coarse, size)], dim=1)
        return getattr(self, f"attention{stage}")(features, *maps)

    def _finest(
        self, features: torch.Tensor, size: Size, maps: Maps, mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the finest Laplacian; where a mask is zero, it may be anything."""
        return self.attention0(resize(features, size), *maps)[1]


def to_probability(logits: torch.Tensor, *, stretch: bool) -> torch.Tensor:
    """Turn saliency logits into a matte.

    Parameters
    ----------
    logits : (B, 1, h, w)
    stretch
        Stretch every picture's values to fill [0, 1], as the published code does with its batch.
        A picture without an object is stretched too; without ``stretch`` it stays dark.

    Returns
    -------
    float32 (B, 1, h, w) in [0, 1].
    """
    probability = torch.sigmoid(logits.float())
    if not stretch:
        return probability
    low = probability.amin(dim=(1, 2, 3), keepdim=True)
    high = probability.amax(dim=(1, 2, 3), keepdim=True)
    return (probability - low) / (high - low + 1e-8)
