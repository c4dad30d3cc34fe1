"""Compare with transparent-background 1.3.4: same weights, same photos, largest difference per type.

Prints a Markdown table and writes nothing but the other program's environment, which is made once
(``--env``; about 5 GB from PyPI). From the root of the project::

    python -m benchmarks.versus --weights ~/.transparent-background

Without ``--weights`` both programs get seeded weights in the published format. They show that both
compute the same function, and more harshly than trained weights do: their mattes are noise, soft
everywhere, so that estimated colours and blur differ everywhere and say little about real photos.

Both programs run on the same number of threads, else their times say nothing: 1.3.4 loads pymatting,
whose import puts torch back on all cores whatever ``OMP_NUM_THREADS`` says.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
DRIVER = Path(__file__).with_name("versus_driver.py")
CACHE = Path("~/.cache/transparent-background-benchmarks/1.3.4")
URL = "https://github.com/plemeri/transparent-background/releases/download/1.2.12/"
BASE_SIZES = {"base": 1024, "fast": 384}  # pixels, both sides; the published config.yaml
CROSSING = 0.5  # where threshold=0.5 and the outline of overlay jump
ALLOWED = 2  # bytes


@dataclass(frozen=True)
class Task:
    """One call of ``process``, and what is known beforehand about its result."""

    name: str
    options: dict[str, Any]
    improved: str = ""
    """Why ours differs on purpose; such a result is measured and not judged."""
    jumps: bool = False
    """The result jumps where the matte crosses 0.5."""
    array: bool = False
    """Give an array in place of a PIL picture."""
    reach: int = field(default=0, kw_only=True)
    """How many pixels from a crossing the jump reaches."""


def tasks(backdrop: Path) -> list[Task]:
    own_colours = "colours by our own estimator"
    return [
        Task("rgba", {"type": "rgba"}, own_colours),
        Task("map", {"type": "map"}),
        Task("green", {"type": "green"}),
        Task("white", {"type": "white"}),
        Task("colour", {"type": "[255, 0, 0]"}),
        Task("blur", {"type": "blur"}, "no halo of the object"),
        Task("overlay", {"type": "overlay"}, jumps=True, reach=3),  # Canny: smoothing 3x3, and its links
        Task("background", {"type": str(backdrop)}),
        Task("reverse", {"type": "green", "reverse": True}),
        Task("threshold", {"type": "rgba", "threshold": 0.5}, jumps=True),
        Task("array", {"type": "map"}, "arrays resized with antialiasing", array=True),
    ]


def other_python(env: Path) -> Path:
    """Return the interpreter of the environment that holds 1.3.4, made first if it is not there."""
    python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"installing transparent-background 1.3.4 into {env}", file=sys.stderr)
        venv.create(env, with_pip=True)
    wanted = "import importlib.metadata as m; assert m.version('transparent-background') == '1.3.4'"
    if subprocess.run([python, "-c", wanted], capture_output=True, check=False).returncode:
        command = [python, "-m", "pip", "install", "--quiet", "transparent-background==1.3.4", "setuptools"]
        subprocess.run(command, check=True)
    return python


def seeded_weights(path: Path, contrast: float = 1.0) -> None:
    """Write weights that follow from their names, as a published checkpoint.

    ``contrast`` multiplies the first saliency map: with 20, a percent of a matte is soft, as trained
    networks leave it, in place of half of it.
    """
    import torch

    from tests.helpers.reference_weights import published_shapes, published_state_dict

    state = published_state_dict("swinb")
    for key, shape in published_shapes("swinb").items():
        if key.endswith("relative_position_index"):
            state[key] = torch.from_numpy(relative_positions(round(shape[0] ** 0.5)))
    state["decoder.conv5.conv.weight"] *= contrast
    torch.save(state, path)


def relative_positions(side: int) -> np.ndarray:
    """Number the offsets between any two pixels of a window, (side^2, side^2) int64 (Swin, eq. 4)."""
    rows, columns = np.divmod(np.arange(side * side), side)
    down = rows[:, None] - rows[None] + side - 1
    right = columns[:, None] - columns[None] + side - 1
    return (down * (2 * side - 1) + right).astype(np.int64)


def make_home(folder: Path, weights: Path | None, modes: list[str], contrast: float = 1.0) -> None:
    """Lay out what both programs look for, with the true checksums, so that neither downloads."""
    home = folder / ".transparent-background"
    home.mkdir()
    lines = []
    for mode in modes:
        name = f"ckpt_{mode}.pth"
        if weights is not None:
            (home / name).symlink_to((weights / name).resolve(strict=True))
        elif mode == modes[0]:
            seeded_weights(home / name, contrast)
        else:
            (home / name).symlink_to(home / f"ckpt_{modes[0]}.pth")
        md5 = hashlib.md5((home / name).read_bytes()).hexdigest()
        size = [BASE_SIZES[mode]] * 2
        lines += [f"{mode}:", f'  url: "{URL}{name}"', f'  md5: "{md5}"', f'  ckpt_name: "{name}"']
        lines += ["  http_proxy: NULL", f"  base_size: {size}"]
    (home / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def drive(python: Path, folder: Path, who: str, job: dict[str, Any]) -> Path:
    """Run one program in its environment; return the folder of its results."""
    out = folder / f"{who}-{job['mode']}"
    out.mkdir()
    file = out / "job.json"
    file.write_text(json.dumps({**job, "out": str(out)}), encoding="utf-8")
    environment = {**os.environ, "TRANSPARENT_BACKGROUND_FILE_PATH": str(folder)}
    environment["TRANSPARENT_BACKGROUND_OFFLINE"] = "1"
    environment["OMP_NUM_THREADS"] = environment["NUMBA_NUM_THREADS"] = str(job["threads"])
    environment["PYTHONPATH"] = str(ROOT) if who == "ours" else ""
    done = subprocess.run(
        [python, DRIVER, file], env=environment, cwd=out, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{who}, {job['mode']}: the program failed\n{done.stderr}")
    return out


@dataclass
class Difference:
    """Absolute differences in bytes, gathered over photos."""

    largest: float = 0.0
    total: float = 0.0
    values: int = 0
    above: int = 0
    pixels: int = 0
    unexplained: int = 0

    def add(self, first: np.ndarray, second: np.ndarray, excused: np.ndarray | None = None) -> None:
        """Count one pair of results; ``excused`` marks pixels that may differ."""
        if first.shape != second.shape:
            raise SystemExit(f"results differ in shape: {first.shape} and {second.shape}")
        distance = np.abs(first.astype(np.float64) - second.astype(np.float64))
        each = distance.reshape(*distance.shape[:2], -1).max(-1)
        self.largest = max(self.largest, float(distance.max()))
        self.total += float(distance.sum())
        self.values += distance.size
        self.above += int((each > ALLOWED).sum())
        self.pixels += each.size
        self.unexplained += int(((each > ALLOWED) & (excused is None or ~excused)).sum())

    def row(self, mode: str, name: str, verdict: str, ratio: str) -> str:
        """Write a line of the table."""
        share = f"{100 * self.above / self.pixels:.3g} %"
        numbers = f"{self.largest:.3g} | {self.total / self.values:.3g} | {share}"
        return f"| {mode} | {name} | {numbers} | {ratio} | {verdict} |"


def crossings(matte: np.ndarray, reach: int) -> np.ndarray:
    """Mark the pixels whose matte is within 1/255 of 0.5, and their neighbours."""
    near = np.abs(matte - CROSSING) <= 1 / 255
    padded = np.pad(near, reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1))
    return windows.any((-2, -1))


def judge(task: Task, found: Difference) -> str:
    if task.improved:
        return f"not judged, differs on purpose: {task.improved}"
    if found.unexplained:
        return f"**exceeds 2 at {found.unexplained} pixels**"
    if found.above:
        return f"within 2, but where the matte is within 1/255 of 0.5 ({found.above} pixels)"
    return "within 2"


def compare(mode: str, todo: list[Task], theirs: Path, ours: Path, photos: int) -> Iterator[str]:
    """Yield the rows of one mode."""
    seconds = [json.loads((folder / "seconds.json").read_text()) for folder in (theirs, ours)]
    numbers = range(photos)
    mattes = [[np.load(folder / f"{n}.matte.npy") for n in numbers] for folder in (theirs, ours)]
    matte = Difference()
    for first, second in zip(*mattes, strict=True):
        matte.add(first * 255.0, second * 255.0)
    verdict = "within 1/255" if matte.largest <= 1 else "**exceeds 1/255**"
    yield matte.row(mode, "float matte x 255", verdict, "")
    for task in todo:
        spent = [sum(took[f"{n}.{task.name}"] for n in numbers) for took in seconds]
        ratio = f"{spent[0] / photos:.2f} s / {spent[1] / photos:.2f} s = {spent[0] / spent[1]:.2f}"
        found, alpha = Difference(), Difference()
        for n in numbers:
            first, second = (np.load(folder / f"{n}.{task.name}.npy") for folder in (theirs, ours))
            if task.name == "rgba":
                alpha.add(first[..., 3], second[..., 3])
                first, second = first[..., :3], second[..., :3]
            found.add(first, second, crossings(mattes[0][n], task.reach) if task.jumps else None)
        if task.name == "rgba":
            yield alpha.row(mode, "rgba: alpha", judge(Task("alpha", {}), alpha), ratio)
            yield found.row(mode, "rgba: colours", judge(task, found), "")
        else:
            yield found.row(mode, task.name, judge(task, found), ratio)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    names = [task.name for task in tasks(Path())]
    parser.add_argument("--env", type=Path, default=CACHE, help="environment with 1.3.4, made if missing")
    parser.add_argument("--photos", type=Path, default=ROOT / "samples", help="a folder or one photo")
    parser.add_argument("--limit", type=int, help="use this many photos")
    parser.add_argument("--weights", type=Path, help="folder with ckpt_base.pth and ckpt_fast.pth")
    parser.add_argument("--modes", nargs="+", choices=list(BASE_SIZES), default=list(BASE_SIZES))
    parser.add_argument("--types", nargs="+", choices=names, default=names)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--threads", type=int, default=1, help="of each program; more only on an idle machine"
    )
    parser.add_argument("--repeats", type=int, default=1, help="the least time of so many calls counts")
    options = parser.parse_args()
    where = options.photos.expanduser().resolve()
    photos = ([where] if where.is_file() else sorted(where.glob("*.jpg")))[: options.limit]
    if not photos:
        raise SystemExit(f"{where}: no photos (*.jpg)")
    weights = options.weights.expanduser() if options.weights else None
    other = other_python(options.env.expanduser())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_home(folder, weights, options.modes)
        backdrop = folder / "backdrop.png"  # as PNG, so that two JPEG decoders do not come into it
        with Image.open(ROOT / "samples" / "coffee.jpg") as picture:
            picture.save(backdrop)
        todo = [task for task in tasks(backdrop) if task.name in options.types]
        calls = [{"name": task.name, "options": task.options, "array": task.array} for task in todo]
        print("| mode | type | largest | mean | pixels above 2 | seconds 1.3.4 / ours | |")
        print("|---|---|---|---|---|---|---|")
        for mode in options.modes:
            job = {"mode": mode, "device": options.device, "photos": list(map(str, photos)), "tasks": calls}
            job |= {"threads": options.threads, "repeats": options.repeats}
            theirs = drive(other, folder, "theirs", job)
            ours = drive(Path(sys.executable), folder, "ours", job)
            for line in compare(mode, todo, theirs, ours, len(photos)):
                print(line, flush=True)


if __name__ == "__main__":
    main()
