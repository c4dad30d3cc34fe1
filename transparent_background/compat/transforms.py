"""How 1.3.4 brought pictures into the network's form, step by step, with its names and numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from ..errors import needing
from ..images.picture import Array
from ..model.input import IMAGENET_MEAN, IMAGENET_STD
from ..types import MULTIPLE, Size


def dynamic_shape(first: float, second: float, longest: int) -> tuple[int, int]:
    """Return sides of at most ``longest`` for the shorter one, both rounded to multiples of 32."""
    scale = min(longest / min(first, second), 1)
    return _multiple(first * scale), _multiple(second * scale)


def _multiple(side: float) -> int:
    return max(round(side / MULTIPLE), 1) * MULTIPLE


class dynamic_resize:
    """Resize a PIL picture so that its short side is at most ``L``."""

    def __init__(self, L: int = 1280) -> None:  # noqa: N803
        self.L = L

    def __call__(self, img: Image.Image) -> Image.Image:
        return img.resize(dynamic_shape(*img.size, self.L), Image.Resampling.BILINEAR)


class static_resize:
    """Resize a PIL picture to ``size``."""

    def __init__(self, size: Sequence[int] = (1024, 1024)) -> None:
        self.size = size

    def __call__(self, img: Image.Image) -> Image.Image:
        width, height = self.size
        return img.resize((width, height), Image.Resampling.BILINEAR)


class tonumpy:
    """Turn a PIL picture into a float32 array (h, w, c) of 0..255."""

    def __call__(self, img: Image.Image) -> Array:
        return np.array(img, dtype=np.float32)


class normalize:
    """Divide a float array by ``div``, then subtract ``mean`` and divide by ``std``, in place."""

    def __init__(self, mean: Any = None, std: Any = None, div: float = 255) -> None:
        self.mean = 0.0 if mean is None else mean
        self.std = 1.0 if std is None else std
        self.div = div

    def __call__(self, img: Array) -> Array:
        img /= self.div
        img -= self.mean
        img /= self.std
        return img


class totensor:
    """Turn an array (h, w, c) into a float tensor (c, h, w)."""

    def __call__(self, img: Array) -> torch.Tensor:
        return torch.from_numpy(img.transpose((2, 0, 1))).float()


def transform_of(size: Size | None) -> Any:
    """Return ``remover.transform``: takes an RGB PIL picture, gives a float tensor (3, h, w).

    Parameters
    ----------
    size
        (height, width) of the pass; None: in the picture's shape.
    """
    from torchvision.transforms import Compose

    resize = dynamic_resize() if size is None else static_resize(size)
    return Compose([resize, tonumpy(), normalize(IMAGENET_MEAN, IMAGENET_STD), totensor()])


class ArrayTransform:
    """``remover.cv2_transform``: takes ``image=`` (h, w, 3) uint8 RGB, gives ``{"image": tensor (3, h, w)}``.

    As in 1.3.4, arrays are resized without smoothing before; ``Remover.process`` smooths them.
    """

    def __init__(self, size: Size | None) -> None:
        self.size = size

    def __call__(self, *, image: Array) -> dict[str, torch.Tensor]:
        height, width = self.size or dynamic_shape(image.shape[0], image.shape[1], 1280)
        values = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32)
        values -= np.float32(255) * np.array(IMAGENET_MEAN, np.float32)
        values /= np.float32(255) * np.array(IMAGENET_STD, np.float32)
        return {"image": torch.from_numpy(values.transpose(2, 0, 1).copy())}


def __getattr__(name: str) -> Any:
    """Make ``dynamic_resize_a`` when it is asked for: it is a transform of albumentations."""
    if name != "dynamic_resize_a":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with needing("train", "dynamic_resize_a needs albumentations"):
        from albumentations.core.transforms_interface import ImageOnlyTransform

    class dynamic_resize_a(ImageOnlyTransform):  # type: ignore[misc,unused-ignore]
        """As ``dynamic_resize``, for arrays in a pipeline of albumentations."""

        def __init__(self, L: int = 1280, always_apply: bool = False, p: float = 1.0) -> None:  # noqa: N803
            super().__init__(p=1.0 if always_apply else p)
            self.L = L

        def apply(self, img: Array, **params: Any) -> Array:
            height, width = dynamic_shape(img.shape[0], img.shape[1], self.L)
            return cv2.resize(img, (width, height), interpolation=cv2.INTER_LINEAR)

    globals()[name] = dynamic_resize_a
    return dynamic_resize_a
