"""Recipes: one file of options for every doorway."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawing import draw_object
from PIL import Image

from transparent_background import Remover
from transparent_background.cli import main
from transparent_background.errors import ConfigError, UsageError
from transparent_background.options.recipe import Recipe

SHOP = "type: white\ncrop: 5%\nquality: 90\nmode: lite\nsound: false\n"


def test_a_recipe_is_read_from_yaml_and_json_alike(tmp_path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    recipe = Recipe.load(tmp_path / "shop.yaml")
    recipe.save(tmp_path / "shop.json")
    assert json.loads((tmp_path / "shop.json").read_text()) == recipe == Recipe.load(tmp_path / "shop.json")


def test_its_parts_are_the_arguments_of_python(tmp_path) -> None:
    recipe = Recipe.parse(SHOP)
    assert recipe.network == {"mode": "lite"}
    assert recipe.picture == {"type": "white", "crop": "5%", "quality": 90}
    assert recipe.film == {"type": "white", "quality": 90, "sound": False}


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("- white\n", ConfigError, "a recipe is a list of options"),
        ("type: [white\n", ConfigError, "neither YAML nor JSON"),
        ("tipe: white\n", UsageError, "tipe: there is no such option in recipes; type is meant?"),
        ("threshold: 3\n", UsageError, "threshold must be a number from 0 to 1, not 3"),
        ("dest: /tmp\n", UsageError, "dest: there is no such option in recipes"),
        ("type: !!python/object/apply:os.system ['true']\n", ConfigError, "neither YAML nor JSON"),
    ],
)
def test_mistakes_are_told_with_the_files_name(tmp_path, text, kind, words) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(kind, match=r"mine\.yaml") as error:
        Recipe.load(path)
    assert words in str(error.value)


@pytest.fixture
def photo_file(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(draw_object()).save("photo.png")
    return Path("photo.png")


def test_the_command_takes_a_recipe_and_its_own_options_count_more(photo_file, capsys) -> None:
    Path("shop.yaml").write_text(SHOP)
    assert main(["photo.png", "--recipe", "shop.yaml", "-t", "#102030", "-q"]) == 0
    with Image.open("photo_#102030.png") as image:
        assert image.size < (128, 96)  # cropped
        assert image.mode == "RGB"
    assert main(["photo.png", "--recipe", "missing.yaml"]) == 2
    assert "missing.yaml" in capsys.readouterr().err


def test_the_command_saves_what_it_was_asked_for(photo_file) -> None:
    assert (
        main(["photo.png", "-m", "lite", "-t", "green", "--crop=7", "-q", "--save-recipe", "mine.yaml"]) == 0
    )
    assert Recipe.load("mine.yaml") == {"mode": "lite", "type": "green", "crop": "7"}


def test_python_makes_the_same_picture_of_it(photo_file) -> None:
    Path("shop.yaml").write_text("type: green\nreverse: true\nmode: lite\ncrop: 3%\nquality: 80\n")
    recipe = Recipe.load("shop.yaml")
    result = Remover(**recipe.network, device="cpu").process(photo_file, **recipe.picture)
    assert main(["photo.png", "--recipe", "shop.yaml", "-q", "-d", "out.png"]) == 0
    with Image.open("out.png") as image:
        assert image.tobytes() == result.tobytes()
