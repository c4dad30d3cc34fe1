"""Swin Transformer (Liu et al. 2021, arXiv 2103.14030) as a backbone, with timm's state-dict keys.

The same function as timm's network but for the borders: feature maps that are no multiple of the
window are zero-padded before the cyclic shift, as in the detection code that the published weights
come from, where timm shifts first; and every second block shifts, however small its map. A test holds
it to timm's where both agree. Importing timm takes longer than a picture at 384 x 384.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from ...errors import UsageError
from .base import Backbone, FeatureMaps

# channels after the patch embedding, blocks and heads of each stage
VARIANTS: dict[str, tuple[int, tuple[int, ...], tuple[int, ...]]] = {
    "tiny": (96, (2, 2, 6, 2), (3, 6, 12, 24)),
    "small": (96, (2, 2, 18, 2), (3, 6, 12, 24)),
    "base": (128, (2, 2, 18, 2), (4, 8, 16, 32)),
    "large": (192, (2, 2, 18, 2), (6, 12, 24, 48)),
}
NAME = re.compile(r"swin_(tiny|small|base|large)_patch4_window(\d+)_\d+$")
PATCH = 4  # pixels; side of what becomes one position
MLP_RATIO = 4
MASKED = -100.0  # added to the logits between pixels that only the cyclic shift made neighbours


class PatchEmbedding(nn.Module):
    """Patches of 4 x 4 pixels to vectors."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, channels, PATCH, stride=PATCH)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, H / 4, W / 4, C); H and W are padded with zeros to multiples of 4."""
        x = functional.pad(x, (0, -x.shape[-1] % PATCH, 0, -x.shape[-2] % PATCH))
        # the sum that blocks add to has the norms' precision: float32, if only products have less
        return self.norm(self.proj(x).permute(0, 2, 3, 1).to(self.norm.weight.dtype))


