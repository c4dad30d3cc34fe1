"""How the page is used: keys, pointer, small windows, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from page_helpers import SAMPLES, Visit, expect, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


def test_keys_move_the_slider_the_tabs_and_the_photos(visit: Visit) -> None:
    page = visit.open()
    visit.add("chelsea.jpg", "coffee.jpg")
    slider = page.get_by_role("slider", name="Before and after")
    slider.focus()
    for key, value in [("ArrowLeft", "48"), ("PageUp", "68"), ("Home", "0"), ("End", "100")]:
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuenow", value)
    expect(slider).to_have_attribute("aria-valuetext", "100 % before, 0 % after")
    page.locator("#strip input").first.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#photo-name")).to_have_text("coffee.jpg")
    page.keyboard.press("Delete")
    expect(page.locator("#strip li")).to_have_count(1)
    page.get_by_role("tab", name="Photos").focus()
    page.keyboard.press("ArrowLeft")  # round, from the first to the last
    expect(page.get_by_role("tab", name="Camera")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Camera")).to_be_visible()
    assert page.url.endswith("#camera")


def test_the_page_can_be_used_by_keys_from_its_beginning(visit: Visit) -> None:
    page = visit.open()
    page.on("filechooser", lambda _: None)  # from now on, so that no chooser is missed
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(SAMPLES / "chelsea.jpg")
    visit.through()
    expect(page.locator("#status")).to_have_text("chelsea.jpg is done.")
    expect(page.locator("#strip input")).to_be_focused()
    for _ in range(2):  # over the button that adds photos
        page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Download")).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "chelsea_rgba.png"


def test_the_pointer_moves_the_slider(visit: Visit) -> None:
    page = visit.open()
    visit.add("chelsea.jpg")
    box = page.locator(".compare-frame").bounding_box()
    middle = box["y"] + box["height"] / 3
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, middle)
    page.mouse.up()
    expect(page.get_by_role("slider", name="Before and after")).to_have_attribute("aria-valuenow", "25")


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_stands_over_on_small_windows(browser: Browser, address: str, width: int) -> None:
    phone = {"viewport": {"width": width, "height": 844}, "has_touch": True, "is_mobile": True}
    with visiting(browser, address, color_scheme="dark", **phone) as visit:
        page = visit.open()
        assert visit.overflow() == 0
        visit.add("astronaut.jpg", "chelsea.jpg", "coffee.jpg", "rocket.jpg")
        for name in ("Edges", "File", "Model"):
            page.locator("#photo-options summary", has_text=name).click()
        visit.option("Crop to the object").check()
        visit.through()
        assert visit.overflow() == 0
        small = """() => [...document.querySelectorAll('button, select, summary, .segmented span, .thumb')]
            .filter((element) => element.checkVisibility({opacityProperty: true}))
            .map((element) => [element.outerHTML, element.getBoundingClientRect()])
            .filter(([, {height, width}]) => width > 1 && (height < 44 || width < 44))
            .map(([html]) => html)"""
        assert page.evaluate(small) == []
        for tab in ("Film", "Camera"):
            page.get_by_role("tab", name=tab).click()
            assert visit.overflow() == 0
        page.set_input_files("#film-file", SAMPLES / "rocket.jpg")
        assert visit.overflow() == 0


def test_light_and_dark_follow_the_system_or_the_button(browser: Browser, address: str) -> None:
    with visiting(browser, address, color_scheme="dark") as visit:
        page = visit.open()
        ground = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(ground)
        page.get_by_role("button", name="Colours: automatic").click()
        light = page.evaluate(ground)
        assert light != dark
        visit.open()
        page.reload()
        assert page.evaluate(ground) == light  # it is remembered
        page.get_by_role("button", name="Colours: light").click()
        assert page.evaluate(ground) == dark
