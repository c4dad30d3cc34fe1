"""Link the backgrounds that may be trained on: those that ``benchmarks.composites`` does not hold out.

::

    python -m training.grounds DATA/backgrounds --out DATA/grounds
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.composites.grounds import held_out
from transparent_background.media.atomic import make_folder
from transparent_background.media.pairs import find_pictures


def main() -> None:
    """Make the links, in place of those that are there."""
    parser = argparse.ArgumentParser(
        prog="python -m training.grounds", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="a folder of pictures")
    parser.add_argument("--out", type=Path, required=True, help="a folder for links to half of them")
    options = parser.parse_args()
    make_folder(options.out)
    pictures = find_pictures(options.folder)
    chosen = [path for path in pictures if not held_out(path)]
    for link in options.out.iterdir():
        if link.is_symlink():  # of another choice
            link.unlink()
    for path in chosen:
        (options.out / path.name).symlink_to(path.resolve())
    print(f"{options.out}: {len(chosen)} of {len(pictures)} backgrounds")


if __name__ == "__main__":
    main()
