"""Photos on the page: chosen, dropped, cut out, downloaded."""

from __future__ import annotations

import base64
import zipfile
from pathlib import Path

import numpy as np
import pytest
from page_helpers import RECORDS, SAMPLES, TRANSFER, Visit, expect
from PIL import Image


def alpha_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "RGBA", image
        return np.asarray(image.getchannel("A"))


def test_a_photo_is_shown_and_downloaded_without_its_background(visit: Visit) -> None:
    page = visit.open()
    visit.add("astronaut.jpg")
    expect(page.get_by_alt_text("astronaut.jpg without its background")).to_be_visible()
    expect(page.get_by_alt_text("astronaut.jpg as it was")).to_be_visible()
    result = visit.download("#photo-download")
    assert result.name == "astronaut_rgba.png"
    alpha = alpha_of(result)
    assert alpha.shape == (512, 512)
    assert alpha[60:100, 210:250].min() > 250  # her forehead
    assert alpha[:20, -20:].max() < 5  # the wall behind


def test_the_sample_on_the_page_is_a_photo_like_others(visit: Visit) -> None:
    page = visit.open()
    page.get_by_role("button", name="Try this one").click()
    visit.through()
    expect(page.locator("#photo-download")).to_be_enabled()


@pytest.mark.slow
def test_several_photos_come_as_one_zip(visit: Visit) -> None:
    page = visit.open()
    visit.add("astronaut.jpg", "coffee.jpg", "chelsea.jpg", "astronaut.jpg")
    expect(page.locator("#photo-progress")).to_have_text("All 4 photos are done.")
    with zipfile.ZipFile(visit.download("#photo-zip")) as archive:
        assert archive.testzip() is None
        names = ["astronaut_rgba.png", "coffee_rgba.png", "chelsea_rgba.png", "astronaut_rgba (2).png"]
        assert archive.namelist() == names
        sizes = []
        for name in names:
            with archive.open(name) as file, Image.open(file) as image:
                sizes.append(image.size)
    assert sizes == [(512, 512), (600, 400), (451, 300), (512, 512)]


def test_photos_may_be_dropped_and_pasted(visit: Visit) -> None:
    page = visit.open()
    data = base64.b64encode((SAMPLES / "chelsea.jpg").read_bytes()).decode()
    drop = page.evaluate_handle(TRANSFER, [[["dropped.jpg", "image/jpeg", data]]])
    page.dispatch_event("body", "dragenter", {"dataTransfer": drop})
    expect(page.locator("#drop-veil")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": drop})
    paste = page.evaluate_handle(TRANSFER, [[["image.png", "image/png", data]]])
    event = "(data) => dispatchEvent(new ClipboardEvent('paste', {clipboardData: data}))"
    page.evaluate(event, paste)
    expect(page.locator("#strip li")).to_have_count(2)
    expect(page.locator("#drop-veil")).to_be_hidden()
    visit.through()
    expect(page.locator("#strip")).to_contain_text("dropped.jpg, done")
    expect(page.locator("#strip")).to_contain_text("pasted-")


@pytest.mark.slow
def test_another_option_does_the_photo_again(visit: Visit) -> None:
    page = visit.open()
    visit.add("astronaut.jpg")
    before = page.get_by_alt_text("without its background").get_attribute("src")
    visit.choose("photo", "colour")
    page.locator("#photo-background-colour").fill("#ff8000")
    expect(page.locator("#photo-download")).to_be_disabled()  # the old result is outdated
    visit.through()
    expect(page.locator("#photo-download")).to_be_enabled()
    assert page.get_by_alt_text("without its background").get_attribute("src") != before
    with Image.open(visit.download("#photo-download")) as image:
        assert image.mode == "RGB"
        assert image.getpixel((505, 5)) == (255, 128, 0)


@pytest.mark.slow
def test_options_reach_the_server(visit: Visit, tmp_path: Path) -> None:
    visit.page.add_init_script(RECORDS)
    page = visit.open()
    Image.new("RGB", (80, 60), (20, 200, 60)).save(tmp_path / "meadow.png")
    visit.add("coffee.jpg")
    visit.choose("photo", "picture")
    expect(page.locator("#photo-download")).to_be_enabled()  # nothing happens before a picture is chosen
    page.set_input_files("#photo-background-file", tmp_path / "meadow.png")
    for summary in ("Edges", "File"):
        page.locator("#photo-options summary", has_text=summary).click()
    visit.option("Crop to the object").check()
    visit.option("Room around it").fill("10")
    visit.option("Hard edge").check()
    visit.option("Colours of hair").select_option("original")
    visit.option("What the model looks at").select_option("static")
    visit.option("File format").select_option("jpg")
    visit.option("Quality").fill("80")
    visit.through()
    result = visit.download("#photo-download")
    assert result.suffix == ".jpg"
    with Image.open(result) as image:
        assert image.size[0] < 600
        red, green, _blue = image.getpixel((1, 1))
        assert green > 150 > red
    assert page.evaluate("sent") == ["coffee.jpg", "meadow.png"]  # each of them once
    asked = page.evaluate("asked")
    assert len(asked.pop("behind")) == 22
    assert asked == {
        "crop": "10%",
        "fit": "cover",
        "foreground": "original",
        "format": "jpg",
        "mode": "lite",
        "quality": "80",
        "resize": "static",
        "threshold": "0.5",
    }


@pytest.mark.slow
def test_a_format_that_browsers_cannot_show_is_shown_all_the_same(visit: Visit) -> None:
    page = visit.open()
    visit.add("chelsea.jpg")
    page.locator("#photo-options summary", has_text="File").click()
    visit.option("File format").select_option("tiff")
    visit.through()
    expect(page.get_by_alt_text("chelsea.jpg without its background")).to_be_visible()
    assert alpha_of(visit.download("#photo-download")).shape == (300, 451)
