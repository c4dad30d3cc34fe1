"""Frames as FFmpeg stores them to RGB arrays, and results to such frames, with swscale."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...images.picture import Picture, convert_depth, to_eight_bit, transparency
from ...images.resizing import resized
from ...images.result import Result
from ...types import FloatArray, Size
from .colours import HD_HEIGHT, ColourTags, Matrix, Range, to_bt709

if TYPE_CHECKING:
    from av import VideoFrame

    Array = np.ndarray[Any, Any]

# By the matrix of a stream. For two of them swscale has no number of their own, but that of the same matrix.
SWSCALE_MATRICES = {int(matrix): int(matrix) for matrix in Matrix if matrix != Matrix.RGB}
SWSCALE_MATRICES |= {Matrix.SMPTE170M: int(Matrix.BT470BG), Matrix.BT2020_CONSTANT: int(Matrix.BT2020)}


def is_rgb(pixels: str) -> bool:
    """Whether a pixel format holds RGB and needs no matrix."""
    return pixels.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2"))


class Scaling(enum.IntFlag):
    """Flags of swscale (libswscale/swscale.h); PyAV before 18 names only the kernels."""

    BILINEAR = 0x2
    BICUBIC = 0x4
    AREA = 0x20
    FULL_CHROMA = 0x2000
    ACCURATE = 0x40000


# without FULL_CHROMA colours are repeated in blocks: three times the error
EXACT = Scaling.ACCURATE | Scaling.FULL_CHROMA

# Between YUV and RGB of 16 bits swscale takes 255 * 256 for white, not 65,535: everything is 0.4 % too
# dark, or too bright on the way back (libswscale 9.5, any version that was tried).
_LEVELS = np.arange(65536, dtype=np.float64)
FROM_SWSCALE = np.minimum(np.rint(_LEVELS * 65535 / 65280), 65535).astype(np.uint16)
TO_SWSCALE = np.rint(_LEVELS * 65280 / 65535).astype(np.uint16)


class ToRgb:
    """Turns frames into RGB arrays; HDR and wide gamuts are brought to BT.709.

    Parameters
    ----------
    deep
        Whether frames of more than 8 bits become uint16; else all become uint8.
    """

    def __init__(self, *, deep: bool = True) -> None:
        from av.video.reformatter import VideoReformatter

        self.deep = deep
        self._scaler = VideoReformatter()

    def __call__(self, frame: VideoFrame, size: Size) -> Picture:
        """Convert a frame, scaled to a size (height, width) on the way."""
        tags = ColourTags.of(frame)
        components = frame.format.components
        wide = components[0].bits > 8 and (self.deep or tags.mapped)
        planar = frame.format.name.startswith("yuva")
        packed = not planar and any(component.is_alpha for component in components)
        kind = ("rgba64le" if wide else "rgba") if packed else ("rgb48le" if wide else "rgb24")
        values = self._scale(frame, kind, size, tags, wide=wide)
        alpha = None
        if packed:
            alpha = transparency(values[..., 3])
        elif planar:
            alpha = _alpha_plane(frame, size)
        rgb: Any = np.ascontiguousarray(values[..., :3])
        if wide and not is_rgb(frame.format.name):
            rgb = FROM_SWSCALE[rgb]
        if tags.mapped:
            rgb = to_bt709(rgb, tags.primaries, tags.transfer, deep=self.deep)
        return Picture(rgb, alpha)

    def _scale(self, frame: VideoFrame, kind: str, size: Size, tags: ColourTags, *, wide: bool) -> Array:
        height, width = size
        shrinks = height * width < frame.height * frame.width
        kernel = Scaling.AREA if shrinks else Scaling.BICUBIC
        if wide:
            kernel = Scaling.BICUBIC  # with the others, 4:2:0 of more than 8 bits loses its green
        elif size == (frame.height, frame.width):
            kernel = Scaling.BILINEAR
        name = frame.format.name
        full = tags.range == Range.FULL or name.startswith("yuvj") or is_rgb(name)
        guess = Matrix.BT709 if frame.height >= HD_HEIGHT else Matrix.BT470BG
        converted = self._scaler.reformat(
            frame,
            width,
            height,
            kind,
            src_colorspace=None if is_rgb(name) else SWSCALE_MATRICES.get(tags.matrix, int(guess)),
            src_color_range=int(Range.FULL if full else Range.LIMITED),
            dst_color_range=int(Range.FULL),
            interpolation=int(EXACT | kernel),
        )
        return converted.to_ndarray()


def _alpha_plane(frame: VideoFrame, size: Size) -> FloatArray | None:
    """Read the alpha of planar YUV as it is stored: swscale shifts its bits and loses opaque."""
    plane, bits = frame.planes[3], frame.format.components[3].bits
    lines = np.frombuffer(memoryview(plane), _depth(bits)).reshape(plane.height, -1)
    alpha = transparency(lines[:, : plane.width], (1 << bits) - 1)
    return None if alpha is None else resized(alpha, size)


def _depth(bits: int) -> np.dtype[Any]:
    return np.dtype(np.uint16 if bits > 8 else np.uint8)


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
        self._scaler = VideoReformatter()
        components = VideoFormat(pixels).components
        self.bits = components[0].bits
        self.planar_alpha = pixels.startswith("yuva")
        self.packed_alpha = not self.planar_alpha and any(component.is_alpha for component in components)

    def __call__(self, result: Result, size: Size) -> VideoFrame:
        """Convert one result, its last row and column repeated up to a size (height, width)."""
        from av import VideoFrame

        values, kind = self._values(result)
        rgb = is_rgb(self.pixels)
        if values.dtype == np.uint16 and not rgb:
            values = TO_SWSCALE[values]
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(_pad(values, size)), kind)
        if self.pixels in ("pal8", kind):
            return frame
        converted = self._scaler.reformat(
            frame,
            format=self.pixels,
            src_color_range=int(Range.FULL),
            dst_color_range=int(Range.FULL if rgb else self.tags.range),
            dst_colorspace=None if rgb else SWSCALE_MATRICES.get(self.tags.matrix),
            interpolation=int(EXACT | Scaling.BILINEAR),
        )
        if self.planar_alpha and result.alpha is not None:  # else swscale has made it opaque
            self._set_alpha(converted, _pad(result.alpha, size))
        if not rgb:
            self.tags.put_on(converted)
        return converted

    def _values(self, result: Result) -> tuple[Array, str]:
        """Return a result's values and what FFmpeg calls their layout."""
        deep = self.bits > 8
        if result.rgb is None:
            grey = np.asarray(result.grey)
            if is_rgb(self.pixels) or deep:
                # swscale takes grey of 16 bits for limited range; as colours it is unmistakable
                return np.repeat(_stored(grey, deep)[..., None], 3, axis=2), "rgb48le" if deep else "rgb24"
            return _stored(grey, False), "gray"
        rgb: Array = result.rgb
        if rgb.dtype != np.uint8 or (deep and is_rgb(self.pixels)):
            rgb = _stored(rgb, deep)
        wide = rgb.dtype == np.uint16
        if not self.packed_alpha and self.pixels != "pal8":
            return rgb, "rgb48le" if wide else "rgb24"
        alpha = np.ones(rgb.shape[:2], np.float32) if result.alpha is None else result.alpha
        return np.dstack([rgb, _stored(alpha, wide)]), "rgba64le" if wide else "rgba"

    def _set_alpha(self, frame: VideoFrame, alpha: FloatArray) -> None:
        """Fill the plane of alpha of planar YUV: exactly, where swscale is off by one."""
        dtype = _depth(self.bits)
        plane = frame.planes[3]
        stored = np.zeros((plane.height, plane.line_size // dtype.itemsize), dtype)
        scaled = cv2.multiply(alpha, float((1 << self.bits) - 1))
        depth = cv2.CV_8U if dtype == np.uint8 else cv2.CV_16U
        cv2.add(scaled, 0.0, dst=stored[:, : plane.width], dtype=depth)  # rounds
        plane.update(stored.tobytes())


def _stored(values: Array, deep: bool) -> Array:
    """Round colours or a matte to uint8 or uint16."""
    return convert_depth(values, np.dtype(np.uint16)) if deep else to_eight_bit(values)


def _pad(values: Array, size: Size) -> Array:
    """Repeat the last row and column up to a size."""
    below, beside = size[0] - values.shape[0], size[1] - values.shape[1]
    if not (below or beside):
        return values
    return cv2.copyMakeBorder(values, 0, below, 0, beside, cv2.BORDER_REPLICATE)
