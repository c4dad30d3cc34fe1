"""Whole runs of the command against transparent-background 1.3.4: the first photo, and a folder of photos.

    python -m benchmarks.folder --photos FOLDER --count 100
    python -m benchmarks.folder --count 1 --runs 5 --modes fast lite base

Both commands, from the start of the process to the last written PNG (``rgba``), in turn; the disk is warm.
``--modes`` are ours; 1.3.4 runs in ``--other`` (its fast). Weights as in ``benchmarks.versus``.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from benchmarks.machine import describe_machine
from benchmarks.network import CONTRAST, enlarged
from benchmarks.versus import BASE_SIZES, CACHE, ROOT, make_home, other_python

PHOTOS = (".jpg", ".jpeg", ".png", ".webp")
CONSOLE = "from transparent_background import console; console()"


def run(command: list[str], home: Path, *, ours: bool) -> tuple[float, float]:
    """Run a command to its end; return its seconds and its peak memory in GiB.

    The peak that ``wait4`` tells is at least this process's own (Linux keeps it when a program starts
    another), so it is refused where it is no more than that.
    """
    environment = {**os.environ, "TRANSPARENT_BACKGROUND_FILE_PATH": str(home)}
    environment["TRANSPARENT_BACKGROUND_OFFLINE"] = "1"
    environment["PYTHONPATH"] = str(ROOT) if ours else ""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"{command} failed\n{errors.decode(errors='replace')}")
    if usage.ru_maxrss <= resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
        raise SystemExit(f"{command} held less memory than this benchmark: its peak cannot be told")
    return seconds, usage.ru_maxrss / 2**20


def gather(source: Path, count: int, megapixels: float | None, folder: Path) -> None:
    """Put as many photos into a folder, some of them several times if there are fewer."""
    folder.mkdir()
    photos = [source] if source.is_file() else sorted(p for p in source.iterdir() if p.suffix in PHOTOS)
    if not photos:
        raise SystemExit(f"{source}: no photos")
    for number in range(count):
        photo, target = photos[number % len(photos)], folder / f"{number:03}.jpg"
        if megapixels is not None:
            enlarged(photo, megapixels, target)
        elif photo.suffix == ".jpg":
            shutil.copy(photo, target)
        else:
            with Image.open(photo) as opened:
                opened.convert("RGB").save(target, quality=92)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--env", type=Path, default=CACHE, help="environment with 1.3.4, made if missing")
    parser.add_argument("--weights", type=Path, help="folder with ckpt_base.pth and ckpt_fast.pth")
    parser.add_argument("--photos", type=Path, default=ROOT / "samples")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--megapixels", type=float, help="bring all photos to this size")
    parser.add_argument("--modes", nargs="+", default=["lite"])
    parser.add_argument("--other", choices=list(BASE_SIZES), default="fast")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--options", nargs="*", default=[], help="more of ours, after a --")
    arguments = parser.parse_args()
    other = other_python(arguments.env.expanduser())
    weights = arguments.weights.expanduser() if arguments.weights else None
    print(describe_machine())
    print("\n| program | seconds | photos a second | times 1.3.4's | peak memory |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:  # so that this process stays small
            apart.submit(make_home, home, weights, list(BASE_SIZES), CONTRAST).result()
        photos, out = home / "photos", home / "out"
        gather(arguments.photos.expanduser(), arguments.count, arguments.megapixels, photos)
        commands: dict[str, list[str]] = {
            f"1.3.4, {arguments.other}": [
                *(str(other), "-c", CONSOLE, "--source", str(photos), "--dest", str(out)),
                *("--mode", arguments.other, "--device", "cpu"),
            ]
        }
        for mode in arguments.modes:
            commands[f"ours, {mode}"] = [
                *(sys.executable, "-m", "transparent_background", str(photos), "-d", str(out)),
                *("-m", mode, "-q", *arguments.options),
            ]
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for name, command in commands.items():
            if arguments.runs > 1:  # warms the disk, and what 1.3.4 compiles and keeps
                run(command, home, ours=name.startswith("ours"))
        for _ in range(arguments.runs):
            for name, command in commands.items():
                shutil.rmtree(out, ignore_errors=True)
                out.mkdir()
                found[name].append(run(command, home, ours=name.startswith("ours")))
                written = len(list(out.glob("**/*.png")))
                if written != arguments.count:
                    raise SystemExit(f"{name} wrote {written} results of {arguments.count}")
        first = 0.0
        for name, runs in found.items():
            seconds = statistics.median(taken for taken, _ in runs)
            first = first or seconds
            rate = f"{arguments.count / seconds:.2f} | {first / seconds:.2f}"
            print(
                f"| {name} | {seconds:.2f} | {rate} | {max(peak for _, peak in runs):.2f} GiB |", flush=True
            )


if __name__ == "__main__":
    main()
