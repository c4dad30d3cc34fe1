"""Texts that are tried: YAML and JSON by a small grammar, with known keys, odd values, and bombs."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any

SCALARS = (
    *(
        "true",
        "no",
        "null",
        "~",
        "",
        "0",
        "-1",
        "1e-4",
        "1e400",
        ".inf",
        "-.inf",
        ".nan",
        "0o17",
        "0x10",
        "1_000",
    ),
    *(
        "9" * 400,
        "2024-02-30",
        "2024-01-01",
        "12:30:45",
        "'it'",
        '"\\u0000"',
        '"\\ud800"',
        "!!binary aGk=",
        "|\n  text",
    ),
    *(
        "!!python/object/apply:os.system ['touch canary']",
        "!!python/name:os.system",
        "!!set {a, b}",
        "!<x> y",
        "!!omap [a: 1]",
    ),
    *(
        "*a",
        "&a [1, 2]",
        "[]",
        "{}",
        "[1, 2, 3]",
        "{a: b}",
        "<<",
        "? x",
        "@x",
        "%x",
        "`x`",
        "é",
        "\u202e",
        "[/x]",
        "../../x",
    ),
    *(
        "white",
        "rgba",
        "lite",
        "static",
        "cpu",
        "'#fff'",
        "5%",
        "https://example.invalid/x.pth",
        "ckpt.pth",
        "a" * 32,
        "384",
    ),
)


def yaml_text(rng: random.Random, keys: Sequence[str]) -> str:
    """Write YAML: most often a mapping of known keys, with anything for a value."""
    choice = rng.random()
    if choice < 0.05:
        depth = rng.choice((50, 1000, 20_000))
        return rng.choice(("[" * depth, "{a: " * depth, "- " * depth, "[" * depth + "]" * depth))
    if choice < 0.1:
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, rng.choice((3, 9)))]
        return "\n".join(lines)
    if choice < 0.13:
        return rng.choice(
            (
                "a: &a [*a]",
                "&a {<<: *a}",
                "a: &x {b: *x}",
                "--- a\n--- b",
                "%YAML 9.9\n---\na: b",
                "\ufeffa: b",
            )
        )
    return _mapping(rng, keys, 0)


def _mapping(rng: random.Random, keys: Sequence[str], depth: int) -> str:
    lines = []
    for _ in range(rng.choice((0, 1, 2, 3, 6))):
        key = (
            rng.choice(keys) if rng.random() < 0.85 else rng.choice((*SCALARS, "é", "1", "[a]", "? [a]\n: b"))
        )
        if depth < 3 and rng.random() < 0.35:
            below = _mapping(rng, keys, depth + 1) or " {}"
            value = "\n" + "\n".join(f"  {line}" for line in below.splitlines())
        elif rng.random() < 0.1:
            value = "\n" + "\n".join(f"- {rng.choice(SCALARS)}" for _ in range(rng.choice((1, 3, 300))))
        else:
            value = rng.choice(SCALARS)
        lines.append(f"{key}: {value}")
    return "\n".join(lines)


def value(rng: random.Random, keys: Sequence[str], depth: int = 0) -> Any:
    """Choose a value that JSON can hold."""
    choice = rng.random()
    if depth < 4 and choice < 0.25:
        return {rng.choice(keys): value(rng, keys, depth + 1) for _ in range(rng.choice((0, 1, 3)))}
    if depth < 4 and choice < 0.4:
        return [value(rng, keys, depth + 1) for _ in range(rng.choice((0, 1, 3)))]
    return rng.choice(
        (
            None,
            True,
            False,
            0,
            1,
            -1,
            0.5,
            1e308,
            10**30,
            "",
            "x",
            "rgba",
            "\0",
            "\ud800",
            "é" * 300,
            "5%",
            "lite",
            [1, 2, 3],
        )
    )


def json_text(rng: random.Random, keys: Sequence[str]) -> str:
    """Write JSON, now and then what only looks like it."""
    text = json.dumps(value(rng, keys))
    choice = rng.random()
    if choice < 0.05:
        return "[" * rng.choice((100, 100_000))
    if choice < 0.1:
        return text.replace("0.5", rng.choice(("NaN", "Infinity", "1e999", "-")))
    if choice < 0.15:
        return '{"type": "rgba", "type": "map"}'
    return text


def encoded(text: str, rng: random.Random) -> bytes:
    """Encode a text, most often in UTF-8."""
    kind = rng.choices(("utf-8", "utf-16", "latin-1", "utf-7"), (20, 1, 1, 1))[0]
    return text.encode(kind, "surrogatepass" if kind.startswith("utf-") and kind != "utf-7" else "replace")
