"""How many processor threads the network gets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from .predictor import Predictor

MAX_PASSES = 8  # of the network at once; more would only take memory


def usable_cores() -> int:
    """Return the physical cores that this process may use.

    The second thread of a core gains nothing in matrix products, and PyTorch's default counts neither a
    container's share of the processor nor, everywhere, the cores that a scheduler allows; too many threads
    then wait for each other.
    """
    from loky import cpu_count

    return max(int(cpu_count(only_physical_cores=True)), 1)


def set_threads(count: int | None) -> int:
    """Set the threads of PyTorch and OpenCV in this process; return their number.

    Parameters
    ----------
    count
        None: what ``OMP_NUM_THREADS`` says, or else :func:`usable_cores`.
    """
    import cv2
    import torch

    if count is None and "OMP_NUM_THREADS" in os.environ:
        return torch.get_num_threads()
    chosen = usable_cores() if count is None else count
    torch.set_num_threads(chosen)
    cv2.setNumThreads(chosen)
    return chosen


@contextmanager
def passes_side_by_side(predictor: Predictor) -> Iterator[int]:
    """Say how many passes of the network are to run at once, and set the libraries' threads for that.

    Several, of one thread each, where the plan says so (:attr:`ExecutionPlan.side_by_side`).
    """
    import cv2
    import torch

    threads, others = torch.get_num_threads(), cv2.getNumThreads()
    if not predictor.plan.side_by_side or threads == 1:
        yield 1
        return
    try:
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        yield min(threads, MAX_PASSES)
    finally:
        torch.set_num_threads(threads)
        cv2.setNumThreads(others)
