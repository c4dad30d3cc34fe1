"""Several films on the page: a list, who comes first, and what becomes of them when the page goes."""

from __future__ import annotations

import base64
import mimetypes
from pathlib import Path

import pytest
from page_helpers import PATIENCE, SAMPLES, TRANSFER, Visit, expect, make_clip

pytestmark = pytest.mark.slow


def test_photos_and_films_that_come_together_are_all_there(visit: Visit, tmp_path: Path) -> None:
    page = visit.open()
    clips = [make_clip(tmp_path / f"{name}.mp4", 4) for name in ("one", "two")]
    paths = [SAMPLES / "chelsea.jpg", clips[0], SAMPLES / "coffee.jpg", clips[1]]
    files = [
        [path.name, mimetypes.guess_type(path)[0], base64.b64encode(path.read_bytes()).decode()]
        for path in paths
    ]
    drop = page.evaluate_handle(TRANSFER, [files])
    page.dispatch_event("body", "drop", {"dataTransfer": drop})
    expect(page.locator("#strip li")).to_have_count(2)
    expect(page.locator("#toast")).to_have_text("2 films are in the Film tab, ready to be started.")
    visit.through()
    page.get_by_role("tab", name="Film").click()
    expect(page.locator("#film-list li")).to_have_count(2)
    page.get_by_role("button", name="Remove 2 backgrounds").click()
    done = page.locator("#film-list li[data-state=done]")
    expect(done).to_have_count(2, timeout=2 * PATIENCE)
    names = []
    for label in page.locator("#film-list label").all():
        label.click()
        expect(page.locator("#film-download")).to_be_visible()
        names.append(visit.download("#film-download").name)
    assert names == ["one_rgba.webm", "two_rgba.webm"]


def test_the_list_shows_who_comes_first_and_cancels(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    clips = [make_clip(tmp_path / f"{name}.mp4", 300) for name in ("one", "two", "three")]
    page.set_input_files("#film-file", clips)
    page.locator("#film-go").click()
    entries = page.locator("#film-list li")
    expect(entries.nth(0)).to_contain_text("% done", timeout=PATIENCE)
    expect(entries.nth(1)).to_contain_text("Waits, one film comes first", timeout=PATIENCE)
    expect(entries.nth(2)).to_contain_text("Waits to be sent")  # the server has enough of this page
    page.get_by_role("button", name="Cancel one.mp4").click()
    expect(entries.nth(0)).to_contain_text("Cancelled")
    expect(entries.nth(1)).to_contain_text("% done", timeout=PATIENCE)
    expect(entries.nth(2)).to_contain_text("Waits, one film comes first", timeout=PATIENCE)
    page.locator("#film-list input").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#film-name")).to_have_text("two.mp4")
    for name in ("two", "three"):
        with page.expect_response(lambda response: response.request.method == "DELETE"):
            page.get_by_role("button", name=f"Cancel {name}.mp4").click()
    page.get_by_role("button", name="Remove one.mp4").click()
    expect(entries).to_have_count(2)


def test_a_page_that_goes_gives_its_films_up_unless_they_are_to_go_on(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    page.set_input_files("#film-file", make_clip(tmp_path / "long.mp4", 600))
    with page.expect_response("**/api/jobs") as started:
        page.locator("#film-go").click()
    path = f"{visit.address}api/jobs/{started.value.json()['id']}"
    expect(page.locator("#film-detail")).to_contain_text("of 600", timeout=PATIENCE)

    def patience() -> float | None:
        seconds: float | None = page.request.get(path).json()["abandon"]
        return seconds

    assert patience() == 600
    page.goto("about:blank")
    while patience() != 30:  # it says so while it goes
        page.wait_for_timeout(20)
    visit.open("film")
    expect(page.locator("#film-detail")).to_contain_text("of 600", timeout=PATIENCE)
    assert patience() == 600
    with page.expect_response("**/abandon"):
        page.get_by_role("switch", name="Go on when this page is closed").check()
    page.reload()
    expect(page.locator("#film-detail")).to_contain_text("of 600", timeout=PATIENCE)
    expect(page.locator("#film-stays")).to_be_checked()
    assert patience() is None
    page.close(run_before_unload=False)
    later = Visit(page.context.new_page(), visit.address)  # whoever opens the page anew finds it
    later.open("film")
    expect(later.page.locator("#film-list li")).to_contain_text("long.mp4")
    expect(later.page.locator("#film-detail")).to_contain_text("of 600", timeout=PATIENCE)
    with later.page.expect_response(lambda response: response.request.method == "DELETE"):
        later.page.locator("#film-cancel").click()
    expect(later.page.locator("#film-hero")).to_be_visible()
    assert later.complaints == []
