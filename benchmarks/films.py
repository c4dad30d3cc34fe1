"""Frames a second of films, end to end, and beside them transparent-background 1.3.4 in its mode fast.

Prints Markdown tables. From the root of the project::

    python -m benchmarks.films --film FILM.mp4 --heights 480 1080 --versus

Every film is cut and scaled to each height first (H.264, with its own rate). A program's time a frame is
the difference between a long and a short cut, divided by the frames they differ by, so that starting and
loading do not count; all runs are processes of their own, taken in turn. 1.3.4 gets seeded weights in the
published format, for its time does not depend on them; its environment is made once (benchmarks.versus).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from .versus import CACHE, make_home, other_python

SHORT, LONG = 16, 96  # frames of the two cuts of ours
OTHER_SHORT, OTHER_LONG = 3, 11  # of 1.3.4


def cut(film: Path, out: Path, height: int, frames: int) -> Path:
    """Write the first frames of a film at a height, played again from the start if it is shorter."""
    count = 0
    with av.open(str(out), "w") as target:
        stream: Any = None
        while count < frames:
            with av.open(str(film)) as source:
                video = source.streams.video[0]
                for frame in source.decode(video):
                    if stream is None:
                        width = round(height * frame.width / frame.height / 2) * 2
                        stream = target.add_stream("libx264", rate=video.average_rate, options={"crf": "18"})
                        stream.width, stream.height = width, height
                        stream.codec_context.time_base = 1 / Fraction(video.average_rate)
                    scaled = frame.reformat(stream.width, stream.height, "yuv420p", interpolation="BICUBIC")
                    scaled.pts, scaled.time_base = count, stream.codec_context.time_base
                    scaled.pict_type = 0
                    target.mux(stream.encode(scaled))
                    count += 1
                    if count == frames:
                        break
        target.mux(stream.encode())
    return out


def ours(film: Path, kind: str, folder: Path, mode: str) -> tuple[float, dict[str, Any]]:
    """Run our command; return its seconds and what it says of the film."""
    command = [sys.executable, "-m", "transparent_background", str(film), "-m", mode, "-t", kind]
    command += ["-d", str(folder / "out"), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return time.perf_counter() - started, json.loads(done.stdout)["results"][0]["film"]


def theirs(python: Path, film: Path, kind: str, folder: Path) -> float:
    """Run 1.3.4's command in its mode fast; return its seconds."""
    environment = {**os.environ, "TRANSPARENT_BACKGROUND_FILE_PATH": str(folder), "PYTHONPATH": ""}
    code = "from transparent_background import console; console()"
    command = [str(python), "-c", code, "--source", str(film), "--dest", str(folder / "theirs")]
    command += ["--mode", "fast", "--type", kind, "--device", "cpu"]
    (folder / "theirs").mkdir(exist_ok=True)
    started = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode or not list((folder / "theirs").iterdir()):
        raise SystemExit(f"1.3.4 failed:\n{done.stderr}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--film", type=Path, required=True)
    parser.add_argument("--heights", type=int, nargs="+", default=[480, 1080])
    parser.add_argument("--types", nargs="+", default=["green", "rgba"])
    parser.add_argument("--mode", default="lite")
    parser.add_argument("--rounds", type=int, default=2, help="the least time of so many runs counts")
    parser.add_argument("--versus", action="store_true", help="run 1.3.4 on the same films (type green)")
    parser.add_argument("--env", type=Path, default=CACHE, help="environment with 1.3.4, made if missing")
    options = parser.parse_args()
    other = other_python(options.env.expanduser()) if options.versus else None
    rows, stages = [], []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if other is not None:
            make_home(folder, None, ["fast"])
        for height in options.heights:
            films = {n: cut(options.film, folder / f"{height}_{n}.mp4", height, n)
                     for n in (SHORT, LONG, OTHER_SHORT, OTHER_LONG)}  # fmt: skip
            if other is not None and height == options.heights[0]:
                theirs(other, films[OTHER_SHORT], "green", folder)  # imports and compiles for the first time
            for kind in options.types:
                times: dict[int, list[float]] = {n: [] for n in films}
                report: dict[str, Any] = {}
                for _ in range(options.rounds):
                    for n in (SHORT, LONG):
                        spent, report = ours(films[n], kind, folder, options.mode)
                        times[n].append(spent)
                    if other is not None and kind == "green":
                        for n in (OTHER_SHORT, OTHER_LONG):
                            times[n].append(theirs(other, films[n], kind, folder))
                each = (min(times[LONG]) - min(times[SHORT])) / (LONG - SHORT)
                line = f"| {height} | {kind} | {1 / each:.1f} |"
                if times[OTHER_LONG]:
                    slow = (min(times[OTHER_LONG]) - min(times[OTHER_SHORT])) / (OTHER_LONG - OTHER_SHORT)
                    line += f" {1 / slow:.2f} | {slow / each:.1f} |"
                else:
                    line += " | |"
                rows.append(line)
                shares = [1000 * report["stages"][name] / report["frames"]
                          for name in ("decode", "network", "compose", "encode")]  # fmt: skip
                stages.append(f"| {height} | {kind} | " + " | ".join(f"{ms:.0f}" for ms in shares) + " |")
    print("| height | type | frames a second | 1.3.4 fast | ratio |\n|---|---|---|---|---|")
    print("\n".join(rows))
    print("\n| height | type | decode, ms a frame | network | compose | encode |\n|---|---|---|---|---|---|")
    print("\n".join(stages))


if __name__ == "__main__":
    main()
