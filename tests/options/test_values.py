"""Values are read from what people write."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from transparent_background.errors import UsageError
from transparent_background.options.values import parse_bitrate, parse_rate, parse_time


def test_times_rates_and_bit_rates() -> None:
    assert [parse_time(v) for v in ("12.5", 3, "1:30", "01:02:03.25", Fraction(1, 5))] == [
        Fraction(25, 2), 3, 90, Fraction(14893, 4), Fraction(1, 5)]  # fmt: skip
    assert [parse_rate(v) for v in (25, "29.97", "30000/1001", "23.976")] == [
        25, Fraction(30000, 1001), Fraction(30000, 1001), Fraction(24000, 1001)]  # fmt: skip
    assert [parse_bitrate(v) for v in ("8M", "800k", 5000)] == [8_000_000, 800_000, 5000]
    for wrong in (
        *("-1", "1:2:3:4", "soon", "", "9" * 30, "999999999:00", "1" * 5000, "0." + "1" * 5000),
        *(-1, 1e9, 10**21, 10**5000, math.nan, None),
    ):
        with pytest.raises(UsageError):
            parse_time(wrong)
    with pytest.raises(UsageError):
        parse_rate("0")
    with pytest.raises(UsageError):
        parse_bitrate("fast")
