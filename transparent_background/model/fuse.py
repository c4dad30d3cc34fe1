"""BatchNorm folded into the convolutions before it: the same function with fewer passes over memory."""

from __future__ import annotations

from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .backbones.mobilenet import Block, MobileNet
from .inspyrenet import PyramidNetwork
from .layers import ConvBlock

Network = TypeVar("Network", bound=PyramidNetwork)


def fold_batch_norm(model: Network) -> Network:
    """Fold every BatchNorm of the head and of the backbones that are not timm's, in place.

    The network must be in evaluation mode, and can't be trained or saved under published keys
    afterwards. timm's backbones are left as they are.

    Returns
    -------
    PyramidNetwork
        The same object; its results differ by rounding only.
    """
    if model.training:
        raise ValueError("only a network in evaluation mode can have its BatchNorm folded")
    for module in list(model.modules()):
        pairs = module.pairs if isinstance(module, (ConvBlock, Block, MobileNet)) else ()
        for conv_name, norm_name in pairs:
            norm = getattr(module, norm_name)
            if not isinstance(norm, nn.BatchNorm2d):
                continue  # this block has none, or it is folded already
            setattr(module, conv_name, fuse_conv_bn_eval(getattr(module, conv_name), norm))
            setattr(module, norm_name, None if isinstance(module, ConvBlock) else nn.Identity())
    return model
