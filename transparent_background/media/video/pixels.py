"""Turning results into frames of a pixel format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...images.picture import convert_depth, to_eight_bit
from .colours import EXACT, TO_SWSCALE, ColourTags, Matrix, Range, Scaling, is_rgb

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

    from ...images.result import Result
    from ...types import FloatArray


class FromRgb:
    """Turns results into frames of a pixel format; alpha is copied, not scaled.

    Parameters
    ----------
    pixels
        FFmpeg's name of the format.
    tags
        Matrix and range of YUV formats.
    """

    def __init__(self, pixels: str, tags: ColourTags) -> None:
        from av.video.format import VideoFormat
        from av.video.reformatter import VideoReformatter

        self.pixels, self.tags = pixels, tags
        self._scaler: VideoReformatter = VideoReformatter()
        form = VideoFormat(pixels)
        self.has_alpha = any(component.is_alpha for component in form.components)
        self.planar_alpha = self.has_alpha and pixels.startswith("yuva")
        self.bits = form.components[0].bits

    def __call__(self, result: Result, size: tuple[int, int]) -> VideoFrame:
        """Convert one result, its last row and column repeated up to a size."""
        from av import VideoFrame

        values, kind = self._values(result)
        rgb = is_rgb(self.pixels)
        if values.dtype == np.uint16 and not rgb:
            values = TO_SWSCALE[values]
        values = _pad(values, size)
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(values), kind)
        if self.pixels == "pal8" or kind == self.pixels:
            return frame
        converted = self._scaler.reformat(
            frame,
            format=self.pixels,
            src_color_range=int(Range.FULL),
            dst_color_range=int(Range.FULL if rgb else self.tags.range),
            dst_colorspace=None if rgb else _swscale_number(self.tags.matrix),
            interpolation=int(EXACT | Scaling.BILINEAR),
        )
        if self.planar_alpha:
            self._set_alpha(converted, result.alpha, size)
        if not rgb:
            converted.colorspace = self.tags.matrix
            converted.color_primaries = self.tags.primaries
            converted.color_trc = self.tags.transfer
            converted.color_range = int(self.tags.range)
        return converted

    def _values(self, result: Result) -> tuple[np.ndarray[Any, Any], str]:
        """Return a result's values and what FFmpeg calls their layout."""
        deep = self.bits > 8
        if result.rgb is None:
            grey = np.asarray(result.grey)
            if is_rgb(self.pixels) or deep:
                # swscale takes grey of 16 bits for limited range; as colours it is unmistakable
                stored = _stored(grey, deep)
                return np.repeat(stored[..., None], 3, axis=2), "rgb48le" if deep else "rgb24"
            return _stored(grey, False), "gray"
        rgb: np.ndarray[Any, Any] = result.rgb
        if rgb.dtype != np.uint8 or (deep and is_rgb(self.pixels)):
            rgb = _stored(rgb, deep)
        wide = rgb.dtype == np.uint16
        needs_alpha = self.has_alpha and not self.planar_alpha
        if needs_alpha or self.pixels == "pal8":
            alpha = (
                np.full(rgb.shape[:2], 65535 if wide else 255, rgb.dtype)
                if result.alpha is None
                else _stored(result.alpha, wide)
            )
            return np.dstack([rgb, alpha]), "rgba64le" if wide else "rgba"
        return rgb, "rgb48le" if wide else "rgb24"

    def _set_alpha(self, frame: VideoFrame, alpha: FloatArray | None, size: tuple[int, int]) -> None:
        """Fill the plane of alpha of planar YUV: exactly, where swscale is off by one."""
        if alpha is None:
            return  # swscale has made it opaque
        height, width = size
        dtype = np.dtype(np.uint16 if self.bits > 8 else np.uint8)
        plane = frame.planes[3]
        stored = np.zeros((height, plane.line_size // dtype.itemsize), dtype)
        scaled = cv2.multiply(_pad(alpha, size), float((1 << self.bits) - 1))
        cv2.add(scaled, 0.0, dst=stored[:, :width], dtype=_DEPTHS[dtype.itemsize])  # rounds
        plane.update(stored.tobytes())


_DEPTHS = {1: cv2.CV_8U, 2: cv2.CV_16U}


def _swscale_number(matrix: int) -> int:
    return int(Matrix.BT470BG) if matrix == Matrix.SMPTE170M else matrix


def _stored(values: np.ndarray[Any, Any], deep: bool) -> np.ndarray[Any, Any]:
    """Round colours or a matte to uint8 or uint16."""
    if deep:
        return convert_depth(values, np.dtype(np.uint16))
    return to_eight_bit(values)


def _pad(values: np.ndarray[Any, Any], size: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Repeat the last row and column up to a size."""
    below, beside = size[0] - values.shape[0], size[1] - values.shape[1]
    if not (below or beside):
        return values
    return np.pad(values, [(0, below), (0, beside)] + [(0, 0)] * (values.ndim - 2), mode="edge")
