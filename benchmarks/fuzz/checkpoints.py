"""Weights, configurations and recipes that are tried."""

from __future__ import annotations

import io
import json
import pickle
import random
import struct
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import transparent_background
from transparent_background.options.declare import declared
from transparent_background.options.recipe import KEPT

from .case import Case
from .mutate import mutate, number_bytes
from .texts import encoded, json_text, value, yaml_text

LITE = Path(transparent_background.__file__).parent / "checkpoints" / "weights" / "lite.safetensors"
CONFIG_KEYS = tuple(
    """
    base fast lite custom url md5 ckpt_name http_proxy base_size backbone depth resize
    """.split()
)
TRAIN_KEYS = tuple(
    """
    model data augment optimiser loss steps epochs seed backbone head depth base_size train validate
    path weight paste batch_size workers scale lr name out precision root sizes cache freeze start
    """.split()
)
RECIPE_KEYS = tuple(declared(*KEPT))


def make(rng: random.Random) -> Case:
    """Make a file of weights, a configuration or a recipe."""
    makers = (_safetensors, _safetensors, _lite, _pth, _pth, _pickle, _config, _recipe, _recipe, _training)
    name, data, words = rng.choice(makers)(rng)
    return Case("checkpoints", name, data, {}, words)


def _safetensors(rng: random.Random) -> tuple[str, bytes, str]:
    """Make a small file whose header is changed as JSON, or as bytes."""
    header: dict[str, Any] = {}
    at = 0
    names = (
        "decoder.conv5.conv.weight",
        "backbone.layer1.0.convs.0.weight",
        "module.x",
        "a",
        "",
        "\0",
        "é" * 50,
    )
    for name in rng.sample(names, rng.choice((0, 1, 2, 4))):
        shape = rng.choice(([], [1], [2, 3], [0], [64, 64, 3, 3], [1 << 40], [1 << 62, 4], [-1], "x", [1.5]))
        kind = rng.choice(("F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "U16", "X", 3, "F4"))
        length = rng.choice((4, 24, 0, 64 * 64 * 9 * 4))
        end = at + length if rng.random() < 0.8 else rng.choice((0, -1, 1 << 63, 1 << 70, at))
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, end]}
        at += length if rng.random() < 0.8 else 0
    if rng.random() < 0.4:
        header["__metadata__"] = rng.choice(
            ({"inspyrenet": json.dumps(_description(rng))}, {"a": 1}, "x", {})
        )
    if rng.random() < 0.2:
        header[rng.choice(list(header) or ["a"])] = value(rng, ("dtype", "shape", "data_offsets"))
    text = json.dumps(header)
    if rng.random() < 0.1 and len(header) > 1:
        text = text[:-1] + "," + text[1:]  # every key twice
    body = text.encode("utf-8", "replace")
    length = len(body) if rng.random() < 0.85 else int.from_bytes(number_bytes(rng, (8,)), "little")
    data = struct.pack("<Q", length) + body + bytes(rng.choice((at, at, at + 1, max(at - 1, 0), 0)))
    words = "safetensors by hand"
    if rng.random() < 0.4:
        data, done = mutate(data, rng)
        words += f": {done}"
    return "case.safetensors", data, words


def _description(rng: random.Random) -> Any:
    """What a file says of its own network, with something wrong in it."""
    fields = {
        "backbone": rng.choice(
            ("mobilenetv2_100", "res2net50d", "nosuch", "../x", 3, "vit_giant_patch14_dinov2", "hf-hub:a/b")
        ),
        "backbone_options": rng.choice(
            ({}, {"pad_type": "same"}, {"pretrained": True}, {"x": 1}, [], {"out_indices": [9]})
        ),
        "head": rng.choice(("light", "published", "x", None, [])),
        "depth": rng.choice((16, 0, -1, 1 << 40, "x", 1.5, True)),
        "base_size": rng.choice(
            ([64, 64], [0, 0], [1], "ab", [1 << 30, 1 << 30], [-32, 32], None, [33, 65], ["a", "b"])
        ),
        "resize": rng.choice(("static", "x", None, 3)),
        "short_side": rng.choice((1280, 0, -1, "x", 1 << 40)),
        "normalisation": rng.choice(("minmax", "sigmoid", "x", None)),
    }
    chosen = {name: field for name, field in fields.items() if rng.random() < 0.8}
    return rng.choice((chosen, chosen, chosen, {**chosen, "x": 1}, [], "x", [["base_size", [64, 64]]]))


