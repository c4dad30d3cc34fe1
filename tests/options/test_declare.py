"""Declared options: what is read, what is refused, and how that is said."""

from __future__ import annotations

from fractions import Fraction

import pytest

from transparent_background.errors import UsageError
from transparent_background.options.declare import declared, offered
from transparent_background.options.films import FilmOptions
from transparent_background.options.groups import GROUPS
from transparent_background.options.network import NetworkOptions
from transparent_background.options.result import ResultOptions
from transparent_background.options.result_types import Solid
from transparent_background.options.settings import read_settings, settings_of
from transparent_background.options.suffixes import FILM_FORMATS
from transparent_background.options.values import Padding
from transparent_background.types import Precision


def test_text_and_values_of_their_own_type_are_read_alike() -> None:
    written = settings_of(
        type="#ff0000", threshold="0.25", crop="5%", quality="80", start="1:30", fps="29.97"
    )
    given = settings_of(
        type=(255, 0, 0),
        threshold=0.25,
        crop=Padding(5, True),
        quality=80,
        start=90,
        fps=Fraction(30000, 1001),
    )
    assert written == given
    assert written.type == Solid((255, 0, 0))
    assert written.film.start == 90


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"threshold": 2}, "threshold must be a number from 0 to 1, not 2"),
        ({"threshold": "x"}, "threshold must be a number from 0 to 1, not 'x'"),
        ({"threshold": float("nan")}, "threshold must be a number from 0 to 1, not nan"),
        ({"quality": 1.5}, "quality must be a whole number from 1 to 100, not 1.5"),
        ({"every": 0}, "every must be a whole number of at least 1, not 0"),
        ({"fit": "fill"}, "fit 'fill' is unknown; choose from cover, contain, stretch, tile"),
        ({"background": "no colour"}, "background 'no colour' is no colour"),
        ({"format": "docx"}, "format 'docx' cannot be written"),
        ({"reverse": "perhaps"}, "reverse is on or off"),
        ({"start": "soon"}, "start 'soon' is not understood"),
        ({"start": 5, "end": 4}, "the end (4 s) must come after the start"),
        ({"crf": 20, "bitrate": "8M"}, "crf and bitrate exclude each other"),
        ({"treshold": 0.5}, "treshold: there is no such option; threshold is meant?"),
    ],
)
def test_a_mistake_is_one_sentence(values, sentence) -> None:
    with pytest.raises(UsageError) as error:
        settings_of(**values)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_earlier_names_go_on_working() -> None:
    settings = settings_of(background_fit="tile", batch=3, foreground="straight")
    assert (settings.fit, settings.film.batch_size) == ("tile", 3)
    assert (settings.foreground, settings.film.foreground_film) == ("auto", "straight")


def test_messages_call_an_option_as_the_doorway_does() -> None:
    with pytest.raises(UsageError, match="--quality must be"):
        read_settings({"quality": 0}, flags=True)


def test_every_declaration_is_whole() -> None:
    """Words for the help, a default that is read as itself, a place in a group, and at least one doorway."""
    for _, cls in GROUPS:
        for name, entry in declared(cls).items():
            assert entry.help and not entry.help.endswith(":"), name
            assert entry.group and entry.doors and entry.subjects, name
            assert entry.read(entry.default) is not None or entry.default is None, name
            if "page" in entry.doors:
                assert entry.label, name


def test_a_doorway_offers_what_applies_to_a_subject() -> None:
    pictures = {entry.name for entry in offered(ResultOptions, FilmOptions, door="http", subject="picture")}
    films = {entry.name for entry in offered(ResultOptions, FilmOptions, door="http", subject="film")}
    assert "crop" in pictures - films
    assert "sound" in films - pictures
    assert {"codec", "matte", "resume"}.isdisjoint(films)  # the business of who owns the machine


def test_words_of_a_literal_are_the_choices() -> None:
    assert set(declared(NetworkOptions)["precision"].choices) == set(Precision.__args__)


def test_formats_of_films_are_those_that_are_written() -> None:
    from transparent_background.media.video.containers import CONTAINERS

    assert set(FILM_FORMATS) == set(CONTAINERS)
