"""How many processor threads the network gets."""

from __future__ import annotations

import logging
import os

logger = logging.getLogger(__name__)


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
