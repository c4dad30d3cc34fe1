"""Time of a 1-megapixel photo through our models and through U-2-Net at 320 x 320 in ONNX Runtime.

That is the network, size and engine of rembg's default, and what is done around it is what rembg
does. Prints a Markdown table, takes 0.2 GB of temporary files, wants an idle machine::

    pip install onnx onnxscript onnxruntime
    python -m benchmarks.u2net --model lite --rounds 10

The weights, which do not change the time, are random unless rembg's file is given (``--u2net``). But
the time of a PNG depends on the mask, so that ours, shrunk to 320 x 320, then takes the place of a
random network's, once that has been computed. Calls alternate between the programs; medians, and
ratios of medians: above 1 U-2-Net takes longer.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import io
import itertools
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from PIL import Image, ImageOps

from benchmarks.photo import SAMPLES, alternate, load, megapixel, write_png
from transparent_background import Remover
from transparent_background.model.input import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    import onnxruntime

SIDE = 320  # pixels; rembg's, and the paper's
OPSET = 18
STEPS = ("JPEG to matte, s", "JPEG to cut-out, s", "and its PNG, s")
ALONE = "network alone, s"


class Rembg:
    """The steps of rembg's default, from a file's bytes, in its order.

    Parameters
    ----------
    session
        U-2-Net in ONNX Runtime.
    cut_out
        ``"putalpha"``: the photo's colours stay where it is transparent, as in our results.
        ``"composite"``: they darken with the mask, down to black, as in rembg's without ``putalpha``.
    stand_in
        (320, 320) in [0, 1], used in place of the network's own mask.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, cut_out: str, stand_in: np.ndarray | None
    ) -> None:
        self.session = session
        self.cut_out = cut_out
        self.stand_in = stand_in

    def run(self, inputs: np.ndarray) -> np.ndarray:
        """(1, 3, 320, 320) float32 -> (320, 320); all seven maps are computed."""
        name = self.session.get_inputs()[0].name
        return self.session.run(None, {name: inputs})[0][0, 0]

    def small_matte(self, photo: Image.Image) -> np.ndarray:
        """Predict (320, 320), float32, stretched to [0, 1]."""
        prediction = self.run(network_input(photo))
        low, high = prediction.min(), prediction.max()
        return (prediction - low) / (high - low)

    def matte(self, photo: Image.Image) -> Image.Image:
        """Predict a mask of the photo's own size."""
        mask = self.small_matte(photo)
        if self.stand_in is not None:
            mask = self.stand_in
        return Image.fromarray((mask * 255).astype(np.uint8)).resize(photo.size, Image.Resampling.LANCZOS)

    def alpha(self, content: bytes) -> Image.Image:
        return self.matte(decode(content))

    def process(self, content: bytes) -> Image.Image:
        photo = decode(content)
        matte = self.matte(photo)
        if self.cut_out == "composite":
            return Image.composite(photo, Image.new("RGBA", photo.size, 0), matte)
        photo.putalpha(matte)
        return photo


def decode(content: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(content)))


