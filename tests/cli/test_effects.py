"""What options are for, what they take, and what is said of a run."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from command import tb
from PIL import Image
from runs import save

from transparent_background.cli import logging_left_alone, main
from transparent_background.cli.console import progress_bar, start_console
from transparent_background.cli.options import check_effects, read_request
from transparent_background.errors import OfflineError, UsageError
from transparent_background.evaluate.speed import Cost


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--matte"], "--matte does nothing for pictures; it is for films: leave it out"),
        (["--crf", "20"], "--crf does nothing for pictures; it is for films"),
        (["--size", "640x480"], "--size does nothing for pictures; it is for cameras"),
        (["--no-sound"], "--no-sound does nothing for pictures"),
        (["--fps", "25"], "--fps does nothing for pictures; it is for films and cameras"),
        (["--foreground", "straight"], "--foreground does nothing for pictures; it is for films"),
    ],
)
def test_an_option_for_other_sources_is_refused_before_anything_is_done(arguments, line, capsys) -> None:
    save(Path("a.png"))
    assert tb("a.png", *arguments) == 2
    assert line in capsys.readouterr().err
    assert not Path("a_rgba.png").exists()


def test_among_several_kinds_it_is_named_and_the_work_done(capsys) -> None:
    for name in ("a.png", "b.gif"):
        save(Path(name))
    request = read_request(["a.png", "b.mp4", "--crf", "20", "--crop=5", "--quality", "9"])
    assert check_effects(request, {"picture", "film"}) == (
        "--crf does nothing for pictures, --crop does nothing for films"
    )


def test_what_applies_to_all_or_stands_in_a_recipe_is_no_matter() -> None:
    Path("all.yaml").write_text("crf: 20\ncrop: '5'\nquality: 80\n")
    request = read_request(["a.png", "--recipe", "all.yaml", "--threshold", "0.5", "--quality", "90"])
    assert check_effects(request, {"picture"}) is None
    assert check_effects(request, {"film"}) is None


@pytest.mark.parametrize(
    ("arguments", "sources", "crop"),
    [
        (["--crop", "a.png"], ("a.png",), 0),
        (["--crop", "20", "a.png"], ("a.png",), 20),
        (["a.png", "--crop"], ("a.png",), 0),
        (["--crop=20", "a.png"], ("a.png",), 20),
        (["--crop", "-t", "map", "a.png"], ("a.png",), 0),
        (["--crop", "--", "-a.png"], ("-a.png",), 0),
        (["b.png", "--", "-a.png", "--crop"], ("b.png", "-a.png", "--crop"), None),
    ],
)
def test_a_source_behind_an_option_that_needs_no_value_is_a_source(arguments, sources, crop) -> None:
    save(Path("a.png"))
    request = read_request(arguments)
    assert request.sources == sources
    assert (request.settings.crop and request.settings.crop.value) == crop


def test_matte_takes_a_new_name_but_no_film_that_is_there() -> None:
    Path("clip.mp4").touch()
    request = read_request(["--matte", "clip.mp4"])
    assert (request.sources, request.settings.film.matte) == (("clip.mp4",), True)
    request = read_request(["--matte", "mask.mov", "clip.mp4"])
    assert (request.sources, request.settings.film.matte) == (("clip.mp4",), Path("mask.mov"))


@pytest.mark.parametrize("words", [["-q", "-v"], ["--quiet", "--debug"]])
def test_quiet_and_verbose_exclude_each_other(words, capsys) -> None:
    save(Path("a.png"))
    assert main([*(word for word in words if word != "--debug"), "a.png", "-q", "-v"]) == 2
    assert "quiet and verbose exclude each other" in capsys.readouterr().err
    with pytest.raises(UsageError, match="exclude each other"):
        read_request(["a.png", *words])


def test_several_types_come_of_one_matte(capsys) -> None:
    for name in ("a.png", "a.jpg"):
        save(Path(name))
    assert tb("a.png", "a.jpg", "-t", "rgba,map, #ff0000", "-d", "out", "--json") == 0
    names = {path.name for path in Path("out").iterdir()}
    assert names == {
        *("a_rgba.png", "a_map.jpg", "a_#ff0000.jpg"),
        *("a_png_rgba.png", "a_png_map.png", "a_png_#ff0000.png"),
    }
    first = json.loads(capsys.readouterr().out)["results"][0]
    assert first["beside"] == [str(Path("out/a_png_map.png")), str(Path("out/a_png_#ff0000.png"))]
    with Image.open("out/a_png_rgba.png") as cut_out, Image.open("out/a_png_map.png") as matte:
        assert np.array_equal(np.asarray(cut_out)[..., 3], np.asarray(matte))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["a.png", "-d", "b.png"], "is one file, but several types"),
        (["a.png", "-d", "-"], "is one file, but several types"),
        (["clip.mp4"], "clip.mp4: a film has one type at a time"),
    ],
)
def test_several_types_need_a_folder_and_pictures(arguments, line, capsys) -> None:
    save(Path("a.png"))
    Path("clip.mp4").touch()
    assert tb(*arguments, "-t", "rgba,map") == 2
    assert line in capsys.readouterr().err


def test_the_end_says_where_the_results_are(capsys) -> None:
    for name in ("in/a.png", "in/deep/b.png", "c.png"):
        save(Path(name))
    assert tb("in", "--recursive", "-d", "out") == 0
    assert ", in out/" in capsys.readouterr().err.replace(os.sep, "/")
    assert tb("in/a.png", "c.png") == 0
    assert ", in the current folder" in capsys.readouterr().err


def test_what_could_be_measured_is_shown_though_another_fails(monkeypatch, capsys) -> None:
    cost = Cost("lite", (64, 64), 3_000_000, 1.0, 2.0, 3.0, None)

    def measure(model, *arguments, **words):
        if model != "lite":
            raise OfflineError(f"{model}: is not there")
        return cost

    monkeypatch.setattr("transparent_background.evaluate.speed.measure", measure)
    assert main(["benchmark", "lite", "misspelt"]) == 2
    assert capsys.readouterr().out == ""
    assert main(["benchmark", "base", "lite", "fast"]) == 3
    said = capsys.readouterr()
    assert "| lite | 3.00 M |" in said.out
    assert "base: is not there" in said.err
    assert "fast: is not there" in said.err


def test_an_interrupt_while_the_command_is_imported_leaves_no_trace(monkeypatch, capsys) -> None:
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("transparent_background.cli.import_module", interrupted)
    assert main(["a.png"]) == 130
    assert capsys.readouterr().err == "transparent-background: interrupted; what was finished is kept\n"


def test_a_rate_is_shown_once_there_is_one_to_speak_of(monkeypatch) -> None:
    """Several results may come at the same moment."""
    for name, value in (("TERM", "xterm"), ("TTY_COMPATIBLE", "1"), ("TTY_INTERACTIVE", "1")):
        monkeypatch.setenv(name, value)
    screen, clock = io.StringIO(), [100.0]
    with logging_left_alone():
        console = start_console()
        console.file, console.get_time = screen, lambda: clock[0]
        with progress_bar(console) as update:
            update(0, 10, "a.png")
            assert "0/10" in screen.getvalue()  # before anything is done
            for done in (1, 2, 3):
                update(done, 10, "b.png")
            early = screen.getvalue()
            clock[0] += 2
            update(4, 10, "c.png")
    assert "/s" not in early
    assert "2.0/s" in screen.getvalue()
