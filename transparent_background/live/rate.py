"""Holding the rate: edge colours are left alone, then the network sees less, then frames shrink; and back."""

from __future__ import annotations

import logging
import math
import statistics
import time
from collections import deque
from dataclasses import dataclass

from ..types import MULTIPLE, Size

logger = logging.getLogger(__name__)

SHARES = (0.9, 0.8, 0.7, 0.6, 0.5)  # steps down from the base size; below half of it mattes fall apart
SCALES = (0.75, 0.5)
ESTIMATE = 1.3  # what a frame takes with edge colours estimated, beside one without: lite, 720p, a processor
SHORTEST = 360  # pixels of a frame's short side; smaller frames cost next to nothing beside the network

WINDOW = 6  # frames whose median counts
SETTLE = 2  # frames after a change that do not count: the network prepares itself for the new size
SLACK = 1.05  # share of the time there is for a frame above which frames get cheaper
ROOM = 0.95  # share of it below which the next dearer step has to come out to be taken
PATIENCE, LONGEST_PATIENCE = 24, 384  # frames before a dearer step; doubled each time that it was wrong


@dataclass(frozen=True, slots=True)
class Step:
    """How much work is done for a frame."""

    base_size: Size | None
    """(height, width) that the network sees; None: always its own."""
    scale: float = 1.0
    """How large the frame is made, beside its own size."""
    estimate: bool = False
    """Whether edge colours over another background are freed of the old one."""


def make_ladder(base_size: Size, frame: Size, *, flexible: bool = True) -> list[Step]:
    """Return the steps from the best to the cheapest.

    Parameters
    ----------
    base_size
        (height, width) that the network sees by default.
    frame
        (height, width) of the camera.
    flexible
        Whether the network takes other sizes.
    """
    sizes: list[Size | None] = [base_size if flexible else None]
    for share in SHARES if flexible else ():
        size = _multiple(base_size[0] * share), _multiple(base_size[1] * share)
        if size != sizes[-1]:
            sizes.append(size)
    steps = [Step(sizes[0], estimate=True), *(Step(size) for size in sizes)]
    scales = [scale for scale in SCALES if min(frame) * scale >= SHORTEST]
    return steps + [Step(sizes[-1], scale) for scale in scales]


def _multiple(length: float) -> int:
    return max(round(length / MULTIPLE), 2) * MULTIPLE


class Pace:
    """Chooses the step of :func:`make_ladder` that holds a rate, from the times that frames took.

    Without a rate (None) it is always the best.
    """

    def __init__(self, steps: list[Step], fps: float | None) -> None:
        self.steps, self.budget = steps, 1 / fps if fps else math.inf
        self.index = 0
        """Which step is in use."""
        self._times: deque[float] = deque(maxlen=WINDOW)
        self._settling = SETTLE
        self._since = 0  # frames at this step
        self._patience = PATIENCE
        self._raised = False  # whether the last change was to a dearer step

    @property
    def step(self) -> Step:
        """What the next frame is to be done at."""
        return self.steps[self.index]

    def feed(self, seconds: float) -> Step:
        """Take in how long a frame took; return the step for the next one."""
        if self._settling:
            self._settling -= 1
            return self.step
        self._times.append(seconds)
        self._since += 1
        if len(self._times) < WINDOW:
            return self.step
        cost = statistics.median(self._times)
        if cost > self.budget * SLACK and self.index + 1 < len(self.steps):
            if self._raised and self._since <= self._patience:
                self._patience = min(self._patience * 2, LONGEST_PATIENCE)
            self._move(1)
        elif self.index and self._since >= self._patience and self._dearer(cost) < self.budget * ROOM:
            self._move(-1)
        elif self._since > LONGEST_PATIENCE:
            self._patience = PATIENCE  # it has gone well for long
        return self.step

    def _dearer(self, cost: float) -> float:
        """Return the most that a frame would take one step up: as if all other work grew with the pixels."""
        return cost * _work(self.steps[self.index - 1]) / _work(self.step)

    def _move(self, by: int) -> None:
        self.index += by
        logger.debug("the network sees %s, frames are scaled by %g", self.step.base_size, self.step.scale)
        self._raised = by < 0
        self._times.clear()
        self._settling, self._since = SETTLE, 0


def _work(step: Step) -> float:
    """Return the pixels of the network's input, or of the frame, that a step's time grows with."""
    height, width = step.base_size or (1, 1)
    return height * width * step.scale**2 * (ESTIMATE if step.estimate else 1)


class Meter:
    """Counts results: how many there were, how many come a second, and how late they are."""

    def __init__(self) -> None:
        self.count = 0
        """Results so far."""
        self._recent: deque[tuple[float, float]] = deque(maxlen=500)  # (when a result was there, latency)

    def add(self, latency: float) -> None:
        """Count a result that is there now, seconds after its frame had come."""
        self.count += 1
        self._recent.append((time.monotonic(), latency))

    @property
    def rate(self) -> float:
        """Results a second, over the last two seconds."""
        now = time.monotonic()
        recent = [when for when, _ in list(self._recent) if now - when <= 2.0]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    @property
    def latency(self) -> float:
        """Seconds from a frame's coming to its result, on average over the last ten; 0 before the first."""
        recent = [latency for _, latency in list(self._recent)[-10:]]
        return statistics.fmean(recent) if recent else 0.0
