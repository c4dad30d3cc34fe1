"""The network of 1.3.4, as a module of PyTorch: its weights' names, its inputs and its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import nn

from ..errors import UsageError
from ..model import Pyramid, PyramidNetwork, create_backbone, create_network, load_state_dict
from ..model import to_published_keys as published_keys

SWIN_B = "swin_base_patch4_window12_384"


class InSPyReNet(nn.Module):
    """A network that answers with a matte, as ``transparent_background.InSPyReNet`` did.

    Parameters
    ----------
    network
        It gives logits; it is shared, not copied.
    threshold
        Pixels on the shorter side from which on two passes are blended; None: never.
    stretch
        Whether a batch is stretched to [0, 1], as published.
    """

    def __init__(
        self, network: PyramidNetwork, threshold: int | None = None, *, stretch: bool = True
    ) -> None:
        super().__init__()
        self.network = network
        self.threshold, self.stretch = threshold, stretch
        self.depth, self.base_size = network.depth, list(network.base_size)

    @property
    def backbone(self) -> nn.Module:
        """The network's backbone."""
        return self.network.backbone

    def forward(self, img: torch.Tensor, img_lr: torch.Tensor | None = None) -> torch.Tensor:
        """Predict a matte.

        Parameters
        ----------
        img : (B, 3, H, W)
            Normalised pictures, H and W multiples of 32.
        img_lr : (B, 3, *base_size), optional
            The same at base size, for blending.

        Returns
        -------
        (B, 1, H, W) in [0, 1]; as published, it is the whole batch that is stretched, not each picture.
        """
        logits = self._pyramid(img, img_lr).d0
        pred = torch.sigmoid(logits)
        if not self.stretch:
            return pred
        low = pred.min()
        return (pred - low) / (pred.max() - low + 1e-8)

    def _pyramid(self, img: torch.Tensor, img_lr: torch.Tensor | None) -> Pyramid:
        if self.threshold is None:
            return self.network(img)
        if min(img.shape[-2:]) <= self.threshold:
            return self.network(img if img_lr is None else img_lr)
        if img_lr is None:
            raise UsageError(f"pictures above {self.threshold} pixels are blended: give img_lr as well")
        return self.network(img, img_lr)

    def forward_inspyre(self, x: torch.Tensor) -> dict[str, list[torch.Tensor]]:
        """Return the pyramid's logits: ``saliency``, coarse to fine, and the ``laplacian`` between them."""
        d3, d2, d1, d0, p2, p1, p0 = self.network(x)
        return {"saliency": [d3, d2, d1, d0], "laplacian": [p2, p1, p0]}

    forward_inference = forward

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> Any:
        """Take weights by their published names; all must be there."""
        load_state_dict(self.network, state_dict, "the state dict")
        return nn.modules.module._IncompatibleKeys([], [])

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the weights by their published names."""
        return published_keys(self.network)


def InSPyReNet_SwinB(  # noqa: N802
    depth: int = 64,
    pretrained: bool = False,
    base_size: Sequence[int] = (384, 384),
    threshold: int | None = 512,
    **kwargs: Any,
) -> InSPyReNet:
    """Build the published network without weights; further keywords are passed over, as 1.3.4 did."""
    if pretrained:
        raise UsageError("pretrained backbones are not published; load a whole checkpoint")
    size = cast("tuple[int, int]", tuple(base_size))
    return InSPyReNet(create_network("published", create_backbone(SWIN_B), depth, size), threshold)
