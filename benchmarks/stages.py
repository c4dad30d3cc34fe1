"""Where the time of a photo goes, stage by stage and by its size; a table and two plots.

    python -m benchmarks.stages --mode lite --megapixels 1 2 4 8 16 --plots docs/performance

Sizes are made of one photo. Each stage is what the command does, one after the other; in the command
reading and writing overlap with the network. Needs the extra ``train`` or ``eval`` for the plots.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe_machine
from benchmarks.network import CONTRAST, enlarged
from benchmarks.versus import ROOT, make_home

STAGES = ("decode", "resize", "network", "upsample", "colours", "encode")


def profile(remover: Any, photo: Path, rounds: int) -> dict[str, float]:
    """Return the median seconds of each stage, and of the whole."""
    from transparent_background.compositing.finish import finish
    from transparent_background.images.picture import to_pil
    from transparent_background.matting.pictures import matte_at
    from transparent_background.matting.preprocess import pass_sizes
    from transparent_background.media.reading import read
    from transparent_background.model.input import resize_rgb
    from transparent_background.options.result import ResultOptions

    taken: dict[str, list[float]] = {stage: [] for stage in (*STAGES, "all")}

    def timed(stage: str, function: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = function()
        taken[stage].append(time.perf_counter() - started)
        return result

    wanted = ResultOptions()
    for _ in range(rounds + 1):
        started = time.perf_counter()
        picture = timed("decode", lambda: read(photo))
        checkpoint = remover.checkpoint
        sizes = pass_sizes(
            picture.size,
            checkpoint.base_size,
            remover.resize,
            short_side=checkpoint.short_side,
            enlarge=checkpoint.enlarge,
        )
        timed("resize", lambda p=picture, sizes=sizes: [resize_rgb(p.rgb, size) for size in sizes if size])
        prediction = timed("network", lambda p=picture: remover.predictions([p])[0])
        taken["network"][-1] -= taken["resize"][-1]  # predictions resizes too
        matte = timed("upsample", lambda p=prediction, size=picture.size: matte_at(p, size))
        done = timed("colours", lambda p=picture, m=matte: finish(p, m, wanted, remover.device).result)
        timed("encode", lambda d=done: _write(to_pil(d.rgb, d.alpha)))
        taken["all"].append(time.perf_counter() - started - taken["resize"][-1])
    return {stage: statistics.median(values[1:]) for stage, values in taken.items()}


def _write(image: Any) -> None:
    from transparent_background.media.writing import png_options

    image.save(io.BytesIO(), "PNG", **png_options(image))


def plot(found: dict[str, dict[float, dict[str, float]]], prefix: Path) -> list[Path]:
    """Draw time against size for every mode, and the stages of the last size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 4.2), layout="constrained")
    for mode, sizes in found.items():
        axes.plot(list(sizes), [stages["all"] for stages in sizes.values()], "o-", label=mode)
    axes.set(xlabel="photo, megapixels", ylabel="seconds, JPEG to PNG", xscale="log", yscale="log")
    ticks = list(next(iter(found.values())))
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
    seconds = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]
    lowest, highest = axes.get_ylim()
    shown = [tick for tick in seconds if lowest <= tick <= highest]
    axes.set_yticks(shown, [f"{tick:g}" for tick in shown])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    against = prefix.with_name(prefix.name + "-size.png")
    figure.savefig(against, dpi=120)

    figure, axes = pyplot.subplots(figsize=(6.4, 0.9 + 0.5 * len(found)), layout="constrained")
    names = list(found)
    left = np.zeros(len(names))
    for stage in STAGES:
        shares = np.array([100 * s[stage] / s["all"] for s in (list(found[n].values())[-1] for n in names)])
        axes.barh(names, shares, left=left, label=stage)
        left += shares
    size = list(found[names[0]])[-1]
    axes.set(xlabel=f"share of a photo of {size:g} megapixels, %", xlim=(0, 100))
    axes.legend(ncols=len(STAGES), loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=7, frameon=False)
    stages_file = prefix.with_name(prefix.name + "-stages.png")
    figure.savefig(stages_file, dpi=120)
    return [against, stages_file]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--modes", nargs="+", default=["lite"], choices=["lite", "fast", "base"])
    parser.add_argument("--megapixels", nargs="+", type=float, default=[1, 2, 4, 8, 16])
    parser.add_argument("--photo", type=Path, default=ROOT / "samples" / "astronaut.jpg")
    parser.add_argument("--weights", type=Path, help="folder with ckpt_base.pth and ckpt_fast.pth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--plots", type=Path, metavar="PREFIX")
    arguments = parser.parse_args()
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # as the command sets it
    print(describe_machine())
    print("\n| mode | megapixels | " + " | ".join(f"{stage}, s" for stage in (*STAGES, "all")) + " |")
    print("|---" * (len(STAGES) + 3) + "|")
    found: dict[str, dict[float, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        if set(arguments.modes) - {"lite"}:
            make_home(home, arguments.weights, ["base", "fast"], CONTRAST)
        os.environ["TRANSPARENT_BACKGROUND_FILE_PATH"] = temporary
        from transparent_background import Remover

        for mode in arguments.modes:
            remover = Remover(mode)
            found[mode] = {}
            for megapixels in arguments.megapixels:
                photo = enlarged(arguments.photo, megapixels, home / "photo.jpg")
                stages = profile(remover, photo, arguments.rounds)
                found[mode][megapixels] = stages
                row = " | ".join(f"{stages[stage]:.3f}" for stage in (*STAGES, "all"))
                print(f"| {mode} | {megapixels:g} | {row} |", flush=True)
    if arguments.plots:
        for path in plot(found, arguments.plots):
            print(f"\n{path}")


if __name__ == "__main__":
    main()
