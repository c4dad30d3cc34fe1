"""Backbones: five feature maps from a normalised picture, fine to coarse.

timm has the networks; here are the forward passes that the published weights were trained with,
and one adapter for every other timm network with five levels. timm takes seconds to import, so it
is imported when a backbone is built, and the bundled model's backbone (:mod:`.mobilenet`) does
without.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import nn
from torch.nn import functional

from ..errors import UsageError

FeatureMaps = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Backbone(nn.Module):
    """Base of the backbones.

    Attributes
    ----------
    channels
        Channels of the five maps.
    """

    channels: tuple[int, int, int, int, int]

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> five maps (B, channels[i], h_i, w_i), the last three of strides 8, 16, 32."""
        raise NotImplementedError

    def shallow(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the first two maps alone; a backbone that can leaves the rest out."""
        x1, x2, *_ = self(x)
        return x1, x2


class SwinBackbone(Backbone):
    """Swin Transformer (Liu et al. 2021): the patch embedding and the four stages.

    Feature maps that are no multiple of the window are zero-padded before the cyclic shift, as in
    the detection code that the published weights come from; timm's own forward shifts first. Every
    second block shifts, however small its map.
    """

    patch_embed: Any  # timm's modules come without types
    layers: Any

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        import timm

        options = {"always_partition": True, "weight_init": "skip", "num_classes": 0, **options}
        swin: Any = timm.create_model(name, **options)
        self.patch_embed = swin.patch_embed
        self.patch_embed.strict_img_size = False
        self.layers = swin.layers
        widths = [int(info["num_chs"]) for info in swin.feature_info]
        for index, width in enumerate(widths):
            self.add_module(f"norm{index}", nn.LayerNorm(width))
        self.channels = (int(swin.embed_dim), *widths)  # type: ignore[assignment]

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> maps of strides 4, 4, 8, 16, 32."""
        patch = self.patch_embed.proj.kernel_size[0]
        x = functional.pad(x, (0, -x.shape[-1] % patch, 0, -x.shape[-2] % patch))
        # the sum that blocks add to has the norms' precision: float32, if only products have less
        norm = self.patch_embed.norm
        dtype, wide = x.dtype, norm.weight.dtype
        x = norm(self.patch_embed.proj(x).permute(0, 2, 3, 1).to(wide))  # (B, h, w, C)
        maps = [x]
        for index, stage in enumerate(self.layers):
            x = merge_patches(stage.downsample, x)
            mask: dict[tuple[int, int], torch.Tensor] = {}
            for block in stage.blocks:
                attended = _shifted_window_attention(block, block.norm1(x).to(dtype), mask)
                x = x + block.drop_path1(attended)
                x = x + block.drop_path2(block.mlp(block.norm2(x).to(dtype)))
            maps.append(getattr(self, f"norm{index}")(x))
        return cast(FeatureMaps, tuple(m.permute(0, 3, 1, 2).to(dtype) for m in maps))


def merge_patches(downsample: Any, x: torch.Tensor) -> torch.Tensor:
    """Apply timm's patch merging, whose norm and product may differ in precision: (B, h, w, C)."""
    if isinstance(downsample, nn.Identity) or downsample.reduction.weight.dtype == x.dtype:
        return cast(torch.Tensor, downsample(x))
    x = functional.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
    batch, height, width, channels = x.shape
    x = x.view(batch, height // 2, 2, width // 2, 2, channels)
    x = downsample.norm(x.permute(0, 1, 3, 4, 2, 5).flatten(3))
    reduced = downsample.reduction(x.to(downsample.reduction.weight.dtype))
    return cast(torch.Tensor, reduced.to(x.dtype))


def _shifted_window_attention(
    block: Any, x: torch.Tensor, masks: dict[tuple[int, int], torch.Tensor]
) -> torch.Tensor:
    """Attend within windows: (B, h, w, C) -> the same shape.

    ``masks`` holds the mask of a stage's shifted blocks between its calls.
    """
    batch, height, width, channels = x.shape
    window, shift = block.window_size[0], block.shift_size[0]
    x = functional.pad(x, (0, 0, 0, -width % window, 0, -height % window))
    rows, columns = x.shape[1] // window, x.shape[2] // window
    mask = None
    if shift:
        x = torch.roll(x, shifts=(-shift, -shift), dims=(1, 2))
        key = (rows, columns)
        if key not in masks:
            masks[key] = _shift_mask(rows, columns, window, shift, x)
        mask = masks[key]
    # (B, rows * window, columns * window, C) -> (B * rows * columns, window**2, C)
    x = x.view(batch, rows, window, columns, window, channels).transpose(2, 3)
    x = block.attn(x.reshape(-1, window * window, channels), mask=mask)
    x = x.view(batch, rows, columns, window, window, channels).transpose(2, 3)
    x = x.reshape(batch, rows * window, columns * window, channels)
    if shift:
        x = torch.roll(x, shifts=(shift, shift), dims=(1, 2))
    return x[:, :height, :width]


def _shift_mask(rows: int, columns: int, window: int, shift: int, like: torch.Tensor) -> torch.Tensor:
    """Return -100 between pixels that only the cyclic shift made neighbours, else 0.

    Shape (rows * columns, window**2, window**2).
    """

    def bands(count: int) -> torch.Tensor:
        """Number the three bands of one axis: untouched, shifted in part, wrapped around."""
        position = torch.arange(count * window, device=like.device)
        length = count * window
        return (position >= length - window).int() + (position >= length - shift).int()

    region = 3 * bands(rows)[:, None] + bands(columns)[None, :]
    region = region.view(rows, window, columns, window).transpose(1, 2)
    region = region.reshape(rows * columns, window * window)
    return (region[:, None, :] != region[:, :, None]).to(like.dtype) * -100.0


# Dilation of the 3x3 kernels, block by block, in the last two stages of the published Res2Net
# (its `output_stride=32` with the multi-grid 1, 2, 4); stages that are not named have 1.
RES2NET_DILATION = {"layer3": (2,), "layer4": (4, 8, 16)}


class Res2NetBackbone(Backbone):
    """Res2Net-50 v1b 26w 4s (Gao et al. 2019), dilated as in the published InSPyReNet.

    The first map is the stem's after pooling.
    """

    conv1: Any
    bn1: Any
    act1: Any
    maxpool: Any
    layer1: Any
    layer2: Any
    layer3: Any
    layer4: Any

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        import timm

        net: Any = timm.create_model(name, num_classes=0, **options)
        self.conv1, self.bn1, self.act1, self.maxpool = net.conv1, net.bn1, net.act1, net.maxpool
        self.layer1, self.layer2 = net.layer1, net.layer2
        self.layer3, self.layer4 = net.layer3, net.layer4
        for stage, dilations in RES2NET_DILATION.items():
            for index, block in enumerate(getattr(self, stage)):
                dilation = dilations[min(index, len(dilations) - 1)]
                for conv in block.convs:
                    conv.dilation = conv.padding = (dilation, dilation)
        widths = [int(info["num_chs"]) for info in net.feature_info]
        self.channels = cast("tuple[int, int, int, int, int]", tuple(widths))

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> maps of strides 4, 4, 8, 16, 32."""
        x1 = self.maxpool(self.act1(self.bn1(self.conv1(x))))
        x2 = self.layer1(x1)
        x3 = self.layer2(x2)
        x4 = self.layer3(x3)
        return x1, x2, x3, x4, self.layer4(x4)


class TimmBackbone(Backbone):
    """Any timm network whose ``features_only`` form has five levels.

    State-dict keys are those of timm's feature network.
    """

    features: Any

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__()
        import timm

        features: Any = timm.create_model(name, features_only=True, **options)
        widths = tuple(int(width) for width in features.feature_info.channels())
        if len(widths) != 5:
            raise UsageError(
                f"backbone {name!r} gives {len(widths)} maps; InSPyReNet needs one with 5, "
                "such as resnet50 or mobilenetv3_large_100"
            )
        self.features = features
        self.channels = widths

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> the network's five maps, usually of strides 2, 4, 8, 16, 32."""
        return cast(FeatureMaps, tuple(self.features(x)))


def create_backbone(name: str, options: Mapping[str, object] | None = None) -> Backbone:
    """Build a backbone without weights.

    Parameters
    ----------
    name
        A timm name. ``swin_*`` and ``res2net*`` are built as the published weights need them,
        ``mobilenetv2_100`` and ``mobilenet_edgetpu_100`` without importing timm.
    options
        Passed to ``timm.create_model``, such as ``{"pad_type": "same"}``.

    Raises
    ------
    UsageError
        timm has no such network, or it has not five levels.
    """
    options = dict(options or {})
    if set(options) <= {"pad_type"}:
        same = options.get("pad_type") == "same"
        if name == "mobilenetv2_100":
            from .mobilenet import MobileNetV2

            return MobileNetV2(same_padding=same)
        if name == "mobilenet_edgetpu_100":
            from .edgetpu import MobileNetEdgeTPU

            return MobileNetEdgeTPU(same_padding=same)
    import timm

    if not timm.is_model(name.split(".")[0]):
        raise UsageError(f"backbone {name!r} is no network of timm {timm.__version__}")
    if name.startswith("swin_"):
        return SwinBackbone(name, **options)
    if name.startswith("res2net"):
        return Res2NetBackbone(name, **options)
    return TimmBackbone(name, **options)
