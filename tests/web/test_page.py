"""The page in Chromium, served by the command."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from page_helpers import PATIENCE, RECORDS, SAMPLES, TRANSFER, Visit, expect, serving, visiting
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

TOKEN = "a-token-of-the-tests"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", 12)


def make_clip(path: Path, frames: int) -> Path:
    """Write a film that pans over the astronaut."""
    pytest.importorskip("av")
    from film_makers import make_film

    with Image.open(SAMPLES / "astronaut.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"))
    return make_film(path, [pixels[i % 40 : i % 40 + 240, 100:420] for i in range(frames)])


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
    assert page.evaluate("asked") == {
        "background_image": "meadow.png",
        "crop": "10%",
        "file": "coffee.jpg",
        "fit": "cover",
        "foreground": "original",
        "format": "jpg",
        "mode": "lite",
        "quality": "80",
        "resize": "static",
        "threshold": "0.5",
    }


def test_a_format_that_browsers_cannot_show_is_shown_all_the_same(visit: Visit) -> None:
    page = visit.open()
    visit.add("chelsea.jpg")
    page.locator("#photo-options summary", has_text="File").click()
    visit.option("File format").select_option("tiff")
    visit.through()
    expect(page.get_by_alt_text("chelsea.jpg without its background")).to_be_visible()
    assert alpha_of(visit.download("#photo-download")).shape == (300, 451)


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

    page.route("**/api/remove", busy)
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_film_can_be_cancelled(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    page.set_input_files("#film-file", make_clip(tmp_path / "long.mp4", 600))
    page.get_by_role("button", name="Remove the background").click()
    expect(page.locator("#film-detail")).to_contain_text("of 600", timeout=PATIENCE)
    job = json.loads(page.evaluate("sessionStorage.getItem('film-job')"))["id"]
    page.locator("#film-cancel").click()
    expect(page.locator("#film-work")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("The film was cancelled.")
    expect(page.locator("#film-download")).to_be_hidden()
    expect(page.locator("#film-go")).to_be_enabled()
    assert page.request.get(f"{visit.address}api/jobs/{job}").status == 404  # nothing is left of it


@pytest.mark.slow
def test_a_film_survives_a_reload(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    page.set_input_files("#film-file", make_clip(tmp_path / "clip.mp4", 30))
    page.get_by_role("button", name="Remove the background").click()
    expect(page.locator("#film-detail")).to_contain_text("of 30", timeout=PATIENCE)
    page.reload()
    expect(page.locator("#film-name")).to_contain_text("clip")
    expect(page.locator("#film-download")).to_be_visible(timeout=PATIENCE)
    assert visit.download("#film-download").stat().st_size > 1000


@pytest.mark.slow
def test_a_film_that_is_none_is_refused_in_a_sentence(visit: Visit, tmp_path: Path) -> None:
    page = visit.open("film")
    visit.refusals = {415}
    (tmp_path / "letter.mp4").write_text("Dear Sir or Madam")
    page.set_input_files("#film-file", tmp_path / "letter.mp4")
    page.locator("#film-go").click()
    error = page.locator("#film-error p")
    expect(error).to_contain_text("no film", timeout=PATIENCE)
    assert error.inner_text().endswith(".")


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
