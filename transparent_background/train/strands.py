"""Hair and fur for cut-outs: strands drawn from an object's outline, with their exact alpha."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import ByteArray, FloatArray

Values = NDArray[np.float64]

REACH = 0.2
"""Longest a strand gets, of the longer side of the box of the part that it grows on."""
SHORTEST_OUTLINE = 24  # points; specks have no hair
STEPS = 8  # straight pieces of a strand
FINER = 2  # strands are drawn so much larger and averaged, for widths below a pixel
SHIFT = 4  # binary places of the coordinates that OpenCV takes
SHADES = 12  # opacities that are told apart while drawing
EDGE = 2  # pixels: an outline so near to the array's border is where the object is cut off


@dataclass(frozen=True)
class Style:
    """What the strands of one object have in common; lengths are parts of the longer side of its box."""

    length: float
    spacing: float
    """Between roots along the outline, where hair grows."""
    width: float
    covered: float
    """Part of the outline that hair grows on."""
    clump: float
    """How far tips are drawn together, in [0, 1]."""
    droop: float
    """Pull downwards, of the length."""
    comb: float
    """Lean downwards along the outline at the object's sides, radians."""
    curl: float
    """Turn from root to tip, radians."""


def draw_style(rng: np.random.Generator) -> Style:
    """Draw short, dense fur or long hair, half of each."""
    if rng.random() < 0.5:
        return Style(
            length=rng.uniform(0.02, 0.05),
            spacing=rng.uniform(0.0012, 0.0025),
            width=rng.uniform(0.001, 0.0018),
            covered=rng.uniform(0.6, 1.0),
            clump=rng.uniform(0.1, 0.35),
            droop=rng.uniform(0.0, 0.3),
            comb=rng.uniform(-0.2, 0.9),
            curl=rng.uniform(0.2, 0.7),
        )
    return Style(
        length=rng.uniform(0.05, 0.13),
        spacing=rng.uniform(0.0013, 0.003),
        width=rng.uniform(0.0009, 0.0016),
        covered=rng.uniform(0.35, 0.8),
        clump=rng.uniform(0.3, 0.8),
        droop=rng.uniform(0.2, 1.0),
        comb=rng.uniform(0.3, 1.1),
        curl=rng.uniform(0.4, 1.4),
    )


class Strands(NamedTuple):
    """Strands before they are drawn."""

    paths: Values
    """(n, STEPS + 1, 2): x and y in pixels, from the root to the tip."""
    tints: Values
    """(n, 3), RGB in 0..255."""
    widths: Values
    """(n,), pixels."""


def strands(colours: ByteArray, alpha: FloatArray, rng: np.random.Generator) -> tuple[ByteArray, FloatArray]:
    """Grow hair on a cut-out: thin, curved strands that taper and let the ground through.

    They begin at the object's outline and take their colours from beside their roots. What is opaque stays
    so. None grow where the object meets the array's border, and those that reach the border end there
    (:func:`with_room`).

    Parameters
    ----------
    colours : uint8 (h, w, 3)
        Colours of the object, not multiplied by alpha.
    alpha : float32 (h, w) in [0, 1]

    Returns
    -------
    colours : uint8 (h, w, 3)
    alpha : float32 (h, w) in [0, 1], nowhere less than it was
        Both are the arguments where there is no outline to grow from.
    """
    style = draw_style(rng)
    grown = [_grow(points, style, colours, rng) for points in _outlines((alpha > 0.5).astype(np.uint8))]
    if not any(len(some.paths) for some in grown):
        return colours, alpha
    all_strands = Strands(*(np.concatenate(parts) for parts in zip(*grown, strict=True)))
    cover = _cover(alpha.shape, all_strands, rng)
    return _over(_inks(all_strands, cover, colours), cover, colours, alpha)


def with_room(colours: ByteArray, alpha: FloatArray) -> tuple[ByteArray, FloatArray]:
    """Enlarge a cut-out's arrays so that strands fit, but not on sides where the object is cut off.

    Parameters
    ----------
    colours : uint8 (h, w, 3)
    alpha : float32 (h, w) in [0, 1]

    Returns
    -------
    colours : uint8 (h', w', 3), continued by those at the border
    alpha : float32 (h', w'), continued by zeros
    """
    room = round(REACH * max(cv2.boundingRect((alpha > 0.5).astype(np.uint8))[2:]))
    borders = (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1])
    above, below, left, right = (0 if border.max() > 0.5 else room for border in borders)
    sides = (above, below), (left, right)
    return np.pad(colours, (*sides, (0, 0)), mode="edge"), np.pad(alpha, sides)


