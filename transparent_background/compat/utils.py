"""What ``transparent_background.utils`` of 1.3.4 held beside the transforms."""

from __future__ import annotations

import argparse
import base64
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from ..engine.devices import choose_device
from ..errors import UsageError
from ..images.picture import to_pil
from ..media.reading import read
from ..media.sources import natural_key
from ..options.suffixes import FILM_SUFFIXES, PICTURE_SUFFIXES

IMG_EXTS = tuple(sorted(suffix[1:] for suffix in PICTURE_SUFFIXES))
VID_EXTS = tuple(sorted(suffix[1:] for suffix in FILM_SUFFIXES))


class Settings(dict[str, Any]):
    """A mapping whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def get_backend() -> str:
    """Return the best device's name."""
    device = choose_device(None)
    return "cpu" if device.type == "cpu" else f"{device.type}:{device.index or 0}"


def load_config(config_dir: str, easy: bool = True) -> Any:
    """Read a ``config.yaml``."""
    import yaml

    entries = yaml.safe_load(Path(config_dir).read_text(encoding="utf-8"))
    if not easy or not isinstance(entries, dict):
        return entries
    return Settings({name: Settings(values) for name, values in entries.items()})


def get_format(source: Iterable[str]) -> str:
    """Return ``Image`` or ``Video`` for names of one kind; empty for both or neither."""
    names = [name.lower() for name in source]
    pictures = any(name.endswith(IMG_EXTS) for name in names)
    films = any(name.endswith(VID_EXTS) for name in names)
    if pictures == films:
        return ""
    return "Image" if pictures else "Video"


def sort(x: Iterable[str]) -> list[str]:
    """Sort names so that numbers in them count as numbers."""
    return sorted(x, key=lambda name: natural_key(Path(name)))


def parse_args() -> argparse.Namespace:
    """Parse the arguments of 1.3.4's command out of ``sys.argv``."""
    parser = argparse.ArgumentParser()
    for name, short, default in (
        *(("source", "-s", None), ("dest", "-d", None), ("type", "-t", "rgba"), ("format", "-f", None)),
        *(("resize", "-r", "static"), ("device", "-D", None), ("mode", "-m", "base"), ("ckpt", "-c", None)),
        ("threshold", "-th", None),
    ):
        parser.add_argument(f"--{name}", short, default=default)
    for name, short in (("reverse", "-R"), ("jit", "-j")):
        parser.add_argument(f"--{name}", short, action="store_true")
    return parser.parse_args()


class ImageLoader:
    """Gives the pictures of a folder, or one, as RGB PIL pictures with their names."""

    def __init__(self, root: str) -> None:
        self.images = _files(Path(root), (".jpg", ".png", ".jpeg"))
        self.size = len(self.images)

    def __iter__(self) -> Iterator[tuple[Image.Image, str]]:
        for path in self.images:
            yield to_pil(read(path).rgb), Path(path).name

    def __len__(self) -> int:
        return self.size


class VideoLoader:
    """Gives the frames of films as RGB PIL pictures with the film's name; None ends each film."""

    def __init__(self, root: str) -> None:
        self.videos = _files(Path(root), tuple(FILM_SUFFIXES))
        self.size = len(self.videos)
        self.fps: float | None = None

    def __iter__(self) -> Iterator[tuple[Image.Image | None, str]]:
        from ..media.video.readers import open_film

        for path in self.videos:
            reader = open_film(path)
            try:
                self.fps = float(reader.info.rate)
                for frame in reader:
                    yield to_pil(frame.picture.rgb), Path(path).name
            finally:
                reader.close()
            yield None, Path(path).name

    def __len__(self) -> int:
        return self.size


def _files(root: Path, suffixes: tuple[str, ...]) -> list[str]:
    if root.is_dir():
        return sort(str(path) for path in root.iterdir() if path.name.lower().endswith(suffixes))
    if not root.is_file():
        raise UsageError(f"{root}: no such file or folder")
    return [str(root)]


def to_base64(image: Image.Image) -> str:
    """Return a picture as JPEG in base64."""
    buffered = io.BytesIO()
    image.save(buffered, format="JPEG")
    return base64.b64encode(buffered.getvalue()).decode("ascii")
