"""Errors of mattes on composites whose true alpha is known, by kind of edge.

From the root of the project; ``--data`` takes folders with ``images/`` and ``masks/`` that no model was
trained on::

    python -m benchmarks.composites --data DATA/val/ECSSD DATA/val/FeralCats --backgrounds DATA/backgrounds \
        --count 24 --models lite last.safetensors u2netp.onnx --out composites --sheet

Objects of the data sets are enlarged to a megapixel with smooth outlines and put on backgrounds, each with
every kind of edge: hard (the control), hair, defocus by 4 and by 12 pixels, motion, and a translucent part.
Of ``--backgrounds`` the half is used whose names' SHA-256 are even; without it grounds are drawn. A
composite follows from the seed, its index and its kind alone.

Printed as Markdown, means over the composites: SAD, gradient and connectivity errors in thousands, MSE, over
the whole picture and over the unknown band (soft pixels and all within 10 pixels). An object counts as
found from a soft IoU of 0.7; a second table leaves out those that one of the models missed, since they tell
little about edges. The first line of each kind is what a perfect but hard mask would score. ``--out``
takes the same as JSON with the scores of each composite, and ``--sheet`` adds pictures to look at.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import cv2
import numpy as np
import torch

from benchmarks.machine import describe_machine

from .edges import EDGES
from .make import Composite, Composites
from .programs import HARD, open_program, titles
from .scores import FOUND, Scores, errors, found_by_all, overlap, table, unknown_band
from .sheets import draw_sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument(
        "--backgrounds", type=Path, metavar="FOLDER", help="pictures; without it they are drawn"
    )
    parser.add_argument("--count", type=int, default=24, help="objects, each with every kind of edge (24)")
    parser.add_argument("--kinds", nargs="+", choices=list(EDGES), default=list(EDGES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--models", nargs="+", default=["lite"], help="modes, files of weights, U-2-Net's .onnx"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every program")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="where composites.json is written")
    parser.add_argument("--sheet", action="store_true", help="and a picture of each composite, into --out")
    options = parser.parse_args()
    if options.sheet and options.out is None:
        parser.error("--sheet: needs --out")
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # on by default since 1.29; read at its import
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    print(f"{describe_machine()}\n", flush=True)
    names = titles(options.models)
    programs = {
        name: open_program(model, options.threads) for name, model in zip(names, options.models, strict=True)
    }
    composites = Composites(options.data, options.backgrounds, options.seed)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    scores: list[Scores] = []
    for composite in every(composites, options.count, options.kinds):
        mattes = {name: program(composite.image) for name, program in programs.items()}
        scores += score(composite, mattes)
        if options.sheet:
            name = f"{composite.index:03}-{composite.kind.replace(' ', '-')}.jpg"
            draw_sheet(composite, mattes).save(options.out / name, quality=90)
    print(report(scores))
    if options.out is not None:
        found = {"seed": options.seed, "scores": [dataclasses.asdict(one) for one in scores]}
        text = json.dumps(found, indent=1)
        (options.out / "composites.json").write_text(text + "\n", encoding="utf-8")


def every(composites: Composites, count: int, kinds: list[str]) -> Iterator[Composite]:
    """Make all composites, one after the other."""
    for index in range(count):
        for kind in kinds:
            yield composites.make(index, kind)


def score(composite: Composite, mattes: Mapping[str, np.ndarray]) -> list[Scores]:
    """Score the mattes of a composite, and the truth without its softness."""
    truth = composite.alpha
    band = unknown_band(truth)
    return [
        Scores(
            kind=composite.kind,
            index=composite.index,
            name=composite.name,
            model=model,
            whole=errors(matte, truth),
            band=errors(matte, truth, band),
            iou=overlap(matte, truth),
        )
        for model, matte in {HARD: (truth > 0.5).astype(np.float32), **mattes}.items()
    ]


def report(scores: list[Scores]) -> str:
    """Write both tables."""
    kept = found_by_all(scores)
    text = f"All composites:\n\n{table(scores)}"
    if kept:
        text += f"\n\nThose whose object every model found (soft IoU of at least {FOUND}):\n\n{table(kept)}"
    return text


if __name__ == "__main__":
    main()
