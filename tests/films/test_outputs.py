"""The files that are made of one film, none of which takes another's place."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from film_makers import SIZE, files, frames_of, make_film, marked, number_of, probe, times_of
from PIL import Image

from transparent_background.cli import main
from transparent_background.errors import OutputConflictError, OutputError
from transparent_background.films import process
from transparent_background.images.result import Result
from transparent_background.media.video import writing
from transparent_background.media.video.containers import choose_encoding
from transparent_background.media.video.encoding import Look
from transparent_background.media.video.readers import open_film
from transparent_background.media.video.writing import FilmWriter
from transparent_background.options.films import EncodingOptions


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


@pytest.mark.parametrize("where", ["writing", "composing"])
def test_after_a_picture_that_fails_none_takes_its_number(remover, monkeypatch, where) -> None:
    """Others are under way by then; the next one's frame under its name would be a wrong result."""
    make_film(Path("a.mp4"), 12)
    count = itertools.count(1)
    place, name = {"writing": (writing, "write"), "composing": (process, "_results")}[where]
    real = getattr(place, name)

    def failing(*arguments, **options):
        if next(count) == 3:
            raise OutputError("a disk that is full for a moment")
        return real(*arguments, **options)

    monkeypatch.setattr(place, name, failing)
    with pytest.raises(OutputError, match="for a moment"):
        remover.process_video("a.mp4", "cut/f_%03d.png")
    for path in sorted(Path("cut").iterdir()):
        with Image.open(path) as image:
            assert number_of(np.asarray(image.convert("RGB"))) & 15 == int(path.stem[2:]) - 1
    assert not Path("cut/f_003.png").exists()


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
