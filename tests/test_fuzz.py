"""The fuzzer makes a seed's cases again, notices what a process does, and makes what fails smaller."""

from __future__ import annotations

import random
import sys
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")
pytest.importorskip("fastapi")

from benchmarks.fuzz.case import KINDS, Case, make_case
from benchmarks.fuzz.films import KINDS as FILM_KINDS
from benchmarks.fuzz.films import film_of
from benchmarks.fuzz.keeper import Keeper
from benchmarks.fuzz.minimise import minimise
from benchmarks.fuzz.mutate import mutate
from benchmarks.fuzz.parts import STRUCTURES
from benchmarks.fuzz.pictures import draw
from benchmarks.fuzz.tally import Tally
from benchmarks.fuzz.tree import Tree

DECODER = """
    import base64, json, os, sys, time
    print("{}", flush=True)
    for line in sys.stdin:
        data = base64.b64decode(json.loads(line)["case"]["data"])
        answer = {"outcome": "result", "what": "result", "seconds": 0, "peak": 0}
        if b"hang" in data:
            time.sleep(100)
        if b"end" in data:
            os.kill(os.getpid(), 11)
        if b"e" in data and b"v" in data:
            answer |= {"outcome": "traceback", "what": "ValueError: ev", "signature": "ValueError here"}
        print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def keeper(tmp_path: Path):
    """Return what keeps a decoder that has planted faults."""
    keeper = Keeper(tmp_path / "log", [sys.executable, "-c", textwrap.dedent(DECODER)], hang=3.0)
    yield keeper
    keeper.stop()


def asked(keeper: Keeper, data: bytes) -> dict[str, object]:
    return keeper.ask({"case": Case("pictures", "a.png", data).as_json()})


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_and_a_number_are_a_case(kind) -> None:
    first = [make_case(kind, 5, number) for number in range(12)]
    assert first == [make_case(kind, 5, number) for number in range(12)]
    assert first != [make_case(kind, 6, number) for number in range(12)]
    assert first == [Case.from_json(case.as_json()) for case in first]


def sound_files() -> dict[str, bytes]:
    """Return a sound file of every structure."""
    pictures = {"png": "png", "jpeg": "jpg", "gif": "gif", "tiff": "tiff"}
    films = {"riff": "avi", "boxes": "mp4", "ebml": "mkv", "ts": "ts", "flv": "flv"}
    files = {structure: draw(name, random.Random(2))[0] for structure, name in pictures.items()}
    of = {kind.suffix: kind for kind in FILM_KINDS}
    return files | {structure: film_of(of[suffix]) for structure, suffix in films.items()}


@pytest.mark.parametrize("structure", STRUCTURES)
def test_what_is_taken_apart_goes_together_again(structure) -> None:
    data = sound_files()[structure]
    tree = Tree.of(data)
    assert tree is not None
    assert tree.structure is STRUCTURES[structure]
    assert sum(map(len, tree.lists())) > 1
    again = Tree.of(tree.bytes())
    assert again is not None
    assert again.parts == tree.parts
    if structure not in ("ebml", "tiff"):  # whose sizes may be written in several ways, or stand elsewhere
        assert len(tree.bytes()) == pytest.approx(len(data), abs=8)


def test_changes_of_a_png_keep_its_checksums() -> None:
    """Otherwise decoders would look no further."""
    data = sound_files()["png"]
    whole = 0
    for seed in range(60):
        changed, words = mutate(data, random.Random(seed))
        tree = Tree.of(changed)
        whole += words != "" and changed != data and tree is not None and tree.bytes() == changed
    assert whole > 20


def test_a_process_that_hangs_or_ends_is_told_and_replaced(keeper) -> None:
    assert asked(keeper, b"sound")["outcome"] == "result"
    assert asked(keeper, b"the end")["what"] == "SIGSEGV"
    assert asked(keeper, b"sound")["outcome"] == "result"
    assert asked(keeper, b"hang")["outcome"] == "hang"
    assert asked(keeper, b"sound")["outcome"] == "result"
    assert keeper.restarts == 3


def test_a_fault_is_found_saved_and_made_smaller(keeper, tmp_path) -> None:
    tally = Tally(3, tmp_path)
    case = Case(
        "pictures", "a.png", bytes(100) + b"evil" + bytes(57), {"type": "rgba", "crop": "5"}, "by hand"
    )
    answer = asked(keeper, case.data)
    assert tally.note("pictures", 7, answer)
    assert not tally.note("pictures", 8, answer)  # known by now

    def fails(other: Case) -> bool:
        return asked(keeper, other.data).get("signature") == answer["signature"]

    small = minimise(case, fails)
    assert (sorted(small.data), small.options) == (sorted(b"ev"), {})
    place = tally.save(answer["signature"], 7, case, small, answer)
    assert (place / "a.png").read_bytes() == case.data
    assert (place / "small-a.png").read_bytes() == small.data
    assert "| 3 | pictures | 2 | 0 | 0 | 2 | 0 |" in tally.table()
    assert tally.as_json()["kinds"]["pictures"]["failed"] == {"traceback": 2}
