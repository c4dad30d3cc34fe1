"""Soft masks for photos that have none: the mean of several networks' mattes, where they agree.

::

    python -m training.label PHOTOS --teachers u2net.onnx lite --out DATA/labelled/photos --agree 0.79
    python -m training.label DATA/val/ECSSD/images --teachers u2net.onnx lite --out /tmp/mean   # to be scored

Makes ``images/`` (links) and ``masks/`` (8 bits of grey), which ``train`` reads as any set. A photo is kept
where the intersection over union of the halves (alpha >= 0.5) of every two teachers is large enough; 0 keeps
all. Each teacher's own mattes stay in a folder of its name, and are not made again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from training.teachers import Teacher, mirrored, open_teacher
from transparent_background.errors import DataSetError
from transparent_background.media.atomic import replacing
from transparent_background.media.pairs import find_pictures, read_image
from transparent_background.types import FloatArray


def main() -> None:
    """Make the mattes that are missing, then the masks."""
    options = _options()
    photos = find_pictures(options.photos)
    refuse_twins([photo.stem for photo in photos], "photos")
    teachers = [open_teacher(name, options.sides) for name in options.teachers]
    names = [teacher.name + ("-once" if options.once else "") for teacher in teachers]
    refuse_twins(names, "teachers")
    for name, teacher in zip(names, teachers, strict=True):
        photos = predict(teacher, photos, options.out / name, once=options.once)
    weights = options.weights or [1.0] * len(names)
    for folder in ("images", "masks"):
        (options.out / folder).mkdir(exist_ok=True)
    kept = 0
    for photo in photos:
        mattes = [read_matte(options.out / name / f"{photo.stem}.png") for name in names]
        image, mask = options.out / "images" / photo.name, options.out / "masks" / f"{photo.stem}.png"
        if image.is_symlink():  # of a run with other bounds
            image.unlink()
            mask.unlink(missing_ok=True)
        if agreement(mattes) < options.agree:
            continue
        image.symlink_to(photo.resolve())
        write_matte(mask, np.average(mattes, axis=0, weights=weights))
        kept += 1
    print(f"{options.out}: {kept} of {len(photos)} photos kept")


def refuse_twins(names: Sequence[str], what: str) -> None:
    """End the program where two of its names would share a file."""
    if twins := [name for name in set(names) if names.count(name) > 1]:
        raise SystemExit(f"two {what} are called {min(twins)}")


def predict(teacher: Teacher, photos: Sequence[Path], folder: Path, *, once: bool = False) -> list[Path]:
    """Write the mattes of one teacher that are not there yet; return the photos that have one.

    With ``once`` they are without those of mirrored photos. A photo that cannot be read is named, and left
    out.
    """
    there = []
    folder.mkdir(parents=True, exist_ok=True)
    for number, photo in enumerate(photos, 1):
        path = folder / f"{photo.stem}.png"
        try:
            if not path.exists():
                rgb = read_image(photo)
                write_matte(path, teacher.matte(rgb) if once else mirrored(teacher.matte, rgb))
        except DataSetError as error:
            print(error, file=sys.stderr)
        else:
            there.append(photo)
        if number % 100 == 0:
            print(f"{teacher.name}: {number} of {len(photos)}", file=sys.stderr, flush=True)
    return there


def agreement(mattes: Sequence[FloatArray]) -> float:
    """Return the least intersection over union of the halves of any two mattes; 1 of a single one.

    Where neither has anything they agree.
    """
    halves = [matte >= 0.5 for matte in mattes]
    pairs = [((a & b).sum(), (a | b).sum()) for a, b in combinations(halves, 2)]
    return min((float(both / either) if either else 1.0 for both, either in pairs), default=1.0)


def read_matte(path: Path) -> FloatArray:
    """Read float32 (h, w) in [0, 1]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L"), np.float32) / np.float32(255)


def write_matte(path: Path, matte: FloatArray) -> None:
    """Write float (h, w) in [0, 1] as a PNG of 8 bits."""
    with replacing(path) as file:
        Image.fromarray(np.rint(np.clip(matte, 0, 1) * 255).astype(np.uint8)).save(file, "PNG")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training.label", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("photos", type=Path, help="a folder of photos")
    parser.add_argument(
        "--teachers", nargs="+", required=True, help="modes, files of weights, ONNX files of U-2-Net"
    )
    parser.add_argument("--weights", type=float, nargs="+", help="of the teachers in the mean (all 1)")
    parser.add_argument(
        "--out", type=Path, required=True, help="a folder for images/, masks/, and each one's mattes"
    )
    parser.add_argument("--agree", type=float, default=0.79, help="least agreement of two teachers (0.79)")
    parser.add_argument(
        "--sides", type=int, nargs="+", default=[320], help="sizes that U-2-Net is run at (320)"
    )
    parser.add_argument("--once", action="store_true", help="do not mirror: half the time, worse mattes")
    options = parser.parse_args()
    if options.weights and len(options.weights) != len(options.teachers):
        parser.error("--weights: one for each teacher")
    if not options.photos.is_dir():
        parser.error(f"{options.photos}: no such folder")
    if (options.out / "images").resolve() == options.photos.resolve():
        parser.error(f"{options.out}: is the set that the photos are of; its masks would be replaced")
    return options


if __name__ == "__main__":
    main()
