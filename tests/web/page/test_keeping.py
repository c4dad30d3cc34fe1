"""Nothing is lost on the page: photos are sent once, survive a reload, and come back after a Clear."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from page_helpers import PATIENCE, RECORDS, SAMPLES, Visit, expect, visiting
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

pytestmark = pytest.mark.slow

UPLOADS = "/api/pictures"


def uploads_of(page: Page) -> list[str]:
    """Return where photos are sent to from now on."""
    found: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith(UPLOADS):
            found.append(request.url)

    page.on("request", note)
    return found


def test_a_photo_is_sent_once_however_often_the_options_change(visit: Visit) -> None:
    page = visit.open()
    uploads = uploads_of(page)
    visit.add("chelsea.jpg", "coffee.jpg")
    for kind in ("white", "map", "green"):
        visit.choose("photo", kind)
        visit.through()
    expect(page.locator("#photo-download")).to_be_enabled()
    assert len(uploads) == 2
    with Image.open(visit.download("#photo-download")) as image:
        assert image.getpixel((2, 2)) == pytest.approx((120, 255, 155), abs=40)


def test_the_photo_that_is_looked_at_is_done_first(visit: Visit) -> None:
    page = visit.open()
    page.set_input_files("#photo-files", [SAMPLES / "chelsea.jpg"] * 8)
    visit.through()
    page.locator("#strip label").last.click()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/result" in request.url else None)
    chosen = page.locator("#strip input").last.get_attribute("value")
    visit.choose("photo", "white")
    expect(page.locator("#strip li").last).to_have_attribute("data-state", "done")
    visit.through()
    ids = [url.split("/api/pictures/")[1].split("/")[0] for url in asked]
    visit.choose("photo", "map")
    visit.through()
    assert chosen is not None and len(asked) == 16
    assert asked[8].split("/api/pictures/")[1].split("/")[0] == ids[0]  # the same one again


def test_what_the_server_has_forgotten_is_sent_again(visit: Visit) -> None:
    visit.page.add_init_script(RECORDS)
    page = visit.open()
    uploads = uploads_of(page)
    visit.refusals = {404}
    visit.add("chelsea.jpg")
    with page.expect_response(lambda response: "/result" in response.url) as answer:
        visit.choose("photo", "white")
    id = answer.value.url.split("/api/pictures/")[1].split("/")[0]
    visit.through()
    assert page.request.delete(f"{visit.address}api/pictures/{id}").status == 204
    visit.choose("photo", "map")
    visit.through()
    expect(page.locator("#photo-download")).to_be_enabled()
    expect(page.locator("#photo-error")).to_be_hidden()
    assert len(uploads) == 2


def test_photos_are_there_after_a_reload(visit: Visit) -> None:
    page = visit.open()
    visit.add("coffee.jpg", "chelsea.jpg")
    uploads = uploads_of(page)
    page.reload()
    expect(page.locator("#strip li")).to_have_count(2)
    visit.through()
    expect(page.locator("#photo-progress")).to_have_text("All 2 photos are done.")
    expect(page.locator("#photo-name")).to_have_text("coffee.jpg")
    assert uploads == []  # the server waits a while for a page that may only have been loaded again
    visit.add("rocket.jpg")
    page.locator("#photo-remove").click()
    page.reload()
    expect(page.locator("#strip li")).to_have_count(2)
    visit.through()


def test_another_window_has_photos_of_its_own(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        page = visit.open()
        visit.add("chelsea.jpg")
        second = Visit(page.context.new_page(), address)
        second.open()
        expect(second.page.locator("#photo-hero")).to_be_visible()
        second.add("coffee.jpg")
        page.reload()
        visit.through()
        expect(page.locator("#photo-name")).to_have_text("chelsea.jpg")
        second.page.close()
        third = Visit(page.context.new_page(), address)
        third.open()
        count = """new Promise((resolve) => {
            const opening = indexedDB.open("transparent-background");
            opening.onsuccess = () => {
                const counting = opening.result.transaction("photos").objectStore("photos").count();
                counting.onsuccess = () => resolve(counting.result);
            };
        })"""
        while page.evaluate(count) != 1:  # those of a window that was closed are given up
            page.wait_for_timeout(20)
        assert second.complaints == third.complaints == []


def test_what_was_cleared_comes_back_for_a_while(visit: Visit) -> None:
    page = visit.open()
    visit.add("chelsea.jpg", "coffee.jpg")
    uploads = uploads_of(page)
    page.locator("#strip label").last.click()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#photo-hero")).to_be_visible()
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(page.locator("#status")).to_have_text(
        "2 photos were removed from the page. It can be undone for 10 seconds."
    )
    page.keyboard.press("Enter")
    expect(page.locator("#strip li")).to_have_count(2)
    expect(page.locator("#photo-name")).to_have_text("coffee.jpg")
    expect(page.locator("#strip input").last).to_be_focused()
    expect(page.locator("#undo")).to_be_hidden()
    visit.through()
    assert uploads == []
    page.reload()
    expect(page.locator("#strip li")).to_have_count(2)
    visit.through()


def test_what_was_cleared_is_forgotten_when_its_time_is_over(visit: Visit) -> None:
    page = visit.page
    page.clock.install()
    visit.open()
    visit.add("chelsea.jpg", "coffee.jpg")
    page.get_by_role("button", name="Clear").click()
    with page.expect_request("**/api/pictures/forget") as request:
        page.locator("#photo-hero").hover()
        page.locator("body").click(position={"x": 5, "y": 5})  # whoever is at the button decides in peace
        page.clock.run_for(10_500)
    assert len(request.value.post_data_json["ids"]) == 2
    assert request.value.post_data_json["after"] == 0
    expect(page.locator("#undo")).to_be_hidden()
    page.reload()
    expect(page.locator("#version")).to_contain_text("transparent-background")
    expect(page.locator("#photo-hero")).to_be_visible()


def test_a_large_photo_is_seen_before_it_is_done(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    with Image.open(SAMPLES / "astronaut.jpg") as sample:
        sample.resize((2600, 2600)).save(tmp_path / "large.jpg")
    page.route("**/result?*", lambda route: route.continue_() if "largest" in route.request.url else None)
    page.set_input_files("#photo-files", tmp_path / "large.jpg")
    note = page.locator("#photo-note")
    expect(note).to_have_text("A preview. The whole photo is being made …", timeout=PATIENCE)
    result = page.get_by_alt_text("large.jpg without its background")
    expect(result).to_be_visible()
    assert result.evaluate("image => image.naturalWidth") == 1600
    expect(page.locator("#photo-size")).to_have_text("2600 \N{MULTIPLICATION SIGN} 2600")
    expect(page.locator("#photo-download")).to_be_disabled()
    expect(page.get_by_alt_text("large.jpg as it was")).to_be_visible()  # both can be compared
    page.unroute("**/result?*")
    visit.choose("photo", "white")
    visit.through()
    with Image.open(visit.download("#photo-download")) as image:
        assert image.size == (2600, 2600)


def test_a_new_photo_at_full_size_is_in_view(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    noise = np.random.default_rng(0).integers(0, 256, (2400, 2400, 3), np.uint8)
    Image.fromarray(noise).resize((1200, 2400)).save(tmp_path / "tall.jpg")
    Image.fromarray(noise).save(tmp_path / "wide.jpg")
    visit.add(tmp_path / "tall.jpg")
    page.locator("[name=view-zoom][value=full]").check(force=True)
    visit.add(tmp_path / "wide.jpg")
    middle = """scroll => [scroll.scrollLeft + scroll.clientWidth / 2 - scroll.scrollWidth / 2,
        scroll.scrollTop + scroll.clientHeight / 2 - scroll.scrollHeight / 2].map(Math.abs)"""
    assert max(page.locator(".compare-scroll").evaluate(middle)) <= 1
