"""Colours of films: what streams say of them, and HDR and wide gamuts brought to what BT.709 shows.

Numbers of colour spaces are those of ITU-T H.273, which FFmpeg uses too.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ...types import ColourArray, FloatArray

if TYPE_CHECKING:
    from av import VideoFrame

UNSPECIFIED = 2
BT709_TRANSFER = 1
HD_HEIGHT = 720  # from here on what is not tagged is BT.709, below BT.601, as players take it


class Matrix(enum.IntEnum):
    """YUV matrices (H.273 table 4)."""

    RGB = 0
    BT709 = 1
    FCC = 4
    BT470BG = 5
    SMPTE170M = 6
    SMPTE240M = 7
    BT2020 = 9
    BT2020_CONSTANT = 10


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

    @classmethod
    def of(cls, frame: VideoFrame) -> ColourTags:
        """Read a frame's tags."""
        return cls(
            int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), int(frame.color_range)
        )

    def put_on(self, target: Any) -> None:
        """Tag a frame or an encoder."""
        target.colorspace, target.color_range = int(self.matrix), int(self.range)
        target.color_primaries, target.color_trc = self.primaries, self.transfer

    @property
    def hdr(self) -> bool:
        """Whether it is PQ or HLG."""
        return self.transfer in (PQ, HLG)

    @property
    def mapped(self) -> bool:
        """Whether its RGB has to be brought to BT.709 to look right beside other pictures."""
        return self.hdr or self.primaries in PRIMARIES

    def of_result(self, height: int) -> ColourTags:
        """Return the tags of a film made of this one's RGB: its own, or BT.709 where that was mapped.

        What has no tags gets those that players assume by the height, so that none has to guess.
        """
        if self.mapped or height >= HD_HEIGHT or self.matrix == Matrix.BT709:
            keep = not self.mapped and height >= HD_HEIGHT and self.matrix == Matrix.BT709
            return ColourTags(
                Matrix.BT709,
                self.primaries if keep and self.primaries != UNSPECIFIED else 1,
                self.transfer if keep and self.transfer != UNSPECIFIED else BT709_TRANSFER,
                Range.LIMITED,
            )
        if self.matrix == Matrix.BT470BG:
            return ColourTags(Matrix.BT470BG, 5, 6, Range.LIMITED)
        return ColourTags(Matrix.SMPTE170M, 6, 6, Range.LIMITED)


PQ, HLG = 16, 18  # transfer characteristics (H.273 table 3)

# Red, green, blue and white (x, y) of H.273 table 2. DCI-P3 is taken with D65 for its white, as players show
# it: with its own, which is greenish, greys would not stay grey.
_D65 = (0.3127, 0.3290)
PRIMARIES = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),  # BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),  # DCI-P3
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),  # Display P3
}
_BT709 = ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060), _D65)

REFERENCE_WHITE = 203.0  # cd/m2 of diffuse white in HDR (ITU-R BT.2408); it becomes SDR's white
HDR_PEAK = 1000.0  # cd/m2 assumed of the brightest part; HLG's nominal peak and most films' mastering
DISPLAY_GAMMA = 2.4  # ITU-R BT.1886


def to_bt709(rgb: np.ndarray[Any, Any], primaries: int, transfer: int, *, deep: bool) -> ColourArray:
    """Bring HDR or wide-gamut RGB to what BT.709 shows, for a display of gamma 2.4 (ITU-R BT.1886).

    The signal is made linear, brought to BT.709's primaries and, for HDR, compressed by the curve of
    ITU-R BT.2390 (section 5.4), from a peak of 1,000 cd/m2 to one of 203, on the largest of R, G, B,
    so that hues stay.

    Parameters
    ----------
    rgb
        (h, w, 3) uint8 or uint16, the signal as it is stored.
    primaries, transfer
        Its H.273 numbers (tables 2 and 3).
    deep
        Whether the result is uint16; else uint8.
    """
    hdr = transfer in (PQ, HLG)
    linear = _linear_table(transfer, rgb.dtype.str)[rgb]  # (h, w, 3) float32, 1 is SDR's white
    if transfer == HLG:
        linear = _hlg_display(linear)
    if primaries in PRIMARIES or hdr:
        linear = cv2.transform(linear, gamut_matrix(primaries if primaries in PRIMARIES else 9))
        np.maximum(linear, 0, out=linear)
    if hdr:
        brightest = np.minimum(linear.max(axis=2), np.float32(10000 / REFERENCE_WHITE))
        index = np.sqrt(brightest * np.float32(REFERENCE_WHITE / 10000)) * np.float32(_STEPS)
        linear *= _compression()[index.astype(np.int32)][..., None]
    index = np.sqrt(np.minimum(linear, 1)) * np.float32(_STEPS) + np.float32(0.5)
    return _signal_table(deep)[index.astype(np.int32)]


_STEPS = 16383  # entries of the tables by the root of a linear value


@lru_cache(maxsize=8)
def _linear_table(transfer: int, dtype: str) -> FloatArray:
    """Signal to linear light for every stored value; HLG's is scene light in [0, 1]."""
    signal = np.arange(np.iinfo(np.dtype(dtype)).max + 1, dtype=np.float64)
    signal /= signal[-1]
    if transfer == PQ:
        linear = pq_to_linear(signal) / REFERENCE_WHITE
    elif transfer == HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073  # ITU-R BT.2100 table 5
        linear = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    else:
        linear = signal**DISPLAY_GAMMA
    return linear.astype(np.float32)


def pq_to_linear(signal: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """SMPTE ST 2084: signal in [0, 1] to cd/m2."""
    power = np.power(signal, 1 / _M2)
    ratio = np.maximum(power - _C1, 0) / (_C2 - _C3 * power)
    return 10000 * np.power(ratio, 1 / _M1)


def linear_to_pq(nits: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """SMPTE ST 2084: cd/m2 to signal in [0, 1]."""
    power = np.power(np.asarray(nits, np.float64) / 10000, _M1)
    return np.power((_C1 + _C2 * power) / (1 + _C3 * power), _M2)


_M1, _M2 = 2610 / 16384, 2523 / 4096 * 128
_C1, _C2, _C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32


def _hlg_display(scene: FloatArray) -> FloatArray:
    """HLG's scene light to display light of a 1,000 cd/m2 display (BT.2100's OOTF, gamma 1.2)."""
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593], np.float32)
    gain = cv2.pow(np.maximum(luminance, 1e-6), 0.2) * np.float32(HDR_PEAK / REFERENCE_WHITE)
    return scene * gain[..., None]


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
    return np.rint(linear ** (1 / DISPLAY_GAMMA) * np.iinfo(dtype).max).astype(dtype)


@lru_cache(maxsize=4)
def gamut_matrix(primaries: int) -> FloatArray:
    """Linear RGB of some primaries to that of BT.709: (3, 3), from their chromaticities (SMPTE RP 177)."""
    return (np.linalg.inv(_to_xyz(_BT709)) @ _to_xyz(PRIMARIES[primaries])).astype(np.float32)


def _to_xyz(primaries: tuple[tuple[float, float], ...]) -> np.ndarray[Any, Any]:
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in primaries]).T  # (3, 4)
    scale = np.linalg.solve(columns[:, :3], columns[:, 3])
    return columns[:, :3] * scale