@cache
def lite_parts() -> tuple[dict[str, Any], bytes]:
    """Return the bundled weights' header, which is not to be changed, and their numbers."""
    data = LITE.read_bytes()
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def _lite(rng: random.Random) -> tuple[str, bytes, str]:
    """Change what the bundled weights say of themselves; the numbers stay, or become odd."""
    header, body = lite_parts()
    header, words = json.loads(json.dumps(header)), "the bundled weights"
    names = [name for name in header if name != "__metadata__"]
    choice = rng.random()
    if choice < 0.5:
        description = json.loads(header["__metadata__"]["inspyrenet"])
        odd = _description(rng)
        if isinstance(odd, dict) and rng.random() < 0.8:
            name = rng.choice(sorted(odd) or ["head"])
            odd = {**description, name: odd.get(name)}
        header["__metadata__"]["inspyrenet"] = json.dumps(odd)
        words += f": described as {str(odd)[:150]}"
    elif choice < 0.75:
        name = rng.choice(names)
        change = rng.choice(("left out", "renamed", "reshaped", "retyped"))
        entry = header.pop(name)
        if change == "renamed":
            header[f"{name}x"] = entry
        elif change == "reshaped":
            header[name] = {
                **entry,
                "shape": [*entry["shape"], 1] if rng.random() < 0.5 else entry["shape"][::-1],
            }
        elif change == "retyped":
            header[name] = {**entry, "dtype": rng.choice(("I16", "BF16", "F32"))}
        words += f": {name} {change}"
    else:
        fill = rng.choice(
            (b"\0\x7e", b"\0\x7c", b"\xff\x7b", b"\0\0")
        )  # NaN, infinity, the largest, 0 in float16
        where = sorted(rng.sample(range(0, len(body) - 2, 2), 200))
        numbers = bytearray(body)
        for at in where:
            numbers[at : at + 2] = fill
        body, words = bytes(numbers), f"{words}: 200 numbers are {fill.hex()}"
    text = json.dumps(header).encode()
    return "case.safetensors", struct.pack("<Q", len(text)) + text + body, words


@cache
def _saved(kind: int) -> bytes:
    import torch

    file, generator = io.BytesIO(), np.random.default_rng(1)
    tensors = {"decoder.conv5.conv.weight": torch.from_numpy(generator.random((4, 4)).astype(np.float32))}
    whole: Any = ({"state_dict": tensors}, tensors, {"model": {"a": 1}}, [1, 2], {1: tensors})[kind % 5]
    torch.save(whole, file, _use_new_zipfile_serialization=kind < 5)
    return file.getvalue()


def _pth(rng: random.Random) -> tuple[str, bytes, str]:
    """Change a small file that PyTorch wrote, in its newer form (a zip) or the older one."""
    kind = rng.randrange(10)
    data, done = mutate(_saved(kind), rng, _saved((kind + 5) % 10))
    return rng.choice(("case.pth", "case.pth", "case.safetensors")), data, f"pth {kind}: {done}"


class _Runs:
    """Is made by running code, as any pickle may ask for."""

    def __init__(self, call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def _pickle(rng: random.Random) -> tuple[str, bytes, str]:
    """Make a pickle that would run code, or needs what is not there."""
    import os

    call = rng.choice(
        (
            (os.system, ("touch canary",)),
            (exec, ("open('canary','w')",)),
            (eval, ("1/0",)),
            (bytearray, (1 << 40,)),
        )
    )
    data = pickle.dumps({"a": _Runs(call)}, protocol=rng.choice((0, 2, 4)))
    if rng.random() < 0.4:
        opcodes = (
            b"cposix\nsystem\n(S'touch canary'\ntR.",
            b"\x80\x02" + b"(" * 5000,
            b"\x8a\xff" + bytes(40),
            b"\x80\x04\x95" + b"\xff" * 8,
        )
        data = rng.choice(opcodes)
    if rng.random() < 0.4:
        data, _ = mutate(data, rng)
    if rng.random() < 0.3:
        whole = _saved(0)
        at = whole.find(b"data.pkl")
        data = whole[: at + 8] + data + whole[at + 8 + len(data) :]
    return "case.pth", data, "a pickle that would run code"


def _config(rng: random.Random) -> tuple[str, bytes, str]:
    return "config.yaml", encoded(yaml_text(rng, CONFIG_KEYS), rng), "a user's configuration"


def _recipe(rng: random.Random) -> tuple[str, bytes, str]:
    as_json = rng.random() < 0.4
    text = json_text(rng, RECIPE_KEYS) if as_json else yaml_text(rng, RECIPE_KEYS)
    data = encoded(text, rng)
    if rng.random() < 0.2:
        data, _ = mutate(data, rng)
    return f"recipe.{'json' if as_json else 'yaml'}", data, "a recipe"


def _training(rng: random.Random) -> tuple[str, bytes, str]:
    return "train.yaml", encoded(yaml_text(rng, TRAIN_KEYS), rng), "a configuration of training"
