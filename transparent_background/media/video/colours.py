"""Colours of film frames: YUV to RGB by matrix and range, and what streams say of them.

Numbers of colour spaces are those of ITU-T H.273, which FFmpeg uses too.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...images.picture import Picture, transparency
from .tone import HLG, PQ, PRIMARIES, to_bt709

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

    from ...types import FloatArray, Size

UNSPECIFIED = 2
BT709_TRANSFER = 1
HD_HEIGHT = 720  # from here on what is not tagged is BT.709, below BT.601, as players take it


class Matrix(enum.IntEnum):
    """YUV matrices (H.273 table 4) that swscale knows."""

    RGB = 0
    BT709 = 1
    FCC = 4
    BT470BG = 5
    SMPTE170M = 6
    SMPTE240M = 7
    BT2020 = 9


class Range(enum.IntEnum):
    """FFmpeg's colour ranges."""

    UNSPECIFIED = 0
    LIMITED = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What a stream says of its colours, by H.273's numbers."""

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    range: int = Range.UNSPECIFIED

    @property
    def hdr(self) -> bool:
        """Whether it is PQ or HLG."""
        return self.transfer in (PQ, HLG)

    @property
    def mapped(self) -> bool:
        """Whether its RGB has to be brought to BT.709 to look right beside other pictures."""
        return self.hdr or self.primaries in PRIMARIES


def tags_of(frame: VideoFrame) -> ColourTags:
    """Read a frame's tags."""
    return ColourTags(
        int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), int(frame.color_range)
    )


def source_matrix(tags: ColourTags, height: int) -> int:
    """Return swscale's number of the YUV matrix, guessed by the height if there is no tag."""
    if tags.matrix in (Matrix.BT709, Matrix.FCC, Matrix.BT470BG, Matrix.SMPTE240M, Matrix.BT2020):
        return tags.matrix
    if tags.matrix == Matrix.SMPTE170M:
        return int(Matrix.BT470BG)  # swscale has one number for the two, whose matrix is the same
    if tags.matrix == 10:  # BT.2020 with constant luminance
        return int(Matrix.BT2020)
    return int(Matrix.BT709 if height >= HD_HEIGHT else Matrix.BT470BG)


def result_tags(source: ColourTags, height: int) -> ColourTags:
    """Return the tags of a film made of a source's RGB: its own, or BT.709 where that was mapped.

    What has no tags gets those that players assume by the height, so that none has to guess.
    """
    if source.mapped or height >= HD_HEIGHT:
        keep = not source.mapped and source.matrix == Matrix.BT709
        return ColourTags(
            Matrix.BT709,
            source.primaries if keep and source.primaries != UNSPECIFIED else 1,
            source.transfer if keep and source.transfer != UNSPECIFIED else BT709_TRANSFER,
            Range.LIMITED,
        )
    if source.matrix == Matrix.BT709:
        return ColourTags(Matrix.BT709, 1, BT709_TRANSFER, Range.LIMITED)
    pal = source.matrix == Matrix.BT470BG
    matrix = Matrix.BT470BG if pal else Matrix.SMPTE170M
    primaries = 5 if pal else 6
    return ColourTags(matrix, primaries, 6, Range.LIMITED)


def is_rgb(pixels: str) -> bool:
    """Whether a pixel format holds RGB and needs no matrix."""
    return pixels.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "pal8", "x2"))


def is_full(pixels: str, tags: ColourTags) -> bool:
    """Whether values use their whole range."""
    return tags.range == Range.FULL or pixels.startswith("yuvj") or is_rgb(pixels)


def bits_of(frame: VideoFrame) -> int:
    """Return the bits of a frame's first component."""
    return int(frame.format.components[0].bits)


def has_alpha(frame: VideoFrame) -> bool:
    """Whether a frame's format holds transparency."""
    return any(component.is_alpha for component in frame.format.components)


class Scaling(enum.IntFlag):
    """Flags of swscale (libswscale/swscale.h); PyAV before 18 names only the kernels."""

    BILINEAR = 0x2
    BICUBIC = 0x4
    AREA = 0x20
    FULL_CHROMA = 0x2000
    ACCURATE = 0x40000


