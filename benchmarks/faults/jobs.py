"""What is disturbed: a folder of photos, films, training, a download."""

from __future__ import annotations

import hashlib
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from transparent_background.cli import main

from .processes import Waiting

RESULTS = "out"


class Job(ABC):
    """One run of the command, in a folder whose ``in`` holds its sources and whose ``out`` its results."""

    name: str
    again: Sequence[str] = ()
    """What the next run is given besides."""
    writes = RESULTS
    """The folder that it writes to."""
    spared: frozenset[str] = frozenset()
    """Faults that say nothing here."""

    @abstractmethod
    def prepare(self, folder: Path) -> None:
        """Make the sources."""

    @abstractmethod
    def arguments(self) -> list[str]:
        """Return what the command is given, in the folder."""

    def work(self, *more: str) -> int:
        """Run the command in the current folder."""
        return main([*self.arguments(), *more])

    def accompany(self, folder: Path, process: int, waiting: Waiting) -> None:
        """Do what the run needs from outside; by default nothing."""
        return

    def results(self, folder: Path) -> dict[str, str]:
        """Return what has a final name, each with what tells it from another or from half of it."""
        out = folder / RESULTS
        files = (path for path in sorted(out.rglob("*")) if path.is_file())
        return {str(path.relative_to(out)): self.content(path) for path in files if not is_part(path, out)}

    def content(self, path: Path) -> str:
        """Return what tells a result from another; by default all its bytes."""
        return digest(path)

    def may_be_there(self, name: str) -> bool:
        """Whether a stopped run may leave this besides results, until the next one."""
        return False


def is_part(path: Path, within: Path) -> bool:
    """Whether a file is called a part, or lies in a folder of them."""
    return any(part.endswith((".part", ".parts")) for part in path.relative_to(within).parts)


def parts(folder: Path) -> list[str]:
    """Return what is called a part, everywhere below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.part*"))


def digest(path: Path) -> str:
    """Return a checksum of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def tree(folder: Path) -> dict[str, str]:
    """Return the checksums of all files of a folder."""
    return {str(p.relative_to(folder)): digest(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def draw(height: int, width: int, seed: int) -> np.ndarray:
    """Draw a bright disc on noise, uint8 RGB."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = rng.normal(70, 20, (height, width, 3))
    disc = np.hypot(y - height / 2, x - width * (0.4 + 0.02 * (seed % 10))) < min(height, width) / 3
    image[disc] += (140, 100, 40)
    return image.clip(0, 255).astype(np.uint8)


class Photos(Job):
    """A folder of photos of several formats."""

    name = "folder"
    again = ("--skip-existing",)

    def prepare(self, folder: Path) -> None:
        """Make six photos, of up to a tenth of a megapixel."""
        (folder / "in" / "more").mkdir(parents=True)
        for index, suffix in enumerate(("jpg", "png", "webp", "tiff", "jpg", "png")):
            image = Image.fromarray(draw(240 + 20 * index, 320, index))
            image.save(folder / "in" / ("more" if index % 3 == 0 else "") / f"{index}.{suffix}")

    def arguments(self) -> list[str]:
        """Cut out the folder and those below it."""
        return ["-m", "lite", "in", "-d", RESULTS, "--recursive"]


class Film(Job):
    """A film over a colour, with its matte beside it."""

    name = "film"
    options: Sequence[str] = ()

    def prepare(self, folder: Path) -> None:
        """Make a film of a second with sound."""
        from tests.helpers.film_makers import make_film

        (folder / "in").mkdir(parents=True)
        frames = [draw(96, 128, index) for index in range(24)]
        make_film(folder / "in" / "clip.mp4", frames, sound="aac")

    def arguments(self) -> list[str]:
        """Make two films of it."""
        return [
            "-m",
            "lite",
            "in/clip.mp4",
            "-d",
            f"{RESULTS}/clip.mp4",
            "-t",
            "white",
            "--matte",
            *self.options,
        ]

    def content(self, path: Path) -> str:
        """Decode an interrupted film, which is as long as it is; of a whole one all bytes count."""
        if ".partial." not in path.name:
            return digest(path)
        import av

        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0))
        return "plays"

    def may_be_there(self, name: str) -> bool:
        """Whether it is what Ctrl-C saves."""
        return ".partial." in name


class ResumedFilm(Film):
    """The same in segments that the next run goes on from."""

    name = "film --resume"
    options = ("--resume",)


class Frames(Film):
    """A film as numbered pictures."""

    name = "film as pictures"

    def arguments(self) -> list[str]:
        """Make a picture of every frame."""
        return ["-m", "lite", "in/clip.mp4", "-d", f"{RESULTS}/%05d.png"]


class Training(Job):
    """A training run of a few steps that saves its state after every second one."""

    name = "training"
    again = ("--resume",)
    spared = frozenset({"sources"})

    def prepare(self, folder: Path) -> None:
        """Draw data sets and write a configuration."""
        from tests.helpers.small_training import draw_set, write_config

        for name, count, seed in (("one", 12, 1), ("two", 6, 2), ("val", 4, 3)):
            draw_set(folder / "in" / name, count, seed)
        shutil.copytree(folder / "in" / "val" / "images", folder / "in" / "backgrounds")
        config = write_config(folder / "in", folder / RESULTS)
        config.rename(folder / "in" / "config.yaml")

    def arguments(self) -> list[str]:
        """Train."""
        return ["train", "in/config.yaml"]

    def work(self, *more: str) -> int:
        """Train; a run that had not begun when it was stopped is begun."""
        if more and not (Path(RESULTS) / "state.pt").exists():
            more = ()
        return super().work(*more)

    def results(self, folder: Path) -> dict[str, str]:
        """Load the state and the weights: all of each is there."""
        from transparent_background.train.state import load_state

        out, found = folder / RESULTS, {}
        state = load_state(out) if out.is_dir() else None
        if state is not None and state["step"] == 6:
            found["state"] = "done"
        for path in sorted(out.glob("*.safetensors")):
            from safetensors.torch import load_file

            load_file(path)
            found[path.name] = "loads"
        return found


class Download(Job):
    """Weights from a server that is not fast."""

    name = "download"
    spared = frozenset({"sources"})

    def __init__(self, address: str, checksum: str) -> None:
        self.address, self.checksum = address, checksum

    def prepare(self, folder: Path) -> None:
        """Write the address into a config."""
        home = folder / RESULTS / ".transparent-background"
        home.mkdir(parents=True)
        (folder / "in").mkdir()
        text = f"mine:\n  url: {self.address}\n  ckpt_name: mine.pth\n  base_size: [64, 64]\n"
        (home / "config.yaml").write_text(text + f"  md5: {self.checksum}\n", encoding="utf-8")

    def arguments(self) -> list[str]:
        """Download them."""
        return ["models", "download", "mine"]

    def work(self, *more: str) -> int:
        """Download them into this folder."""
        os.environ["TRANSPARENT_BACKGROUND_FILE_PATH"] = str(Path(RESULTS).resolve())
        return super().work(*more)

    def results(self, folder: Path) -> dict[str, str]:
        """Return the weights; locks and notes are none."""
        return {name: sum for name, sum in super().results(folder).items() if name.endswith(".pth")}