class PatchMerging(nn.Module):
    """Halves a map: four neighbours to one vector of twice the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) -> (B, h / 2, w / 2, 2 C), rounded up."""
        x = functional.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        batch, height, width, channels = x.shape
        x = x.view(batch, height // 2, 2, width // 2, 2, channels)
        # the published order: down first, then right
        x = self.norm(x.permute(0, 1, 3, 4, 2, 5).flatten(3))
        return self.reduction(x.to(self.reduction.weight.dtype)).to(x.dtype)


class WindowAttention(nn.Module):
    """Self-attention of the pixels in a window, with a learnt bias by relative position."""

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.num_heads, self.window = heads, window
        self.scale = (channels // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)

    def position_bias(self) -> torch.Tensor:
        """Return (heads, window ** 2, window ** 2)."""
        area = self.window**2
        table = self.relative_position_bias_table
        bias = table[_offsets(self.window, table.device).flatten()]
        return bias.view(area, area, -1).permute(2, 0, 1).contiguous()

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """Attend.

        Parameters
        ----------
        x : (B * windows, window ** 2, C)
        mask : (windows, window ** 2, window ** 2), optional
            Added to the logits.

        Returns
        -------
        The same shape as ``x``.
        """
        count, area, channels = x.shape
        qkv = self.qkv(x).view(count, area, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.position_bias()
        if mask is not None:
            bias = bias + mask[:, None]  # (windows, heads, ., .)
            bias = bias.repeat(count // mask.shape[0], 1, 1, 1)
        mixed = functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], attn_mask=bias.to(x.dtype))
        return self.proj(mixed.transpose(1, 2).reshape(count, area, channels))


def _offsets(window: int, device: torch.device) -> torch.Tensor:
    """Number the offsets between any two pixels of a window: (window ** 2, window ** 2)."""
    steps = torch.arange(window, device=device)
    rows, columns = torch.meshgrid(steps, steps, indexing="ij")
    rows, columns = rows.flatten(), columns.flatten()
    down = rows[:, None] - rows[None, :] + window - 1
    right = columns[:, None] - columns[None, :] + window - 1
    return down * (2 * window - 1) + right


class Mlp(nn.Module):
    """Two layers with GELU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, MLP_RATIO * channels)
        self.fc2 = nn.Linear(MLP_RATIO * channels, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., C) -> the same shape."""
        return self.fc2(functional.gelu(self.fc1(x)))


class SwinBlock(nn.Module):
    """Attention in windows, shifted ones in every second block, and an MLP; each is added."""

    def __init__(self, channels: int, heads: int, window: int, shift: int, drop_path: float) -> None:
        super().__init__()
        self.window, self.shift, self.drop_path = window, shift, drop_path
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, heads, window)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = Mlp(channels)

    def forward(self, x: torch.Tensor, masks: dict[tuple[int, int], torch.Tensor]) -> torch.Tensor:
        """(B, h, w, C) -> the same shape. ``masks`` holds a stage's masks between its blocks."""
        dtype = self.mlp.fc1.weight.dtype
        if torch.is_autocast_enabled(x.device.type):
            dtype = x.dtype
        x = x + self._drop(self._attend(self.norm1(x).to(dtype), masks))
        return x + self._drop(self.mlp(self.norm2(x).to(dtype)))

    def _drop(self, x: torch.Tensor) -> torch.Tensor:
        """Leave a branch out for a random part of the pictures in training (Huang et al. 2016)."""
        if not self.training or self.drop_path == 0.0:
            return x
        kept = 1.0 - self.drop_path
        chosen = x.new_empty(x.shape[0], *[1] * (x.ndim - 1)).bernoulli_(kept)
        return x * chosen.div_(kept)

    def _attend(self, x: torch.Tensor, masks: dict[tuple[int, int], torch.Tensor]) -> torch.Tensor:
        batch, height, width, channels = x.shape
        window, shift = self.window, self.shift
        x = functional.pad(x, (0, 0, 0, -width % window, 0, -height % window))
        rows, columns = x.shape[1] // window, x.shape[2] // window
        mask = None
        if shift:
            x = torch.roll(x, shifts=(-shift, -shift), dims=(1, 2))
            key = (rows, columns)
            if key not in masks:
                masks[key] = _shift_mask(rows, columns, window, shift, x)
            mask = masks[key]
        # (B, rows * window, columns * window, C) -> (B * rows * columns, window ** 2, C)
        x = x.view(batch, rows, window, columns, window, channels).transpose(2, 3)
        x = self.attn(x.reshape(-1, window * window, channels), mask)
        x = x.view(batch, rows, columns, window, window, channels).transpose(2, 3)
        x = x.reshape(batch, rows * window, columns * window, channels)
        if shift:
            x = torch.roll(x, shifts=(shift, shift), dims=(1, 2))
        return x[:, :height, :width]


def shift_masks(window: int, shift: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what is added to the logits in the last row and in the last column of windows.

    -100 between pixels that only the cyclic shift made neighbours, else 0; (window ** 2, window ** 2) each.
    """
    wrapped = torch.arange(window, device=like.device) >= window - shift
    apart = (wrapped[:, None] != wrapped).to(like.dtype) * MASKED  # along one axis
    # a window's pixels are numbered row by row
    return apart.repeat_interleave(window, 0).repeat_interleave(window, 1), apart.repeat(window, window)


def _shift_mask(rows: int, columns: int, window: int, shift: int, like: torch.Tensor) -> torch.Tensor:
    """Return what is added to the logits in all windows: (rows * columns, window ** 2, window ** 2)."""
    along, across = shift_masks(window, shift, like)
    masks = like.new_zeros(rows, columns, *along.shape)
    masks[:, -1] = across
    masks[-1] = torch.minimum(masks[-1], along)
    return masks.flatten(0, 1)


class SwinStage(nn.Module):
    """Blocks of one resolution, after the merging that leads to it."""

    def __init__(
        self, channels: int, heads: int, window: int, drop_paths: Sequence[float], *, merge: bool
    ) -> None:
        super().__init__()
        self.downsample = PatchMerging(channels // 2) if merge else nn.Identity()
        self.blocks = nn.ModuleList(
            SwinBlock(channels, heads, window, (window // 2) * (index % 2), drop_path)
            for index, drop_path in enumerate(drop_paths)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, h, w, C) -> (B, h / 2, w / 2, 2 C), or the same shape in the first stage."""
        x = self.downsample(x)
        masks: dict[tuple[int, int], torch.Tensor] = {}
        for block in self.blocks:
            x = block(x, masks)
        return x


class SwinBackbone(Backbone):
    """The patch embedding and the four stages, each map through a norm of its own.

    Parameters
    ----------
    name
        timm's, such as ``swin_base_patch4_window12_384``.
    embed_dim, depths, num_heads, window_size
        In place of what the name says.
    drop_path_rate
        Of the last block in training; it falls linearly to 0 at the first.

    Raises
    ------
    UsageError
        The name is not of this form.
    """

    def __init__(
        self,
        name: str,
        *,
        embed_dim: int | None = None,
        depths: Sequence[int] | None = None,
        num_heads: Sequence[int] | None = None,
        window_size: int | None = None,
        drop_path_rate: float = 0.1,
    ) -> None:
        super().__init__()
        match = NAME.match(name.split(".")[0])
        if match is None:
            raise UsageError(
                f"backbone {name!r} is no Swin that is known; a name is like swin_base_patch4_window12_384"
            )
        width, blocks, heads = VARIANTS[match[1]]
        width, blocks, heads = embed_dim or width, tuple(depths or blocks), tuple(num_heads or heads)
        window = window_size or int(match[2])
        rates = [drop_path_rate * index / max(sum(blocks) - 1, 1) for index in range(sum(blocks))]
        self.patch_embed = PatchEmbedding(width)
        stages = []
        for index, (count, head_count) in enumerate(zip(blocks, heads, strict=True)):
            start = sum(blocks[:index])
            stages.append(
                SwinStage(width << index, head_count, window, rates[start : start + count], merge=index > 0)
            )
        self.layers = nn.Sequential(*stages)
        widths = [width << index for index in range(len(blocks))]
        for index, channels in enumerate(widths):
            self.add_module(f"norm{index}", nn.LayerNorm(channels))
        self.channels = (width, *widths)
        self.apply(_initialise)

    def forward(self, x: torch.Tensor) -> FeatureMaps:
        """(B, 3, H, W) -> maps of strides 4, 4, 8, 16, 32."""
        dtype = x.dtype
        x = self.patch_embed(x)
        maps = [x]
        for index, stage in enumerate(self.layers):
            x = stage(x)
            maps.append(getattr(self, f"norm{index}")(x))
        return tuple(m.permute(0, 3, 1, 2).to(dtype) for m in maps)


def _initialise(module: nn.Module) -> None:
    """Fill linear layers as the paper's code does."""
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
