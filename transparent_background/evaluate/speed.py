"""What a model costs: parameters, arithmetic, time, memory."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import sys
import timeit
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..images.drawn import draw_picture
from ..images.picture import Picture
from ..options.settings import settings_of
from ..types import Size

WARM_UP = 2  # runs before the clock starts: memory is taken, kernels are chosen


@dataclass(frozen=True)
class Cost:
    """What one model costs for one picture."""

    model: str
    size: Size
    """(height, width) of the picture."""
    parameters: int
    gflop: float
    """Billions of operations in all passes of the network; a multiplication and an addition are two."""
    matte_ms: float
    """Median time from pixels to the matte at the picture's size."""
    cut_out_ms: float
    """Median time from pixels to the cut-out with estimated foreground colours."""
    peak_mb: float | None
    """Largest memory: of the device, or on a CPU of the whole process; None where it cannot be told."""


def measure(
    model: str,
    size: Size = (1024, 1024),
    *,
    device: str | None = None,
    resize: Any = None,
    repeat: int = 10,
    threads: int | None = None,
) -> Cost:
    """Measure a model in a process of its own.

    Parameters
    ----------
    model
        A mode or a file of weights.
    size
        (height, width) of the picture.
    device, resize
        As for :class:`~transparent_background.Remover`.
    repeat
        Timed runs; the median counts.
    threads
        Threads of the CPU; None: PyTorch's choice.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, model, size, device, resize, repeat, threads).result()


def _measure(
    model: str, size: Size, device: str | None, resize: Any, repeat: int, threads: int | None
) -> Cost:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ..compositing.finish import finish
    from ..matting.network import NetworkPredictor
    from ..matting.pictures import predict_mattes

    if threads:
        torch.set_num_threads(threads)
    path = Path(model).expanduser()
    weights: dict[str, Any] = {"ckpt": path} if path.is_file() else {"mode": model}
    predictor = NetworkPredictor(**weights, device=device, resize=resize)
    picture, cut_out = Picture(draw_picture(size)[0]), settings_of(type="rgba")
    with FlopCounterMode(display=False) as counter:
        predict_mattes(predictor, [picture])
    on_gpu = predictor.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    matte_ms = _median_ms(lambda: predict_mattes(predictor, [picture]), repeat)
    cut_out_ms = _median_ms(
        lambda: finish(picture, predict_mattes(predictor, [picture])[0], cut_out, predictor.device), repeat
    )
    peak = torch.cuda.max_memory_allocated() if on_gpu else peak_memory()
    return Cost(
        model=model,
        size=size,
        parameters=predictor.parameter_count,
        gflop=counter.get_total_flops() / 1e9,
        matte_ms=matte_ms,
        cut_out_ms=cut_out_ms,
        peak_mb=None if peak is None else peak / 1e6,
    )


def _median_ms(function: Callable[[], object], repeat: int) -> float:
    return 1000 * statistics.median(timeit.repeat(function, number=1, repeat=WARM_UP + repeat)[WARM_UP:])


def peak_memory() -> int | None:
    """Return the most memory that this process has held so far, bytes; None on Windows.

    On Linux from ``/proc``, as ``getrusage`` counts what a process was before it became this program too: one
    started by a large program would begin at that program's peak.
    """
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
        if found:
            return int(found[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes there, kibibytes elsewhere
