"""What is known of a file of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..types import MAX_AREA, MAX_SIDE, MULTIPLE, Normalisation, ResizeMethod, Size


def is_text(value: object) -> bool:
    """Whether a value is a string that is not empty."""
    return isinstance(value, str) and bool(value)


def fits_a_pass(size: Size) -> bool:
    """Whether a network can be run at a size (height, width) without taking a machine's memory."""
    return min(size) >= MULTIPLE and max(size) <= MAX_SIDE and size[0] * size[1] <= MAX_AREA


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One file of weights, and the network and settings it is for."""

    name: str
    """What ``mode`` and ``--mode`` call it."""
    file_name: str
    """Its name in the folder of weights."""
    urls: tuple[str, ...] = ()
    """Where it is published, tried in turn; ``https``, ``http`` or ``file``."""
    drive_id: str | None = None
    """Google Drive's id of it, tried after the URLs."""
    size: int | None = None
    """Bytes, if published."""
    md5: str | None = None
    sha256: str | None = None
    backbone: str = "swin_base_patch4_window12_384"
    """A timm name."""
    backbone_options: Mapping[str, object] = field(default_factory=dict)
    head: str = "published"
    """Which head the network has: ``published``, or ``light`` for small machines."""
    depth: int = 64
    """Channels of the network's head."""
    base_size: tuple[int, int] = (384, 384)
    """(height, width) it was trained at."""
    resize: ResizeMethod = "static"
    """How pictures are best resized for it."""
    short_side: int = 1280
    """Most pixels on the short side of a pass in the picture's own shape."""
    enlarge: bool = False
    """Whether a blended pass always has that short side, so that small pictures are enlarged for it."""
    normalisation: Normalisation = "minmax"
    """How its output becomes a matte: ``minmax`` as published."""
    licence: str = "MIT"
    trained_on: str = "not stated"
    recipe: str = ""
    """What ``transparent-background train`` takes to train such weights."""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Published scores by test set, by the names of ``evaluate``; see docs/models.md for their source."""
    origin: str = ""
    """Who published it, or the user's config file."""
    description: str = ""
    bundled: bool = False
    """Whether the file is in the package."""
    http_proxy: str | None = None
    """Proxy for its download, from the user's config."""

    def __post_init__(self) -> None:
        """Refuse sizes that no pass may have.

        Raises
        ------
        ValueError
        """
        sides = [*self.base_size, self.short_side]
        if len(sides) != 3 or any(type(side) is not int for side in sides):
            raise ValueError("base_size must be two whole numbers, and short_side one")
        if not fits_a_pass(self.base_size) or self.short_side < MULTIPLE:
            raise ValueError(
                f"base_size {self.base_size} or short_side {self.short_side} is out of range: sides are from "
                f"{MULTIPLE} to {MAX_SIDE}, and at most {MAX_AREA} pixels in all"
            )

    @property
    def sources(self) -> tuple[str, ...]:
        """Every place it can be downloaded from, as URLs."""
        drive = (f"https://drive.google.com/uc?id={self.drive_id}",) if self.drive_id else ()
        return self.urls + drive
