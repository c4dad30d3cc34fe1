"""Whether long work holds no more at its end than soon after its beginning (Linux).

Ten thousand requests, a film of five thousand frames, a folder of twenty thousand pictures::

    python -m benchmarks.soak --plot docs/service-memory.png

Memory may be a tenth more in the last tenth of the work than in the second; threads, descriptors and
temporary files may not be more.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.machine import describe_machine

from . import requests, runs
from .watch import HEAD


def main() -> None:
    """Run what is asked for and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=10_000, help="to a service; 0: none (10000)")
    parser.add_argument("--frames", type=int, default=5_000, help="of a film (5000)")
    parser.add_argument("--pictures", type=int, default=20_000, help="in a folder (20000)")
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument(
        "--largest", type=int, default=768, help="long side of the largest picture asked about (768)"
    )
    parser.add_argument("--resize", default="static", help="what the service's network sees (static)")
    parser.add_argument("--plot", type=Path, help="a PNG of the service's memory to write")
    options = parser.parse_args()
    answers: list[str] = []
    print(describe_machine(), "\n")
    print(HEAD, flush=True)
    if options.requests:
        started = time.monotonic()
        soak = requests.ask(options.requests, options.clients, options.largest, options.resize)
        words = f"{soak.done} requests, {options.clients} clients, {time.monotonic() - started:.0f} s"
        print(soak.watch.table(words), flush=True)  # each as it comes: all take hours
        answers = [
            f"| {kind} | {answer} | {times} |" for (kind, answer), times in sorted(soak.answers.items())
        ]
        answers.append(f"\nThe service's memory was {soak.peak:.0f} MB at its peak.")
        if options.plot:
            requests.plot(soak, options.plot)
    for name, count, run in (
        ("frames", options.frames, runs.film),
        ("pictures", options.pictures, runs.pictures),
    ):
        if count:
            with tempfile.TemporaryDirectory() as folder:
                started = time.monotonic()
                watch = run(count, Path(folder))
                words = f"{count} {name}, {time.monotonic() - started:.0f} s"
                print(watch.table(words), flush=True)
    if answers:
        print("\n| request | answer | times |\n|---|---|---|")
        print("\n".join(answers))


if __name__ == "__main__":
    main()
