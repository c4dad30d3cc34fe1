"""Films from file to file: what a user asks for is what lies there at the end, whatever happens between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from film_makers import SIZE, frames_of, make_film, marked, number_of, probe, samples_of, times_of
from PIL import Image

from transparent_background import Remover
from transparent_background.checkpoints import Checkpoint
from transparent_background.cli import main
from transparent_background.engine import choose_plan
from transparent_background.errors import (
    InputError,
    MissingExtraError,
    OutputConflictError,
    OutputError,
    UsageError,
)
from transparent_background.films.backdrop import FilmBackdrop
from transparent_background.images.result import Result
from transparent_background.media.video.containers import choose_encoding
from transparent_background.media.video.encoding import Look
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.writing import FilmWriter
from transparent_background.options.films import EncodingOptions
from transparent_background.options.values import parse_bitrate, parse_rate, parse_time

LEFT = np.zeros(SIZE, np.float32)
LEFT[:, : SIZE[1] // 2] = 1


class HalfRemover(Remover):
    """Takes the left half of every picture for the object; remembers what it was asked."""

    asked_resize = None
    device = torch.device("cpu")
    plan = choose_plan("published", device)
    fingerprint = "half"
    checkpoint = Checkpoint(name="half", file_name="", base_size=SIZE)

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.batches: list[int] = []
        self.resizes: list[str] = []
        self.after = None

    def predictions(self, pictures, *, resize=None, base_size=None):
        self.seen += [number_of(picture.rgb) for picture in pictures]
        self.batches.append(len(pictures))
        self.resizes.append(resize)
        if self.after is not None and len(self.seen) > self.after:
            raise KeyboardInterrupt
        result = []
        for picture in pictures:
            matte = torch.zeros(1, 1, *picture.size)
            matte[..., : picture.size[1] // 2] = 1
            result.append(matte)
        return result


@pytest.fixture
def remover() -> HalfRemover:
    return HalfRemover()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def numbers(path) -> list[int]:
    """Read the frames' numbers modulo 16: the higher digits stand in the half that is taken away."""
    return [number_of(frame) & 15 for frame in frames_of(path)]


def counted(count: int) -> list[int]:
    return [index & 15 for index in range(count)]


def files() -> list[str]:
    return sorted(str(path) for path in Path().rglob("*") if path.is_file())


# ---- results


