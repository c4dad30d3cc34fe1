"""A film as a generator of frames."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_makers import LEFT, make_film, number_of
from left_threads import no_thread_is_left

from transparent_background.errors import InputError, UsageError


def test_frames_one_by_one(remover) -> None:
    make_film(Path("a.mp4"), 10)
    frames = list(remover.iter_video("a.mp4", start=0.08, end="0:00.32", batch_size=4, temporal=False))
    assert [frame.index for frame in frames] == [2, 3, 4, 5, 6, 7]
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(6)]
    assert [number_of(frame.rgb) for frame in frames] == [2, 3, 4, 5, 6, 7]
    assert all(np.array_equal(frame.alpha, LEFT) for frame in frames)
    with pytest.raises(InputError):
        remover.iter_video("none.mp4")
    with pytest.raises(UsageError, match="codec"):
        remover.iter_video("a.mp4", codec="h264")


def test_whoever_stops_early_leaves_no_thread_behind(remover) -> None:
    make_film(Path("a.mp4"), 10)
    with no_thread_is_left():
        frames = remover.iter_video("a.mp4")
        assert [next(frames).index for _ in range(3)] == [0, 1, 2]
        frames.close()
