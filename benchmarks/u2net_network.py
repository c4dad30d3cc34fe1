"""U^2-Net, the full version, from its description: Qin et al. 2020, arXiv 2005.09007, table 1.

Only for timing: it has no trained weights. 44.0 million parameters, the 176.3 MB of the paper.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

# (height, dilated, inputs, middle, outputs), from the full resolution down and back up
ENCODER = (
    (7, False, 3, 32, 64),
    (6, False, 64, 32, 128),
    (5, False, 128, 64, 256),
    (4, False, 256, 128, 512),
    (4, True, 512, 256, 512),
    (4, True, 512, 256, 512),
)
DECODER = (
    (4, True, 1024, 256, 512),
    (4, False, 1024, 128, 256),
    (5, False, 512, 64, 128),
    (6, False, 256, 32, 64),
    (7, False, 128, 16, 64),
)


class U2Net(nn.Module):
    """A U of small U's; each stage of the decoder, and the deepest of the encoder, predicts a map."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.ModuleList(Rsu(*stage) for stage in ENCODER)
        self.decoder = nn.ModuleList(Rsu(*stage) for stage in DECODER)
        widths = [stage[-1] for stage in (*reversed(DECODER), ENCODER[-1])]
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in widths)
        self.fusion = nn.Conv2d(len(widths), 1, 1)

    def forward(self, photo: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(B, 3, h, w), normalised -> seven maps (B, 1, h, w) in [0, 1]: the fused one, then the sides."""
        features = [self.encoder[0](photo)]
        for stage in self.encoder[1:]:
            features.append(stage(shrink(features[-1])))  # (B, C, h, w) -> (B, C', h/2, w/2)
        decoded = [features.pop()]
        for stage in self.decoder:
            decoded.append(stage(join(decoded[-1], features.pop())))
        decoded.reverse()
        sides = [side(x) for side, x in zip(self.sides, decoded, strict=True)]
        sides = [sides[0], *(enlarge(side, sides[0]) for side in sides[1:])]
        return tuple(torch.sigmoid(x) for x in (self.fusion(torch.cat(sides, 1)), *sides))


class Rsu(nn.Module):
    """Residual U-block: a U-Net of ``height`` levels, added to its own input convolution.

    The plain one halves the picture from level to level, but for the last, whose convolution is dilated
    by 2. The ``dilated`` one (the paper's RSU-4F) keeps the size and doubles the dilation instead.
    """

    def __init__(self, height: int, dilated: bool, inputs: int, middle: int, outputs: int) -> None:
        super().__init__()
        dilations = [2**level for level in range(height)] if dilated else [1] * (height - 1) + [2]
        self.shrinking = set() if dilated else set(range(1, height - 1))
        self.entry = convolution(inputs, outputs, 1)
        self.down = nn.ModuleList(
            convolution(middle if level else outputs, middle, dilation)
            for level, dilation in enumerate(dilations)
        )
        self.up = nn.ModuleList(
            convolution(2 * middle, middle if level else outputs, dilation)
            for level, dilation in enumerate(dilations[:-1])
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, inputs, h, w) -> (B, outputs, h, w)."""
        whole = x = self.entry(x)
        levels = []
        for level, convolve in enumerate(self.down):
            x = convolve(shrink(x) if level in self.shrinking else x)
            levels.append(x)
        x = levels.pop()
        for convolve in reversed(self.up):
            x = convolve(join(x, levels.pop()))
        return x + whole


def convolution(inputs: int, outputs: int, dilation: int) -> nn.Sequential:
    # momentum=None: the statistics are the mean of all that was seen, for `settle`
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation),
        nn.BatchNorm2d(outputs, momentum=None),
        nn.ReLU(inplace=True),
    )


def shrink(x: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(x, 2, stride=2, ceil_mode=True)


def enlarge(x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    if x.shape[-2:] == like.shape[-2:]:
        return x
    return functional.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)


def join(deep: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
    return torch.cat([enlarge(deep, skip), skip], 1)


def settle(network: U2Net, photo: torch.Tensor) -> None:
    """Take the statistics of one photo, so that the values keep about the scale of a trained network's.

    With the initial ones they would shrink from layer to layer, towards numbers no real photo gives.
    """
    with torch.no_grad():
        network.train()(photo)
    network.eval()
