"""Sizes of files, as users write them."""

from __future__ import annotations

import pytest

from transparent_background.options.values import parse_bytes


@pytest.mark.parametrize(
    ("text", "size"),
    [("32M", 32 << 20), ("1.5G", 3 << 29), ("800 kB", 800 << 10), ("12", 12), ("1MiB", 1 << 20)],
)
def test_sizes(text, size) -> None:
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "x", "-1", "0", "1T"])
def test_wrong_sizes(text) -> None:
    with pytest.raises(ValueError, match="not understood"):
        parse_bytes(text)