def network_input(photo: Image.Image) -> np.ndarray:
    """Resize to (1, 3, 320, 320), float32, stretched to a maximum of 1 and normalised."""
    pixels = np.asarray(photo.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    values = (pixels / max(int(pixels.max()), 1) - IMAGENET_MEAN) / IMAGENET_STD
    return values.transpose(2, 0, 1)[None].astype(np.float32)  # (h, w, 3) -> (1, 3, h, w)


def export(file: Path, photo: bytes) -> None:
    """Write U-2-Net with random weights as an ONNX file."""
    from benchmarks.u2net_network import U2Net, settle

    torch.manual_seed(0)
    network = U2Net()
    example = torch.from_numpy(network_input(decode(photo)))
    settle(network, example)
    torch.onnx.export(network, (example,), file, dynamo=True, opset_version=OPSET, verbose=False)


def open_session(file: Path, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    # Its threads otherwise go on spinning after a run, at the cost of whatever is timed next.
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(file, settings, providers=["CPUExecutionProvider"])


def stand_in_mask(remover: Remover, photo: bytes) -> np.ndarray:
    """Shrink our matte of a photo to what the network would give, (320, 320) in [0, 1]."""
    matte = Image.fromarray(remover.alpha(photo))
    return np.clip(np.asarray(matte.resize((SIDE, SIDE), Image.Resampling.BILINEAR)), 0, 1)


def steps_of(program: Remover | Rembg, photo: bytes) -> list[Callable[[], object]]:
    """Return what is timed of both, in the order of STEPS."""
    return [
        lambda: program.alpha(photo),
        lambda: program.process(photo),
        lambda: write_png(program.process(photo)),
    ]


def measure(programs: Sequence[Remover | Rembg], photo: bytes, rounds: int) -> list[list[list[float]]]:
    """Return for each program, for each step, the seconds of its calls; last comes the network alone."""
    steps = zip(*(steps_of(program, photo) for program in programs), strict=True)
    functions = list(itertools.chain.from_iterable(steps))  # all programs' first step, then the second
    rival = programs[-1]
    functions.append(functools.partial(rival.run, network_input(decode(photo))))
    times = alternate(functions, rounds)
    found = [times[index :: len(programs)][: len(STEPS)] for index in range(len(programs))]
    found[-1].append(times[-1])
    return found


def rows(photo: str, names: Sequence[str], found: Sequence[Sequence[Sequence[float]]]) -> list[str]:
    """Write the lines of one photo: seconds of each program, then the ratio to each of our models."""
    medians = [list(map(statistics.median, times)) for times in found]
    *ours, theirs = medians
    cells = [[f"{value:.3f}" for value in line] for line in medians]
    cells += [[f"{b / a:.2f}" for a, b in zip(line, theirs[: len(line)], strict=False)] for line in ours]
    labels = [*names, *(f"{names[-1]} / {name}" for name in names[:-1])]
    width = len(STEPS) + 1
    return [
        f"| {photo} | {label} | " + " | ".join(line + [""] * (width - len(line))) + " |"
        for label, line in zip(labels, cells, strict=True)
    ]


def require(packages: Sequence[str]) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        names = " ".join(missing)
        raise SystemExit(f"benchmarks.u2net needs packages that are not here: pip install {names}")


def machine(threads: int, weights: str, rounds: int) -> str:
    import onnxruntime

    return (
        f"{os.cpu_count()} CPUs ({platform.machine()}), {threads} threads, "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"onnxruntime {onnxruntime.__version__}; U-2-Net {weights}; {rounds} rounds"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--model", nargs="+", default=["lite"], help="modes, or files of weights")
    parser.add_argument("--photos", nargs="+", type=Path, default=sorted(SAMPLES.glob("*.jpg")))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every program")
    parser.add_argument("--u2net", type=Path, metavar="FILE.onnx", help="rembg's weights, u2net.onnx")
    parser.add_argument(
        "--cut-out", choices=("putalpha", "composite"), default="putalpha", help="how U-2-Net's is made"
    )
    options = parser.parse_args()
    require(["onnxruntime"] if options.u2net else ["onnx", "onnxscript", "onnxruntime"])
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # on by default since 1.29; read at its import
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    removers = [load(model) for model in options.model]
    photos = {path.stem: megapixel(path) for path in options.photos}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = options.u2net or Path(folder) / "u2net.onnx"
        if options.u2net is None:
            export(file, next(iter(photos.values())))
        session = open_session(file, options.threads)
    weights = "with random weights" if options.u2net is None else f"of {file.name}"
    print(machine(options.threads, weights, options.rounds), end="\n\n")
    print("| photo | model | " + " | ".join((*STEPS, ALONE)) + " |\n" + "|---" * (len(STEPS) + 3) + "|")
    names = [*(Path(model).stem for model in options.model), "U-2-Net"]
    everything: list[list[list[float]]] = [
        [[] for _ in range(len(STEPS) + (name == names[-1]))] for name in names
    ]
    for stem, photo in photos.items():
        stand_in = None if options.u2net else stand_in_mask(removers[0], photo)
        rival = Rembg(session, options.cut_out, stand_in)
        found = measure([*removers, rival], photo, options.rounds)
        print("\n".join(rows(stem, names, found)), flush=True)
        for whole, part in zip(everything, found, strict=True):
            for times, more in zip(whole, part, strict=True):
                times += more
    print("\n".join(rows("all", names, everything)))


if __name__ == "__main__":
    main()
