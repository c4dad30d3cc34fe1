"""Networks whose mattes are taught: our own by mode or file, and U-2-Net's ONNX files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from PIL import Image

from transparent_background import Remover
from transparent_background.backends.openvino import import_openvino
from transparent_background.model.input import IMAGENET_MEAN, IMAGENET_STD
from transparent_background.types import ByteArray, FloatArray


class Teacher(Protocol):
    """Predicts mattes."""

    name: str

    def matte(self, rgb: ByteArray) -> FloatArray:
        """Return a matte, float32 (h, w) in [0, 1], of a picture, uint8 (h, w, 3)."""


class Ours:
    """A network of this package at its default settings."""

    def __init__(self, name: str) -> None:
        self.name = Path(name).stem
        options: dict[str, Any] = {"ckpt": name} if Path(name).suffix else {"mode": name}
        self.remover = Remover(device="cpu", **options)

    def matte(self, rgb: ByteArray) -> FloatArray:
        """As :meth:`Teacher.matte`."""
        return self.remover.alpha(Image.fromarray(rgb))


class U2Net:
    """U-2-Net (Qin et al. 2020) from an ONNX file, run by OpenVINO: in bfloat16 where the processor has it.

    Parameters
    ----------
    file
        Takes (1, 3, side, side), a picture divided by its largest value and normalised; its first output is
        the map, which is stretched to [0, 1].
    sides
        Sizes that it is run at, pixels; the mattes' mean is returned.
    """

    def __init__(self, file: Path, sides: Sequence[int]) -> None:
        self.name = f"{file.stem}-{'-'.join(map(str, sides))}"
        core = import_openvino().Core()
        self.networks = {}
        for side in sides:
            model = core.read_model(file)
            model.reshape([1, 3, side, side])
            self.networks[side] = core.compile_model(model, "CPU")

    def matte(self, rgb: ByteArray) -> FloatArray:
        """As :meth:`Teacher.matte`."""
        size = rgb.shape[1], rgb.shape[0]
        total: FloatArray = np.zeros(rgb.shape[:2], np.float32)
        for side, network in self.networks.items():
            pixels = np.asarray(Image.fromarray(rgb).resize((side, side), Image.Resampling.BILINEAR))
            x = (pixels / max(int(pixels.max()), 1) - IMAGENET_MEAN) / IMAGENET_STD
            found = network(x.transpose(2, 0, 1)[None].astype(np.float32))[0][0, 0]
            found = (found - found.min()) / max(float(np.ptp(found)), 1e-6)
            total += cv2.resize(found, size, interpolation=cv2.INTER_LINEAR)
        return total / np.float32(len(self.networks))


def open_teacher(name: str, sides: Sequence[int]) -> Teacher:
    """Open a mode, a file of weights, or an ONNX file of U-2-Net."""
    return U2Net(Path(name), sides) if name.endswith(".onnx") else Ours(name)


def mirrored(matte: Callable[[ByteArray], FloatArray], rgb: ByteArray) -> FloatArray:
    """Return the mean of a picture's matte and of its mirror image's."""
    other = matte(np.ascontiguousarray(rgb[:, ::-1]))[:, ::-1]
    return (matte(rgb) + other) / np.float32(2)
