"""Changes to files: of their structure, and of plain bytes where that does not help."""

from __future__ import annotations

import random
from collections.abc import Callable

from .parts import Part
from .tree import Tree

NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 255, 256, 1000, 4096, 32767, 32768, 65535)
WIDE = (65536, 1 << 20, (1 << 24) - 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
MOST = 1 << 20  # bytes that a case may have

Change = Callable[[bytes, random.Random], bytes]


def number_bytes(rng: random.Random, widths: tuple[int, ...] = (1, 2, 4, 8)) -> bytes:
    """Return a number that often is a limit, of some width, in either order of bytes."""
    width = rng.choice(widths)
    value = rng.choice(NUMBERS + WIDE) if rng.random() < 0.8 else rng.getrandbits(8 * width)
    if width == 8 and rng.random() < 0.3:
        value = (1 << 64) - rng.choice((1, 2, 8, 1 << 32))
    return (value & ((1 << 8 * width) - 1)).to_bytes(width, rng.choice(("big", "little")))


def _place(data: bytes, rng: random.Random) -> int:
    """Choose a place, most often near the beginning, where headers are."""
    if not data:
        return 0
    if rng.random() < 0.5:
        return rng.randrange(min(len(data), 128))
    return rng.randrange(len(data))


def flip(data: bytes, rng: random.Random) -> bytes:
    """Flip some bits."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8)) if out else 0):
        out[_place(data, rng)] ^= 1 << rng.randrange(8)
    return bytes(out)


def put_number(data: bytes, rng: random.Random) -> bytes:
    """Put a number somewhere."""
    at, number = _place(data, rng), number_bytes(rng)
    return data[:at] + number + data[at + len(number) :]


def put_noise(data: bytes, rng: random.Random) -> bytes:
    """Put random bytes somewhere."""
    at, noise = _place(data, rng), rng.randbytes(rng.choice((1, 4, 16, 200)))
    return data[:at] + noise + data[at + len(noise) :]


def cut(data: bytes, rng: random.Random) -> bytes:
    """Cut the end off."""
    return data[: rng.randrange(len(data) + 1)]


def take_out(data: bytes, rng: random.Random) -> bytes:
    """Take a piece out."""
    at = _place(data, rng)
    return data[:at] + data[at + rng.choice((1, 2, 4, 16, 256, 4096)) :]


def double(data: bytes, rng: random.Random) -> bytes:
    """Repeat a piece."""
    at, length = _place(data, rng), rng.choice((1, 4, 16, 256, 4096))
    return data[:at] + data[at : at + length] * rng.choice((2, 3, 20)) + data[at + length :]


PLAIN: tuple[Change, ...] = (flip, flip, put_number, put_number, put_noise, cut, take_out, double)


def mutate_plain(data: bytes, rng: random.Random) -> tuple[bytes, str]:
    """Change plain bytes once; return them, and what was done."""
    change = rng.choice(PLAIN)
    return change(data, rng)[:MOST], change.__name__


def mutate(data: bytes, rng: random.Random, other: bytes = b"") -> tuple[bytes, str]:
    """Change a file a few times, by its structure if it has one.

    Parameters
    ----------
    other
        Another file, from which parts may be taken.

    Returns
    -------
    The file, and what was done in words.
    """
    done = []
    tree = Tree.of(data)
    if tree is not None and tree.parts and rng.random() < 0.75:
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            done.append(_change_tree(tree, rng, other))
        data = tree.bytes()[:MOST]
        if rng.random() < 0.75:
            return data, ", ".join(done)
    for _ in range(rng.choice((1, 1, 2, 4))):
        data, words = mutate_plain(data, rng)
        done.append(words)
    return data, ", ".join(done)


def _change_tree(tree: Tree, rng: random.Random, other: bytes) -> str:
    """Change one part; return what was done."""
    lists = [parts for parts in tree.lists() if parts]
    parts = rng.choice(lists) if lists else tree.parts
    if not parts:
        parts.append(Part(b"free", rng.randbytes(8)))
        return "an odd part"
    at = rng.randrange(len(parts))
    part = parts[at]
    name = repr(part.name)[2:-1]
    choice = rng.random()
    if choice < 0.5 and part.children is None:
        part.body, words = mutate_plain(part.body, rng)
        return f"{words} in {name}"
    if choice < 0.6:
        del parts[at]
        return f"{name} left out"
    if choice < 0.7:
        parts[at:at] = [part] * rng.choice((1, 1, 2, 50))
        return f"{name} repeated"
    if choice < 0.8:
        to = rng.randrange(len(parts))
        parts[at], parts[to] = parts[to], parts[at]
        return f"{name} moved"
    if choice < 0.88:
        parts[at] = Part(part.name, b"", None if part.children is None else [])
        return f"{name} emptied"
    if choice < 0.94:
        strange = Tree.of(other)
        borrowed = (
            rng.choice(strange.parts) if strange and strange.parts else Part(part.name, rng.randbytes(40))
        )
        parts.insert(at, borrowed)
        return f"{borrowed.name!r} of another file before {name}"
    parts[at] = Part(
        bytes(rng.choices(b"abcdIDATmoov\x00\xff", k=len(part.name) or 4)), part.body, part.children
    )
    return f"{name} renamed"
