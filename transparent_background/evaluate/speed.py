"""What a model costs: parameters, arithmetic, time, memory."""

from __future__ import annotations

import multiprocessing
import re
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..types import FloatArray

WARM_UP = 2  # runs before the clock starts: memory is taken, kernels are chosen


@dataclass(frozen=True)
class Cost:
    """What one model costs for one picture."""

    model: str
    size: tuple[int, int]
    """(height, width) of the picture."""
    parameters: int
    gflop: float
    """Of all passes of the network; a multiplication and an addition count as two."""
    matte_ms: float
    """Median time from pixels to the matte at the picture's size."""
    cut_out_ms: float
    """Median time from pixels to the cut-out with estimated foreground colours."""
    peak_mb: float | None
    """Largest memory: of the device, or on a CPU of the whole process; None where it cannot be told."""


def measure(
    model: str,
    size: tuple[int, int] = (1024, 1024),
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
    model: str, size: tuple[int, int], device: str | None, resize: Any, repeat: int, threads: int | None
) -> Cost:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ..compositing.finish import finish
    from ..images.conversions import give_back
    from ..images.picture import from_array
    from ..matting.network import NetworkPredictor
    from ..matting.pictures import predict_mattes
    from ..options.result import ResultOptions

    if threads:
        torch.set_num_threads(threads)
    path = Path(model).expanduser()
    options: dict[str, Any] = {"device": device, "resize": resize}
    options |= {"ckpt": path} if path.is_file() else {"mode": model}
    predictor = NetworkPredictor(**options)
    image = _picture(size)
    picture = from_array(image)

    def matte() -> FloatArray:
        return predict_mattes(predictor, [picture])[0]

    def cut_out() -> Any:
        return give_back(finish(picture, matte(), ResultOptions(), predictor.device).result, image)

    with FlopCounterMode(display=False) as counter:
        matte()
    on_gpu = predictor.device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    matte_ms = _median_ms(matte, repeat)
    cut_out_ms = _median_ms(cut_out, repeat)
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


def _picture(size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Draw a bright ellipse with a soft, noisy edge on a dark ground: uint8 (h, w, 3)."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    radius = np.hypot((y - height / 2) / (height * 0.35), (x - width / 2) / (width * 0.3))
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 3))
    inside = np.clip((1.05 - radius) * 10, 0, 1)[..., None]
    colours = inside * (210, 120, 60) + (1 - inside) * (40, 70, 50)
    picture: np.ndarray[Any, np.dtype[np.uint8]] = np.clip(colours + noise, 0, 255).astype(np.uint8)
    return picture


def _median_ms(function: Callable[[], object], repeat: int) -> float:
    for _ in range(WARM_UP):
        function()
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


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
