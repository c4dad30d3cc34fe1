"""Which weights to use, and what network a file holds: by its own description, or by its keys."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import CheckpointError
from ..model.state_dict import read_metadata, read_state_dict
from ..types import ByteProgress, Size
from .catalogue import choose_default, fetch, find
from .description import own_description
from .records import Checkpoint

if TYPE_CHECKING:
    import torch


def find_checkpoint(
    mode: str | None, ckpt: Path | None, *, progress: ByteProgress | None = None, offline: bool | None = None
) -> tuple[Checkpoint, Path]:
    """Decide which weights to use, and get them.

    Parameters
    ----------
    mode
        A name of the registry or of the user's config; None for the default.
    ckpt
        A file of the user's own. Its architecture is that of ``mode``; without one, it is what the
        file says of itself (safetensors written by this package) or what its keys show, with the
        base size of ``base``, as in transparent-background 1.3.4.

    Raises
    ------
    UnknownModeError, WeightsError
    """
    if ckpt is None:
        record = choose_default(progress=progress, offline=offline) if mode is None else find(mode)
        path = fetch(record, progress=progress, offline=offline)
        return _with_own_description(record, path), path
    if not ckpt.is_file():
        raise CheckpointError(f"{ckpt}: no such checkpoint file")
    if mode is not None:
        return _with_own_description(find(mode), ckpt), ckpt
    return _describe(ckpt), ckpt


def _with_own_description(record: Checkpoint, path: Path) -> Checkpoint:
    """Take from a file that describes itself what a record leaves open.

    The network is the file's; of the settings, those that the record has no value of its own for.
    """
    if record.bundled or path.suffix != ".safetensors":
        return record
    own = own_description(read_metadata(path), path)
    plain = Checkpoint(name="", file_name="")
    left_open = {name for name in _SETTINGS if getattr(record, name) == getattr(plain, name)}
    taken = {name: value for name, value in own.items() if name in left_open.union(_NETWORK)}
    return dataclasses.replace(record, **taken)


_NETWORK = ("backbone", "backbone_options", "head", "depth")
_SETTINGS = ("base_size", "resize", "short_side", "enlarge", "normalisation")


def _describe(path: Path) -> Checkpoint:
    """Make a record for a file that no mode was given for."""
    state, metadata = read_state_dict(path)
    base = dataclasses.replace(
        find("base"),
        name=path.stem,
        file_name=path.name,
        urls=(),
        drive_id=None,
        size=None,
        md5=None,
        sha256=None,
    )
    own = own_description(metadata, path)
    if own:
        return dataclasses.replace(base, **own)
    backbone, options, size = _recognise(state, path)
    head = state.get("decoder.conv5.conv.weight")
    if head is None or head.ndim != 4:
        raise CheckpointError(f"{path}: not a checkpoint of InSPyReNet (it has no decoder)")
    return dataclasses.replace(
        base,
        backbone=backbone,
        backbone_options=options,
        depth=int(head.shape[1]),
        base_size=size or base.base_size,
    )


def _recognise(state: Mapping[str, torch.Tensor], path: Path) -> tuple[str, dict[str, object], Size | None]:
    """Tell a backbone by its keys: name, options, and base size if there is a usual one."""
    table = state.get("backbone.layers.0.blocks.0.attn.relative_position_bias_table")
    patches = state.get("backbone.patch_embed.proj.weight")
    if table is not None and table.ndim == 2 and patches is not None and patches.ndim == 4:
        width = patches.shape[0]
        window = (int(table.shape[0] ** 0.5) + 1) // 2
        deep = any(re.match(r"backbone\.layers\.2\.blocks\.6\.", name) for name in state)
        kind = {96: "small" if deep else "tiny", 128: "base", 192: "large"}.get(int(width), "base")
        side = 384 if window == 12 else 224
        return f"swin_{kind}_patch4_window{window}_{side}", {}, None
    if "backbone.layer1.0.convs.0.weight" in state:
        return "res2net50d", {}, (384, 384)
    if "backbone.blocks.6.0.conv_pwl.weight" in state:
        return "mobilenetv2_100", {"pad_type": "same"}, (384, 384)
    raise CheckpointError(
        f"{path}: its backbone cannot be told from its keys; name the mode it belongs to (--mode)"
    )
