"""Colours of film frames: YUV to RGB and back by matrix and range, HDR and wide gamuts to BT.709.

Numbers of colour spaces are those of ITU-T H.273, which FFmpeg uses too.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

    from ...types import ColourArray, FloatArray

UNSPECIFIED = 2
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


class Transfer(enum.IntEnum):
    """Transfer characteristics (H.273 table 3) that are treated apart."""

    BT709 = 1
    PQ = 16
    HLG = 18


class Range(enum.IntEnum):
    """FFmpeg's colour ranges."""

    UNSPECIFIED = 0
    LIMITED = 1
    FULL = 2


# Red, green, blue and white (x, y) of H.273 table 2; where two numbers have one set, both are here.
_D65 = (0.3127, 0.3290)
_PRIMARIES = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),  # BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),  # DCI-P3
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),  # Display P3
}
_BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)

REFERENCE_WHITE = 203.0  # cd/m2 of diffuse white in HDR (ITU-R BT.2408); it becomes SDR's white
HDR_PEAK = 1000.0  # cd/m2 assumed of the brightest part; HLG's nominal peak and most films' mastering
DISPLAY_GAMMA = 2.4  # ITU-R BT.1886


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
        return self.transfer in (Transfer.PQ, Transfer.HLG)

    @property
    def mapped(self) -> bool:
        """Whether its RGB has to be brought to BT.709 to look right beside other pictures."""
        return self.hdr or self.primaries in _PRIMARIES


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
            source.transfer if keep and source.transfer != UNSPECIFIED else Transfer.BT709,
            Range.LIMITED,
        )
    if source.matrix == Matrix.BT709:
        return ColourTags(Matrix.BT709, 1, Transfer.BT709, Range.LIMITED)
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

    def __call__(
        self, frame: VideoFrame, size: tuple[int, int] | None = None
    ) -> tuple[ColourArray, FloatArray | None]:
        """Convert a frame.

        Parameters
        ----------
        size
            (height, width) to scale to on the way; None: its own.

        Returns
        -------
        rgb : (h, w, 3), uint8 or uint16
        alpha : (h, w) float32 in [0, 1], or None if the format has none or all of it is opaque
        """
        tags = tags_of(frame)
        mapped = self.map_colours and tags.mapped
        wide = bits_of(frame) > 8 and (self.deep or mapped)
        planar = frame.format.name.startswith("yuva")
        packed = has_alpha(frame) and not planar
        kind = ("rgba64le" if wide else "rgba") if packed else ("rgb48le" if wide else "rgb24")
        height, width = size or (frame.height, frame.width)
        values = self._scale(frame, kind, height, width, tags)
        alpha = None
        if packed:
            alpha = _own_alpha(values[..., 3], np.iinfo(values.dtype).max)
        elif planar:
            alpha = _alpha_plane(frame, (height, width))
        rgb: Any = np.ascontiguousarray(values[..., :3])
        if wide and not is_rgb(frame.format.name):
            rgb = FROM_SWSCALE[rgb]
        if mapped:
            rgb = to_bt709(rgb, tags, deep=self.deep)
        return rgb, alpha

    def _scale(
        self, frame: VideoFrame, kind: str, height: int, width: int, tags: ColourTags
    ) -> np.ndarray[Any, Any]:
        kernel = Scaling.BILINEAR
        if (height, width) != (frame.height, frame.width):
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


def _own_alpha(alpha: np.ndarray[Any, Any], peak: int) -> FloatArray | None:
    if alpha.min() >= peak:
        return None
    scaled: FloatArray = np.multiply(alpha, np.float32(1 / peak), dtype=np.float32)
    return scaled


