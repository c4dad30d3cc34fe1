"""How much to leave around an object when cropping to it. Imports nothing heavy."""

from __future__ import annotations

from ..errors import UsageError


def parse_padding(text: str) -> tuple[float, bool]:
    """Read ``"12"`` (pixels) or ``"5%"`` (of the object's longer side).

    Returns
    -------
    value : the number
    share : whether it is a percentage

    Raises
    ------
    UsageError
        It is neither.
    """
    share = text.endswith("%")
    try:
        value = float(text[:-1] if share else text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise UsageError(f"crop padding {text!r} is not understood; give pixels (12) or a share (5%)")
    return value, share
