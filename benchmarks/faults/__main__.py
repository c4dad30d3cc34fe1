"""Disturbs whole runs of the program, and sees whether its promises hold.

Linux; wants a C compiler, and to be root for small disks::

    python -m benchmarks.faults --moments 200 --seed 1

Signals at random moments, system calls that fail one after the other, small disks, little memory, sources
that change, and a clock that is set, each during a folder of photos, films, training and a download. Of every
run: no traceback, an exit code as documented, no source changed, nothing unfinished under a final name, and
nothing left over unless it was killed. The next run does the rest and leaves nothing over.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .jobs import Job
    from .promises import Trial

HERE = Path(__file__).parent
CALLS = "FAULTS_CALLS"  # names the library that was preloaded, in a folder of its own


def main() -> None:
    """Run all trials and print what came of them."""
    options = _options()
    if CALLS not in os.environ:
        _preload()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process that has begun others' threads cannot be forked
    from benchmarks.machine import describe_machine

    _import_all()
    root = Path(tempfile.mkdtemp(prefix="faults-"))
    counts: Counter[tuple[str, str]] = Counter()
    failures: list[dict[str, object]] = []
    started = time.monotonic()
    try:
        for trial, kind in _trials(options, root):
            counts[trial.job, kind] += 1
            if trial.broken:
                facts = {"fault": trial.fault, "broken": trial.broken, "said": trial.ended.errors[-5000:]}
                failures.append({"job": trial.job, "kind": kind, **facts})
                words = f"{trial.job}: {trial.fault}: {'; '.join(trial.broken)}"
                print(words, file=sys.stderr, flush=True)
            if options.out is not None:  # each time, since all take hours
                _save(options, counts, failures)
    finally:
        for folder in (root, Path(os.environ[CALLS]).parent):
            shutil.rmtree(folder, ignore_errors=True)
    minutes = (time.monotonic() - started) / 60
    print(describe_machine(), end="\n\n")
    print(_table(counts, failures))
    print(f"\n{sum(counts.values())} runs, each followed by another, in {minutes:.0f} minutes.")
    sys.exit(bool(failures))


def _trials(options: argparse.Namespace, root: Path) -> Iterator[tuple[Trial, str]]:
    """Disturb every job in every way; yield what came of each, and its kind."""
    from .faults import KINDS, nothing_mounted
    from .promises import Bench

    with nothing_mounted(root), _server() as server:
        for job in _jobs(server, options.jobs):
            bench = Bench(job, root)
            for kind in options.kinds or KINDS:
                if kind in job.spared or (kind == "disk" and os.geteuid()):
                    continue
                chance = random.Random(f"{options.seed} {job.name} {kind}")
                count = options.moments if kind == "signals" else options.each
                for trial in KINDS[kind](bench, count, chance):
                    yield trial, kind


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__.split("\n\n")[0])
    parser.add_argument("--moments", type=int, default=200, help="signals sent to each job (200)")
    parser.add_argument(
        "--each", type=int, default=12, help="faults of every other kind; of calls, the last n (12)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--jobs", nargs="*", help="folder, film, 'film --resume', training, download, ...; all"
    )
    parser.add_argument("--kinds", nargs="*", help="signals, calls, disk, memory, sources, clock; all")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write counts and failures as JSON")
    return parser.parse_args()


def _preload() -> None:
    """Start again with the calls that can fail."""
    library = Path(tempfile.mkdtemp(prefix="faults-")) / "calls.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, HERE / "calls.c", "-ldl"], check=True)
    environment = {**os.environ, CALLS: str(library), "LD_PRELOAD": str(library), "OMP_NUM_THREADS": "1"}
    os.execve(sys.executable, [sys.executable, "-m", "benchmarks.faults", *sys.argv[1:]], environment)


def _import_all() -> None:
    """Load what runs need, so that each begins at once."""
    import av  # noqa: F401
    import uvicorn  # noqa: F401

    import transparent_background.cli.models
    import transparent_background.cli.serve
    import transparent_background.cli.train
    import transparent_background.pipeline.worker
    import transparent_background.remover
    import transparent_background.train.trainer
    import transparent_background.web.app  # noqa: F401


def _jobs(address: tuple[str, str], names: list[str] | None) -> Iterator[Job]:
    from .jobs import Download, Film, Frames, Photos, ResumedFilm, Training
    from .served import Served

    for job in (Photos(), Film(), ResumedFilm(), Frames(), Training(), Download(*address), Served()):
        if not names or job.name in names:
            yield job


@contextmanager
def _server() -> Iterator[tuple[str, str]]:
    """Serve weights at a megabyte a second; yields address and checksum."""
    import io
    import zipfile
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("data", os.urandom(1 << 20))
    content = file.getvalue()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *words: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            """Send the file, or what a range asks for, piece by piece."""
            asked = self.headers.get("Range")
            start = int(asked.split("=")[1].rstrip("-")) if asked else 0
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            try:
                for at in range(start, len(content), 1 << 15):
                    self.wfile.write(content[at : at + (1 << 15)])
                    time.sleep(1 / 32)
            except OSError:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/w.pth", hashlib.md5(content).hexdigest()
    finally:
        server.shutdown()


def _save(
    options: argparse.Namespace, counts: Counter[tuple[str, str]], failures: list[dict[str, object]]
) -> None:
    kept = {
        "seed": options.seed,
        "counts": {" / ".join(key): n for key, n in counts.items()},
        "failures": failures,
    }
    options.out.write_text(json.dumps(kept, indent=1), encoding="utf-8")


def _table(counts: Counter[tuple[str, str]], failures: list[dict[str, object]]) -> str:
    jobs = list(dict.fromkeys(job for job, _ in counts))
    kinds = list(dict.fromkeys(kind for _, kind in counts))
    broken = Counter((failure["job"], failure["kind"]) for failure in failures)
    lines = [f"| | {' | '.join(kinds)} |", f"|{'---|' * (len(kinds) + 1)}"]
    for job in jobs:
        cells = [f"{counts[job, kind]} / {broken[job, kind]}" for kind in kinds]
        lines.append(f"| {job} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", "Runs disturbed / promises broken."])


if __name__ == "__main__":
    main()
