"""Options that do nothing for what is worked on are refused or named, and never passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from runs import save

from transparent_background.cli import main
from transparent_background.cli.options import check_effects, read_request


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tb(*arguments: str) -> int:
    return main(["-m", "lite", "-D", "cpu", *arguments])


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
