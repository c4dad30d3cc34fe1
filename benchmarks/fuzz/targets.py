"""What is done with a case: what a user's file goes through in the command, in Python and in the service.

Everything is the package's own but the network, whose place a stand-in takes for most cases: the green
channel. A share is given the bundled network itself.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image

from transparent_background import Remover
from transparent_background.options.service import Limits

from .case import Case

PIXELS = 16_000_000  # what has more is refused, as the service does with 64 million, 34 of a film


LIMITS = Limits(pixels=PIXELS, frame_pixels=PIXELS, film_frames=1 << 50, film_seconds=1e15)
Image.MAX_IMAGE_PIXELS = PIXELS // 2  # Pillow refuses twice as many


@dataclass(slots=True)
class Made:
    """What came of a case that was not refused."""

    words: str
    """Such as ``result``, or the status of an answer."""
    pixels: int = 0
    """Of the picture or frame, for the bound on memory."""
    faults: tuple[str, ...] = ()
    """What should not be so, though nothing was raised."""


class Refused(Exception):
    """An error that was told in words, by a part of the package that catches it itself."""


Target = Callable[[Case, Path, bool], Made]


alive: Callable[[], None] = lambda: None  # noqa: E731
"""Called while there is progress."""


@cache
def removers() -> tuple[Remover, Remover]:
    """Return the bundled network, and the stand-in."""
    real = Remover("lite", device="cpu")
    quick = copy.copy(real)
    quick.run = lambda main, *low: main[:, 1:2] * 3  # logits (B, 1, h, w) from (B, 3, h, w)
    quick.resize = "static"
    quick.checkpoint = dataclasses.replace(real.checkpoint, base_size=(64, 64))
    return real, quick


def target_of(kind: str) -> Target:
    """Return what is done with cases of a kind."""
    if kind == "requests":
        from .server import ask

        return ask
    return {"pictures": do_picture, "films": do_film, "checkpoints": do_checkpoint}[kind]


def do_picture(case: Case, folder: Path, real: bool) -> Made:
    """Cut a picture out, as the command or as Python does."""
    from transparent_background.media.reading import measure

    path = folder / case.name
    path.write_bytes(case.data)
    height, width = measure(path)
    remover = removers()[0 if real else 1]
    if len(case.data) % 3:
        _command(path, folder, remover, case.options)
    else:
        given: Any = case.data if len(case.data) % 2 else path
        remover.process(given, **case.options)
    return Made("result", min(height * width, PIXELS))


def _command(path: Path, folder: Path, remover: Remover, options: dict[str, Any]) -> None:
    """Do what the command does with one source."""
    from transparent_background.media.sources import find_sources
    from transparent_background.options.settings import settings_of
    from transparent_background.pipeline.plan import make_plan
    from transparent_background.pipeline.work import run

    settings = settings_of(**options)
    plan = make_plan(find_sources([str(path)]), settings, str(folder / "out"))
    summary = run(plan, remover, settings, workers=1)
    for outcome in summary.outcomes:
        if outcome.error is not None:
            raise Refused(outcome.error)


def do_film(case: Case, folder: Path, real: bool) -> Made:
    """Cut a film out; lists of other files must be refused by the service's check."""
    from transparent_background.errors import InputError, TooLargeError
    from transparent_background.options.films import Selection
    from transparent_background.service.film_checks import check_film

    path = folder / case.name
    path.write_bytes(case.data)
    remover = removers()[0 if real else 1]
    checked = True
    try:
        check_film(path, LIMITS, Selection(), case.name)
    except TooLargeError:
        raise
    except InputError:
        checked = False
    faults = ("a list of files passes the service's check",) if checked and _is_list(case.data) else ()
    options = {name: value for name, value in case.options.items() if name != "format"}
    suffix = case.options.get("format", "mp4")
    dest = folder / "out" / (f"result_%03d.{suffix}" if suffix == "png" else f"result.{suffix}")
    report = remover.process_video(path, dest, progress=lambda _: alive(), **options)
    if not report.frames:
        faults += ("a film without a frame",)
    return Made(
        "result" if not report.losses else "result, losses told", report.size[0] * report.size[1], faults
    )


def _is_list(data: bytes) -> bool:
    return data.startswith((b"#EXTM3U", b"ffconcat", b"v=0"))


def do_checkpoint(case: Case, folder: Path, real: bool) -> Made:
    """Read weights, a configuration or a recipe, and use what was read."""
    path = folder / case.name
    path.write_bytes(case.data)
    os.chdir(folder)
    try:
        _read(path)
    finally:
        os.chdir("/")
        if (folder / "canary").exists():
            raise RanCode(f"{case.name}: a pickle or a tag ran code")
    return Made("result")


class RanCode(Exception):
    """What must never happen."""


def _read(path: Path) -> None:
    if path.name == "config.yaml":
        from transparent_background.checkpoints.registry import CHECKPOINTS
        from transparent_background.checkpoints.user_config import read_user_config

        read_user_config(path, {known.name: known for known in CHECKPOINTS})
    elif path.name.startswith("recipe"):
        from transparent_background.options.recipe import Recipe

        recipe = Recipe.load(path)
        recipe.save(path.with_name("saved.yaml"))
        Recipe.load(path.with_name("saved.yaml"))
    elif path.name == "train.yaml":
        from transparent_background.train.config import load_config

        load_config(path)
    else:
        import numpy as np

        remover = Remover(ckpt=path, device="cpu", offline=True)
        remover.process(np.zeros((40, 40, 3), np.uint8))
