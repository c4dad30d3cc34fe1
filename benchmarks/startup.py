"""How long it takes to start: help, import, and from process start to a written cut-out.

    python -m benchmarks.startup [--photo samples/astronaut.jpg] [--runs 5] [--versus PYTHON]

``--versus`` names the Python of an environment with transparent-background 1.3.4, whose help and
import are timed beside ours in turn. The cut-out is of a 1-megapixel photo, with the bundled model.
Medians of whole processes.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).parents[1] / "samples" / "astronaut.jpg"


def seconds(command: list[str]) -> float:
    """Run a command to its end and return the wall-clock time it took."""
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photo", type=Path, default=SAMPLE)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--versus", metavar="PYTHON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photo = Path(folder, "photo.jpg")
        Image.open(options.photo).convert("RGB").resize((1024, 1024)).save(photo, quality=92)
        module = ["-m", "transparent_background"]
        ours = {
            "`--help`": [sys.executable, *module, "--help"],
            "`import transparent_background`": [sys.executable, "-c", "import transparent_background"],
            "an empty Python": [sys.executable, "-c", ""],
            "`import torch`": [sys.executable, "-c", "import torch"],
            "1-megapixel photo to cut-out, `lite`": [
                *(sys.executable, *module, "-m", "lite", str(photo), "-d", folder, "-q")
            ],
        }
        theirs = {}
        if options.versus:
            console = "from transparent_background import console; console()"
            theirs = {
                "`--help`": [options.versus, "-c", console, "--help"],
                "`import transparent_background`": [options.versus, "-c", "import transparent_background"],
            }
        print("| what | ours, s | 1.3.4, s |")
        print("|---|---|---|")
        for name, command in ours.items():
            other = theirs.get(name)
            seconds(command)  # warms the disk cache
            pairs = [(seconds(command), seconds(other) if other else None) for _ in range(options.runs)]
            mine = statistics.median(first for first, _ in pairs)
            their = [second for _, second in pairs if second is not None]
            print(f"| {name} | {mine:.2f} | {f'{statistics.median(their):.2f}' if their else '-'} |")


if __name__ == "__main__":
    main()
