"""Steadiness and accuracy of films' mattes: one frame at a time, smoothed, enlarged in several ways.

From the root of the project::

    python -m benchmarks.steady CLIP ... --mode lite

A clip is a folder with ``frames/`` and ``masks/`` (DAVIS has such), or a film, which has no masks. Printed
as Markdown, means over clips:

- IoU, MAE and mBA against the masks;
- dtSSD (Erofeev et al. 2015): the error of the change from frame to frame, times 100;
- flicker: how much a matte differs from the last one moved along the optical flow of the full frames,
  where the frames themselves agree within 15 grey levels, times 100. The smoothing has another flow.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from transparent_background import Remover
from transparent_background.evaluate.boundary import mean_boundary_accuracy
from transparent_background.images.picture import Picture
from transparent_background.matting.frames import FrameMatter
from transparent_background.matting.pictures import enlarge
from transparent_background.media.reading import read
from transparent_background.media.video.readers import open_film

Matte = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Variant:
    """One way from frames to mattes."""

    name: str
    resize: str
    temporal: bool
    enlarge: Callable[[Matte, Picture], Matte]


def plain(matte: Matte, picture: Picture) -> Matte:
    height, width = picture.size
    sized: Matte = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
    return sized


VARIANTS = (
    Variant("one pass, bilinear", "static", False, plain),
    Variant("two passes (blend), bilinear", "blend", False, plain),
    Variant("one pass, guided", "static", False, enlarge),
    Variant("**one pass, guided, steadied** (default)", "static", True, enlarge),
    Variant("two passes (blend), guided, steadied", "blend", True, enlarge),
)


@dataclass
class Scores:
    """What is gathered over one clip."""

    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, **scores: float) -> None:
        for name, value in scores.items():
            self.values.setdefault(name, []).append(value)

    def mean(self, name: str) -> float:
        return float(np.nanmean(self.values[name])) if name in self.values else float("nan")


class Flow:
    """Where each pixel of a frame was in the last one, at full size; computed once a clip."""

    def __init__(self) -> None:
        self.flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self.known: dict[int, tuple[Any, Any]] = {}

    def __call__(self, index: int, last: Picture, now: Picture) -> tuple[Any, Any]:
        if index not in self.known:
            before, after = (cv2.cvtColor(p.rgb, cv2.COLOR_RGB2GRAY) for p in (last, now))
            height, width = after.shape
            y, x = np.mgrid[0:height, 0:width].astype(np.float32)
            where = np.dstack([x, y]) + self.flow.calc(after, before, None)
            moved = cv2.remap(before, where, None, cv2.INTER_LINEAR)
            self.known[index] = where, np.abs(moved.astype(np.float32) - after) < 15
        return self.known[index]


def load(clip: Path, limit: int) -> Iterator[tuple[Picture, Any]]:
    if clip.is_file():
        for index, frame in enumerate(open_film(clip)):
            if index == limit:
                return
            yield frame.picture, None
        return
    masks = sorted((clip / "masks").iterdir())
    for frame, mask in list(zip(sorted((clip / "frames").iterdir()), masks, strict=True))[:limit]:
        yield read(frame), read(mask).rgb[..., 0] > 127


def score(remover: Remover, variant: Variant, clip: list[tuple[Picture, Any]], flow: Flow) -> Scores:
    matter = FrameMatter(remover, resize=variant.resize, temporal=variant.temporal)  # type: ignore[arg-type]
    scores = Scores()
    last: tuple[Picture, Matte, Any] | None = None
    for index, (picture, mask) in enumerate(clip):
        prepared = [matter.prepare(picture)]
        (small,) = matter.steady(prepared, matter.infer(prepared))
        alpha = variant.enlarge(small, picture)
        if mask is not None:
            found = alpha > 0.5
            union = (found | mask).sum()
            scores.add(iou=(found & mask).sum() / union if union else 1.0, mae=np.abs(alpha - mask).mean())
            scores.add(mba=mean_boundary_accuracy(found, mask))
        if last is not None:
            where, agrees = flow(index, last[0], picture)
            moved = cv2.remap(last[1], where, None, cv2.INTER_LINEAR)
            scores.add(flicker=100 * float(np.abs(moved - alpha)[agrees].mean()))
            if mask is not None:
                change = (alpha - last[1]) - (mask.astype(np.float32) - last[2])
                scores.add(dtssd=100 * float(np.sqrt((change**2).mean())))
        last = picture, alpha, None if mask is None else mask.astype(np.float32)
    return scores


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+")
    parser.add_argument("--mode", default="lite")
    parser.add_argument("--frames", type=int, default=120, help="of each clip at most")
    options = parser.parse_args()
    remover = Remover(options.mode)
    clips = [list(load(clip, options.frames)) for clip in options.clips]
    flows = [Flow() for _ in clips]
    print("| mattes | IoU | MAE | mBA | dtSSD | flicker | flicker, clip by clip |")
    print("|---|---|---|---|---|---|---|")
    for variant in VARIANTS:
        found = [score(remover, variant, clip, flow) for clip, flow in zip(clips, flows, strict=True)]
        masked = [s for s in found if "iou" in s.values]
        cells = [np.mean([s.mean(name) for s in masked]) for name in ("iou", "mae", "mba", "dtssd")]
        each = [s.mean("flicker") for s in found]
        numbers = f"{cells[0]:.3f} | {cells[1]:.4f} | {cells[2]:.3f} | {cells[3]:.1f} | {np.mean(each):.2f}"
        print(f"| {variant.name} | {numbers} | {', '.join(f'{value:.2f}' for value in each)} |", flush=True)


if __name__ == "__main__":
    main()
