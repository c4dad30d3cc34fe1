"""What a type or a threshold means is read once, and mistakes list the choices."""

from __future__ import annotations

import numpy as np
import pytest

from transparent_background.errors import UnknownTypeError, UsageError
from transparent_background.options.result import check_threshold
from transparent_background.options.result_types import (
    Backdrop,
    Blur,
    Matte,
    Overlay,
    Rgba,
    Solid,
    parse_type,
)


def test_a_threshold_is_taken_as_text_too():
    assert check_threshold("0.25") == 0.25
    assert check_threshold(None) is None


@pytest.mark.parametrize("value", ["half", 1.01, -0.1, float("nan"), "nan", [1]])
def test_a_threshold_outside_0_to_1_is_refused(value):
    with pytest.raises(UsageError, match="from 0 to 1"):
        check_threshold(value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("rgba", Rgba()),
        ("MAP", Matte()),
        ("blur", Blur()),
        ("overlay", Overlay()),
        ("(1, 2, 3)", Solid((1, 2, 3), "[1, 2, 3]")),
        ("1,2,3", Solid((1, 2, 3), "[1, 2, 3]")),
        ((1, 2, 3), Solid((1, 2, 3), "[1, 2, 3]")),
        (np.array([1, 2, 3]), Solid((1, 2, 3), "[1, 2, 3]")),
        ("#f80", Solid((255, 136, 0), "#f80")),
        ("#FF8000", Solid((255, 128, 0), "#ff8000")),
        ("RebeccaPurple", Solid((102, 51, 153), "rebeccapurple")),
        ("green", Solid((120, 255, 155), "green")),
    ],
)
def test_types_are_read(given, expected):
    assert parse_type(given) == expected


def test_a_picture_file_is_a_background(tmp_path):
    path = tmp_path / "a, b.png"
    path.write_bytes(b"x")
    assert parse_type(path) == parse_type(str(path)) == Backdrop(path)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "gren",
        "[1, 2]",
        "[1, 2, 300]",
        "[1, 2, -1]",
        "(1.5, 2, 3)",
        "#12",
        "missing.png",
        "a\x00.png",
        (1, 2, 3, 4, 5),
        (1, 2, 3, 256),
        "#12345",
        (1.5, 2, 3),
        7,
        None,
        "x" * 9000,
    ],
)
def test_an_unknown_type_lists_the_choices(given):
    with pytest.raises(UnknownTypeError, match="rgba, map, green") as caught:
        parse_type(given)
    assert "\n" not in str(caught.value)
