"""Pictures that are sent once and asked for many times: their files and their mattes, kept for a while."""

from __future__ import annotations

import asyncio
import secrets
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from ..options.service import Limits
from ..types import Size

if TYPE_CHECKING:
    import torch

LEVELS = 65535  # of a kept matte: results are those of the network's own to 1/255

MatteKey: TypeAlias = tuple[str, str | None]
"""What a matte depends on beside its picture: the mode, and the way the picture was resized."""


class PackedMatte:
    """A prediction in 16 bits, compressed."""

    def __init__(self, prediction: torch.Tensor) -> None:
        """Pack a prediction (1, 1, h, w) in [0, 1], from any device."""
        values = np.rint(prediction[0, 0].float().cpu().numpy() * LEVELS).astype("<u2")
        self.size: Size = values.shape[0], values.shape[1]
        # (h, w) of two bytes -> (2, h, w): the high ones are nearly all alike
        planes = np.moveaxis(values.view(np.uint8).reshape(*self.size, 2), 2, 0)
        self.data = zlib.compress(planes.tobytes(), 1)

    def unpack(self) -> torch.Tensor:
        """Return the prediction: float32 (1, 1, h, w) in [0, 1], in main memory."""
        import torch

        planes = np.frombuffer(zlib.decompress(self.data), np.uint8).reshape(2, *self.size)
        values = np.ascontiguousarray(np.moveaxis(planes, 0, 2)).view("<u2")[..., 0]
        return torch.from_numpy(values.astype(np.float32) / np.float32(LEVELS))[None, None]


@dataclass(eq=False, slots=True)
class KeptPicture:
    """A picture that was sent, and what the networks made of it."""

    id: str
    """Random, so that only who is told it can ask for it."""
    name: str
    """What its sender calls it; may be empty."""
    data: bytes
    """Its file."""
    size: Size
    """As its file's header says, before it is turned upright."""
    until: float
    """When its time is over, by :func:`time.monotonic`."""
    mattes: dict[MatteKey, PackedMatte] = field(default_factory=dict)
    predicting: asyncio.Lock = field(default_factory=asyncio.Lock)
    """So that the network runs once for two who ask at the same time."""

    @property
    def memory(self) -> int:
        """Memory that it takes."""
        return len(self.data) + sum(len(matte.data) for matte in self.mattes.values())


class KeptPictures:
    """The pictures that are kept; those that were not asked for the longest go first.

    In the loop's thread only. A picture that goes while it is worked on is finished all the same.

    Parameters
    ----------
    limits
        ``kept_pictures``, ``kept_memory`` and ``kept_seconds`` are kept to here.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._pictures: OrderedDict[str, KeptPicture] = OrderedDict()  # last: asked for last

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._pictures)

    @property
    def memory(self) -> int:
        """Memory that all of them take."""
        return sum(picture.memory for picture in self._pictures.values())

    def keep(self, data: bytes, size: Size, name: str = "") -> KeptPicture:
        """Keep a picture's file; others make room for it."""
        until = time.monotonic() + self.limits.kept_seconds
        picture = KeptPicture(secrets.token_urlsafe(16), name, data, size, until)
        self._pictures[picture.id] = picture
        self.make_room()
        return picture

    def find(self, id: str) -> KeptPicture | None:
        """Return a picture, whose time begins anew; None if there is none, or its time is over."""
        picture = self._pictures.get(id)
        if picture is None or picture.until <= time.monotonic():
            return None
        picture.until = time.monotonic() + self.limits.kept_seconds
        self._pictures.move_to_end(id)
        return picture

    def forget(self, ids: Iterable[str], after: float = 0.0) -> None:
        """Forget pictures, at once or unless somebody asks for them within so many seconds."""
        until = time.monotonic() + after
        for id in ids:
            if (picture := self._pictures.get(id)) is None:
                continue
            picture.until = min(picture.until, until)
            if not after:
                del self._pictures[id]

    def expire(self) -> None:
        """Forget those whose time is over; run it every now and then."""
        now = time.monotonic()
        self.forget([picture.id for picture in self._pictures.values() if picture.until <= now])

    def make_room(self) -> None:
        """Forget the oldest while there are too many, or they take too much; the newest stays."""
        total = self.memory
        while len(self) > 1 and (len(self) > self.limits.kept_pictures or total > self.limits.kept_memory):
            total -= self._pictures.popitem(last=False)[1].memory

    def clear(self) -> None:
        """Forget all."""
        self._pictures.clear()
