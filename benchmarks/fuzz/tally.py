"""Counts what came of the cases, saves what failed, and tells both."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .case import KINDS, Case

GOALS = {"pictures": 10_000, "films": 5_000, "checkpoints": 2_000, "requests": 10_000}
FAILURES = ("traceback", "hang", "memory", "signal", "fault")
KEPT = 3  # cases that are saved of one failure


@dataclass(slots=True)
class Count:
    """What came of the cases of one kind."""

    inputs: int = 0
    results: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    slowest: tuple[float, int] = (0.0, 0)
    """Seconds, and the number of the case."""
    peak: int = 0
    """Bytes that one case added to the memory at most."""


class Tally:
    """Counts for all kinds; several threads may note."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.seed, self.folder = seed, folder
        self.counts = {kind: Count() for kind in KINDS}
        self.failures: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def note(self, kind: str, number: int, answer: dict[str, Any]) -> bool:
        """Count a case; return whether it is the first that failed in its way."""
        with self._lock:
            count, outcome = self.counts[kind], answer["outcome"]
            count.inputs += 1
            count.slowest = max(count.slowest, (round(answer["seconds"], 2), number))
            count.peak = max(count.peak, answer["peak"])
            if outcome == "result":
                count.results[answer["what"]] += 1
            elif outcome == "refused":
                count.refused[answer["what"]] += 1
            else:
                count.failed[outcome] += 1
                known = self.failures.setdefault(answer["signature"], [])
                known.append({"kind": kind, "number": number, "what": answer["what"], "outcome": outcome})
                return len(known) == 1
            return False

    def save(self, signature: str, number: int, case: Case, smaller: Case, answer: dict[str, Any]) -> Path:
        """Write a case that failed: as it was, as small as it became, and how it ended."""
        plain = re.sub(r"[^\w.-]+", "_", signature)[:80]
        place = self.folder / f"{case.kind}-{self.seed}-{number}-{plain}"
        place.mkdir(parents=True, exist_ok=True)
        (place / case.name).write_bytes(case.data)
        (place / f"small-{case.name}").write_bytes(smaller.data)
        told = {
            "case": f"{case.kind}:{self.seed}:{number}",
            "words": case.words,
            "options": case.options,
            "options of the small one": smaller.options,
            **{name: answer.get(name) for name in ("outcome", "what", "signature", "seconds", "trace")},
        }
        (place / "told.json").write_text(json.dumps(told, indent=2), encoding="utf-8")
        return place

    def as_json(self) -> dict[str, Any]:
        """Return all that was counted."""
        kinds = {}
        for kind, count in self.counts.items():
            kinds[kind] = {
                "inputs": count.inputs,
                "results": dict(count.results),
                "refused": dict(count.refused),
                "failed": dict(count.failed),
                "slowest": {"seconds": count.slowest[0], "case": f"{kind}:{self.seed}:{count.slowest[1]}"},
                "peak_mib": count.peak >> 20,
            }
        return {"seed": self.seed, "kinds": kinds, "failures": self.failures}

    def table(self) -> str:
        """Return the counts as a Markdown table, a row a kind."""
        lines = [
            "| seed | kind | inputs | results | refused | tracebacks | hangs | memory | signals | others | "
            "slowest, s | peak, MiB |",
            "|---|---|---|---|---|---|---|---|---|---|---|---|",
        ]
        for kind, count in self.counts.items():
            if count.inputs:
                failed = " | ".join(str(count.failed[name]) for name in FAILURES)
                done, refused = count.results.total(), count.refused.total()
                lines.append(
                    f"| {self.seed} | {kind} | {count.inputs} | {done} | {refused} | {failed} "
                    f"| {count.slowest[0]} | {count.peak >> 20} |"
                )
        return "\n".join(lines)

    def refusals(self) -> Iterable[str]:
        """Give what refusals and answers there were, a line a kind."""
        for kind, count in self.counts.items():
            if count.inputs:
                told = ", ".join(
                    f"{name} {times}" for name, times in (count.results + count.refused).most_common()
                )
                yield f"{kind}: {told}"
