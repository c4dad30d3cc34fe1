"""What is written: frame N is frame N, at its time; alpha survives each codec."""

from __future__ import annotations

import errno
from fractions import Fraction

import av
import numpy as np
import pytest
from film_copies import copy_film, ramp
from film_makers import RATE, SIZE, frames_of, make_film, marked, number_of, times_of
from PIL import Image

from transparent_background.errors import OutputError
from transparent_background.images.result import Result
from transparent_background.media.video.containers import CONTAINERS, choose_encoding
from transparent_background.media.video.encoding import Look
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.writing import FilmWriter, SequenceWriter
from transparent_background.options.films import EncodingOptions


def test_lossless_films_are_equal_to_the_pixel(tmp_path) -> None:
    source = make_film(tmp_path / "a.mkv", 20, codec="ffv1", pix_fmt="bgr0")
    copy_film(source, tmp_path / "b.mkv", codec="ffv1")
    assert all(
        np.array_equal(a, b) for a, b in zip(frames_of(source), frames_of(tmp_path / "b.mkv"), strict=True)
    )
    assert np.array_equal(frames_of(tmp_path / "b.mkv")[7], marked(7))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [(key, codec) for key, box in CONTAINERS.items() for codec in box.codecs if key not in ("qt", "m4v")],
)
def test_every_container_and_codec_keeps_frames_and_times(tmp_path, suffix, codec) -> None:
    source = make_film(tmp_path / "a.mp4", 12, options={"crf": "5"})
    target = tmp_path / f"b.{suffix}"
    copy_film(source, target, streams=False, codec=codec)
    if suffix == "webp":
        with Image.open(target) as image:
            found = []
            for index in range(image.n_frames):
                image.seek(index)
                found.append(np.asarray(image.convert("RGB")))
            assert image.info["duration"] == 40
    else:
        found = frames_of(target)
        tick = 0.011 if suffix == "gif" else 0.002
        times = [float(time) for time in times_of(target)]
        assert np.allclose(np.diff(times), 1 / RATE, atol=tick)
    assert [number_of(frame) for frame in found] == list(range(12))
    loss = 25 if suffix == "gif" else 8
    assert np.abs(found[5].astype(int) - marked(5)).mean() < loss


def test_a_variable_rate_is_kept(tmp_path) -> None:
    times = [Fraction(n, 100) for n in (0, 4, 5, 25, 60, 61)]
    source = make_film(tmp_path / "a.mp4", 6, times=times)
    for suffix in ("mp4", "mov", "webm", "apng"):
        copy_film(source, tmp_path / f"b.{suffix}", streams=False)
        found = times_of(tmp_path / f"b.{suffix}")
        assert [round(float(t - found[0]), 3) for t in found] == [float(t) for t in times], suffix


@pytest.mark.parametrize("size", [(63, 95), (64, 95), (65, 96)])
def test_odd_sizes(tmp_path, size) -> None:
    source = make_film(tmp_path / "a.mkv", [marked(i, size) for i in range(3)], codec="ffv1", pix_fmt="bgr0")
    for suffix in ("webm", "mov", "apng"):
        copy_film(
            source, tmp_path / f"b.{suffix}", streams=False, **({"codec": "png"} if suffix == "mov" else {})
        )
        assert frames_of(tmp_path / f"b.{suffix}")[1].shape == (*size, 3), suffix
    writer = copy_film(source, tmp_path / "b.mp4", streams=False)
    frame = frames_of(tmp_path / "b.mp4")[1]
    assert frame.shape == (size[0] + size[0] % 2, size[1] + size[1] % 2, 3)
    assert np.abs(frame[: size[0], : size[1]].astype(int) - marked(1, size)).mean() < 8
    assert "even sides" in writer.notes[0]


