"""The bundled model in int8: what NNCF's post-training quantisation costs in accuracy and gains in time.

From the root of the project, with the extras ``int8`` and ``eval``::

    python -m benchmarks.int8 --calibrate PHOTOS ... --data HELD_OUT ...

``--calibrate`` takes folders of photos (or data sets with ``images/``), of which evenly spaced ones are used;
``--data`` data sets with ``images/`` and ``masks/``, none of which may be among them. Pictures are resized to
the graph's own square sizes, as a file written by ``transparent-background export`` takes them. Printed as
Markdown: float32 in PyTorch, and OpenVINO in float32, bfloat16 and int8.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from transparent_background.backends.export import export_sizes
from transparent_background.backends.graph import Graph, describe
from transparent_background.backends.int8 import import_nncf, quantise, read_photos
from transparent_background.backends.openvino import convert, save
from transparent_background.backends.runtimes import find_runtime
from transparent_background.checkpoints.recognition import find_checkpoint
from transparent_background.engine.loading import load_network
from transparent_background.evaluate.metrics import Evaluator
from transparent_background.media.pairs import evenly, find_pairs, read_pair

Array = np.ndarray[Any, np.dtype[np.float32]]
Run = Callable[..., Array]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calibrate", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--data", nargs="+", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--mode", default="lite")
    parser.add_argument("--resize", choices=("static", "blend"), help="default: the mode's")
    parser.add_argument("--subset", type=int, default=300, help="photos to calibrate on (300)")
    parser.add_argument("--limit", type=int, help="pictures of each data set")
    parser.add_argument("--folder", type=Path, default=Path("int8"), help="where files are written (int8)")
    parser.add_argument("--threads", type=int, help="of the runtimes")
    parser.add_argument("--repeat", type=int, default=20, help="timed runs; 0: none (20)")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    find_runtime("openvino").version()  # first, as it imports OpenVINO without its reports to Intel
    if options.threads:
        torch.set_num_threads(options.threads)

    record, weights = find_checkpoint(options.mode, None)
    sizes = export_sizes(record, options.resize)
    graph = Graph(
        load_network(record, weights, torch.device("cpu")), *filter(None, sizes), finish=record.normalisation
    )
    files = _files(graph, describe(graph, record), options)
    runtime = find_runtime("openvino")

    def load(name: str, precision: Any = "float32") -> Run:
        return runtime.load(files[name], threads=options.threads, precision=precision)

    runs: dict[str, Run] = {
        "PyTorch, float32": _in_pytorch(graph),
        "OpenVINO, float32": load("float32"),
        "OpenVINO, bfloat16": load("float32", "bfloat16"),
        **{f"OpenVINO, {name}": load(name) for name in files if name.startswith("int8")},
    }
    versions = f"{runtime.version()}, NNCF {import_nncf().__version__}"
    print(f"{record.name}, {sizes[0]} and {sizes[1]}, {versions}\n")
    print("| runtime | data | pictures | max F | MAE | mBA | S | MB |\n|---|---|---|---|---|---|---|---|")
    megabytes = {
        name: sum(p.stat().st_size for p in files[name].parent.glob(f"{files[name].stem}.*")) / 1e6
        for name in files
    }
    for data in options.data:
        for title, scores in _scores(runs, graph, data, options.limit).items():
            size = megabytes.get(title.removeprefix("OpenVINO, "), megabytes["float32"])
            values = " | ".join(f"{scores[name]:.4f}" for name in ("max_f", "mae", "mba", "s_measure"))
            print(f"| {title} | {data.name} | {scores['count']:.0f} | {values} | {size:.1f} |", flush=True)
    if options.repeat:
        print("\n| runtime | ms (median) | ms (least) |\n|---|---|---|")
        for title, times in _times(runs, graph, options.repeat).items():
            print(f"| {title} | {np.median(times):.1f} | {min(times):.1f} |")


def _files(graph: Graph, metadata: dict[str, str], options: argparse.Namespace) -> dict[str, Path]:
    """Write the network in float32 and quantised; return the files by precision."""
    files = {"float32": options.folder / f"{options.mode}_float32.xml"}
    save(convert(graph, metadata, any_batch=False), files["float32"], half=False)
    held_out = {pair.image.resolve() for data in options.data for pair in find_pairs(data)}
    photos = read_photos(_photos(options.calibrate, options.subset, held_out), graph)
    variants = {
        "int8": (),
        # attention's products and the map of residuals are little of the time and much of the error
        "int8 convolutions": ("MatMul",),
    }
    for name, ignored in variants.items():
        quantised = quantise(convert(graph, metadata, any_batch=False), graph, photos, ignored=ignored)
        files[name] = options.folder / f"{options.mode}_{name.replace(' ', '_')}.xml"
        save(quantised, files[name], half=False)
    print(f"calibrated on {len(photos)} photos\n")
    return files


def _photos(folders: Sequence[Path], count: int, held_out: set[Path]) -> list[Path]:
    """Choose photos evenly; an error if one is held out."""
    found = []
    for folder in folders:
        images = folder / "images" if (folder / "images").is_dir() else folder
        files = sorted(path for path in images.iterdir() if path.is_file())
        found += evenly(files, -(-count // len(folders)))
    both = held_out & {path.resolve() for path in found}
    if both:
        raise SystemExit(f"{min(both)}: is held out and may not be calibrated on")
    return found[:count]


def _in_pytorch(graph: Graph) -> Run:
    def run(*inputs: Array) -> Array:
        with torch.inference_mode():
            tensors = [torch.from_numpy(x).contiguous(memory_format=torch.channels_last) for x in inputs]
            result: Array = graph(*tensors).numpy()
        return result

    return run


def _scores(runs: dict[str, Run], graph: Graph, data: Path, limit: int | None) -> dict[str, dict[str, float]]:
    evaluators = {title: Evaluator() for title in runs}
    for rgb, mask in _pairs(data, limit):
        inputs = [x.numpy() for x in graph.take([rgb])]
        for title, run in runs.items():
            matte = torch.nn.functional.interpolate(
                torch.from_numpy(run(*inputs)), mask.shape, mode="bilinear", align_corners=True
            )
            evaluators[title].step(matte[0, 0].clamp(0, 1).numpy(), mask)
    return {title: {**e.results(), "count": e.count} for title, e in evaluators.items()}


def _pairs(data: Path, limit: int | None) -> Iterator[tuple[Any, Array]]:
    for pair in evenly(find_pairs(data), limit):
        image, mask = read_pair(pair)
        yield np.asarray(image), np.asarray(mask, np.float32) / np.float32(255)


def _times(runs: dict[str, Run], graph: Graph, repeat: int) -> dict[str, list[float]]:
    """Time the runs in turn, so that a busy moment of the machine meets them all: milliseconds."""
    inputs = [x.numpy() for x in graph.examples(1)]
    for run in runs.values():
        run(*inputs)
    times: dict[str, list[float]] = {title: [] for title in runs}
    for _ in range(repeat):
        for title, run in runs.items():
            started = time.perf_counter()
            run(*inputs)
            times[title].append(1000 * (time.perf_counter() - started))
    return times


if __name__ == "__main__":
    main()
