"""Compare foreground estimation with pymatting's on composites of known colours and alpha.

Prints a Markdown table and writes nothing. ``--data`` is a folder of sets, each with ``images/``
and ``masks/`` (one stem a pair), at any depth, and ``backgrounds/`` beside them::

    python -m benchmarks.foreground --data /path/to/data

Errors are over soft pixels, weighted by alpha; ratios are ours divided by pymatting's, so that
below 1 is better. "New" is the squared error of a composite over any new background.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from pymatting import estimate_foreground_ml

from benchmarks.colours import grain, pull_push
from transparent_background.compositing.foreground.estimate import estimate_foreground

MATTES = ("soft 1", "soft 3", "soft 8", "hair", "motion", "network")
SETS = ("GrabCut", "WeizmannHorse", "CCP", "ECSSD", "Products", "PeopleSeg")


def strands(rng: np.random.Generator, mask: np.ndarray) -> np.ndarray:
    """Draw curved hairs outwards from an object's contour, one pixel thick."""
    found, _ = cv2.findContours((mask > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contour = max(found, key=len)[:, 0].astype(np.float32)
    hair = np.zeros(mask.shape, np.float32)
    for i in rng.integers(0, len(contour), max(80, len(contour) // 4)):
        outwards = contour[i] - contour.mean(0)
        turn = math.atan2(outwards[1], outwards[0]) + rng.normal(0, 0.5)
        curl, length = rng.normal(0, 0.06), rng.uniform(0.02, 0.07) * max(mask.shape)
        angles = turn + curl * np.arange(12)
        steps = np.stack([np.cos(angles), np.sin(angles)], 1) * (length / 12)
        line = np.rint((contour[i] + steps.cumsum(0)) * 8).astype(np.int32)[:, None]
        cv2.polylines(hair, [line], False, float(rng.uniform(0.4, 1)), 1, cv2.LINE_AA, 3)
    return np.maximum(cv2.GaussianBlur(mask, (0, 0), 1), cv2.GaussianBlur(hair, (0, 0), 0.6))


def soften(rng: np.random.Generator, mask: np.ndarray, kind: str, scale: float) -> np.ndarray:
    """Make a hard mask soft in one of several ways."""
    if kind.startswith("soft"):
        return cv2.GaussianBlur(mask, (0, 0), float(kind[5:]) * scale**0.5)
    if kind == "hair":
        return strands(rng, mask)
    if kind == "motion":
        length = int(rng.integers(10, 30) * scale**0.7)
        kernel = np.zeros((length + 1, length + 1), np.float32)
        kernel[length // 2] = 1
        turn = cv2.getRotationMatrix2D((length / 2, length / 2), rng.uniform(0, 180), 1)
        kernel = cv2.warpAffine(kernel, turn, kernel.shape)
        return cv2.filter2D(mask, -1, kernel / kernel.sum())
    # As a network gives it: logits at 192 pixels, resized, sigmoid, min-max.
    k = 192 / max(mask.shape)
    small = cv2.resize(mask, None, fx=k, fy=k, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 1.2).clip(0.002, 0.998)
    logits = cv2.resize(np.log(small / (1 - small)) * 1.3, mask.shape[::-1])
    alpha = 1 / (1 + np.exp(-logits))
    return (alpha - alpha.min()) / (alpha.max() - alpha.min())


def load(path: Path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1].astype(np.float32) / 255


def make(rng: np.random.Generator, data: Path, kind: str, side: int) -> tuple[np.ndarray, ...]:
    """Make a composite (uint8), its alpha and its foreground, ``side`` pixels long."""
    masks = [m for name in SETS for m in sorted(data.glob(f"**/{name}/masks/*.png"))]
    covered = 0.0
    while not 0.05 < covered < 0.6:
        path = masks[rng.integers(len(masks))]
        mask = (cv2.imread(str(path), 0) > 127).astype(np.uint8)
        covered = mask.mean()
    photo = load(next((path.parents[1] / "images").glob(f"{path.stem}.*")))
    scale = side / max(mask.shape)
    size = (round(mask.shape[1] * scale), round(mask.shape[0] * scale))
    fore = cv2.resize(pull_push(photo, cv2.erode(mask, np.ones((5, 5)))), size, interpolation=cv2.INTER_CUBIC)
    hard = cv2.resize(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1), size)
    alpha = soften(rng, (hard > 0.6).astype(np.float32), kind, max(1, scale)).clip(0, 1)
    rooms = sorted((data / "backgrounds").iterdir())
    back = cv2.resize(load(rooms[rng.integers(len(rooms))]), size, interpolation=cv2.INTER_CUBIC)
    if scale > 1.5:
        fore, back = grain(rng, fore), grain(rng, back)
    fore, back = fore.clip(0, 1), back.clip(0, 1)
    mixed = fore * alpha[..., None] + back * (1 - alpha[..., None])
    return np.rint(mixed * 255).astype(np.uint8), alpha.astype(np.float32), fore


def errors(estimate: np.ndarray, alpha: np.ndarray, fore: np.ndarray) -> np.ndarray:
    """Return SAD, MSE and the error over a new background."""
    soft = (alpha > 1 / 255) & (alpha < 254 / 255)
    weight = alpha[soft][:, None]
    off = estimate[soft] - fore[soft]
    total = 3 * weight.sum()
    sad, mse = (weight * abs(off)).sum() / total, (weight * off**2).sum() / total
    return np.array([sad, mse, ((weight * off) ** 2).mean()])


def fastest(call: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(data: Path, kind: str, side: int, count: int, rounds: int) -> str:
    """Return one row of the table."""
    rng = np.random.default_rng(3)
    ours, theirs, seconds = np.zeros(3), np.zeros(3), np.zeros(2)
    soft = pixels = 0.0
    for _ in range(count):
        image, alpha, fore = make(rng, data, kind, side)
        ours += errors(estimate_foreground(image, alpha) / 255, alpha, fore)
        theirs += errors(estimate_foreground_ml(image / 255, alpha), alpha, fore)
        seconds[0] += fastest(lambda: estimate_foreground(image, alpha), rounds)  # noqa: B023
        seconds[1] += fastest(lambda: estimate_foreground_ml(image / 255, alpha), rounds)  # noqa: B023
        soft += ((alpha > 1 / 255) & (alpha < 254 / 255)).mean() / count
        pixels += alpha.size / 1e6 / count
    sad, mse, new = ours / theirs
    mine, other = seconds / count
    return (
        f"| {kind} | {pixels:.1f} | {soft:.1%} | {sad:.2f} | {mse:.2f} | {new:.2f} "
        f"| {mine:.3f} | {other:.3f} | {mine / other:.2f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos with masks, and backgrounds")
    parser.add_argument("--sides", type=int, nargs="+", default=[384, 1200, 3400, 5900])
    parser.add_argument("--count", type=int, default=8, help="composites a row at the smallest size")
    parser.add_argument("--rounds", type=int, default=3, help="timings; the fastest counts")
    parser.add_argument("--mattes", nargs="+", default=MATTES, choices=MATTES)
    options = parser.parse_args()
    print("| matte | megapixels | soft | SAD | MSE | new | ours, s | pymatting, s | time |")
    print("|---|---|---|---|---|---|---|---|---|")
    for side in options.sides:
        count = max(1, round(options.count * (options.sides[0] / side)))
        for kind in options.mattes:
            print(compare(options.data, kind, side, count, options.rounds), flush=True)


if __name__ == "__main__":
    main()
