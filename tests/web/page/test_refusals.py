"""What the page says when the server refuses, is busy or away, or asks for a token."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from page_helpers import PATIENCE, SAMPLES, Visit, expect, serving, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.slow

TOKEN = "a-token-of-the-tests"


def test_what_went_wrong_is_said_in_a_sentence(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    visit.refusals = {415}
    (tmp_path / "letter.png").write_text("Dear Sir or Madam")
    visit.add("chelsea.jpg", tmp_path / "letter.png")
    expect(page.locator("#photo-progress")).to_have_text("1 of 2 photos are done. One did not work.")
    page.locator("#strip label", has_text="letter.png").click()
    error = page.locator("#photo-error")
    expect(error).to_be_visible()
    sentence = error.locator("p").inner_text()
    assert "letter.png" in sentence and sentence.endswith(".")
    assert "415" not in sentence and "Traceback" not in sentence
    expect(page.locator("#photo-again")).to_be_hidden()  # in vain
    expect(page.locator("#photo-zip")).to_be_enabled()


def test_a_photo_that_is_too_large_is_not_even_sent(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(33 * 2**20)
    page.set_input_files("#photo-files", tmp_path / "huge.png")
    expect(page.locator("#photo-error")).to_contain_text(
        "huge.png has 33 MB, and this server takes at most 32 MB."
    )


def test_a_busy_server_is_asked_again(visit: Visit) -> None:
    page = visit.open()
    visit.refusals = {503}
    answers = iter([503, 503])

    def busy(route: Route) -> None:
        if next(answers, None) is None:
            route.continue_()
        else:
            route.fulfill(
                status=503, headers={"Retry-After": "1"}, json={"status": 503, "detail": "It is full."}
            )

    page.route("**/api/pictures/*/result?*", busy)
    page.set_input_files("#photo-files", SAMPLES / "chelsea.jpg")
    expect(page.locator("#photo-note")).to_contain_text("The server is busy.")
    visit.through()
    expect(page.locator("#photo-download")).to_be_enabled()


def test_a_server_that_is_away_is_found_again(browser: Browser, address: str) -> None:
    with visiting(browser, address) as visit:
        page = visit.page
        page.route("**/api/models", lambda route: route.abort())
        page.goto(address)
        expect(page.locator("#server-sentence")).to_contain_text("The server can't be reached.")
        page.unroute("**/api/models")
        page.get_by_role("button", name="Try now").click()
        expect(page.locator("#server-message")).to_be_hidden(timeout=PATIENCE)
        expect(page.locator("#version")).to_contain_text("transparent-background")
        assert all("ERR_FAILED" in complaint for complaint in visit.complaints)
        visit.complaints.clear()


def test_a_token_is_asked_for_and_used_for_everything(browser: Browser, tmp_path: Path, clip: Path) -> None:
    with (
        serving(tmp_path, TRANSPARENT_BACKGROUND_TOKEN=TOKEN) as address,
        visiting(browser, address) as visit,
    ):
        visit.refusals = {401}
        page = visit.page
        page.goto(address)
        dialog = page.get_by_role("dialog", name="This server asks for a token")
        page.locator("#token-input").fill("a guess")
        page.get_by_role("button", name="Go on").click()
        expect(dialog).to_contain_text("That token was not taken.")
        page.locator("#token-input").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        visit.refusals = set()
        document = visit.download("#openapi")  # a link could not carry the token
        assert "/api/pictures" in json.loads(document.read_text())["paths"]
        visit.add("chelsea.jpg")
        expect(page.locator("#photo-download")).to_be_enabled()
        page.get_by_role("tab", name="Film").click()
        page.set_input_files("#film-file", clip)
        page.locator("#film-go").click()
        expect(page.locator("#film-download")).to_be_visible(timeout=PATIENCE)
        assert visit.download("#film-download").name == "clip_rgba.webm"
        page.get_by_role("tab", name="Camera").click()
        page.locator("#camera-go").click()
        expect(page.locator("#camera-canvas")).to_be_visible(timeout=PATIENCE)
