"""Films and the camera on the page."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from page_helpers import PATIENCE, Visit, expect, make_clip
from PIL import Image

pytestmark = pytest.mark.slow


def test_a_film_is_followed_to_its_result(visit: Visit, clip: Path) -> None:
    page = visit.open("film")
    page.set_input_files("#film-file", clip)
    expect(page.get_by_label("clip.mp4 as it is")).to_be_visible()
    expect(visit.option("File format")).to_have_value("webm")  # transparent, and shown by browsers
    page.get_by_role("button", name="Remove the background").click()
    expect(page.locator("#film-cancel")).to_be_focused()
    link = page.locator("#film-download")
    expect(link).to_be_visible(timeout=PATIENCE)
    expect(link).to_be_focused()
    video = page.get_by_label("clip_rgba.webm, the result")
    expect(video).to_have_js_property("videoWidth", 320)
    result = visit.download("#film-download")
    assert result.name == "clip_rgba.webm"
    import av

    with av.open(str(result)) as container:
        assert container.streams.video[0].metadata.get("alpha_mode") == "1"
        assert sum(1 for _ in container.demux(video=0)) >= 12


def test_a_film_can_be_cancelled(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    page.set_input_files("#film-file", make_clip(tmp_path / "long.mp4", 600))
    page.get_by_role("button", name="Remove the background").click()
    expect(page.locator("#film-detail")).to_contain_text("of 600", timeout=PATIENCE)
    job = json.loads(page.evaluate("sessionStorage.getItem('films')"))[0]["job"]
    with page.expect_response(lambda response: response.request.method == "DELETE"):
        page.locator("#film-cancel").click()
    expect(page.locator("#film-work")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("The film was cancelled.")
    expect(page.locator("#film-download")).to_be_hidden()
    expect(page.locator("#film-go")).to_be_enabled()
    assert page.request.get(f"{visit.address}api/jobs/{job}").status == 404  # nothing is left of it


def test_a_film_survives_a_reload(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    page.set_input_files("#film-file", make_clip(tmp_path / "clip.mp4", 30))
    page.get_by_role("button", name="Remove the background").click()
    expect(page.locator("#film-detail")).to_contain_text("of 30", timeout=PATIENCE)
    page.reload()
    expect(page.locator("#film-name")).to_contain_text("clip")
    expect(page.locator("#film-download")).to_be_visible(timeout=PATIENCE)
    assert visit.download("#film-download").stat().st_size > 1000


def test_a_film_that_is_none_is_refused_in_a_sentence(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    visit.refusals = {415}
    (tmp_path / "letter.mp4").write_text("Dear Sir or Madam")
    page.set_input_files("#film-file", tmp_path / "letter.mp4")
    page.locator("#film-go").click()
    error = page.locator("#film-error p")
    expect(error).to_contain_text("no film", timeout=PATIENCE)
    assert error.inner_text().endswith(".")


def test_the_camera_is_shown_live(visit: Visit) -> None:
    page = visit.open("camera")
    page.locator("#camera-go").click()
    expect(page.locator("#camera-canvas")).to_be_visible(timeout=PATIENCE)
    expect(page.locator("#camera-rate")).to_contain_text("frames a second", timeout=PATIENCE)
    canvas = page.locator("#camera-canvas")
    visit.choose("camera", "map")
    visit.option("Keep the background").check()
    visit.choose("camera", "colour")
    page.locator("#camera-background-colour").fill("#ff0000")
    visit.option("Keep the background").uncheck()
    expect(page.locator("#camera-error")).to_be_hidden()
    for _ in range(100):
        with Image.open(io.BytesIO(canvas.screenshot())) as shown:
            red, green, _blue = shown.convert("RGB").getpixel((20, shown.height // 2))
        if red > 120 > green:
            break
    assert red > 120 > green  # behind the fake camera's figure, which is green all over
    with Image.open(visit.download("#camera-still")) as image:
        assert image.size == (640, 480)
    page.get_by_role("tab", name="Photos").click()  # who leaves the tab is not filmed any longer
    page.get_by_role("tab", name="Camera").click()
    expect(page.locator("#camera-state")).to_have_text("The camera is off")


def test_a_camera_that_is_denied_is_said_in_a_sentence(visit: Visit) -> None:
    page = visit.page
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', 'NotAllowedError'))"
    )
    visit.open("camera").locator("#camera-go").click()
    expect(page.locator("#camera-error")).to_contain_text("The camera may not be used. Allow it")
    expect(page.locator("#camera-go")).to_have_text("Start")
