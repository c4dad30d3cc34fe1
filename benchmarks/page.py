"""How long the page takes when an option changes: for the photo that is looked at, and for all of them.

Needs Chromium (``$CHROMIUM`` may name it) and playwright::

    python -m benchmarks.page --photos 200

Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from benchmarks.machine import describe_machine
from benchmarks.photo import SAMPLES
from benchmarks.service import ours, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

MEGAPIXELS = 1.0
PATIENCE = 1800_000  # milliseconds

IDLE = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    const busy = () => document.querySelector("#strip li:is([data-state=waiting], [data-state=working])");
    while (!busy()) await frame();
    while (busy()) await frame();
}"""

# changes a field as a user would, and times what follows
CHANGE = """async ([selector, value]) => {
    const [field, stage] = [document.querySelector(selector), document.getElementById("photo-stage")];
    const frame = () => new Promise(requestAnimationFrame);
    const busy = () => document.querySelector("#strip li:is([data-state=waiting], [data-state=working])");
    const began = performance.now();
    if (value === null) field.checked = true;
    else field.value = value;
    for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, {bubbles: true}));
    while (stage.dataset.state === "done") await frame();
    while (stage.dataset.state !== "done") await frame();
    const seen = performance.now();
    while (busy()) await frame();
    return [seen - began, performance.now() - began];
}"""


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--mode", default="lite")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        files = _photos(folder, options.photos)
        command = [part for part in ours("--mode", options.mode, "--offline") if part != "--no-page"]
        with running("ours", command, "/readyz", folder / "log") as service:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(PATIENCE)
            page.goto(service.address)
            page.locator("#version", has_text="transparent").wait_for()
            print(
                f"{describe_machine()}; {options.mode}, {options.photos} photos of {MEGAPIXELS:g} megapixel\n"
            )
            print("| change | the visible photo, s | all, s | processor time of the service, s |")
            print("|---|---|---|---|")
            spent = _processor_seconds(service.pid)
            for words, seconds in _changes(page, files):
                before, spent = spent, _processor_seconds(service.pid)
                if seconds is not None:
                    cells = f"{seconds[0] / 1000:.2f} | {seconds[1] / 1000:.1f} | {spent - before:.1f}"
                    print(f"| {words} | {cells} |", flush=True)
            browser.close()


def _processor_seconds(pid: int) -> float:
    """Return what a process has used of the processors (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _changes(page: Page, files: list[Path]) -> Iterator[tuple[str, list[float] | None]]:
    """Make changes; yields what was done, and the milliseconds for the visible photo and for all."""
    page.set_input_files("#photo-files", files)
    page.evaluate(IDLE)
    yield "", None
    tile, colour = "#photo-background input[value=colour]", "#photo-background-colour"
    yield "from transparent to a colour", page.evaluate(CHANGE, [tile, None])
    yield "another colour", page.evaluate(CHANGE, [colour, "#ff8000"])
    yield "and another", page.evaluate(CHANGE, [colour, "#8000ff"])


def _photos(folder: Path, count: int) -> list[Path]:
    """Write photos that all differ, from the samples."""
    samples, files = sorted(SAMPLES.glob("*.jpg")), []
    for index in range(count):
        with Image.open(samples[index % len(samples)]) as sample:
            scale = (MEGAPIXELS * 1e6 / (sample.width * sample.height)) ** 0.5
            size = round(sample.width * scale) + index // len(samples), round(sample.height * scale)
            files.append(folder / f"{index:03}.jpg")
            sample.convert("RGB").resize(size).save(files[-1], quality=90)
    return files


if __name__ == "__main__":
    main()
