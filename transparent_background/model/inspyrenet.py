"""InSPyReNet: a backbone, context modules, a decoder and three refinement stages (arXiv 2209.09475)."""

from __future__ import annotations

import torch
from torch import nn

from ..types import Size
from .attention import ContextAttention
from .backbones.base import Backbone
from .context import ContextModule, Decoder
from .layers import resize
from .pyramid import Pyramid, reconstruct, transition

TRANSITION_KERNELS = (5, 9, 17)  # for the levels p2, p1, p0


class PyramidNetwork(nn.Module):
    """A network that predicts a saliency pyramid; the base of the published network and the light one."""

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

    def blend(self, x: torch.Tensor, x_lr: torch.Tensor) -> Pyramid:
        """Make both passes and blend their pyramids (section 3.4 of the paper)."""
        large = self.predict(x)
        return blend(self.predict(x_lr).d0, large)

    def predict(self, x: torch.Tensor) -> Pyramid:
        """Make one pass."""
        height, width = x.shape[-2:]
        x1, x2, x3, x4, x5 = self.backbone(x.to(self.dtype))
        f3, d3 = self.decoder(self.context3(x3), self.context4(x4), self.context5(x5))
        d3 = d3.float()  # maps stay in float32, whatever the precision of the features

        x2 = self.context2(x2)
        f3 = resize(f3, (x2.shape[-2], x2.shape[-1]))
        # Each level is trained on its own input: no gradient flows through the maps.
        f2, p2 = self.attention2(torch.cat([x2, f3], dim=1), d3.detach())
        d2 = reconstruct(d3.detach(), p2)

        half = (height // 2, width // 2)
        features = torch.cat([resize(self.context1(x1), half), resize(f2, half)], dim=1)
        f1, p1 = self.attention1(features, d2.detach(), p2.detach())
        d1 = reconstruct(d2.detach(), p1)

        _, p0 = self.attention0(resize(f1, (height, width)), d1.detach(), p1.detach())
        d0 = reconstruct(d1.detach(), p0)
        return Pyramid(d3, d2, d1, d0, p2, p1, p0)


def blend(saliency_lr: torch.Tensor, large: Pyramid) -> Pyramid:
    """Rebuild a small pass's saliency at a large pass's size, with the large pass's detail near edges.

    Parameters
    ----------
    saliency_lr : (B, 1, h, w)
        d0 of the pass at base size, logits.
    large
        The pass at the large size.

    Returns
    -------
    Pyramid
        Of the large size; its Laplacians are zero away from the edges.
    """
    saliency = [resize(saliency_lr, (large.d3.shape[-2], large.d3.shape[-1]))]
    details = []
    for detail, kernel_size in zip((large.p2, large.p1, large.p0), TRANSITION_KERNELS, strict=True):
        mask = transition(saliency[-1], kernel_size)
        details.append(resize(mask, (detail.shape[-2], detail.shape[-1])) * detail)
        saliency.append(reconstruct(saliency[-1], details[-1]))
    return Pyramid(*saliency, *details)


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
