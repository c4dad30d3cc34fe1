"""What is converted: one pass, or two blended ones, as a module of tensors in and one tensor out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from .._version import __version__
from ..checkpoints import Checkpoint
from ..errors import UsageError
from ..images.drawn import draw_picture
from ..model import PyramidNetwork, to_probability
from ..model.input import IMAGENET_MEAN, IMAGENET_STD, resize_rgb
from ..types import MULTIPLE, ByteArray, Normalisation, Size

INPUTS = ("image", "image_low_resolution")


class Graph(nn.Module):
    """A network with its input sizes, ready for an exporter.

    It takes one tensor, or with two sizes two of the same pictures, and returns one.

    Parameters
    ----------
    network
        In evaluation mode, float32 on the CPU; it is shared.
    *sizes
        (height, width) of the inputs, multiples of 32: one or two, of which the second is the network's base
        size.
    finish
        None: as :meth:`PyramidNetwork.forward`, normalised pictures (B, 3, *size) to logits d0
        (B, 1, *size). Else pictures in [0, 1] to mattes in [0, 1], normalised in this way.

    Raises
    ------
    UsageError
        A size is no multiple of 32.
    """

    def __init__(self, network: PyramidNetwork, *sizes: Size, finish: Normalisation | None = None) -> None:
        super().__init__()
        wrong = [side for size in sizes for side in size if side < MULTIPLE or side % MULTIPLE]
        if wrong:
            raise UsageError(
                f"the network cannot be converted for a side of {wrong[0]} pixels: "
                f"sides must be multiples of {MULTIPLE}"
            )
        self.network = network
        self.sizes, self.finish = sizes, finish
        self.input_names = INPUTS[: len(sizes)]
        self.output_name = "logits" if finish is None else "alpha"
        self._matrices: dict[tuple[str, int, int], torch.Tensor] = {}
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.eval()
        with torch.inference_mode(False), torch.no_grad():
            self(*self.examples(1))  # computes the matrices, which exporters then see as constants

    mean: torch.Tensor
    std: torch.Tensor

    def forward(self, image: torch.Tensor, image_low_resolution: torch.Tensor | None = None) -> torch.Tensor:
        """(B, 3, *size) and maybe (B, 3, *low_resolution) -> (B, 1, *size)."""
        if self.finish is not None:
            image = self._normalised(image)
            if image_low_resolution is not None:
                image_low_resolution = self._normalised(image_low_resolution)
        with _PlainResizing(self._matrices):
            logits: torch.Tensor = self.network(image, image_low_resolution)[3]
        return logits if self.finish is None else to_probability(logits, stretch=self.finish == "minmax")

    def examples(self, batch: int) -> tuple[torch.Tensor, ...]:
        """Return drawn pictures, always the same ones, as :meth:`forward` takes them."""
        return self.take([draw_picture(self.sizes[0], number)[0] for number in range(batch)])

    def take(self, pictures: Sequence[ByteArray]) -> tuple[torch.Tensor, ...]:
        """Turn pictures, uint8 (h, w, 3), into what :meth:`forward` takes."""
        return self.from_bytes(
            *(torch.stack([resize_rgb(picture, size) for picture in pictures]) for size in self.sizes)
        )

    def from_bytes(self, *images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Turn uint8 pictures, (batch, 3, *size) for each of the sizes, into what :meth:`forward` takes."""
        shares = (image.to(torch.float32).contiguous() / 255 for image in images)
        return tuple(self._normalised(x) if self.finish is None else x for x in shares)

    def _normalised(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.std

    def reference(self, inputs: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return the mattes that PyTorch makes of what :meth:`forward` takes, one by one: (B, 1, *size)."""
        normalised = inputs if self.finish is None else [self._normalised(x) for x in inputs]
        each = [
            self.network(*single)[3] for single in zip(*(torch.split(x, 1) for x in normalised), strict=True)
        ]
        return to_probability(torch.cat(each), stretch=self.finish == "minmax")

    def to_matte(self, output: torch.Tensor) -> torch.Tensor:
        """Turn what :meth:`forward` returns into mattes."""
        return to_probability(output, stretch=False) if self.finish is None else output


class _PlainResizing(TorchFunctionMode):
    """Antialiased and uneven resizing as products with constant matrices.

    ONNX has antialiasing, but OpenVINO, for one, reads such a file and leaves it out, without a word;
    of adaptive pooling exporters make thousands of slices or nothing at all. Sizes are constants here,
    and every runtime multiplies matrices.
    """

    def __init__(self, matrices: dict[tuple[str, int, int], torch.Tensor]) -> None:
        super().__init__()
        self._matrices = matrices

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is functional.interpolate and kwargs.get("antialias"):
            return self._resize("antialias", args[0], kwargs["size"])
        if function is functional.adaptive_avg_pool2d:
            return self._pool(*args)
        return function(*args, **kwargs)

    def _pool(self, x: torch.Tensor, size: Size) -> torch.Tensor:
        height, width = int(x.shape[-2]), int(x.shape[-1])
        rows, columns = int(size[0]), int(size[1])
        if height % rows or width % columns:
            return self._resize("pool", x, size)
        kernel = (height // rows, width // columns)
        return x if kernel == (1, 1) else functional.avg_pool2d(x, kernel)

    def _resize(self, kind: str, x: torch.Tensor, size: Size) -> torch.Tensor:
        """(B, C, h, w) -> (B, C, *size): both are separable."""
        left = self._matrix(kind, int(x.shape[-2]), int(size[0]))
        right = self._matrix(kind, int(x.shape[-1]), int(size[1])).T
        # the shorter product first
        if left.shape[0] * x.shape[-1] < left.shape[1] * right.shape[1]:
            return (left @ x) @ right
        return left @ (x @ right)

    def _matrix(self, kind: str, length: int, wanted: int) -> torch.Tensor:
        """Return the (wanted, length) matrix that resizes one axis: what becomes of unit vectors."""
        key = (kind, length, wanted)
        if key not in self._matrices:
            unit = torch.eye(length)[None, None]
            if kind == "pool":
                resized = functional.adaptive_avg_pool2d(unit, (wanted, length))
            else:
                resized = functional.interpolate(unit, (wanted, length), mode="bilinear", antialias=True)
            self._matrices[key] = resized[0, 0].contiguous()
        return self._matrices[key]


def describe(graph: Graph, checkpoint: Checkpoint) -> dict[str, str]:
    """Return what stands in a written file about the network, its inputs and its output."""
    raw = graph.finish is None
    sizes = ["x".join(map(str, size)) for size in (checkpoint.base_size, *graph.sizes)]
    description = {
        "name": checkpoint.name,
        "network": graph.network.title,
        "backbone": checkpoint.backbone,
        "base_size": sizes[0],
        "resize": "blend" if len(graph.sizes) == 2 else "one pass",
        "size": sizes[1],
        "input": "float32 RGB, (value / 255 - mean) / std" if raw else "float32 RGB in [0, 1]",
        "output": "logits of the matte" if raw else f"matte in [0, 1], {graph.finish}",
        "mean": json.dumps(IMAGENET_MEAN),
        "std": json.dumps(IMAGENET_STD),
        "licence": f"weights: {checkpoint.licence}, {checkpoint.origin or 'origin not stated'}",
        "trained_on": checkpoint.trained_on,
        "written_by": f"transparent-background {__version__}",
    }
    return description | dict(zip(("low_resolution_size",), sizes[2:], strict=False))
