"""Films behind the object."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_makers import SIZE, frames_of, make_film, marked
from PIL import Image

from transparent_background import Remover
from transparent_background.films.backdrop import background_over_time
from transparent_background.options.settings import settings_of


def colour_film(path: str, colours, rate: int = 25) -> str:
    make_film(
        Path(path),
        [np.full((*SIZE, 3), c, np.uint8) for c in colours],
        rate=rate,
        codec="ffv1",
        pix_fmt="bgr0",
    )
    return path


@pytest.mark.parametrize(("play", "last"), [("loop", [0, 1, 2, 0, 1, 2, 0]), ("hold", [0, 1, 2, 2, 2, 2, 2])])
def test_a_film_behind_is_looped_or_held(remover, play, last) -> None:
    shades = [40, 120, 200]
    behind = colour_film("behind.mkv", [(s, s, s) for s in shades])
    make_film(Path("a.mkv"), 7, codec="ffv1", pix_fmt="bgr0")
    remover.process_video("a.mkv", "b.mkv", behind, codec="ffv1", background_play=play)
    found = [int(frame[32, 80, 0]) for frame in frames_of("b.mkv")]
    assert found == [shades[i] for i in last]


def test_a_film_behind_runs_by_time_not_by_frames() -> None:
    behind = colour_film("slow.mkv", [(i, 0, 0) for i in range(10)], rate=10)
    with background_over_time(settings_of(type=behind)) as background_at:
        shown = [int(background_at(Fraction(i, 25)).at_size(SIZE)[0, 0, 0]) for i in range(25)]
        assert shown == [i * 10 // 25 for i in range(25)]
        assert background_at(Fraction(1)).at_size((30, 40)).shape == (30, 40, 3)


def test_a_photo_takes_the_first_frame_of_a_film_behind() -> None:
    colour_film("behind.mkv", [(200, 10, 10), (10, 200, 10)])
    Image.fromarray(marked(1)).save("p.png")
    result = Remover("lite").process("p.png", "behind.mkv")
    assert np.abs(np.asarray(result)[60, 90].astype(int) - (200, 10, 10)).max() < 40
