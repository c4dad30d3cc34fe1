"""Films are read as a player would show them: every frame, at its time, upright, whole."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from film_copies import numbers, read_film
from film_makers import RATE, SIZE, make_film, marked

from transparent_background.errors import UsageError
from transparent_background.options.values import parse_scale, scaled_size


def test_every_frame_comes_once_in_order_and_at_its_time(tmp_path) -> None:
    film = make_film(tmp_path / "a.mp4", 12)
    reader, frames = read_film(film)
    assert numbers(frames) == list(range(12))
    assert [frame.time for frame in frames] == [Fraction(i, RATE) for i in range(12)]
    assert (reader.info.size, reader.info.rate, reader.info.frames) == (SIZE, 25, 12)
    assert np.abs(frames[3].picture.rgb.astype(int) - marked(3)).mean() < 6
    assert reader.losses == []


def test_a_variable_rate_is_kept(tmp_path) -> None:
    times = [Fraction(n, 100) for n in (0, 4, 5, 25, 60, 61)]
    _, frames = read_film(make_film(tmp_path / "v.mp4", 6, times=times))
    assert [frame.time for frame in frames] == times
    assert numbers(frames) == list(range(6))


@pytest.mark.parametrize(
    ("degrees", "flip", "turn"),
    [
        (90, False, lambda a: np.rot90(a, 1)),
        (-90, False, lambda a: np.rot90(a, -1)),
        (180, False, lambda a: a[::-1, ::-1]),
        (0, True, lambda a: a[:, ::-1]),
        (90, True, None),
    ],
)
def test_frames_are_turned_upright(tmp_path, degrees, flip, turn) -> None:
    def rotate(container, stream):
        stream.set_display_rotation(degrees, hflip=flip)

    film = make_film(tmp_path / "r.mp4", 3, codec="libx264", options={"crf": "10"}, set_up=rotate)
    reader, frames = read_film(film)
    if turn is None:  # a quarter turn with a mirror: a transposition, along one diagonal or the other
        stored = marked(1)
        expected = [stored.swapaxes(0, 1), stored[::-1, ::-1].swapaxes(0, 1)]
    else:
        expected = [turn(marked(1))]
    assert reader.info.size == expected[0].shape[:2]
    errors = [np.abs(frames[1].picture.rgb.astype(int) - e).mean() for e in expected]
    assert min(errors) < 6


@pytest.mark.parametrize("size", [(63, 95), (65, 97)])
def test_odd_sizes_are_read_whole(tmp_path, size) -> None:
    film = make_film(tmp_path / "o.webm", [marked(5, size)], codec="libvpx-vp9", options={"crf": "10"})
    reader, (frame,) = read_film(film)
    assert reader.info.size == size
    assert np.abs(frame.picture.rgb.astype(int) - marked(5, size)).mean() < 8


def test_interlaced_films_are_deinterlaced_and_that_is_said(tmp_path) -> None:
    def comb(i: int) -> np.ndarray:  # a bar that moves between the fields
        image = np.full((64, 96, 3), 30, np.uint8)
        image[0::2, 4 * i : 4 * i + 24] = 220
        image[1::2, 4 * i + 2 : 4 * i + 26] = 220  # half a frame later
        return image

    film = make_film(
        tmp_path / "i.mkv",
        [comb(i) for i in range(12)],
        options={"crf": "8", "x264-params": "tff=1:interlaced=1", "flags": "+ildct"},
    )
    reader, frames = read_film(film)
    assert len(frames) == 12
    assert reader.notes == ["is interlaced: deinterlaced (bwdif)"]
    rows = frames[6].picture.rgb[..., 1].astype(int)
    combed = np.abs(rows[2:-2:2] - rows[1:-3:2]).mean()
    woven = comb(6)[..., 1].astype(int)
    assert combed < np.abs(woven[2:-2:2] - woven[1:-3:2]).mean() / 2, "the fields still show as a comb"
    assert [frame.time for frame in frames] == [Fraction(i, RATE) for i in range(12)]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"start": Fraction(2, 5)}, list(range(10, 25))),
        ({"start": Fraction(2, 5), "end": Fraction(3, 5)}, [10, 11, 12, 13, 14]),
        ({"end": Fraction(1, 25)}, [0]),
        ({"every": 5}, [0, 5, 10, 15, 20]),
        ({"start": Fraction(1, 25), "every": 10}, [1, 11, 21]),
        ({"fps": Fraction(5)}, [2, 7, 12, 17, 22]),
    ],
)
def test_parts_of_a_film(tmp_path, selection, expected) -> None:
    reader, frames = read_film(make_film(tmp_path / "s.mp4", 25), **selection)
    if "fps" in selection:  # the frame on screen in the middle of each new one
        assert all(abs(a - b) <= 2 for a, b in zip(numbers(frames), expected, strict=True))
    else:
        assert numbers(frames) == expected
    assert frames[0].time == 0
    assert reader.info.frames == len(expected)


@pytest.mark.parametrize("start", [Fraction(3, 5), Fraction(5, 2), Fraction(79, 10)])
def test_a_part_of_a_transport_stream_begins_where_it_should(tmp_path, start) -> None:
    def rare_keyframes(container, stream):
        stream.codec_context.gop_size = 150

    film = make_film(tmp_path / "s.ts", 220, set_up=rare_keyframes)
    _, frames = read_film(film, start=start, end=start + Fraction(1, 5))
    first = -(-start * RATE // 1)
    assert numbers(frames) == [int(first) + i for i in range(5)]


def test_a_higher_rate_repeats_frames_and_says_which(tmp_path) -> None:
    _, frames = read_film(make_film(tmp_path / "s.mp4", 10), fps=Fraction(50))
    assert len(frames) == 20
    assert [frame.time for frame in frames] == [Fraction(i, 50) for i in range(20)]
    assert [frame.index for frame in frames] == sorted([*range(10), *range(10)])
    assert numbers(frames) == [frame.index for frame in frames]


def test_the_same_rate_changes_nothing(tmp_path) -> None:
    film = make_film(tmp_path / "n.mkv", 30, rate=Fraction(30000, 1001))  # in milliseconds there
    _, frames = read_film(film, fps=Fraction(30000, 1001))
    assert numbers(frames) == list(range(30))


@pytest.mark.parametrize(
    ("scale", "size"),
    [
        ("0.5", (540, 960)),
        ("50%", (540, 960)),
        ("720p", (720, 1280)),
        ("640x", (360, 640)),
        ("x300", (300, 534)),
        ("640x480", (480, 640)),
        ("640:480", (480, 640)),
    ],
)
def test_scales(scale, size) -> None:
    assert scaled_size((1080, 1920), scale) == size


@pytest.mark.parametrize("scale", ["", "x", "big", "0", "-1", "1e9", "3x3"])
def test_scales_that_make_no_sense(scale) -> None:
    with pytest.raises(UsageError, match="scale"):
        parse_scale(scale)


def test_frames_are_scaled_while_they_are_read(tmp_path) -> None:
    reader, frames = read_film(make_film(tmp_path / "s.mp4", 3), scale="2")
    assert reader.info.size == (128, 192)
    assert numbers(frames) == [0, 1, 2]
    assert frames[0].picture.rgb.shape == (128, 192, 3)
