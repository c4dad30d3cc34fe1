"""Reading weights from files and fitting them into a network."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from ..errors import CheckpointError
from .backbones.from_timm import TimmBackbone
from .backbones.swin import SwinBackbone
from .inspyrenet import PyramidNetwork

StateDict = dict[str, torch.Tensor]

_WRAPPERS = ("module.", "_orig_mod.")  # DistributedDataParallel, torch.compile
_DERIVED = ("relative_position_index", "attn_mask")  # lookup tables that follow from the sizes


def read_state_dict(path: Path) -> tuple[StateDict, dict[str, str]]:
    """Read a ``.pth`` or ``.safetensors`` file.

    Parameters
    ----------
    path
        The file; its kind is told by its first bytes, not by its name.

    Returns
    -------
    state : tensors by name, on the CPU, prefixes of wrappers removed
    metadata : the strings stored in a safetensors header; empty for ``.pth``

    Raises
    ------
    CheckpointError
        The file is missing, damaged, or holds no tensors by name.
    """
    state: Any
    with _explained(
        path, "weights (expected a PyTorch .pth state dict or a .safetensors file; it may be damaged)"
    ):
        with path.open("rb") as file:
            head = file.read(16)
        if head[8:9] != b"{":
            # where its format allows that, mapped into memory rather than copied: not before PyTorch 1.6
            mapped = zipfile.is_zipfile(path)
            state, metadata = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped), {}
        else:
            with safe_open(path, framework="pt") as opened:
                state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
                metadata = dict(opened.metadata() or {})
    return _unwrap(state, path), metadata


def read_metadata(path: Path) -> dict[str, str]:
    """Return the strings in the header of a safetensors file.

    Raises
    ------
    CheckpointError
        The file is damaged.
    """
    with _explained(path, "safetensors"), safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


@contextmanager
def _explained(path: Path, kind: str) -> Iterator[None]:
    """Say in one line why a file cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: no such checkpoint file") from error
    except pickle.UnpicklingError as error:  # PyTorch advises to load what may run any code
        raise CheckpointError(
            f"{path}: is no file of weights, is damaged, or holds other Python objects, which are not "
            "loaded; give a state dict that PyTorch saved, or .safetensors"
        ) from error
    except Exception as error:  # damaged pickles raise whatever the bytes lead to
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise CheckpointError(f"{path}: cannot be read as {kind}: {reason}") from error


def _unwrap(state: object, path: Path) -> StateDict:
    """Find the tensors in what a training run may have saved, and strip wrappers' prefixes."""
    for key in ("state_dict", "model"):
        if isinstance(state, Mapping) and isinstance(state.get(key), Mapping):
            state = state[key]
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError(f"{path}: holds no weights (expected a state dict: tensors by name)")
    tensors: StateDict = {}
    for name, value in state.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise CheckpointError(f"{path}: entry {name!r} is no tensor (expected a state dict)")
        while name.startswith(_WRAPPERS):
            name = name[name.index(".") + 1 :]
        tensors[name] = value
    return tensors


def load_state_dict(model: PyramidNetwork, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Put weights with the published keys into a network.

    Parameters
    ----------
    model
        Changed in place. It takes the tensors themselves if they have its precision, else copies of it.
    state
        Tensors by published name.
    source
        What to call the weights in an error.

    Raises
    ------
    CheckpointError
        Any key is missing, unknown or of another shape.
    """
    mapped = from_published_keys(model, state)
    own = model.state_dict()
    wrong = {
        "weights missing": own.keys() - mapped.keys(),
        "unknown": mapped.keys() - own.keys(),
        "of another shape": {n for n in own.keys() & mapped.keys() if own[n].shape != mapped[n].shape},
    }
    if any(wrong.values()):
        parts = [f"{len(names)} {what}, such as {min(names)}" for what, names in wrong.items() if names]
        raise CheckpointError(
            f"{source}: not a checkpoint of this network ({'; '.join(parts)}); expected InSPyReNet with "
            f"{type(model.backbone).__name__}, depth {model.depth}"
        )
    converted = {name: tensor.to(own[name].dtype) for name, tensor in mapped.items()}
    model.load_state_dict(converted, strict=True, assign=True)


def from_published_keys(model: PyramidNetwork, state: Mapping[str, torch.Tensor]) -> StateDict:
    """Rename the published checkpoints' keys to those of our modules; lookup tables are dropped."""
    kept = {name: tensor for name, tensor in state.items() if not name.endswith(_DERIVED)}
    if isinstance(model.backbone, SwinBackbone):
        return _shift_merging(kept, 1)
    if isinstance(model.backbone, TimmBackbone):
        return {re.sub(r"^backbone\.", "backbone.features.", name): tensor for name, tensor in kept.items()}
    return kept


def to_published_keys(model: PyramidNetwork) -> StateDict:
    """Return a network's weights under the names of the published checkpoints."""
    state = model.state_dict()
    if isinstance(model.backbone, SwinBackbone):
        return _shift_merging(state, -1)
    if isinstance(model.backbone, TimmBackbone):
        return {name.replace("backbone.features.", "backbone.", 1): t for name, t in state.items()}
    return state


def _shift_merging(state: Mapping[str, torch.Tensor], by: int) -> StateDict:
    """Rename what merges patches: in timm a stage begins with it, in the published code one ends with it."""
    pattern = re.compile(r"^(backbone\.layers\.)(\d)(\.downsample\.)")
    return {
        pattern.sub(lambda found: f"{found[1]}{int(found[2]) + by}{found[3]}", name): tensor
        for name, tensor in state.items()
    }
