"""Foreground colours by a multi-level estimate, in detail only where the matte is soft.

A pixel of a photo is ``I = alpha * F + (1 - alpha) * B``. A cut-out that keeps ``I`` carries the
old background along its edge; this module estimates ``F``. It minimises the cost of

    T. Germer, T. Uelwer, S. Conrad, S. Harmeling: Fast Multi-Level Foreground Estimation,
    ICPR 2020, arXiv 2006.14970

from a tiny picture to the full one, with three differences, each measured by
``benchmarks/foreground.py``:

- A coarse pixel stands for its whole block by the block's normal equations, where the paper takes
  one of the block's pixels. So thin hair, with background beside it, decides on every level.
- Down to a quarter of the size the whole picture is solved. The two finest levels are solved in
  windows of 32 x 32 pixels, and only in those that hold soft pixels: opaque pixels keep
  their colour, and fully transparent ones take the quarter-size estimate.
- All pixels of an iteration are updated at once (Jacobi), which suits vector units and GPUs.

PyTorch does it, so that a GPU can.
"""

from __future__ import annotations

from itertools import groupby

import cv2
import numpy as np
import torch
from torch import Tensor

from ...types import ColourArray, FloatArray
from ..strips import strips
from .levels import BlockSystem, PixelSystem, double, halve, inner, moments_of, solve_levels

# Below half a byte a pixel counts as transparent, above 254.5 bytes as opaque.
TRANSPARENT, OPAQUE = 0.5 / 255, 254.5 / 255

COARSE = 4  # the whole picture is solved at 1/4 of its size
WINDOW = 32  # side of a window, in pixels; a multiple of COARSE
STRIP_PIXELS = 1 << 18  # pixels handled at once where the picture is passed over
BATCH_WINDOWS = {"cpu": 256, "other": 2048}  # windows solved at once: what a CPU's cache holds

RANGES = {torch.uint8: 255.0, torch.uint16: 65535.0}


def estimate_foreground(
    image: ColourArray, alpha: FloatArray, *, device: torch.device | None = None
) -> ColourArray:
    """Estimate the colours that the foreground has of its own, free of the background's.

    Parameters
    ----------
    image
        The picture (h, w, 3): uint8, uint16, or float32 in [0, 1].
    alpha
        Its matte (h, w), float32 in [0, 1].
    device
        Where it is worked on; None: the CPU.

    Returns
    -------
    The foreground's colours, of ``image``'s type and shape. Where ``alpha`` is 1 (above 254.5 / 255) they
    are the picture's own, exactly; where it is 0 they continue the object's edge smoothly.
    """
    # torch wants memory that it may write to, though nothing is written here
    own, matte = (torch.from_numpy(np.require(part, requirements=["C", "W"])) for part in (image, alpha))
    return _estimate(own.to(device), matte.to(device)).cpu().numpy()


@torch.inference_mode()
def _estimate(image: Tensor, alpha: Tensor) -> Tensor:
    """(h, w, 3), (h, w) -> (h, w, 3) of the image's type."""
    fb = solve_levels(_quarter(image, alpha))
    out = image.clone()
    clear, solved = _survey(alpha)
    _fill_clear(out, fb, clear)
    for windows in _batches(solved, alpha.shape):
        _solve_windows(out, image, alpha, fb, windows)
    return out


def _floats(colours: Tensor) -> Tensor:
    """Any stored type -> floats in [0, 1]."""
    if colours.dtype in RANGES:
        return colours.to(torch.float32).div_(RANGES[colours.dtype])
    return colours.to(torch.float32)


def _stored(colours: Tensor, dtype: torch.dtype) -> Tensor:
    """Floats in [0, 1] -> the image's type, rounded."""
    if dtype in RANGES:
        colours = (colours * RANGES[dtype]).add_(0.5)
    return colours.to(dtype)


