"""Frames a second and latency of a camera: a film played as one, with and without --realtime.

    python -m benchmarks.camera FILM [--seconds 15] [--type blur] [--size 1280x720] [--mode lite]

Latency is from a frame's coming to its result; drawing or sending it is not in it. Each line is one run; the
first seconds, in which the network warms up and the size is found, are left out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # the decoding thread needs a core now and then

from transparent_background import Remover
from transparent_background.live.camera import Camera
from transparent_background.options.values import parse_size

WARM_UP = 6.0  # seconds


def measure(options: argparse.Namespace, remover: Remover, *, realtime: bool, temporal: bool) -> str:
    """Run one setting; return its row."""
    with Camera(
        options.film,
        remover,
        type=options.type,
        size=options.size,
        fps=options.fps,
        realtime=realtime,
        temporal=temporal,
    ) as camera:
        begin = time.monotonic()
        latencies: list[float] = []
        times: list[float] = []
        for frame in camera:
            now = time.monotonic()
            if now - begin > WARM_UP:
                latencies.append(frame.latency * 1000)
                times.append(now)
            if now - begin > WARM_UP + options.seconds:
                break
        status = camera.status
        height, width = frame.rgb.shape[:2]
    rate = (len(times) - 1) / (times[-1] - times[0])
    latencies.sort()
    network = "its own" if status.network is None else f"{status.network[1]} x {status.network[0]}"
    return (
        f"| {'on' if realtime else 'off'} | {'on' if temporal else 'off'} | {width} x {height} | {network} "
        f"| {rate:.1f} | {statistics.median(latencies):.0f} | {latencies[int(len(latencies) * 0.95)]:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("film")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--type", default="blur")
    parser.add_argument("--size", type=parse_size)
    parser.add_argument("--fps", type=float)
    parser.add_argument("--mode", default="lite")
    parser.add_argument("--device")
    options = parser.parse_args()
    remover = Remover(options.mode, device=options.device)
    print("| realtime | temporal | frame | network | frames/s | latency, median ms | 95 % below, ms |")
    print("|---|---|---|---|---|---|---|")
    for realtime, temporal in ((False, False), (False, True), (True, True)):
        print(measure(options, remover, realtime=realtime, temporal=temporal), flush=True)


if __name__ == "__main__":
    main()
