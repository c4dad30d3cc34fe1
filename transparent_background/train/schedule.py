"""The learning rate over time."""

from __future__ import annotations

import math

from .config import ScheduleConfig


def learning_rate(step: int, total: int, peak: float, schedule: ScheduleConfig) -> float:
    """Return the rate of a step.

    Linear warm-up multiplies the decay, and the result runs from ``minimum`` to ``peak`` and back.

    Parameters
    ----------
    step
        Counted from 0.
    total
        Steps of the run.
    peak
        The optimiser's rate.
    """
    done = min(step / max(total, 1), 1.0)
    decay: float = {
        "poly": (1 - done) ** schedule.power,
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
        "constant": 1.0,
    }[schedule.kind]
    warm = min(step / schedule.warmup, 1.0) if schedule.warmup else 1.0
    low = min(schedule.minimum, peak)
    return low + (peak - low) * decay * warm