def _outlines(solid: ByteArray) -> list[Values]:
    """Return the outer outlines of all parts, each (n, 2) with a pixel between neighbours."""
    found, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [points[:, 0].astype(np.float64) for points in found if len(points) >= SHORTEST_OUTLINE]


def _grow(points: Values, style: Style, colours: ByteArray, rng: np.random.Generator) -> Strands:
    """Grow the strands of one outline."""
    size = float(np.ptp(points, axis=0).max()) + 1
    roots, outwards = _roots(points, style, size, colours.shape, rng)
    if not len(roots):
        return Strands(np.zeros((0, STEPS + 1, 2)), np.zeros((0, 3)), np.zeros(0))
    paths = _paths(roots, outwards, style, size, rng)
    tints = _tints(colours, roots - 0.02 * size * outwards, size, rng)
    width = style.width / style.spacing * _spacing(style, size)  # fewer ones are wider
    return Strands(paths, tints, width * rng.uniform(0.6, 1.5, len(roots)))


def _spacing(style: Style, size: float) -> float:
    """Return the pixels between roots: on small objects there is one a pixel."""
    return max(style.spacing * size, 1.0)


def _roots(
    points: Values, style: Style, size: float, shape: tuple[int, ...], rng: np.random.Generator
) -> tuple[Values, Values]:
    """Choose where strands begin: places (n, 2) and unit vectors that point away from the object."""
    smoothed = _smooth(points, 0.008 * size)
    tangent = np.roll(smoothed, -2, axis=0) - np.roll(smoothed, 2, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-6)
    turned = 1 if cv2.contourArea(points.astype(np.float32), oriented=True) > 0 else -1
    outwards = turned * np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    far = np.array(shape[1::-1]) - 1 - EDGE
    thick = _wave(len(points), 0.08 * size, rng)
    grown = (thick <= np.quantile(thick, style.covered)) & ((points > EDGE) & (points < far)).all(axis=1)
    places = np.flatnonzero(grown)
    chosen = places.repeat(rng.poisson(1 / _spacing(style, size), len(places)))
    return points[chosen], outwards[chosen]


