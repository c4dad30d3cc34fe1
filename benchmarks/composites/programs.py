"""What makes mattes: our models, U-2-Net in ONNX Runtime, and a perfect but hard mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks.photo import load
from benchmarks.u2net import Rembg, open_session
from transparent_background.types import ByteArray, FloatArray

Program = Callable[[ByteArray], FloatArray]
"""From a picture, uint8 (h, w, 3), to its matte, float32 (h, w) in [0, 1]."""

HARD = "truth, cut at a half"


def open_program(model: str, threads: int) -> Program:
    """Return what a mode, a file of weights or a U-2-Net (``.onnx``) makes at its default settings."""
    if Path(model).suffix == ".onnx":
        return u2net(Path(model), threads)
    remover = load(model)
    return lambda image: np.asarray(remover.alpha(image), np.float32)


def u2net(file: Path, threads: int) -> Program:
    """Return U-2-Net at 320 x 320 as rembg runs it, but enlarged in floats, bilinearly."""
    rival = Rembg(open_session(file, threads), "putalpha", None)

    def predict(image: ByteArray) -> FloatArray:
        small = rival.small_matte(Image.fromarray(image))
        return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR).clip(0, 1)

    return predict


def titles(models: Sequence[str]) -> list[str]:
    """Return what models are called in tables: their files' stems, or the whole path where two are equal."""
    stems = [Path(model).stem for model in models]
    return [stem if stems.count(stem) == 1 else model for stem, model in zip(stems, models, strict=True)]
