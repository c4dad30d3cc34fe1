"""Archives of pictures: bombs, names that lead out or break terminals, entries over each other, links, secrets."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from attack import MIB
from process_state import peak_memory
from serving import Running, file_of, serve

from transparent_background import Remover

LIMITS = {"bytes": 1 << 20, "batch": 20, "batch_bytes": 8 << 20, "patience": 5.0}


@dataclass(frozen=True)
class Archived:
    """An archive that somebody hostile made."""

    tries: str
    build: Callable[[], bytes]
    status: int = 200
    """Of the answer."""
    done: int = 0
    """Pictures that are cut out nevertheless."""
    failed: int = 0
    """Entries that ``errors.json`` tells of."""


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], packing: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", packing) as archive:
        warnings.simplefilter("ignore")  # about names that come twice
        for name, content in entries:
            archive.writestr(name, content)
    return file.getvalue()


def named(name: str) -> Callable[[], bytes]:
    """Return what writes a sound picture under a name; NUL in it is put in afterwards."""
    return lambda: zipped((name.replace("\0", "~"), file_of())).replace(b"~", b"\0" if "\0" in name else b"~")


def link(to: str) -> bytes:
    info = zipfile.ZipInfo("link.png")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return zipped((info, to.encode()), ("sound.png", file_of()))


def nested(depth: int) -> bytes:
    data = file_of()
    for number in range(depth):
        data = zipped((f"{number}.{'zip' if number else 'png'}", data))
    return data


def lying(place: int, new: bytes, packing: int = zipfile.ZIP_STORED) -> bytes:
    """Write an archive whose directory has other bytes at a place of its first entry."""
    data = bytearray(zipped(("a.png", file_of()), packing=packing))
    at = data.find(b"PK\x01\x02") + place
    data[at : at + len(new)] = new
    return bytes(data)


def overlapping(count: int) -> bytes:
    """Write an archive whose directory names one packed picture again and again, as the best bombs do."""
    data = zipped(("a.png", bytes(4 * MIB)), packing=zipfile.ZIP_DEFLATED)
    begin, end = data.find(b"PK\x01\x02"), data.find(b"PK\x05\x06")
    entries = data[begin:end] * count
    return (
        data[:begin]
        + entries
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(entries), begin, 0)
    )


def twisted(count: int) -> bytes:
    """Let the directory count another number of entries."""
    data = bytearray(zipped(("a.png", file_of())))
    at = data.rfind(b"PK\x05\x06")
    data[at + 8 : at + 12] = struct.pack("<HH", count, count)
    return bytes(data)


ATTACKS = [
    Archived("100 MB of zeros in 100 kB", lambda: zipped(("a.png", bytes(100 * MIB)), packing=zipfile.ZIP_DEFLATED), 413),
    Archived("20 entries of 4 MB in one place", partial(overlapping, 20), 413),
    Archived("a thousand entries", lambda: zipped(*[(f"{n}.png", b"x") for n in range(1000)]), 413),
    Archived("65,535 entries that are not there", partial(twisted, 65_535), done=1),
    Archived("no entries", lambda: zipped(), 422),
    Archived("an archive in an archive in an archive", partial(nested, 4), failed=1),
    Archived("a picture that says it is 4 GB", partial(lying, 24, b"\xff\xff\xff\x7f"), 413),
    Archived("a picture that says it is nothing", partial(lying, 24, bytes(4)), failed=1),
    Archived("a picture that says it is packed in nothing", partial(lying, 20, bytes(4)), failed=1),
    Archived("a wrong checksum", partial(lying, 16, b"\1\2\3\4"), failed=1),
    Archived("a secret picture", partial(lying, 8, b"\1\0"), failed=1),
    Archived("packed in a way that there is not", partial(lying, 10, b"\x63\0"), failed=1),
    Archived("packed by bzip2, which has no bound", lambda: zipped(("a.png", bytes(MIB)), packing=zipfile.ZIP_BZIP2), failed=1),
    Archived("packed by LZMA, which has no bound", lambda: zipped(("a.png", bytes(MIB)), packing=zipfile.ZIP_LZMA), failed=1),
    Archived("a place behind the end", partial(lying, 42, b"\xff\xff\xff\x7f"), failed=1),
    Archived("a name that is told longer", partial(lying, 28, b"\xff\xff"), done=1),
    Archived("cut off", lambda: zipped(("a.png", file_of()))[:-30], 400),
    Archived("only its beginning", lambda: b"PK\x03\x04", 400),
    Archived("a comment of 64 kB", lambda: zipped(("a.png", file_of()))[:-2] + b"\xff\xff" + bytes(65_535), done=1),
    Archived("a program before it", lambda: b"MZ" + bytes(500) + zipped(("a.png", file_of())), failed=1),
    Archived("a link to a local file", partial(link, "/etc/passwd"), done=1, failed=1),
    Archived("a folder alone", lambda: zipped(("folder/", b"")), 422),
    Archived("a name that leads out", named("../../../../tmp/evil.png"), done=1),
    Archived("a name from the root", named("/etc/evil.png"), done=1),
    Archived("a name on a drive", named("C:\\Windows\\evil.png"), done=1),
    Archived("a name with NUL", named("evil\0.png"), done=1),
    Archived("a name that clears the terminal", named("\x1b[2J\x1b]0;evil\x07.png"), done=1),
    Archived("a name that reads backwards", named("\u202egnp.exe.png"), done=1),
    Archived("a name of emoji", named("\U0001f600\U0001f1e6.png"), done=1),
    Archived("a name of 10,000 characters", named("x" * 10_000 + ".png"), done=1),
    Archived("a name of nothing", lambda: lying(28, b"\0\0"), 400),
    Archived("a name of dots", named("..."), 422),
    Archived("a device of Windows", named("CON.png"), done=1),
    Archived("the name of the list of errors", named("errors.json"), done=1),
    Archived("one name twice", lambda: zipped(("a.png", file_of()), ("a.png", file_of())), done=2),
    Archived("names that differ in case", lambda: zipped(("a.png", file_of()), ("A.PNG", file_of())), done=2),
]  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    with serve([{"lite": Remover("lite", device="cpu", resize="static")}], limits=LIMITS) as running:
        yield running


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.tries.replace(" ", "-"))
def test_attack(service: Running, attack: Archived, tmp_path: Path) -> None:
    data = attack.build()
    with peak_memory() as peak:
        answer = service.post("/api/batch", files={"files": ("a.zip", data)})
    assert answer.status_code == attack.status, answer.text[:300]
    assert peak.added < 200 * MIB
    assert "Traceback" not in answer.text
    if attack.status == 200:
        with zipfile.ZipFile(io.BytesIO(answer.content)) as results:
            names = results.namelist()
            errors = json.loads(results.read("errors.json")) if attack.failed else []
        assert len(errors) == attack.failed, errors
        assert len(names) == attack.done + bool(attack.failed), names
        for name in names:
            parts = Path(name).parts
            assert not name.startswith(("/", "\\")) and ".." not in parts and ":" not in name
            assert name.isprintable() and len(name) < 300
