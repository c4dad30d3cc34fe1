"""From a configuration to networks with their first weights, and from a network to a file of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..checkpoints.recognition import find_checkpoint
from ..engine.devices import choose_device, multiplies_bfloat16
from ..engine.loading import load_network
from ..errors import CheckpointError, ConfigError
from ..media.atomic import replacing
from ..model import (
    Backbone,
    PyramidNetwork,
    create_backbone,
    create_network,
    load_state_dict,
    read_state_dict,
    to_probability,
    to_published_keys,
)
from ..model.backbones.from_timm import TimmBackbone
from ..model.backbones.swin import SwinBackbone
from ..model.layers import resize, size_of
from .config import ModelConfig, OptimiserConfig


def build_network(config: ModelConfig) -> PyramidNetwork:
    """Build the network of a configuration and load what it starts from.

    Raises
    ------
    CheckpointError
        A file of weights is missing, damaged or of another network.
    ConfigError
        A frozen part does not exist, or timm has no pretrained weights of the backbone.
    """
    options = dict(config.backbone_options)
    pretrained = config.backbone_weights == "timm" and config.start is None
    backbone = create_backbone(config.backbone, options)
    if pretrained:
        load_backbone(backbone, _timm_weights(config.backbone, options), "timm")
    elif config.backbone_weights and config.start is None:
        state, _ = read_state_dict(Path(config.backbone_weights).expanduser())
        load_backbone(backbone, state, config.backbone_weights)
    network = create_network(config.head, backbone, config.depth, config.base_size)
    if config.start is not None:
        state, _ = read_state_dict(Path(config.start).expanduser())
        load_state_dict(network, state, config.start)
    for prefix in config.freeze:
        if not any(_below(name, prefix) for name, _ in network.named_parameters()):
            raise ConfigError(f"model.freeze: the network has no part {prefix!r}")
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not any(_below(name, prefix) for prefix in config.freeze))
    return network.to(memory_format=torch.channels_last)


def build_teacher(name: str, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """Load another network, of any size, whose mattes are taught: a mode, or a file of weights.

    Returns
    -------
    Predicts for a normalised batch (B, 3, h, w): float32 (B, 1, h, w) in [0, 1].
    """
    file = Path(name).expanduser()
    record, path = find_checkpoint(None, file) if file.suffix else find_checkpoint(name, None)
    network = load_network(record, path, device)

    @torch.no_grad()
    def mattes(x: torch.Tensor) -> torch.Tensor:
        logits = network(resize(x, record.base_size)).d0
        return resize(to_probability(logits, stretch=record.normalisation == "minmax"), size_of(x))

    return mattes


def set_training(network: nn.Module, freeze: list[str]) -> None:
    """Put a network in training mode; the BatchNorm of frozen parts keeps its statistics."""
    network.train()
    for name, module in network.named_modules():
        if any(_below(name, prefix) for prefix in freeze):
            module.eval()


def _below(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")


def _timm_weights(name: str, options: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """Download timm's pretrained weights of a backbone."""
    import timm

    try:
        network = timm.create_model(name, pretrained=True, **options)
    except Exception as error:  # timm and the model hub raise many kinds
        raise ConfigError(
            f"model.backbone_weights: timm cannot get pretrained weights of {name} "
            f"({' '.join(str(error).split())[:200]}); give a file, or null to start at random"
        ) from error
    return dict(network.state_dict())


def load_backbone(backbone: Backbone, state: Mapping[str, torch.Tensor], source: str) -> None:
    """Load a classifier's weights, by timm's names, into a backbone; what only it has is left out.

    Raises
    ------
    CheckpointError
        A weight of the backbone is missing or of another shape. The LayerNorms after Swin's stages are
        not part of a classifier and start as they are.
    """
    own = backbone.state_dict()
    prefix = "features." if isinstance(backbone, TimmBackbone) else ""
    renamed = {prefix + name: tensor for name, tensor in state.items()}
    fitting = {
        name: tensor for name, tensor in renamed.items() if name in own and own[name].shape == tensor.shape
    }
    missing = own.keys() - fitting.keys()
    if isinstance(backbone, SwinBackbone):
        missing = {name for name in missing if not name.startswith("norm")}
    if missing:
        raise CheckpointError(
            f"{source}: lacks {len(missing)} weights of the backbone, such as {min(missing)}, "
            "or has them in another shape"
        )
    backbone.load_state_dict(fitting, strict=False)


def choose_precision(wanted: str) -> str:
    """Return what accelerate calls a precision; ``auto`` is decided by the device that is trained on."""
    if wanted != "auto":
        return wanted
    return "bf16" if multiplies_bfloat16(choose_device()) else "no"


def build_optimiser(
    network: PyramidNetwork, config: OptimiserConfig, device: torch.device
) -> tuple[torch.optim.Optimizer, AveragedModel | None]:
    """Return what changes a network's weights, and their moving average if one is wanted."""
    kind = torch.optim.AdamW if config.name == "adamw" else torch.optim.Adam
    # fp16: a fused step leaves overflowing gradients out itself, and nobody is told that it did
    fused = config.precision != "fp16"
    optimiser = kind(parameter_groups(network, config), lr=config.lr, fused=fused)
    if config.ema is None:
        return optimiser, None
    decay = get_ema_multi_avg_fn(config.ema)  # type: ignore[no-untyped-call]
    return optimiser, AveragedModel(network, device=device, multi_avg_fn=decay, use_buffers=True)


def parameter_groups(network: PyramidNetwork, config: OptimiserConfig) -> list[dict[str, Any]]:
    """Split trained weights by learning rate and weight decay.

    Biases, norms and single numbers are not decayed. Every group has its peak rate as ``peak``.
    """
    trained = [(name, entry) for name, entry in network.named_parameters() if entry.requires_grad]
    groups: list[dict[str, Any]] = []
    for backbone in (True, False):
        rate = config.lr * (config.backbone_lr_factor if backbone else config.head_lr_factor)
        for decayed in (True, False):
            members = [
                parameter
                for name, parameter in trained
                if name.startswith("backbone.") == backbone and (parameter.ndim > 1) == decayed
            ]
            if members:
                decay = config.weight_decay if decayed else 0.0
                groups.append({"params": members, "lr": rate, "peak": rate, "weight_decay": decay})
    return groups


def save_weights(network: PyramidNetwork, config: ModelConfig, path: Path, **facts: str) -> None:
    """Write a network as half-precision safetensors that say of themselves what network they are.

    Parameters
    ----------
    network
        Weights are written under the names of the published checkpoints.
    config
        Becomes the file's description, so that ``Remover(ckpt=path)`` needs nothing else.
    path
        Replaced as a whole or not at all.
    **facts
        More strings for the file's header.

    Raises
    ------
    OutputError
        The file cannot be written.
    """
    from safetensors.torch import save

    description = config.model_dump_json(exclude={"backbone_weights", "start", "freeze"})
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()
        for name, tensor in to_published_keys(network).items()
    }
    content = save(tensors, metadata={"inspyrenet": description, **facts})
    with replacing(path) as file:
        file.write(content)
