"""Checks of values that several doorways take. Imports nothing heavy."""

from __future__ import annotations

import math

from ..errors import UsageError


def check_threshold(value: float | str | None) -> float | None:
    """Read a threshold; text is taken too, as in transparent-background 1.3.4.

    Raises
    ------
    UsageError
        If it is not a number from 0 to 1.
    """
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= 1:
        raise UsageError(f"threshold {value!r} is not usable; give a number from 0 to 1")
    return number
