"""The stream of training samples: which picture at which step, the same after every resume."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from ..errors import DataSetError
from ..media.pairs import Pair, check_pairs, find_pairs, find_pictures, read_image, read_pair
from ..types import ByteArray, FloatArray
from .augment import Augmenter
from .compositing import crop, cut_out, paste, take_out
from .config import DataConfig, SetConfig, TrainConfig
from .effects import Effects

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

logger = logging.getLogger(__name__)

EMPTY = (0.2, 0.4)  # side of the part of a background that shows no object, of all of it
MOST_COPIES = 4  # of an object that is pasted several times
MAX_REPLACEMENTS = 20  # unreadable pictures in a row that a sample gets past


class Draw(NamedTuple):
    """One place in the stream."""

    position: int
    """Counted over the whole run; seeds the sample's changes."""
    member: int
    """Index into the data set's pairs."""
    size: tuple[int, int]
    """(height, width) it is resized to."""


class TrainingSet(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Augmented samples of several folders.

    Parameters
    ----------
    config
        Folders are found, and every file is opened once, when this is made.

    Raises
    ------
    DataSetError
        Something is missing, unreadable or of another size than its mask.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.seed = config.seed
        self.augmenter = Augmenter(config.augment)
        self.effects = Effects(config.augment)
        self.empty, self.several = config.data.empty, config.augment.several_chance
        self.soften = config.augment.soften
        self.members: list[tuple[Pair, SetConfig]] = []
        for entry in config.data.train:
            pairs = set_pairs(config.data, entry)
            self.members += [(pair, entry) for pair in pairs]
        self.weights = np.array([entry.weight for _, entry in self.members])
        self.backgrounds = _backgrounds(config.data)
        self._cache: dict[Hashable, Any] | None = {} if config.data.cache else None
        self._reported: set[str] = set()

    def __len__(self) -> int:
        """Return the pictures of all folders, each counted once."""
        return len(self.members)

    def __getitem__(self, draw: Draw) -> tuple[torch.Tensor, torch.Tensor]:
        """Make one sample: image uint8 (3, h, w), mask float32 (1, h, w) in [0, 1]."""
        rng = np.random.default_rng((self.seed, draw.position))
        member = draw.member
        for attempt in range(MAX_REPLACEMENTS + 1):
            try:
                image, mask = self._sample(member, draw.size, rng)
                break
            except DataSetError as error:
                # it was readable when the run began; a run of days should outlive one bad file
                if attempt == MAX_REPLACEMENTS:
                    raise
                if str(error) not in self._reported:
                    logger.warning("%s; another picture takes its place", error)
                    self._reported.add(str(error))
                member = int(rng.integers(len(self.members)))
        tensor = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return tensor, torch.from_numpy(mask)[None]

    def _sample(
        self, member: int, size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[ByteArray, FloatArray]:
        if rng.random() < self.empty:
            part = crop(self._background(rng), size, rng, EMPTY)
            return self.augmenter.appearance(part, rng), np.zeros(size, np.float32)
        pair, entry = self.members[member]
        image, mask = self._read(read_pair, pair)
        if rng.random() < entry.paste:
            cut = take_out(image, mask) if entry.matte else cut_out(image, mask, rng.uniform(*self.soften))
            if cut is not None:
                picture, alpha = self.augmenter.flip(*self._paste(*cut, size, rng), rng)
                return self.augmenter.appearance(picture, rng), alpha
        picture, alpha = self.augmenter.geometry(image, mask / np.float32(255), size, rng)
        return self.augmenter.appearance(picture, rng), alpha

    def _paste(
        self, colours: ByteArray, alpha: FloatArray, size: tuple[int, int], rng: np.random.Generator
    ) -> tuple[ByteArray, FloatArray]:
        """Put a cut-out on a background, by chance several times; all of them are the object."""
        canvas = crop(self._background(rng), size, rng)
        several = rng.random() < self.several
        whole = np.zeros(size, np.float32)
        for _ in range(int(rng.integers(2, MOST_COPIES + 1)) if several else 1):
            copy = self.augmenter.flip(self.augmenter.appearance(colours, rng), alpha, rng)
            placed = paste(*copy, canvas, rng, largest=0.6 if several else 1.0, effect=self.effects)
            whole = 1 - (1 - whole) * (1 - placed)
        return canvas, whole

    def _background(self, rng: np.random.Generator) -> ByteArray:
        return self._read(read_image, self.backgrounds[int(rng.integers(len(self.backgrounds)))])

    def _read(self, read: Callable[[K], T], key: K) -> T:
        """Read a pair or a picture, or take it from memory if the configuration says to keep them there."""
        if self._cache is None:
            return read(key)
        if key not in self._cache:
            self._cache[key] = read(key)
        return self._cache[key]


@dataclass(frozen=True)
class Stream:
    """The order of samples over a run, without end; it can start at any batch.

    Every epoch shows each picture as often as its set's weight says, in an order of its own.
    """

    weights: np.ndarray[tuple[int], np.dtype[np.float64]]
    """Of the members, above 0."""
    batch_size: int
    sizes: list[tuple[int, int]]
    seed: int
    rank: int = 0
    """Which of the processes this is; each takes every ``world``-th batch."""
    world: int = 1
    """How many there are."""

    @property
    def epoch_batches(self) -> float:
        """Batches per process in an epoch."""
        return float(self.weights.sum()) / self.batch_size / self.world

    def epoch(self, number: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the members of an epoch, in order."""
        rng = np.random.default_rng((self.seed, 0xE90C, number))
        # a weight of 1.5 shows every picture once and half of them again, others each epoch
        counts = np.floor(self.weights + rng.random(len(self.weights))).astype(np.int64)
        return rng.permutation(np.repeat(np.arange(len(self.weights)), counts))

    def batches(self, start: int = 0) -> Iterator[list[Draw]]:
        """Yield this process's batches from its ``start``-th on."""
        position, needed, number = 0, self.batch_size, 0
        left = np.empty(0, np.int64)
        first = start * self.world
        batch = 0
        while True:
            while len(left) < needed:
                left = np.concatenate([left, self.epoch(number)])
                number += 1
            members, left = left[:needed], left[needed:]
            if batch >= first and (batch - self.rank) % self.world == 0:
                size_rng = np.random.default_rng((self.seed, 0x512E, batch // self.world))
                size = self.sizes[int(size_rng.integers(len(self.sizes)))]
                yield [Draw(position + i, int(member), size) for i, member in enumerate(members)]
            position += needed
            batch += 1


def make_loader(
    dataset: TrainingSet, stream: Stream, data: DataConfig, start: int
) -> DataLoader[tuple[torch.Tensor, torch.Tensor]]:
    """Return a loader of batches: images uint8 (B, 3, h, w), masks float32 (B, 1, h, w)."""
    return DataLoader(
        dataset,
        batch_sampler=stream.batches(start),
        num_workers=data.workers,
        persistent_workers=data.workers > 0,
        prefetch_factor=4 if data.workers else None,
        worker_init_fn=_prepare_worker,
    )


def _prepare_worker(_: int) -> None:
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    # Ctrl-C and a scheduler's termination reach the whole group; the main process finishes its step
    # first, and ends the workers itself
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def set_pairs(data: DataConfig, entry: SetConfig) -> list[Pair]:
    """Find and check the pairs of one configured set."""
    folder = Path(data.root, entry.path).expanduser()
    pairs = find_pairs(folder)
    check_pairs(folder, pairs, white=not entry.matte)
    return pairs


def batch_sizes(config: TrainConfig) -> list[tuple[int, int]]:
    """Return the (height, width) that batches may have: the configured heights in the base size's shape."""
    height, width = config.model.base_size
    return [(size, max(round(size * width / height / 32), 1) * 32) for size in config.data.sizes]


def _backgrounds(data: DataConfig) -> list[Path]:
    if data.backgrounds is None:
        return []
    folder = Path(data.root, data.backgrounds).expanduser()
    if not folder.is_dir():
        raise DataSetError(f"{folder}: no such folder of backgrounds")
    paths = find_pictures(folder)
    if not paths:
        raise DataSetError(f"{folder}: no pictures to paste cut-outs on")
    return paths