def _alpha_plane(frame: VideoFrame, size: tuple[int, int]) -> FloatArray | None:
    """Read the alpha of planar YUV as it is stored: swscale shifts its bits and loses opaque."""
    plane, bits = frame.planes[3], frame.format.components[3].bits
    dtype = np.dtype(np.uint16 if bits > 8 else np.uint8)
    lines = np.frombuffer(memoryview(plane), dtype).reshape(plane.height, plane.line_size // dtype.itemsize)
    alpha = _own_alpha(lines[:, : plane.width], (1 << bits) - 1)
    if alpha is None or alpha.shape == size:
        return alpha
    method = cv2.INTER_AREA if size[0] < alpha.shape[0] else cv2.INTER_LINEAR
    resized: FloatArray = cv2.resize(alpha, size[::-1], interpolation=method)
    return resized


def to_bt709(rgb: np.ndarray[Any, Any], tags: ColourTags, *, deep: bool) -> ColourArray:
    """Bring HDR or wide-gamut RGB to what BT.709 shows, for a display of gamma 2.4 (ITU-R BT.1886).

    The signal is made linear, brought to BT.709's primaries and, for HDR, compressed by the curve of
    ITU-R BT.2390 (section 5.4), from a peak of 1,000 cd/m2 to one of 203, on the largest of R, G, B,
    so that hues stay.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8 or uint16, the signal as it is stored.
    tags
        Its primaries and transfer characteristics.
    deep
        Whether the result is uint16; else uint8.
    """
    linear = _linear_table(tags.transfer, rgb.dtype.str)[rgb]  # (h, w, 3) float32, 1 is SDR's white
    if tags.transfer == Transfer.HLG:
        linear = _hlg_display(linear)
    if tags.primaries in _PRIMARIES or tags.hdr:
        linear = cv2.transform(linear, gamut_matrix(tags.primaries if tags.primaries in _PRIMARIES else 9))
        np.maximum(linear, 0, out=linear)
    if tags.hdr:
        brightest = np.minimum(linear.max(axis=2), np.float32(10000 / REFERENCE_WHITE))
        index = np.sqrt(brightest * np.float32(REFERENCE_WHITE / 10000)) * np.float32(_STEPS)
        linear *= _compression()[index.astype(np.int32)][..., None]
    index = np.sqrt(np.minimum(linear, 1)) * np.float32(_STEPS) + np.float32(0.5)
    result: ColourArray = _signal_table(deep)[index.astype(np.int32)]
    return result


_STEPS = 16383  # entries of the tables by the root of a linear value


@lru_cache(maxsize=8)
def _linear_table(transfer: int, dtype: str) -> FloatArray:
    """Signal to linear light for every stored value; HLG's is scene light in [0, 1]."""
    signal = np.arange(np.iinfo(np.dtype(dtype)).max + 1, dtype=np.float64)
    signal /= signal[-1]
    if transfer == Transfer.PQ:
        linear = pq_to_linear(signal) / REFERENCE_WHITE
    elif transfer == Transfer.HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073  # ITU-R BT.2100 table 5
        linear = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    else:
        linear = signal**DISPLAY_GAMMA
    table: FloatArray = linear.astype(np.float32)
    return table


def pq_to_linear(signal: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """SMPTE ST 2084: signal in [0, 1] to cd/m2."""
    power = np.power(signal, 1 / _M2)
    ratio = np.maximum(power - _C1, 0) / (_C2 - _C3 * power)
    nits: np.ndarray[Any, Any] = 10000 * np.power(ratio, 1 / _M1)
    return nits


def linear_to_pq(nits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """SMPTE ST 2084: cd/m2 to signal in [0, 1]."""
    power = np.power(np.asarray(nits, np.float64) / 10000, _M1)
    signal: np.ndarray[Any, Any] = np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2)
    return signal


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _hlg_display(scene: FloatArray) -> FloatArray:
    """HLG's scene light to display light of a 1,000 cd/m2 display (BT.2100's OOTF, gamma 1.2)."""
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593], np.float32)
    gain = cv2.pow(np.maximum(luminance, 1e-6), 0.2) * np.float32(HDR_PEAK / REFERENCE_WHITE)
    result: FloatArray = scene * gain[..., None]
    return result


@lru_cache(maxsize=1)
def _compression() -> FloatArray:
    """BT.2390's curve as a factor, by the root of the brightest component / 10,000 cd/m2."""
    nits = (np.arange(_STEPS + 1) / _STEPS) ** 2 * 10000
    peak = linear_to_pq(np.array(HDR_PEAK))
    value = np.minimum(linear_to_pq(nits) / peak, 1)
    largest = linear_to_pq(np.array(REFERENCE_WHITE)) / peak
    knee = 1.5 * largest - 0.5
    t = np.clip((value - knee) / (1 - knee), 0, None)
    curve = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee)
    curve += (-2 * t**3 + 3 * t**2) * largest
    target = pq_to_linear(np.where(value < knee, value, curve) * peak)
    factor: FloatArray = (target / np.maximum(nits, 1e-9)).astype(np.float32)
    factor[0] = 1
    return factor


@lru_cache(maxsize=2)
def _signal_table(deep: bool) -> np.ndarray[Any, Any]:
    dtype = np.dtype(np.uint16 if deep else np.uint8)
    linear = (np.arange(_STEPS + 1) / _STEPS) ** 2
    table: np.ndarray[Any, Any] = np.rint(linear ** (1 / DISPLAY_GAMMA) * np.iinfo(dtype).max).astype(dtype)
    return table


@lru_cache(maxsize=4)
def gamut_matrix(primaries: int) -> FloatArray:
    """Linear RGB of some primaries to that of BT.709: (3, 3), from their chromaticities (SMPTE RP 177)."""
    matrix: FloatArray = (np.linalg.inv(_to_xyz(_BT709)) @ _to_xyz(_PRIMARIES[primaries])).astype(np.float32)
    return matrix


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray[Any, Any]:
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T  # (3, 4)
    scale = np.linalg.solve(columns[:, :3], columns[:, 3])
    result: np.ndarray[Any, Any] = columns[:, :3] * scale
    return result
