"""Files of weights: pickles that would run code, headers that lie, numbers that are none, zips of gigabytes."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

from attack import Attack, Attacked, parametrised

from benchmarks.fuzz.checkpoints import lite_parts

F32 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


class Calls:
    """Is made by calling something, as any pickle may ask for."""

    def __init__(self, *call: Any) -> None:
        self.call = call

    def __reduce__(self) -> Any:
        return self.call


def pickled(*call: Any, protocol: int = 2) -> bytes:
    return pickle.dumps({"a": Calls(*call)}, protocol=protocol)


def runs(protocol: int = 2) -> bytes:
    import os

    return pickled(os.system, ("touch canary",), protocol=protocol)


def in_zip(data: bytes, *more: tuple[str, bytes]) -> bytes:
    """Put a pickle into a zip file, as torch.save does."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (("archive/data.pkl", data), ("archive/version", b"3\n"), *more):
            archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


def saved(value: Any) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


def tensors(**shapes: tuple[int, ...]) -> dict[str, Any]:
    import torch

    return {name.replace("__", "."): torch.zeros(shape) for name, shape in shapes.items()}


def unpacks_to(size: int) -> bytes:
    """Write a packed zip of so many zeros, which torch.save never does."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", saved_pickle())
        archive.writestr("archive/data/0", bytes(size))
    return file.getvalue()


def saved_pickle() -> bytes:
    with zipfile.ZipFile(io.BytesIO(saved(tensors(a=(4,))))) as archive:
        return archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))


def safetensors(header: Any, data: bytes = bytes(4), length: int | None = None) -> bytes:
    """Write a file; ``header`` is JSON, or text that is meant to be."""
    text = (header if isinstance(header, str) else json.dumps(header)).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def lite(change: Callable[[dict[str, Any]], None]) -> bytes:
    """Write the bundled weights with another header."""
    header, data = lite_parts()
    header = json.loads(json.dumps(header))
    change(header)
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def described(**values: Any) -> Callable[[], bytes]:
    """Return what writes the bundled weights with another description of themselves."""

    def change(header: dict[str, Any]) -> None:
        own = json.loads(header["__metadata__"]["inspyrenet"]) | values
        header["__metadata__"]["inspyrenet"] = json.dumps(own)

    return partial(lite, change)


def filled(two: bytes) -> bytes:
    """Write the bundled weights with another number (of 16 bits) everywhere."""
    header, data = lite_parts()
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + two * (len(data) // 2)


def reshaped(header: dict[str, Any]) -> None:
    name = next(name for name, entry in header.items() if len(entry.get("shape", ())) == 4)
    header[name]["shape"] = header[name]["shape"][::-1]


def pth(
    tries: str,
    build: Callable[[], bytes],
    ends: str = "CheckpointError",
    name: str = "attack.pth",
    **more: Any,
) -> Attack:
    return Attack(tries, build, name, ends, memory=more.pop("memory", 600), **more)


def st(tries: str, build: Callable[[], bytes], ends: str = "CheckpointError", **more: Any) -> Attack:
    return pth(tries, build, ends, "attack.safetensors", **more)


ATTACKS = [
    *(pth(f"a pickle that runs a command, protocol {number}", partial(runs, number)) for number in (0, 1, 2, 3, 4, 5)),
    pth("a pickle that runs a command, in a zip", lambda: in_zip(runs())),
    pth("a pickle that runs a command, named safetensors", runs, name="attack.safetensors"),
    pth("a pickle that runs Python", lambda: pickled(exec, ("open('canary', 'w')",))),
    pth("a pickle that imports by attributes", lambda: b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0ctouch canary\x85R."),
    pth("a pickle that asks for a terabyte", lambda: pickled(bytearray, (1 << 40,))),
    pth("a pickle of ten thousand open brackets", lambda: b"\x80\x02" + b"(" * 10_000),
    pth("a pickle that says it has 2 GB of text", lambda: b"\x80\x02X\xff\xff\xff\x7f."),
    pth("a pickle that ends at once", lambda: b"\x80\x02."),
    pth("a pickle of lists in lists", lambda: b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b"."),
    pth("a list in place of tensors", lambda: saved([1, 2, 3])),
    pth("tensors under names that are numbers", lambda: saved({1: 2})),
    pth("no tensors", lambda: saved({})),
    pth("tensors of another network", lambda: saved(tensors(a=(3,), b=(4,)))),
    pth("a head without a backbone", lambda: saved(tensors(decoder__conv5__conv__weight=(1, 64, 3, 3)))),
    pth("a backbone's table without the rest", lambda: saved(tensors(backbone__layers__0__blocks__0__attn__relative_position_bias_table=(9, 4)))),
    pth("a backbone's table of no dimensions", lambda: saved(tensors(backbone__layers__0__blocks__0__attn__relative_position_bias_table=()))),
    pth("a head of no dimensions", lambda: saved(tensors(decoder__conv5__conv__weight=(), backbone__layer1__0__convs__0__weight=(1,)))),
    pth("a zip that unpacks to a gigabyte", lambda: unpacks_to(1 << 30)),
    pth("a zip without a pickle", lambda: in_zip(b"").replace(b"data.pkl", b"data.xyz")),
    pth("a zip whose names lead out", lambda: in_zip(saved_pickle(), ("../../canary", b"x"), ("archive/data/0", bytes(16)))),
    pth("a zip that is cut off", lambda: saved(tensors(a=(4,)))[:-40]),
    pth("a zip whose sizes lie", lambda: saved(tensors(a=(4,))).replace(b"\x10\0\0\0\x10\0\0\0", b"\xff\xff\xff\x7f\xff\xff\xff\x7f")),
    pth("an empty file", lambda: b""),
    pth("a web page", lambda: b"<!DOCTYPE html><title>Sign in</title>"),
    pth("zeros", lambda: bytes(100_000)),
    st("a header of 2 to the 63 bytes", lambda: safetensors({}, length=1 << 63)),
    st("a header of 100 MB that are not there", lambda: safetensors({}, length=100_000_000)),
    st("a header longer than the file", lambda: safetensors({"a": F32}, length=5000)),
    st("a header of no bytes", lambda: struct.pack("<Q", 0) + b"{"),
    st("a header that is no JSON", lambda: safetensors("{'a': 1}")),
    st("a header of brackets", lambda: safetensors('{"a":' * 50_000)),
    st("a header that is a list", lambda: safetensors([1])),
    st("a header with a key twice", lambda: safetensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')),
    st("tensors that overlap", lambda: safetensors({"a": F32, "b": F32})),
    st("tensors with a gap", lambda: safetensors({"a": {**F32, "data_offsets": [4, 8]}}, bytes(8))),
    st("a tensor behind the end", lambda: safetensors({"a": {**F32, "data_offsets": [0, 1 << 40]}})),
    st("a tensor backwards", lambda: safetensors({"a": {**F32, "data_offsets": [4, 0]}})),
    st("a tensor at a negative place", lambda: safetensors({"a": {**F32, "data_offsets": [-4, 0]}})),
    st("a tensor whose size overflows", lambda: safetensors({"a": {**F32, "shape": [1 << 62, 4]}})),
    st("a tensor of a kind that there is not", lambda: safetensors({"a": {**F32, "dtype": "X99"}})),
    st("a tensor of nothing", lambda: safetensors({"a": {**F32, "shape": [0], "data_offsets": [0, 0]}}, b"")),
    st("a tensor named with half of a character", lambda: safetensors('{"\\ud800": {"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')),
    st("bytes behind the last tensor", lambda: safetensors({"a": F32}, bytes(400))),
    st("words that are numbers", lambda: safetensors({"a": F32, "__metadata__": {"a": 1}})),
    st("a description that is no JSON", lambda: safetensors({"a": F32, "__metadata__": {"inspyrenet": "{"}})),
    st("a description of brackets", lambda: safetensors({"a": F32, "__metadata__": {"inspyrenet": "[" * 100_000}})),
    st("a description that is a list", lambda: safetensors({"a": F32, "__metadata__": {"inspyrenet": "[]"}})),
    st("weights of another shape", lambda: lite(reshaped)),
    st("a network of a side of a billion", described(base_size=[1 << 30, 1 << 30])),
    st("a network of negative sides", described(base_size=[-64, 64])),
    st("a network of one side", described(base_size=[64])),
    st("a network of sides in words", described(base_size=["a", "b"])),
    st("a network of sides that it cannot have", described(base_size=[33, 65])),
    st("a network of sides that fit one by one", described(base_size=[4096, 4096])),
    st("a pass of a trillion pixels a side", described(short_side=1 << 40)),
    st("a pass of no pixels", described(short_side=0)),
    st("a head that there is not", described(head="evil")),
    st("a head that is a list", described(head=[])),
    st("a depth of no channels", described(depth=0)),
    st("a depth of a trillion channels", described(depth=1 << 40)),
    st("a backbone that there is not", described(backbone="evil"), "UsageError"),
    st("a backbone from the network", described(backbone="hf-hub:evil/model"), "UsageError"),
    st("a backbone of a folder", described(backbone="local-dir:/etc"), "UsageError"),
    st("a backbone that fetches its weights", described(backbone="resnet18", backbone_options={"pretrained": True})),
    st("a backbone that reads another file", described(backbone="resnet18", backbone_options={"checkpoint_path": "/etc/passwd"})),
    st("a backbone with an option it has not", described(backbone_options={"evil": 1})),
    st("a backbone with levels it has not", described(backbone_options={"out_indices": [99]})),
    st("a way to resize that there is not", described(resize="evil")),
    st("a key that there is not", described(evil=1)),
    st("an address to fetch from", described(urls=["https://example.invalid/x"])),
    st("weights that are no numbers", partial(filled, b"\0\x7e"), "result"),
    st("weights without an end", partial(filled, b"\0\x7c"), "result"),
    st("weights of the largest number", partial(filled, b"\xff\x7b"), "result"),
    st("weights of nothing", partial(filled, b"\0\0"), "result"),
]  # fmt: skip


@parametrised(ATTACKS)
def test_attack(attacked: Attacked, attack: Attack) -> None:
    attacked("checkpoints", attack)