def _quarter(image: Tensor, alpha: Tensor) -> Tensor:
    """Average the moments over blocks of 4 x 4 pixels: (8, h / 4, w / 4, 1)."""
    parts = []
    for rows in strips(alpha.shape, STRIP_PIXELS, WINDOW):
        colours = _filled_up(image[rows], COARSE).to(torch.float32)
        matte = _filled_up(alpha[rows], COARSE)
        terms = (matte[..., None], (matte * matte)[..., None], colours * _three_times(matte), colours)
        parts.append(torch.cat([_block_mean(term) for term in terms], 2))
    moments = torch.cat(parts).permute(2, 0, 1).contiguous()[..., None]
    moments[2:].div_(RANGES.get(image.dtype, 1.0))
    return moments


def _three_times(alpha: Tensor) -> Tensor:
    """(h, w) -> (h, w, 3): on a CPU in memory, as a product with it is three times as fast then."""
    if alpha.device.type != "cpu":
        return alpha[..., None]
    return torch.from_numpy(cv2.merge([alpha.numpy()] * 3))


def _filled_up(source: Tensor, side: int) -> Tensor:
    """Repeat the last row and column of (h, w, ...) until squares of that side fill it."""
    for axis in (0, 1):
        missing = -source.shape[axis] % side
        if missing:
            last = source.narrow(axis, source.shape[axis] - 1, 1)
            source = torch.cat([source] + [last] * missing, axis)
    return source


def _block_mean(source: Tensor) -> Tensor:
    """Average 4 x 4 pixels: (h, w, c) -> (h / 4, w / 4, c); rows first, as they are contiguous."""
    total = source[0::4] + source[1::4]
    total += source[2::4]
    total += source[3::4]
    return (total[:, 0::4] + total[:, 1::4] + total[:, 2::4] + total[:, 3::4]).mul_(1 / 16)


