"""Makes a case that fails smaller, as long as it fails in the same way: options, then parts, then bytes."""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Iterator

from .case import Case
from .tree import Tree

Fails = Callable[[Case], bool]


def minimise(case: Case, fails: Fails, *, seconds: float = 60.0) -> Case:
    """Return the smallest case found that still fails.

    Parameters
    ----------
    fails
        Tells whether a case fails in the same way.
    seconds
        After which the smallest so far is returned.
    """
    end = time.monotonic() + seconds
    smaller = True
    while smaller:
        smaller = False
        for attempts in (_without_options, _without_parts, _shorter):
            for candidate in attempts(case):
                if time.monotonic() > end:
                    return case
                if _size(candidate) < _size(case) and fails(candidate):
                    case, smaller = candidate, True
                    break
            if smaller:
                break
    return case


def _size(case: Case) -> tuple[int, int]:
    return len(case.options), len(case.data)


def _without_options(case: Case) -> Iterator[Case]:
    for name in case.options:
        rest = {key: value for key, value in case.options.items() if key != name}
        yield dataclasses.replace(case, options=rest)


def _without_parts(case: Case) -> Iterator[Case]:
    """Leave out parts, large ones first, or empty them."""
    tree = Tree.of(case.data)
    if tree is None:
        return
    places = [(a, b) for a, parts in enumerate(tree.lists()) for b in range(len(parts))]
    places.sort(key=lambda place: -len(tree.lists()[place[0]][place[1]].body))
    for a, b in places:
        for empty in (False, True):
            changed = copy.deepcopy(tree)
            parts = changed.lists()[a]
            if empty:
                parts[b].body = b""
            else:
                del parts[b]
            yield dataclasses.replace(case, data=changed.bytes())


def _shorter(case: Case) -> Iterator[Case]:
    """Leave out pieces of bytes, half of them first, then quarters, as delta debugging does."""
    length = len(case.data) // 2
    while length:
        for at in range(len(case.data) - length, -1, -length):
            yield dataclasses.replace(case, data=case.data[:at] + case.data[at + length :])
        if length <= 8 and len(case.data) > 20_000:
            return
        length //= 2
