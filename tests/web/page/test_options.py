"""The page's options: controls come of what the server declares, and recipes are saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from page_helpers import PATIENCE, RECORDS, SAMPLES, Visit, expect

from transparent_background.options.recipe import Recipe

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.slow

DECLARED: dict[str, Any] = {
    "help": "",
    "default": None,
    "choices": [],
    "choice_labels": {},
    "least": None,
    "most": None,
    "unit": "",
    "section": "Stars",
    "hint": "",
    "start": None,
    "subjects": ["picture", "film", "camera"],
}
MADE_UP = [
    {"name": "sparkle", "kind": "flag", "label": "Sparkle", "default": False},
    {"name": "still", "kind": "flag", "label": "Hold still", "default": True},
    {
        "name": "sky",
        "kind": "choice",
        "label": "Sky",
        "choices": ["day", "night"],
        "choice_labels": {"": "As it was", "night": "By night"},
    },
    {"name": "stars", "kind": "whole", "label": "Stars", "default": 3, "least": 1, "most": 9},
    {
        "name": "glow",
        "kind": "number",
        "label": "Glow",
        "least": 0,
        "most": 1,
        "unit": "%",
        "hint": "How strong",
    },
    {"name": "mass", "kind": "number", "label": "Mass", "hint": "In suns."},
    {"name": "wish", "kind": "text", "label": "Wish", "hint": "In suns."},
]


@pytest.fixture
def starry(visit: Visit) -> Visit:
    """Return a page whose server has more options."""

    def declare(route: Route) -> None:
        own = route.fetch().json()
        route.fulfill(json=own + [DECLARED | option for option in MADE_UP])

    visit.page.route("**/api/options", declare)
    visit.page.route("**/api/pictures/*/result?*", lambda route: route.fulfill(path=SAMPLES / "chelsea.jpg"))
    visit.page.add_init_script(RECORDS)
    return visit


def asked(page: Page) -> dict[str, str]:
    """Return which of the made-up options were sent last."""
    fields: dict[str, str] = page.evaluate("asked")
    return {name: value for name, value in fields.items() if name in {entry["name"] for entry in MADE_UP}}


def test_an_option_that_is_declared_on_the_server_has_a_switch_and_is_sent(starry: Visit) -> None:
    page = starry.open()
    starry.add("chelsea.jpg")
    assert asked(page) == {}
    page.locator("#photo-options summary", has_text="Stars").click()
    switch = page.get_by_role("switch", name="Sparkle")
    expect(switch).not_to_be_checked()
    switch.check()
    starry.through()
    expect(page.locator("#photo-download")).to_be_enabled()
    assert asked(page) == {"sparkle": "true"}
    page.get_by_role("button", name="Reset the options").click()
    expect(switch).not_to_be_checked()


def test_every_kind_of_option_has_a_control(starry: Visit) -> None:
    page = starry.open()
    starry.add("chelsea.jpg")
    page.locator("#photo-options summary", has_text="Stars").click()
    sky, stars, glow = starry.option("Sky"), starry.option("Stars"), starry.option("Glow")
    assert sky.locator("option").all_inner_texts() == ["As it was", "day", "By night"]
    assert [stars.get_attribute(name) for name in ("min", "max", "value")] == ["1", "9", "3"]
    strength = starry.option("How strong")
    expect(strength).to_be_hidden()
    starry.option("Hold still").uncheck()
    sky.select_option("By night")
    stars.fill("5")
    glow.check()
    expect(strength).to_have_attribute("aria-valuetext", "50 %")
    strength.fill("30")
    starry.option("Mass").fill("0.5")
    expect(starry.option("Wish")).to_have_accessible_description("In suns.")
    starry.option("Wish").fill("health")
    starry.option("Wish").press("Tab")
    expect(page.locator("#photo-options").get_by_text("In suns.")).to_have_count(
        1
    )  # it stands once, and explains both
    starry.through()
    assert asked(page) == {
        "still": "false",
        "sky": "night",
        "stars": "5",
        "glow": "0.3",
        "mass": "0.5",
        "wish": "health",
    }


def test_every_control_has_a_name_and_an_id_of_its_own(starry: Visit) -> None:
    page = starry.open()
    unnamed = """() => [...document.querySelectorAll('form input, form select')]
        .filter((input) => !input.labels.length && !input.ariaLabel)
        .map(({outerHTML}) => outerHTML)"""
    assert page.evaluate(unnamed) == []
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(({id}) => id)")
    assert len(ids) == len(set(ids))


def test_films_and_cameras_have_it_as_well(starry: Visit) -> None:
    page = starry.open("film")
    page.route("**/api/jobs", lambda route: route.fulfill(status=422, json={"detail": "no sparkles here"}))
    starry.refusals = {422}
    page.set_input_files("#film-file", SAMPLES / "rocket.jpg")
    page.locator("#film-options summary", has_text="Stars").click()
    starry.option("Sparkle").check()
    page.locator("#film-go").click()
    expect(page.locator("#film-error")).to_contain_text("No sparkles here.")
    assert asked(page) == {"sparkle": "true"}
    page.get_by_role("tab", name="Camera").click()
    page.locator("#camera-options summary", has_text="Stars").click()
    expect(starry.option("Sparkle")).to_be_visible()


def test_a_camera_is_told_of_every_option_that_is_not_its_default(visit: Visit) -> None:
    page = visit.open("camera")
    with page.expect_websocket() as connection:
        page.locator("#camera-go").click()
    expect(page.locator("#camera-canvas")).to_be_visible(timeout=PATIENCE)

    def told(change: Callable[[], None]) -> Any:
        with connection.value.expect_event("framesent", lambda data: isinstance(data, str)) as sent:
            change()
        return json.loads(sent.value)

    options = {"type": "blur", "mode": "lite", "background_image": None}
    assert told(visit.option("Hard edge").check) == {**options, "mirror": True, "threshold": 0.5}
    assert told(visit.option("Mirror").uncheck) == {**options, "threshold": 0.5}
    expect(page.locator("#camera-error")).to_be_hidden()


def test_saved_options_are_a_recipe(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    visit.add("chelsea.jpg")
    visit.choose("photo", "colour")
    page.locator("#photo-background-colour").fill("#102030")
    page.locator("#photo-options summary", has_text="File").click()
    visit.option("Crop to the object").check()
    visit.option("Hard edge").check()
    visit.option("File format").select_option("webp")
    saved = visit.download("#photo-options [data-save]")
    assert saved.name == "recipe.json"
    recipe = Recipe.load(saved)
    assert recipe == {
        "type": "#102030",
        "crop": "5%",
        "threshold": 0.5,
        "format": "webp",
        "quality": 90,
        "mode": "lite",
    }
    page.get_by_role("button", name="Reset the options").click()
    expect(visit.option("Hard edge")).not_to_be_checked()
    page.set_input_files("#photo-options [data-recipe]", saved)
    expect(page.locator("#toast")).to_have_text("The options of recipe.json were set.")
    assert json.loads(visit.download("#photo-options [data-save]").read_text()) == recipe
    visit.through()


def test_a_recipe_of_the_command_is_loaded(visit: Visit, tmp_path: Path) -> None:
    recipe = Recipe(
        type="[255, 128, 0]", reverse="yes", threshold=0.25, crop="60%", resize="static", codec="h264"
    )
    recipe.save(tmp_path / "shop.yaml")
    visit.page.add_init_script(RECORDS)
    page = visit.open()
    visit.add("chelsea.jpg")
    visit.option("Crop to the object").check()
    page.set_input_files("#photo-options [data-recipe]", tmp_path / "shop.yaml")
    expect(page.locator("#toast")).to_have_text(
        "The options of shop.yaml were set. Not offered here, and left out: codec h264."
    )
    expect(page.locator("#photo-background input[value=colour]")).to_be_checked()
    expect(page.locator("#photo-background-colour")).to_have_value("#ff8000")
    visit.through()
    expect(page.locator("#photo-download")).to_be_enabled()
    assert page.evaluate("asked") == {
        "type": "#ff8000",
        "reverse": "true",
        "threshold": "0.25",
        "crop": "60%",
        "resize": "static",
        "format": "png",
        "mode": "lite",
    }


def test_a_recipe_of_films_is_loaded_and_saved(visit: Visit, tmp_path: Path) -> None:
    recipe = {"format": "mov", "scale": "720p", "start": "1:30", "sound": False, "temporal": False}
    Recipe(recipe, type="white", mode="fast").save(tmp_path / "film.json")
    page = visit.open("film")
    page.set_input_files("#film-file", SAMPLES / "rocket.jpg")
    page.set_input_files("#film-options [data-recipe]", tmp_path / "film.json")
    expect(page.locator("#toast")).to_contain_text("left out: mode fast.")  # this server has no such model
    expect(visit.option("File format")).to_have_value("mov")
    visit.choose("film", "rgba")
    expect(visit.option("File format")).to_have_value("mov")  # as it was asked for
    saved = visit.download("#film-options [data-save]")
    assert Recipe.load(saved) == {"type": "rgba", "mode": "lite", **recipe}


def test_a_file_behind_is_left_to_whoever_has_it(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "beach.yaml").write_text("type: ~/pictures/beach.jpg\nfit: tile\n")
    page = visit.open()
    visit.add("chelsea.jpg")
    page.set_input_files("#photo-options [data-recipe]", tmp_path / "beach.yaml")
    expect(page.locator("#toast")).to_contain_text("Choose the file behind, ~/pictures/beach.jpg, yourself.")
    expect(page.locator("#photo-background input[value=picture]")).to_be_checked()
    expect(visit.option("How it fills the frame")).to_have_value("tile")


def test_a_recipe_that_makes_no_sense_is_told_in_a_sentence(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "odd.yml").write_text("tresh: 1\n")
    page = visit.open()
    visit.refusals = {422}
    visit.add("chelsea.jpg")
    visit.option("Hard edge").check()
    page.set_input_files("#photo-options [data-recipe]", tmp_path / "odd.yml")
    expect(page.locator("#toast")).to_contain_text("tresh: there is no such option in recipes")
    expect(page.locator("#toast")).to_contain_text("threshold is meant?")
    expect(visit.option("Hard edge")).to_be_checked()  # nothing was changed
    visit.through()
