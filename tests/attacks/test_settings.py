"""Configurations and recipes: YAML that would make objects or gigabytes, values of the wrong kind, other encodings."""

from __future__ import annotations

from functools import partial
from typing import Any

from attack import Attack, Attacked, parametrised

LAUGHS = "\n".join(
    [
        "a0: &a0 [x, x, x, x, x, x, x, x, x]",
        *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)),
    ]
)
BOMBS = {
    "a thousand million laughs": LAUGHS,
    "laughs under a key that is known": f"{LAUGHS}\nbase: {{ckpt_name: *a9}}\nsteps: *a9\ntype: *a9",
    "a list that holds itself": "base: &a [*a]\ntype: &b [*b]",
    "a mapping that holds itself": "base: &a {url: *a}\nmodel: &b {<<: *b}",
    "fifty thousand brackets": "base: " + "[" * 50_000,
    "fifty thousand dashes": "- " * 50_000,
    "fifty thousand question marks": "? " * 50_000,
    "a number of 5,000 digits": "base_size: " + "9" * 5000 + "\nbase: {base_size: " + "9" * 5000 + "}",
    "an object of Python": "base: !!python/object/apply:os.system ['touch canary']",
    "a name of Python": "base: !!python/name:os.system",
    "a module of Python": "base: !!python/module:os",
    "a new object of Python": "!!python/object/new:os.system ['touch canary']",
    "a tag that there is not": "base: !evil x",
    "a day that there is not": "base: 2024-02-30",
    "several documents": "a: b\n---\nc: d",
    "a version that there is not": "%YAML 9.9\n---\nbase: {}",
    "a tab for an indent": "base:\n\turl: x",
    "a key that is a list": "? [a, b]\n: c",
    "a key twice": "base: {}\nbase: {url: x}",
    "a text": "just words",
    "a number": "5",
    "control characters": "base: {url: \x07\x1b[2J}",
}
ENCODED = {
    "text in UTF-16": "base: {}".encode("utf-16"),
    "text that is no UTF-8": b"base: {url: \xff\xfe}",
    "zeros": bytes(1000),
    "half of a character": b'{"type": "\\ud800"}',
    "a program": b"\x7fELF" + bytes(200),
}
USERS = {
    "a list of modes": "[a, b]",
    "a mode that is a list": "base: [a]",
    "an address that is a number": "base: {url: 5}",
    "a checksum that is none": "mine: {ckpt_name: a.pth, md5: xyz}",
    "a file name that leads out": "mine: {ckpt_name: ../../../canary}",
    "a file name with a drive": "mine: {ckpt_name: 'C:evil.pth'}",
    "a size of a billion": "mine: {ckpt_name: a.pth, base_size: 1e9}",
    "a size of three": "mine: {ckpt_name: a.pth, base_size: [1, 2, 3]}",
    "a depth below nothing": "mine: {ckpt_name: a.pth, depth: -1}",
    "a depth that is true": "mine: {ckpt_name: a.pth, depth: true}",
}
RECIPES = {
    "an option that there is not": "evil: 1",
    "a threshold of infinity": "threshold: .inf",
    "a threshold that is no number": "threshold: .nan",
    "a threshold of a list": "threshold: [0.5]",
    "a type that is a mapping": "type: {a: b}",
    "a codec that is a number": "codec: 5",
    "a start behind the end": "start: 5\nend: 1",
    "two ways to say how large": "crf: 1\nbitrate: 1M",
    "JSON with a number beyond": '{"threshold": 1e999}',
    "JSON of brackets": "[" * 100_000,
    "JSON with a key twice": '{"type": "evil", "type": "rgba", "threshold": 7}',
}
TRAININGS = {
    "a set that is a number": "data: {train: [5]}",
    "a path of a list": "data: {train: [{path: [a]}]}",
    "steps below nothing": "steps: -5\ndata: {train: [{path: x}]}",
    "sides that are no multiples": "model: {base_size: [33, 65]}\ndata: {train: [{path: x}]}",
    "a pair of three": "augment: {scale: [1, 2, 3]}\ndata: {train: [{path: x}]}",
    "a key that there is not": "evil: {}",
    "a name that is a mapping": "model: {name: {a: b}}\ndata: {train: [{path: x}]}",
}


def attacks(name: str, words: dict[str, Any], ends: str) -> list[Attack]:
    return [Attack(f"{name}: {tries}", partial(_bytes, text), name, ends) for tries, text in words.items()]


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


REFUSED = "UsageError or ConfigError or UnknownTypeError"
ATTACKS = [
    *attacks("config.yaml", {**BOMBS, **ENCODED}, f"{REFUSED} or result"),
    *attacks("recipe.yaml", {**BOMBS, **ENCODED}, REFUSED),
    *attacks("train.yaml", {**BOMBS, **ENCODED}, REFUSED),
    *attacks("config.yaml", USERS, REFUSED),
    *attacks("recipe.json", RECIPES, REFUSED),
    *attacks("train.yaml", TRAININGS, REFUSED),
]


@parametrised(ATTACKS)
def test_attack(attacked: Attacked, attack: Attack) -> None:
    attacked("checkpoints", attack)