def _survey(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """Find the windows that are transparent all over, and those that have to be solved.

    Both are (window rows, window columns), bool. What is neither is opaque all over.
    """
    low, high = [], []
    for rows in strips(alpha.shape, STRIP_PIXELS, WINDOW):
        strip = _filled_up(alpha[rows], WINDOW)
        windows = strip.view(strip.shape[0] // WINDOW, WINDOW, strip.shape[1] // WINDOW, WINDOW)
        high.append(windows.amax(1).amax(2))  # ten times as fast as max_pool2d
        low.append(windows.amin(1).amin(2))
    clear = torch.cat(high) <= TRANSPARENT
    return clear, ~clear & (torch.cat(low) < OPAQUE)


def _fill_clear(out: Tensor, fb: Tensor, clear: Tensor) -> None:
    """Fill transparent windows with the coarse estimate.

    It stays in blocks of 4 x 4: alpha is 0 there, and what a later resize could draw in from near
    the edge has been solved with the edge's window.
    """
    coarse = _stored(fb[:3, :, :, 0], out.dtype).permute(1, 2, 0).contiguous()
    blocks = WINDOW // COARSE
    for row, flags in enumerate(clear.tolist()):
        start = 0
        for flag, run in groupby(flags):
            stop = start + len(list(run))
            if flag:
                target = out[row * WINDOW : (row + 1) * WINDOW, start * WINDOW : stop * WINDOW]
                part = coarse[row * blocks : (row + 1) * blocks, start * blocks : stop * blocks]
                wide = _repeat(part, 1)[:, : target.shape[1]]  # few pixels one by one, then whole rows
                target.copy_(_repeat(wide, 0)[: target.shape[0]])
            start = stop


def _repeat(part: Tensor, axis: int) -> Tensor:
    """Repeat every row or column COARSE times."""
    every = part.unsqueeze(axis + 1)
    return every.expand(*(COARSE if i == axis + 1 else -1 for i in range(every.ndim))).flatten(axis, axis + 1)


def _batches(solved: Tensor, size: tuple[int, ...]) -> list[Tensor]:
    """List the windows to solve as batches (n, 2) of window rows and columns.

    Windows that stand over the picture's edge come last, in batches of their own.
    """
    every = solved.nonzero()
    whole = ((every[:, 0] + 1) * WINDOW <= size[0]) & ((every[:, 1] + 1) * WINDOW <= size[1])
    count = BATCH_WINDOWS.get(solved.device.type, BATCH_WINDOWS["other"])
    groups = (every[whole], every[~whole])
    return [batch for group in groups if len(group) for batch in torch.split(group, count)]


def _positions(windows: Tensor, size: tuple[int, ...], side: int, halo: int) -> Tensor:
    """Index of every pixel of windows and their halo in (h * w): (side + 2 halo, ..., n)."""
    span = torch.arange(-halo, side + halo, device=windows.device)[:, None]
    rows = (windows[:, 0] * side + span).clamp_(0, size[0] - 1)
    columns = (windows[:, 1] * side + span).clamp_(0, size[1] - 1)
    return rows[:, None] * size[1] + columns[None]  # edge pixels repeat


def _take(source: Tensor, positions: Tensor) -> Tensor:
    """(h * w, c) at positions (s, s, n) -> (s, s, n, c)."""
    taken = _signed(source).index_select(0, positions.reshape(-1))
    return taken.view(source.dtype).view(*positions.shape, source.shape[1])


def _signed(source: Tensor) -> Tensor:
    """View uint16 as int16, for which PyTorch has more operations."""
    return source.view(torch.int16) if source.dtype == torch.uint16 else source


def _solve_windows(out: Tensor, image: Tensor, alpha: Tensor, fb: Tensor, windows: Tensor) -> None:
    """Solve the two finest levels in some windows and write their soft pixels.

    Each level gets one iteration, which uses up one pixel on every side. The one at full size needs a
    halo of 1, which is 1 at half size; the one there needs another, 2 in all, which are 4 at full
    size. So the result does not depend on how the picture is cut into windows.
    """
    positions = _positions(windows, alpha.shape, WINDOW, 4)
    pixels = _take(image.view(-1, 3), positions)  # (40, 40, n, 3)
    matte = _take(alpha.view(-1, 1), positions)[..., 0][None]  # (1, 40, 40, n)
    colours = _floats(pixels).permute(3, 0, 1, 2).contiguous()
    coarse = _positions(windows, fb.shape[1:3], WINDOW // COARSE, 1)
    guess = fb.reshape(6, -1)[:, coarse.reshape(-1)].view(6, *coarse.shape)  # (6, 10, 10, n)
    half = halve(moments_of(colours, matte))  # (8, 20, 20, n)
    state = BlockSystem(inner(half), half[:1]).step(double(guess))  # (6, 18, 18, n)
    state = inner(double(state))  # (6, 34, 34, n)
    system = PixelSystem(colours[:, 4:-4, 4:-4], matte[:, 3:-3, 3:-3])
    state = system.step(state)
    opaque = matte[0, 4:-4, 4:-4] >= OPAQUE
    solved = _stored(state[:3], out.dtype).permute(1, 2, 3, 0)  # (32, 32, n, 3)
    pixels = torch.where(opaque[..., None], pixels[4:-4, 4:-4], solved)
    _write(out, pixels, windows)


def _write(out: Tensor, pixels: Tensor, windows: Tensor) -> None:
    """Write (32, 32, n, 3) into their windows of (h, w, 3)."""
    height, width, _ = out.shape
    positions = _positions(windows, (height, width), WINDOW, 0).reshape(-1)
    colours = pixels.reshape(-1, 3)
    last = windows[-1] + 1
    if int(last[0]) * WINDOW > height or int(windows[:, 1].max() + 1) * WINDOW > width:
        span = torch.arange(WINDOW, device=out.device)[:, None]
        rows, columns = (windows[:, axis] * WINDOW + span for axis in (0, 1))
        inside = ((rows < height)[:, None] & (columns < width)[None]).reshape(-1)
        positions, colours = positions[inside], colours[inside]
    _signed(out).view(-1, 3).index_copy_(0, positions, _signed(colours.contiguous()))
