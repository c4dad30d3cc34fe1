"""The light head: InSPyReNet's pyramid with less arithmetic at high resolution, for small backbones.

It keeps the parts of the paper (parallel axial context, a first saliency map at stride 8, refinement by
context vectors, a Laplacian pyramid) and differs from the published network where small machines pay:

- Widths fall with resolution: ``depth`` channels at strides 8 to 32, half at stride 4, a quarter at
  stride 2. The published network has one width everywhere, so most of its time goes into the finest.
- The finest saliency is of stride 2; the last step of the pyramid is its expansion alone.
- Context vectors are means over pixels in place of sums, and sequences are the rows and columns they are
  named after, so that nothing depends on the input's size and nothing overflows in half precision.
- One axial attention a context module, in place of one in each branch.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from ..types import Size
from .attention import probability_maps
from .backbones.base import Backbone
from .inspyrenet import TRANSITION_KERNELS, PyramidNetwork
from .layers import ConvBlock, resize, size_of
from .pyramid import Pyramid, expand, reconstruct, transition

EPSILON = 1e-3  # added to the mean of a probability map that context vectors are divided by


class AxialMixer(nn.Module):
    """Scaled dot-product attention along the columns and along the rows, added to the input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(channels // 4, 4)
        self.project = nn.Conv2d(channels, 2 * narrow + channels, 1)
        self.gamma = nn.Parameter(torch.zeros(2, channels, 1, 1))
        self.split = (narrow, narrow, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, C, h, w) -> the same shape."""
        # (B, C, h, w) -> (B, h, w, C): the rows' sequences; transposed, the columns'
        query, key, value = self.project(x).permute(0, 2, 3, 1).split(self.split, dim=-1)
        rows = functional.scaled_dot_product_attention(query, key, value)
        columns = functional.scaled_dot_product_attention(
            query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        ).transpose(1, 2)
        mixed = self.gamma[0] * rows.permute(0, 3, 1, 2) + self.gamma[1] * columns.permute(0, 3, 1, 2)
        return x + mixed


class LightContext(nn.Module):
    """A backbone map brought to ``depth`` channels, with context of three sizes in half as many each."""

    def __init__(self, in_channels: int, depth: int) -> None:
        super().__init__()
        half = depth // 2
        self.reduce = ConvBlock(in_channels, depth, relu=True)
        self.branches = nn.ModuleList(
            nn.Sequential(
                ConvBlock(depth, half, relu=True),
                ConvBlock(half, half, (1, size)),
                ConvBlock(half, half, (size, 1), relu=True),
                ConvBlock(half, half, 3, dilation=size, relu=True),
            )
            for size in (3, 5, 7)
        )
        self.merge = ConvBlock(depth + 3 * half, depth)
        self.mixer = AxialMixer(depth)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, in_channels, h, w) -> (B, depth, h, w)."""
        x = self.reduce(x)
        mixed = self.merge(torch.cat([x, *(branch(x) for branch in self.branches)], dim=1))
        return self.mixer(functional.relu(mixed + x))


class LightDecoder(nn.Module):
    """The three coarse maps merged from deep to shallow, and the first saliency map at stride 8."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.merge4 = ConvBlock(2 * depth, depth, 3, relu=True)
        self.merge3 = ConvBlock(2 * depth, depth, 3, relu=True)
        self.refine = ConvBlock(depth, depth, 3, relu=True)
        self.saliency = nn.Conv2d(depth, 1, 3, padding=1)

    def forward(
        self, x3: torch.Tensor, x4: torch.Tensor, x5: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Merge maps of strides 8, 16 and 32, as :meth:`.context.Decoder.forward` does."""
        x = self.merge4(torch.cat([x4, resize(x5, size_of(x4))], dim=1))
        x = self.merge3(torch.cat([x3, resize(x, size_of(x3))], dim=1))
        x = self.refine(x)
        return x, self.saliency(x).float()  # maps stay in float32


class LightStage(nn.Module):
    """One refinement by context vectors (SICA, InSPyReNet section 3.2), with means in place of sums.

    Parameters
    ----------
    fine_channels
        Channels of the backbone's map at this resolution.
    coarse_channels
        Channels of the features one level below.
    channels
        Channels it works with and returns.
    laplacian
        Whether the last Laplacian gives two more context vectors.
    """

    def __init__(self, fine_channels: int, coarse_channels: int, channels: int, *, laplacian: bool) -> None:
        super().__init__()
        self.reduce = ConvBlock(coarse_channels, channels, relu=True)
        self.merge = ConvBlock(fine_channels + channels, channels, 3, relu=True)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.refine = ConvBlock(channels, channels, 3, relu=True)
        self.residual = nn.Conv2d(channels, 1, 1)
        self.threshold = nn.Parameter(torch.tensor([0.5]))
        self.lthreshold = nn.Parameter(torch.tensor([0.5])) if laplacian else None

    def forward(
        self,
        fine: torch.Tensor,
        coarse: torch.Tensor,
        saliency: torch.Tensor,
        laplacian: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Refine features by the last maps.

        Parameters
        ----------
        fine : (B, fine_channels, h, w)
        coarse : (B, coarse_channels, any, any)
        saliency, laplacian
            As :meth:`.ContextAttention.forward` takes them, and returns features (B, channels, h, w) and the
            next Laplacian.
        """
        x = self.merge(torch.cat([fine, resize(self.reduce(coarse), size_of(fine))], dim=1))
        context = self._context_vectors(x, saliency, laplacian).to(x.dtype)  # (B, ctx, C)
        query = self.query(x).permute(0, 2, 3, 1).flatten(1, 2)  # (B, h*w, C)
        # three to five keys a picture: written out, it is faster than the fused kernels
        logits = query @ self.key(context).transpose(1, 2) * query.shape[-1] ** -0.5  # (B, h*w, ctx)
        attended = torch.softmax(logits.float(), dim=-1).to(x.dtype) @ self.value(context)
        attended = attended.unflatten(1, size_of(x)).permute(0, 3, 1, 2)  # (B, C, h, w)
        x = self.refine(x + attended)
        return x, self.residual(x).float()

    def _context_vectors(
        self, x: torch.Tensor, saliency: torch.Tensor, laplacian: torch.Tensor | None
    ) -> torch.Tensor:
        """Average the features under every probability map: float32 (B, ctx, C)."""
        # at the level before, a quarter of the pixels: means change little, and the map is that size
        size = size_of(saliency)
        features = functional.adaptive_avg_pool2d(x, size).flatten(2).float()  # (B, C, h*w)
        maps = probability_maps(size, saliency, self.threshold, laplacian, self.lthreshold)
        weights = maps.flatten(2)  # (B, ctx, h*w)
        weights = weights / (weights.mean(dim=2, keepdim=True).abs() + EPSILON) / weights.shape[2]
        return torch.bmm(weights, features.transpose(1, 2))


class LightInSPyReNet(PyramidNetwork):
    """InSPyReNet with the light head.

    Parameters
    ----------
    backbone
        Gives five maps, the first of stride 2; see :mod:`.backbones`.
    depth
        Channels at strides 8 to 32; half of them at stride 4 and a quarter at stride 2.
    base_size
        (height, width) it is used at in one pass; any size whose sides are multiples of 32 may be
        given.
    """

    title = "InSPyReNet, light head"

    def __init__(self, backbone: Backbone, depth: int = 64, base_size: Size = (256, 256)) -> None:
        super().__init__(backbone, depth, base_size)
        c1, c2, c3, c4, c5 = backbone.channels
        self.context3 = LightContext(c3, depth)
        self.context4 = LightContext(c4, depth)
        self.context5 = LightContext(c5, depth)
        self.decoder = LightDecoder(depth)
        self.stage2 = LightStage(c2, depth, depth // 2, laplacian=False)
        self.stage1 = LightStage(c1, depth // 2, depth // 4, laplacian=True)

    def predict(self, x: torch.Tensor) -> Pyramid:
        """Make one pass; the last Laplacian is zero."""
        return self._pass(x)[0]

    def blend(self, x: torch.Tensor, x_lr: torch.Tensor) -> Pyramid:
        """Take the shape from a pass at base size, and detail near its edges from the large picture.

        The published way makes a whole pass over the large picture, puts the small result in at its
        coarsest level and adds the large Laplacians from there. A network of small reach sees a large
        picture worse, and a result of this head is finer than that level, so here

        - only the backbone's first two maps are taken from the large picture, and refined with the
          small pass's coarse features and saliency: the meaning is the small pass's;
        - the small pass's finest level is put in at stride 4 of the large picture, which at twice the
          base size has the very size of it.
        """
        small, coarse = self._pass(x_lr)
        x1, x2 = self.backbone.shallow(x.to(self.dtype))
        f2, p2 = self.stage2(x2, coarse, small.d3.detach())
        d2 = functional.interpolate(small.d1, size=size_of(x2), mode="bilinear", antialias=True)
        _, p1 = self.stage1(x1, f2, d2.detach(), p2.detach())
        p1 = p1 * resize(transition(d2.detach(), TRANSITION_KERNELS[1]), size_of(p1))
        d1 = reconstruct(d2.detach(), p1)
        d0 = expand(d1)
        d3 = resize(small.d3, (x2.shape[-2] // 2, x2.shape[-1] // 2))
        return Pyramid(d3, d2, d1, d0, torch.zeros_like(d2), p1, torch.zeros_like(d0))

    def _pass(self, x: torch.Tensor) -> tuple[Pyramid, torch.Tensor]:
        """Return the pyramid of a pass, and its features at stride 8."""
        x1, x2, x3, x4, x5 = self.backbone(x.to(self.dtype))
        f3, d3 = self.decoder(self.context3(x3), self.context4(x4), self.context5(x5))
        f2, p2 = self.stage2(x2, f3, d3.detach())
        d2 = reconstruct(d3.detach(), p2)
        _, p1 = self.stage1(x1, f2, d2.detach(), p2.detach())
        d1 = reconstruct(d2.detach(), p1)
        d0 = expand(d1)
        return Pyramid(d3, d2, d1, d0, p2, p1, torch.zeros_like(d0)), f3
