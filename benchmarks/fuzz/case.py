"""What is tried: a file or a request, made from a seed and a number, the same at every time and place."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

KINDS = ("pictures", "films", "checkpoints", "requests")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is tried."""

    kind: str
    """One of :data:`KINDS`."""
    name: str
    """What the file is called, or which doorway a request knocks at."""
    data: bytes
    """The file, or the bytes of a request."""
    options: dict[str, Any] = field(default_factory=dict)
    """What is asked for; what JSON can hold."""
    words: str = ""
    """What was done to which valid file."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "data": base64.b64encode(self.data).decode(),
            "options": self.options,
            "words": self.words,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Case:
        """Return what :meth:`as_json` was made of."""
        return cls(**{**values, "data": base64.b64decode(values["data"])})


Maker = Callable[[random.Random], Case]


def make_case(kind: str, seed: int, number: int) -> Case:
    """Make a case; the three together say which one."""
    return maker_of(kind)(random.Random(f"{kind}:{seed}:{number}"))


def maker_of(kind: str) -> Maker:
    """Return what makes the cases of a kind; imported late, as each needs libraries of its own."""
    if kind == "pictures":
        from .pictures import make
    elif kind == "films":
        from .films import make
    elif kind == "checkpoints":
        from .checkpoints import make
    else:
        from .asking import make
    return make