@pytest.mark.parametrize(
    ("suffix", "codec", "loss"),
    [
        ("mov", None, 1 / 255),  # ProRes 4444 with 16 bits of alpha
        ("mov", "png", 0),
        ("webm", None, 0.03),
        ("mkv", "vp9", 0.03),
        ("mkv", "ffv1", 0),
        ("apng", None, 0),
        ("webp", None, 0),
        ("gif", None, 0.5),
    ],
)
def test_alpha_survives(tmp_path, suffix, codec, loss) -> None:
    source = make_film(tmp_path / "a.mp4", 3, options={"crf": "5"})
    target = tmp_path / f"b.{suffix}"
    copy_film(source, target, alpha=True, streams=False, codec=codec)
    if suffix in ("webp", "apng", "gif"):
        target = target.rename(target.with_suffix(".png" if suffix == "apng" else f".{suffix}"))
    frames = list(open_film(target))
    assert len(frames) == 3
    for frame in frames:
        assert frame.picture.alpha is not None
        assert np.abs(frame.picture.alpha - ramp()).max() <= loss + 0.5 / 255 + 1e-6
    solid = ramp() > 0.9
    error = np.abs(frames[1].picture.rgb[solid].astype(int) - marked(1)[solid])
    assert error.mean() < (25 if suffix == "gif" else 8)


@pytest.mark.parametrize("suffix", ["mov", "webm", "mkv"])
def test_what_is_opaque_and_what_is_clear_stay_so_exactly(tmp_path, suffix) -> None:
    encoding = choose_encoding(suffix, EncodingOptions(), alpha=True)
    reader = open_film(make_film(tmp_path / "a.mp4", 1))
    alpha = np.zeros(SIZE, np.float32)
    alpha[:, 48:] = 1
    result = Result(rgb=marked(0), alpha=alpha)
    writer = FilmWriter(tmp_path / f"b.{suffix}", encoding, Look.of(result, deep=False), reader.info)
    writer.write(result, Fraction(0), Fraction(1, 25))
    writer.finish()
    reader.close()
    (frame,) = open_film(tmp_path / f"b.{suffix}")
    found = frame.picture.alpha
    assert found is not None
    assert (found[:, :40].max(), found[:, 56:].min()) == (0, 1)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "webm", "mkv", "gif"])
def test_the_last_frame_lasts_as_long_as_it_did(tmp_path, suffix) -> None:
    images = [Image.fromarray(marked(i)) for i in range(3)]
    images[0].save(tmp_path / "a.gif", save_all=True, append_images=images[1:], duration=[100, 100, 2000])
    copy_film(tmp_path / "a.gif", tmp_path / f"b.{suffix}", streams=False)
    with av.open(str(tmp_path / f"b.{suffix}")) as container:
        stream = container.streams.video[0]
        length = (
            stream.duration * stream.time_base if stream.duration else Fraction(container.duration, 1000000)
        )
    assert float(length) == pytest.approx(2.2, abs=0.02)


def test_frames_that_a_clock_cannot_tell_apart_are_left_out(tmp_path) -> None:
    source = make_film(tmp_path / "a.mkv", 24, rate=240)
    writer = copy_film(source, tmp_path / "b.gif", streams=False)
    assert len(frames_of(tmp_path / "b.gif")) < 24
    assert "too coarse" in writer.notes[-1]


def test_numbered_pictures(tmp_path) -> None:
    writer = SequenceWriter(tmp_path / "cut" / "f_%04d.png")
    for index in range(3):
        writer.write(Result(rgb=marked(index), alpha=ramp()), Fraction(index, 25), Fraction(1, 25))
    writer.finish()
    names = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert names == ["f_0001.png", "f_0002.png", "f_0003.png"]
    with Image.open(tmp_path / "cut" / "f_0002.png") as image:
        assert image.mode == "RGBA"
        assert np.array_equal(np.asarray(image)[..., :3], marked(1))


def test_a_full_disk_is_said(tmp_path, monkeypatch) -> None:
    source = make_film(tmp_path / "a.mp4", 5)

    def full(self, packet):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="the disk is full"):
        reader = open_film(source)
        encoding = choose_encoding("mp4", EncodingOptions(), alpha=False)
        writer = FilmWriter(tmp_path / "b.mp4", encoding, Look(SIZE, False, False), reader.info)
        monkeypatch.setattr(
            writer, "_container", type("Full", (), {"mux_one": full, "close": lambda self: None})()
        )
        for frame in reader:
            writer.write(Result(rgb=frame.picture.rgb), frame.time, frame.duration)
        writer.finish()
    with pytest.raises(OutputError, match="folder does not exist"):
        FilmWriter(tmp_path / "no" / "b.mp4", encoding, Look(SIZE, False, False), reader.info).finish()
    writer.abandon()
    reader.close()
