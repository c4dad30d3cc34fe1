"""Broken pictures, films, weights and requests by the thousand, and what becomes of them.

::

    python -m benchmarks.fuzz --minutes 60 --seed 1 --out fuzz.json
    python -m benchmarks.fuzz --minutes 5 --seed 2 --only films
    python -m benchmarks.fuzz --case films:1:225        # one of them again, with its trace

A case is made from its kind, the seed and a number, the same every time. It is done in a process of its own
kind, which is replaced when it ends, hangs for 20 s or takes too much memory. What must not happen (a
traceback, a hang, memory over the bound, a signal, a changed source, an unfinished file) is made smaller and
saved with its trace in ``--failures``. Linux only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.machine import describe_machine

from .case import KINDS, Case, make_case
from .keeper import HANG, Keeper
from .minimise import minimise
from .tally import FAILURES, GOALS, Tally

TURN = 120.0  # seconds that a worker stays with one kind
REAL = 40  # every so manieth case is given the bundled network
SMALLER = 60.0  # seconds for making one failure smaller


class Run:
    """One run: numbers are handed out, and workers do them."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.kinds = [kind for kind in KINDS if kind in options.only]
        self.tally = Tally(options.seed, options.failures)
        self.numbers = {kind: count(options.first) for kind in self.kinds}
        self.end = time.monotonic() + 60 * options.minutes
        self._lock = threading.Lock()
        self._given = dict.fromkeys(self.kinds, 0)

    def next_kind(self) -> str:
        """Return the kind that is farthest from its goal."""
        with self._lock:
            kind = min(self.kinds, key=lambda kind: self._given[kind] / GOALS[kind])
            self._given[kind] += 1 + GOALS[kind] // 100  # so that the others look elsewhere
            return kind

    def work(self, index: int) -> None:
        """Do cases until the time is over."""
        while time.monotonic() < self.end:
            kind, turn = self.next_kind(), min(time.monotonic() + TURN, self.end)
            keeper = Keeper(self.folder / f"worker-{index}.log")
            try:
                while time.monotonic() < turn:
                    with self._lock:
                        number = next(self.numbers[kind])
                        self._given[kind] = max(self._given[kind], self.tally.counts[kind].inputs)
                    self.one(keeper, kind, number)
            finally:
                keeper.stop()

    def one(self, keeper: Keeper, kind: str, number: int) -> None:
        """Do a case; if it is the first that fails in its way, make it smaller and save it."""
        question = {"make": [kind, self.options.seed, number], "real": number % REAL == 0}
        answer = keeper.ask(question)
        if (
            answer["outcome"] == "hang"
        ):  # on a machine that was busy with something else, it may end the next time
            again = keeper.ask(question)
            answer = again if again["outcome"] != "signal" else answer
        if not self.tally.note(kind, number, answer):
            return
        case = make_case(kind, self.options.seed, number)
        print(f"{kind}:{self.options.seed}:{number}: {answer['outcome']}: {answer['what']}", flush=True)
        self.tally.save(answer["signature"], number, case, case, answer)
        smaller = minimise(case, lambda other: self.same(keeper, other, answer, question), seconds=SMALLER)
        self.tally.save(answer["signature"], number, case, smaller, answer)

    def same(self, keeper: Keeper, case: Case, answer: dict[str, Any], question: dict[str, Any]) -> bool:
        """Tell whether a case fails in the same way."""
        again = keeper.ask({"case": case.as_json(), "real": question["real"]})
        return again.get("signature") == answer["signature"]


def main() -> None:
    """Run, and tell."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        if options.case:
            raise SystemExit(_again(options.case, Path(name)))
        started = time.monotonic()
        run = Run(options, Path(name))
        workers = [threading.Thread(target=run.work, args=(index,)) for index in range(options.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    minutes = (time.monotonic() - started) / 60
    tally = run.tally
    print(describe_machine().replace("benchmarks.__main__", "benchmarks.fuzz"), "\n")
    print(f"{minutes:.1f} minutes, {options.workers} workers.\n")
    print(tally.table(), "\n")
    print("\n".join(tally.refusals()))
    for signature, known in tally.failures.items():
        first = f"{known[0]['kind']}:{options.seed}:{known[0]['number']}"
        print(f"- {len(known)} x {signature}: {known[0]['what']} ({first})")
    if options.out:
        told = {"minutes": round(minutes, 1), "workers": options.workers, **tally.as_json()}
        options.out.write_text(json.dumps(told, indent=2), encoding="utf-8")
    raise SystemExit(1 if tally.failures else 0)


def _again(text: str, folder: Path) -> int:
    """Do a case again, ``KIND:SEED:NUMBER`` or the folder of a failure, and tell what came of it."""
    if (Path(text) / "told.json").is_file():
        case = _saved(Path(text))
    else:
        kind, seed, number = text.split(":")
        case = make_case(kind, int(seed), int(number))
    (folder / "log").touch()
    keeper = Keeper(folder / "log")
    answer = keeper.ask({"case": case.as_json()})
    keeper.stop()
    shutil.copyfileobj((folder / "log").open(encoding="utf-8", errors="replace"), sys.stderr)
    answer.pop("case", None)
    print(f"{case.words}\n{case.name}, {len(case.data)} bytes, {case.options}")
    print(answer.pop("trace", ""))
    print(json.dumps(answer, indent=2))
    return int(answer["outcome"] in FAILURES)


def _saved(place: Path) -> Case:
    told = json.loads((place / "told.json").read_text(encoding="utf-8"))
    small = next(place.glob("small-*"))
    options = told["options of the small one"]
    return Case(told["case"].split(":")[0], small.name[6:], small.read_bytes(), options, told["words"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--only", type=lambda text: text.split(","), default=list(KINDS), help=",".join(KINDS)
    )
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument(
        "--first", type=int, default=0, help="number of the first case, to go on with a seed (0)"
    )
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    parser.add_argument(
        "--failures", type=Path, default=Path("fuzz-failures"), help="where failures are saved"
    )
    parser.add_argument(
        "--case", help=f"one case again: KIND:SEED:NUMBER or a failure's folder; ends after {HANG:.0f} s"
    )
    options = parser.parse_args()
    if unknown := set(options.only) - set(KINDS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(KINDS)}")
    return options


if __name__ == "__main__":
    main()
