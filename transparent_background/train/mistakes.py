"""Words for what pydantic finds wrong in a configuration."""

from __future__ import annotations

import re
import reprlib
from typing import Any, get_args

_WORDS = {
    "int_type": "expected a whole number, not {value}",
    "float_type": "expected a number, not {value}",
    "bool_type": "expected true or false, not {value}",
    "dict_type": "expected keys and values, not {value}",
    "model_type": "expected keys and values, not {value}",
    "literal_error": "{value} is none of {choices}",
    "too_long": "expected {max_length} values, not {actual_length}",
    "too_short": "must not be empty",
    "greater_than": "must be above {gt:g}",
    "multiple_of": "must be multiples of {multiple_of}",
    "value_error": "{error}",
}
"""Words for the most usual mistakes; pydantic's own do for the others."""


_SHORT = reprlib.Repr()  # a few lines of YAML can stand for gigabytes
_SHORT.maxstring = _SHORT.maxother = 100


def explain(mistake: Any, root: Any) -> str:
    """Say in one line where a mistake that pydantic found in a model ``root`` is, and what was expected."""
    place, kind, value = list(mistake["loc"]), mistake["type"], mistake["input"]
    shown = _SHORT.repr(value)
    context = {**mistake.get("ctx", {}), "value": shown}
    if kind == "extra_forbidden":
        words = f"unknown key; known are {', '.join(_known_keys(root, place[:-1]))}"
    elif kind == "missing" and isinstance(place[-1], int):
        words = f"expected 2 values, not {len(value)}"  # a pair is the only tuple there is
    elif kind in _WORDS:
        context["choices"] = ", ".join(re.findall(r"'(\w+)'", context.get("expected", "")))
        words = _WORDS[kind].format(**context)
    else:
        words = f"{mistake['msg'].replace('Input should', 'must')}, not {shown}"
    return f"{re.sub('([.][0-9]+)+$', '', '.'.join(map(str, place)))}: {words}"


def _known_keys(part: Any, place: list[str | int]) -> list[str]:
    for name in place:
        if isinstance(name, str):
            part = part.model_fields[name].annotation
            part = get_args(part)[0] if get_args(part) else part  # of a list, what it holds
    return sorted(field.alias or name for name, field in part.model_fields.items())
