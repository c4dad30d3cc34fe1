"""The examples of README and docs do what they say, with the bundled model and small stand-ins for files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from drawing import draw_object
from film_makers import make_film
from markdown_blocks import PAGES, ROOT, Command, blocks_of, python_examples
from PIL import Image
from serving import serve

from transparent_background import checkpoints

PHOTOS = (
    "photo.jpg",
    "beach.jpg",
    "a.jpg",
    "b.jpg",
    "road.jpg",
    "photos/one.jpg",
    "photos/more/two.jpg",
    "samples/astronaut.jpg",
)
FILMS = {"clip.mp4": 17, "street.mp4": 3, "long.mp4": 8, "films/first.mp4": 2}
"""Frames, one every two seconds."""
DATA_SETS = ("ECSSD", "FeralCats", "held-out", "lanes/validate")
WEIGHTS = ("runs/mine/best.safetensors", "runs/lanes/best.safetensors")
RUN = """
import json, subprocess, sys
from transparent_background.cli import main
for text, words in json.loads(sys.argv[1]):
    ours = words[0] == "transparent-background" and not set("<>|;$~") & set(text)
    code = main(words[1:]) if ours else subprocess.run(["bash", "-c", text]).returncode
    if code:
        sys.exit(f"{text}: exit code {code}")
"""


@pytest.fixture(scope="session")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make everything that the examples name, once."""
    folder = tmp_path_factory.mktemp("stand-ins")
    image = draw_object(48, 64)
    for name in PHOTOS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / name)
    for name, count in FILMS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        make_film(folder / name, [image] * count, rate=Fraction(1, 2))
    mask = Image.fromarray(np.where(image.sum(axis=2) > 350, 255, 0).astype(np.uint8))
    for name in DATA_SETS:
        for kind in ("images", "masks"):
            (folder / name / kind).mkdir(parents=True)
        Image.fromarray(image).save(folder / name / "images" / "one.jpg")
        mask.save(folder / name / "masks" / "one.png")
    (folder / "mattes").mkdir()
    mask.save(folder / "mattes" / "one.png")
    lite = checkpoints.local_path(checkpoints.find("lite"))
    assert lite is not None
    for name in WEIGHTS:
        (folder / name).parent.mkdir(parents=True)
        shutil.copy(lite, folder / name)
    shutil.make_archive(str(folder / "photos"), "zip", folder / "photos")
    return folder


@pytest.fixture
def folder(stand_ins: Path, private_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go to a folder that holds them."""
    shutil.copytree(stand_ins, tmp_path, dirs_exist_ok=True)
    private_home.mkdir()
    monkeypatch.setenv("HOME", str(private_home.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands_of(page: Path, *, requests: bool = False) -> list[Command]:
    """Return what can be run of a page: commands of our own and the shell's, or requests to the service."""
    found = [command for block in blocks_of(page) for command in block.commands if command.reason is None]
    return [command for command in found if (command.words[0] == "curl") is requests]


def pages(wanted: Callable[[Path], object]) -> list[object]:
    return [pytest.param(page, id=str(page.relative_to(ROOT))) for page in PAGES if wanted(page)]


def has_python(page: Path) -> bool:
    return any(block.language == "python" and block.reason is None for block in blocks_of(page))


def has_requests(page: Path) -> bool:
    return bool(commands_of(page, requests=True))


@pytest.mark.slow
@pytest.mark.parametrize("page", pages(has_python))
def test_python_examples_run(page: Path, folder: Path) -> None:
    array = draw_object()
    namespace: dict[str, object] = {"image": Image.fromarray(array), "array": array}
    for example in python_examples(page, namespace):
        example.evaluate()


@pytest.mark.slow
@pytest.mark.parametrize("page", pages(commands_of))
def test_commands_run(page: Path, folder: Path) -> None:
    """All in one process, beside this one: the command sets up logging and threads for itself."""
    commands = commands_of(page)
    work = json.dumps([(command.text, command.words) for command in commands])
    done = subprocess.run([sys.executable, "-c", RUN, work], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    missing = [
        command.result for command in commands if command.result and not Path(command.result).is_file()
    ]
    assert missing == []


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page", pages(has_requests))
def test_requests_are_answered(page: Path, folder: Path) -> None:
    job = "ID"
    with serve() as service:
        for command in commands_of(page, requests=True):
            text = command.text.replace("http://127.0.0.1:7860", service.address).replace("/ID/", f"/{job}/")
            text = text.replace("curl", "curl --silent --show-error --fail", 1)
            answer = subprocess.run(["bash", "-c", text], check=False, capture_output=True, text=True)
            assert answer.returncode == 0, f"{command.text}: {answer.stderr}"
            if text.endswith(("/api/jobs", "/api/pictures")):
                job = json.loads(answer.stdout)["id"]
