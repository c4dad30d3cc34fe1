"""A picture with all that a file can say of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageCms

RNG = np.random.default_rng(3)
RGB = cv2.GaussianBlur(RNG.integers(0, 256, (70, 90, 3), dtype=np.uint8), (0, 0), 3)
ALPHA = np.linspace(0, 1, 70 * 90, dtype=np.float32).reshape(70, 90)
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif_block(orientation: int = 6) -> Image.Exif:
    """Return a block that names a camera."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Camera"
    return exif


def write_jpeg(path: Path) -> Path:
    """Write the picture with its profile, resolution and EXIF."""
    Image.fromarray(RGB).save(path, exif=exif_block(), dpi=(300, 300), icc_profile=ICC)
    return path


def one_line(error: BaseException) -> str:
    """Return a message, which has to be one line."""
    assert "\n" not in str(error)
    return str(error)
