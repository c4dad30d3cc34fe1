"""A seed's composites: any of them can be made again alone, in any order."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.colours import speckle
from transparent_background.media.pairs import Pair
from transparent_background.types import ByteArray, FloatArray

from .edges import EDGES, Layer
from .grounds import draw_ground, find_grounds, read_ground
from .objects import find_objects, place

GRAIN = np.float32(0.6)  # of the noise that gives enlarged photos detail at pixel size again
LIGHTER = (0.75, 1.35)  # an object's brightness is brought nearer to its ground's within these factors


@dataclass(frozen=True)
class Composite:
    """A picture whose matte is known."""

    kind: str
    index: int
    name: str
    """Of the object's and the ground's files."""
    image: ByteArray
    """uint8 (h, w, 3)."""
    layer: Layer
    """The object in the picture; its alpha is the truth."""
    ground: FloatArray
    """float32 (h, w, 3) in [0, 1], what lies behind it."""

    @property
    def alpha(self) -> FloatArray:
        """The true matte, float32 (h, w) in [0, 1]."""
        return self.layer.alpha


@dataclass(frozen=True)
class Composites:
    """Objects of data sets on backgrounds.

    The same index is the same object at the same place on the same ground, whatever its kind of edge.

    Parameters
    ----------
    data
        Folders with ``images/`` and ``masks/``; their objects take turns.
    backgrounds
        A folder of pictures, of which the held-out half is used. None: grounds are drawn.
    seed
        From 0.
    """

    data: Sequence[Path]
    backgrounds: Path | None
    seed: int

    @cached_property
    def objects(self) -> list[list[Pair]]:
        """Those of each data set, shuffled by the seed."""
        found = [find_objects(folder) for folder in self.data]
        return [
            [pairs[i] for i in np.random.default_rng((self.seed, 1, number)).permutation(len(pairs))]
            for number, pairs in enumerate(found)
        ]

    @cached_property
    def grounds(self) -> list[Path]:
        """The held-out pictures, shuffled by the seed; none if grounds are drawn."""
        if self.backgrounds is None:
            return []
        found = find_grounds(self.backgrounds)
        return [found[i] for i in np.random.default_rng((self.seed, 2)).permutation(len(found))]

    def make(self, index: int, kind: str) -> Composite:
        """Make one composite.

        Parameters
        ----------
        index
            From 0. Objects and grounds repeat when all have had their turn.
        kind
            A name in :data:`EDGES`.
        """
        number, turn = index % len(self.data), index // len(self.data)
        pair = self.objects[number][turn % len(self.objects[number])]
        cut_out = place(pair, np.random.default_rng((self.seed, 3, index)))
        frame = cut_out.level.shape
        rng = np.random.default_rng((self.seed, 4, index))
        if self.grounds:
            path = self.grounds[index % len(self.grounds)]
            ground, name = read_ground(path, frame, rng), f"{pair.image.stem} on {path.stem}"
        else:
            ground, name = draw_ground(frame, rng), f"{pair.image.stem} on a drawn ground"
        own = np.random.default_rng((self.seed, 5, index, zlib.crc32(kind.encode())))
        noise = GRAIN * speckle(own, frame)[..., None]
        ground = (ground + noise).clip(0, 1)
        layer = develop(EDGES[kind](cut_out, own), ground, noise)
        return Composite(kind, index, name, put_on(layer, ground), layer, ground)


def develop(layer: Layer, ground: FloatArray, noise: FloatArray) -> Layer:
    """Bring an object's brightness nearer to its ground's, as if they were lit alike, and give it grain."""
    own = float(layer.colours.sum()) / max(3 * float(layer.alpha.sum()), 1.0)
    gain = np.clip(((float(ground.mean()) + 0.08) / (own + 0.08)) ** 0.4, *LIGHTER)
    alpha = layer.alpha[..., None]
    # premultiplied colours are at most alpha
    return Layer((layer.colours * np.float32(gain) + alpha * noise).clip(0, alpha), layer.alpha)


def put_on(layer: Layer, ground: FloatArray) -> ByteArray:
    """Mix: uint8 (h, w, 3). In encoded values, as cut-outs are put on backgrounds in use."""
    mixed = layer.colours + (1 - layer.alpha[..., None]) * ground
    return np.rint(mixed.clip(0, 1) * 255).astype(np.uint8)