def _paths(roots: Values, outwards: Values, style: Style, size: float, rng: np.random.Generator) -> Values:
    """Bend strands: (n, STEPS + 1, 2), from a little inside the outline to the tip."""
    count = len(roots)
    window = 0.05 * size / _spacing(style, size)  # strands on a twentieth of the object lie alike
    stray = rng.random(count) < 0.08
    lean = style.comb * np.tanh(3 * outwards[:, 0])  # the turn towards (0, 1), which is down
    lean += 0.4 * _wave(count, window, rng) + rng.normal(0, 0.18 + 0.4 * stray)
    bend = style.curl * (0.6 * _wave(count, window, rng) + rng.normal(0, 0.35 + 0.5 * stray))
    length = style.length * size * np.exp(0.25 * _wave(count, window, rng) + rng.normal(0, 0.25, count))
    length = np.minimum(length * (1 + 0.4 * stray), 0.6 * REACH * size)
    t = np.arange(STEPS + 1) / STEPS
    turn = (np.arctan2(outwards[:, 1], outwards[:, 0]) + lean)[:, None] + bend[:, None] * t[:-1]
    heading = np.stack([np.cos(turn), np.sin(turn) + style.droop * t[:-1]], axis=-1)
    way = (heading * (length / STEPS)[:, None, None]).cumsum(axis=1)
    start = roots - outwards * (0.004 * size + 1)
    paths = start[:, None] + np.concatenate([np.zeros((count, 1, 2)), way], axis=1)
    # the strands of a lock lean towards its middle one, the more the nearer to their tips
    lock = max(int(rng.poisson(12)), 4)
    middle = np.minimum(np.arange(count) // lock * lock + lock // 2, count - 1)
    near = np.linalg.norm(roots - roots[middle], axis=1) < 0.06 * size
    pull = 0.7 * style.clump * near[:, None, None] * t[:, None]
    return paths + pull * (paths[middle] - paths)


def _smooth(values: Values, window: float) -> Values:
    """Blur (n, ...) along a closed outline; the window is a sigma in points."""
    half = min(max(round(3 * window), 1), len(values))
    framed = np.concatenate([values[-half:], values, values[:half]])
    flat = framed.reshape(len(framed), -1)
    blurred = cv2.GaussianBlur(flat, (1, 2 * half + 1), 0.1, sigmaY=max(window, 0.5))
    smoothed: Values = blurred[half:-half].reshape(values.shape)
    return smoothed


def _wave(count: int, window: float, rng: np.random.Generator) -> Values:
    """Return smooth noise along a closed outline: (count,) with a deviation of 1."""
    noise = _smooth(rng.standard_normal(count), window)
    return noise / max(float(noise.std()), 1e-6)


def _tints(colours: ByteArray, places: Values, size: float, rng: np.random.Generator) -> Values:
    """Take a colour from the object for each strand, lighter or darker by chance: (n, 3) in 0..255."""
    scattered = places + rng.normal(0, 0.006 * size, places.shape)
    x, y = np.rint(scattered).clip(0, np.array(colours.shape[1::-1]) - 1).astype(int).T
    light = np.exp(rng.normal(0, 0.13, (len(places), 1)))
    tints: Values = (colours[y, x] * light).clip(0, 255)
    return tints


def _cover(shape: tuple[int, ...], drawn: Strands, rng: np.random.Generator) -> FloatArray:
    """Draw how much of each pixel strands cover: float32 (h, w) in [0, 1]."""
    count = len(drawn.paths)
    widths = FINER * drawn.widths[:, None] * np.linspace(1.1, 0.5, STEPS)  # (n, STEPS)
    taper = np.linspace(1, 0, STEPS, endpoint=False) ** rng.uniform(0.3, 0.9, (count, 1))
    # a line is at least one pixel wide: where a strand is thinner, it covers less
    opacity = rng.uniform(0.55, 1.0, (count, 1)) * taper * np.minimum(widths, 1)
    shade = np.ceil(opacity * SHADES).astype(int)
    thickness = np.maximum(np.rint(widths), 1).astype(int)
    fixed = np.rint((FINER * drawn.paths + (FINER - 1) / 2) * (1 << SHIFT)).astype(np.int32)
    pieces = np.stack([fixed[:, :-1], fixed[:, 1:]], axis=2)  # (n, STEPS, 2, 2)
    canvas = np.zeros((shape[0] * FINER, shape[1] * FINER), np.uint8)
    # from faint to strong, so that none is overdrawn by a fainter one
    for level in range(1, SHADES + 1):
        for thick in np.unique(thickness[shade == level]):
            some = pieces[(shade == level) & (thickness == thick)]
            ink = round(255 * level / SHADES)
            cv2.polylines(canvas, list(some), False, ink, int(thick), cv2.LINE_AA, SHIFT)
    averaged = cv2.resize(canvas, shape[1::-1], interpolation=cv2.INTER_AREA)
    return averaged.astype(np.float32) / np.float32(255)


def _inks(drawn: Strands, cover: FloatArray, colours: ByteArray) -> NDArray[np.float32]:
    """Return the strands' colours where they cover something, in the order of ``np.nonzero``: (n, 3)."""
    canvas = np.zeros((*cover.shape, 4), np.uint8)  # the fourth plane is 1 where there is a strand
    lines = np.rint(drawn.paths * (1 << SHIFT)).astype(np.int32)
    for line, tint in zip(lines, drawn.tints.tolist(), strict=True):
        cv2.polylines(canvas, [line], False, (*tint, 1), 1, cv2.LINE_8, SHIFT)
    # one pixel wide: what lies beside takes the mean of the nearest
    side = 2 * int(np.ceil(drawn.widths.max() / 2)) + 3
    there = cover > 0
    sums = cv2.boxFilter(canvas, cv2.CV_32F, (side, side), normalize=False)[there]
    inks: NDArray[np.float32] = np.where(
        sums[:, 3:] > 0, sums[:, :3] / np.maximum(sums[:, 3:], 1), colours[there]
    )
    return inks


def _over(
    inks: NDArray[np.float32], cover: FloatArray, colours: ByteArray, alpha: FloatArray
) -> tuple[ByteArray, FloatArray]:
    """Lay strands over the object; colours are weighted by what they cover."""
    there = np.nonzero(cover)
    hair, under = cover[there], alpha[there]
    whole = np.maximum(hair + (1 - hair) * under, under)
    share = (hair / whole)[:, None]
    mixed, grown = colours.copy(), alpha.copy()
    mixed[there] = np.rint(share * inks + (1 - share) * colours[there]).astype(np.uint8)
    grown[there] = whole
    return mixed, grown
