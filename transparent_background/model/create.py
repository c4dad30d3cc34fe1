"""Networks and their backbones by name, as checkpoints and configurations call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..errors import UsageError
from ..types import Size
from .backbones.base import Backbone
from .backbones.from_timm import Res2NetBackbone, TimmBackbone
from .backbones.mobilenet import EfficientNetLite2, MobileNet, MobileNetEdgeTPU, MobileNetV2
from .backbones.swin import SwinBackbone
from .inspyrenet import InSPyReNet, PyramidNetwork
from .light import LightInSPyReNet

HEADS: dict[str, type[InSPyReNet] | type[LightInSPyReNet]] = {
    "published": InSPyReNet,
    "light": LightInSPyReNet,
}
_MOBILENETS: dict[str, type[MobileNet]] = {
    "mobilenetv2_100": MobileNetV2,
    "mobilenet_edgetpu_100": MobileNetEdgeTPU,
    "tf_efficientnet_lite2": EfficientNetLite2,
}
SWIN_OPTIONS = {"embed_dim", "depths", "num_heads", "window_size", "drop_path_rate"}


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


def create_backbone(name: str, options: Mapping[str, object] | None = None) -> Backbone:
    """Build a backbone without weights.

    Parameters
    ----------
    name
        A timm name. ``swin_*`` and ``res2net*`` are built as the published weights need them; ``swin_*``,
        ``mobilenetv2_100``, ``mobilenet_edgetpu_100`` and ``tf_efficientnet_lite2`` without importing timm.
    options
        Passed to ``timm.create_model``, such as ``{"pad_type": "same"}``.

    Raises
    ------
    UsageError
        timm has no such network, or it has not five levels.
    """
    options = dict(options or {})
    if name in _MOBILENETS and set(options) <= {"pad_type"}:
        padding = {"same_padding": options["pad_type"] == "same"} if options else {}
        return _MOBILENETS[name](**padding)
    if name.startswith("swin_"):
        unknown = set(options) - SWIN_OPTIONS
        if unknown:
            raise UsageError(
                f"backbone {name!r} has no option {min(unknown)!r}; it has {', '.join(sorted(SWIN_OPTIONS))}"
            )
        return SwinBackbone(name, **cast("dict[str, Any]", options))
    import timm

    if not timm.is_model(name.split(".")[0]):
        raise UsageError(f"backbone {name!r} is no network of timm {timm.__version__}")
    if name.startswith("res2net"):
        return Res2NetBackbone(name, **options)
    return TimmBackbone(name, **options)