# without FULL_CHROMA colours are repeated in blocks: three times the error
EXACT = Scaling.ACCURATE | Scaling.FULL_CHROMA


class ToRgb:
    """Turns frames into RGB arrays.

    Parameters
    ----------
    deep
        Whether frames of more than 8 bits become uint16; else all become uint8.
    map_colours
        Whether HDR and wide gamuts are brought to BT.709.
    """

    def __init__(self, *, deep: bool = True, map_colours: bool = True) -> None:
        from av.video.reformatter import VideoReformatter

        self.deep, self.map_colours = deep, map_colours
        self._scaler: VideoReformatter = VideoReformatter()

    def __call__(self, frame: VideoFrame, size: Size) -> Picture:
        """Convert a frame, scaled to a size (height, width) on the way."""
        tags = tags_of(frame)
        mapped = self.map_colours and tags.mapped
        wide = bits_of(frame) > 8 and (self.deep or mapped)
        planar = frame.format.name.startswith("yuva")
        packed = has_alpha(frame) and not planar
        kind = ("rgba64le" if wide else "rgba") if packed else ("rgb48le" if wide else "rgb24")
        values = self._scale(frame, kind, size, tags)
        alpha = None
        if packed:
            alpha = transparency(values[..., 3])
        elif planar:
            alpha = _alpha_plane(frame, size)
        rgb: Any = np.ascontiguousarray(values[..., :3])
        if wide and not is_rgb(frame.format.name):
            rgb = FROM_SWSCALE[rgb]
        if mapped:
            rgb = to_bt709(rgb, tags.primaries, tags.transfer, deep=self.deep)
        return Picture(rgb, alpha)

    def _scale(self, frame: VideoFrame, kind: str, size: Size, tags: ColourTags) -> np.ndarray[Any, Any]:
        height, width = size
        kernel = Scaling.BILINEAR
        if kind.endswith(("64le", "48le")):
            kernel = Scaling.BICUBIC  # with the others, 4:2:0 of more than 8 bits loses its green
        elif size != (frame.height, frame.width):
            shrinks = height * width < frame.height * frame.width
            kernel = Scaling.AREA if shrinks else Scaling.BICUBIC
        own = is_rgb(frame.format.name)
        full = is_full(frame.format.name, tags)
        converted = self._scaler.reformat(
            frame,
            width,
            height,
            kind,
            src_colorspace=None if own else source_matrix(tags, frame.height),
            src_color_range=int(Range.FULL if full else Range.LIMITED),
            dst_color_range=int(Range.FULL),
            interpolation=int(EXACT | kernel),
        )
        array: np.ndarray[Any, Any] = converted.to_ndarray()
        return array


# Between YUV and RGB of 16 bits swscale takes 255 * 256 for white, not 65,535: everything is 0.4 % too
# dark, or too bright on the way back (libswscale 9.5, any version that was tried).
_LEVELS = np.arange(65536, dtype=np.float64)
FROM_SWSCALE = np.minimum(np.rint(_LEVELS * 65535 / 65280), 65535).astype(np.uint16)
TO_SWSCALE = np.rint(_LEVELS * 65280 / 65535).astype(np.uint16)


def _alpha_plane(frame: VideoFrame, size: Size) -> FloatArray | None:
    """Read the alpha of planar YUV as it is stored: swscale shifts its bits and loses opaque."""
    plane, bits = frame.planes[3], frame.format.components[3].bits
    dtype = np.dtype(np.uint16 if bits > 8 else np.uint8)
    lines = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
    alpha = transparency(lines[:, : plane.width], (1 << bits) - 1)
    if alpha is None or alpha.shape == size:
        return alpha
    method = cv2.INTER_AREA if size[0] < alpha.shape[0] else cv2.INTER_LINEAR
    resized: FloatArray = cv2.resize(alpha, size[::-1], interpolation=method)
    return resized