def test_frame_n_of_the_result_is_frame_n_of_the_source_to_the_pixel(remover) -> None:
    make_film(Path("a.mkv"), 30, codec="ffv1", pix_fmt="bgr0")
    report = remover.process_video("a.mkv", "b.mkv", (10, 20, 30), codec="ffv1", temporal=False)
    assert (report.frames, report.size, report.result) == (30, SIZE, Path("b.mkv"))
    for index, frame in enumerate(frames_of("b.mkv")):
        assert np.array_equal(frame[:, : SIZE[1] // 2], marked(index)[:, : SIZE[1] // 2]), index
        assert (frame[:, SIZE[1] // 2 :] == (10, 20, 30)).all()
    assert remover.seen == list(range(30))


def test_a_transparent_film_keeps_its_sound_and_its_times(remover) -> None:
    times = [Fraction(n, 100) for n in (0, 4, 5, 25, 60, 61)]
    make_film(Path("a.mp4"), 6, times=times, sound="aac")
    report = remover.process_video("a.mp4")
    assert report.result == Path("a_rgba.mov")
    assert [t - times_of(report.result)[0] for t in times_of(report.result)] == times
    assert np.array_equal(samples_of("a.mp4"), samples_of(report.result))
    assert probe(report.result)["streams"] == [("video", "prores"), ("audio", "aac")]
    for frame in open_film(report.result):
        assert np.abs(frame.picture.alpha - LEFT)[:, :40].max() == 0
        assert np.abs(frame.picture.alpha - LEFT)[:, 56:].max() == 0


def test_matte_and_foreground_are_written_beside_it(remover) -> None:
    make_film(Path("a.mp4"), 5, options={"crf": "5"})
    report = remover.process_video("a.mp4", "out/b.mp4", "green", matte=True, foreground="premultiplied")
    assert (report.matte, report.foreground) == (Path("out/b_matte.mp4"), Path("out/b_foreground.mp4"))
    matte, foreground = frames_of(report.matte)[2], frames_of(report.foreground)[2]
    assert matte[:, :40].min() > 250
    assert matte[:, 56:].max() < 5
    assert foreground[:, 56:].max() < 12
    assert np.abs(foreground[:, :40].astype(int) - marked(2)[:, :40]).mean() < 8
    report = remover.process_video("a.mp4", "c.mov", matte="m.mkv", foreground="straight")
    assert files() == ["a.mp4", "c.mov", "c_foreground.mov", "m.mkv", "out/b.mp4", "out/b_foreground.mp4",
                       "out/b_matte.mp4"]  # fmt: skip
    assert probe("c_foreground.mov")["streams"] == [("video", "prores")]


def test_numbered_pictures_come_out_and_go_in(remover) -> None:
    make_film(Path("a.mp4"), 4)
    report = remover.process_video("a.mp4", "cut/f_%03d.png")
    assert report.frames == 4
    assert files()[1:] == [f"cut/f_00{n}.png" for n in (1, 2, 3, 4)]
    with Image.open("cut/f_003.png") as image:
        assert image.mode == "RGBA"
        assert number_of(np.asarray(image.convert("RGB"))) & 15 == 2
    remover.process_video("cut/f_%03d.png", "again.mp4", "white", fps=10)
    assert [float(t) for t in times_of("again.mp4")] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_pictures_have_square_pixels(remover) -> None:
    def wide(container, stream):
        stream.codec_context.sample_aspect_ratio = Fraction(3, 2)

    make_film(Path("a.mp4"), 2, set_up=wide)
    remover.process_video("a.mp4", "b.gif")
    remover.process_video("a.mp4", "c/%d.png")
    remover.process_video("a.mp4", "d.mp4", "white")
    remover.process_video("a.mp4", "e.webm", "white")
    assert next(iter(open_film("b.gif"))).picture.size == (64, 144)
    assert (probe("e.webm")["size"], probe("e.webm")["aspect"] or 1) == ((64, 144), 1)
    with Image.open("c/1.png") as image:
        assert image.size == (144, 64)
    assert (probe("d.mp4")["size"], probe("d.mp4")["aspect"]) == (SIZE, Fraction(3, 2))


def test_formats_without_transparency_get_a_colour(remover) -> None:
    make_film(Path("a.mp4"), 2)
    remover.process_video("a.mp4", "b.mp4", background=(200, 0, 0))
    assert np.abs(frames_of("b.mp4")[0][32, 80].astype(int) - (200, 0, 0)).max() < 6


def test_a_higher_rate_predicts_each_frame_once(remover) -> None:
    make_film(Path("a.mp4"), 5)
    report = remover.process_video("a.mp4", "b.mp4", "map", fps=50, sound=False)
    assert report.frames == 10
    assert remover.seen == list(range(5))


def test_batches_change_nothing(remover) -> None:
    make_film(Path("a.mkv"), 10, codec="ffv1", pix_fmt="bgr0")
    for size in (1, 4):
        remover.process_video("a.mkv", f"{size}.mkv", "white", codec="ffv1", batch_size=size)
    assert remover.batches == [1] * 10 + [4, 4, 2]
    assert all(np.array_equal(a, b) for a, b in zip(frames_of("1.mkv"), frames_of("4.mkv"), strict=True))


def test_one_pass_is_the_default_for_films(remover) -> None:
    make_film(Path("a.mp4"), 1)
    remover.process_video("a.mp4", "b.mp4", "white")
    remover.process_video("a.mp4", "c.mp4", "white", resize="blend")
    remover.asked_resize = "dynamic"
    remover.process_video("a.mp4", "d.mp4", "white")
    assert remover.resizes == ["static", "blend", "dynamic"]


def test_threshold_reverse_and_own_transparency(remover) -> None:
    rgba = np.dstack([marked(3), np.full(SIZE, 128, np.uint8)])
    make_film(Path("a.mkv"), [rgba] * 2, codec="ffv1", pix_fmt="bgra")
    remover.process_video("a.mkv", "b.mkv", codec="ffv1", reverse=True)
    alpha = next(iter(open_film("b.mkv"))).picture.alpha
    assert alpha[:, :48].max() == 0
    assert alpha[:, 48:] == pytest.approx(128 / 255, abs=0.01)


# ---- backgrounds


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
    backdrop = FilmBackdrop(Path(colour_film("slow.mkv", [(i, 0, 0) for i in range(10)], rate=10)), "cover")
    shown = [int(backdrop.at(Fraction(i, 25)).at_size(SIZE)[0, 0, 0]) for i in range(25)]
    assert shown == [i * 10 // 25 for i in range(25)]
    assert backdrop.at(Fraction(1)).at_size((30, 40)).shape == (30, 40, 3)
    backdrop.close()


def test_a_photo_takes_the_first_frame_of_a_film_behind() -> None:
    colour_film("behind.mkv", [(200, 10, 10), (10, 200, 10)])
    Image.fromarray(marked(1)).save("p.png")
    result = Remover("lite").process("p.png", "behind.mkv")
    assert np.abs(np.asarray(result)[60, 90].astype(int) - (200, 10, 10)).max() < 40


# ---- stops and failures


def test_ctrl_c_leaves_a_playable_film(remover, caplog) -> None:
    make_film(Path("a.mp4"), 40, sound="aac")
    remover.after = 20
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", matte=True)
    assert files() == ["a.mp4", "b.partial.mp4", "b_matte.partial.mp4"]
    found = numbers("b.partial.mp4")
    assert found == counted(len(found))
    assert 10 < len(found) <= 20
    assert samples_of("b.partial.mp4").shape[1] > 0
    assert "b.partial.mp4 holds what was done" in caplog.text


def test_a_result_that_fails_leaves_nothing(remover, monkeypatch) -> None:
    make_film(Path("a.mp4"), 10)

    def fail(self, result, time, duration):
        raise OutputError("b.mp4: cannot be written: the disk is full")

    monkeypatch.setattr("transparent_background.media.video.writing.FilmWriter.write", fail)
    with pytest.raises(OutputError, match="full"):
        remover.process_video("a.mp4", "b.mp4", "white")
    assert files() == ["a.mp4"]


def test_resuming_goes_on_after_the_last_whole_segment(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 55, sound="aac", options={"crf": "5"})
    whole = remover.process_video("a.mp4", "whole.mp4", "white", matte=True)
    remover.after = len(remover.seen) + 37
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    assert not Path("b.mp4").exists()
    remover.after, remover.seen = None, []
    report = remover.process_video("a.mp4", "b.mp4", "white", resume=True, matte=True)
    assert remover.seen[0] == 30 - 12, "12 frames to warm up, before the frames that are missing"
    assert remover.seen[-1] == 54
    assert report.frames == 55
    for done in ("b.mp4", "b_matte.mp4"):
        assert times_of(done) == times_of("whole.mp4" if done == "b.mp4" else whole.matte)
    assert numbers("b.mp4") == counted(55)
    assert np.array_equal(samples_of("b.mp4"), samples_of("a.mp4"))
    assert files() == ["a.mp4", "b.mp4", "b_matte.mp4", "whole.mp4", "whole_matte.mp4"]


@pytest.mark.parametrize("suffix", ["mov", "webm", "mkv"])
def test_segments_join_without_a_seam(remover, monkeypatch, suffix) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mkv"), 25, sound="libopus")
    remover.process_video("a.mkv", f"b.{suffix}", resume=True)
    frames = list(open_film(f"b.{suffix}"))
    assert len(frames) == 25
    assert np.allclose(np.diff([float(frame.time) for frame in frames]), 0.04, atol=0.0011)
    errors = [np.abs(frame.picture.alpha - LEFT) for frame in frames]
    assert max(error[:, :40].max() for error in errors) < 0.02
    assert max(error[:, 56:].max() for error in errors) < 0.02
    assert [number_of(f.picture.rgb) & 15 for f in frames] == [n & 15 for n in range(25)]


def test_resuming_with_repeated_frames(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 30)
    remover.after = 18
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True, fps=60)
    remover.after = None
    report = remover.process_video("a.mp4", "b.mp4", "white", resume=True, fps=60)
    assert len(frames_of("b.mp4")) == report.frames == 72
    assert 0 < report.resumed < 72


def test_segments_of_a_variable_rate_join(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(1))
    times = [Fraction(i, 25) for i in range(50)] + [2 + Fraction(i) for i in range(6)]
    make_film(Path("a.mp4"), 56, times=times)
    remover.process_video("a.mp4", "b.mp4", "white", resume=True)
    assert [round(float(t), 2) for t in times_of("b.mp4")] == [float(t) for t in times]


def test_segments_of_other_settings_are_not_used(remover, monkeypatch) -> None:
    monkeypatch.setattr("transparent_background.films.segments.SEGMENT_SECONDS", Fraction(2, 5))
    make_film(Path("a.mp4"), 30)
    remover.after = 25
    with pytest.raises(KeyboardInterrupt):
        remover.process_video("a.mp4", "b.mp4", "white", resume=True)
    remover.after, remover.seen = None, []
    remover.process_video("a.mp4", "b.mp4", "green", resume=True)
    assert remover.seen == list(range(30))
    with pytest.raises(UsageError, match="cannot be put together"):
        remover.process_video("a.mp4", "b.gif", "white", resume=True)


def test_a_damaged_film_is_done_as_far_as_it_goes(remover, caplog) -> None:
    make_film(Path("a.mkv"), 100)
    Path("cut.mkv").write_bytes(Path("a.mkv").read_bytes()[: Path("a.mkv").stat().st_size // 2])
    report = remover.process_video("cut.mkv", "b.mp4", "white")
    assert report.frames == len(frames_of("b.mp4")) > 10
    assert report.losses
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("cut.mkv: ")


def test_no_file_of_a_film_takes_anothers_place(remover, capsys) -> None:
    for name in ("a.mp4", "b.mp4"):
        make_film(Path(name), 3)
    before = Path("a.mp4").read_bytes()
    Path("link.mp4").hardlink_to("a.mp4")
    for options in ({"matte": "a.mp4"}, {"matte": "link.mp4"}, {"matte": "r.mp4"}, {"dest": "link.mp4"}):
        with pytest.raises(OutputConflictError):
            remover.process_video("a.mp4", **{"dest": "r.mp4", "type": "white", **options})
    assert main(["-m", "lite", "a.mp4", "-t", "green", "--matte=a.mp4"]) == 4
    assert main(["-m", "lite", "a.mp4", "-t", "green", "--matte=a_green.mp4"]) == 4
    assert main(["-m", "lite", "a.mp4", "b.mp4", "-t", "green", "--matte=m.mp4"]) == 4
    assert capsys.readouterr().err.count("error: ") == 3
    assert Path("a.mp4").read_bytes() == before
    assert files() == ["a.mp4", "a_green.mp4", "b.mp4", "link.mp4", "m.mp4"]


def test_an_earlier_runs_mattes_are_not_worked_on(capsys) -> None:
    Path("in").mkdir()
    make_film(Path("in/a.mp4"), 2)
    for _ in range(2):
        assert main(["-m", "lite", "in", "-d", "in", "-t", "green", "--matte"]) == 0
    assert files() == ["in/a.mp4", "in/a_green.mp4", "in/a_green_matte.mp4"]


def test_errors_before_anything_is_made(remover, monkeypatch) -> None:
    make_film(Path("a.mp4"), 2)
    for arguments, kind in (
        (("a.mp4", "a.mp4"), OutputConflictError),
        (("a.mp4", "b.png"), UsageError),
        (("a.mp4", "b.xyz"), UsageError),
        (("none.mp4", "b.mp4", "white"), InputError),
        (("a.mp4", "b.mp4", "nonsense"), UsageError),
    ):
        with pytest.raises(kind) as caught:
            remover.process_video(*arguments)
        assert "\n" not in str(caught.value)
    for options in (
        {"start": "soon"}, {"fit": "foo"}, {"batch_size": 0}, {"background_play": "foo"}, {"quality": 500},
        {"every": 1.5}, {"background": (300, 0, 0)}, {"crf": "x"}, {"resize": "foo"},
    ):  # fmt: skip
        with pytest.raises(UsageError, match=next(iter(options))):
            remover.process_video("a.mp4", **options)
    with Path("a.mp4").open("rb") as file, pytest.raises(UsageError, match="--resume"):
        remover.process_video(file, "b.mp4", "white", resume=True)
    with pytest.raises(InputError, match="no frame lies"):
        remover.process_video("a.mp4", "b.mp4", "white", start=60)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"transparent-background\[video\]"):
        remover.process_video("a.mp4", "b.mp4", "white")
    assert files() == ["a.mp4"]


def test_memory_does_not_grow_with_the_film(remover) -> None:
    import tracemalloc

    peaks = []
    for count in (40, 160):
        make_film(Path(f"{count}.mp4"), [marked(i, (240, 320)) for i in range(count)])
        tracemalloc.start()
        remover.process_video(f"{count}.mp4", f"out{count}.mp4", "white", temporal=False)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0], peaks


def test_progress_counts_up_to_the_end(remover) -> None:
    make_film(Path("a.mp4"), 12)
    seen = []
    remover.process_video("a.mp4", "b.mp4", "white", progress=seen.append)
    counts = [progress.frames for progress in seen]
    assert counts == sorted(counts)
    assert (counts[-1], seen[-1].total, seen[-1].remaining) == (12, 12, 0)
    assert seen[-1].fps > 0
    assert seen[len(seen) // 2].remaining > 0


# ---- generator


def test_a_writer_that_is_interrupted_while_it_ends_can_still_be_saved(tmp_path) -> None:
    make_film(Path("a.mp4"), 3)
    reader = open_film("a.mp4")
    encoding = choose_encoding("mp4", EncodingOptions(), alpha=False)
    writer = FilmWriter(Path("b.mp4"), encoding, Look(SIZE, alpha=False, deep=False), reader.info)
    for frame in reader:
        writer.write(Result(rgb=frame.picture.rgb), frame.time, frame.duration)
    writer._mux(writer._encoder.flush())
    writer._state = "flushed"  # as an interrupt at this point leaves it
    assert writer.save() == Path("b.partial.mp4")
    assert writer.save() == Path("b.partial.mp4")
    assert len(frames_of("b.partial.mp4")) == 3
    reader.close()


def test_frames_one_by_one(remover) -> None:
    make_film(Path("a.mp4"), 10)
    frames = list(remover.iter_video("a.mp4", start=0.08, end="0:00.32", batch_size=4, temporal=False))
    assert [frame.index for frame in frames] == [2, 3, 4, 5, 6, 7]
    assert [frame.time for frame in frames] == [Fraction(i, 25) for i in range(6)]
    assert [number_of(frame.rgb) for frame in frames] == [2, 3, 4, 5, 6, 7]
    assert all(np.array_equal(frame.alpha, LEFT) for frame in frames)
    for frame in remover.iter_video("a.mp4"):
        if frame.index == 3:
            break  # whoever stops early leaves no thread behind
    with pytest.raises(InputError):
        remover.iter_video("none.mp4")


# ---- values


def test_times_rates_and_bit_rates() -> None:
    assert [parse_time(v) for v in ("12.5", 3, "1:30", "01:02:03.25", Fraction(1, 5), None)] == [
        Fraction(25, 2), 3, 90, Fraction(14893, 4), Fraction(1, 5), None]  # fmt: skip
    assert [parse_rate(v) for v in (25, "29.97", "30000/1001", "23.976")] == [
        25, Fraction(30000, 1001), Fraction(30000, 1001), Fraction(24000, 1001)]  # fmt: skip
    assert [parse_bitrate(v) for v in ("8M", "800k", 5000)] == [8_000_000, 800_000, 5000]
    for wrong in ("-1", "1:2:3:4", "soon", ""):
        with pytest.raises(UsageError):
            parse_time(wrong)
    with pytest.raises(UsageError):
        parse_rate("0")
    with pytest.raises(UsageError):
        parse_bitrate("fast")


# ---- the command


def test_the_command_takes_films_and_pictures_together(capsys) -> None:
    Path("in").mkdir()
    make_film(Path("in/clip.mp4"), 6, sound="aac")
    Image.fromarray(marked(0)).save("in/photo.jpg")
    assert main(["-m", "lite", "in", "-d", "out", "-t", "green", "--json"]) == 0
    assert files()[2:] == ["out/clip_green.mp4", "out/photo_green.jpg"]
    summary = json.loads(capsys.readouterr().out)
    film = next(r["film"] for r in summary["results"] if r["source"].endswith("clip.mp4"))
    assert (film["frames"], film["losses"]) == (6, [])
    assert np.array_equal(samples_of("in/clip.mp4"), samples_of("out/clip_green.mp4"))


def test_the_commands_options_reach_the_film(capsys) -> None:
    make_film(Path("clip.mp4"), 25)
    arguments = [
        "-m",
        "lite",
        "clip.mp4",
        "-d",
        "o.webm",
        "--start",
        "0.2",
        "--end",
        "0:00.6",
        "--every",
        "2",
    ]
    assert main([*arguments, "--scale", "0.5", "--matte", "--crf", "40", "--no-temporal"]) == 0
    assert sorted(files()) == ["clip.mp4", "o.webm", "o_matte.webm"]
    assert len(frames_of("o.webm")) == 5
    assert probe("o.webm")["size"] == (32, 48)
    assert main(["-m", "lite", "clip.mp4", "-f", "jpg", "-t", "white", "--end", "0.1"]) == 0
    assert files()[:3] == ["clip.mp4", "clip_white/00001.jpg", "clip_white/00002.jpg"]
    assert main(["-m", "lite", "clip.mp4", "-f", "gif", "--end", "0.1"]) == 0
    assert Path("clip_rgba.gif").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["clip.mp4", "--crf", "90", "-t", "green"], "from 0 to 51"),
        (["clip.mp4", "--start", "x"], "--start"),
        (["clip.mp4", "-d", "-"], "standard output"),
        (["clip.mp4", "--codec", "h264"], "holds no transparency"),
        (["clip.mp4", "--resume", "-f", "gif"], "--resume"),
        (["clip.mp4", "--scale", "huge"], "scale"),
        (["clip.mp4", "-f", "xyz"], "mp4"),
    ],
)
def test_mistakes_are_one_line_and_exit_with_2(arguments, words, capsys) -> None:
    make_film(Path("clip.mp4"), 2)
    assert main(["-m", "lite", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_a_photo_cannot_become_a_film_but_an_animation_can(capsys) -> None:
    images = [Image.fromarray(marked(i)) for i in range(3)]
    images[0].save("a.gif", save_all=True, append_images=images[1:], duration=100)
    images[0].save("p.jpg")
    assert main(["-m", "lite", "a.gif", "p.jpg", "-f", "mp4", "-t", "white"]) == 4
    assert "p.jpg: a picture cannot be written as mp4" in capsys.readouterr().err
    assert [float(t) for t in times_of("a_white.mp4")] == pytest.approx([0, 0.1, 0.2])


def test_a_broken_film_does_not_stop_the_others(capsys) -> None:
    Path("bad.mp4").write_text("no film")
    make_film(Path("good.mp4"), 2)
    assert main(["-m", "lite", "bad.mp4", "good.mp4", "-t", "white"]) == 4
    error = capsys.readouterr().err
    assert "bad.mp4: cannot be opened" in error
    assert Path("good_white.mp4").exists()
    assert not Path("bad_white.mp4").exists()


@pytest.mark.slow
def test_an_interrupted_command_leaves_a_playable_film() -> None:
    make_film(Path("a.mp4"), [marked(i % 256, (360, 640)) for i in range(300)])
    command = [sys.executable, "-m", "transparent_background", "-m", "lite", "a.mp4", "-t", "white"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not any(p.stat().st_size > 1000 for p in Path().glob(".a_white.mp4.*.part")):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)  # until it is at work: nothing is asserted of the time
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "a_white.partial.mp4 holds what was done" in error
    assert 0 < len(frames_of("a_white.partial.mp4")) < 300
    assert files() == ["a.mp4", "a_white.partial.mp4"]
