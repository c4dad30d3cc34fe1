"""How much a service takes on. Imports the standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import UsageError

MIB = 1 << 20
SLOWEST = 16 * 1024  # bytes a second that a client has to keep up in the mean, sending or reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is refused, so that no request can take a machine's memory, disk or time."""

    bytes: int = 32 * MIB
    """Of an uploaded picture, and of a background behind one."""
    pixels: int = 64_000_000
    """Of a picture."""
    frame_pixels: int = 34_000_000
    """Of a film's frame, as it comes and as it is wanted: 8K. Several are in memory at once."""
    batch: int = 100
    """Pictures of one batch."""
    batch_bytes: int = 512 * MIB
    """Of a batch's upload, and of what its archives unpack to."""
    film_bytes: int = 1024 * MIB
    """Of an uploaded film."""
    film_frames: int = 36_000
    """Of a film: twenty minutes at thirty a second."""
    film_seconds: float = 1_200.0
    """Of a film's part that is worked on."""
    film_work: float = 4 * 3600.0
    """Seconds that the work on a film may take."""
    kept_bytes: int = 8192 * MIB
    """Of films' results; beyond it, or half of the disk, the oldest are deleted before their time."""
    upload_bytes: int = 2048 * MIB
    """Of all requests that are being read or answered; beyond it the answer is 503."""
    queue: int = 64
    """Requests for pictures that are worked on or wait, a batch being one; beyond it the answer is 503."""
    films: int = 8
    """Films that are worked on or wait."""
    cameras: int = 4
    """Live connections."""
    timeout: float = 120.0
    """Seconds from a picture's coming to its answer."""
    patience: float = 30.0
    """Seconds that a request may take to come, beside those of its bytes at the slowest rate allowed."""
    slowest: int = SLOWEST
    """Bytes a second that an upload has to keep up in the mean."""
    keep: float = 3_600.0
    """Seconds that a film's result is kept."""
    grace: float = 60.0
    """Seconds that films may go on for when the service is stopped; pictures are always finished."""


def parse_bytes(text: str) -> int:
    """Read a size: ``32M``, ``1.5 GiB``, ``800k``, ``1048576``; units are powers of 1024.

    Raises
    ------
    UsageError
        It is no size, or not above 0.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgG]?)(?:i?[bB])?\s*", text)
    size = 0
    if match is not None:
        size = int(float(match[1]) * 1024 ** " kmg".index(match[2].lower() or " "))
    if size < 1:
        raise UsageError(f"size {text!r} is not understood; give 32M, 1.5G, 800k or bytes")
    return size
