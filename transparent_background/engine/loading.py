"""From a checkpoint to a network that is ready to predict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from ..checkpoints import Checkpoint
from ..errors import CheckpointError, TransparentBackgroundError
from ..model import (
    PyramidNetwork,
    create_backbone,
    create_network,
    fold_batch_norm,
    load_state_dict,
    read_state_dict,
)


def load_network(record: Checkpoint, path: Path, device: torch.device) -> PyramidNetwork:
    """Build a checkpoint's network, in evaluation mode, folded and in channels_last.

    Raises
    ------
    CheckpointError
        The file is damaged or of another network.
    """
    state, _ = read_state_dict(path)
    try:
        with torch.device("meta"), _Unfilled():  # the file has all tensors
            network = _build(record)
        load_state_dict(network, state, str(path))
    except CheckpointError:
        raise
    except (NotImplementedError, RuntimeError):  # a network of timm's that computes with its tensors
        network = None
    except _UNBUILDABLE as error:
        raise _cannot_be_built(record, path, error) from error
    if network is None or any(t.is_meta for t in (*network.parameters(), *network.buffers())):
        try:
            network = _build(record)
        except (*_UNBUILDABLE, RuntimeError) as error:
            raise _cannot_be_built(record, path, error) from error
        load_state_dict(network, state, str(path))
    network.eval().requires_grad_(False)
    return fold_batch_norm(network).to(device).to(memory_format=torch.channels_last)


_UNBUILDABLE = (TypeError, ValueError, LookupError, AssertionError, AttributeError, ArithmeticError)
"""What timm raises on options that a network has not, or values that it cannot use."""


def _cannot_be_built(record: Checkpoint, path: Path, error: Exception) -> TransparentBackgroundError:
    if isinstance(error, TransparentBackgroundError):  # has words of its own
        return error
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return CheckpointError(f"{path}: its network ({record.backbone}) cannot be built: {reason}")


_RANDOM = (torch.Tensor.uniform_, torch.Tensor.normal_, torch.Tensor.erfinv_)


class _Unfilled(TorchFunctionMode):
    """While it is entered, fresh weights get no random numbers, not even those without memory.

    PyTorch imports its compiler, for a second, to draw a normal distribution on the device "meta".
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Leave tensors that would be filled as they are."""
        return args[0] if func in _RANDOM else func(*args, **(kwargs or {}))


def _build(record: Checkpoint) -> PyramidNetwork:
    backbone = create_backbone(record.backbone, record.backbone_options)
    return create_network(record.head, backbone, record.depth, record.base_size)
