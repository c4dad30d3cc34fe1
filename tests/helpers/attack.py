"""Attacks as data: what each tries, how it is built, and how it has to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from benchmarks.fuzz.case import Case
from benchmarks.fuzz.keeper import Keeper

MIB = 1 << 20


@dataclass(frozen=True)
class Attack:
    """A file that somebody hostile made."""

    tries: str
    """One line."""
    build: Callable[[], bytes]
    name: str
    """What the file is called."""
    ends: str = "UnreadableError"
    """``result``, or the class of the error; several are told apart by `` or ``."""
    options: dict[str, Any] = field(default_factory=dict)
    memory: int = 300
    """Most MiB that it may add to a process."""
    real: bool = False
    """Whether the network itself is run, and no stand-in for it."""


def parametrised(attacks: Sequence[Any]) -> Any:
    """Make a test of each attack, called by what it ``tries``."""
    return pytest.mark.parametrize(
        "attack",
        [
            pytest.param(
                attack,
                id=attack.tries.replace(" ", "-").encode("ascii", "backslashreplace").decode(),
            )
            for attack in attacks
        ],
    )


class Attacked:
    """A process of its own that attacks are done in; it is replaced if it hangs for a minute or ends."""

    def __init__(self, log: Path) -> None:
        self.keeper = Keeper(log, hang=60.0)  # the machine may be busy with other tests

    def __call__(self, kind: str, attack: Attack) -> None:
        """Do an attack, and see that it ends as it has to."""
        case = Case(kind, attack.name, attack.build(), attack.options)
        answer = self.keeper.ask({"case": case.as_json(), "real": attack.real})
        outcome, what = answer["outcome"], answer["what"]
        told = f"{outcome}: {what}\n{answer.get('text', '')}{answer.get('trace') or ''}"
        assert outcome in ("result", "refused"), told
        assert ("result" if outcome == "result" else what) in attack.ends.split(" or "), told
        assert answer["peak"] <= attack.memory * MIB, f"took {answer['peak'] // MIB} MiB"


@contextmanager
def attacked_process(folder: Path) -> Iterator[Attacked]:
    """Run the process until the block ends."""
    attacked = Attacked(folder / "log")
    try:
        yield attacked
    finally:
        attacked.keeper.stop()
