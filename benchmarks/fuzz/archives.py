"""Zip files that are tried: sound ones with odd names and sizes, and changed ones."""

from __future__ import annotations

import io
import random
import warnings
import zipfile

from .mutate import mutate
from .pictures import draw

NAMES = (
    *(
        "a.png",
        "a.png",
        "b/c.jpg",
        "../up.png",
        "/root.png",
        "C:\\x.png",
        "a\0b.png",
        "\x1b[2J.png",
        "[/x].png",
        "-x.png",
    ),
    *(
        "é\u202egnp.png",
        "x" * 3000 + ".png",
        "CON.png",
        "__MACOSX/._a.png",
        ".DS_Store",
        "folder/",
        "",
        ".",
        "..",
        "a" * 250,
    ),
    *("errors.json", "\U0001f600.webp", "inner.zip"),
)


def make_archive(rng: random.Random) -> bytes:
    """Write a zip file of small pictures and others; some are changed afterwards."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as archive:
        warnings.simplefilter("ignore")  # about names that come twice
        for _ in range(rng.choice((0, 1, 2, 3, 30))):
            info = zipfile.ZipInfo(rng.choice(NAMES), (1980, 1, 1, 0, 0, 0))
            info.compress_type = rng.choice(
                (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
            )
            info.external_attr = rng.choice((0o644, 0o120777, 0)) << 16  # a file, a link
            archive.writestr(info, _member(rng))
    data = file.getvalue()
    if rng.random() < 0.4:
        data, _ = mutate(data, rng)
    if rng.random() < 0.1:
        data = data.replace(b"PK\x01\x02", b"PK\x01\x02", 1)[: -rng.choice((1, 22, 40))]
    return data


def _member(rng: random.Random) -> bytes:
    choice = rng.random()
    if choice < 0.5:
        return draw(rng.choice(("png", "jpg", "webp")), rng)[0]
    if choice < 0.6:
        return bytes(rng.choice((0, 6_000_000)))  # a bomb, where it is packed
    if choice < 0.7:
        return make_archive(rng)
    return rng.randbytes(50)
