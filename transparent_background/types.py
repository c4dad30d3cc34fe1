"""Types that several rooms share; numpy, Pillow and torch are imported for type checkers only."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from PIL import Image

BoolArray: TypeAlias = "NDArray[np.bool_]"
"""bool array, ``True`` where something is."""

ByteArray: TypeAlias = "NDArray[np.uint8]"
"""uint8; a picture is (h, w, 3) RGB, a mask (h, w)."""

FloatArray: TypeAlias = "NDArray[np.float32]"
"""float32; a matte is (h, w) in [0, 1]."""

ColourArray: TypeAlias = "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]"
"""(h, w, 3) RGB: uint8 in 0..255, uint16 in 0..65535 or float32 in [0, 1]."""

ImageInput: TypeAlias = (
    "Image.Image | NDArray[np.generic] | torch.Tensor | str | os.PathLike[str] | bytes | BinaryIO"
)
"""Whatever Remover takes for one picture."""

Size: TypeAlias = tuple[int, int]
"""(height, width), pixels."""

MULTIPLE = 32
"""Of which both sides of a pass are multiples, and their least: the deepest stride of the backbones."""
MAX_AREA = 4 * 1024 * 1024
"""Most pixels of a pass: 1280 x 3276, 2048 x 2048; a pass takes memory by its area."""
MAX_SIDE = 16_384
"""Most pixels of a side of a pass; axial attention takes memory by its square."""

ResizeMethod: TypeAlias = Literal["static", "dynamic", "blend"]
Normalisation: TypeAlias = Literal["minmax", "sigmoid"]
Backend: TypeAlias = Literal["auto", "torch", "plain", "openvino", "onnxruntime"]
Precision: TypeAlias = Literal["auto", "float32", "float16", "bfloat16"]
BackgroundFit: TypeAlias = Literal["cover", "contain", "stretch", "tile"]

ByteProgress: TypeAlias = Callable[[int, "int | None"], None]
"""Called with the bytes done so far and the total, or None if the total is not known."""
