"""The page as its users have it: the command serves it, Chromium shows it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

for module in ("fastapi", "uvicorn", "multipart", "prometheus_client", "mcp", "websockets"):
    pytest.importorskip(module)
expect = pytest.importorskip("playwright.sync_api").expect

SAMPLES = Path(__file__).parents[2] / "samples"
PATIENCE = 60_000  # milliseconds; two busy cores are slow
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

# makes, on the page, what a drop or a paste carries
TRANSFER = """([files]) => {
    const transfer = new DataTransfer();
    for (const [name, type, base64] of files) {
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        transfer.items.add(new File([bytes], name, { type }));
    }
    return transfer;
}"""

# keeps the options that the page asked for last, and the names of all files that it sent: Chromium doesn't
# tell Playwright of forms that carry files
RECORDS = """const fetched = fetch;
const send = XMLHttpRequest.prototype.send;
window.sent = [];
const record = (entries) => {
    const files = entries.filter(([, value]) => value.name !== undefined);
    sent.push(...files.map(([, {name}]) => name));
    const options = entries.filter((entry) => !files.includes(entry));
    if (options.length) window.asked = Object.fromEntries(options);
};
window.fetch = (address, options) => {
    const {pathname, searchParams} = new URL(address);
    if (options?.body instanceof FormData) record([...options.body]);
    else if (pathname.endsWith("/result")) record([...searchParams]);
    return fetched(address, options);
};
XMLHttpRequest.prototype.send = function (form) {
    record([...form]);
    return send.call(this, form);
};"""


def make_clip(path: Path, frames: int) -> Path:
    """Write a film that pans over the astronaut."""
    pytest.importorskip("av")
    from film_makers import make_film

    with Image.open(SAMPLES / "astronaut.jpg") as photo:
        pixels = np.asarray(photo.convert("RGB"))
    return make_film(path, [pixels[i % 40 : i % 40 + 240, 100:420] for i in range(frames)])


def find_chromium() -> str | None:
    """Return the Chromium to test with."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


@contextmanager
def serving(home: Path, *arguments: str, **environment: str) -> Iterator[str]:
    """Run ``transparent-background serve`` and give the page's address."""
    command = [
        sys.executable,
        "-m",
        "transparent_background",
        "serve",
        "--mode",
        "lite",
        "--port",
        "0",
        "--offline",
    ]
    with subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"TRANSPARENT_BACKGROUND_FILE_PATH": str(home), "NO_COLOR": "1"} | environment,
    ) as process:
        said: list[str] = []
        try:
            yield _address(process, said)
        finally:
            process.terminate()
            said.append(process.communicate(timeout=60)[0])
    assert "Traceback" not in "".join(said), "".join(said)


def _address(process: subprocess.Popen[str], said: list[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://[\d.]+:\d+", line):
            return found[0] + "/"
    raise AssertionError(f"the server did not start: {''.join(said)}")


@dataclass
class Visit:
    """A page that is looked at, and what its console complained of."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)
    refusals: set[int] = field(default_factory=set)
    """Statuses that this test provokes: Chromium writes every one into the console."""

    def __post_init__(self) -> None:
        """Listen."""
        self.page.set_default_timeout(PATIENCE)
        self.page.on("console", lambda message: self._hear(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, kind: str, text: str) -> None:
        provoked = any(f"responded with a status of {status} " in text for status in self.refusals)
        if kind in ("error", "warning") and not provoked:
            self.complaints.append(text)

    def open(self, tab: str = "photos") -> Page:
        """Go there, and wait until it knows the server."""
        self.page.goto(f"{self.address}#{tab}")
        expect(self.page.locator("#version")).to_contain_text("transparent-background", timeout=PATIENCE)
        return self.page

    def add(self, *names: str | Path) -> None:
        """Choose photos, and wait until the server is through with them."""
        self.page.set_input_files("#photo-files", [SAMPLES / name for name in names])
        self.through()

    def through(self) -> None:
        """Wait until no photo waits or is worked on."""
        busy = self.page.locator("#strip li:is([data-state=waiting], [data-state=working])")
        expect(busy).to_have_count(0, timeout=PATIENCE)

    def option(self, label: str) -> Locator:
        """Return a field of the open tab."""
        return self.page.locator("[role=tabpanel]:not([hidden]) form").get_by_label(label)

    def choose(self, form: str, kind: str) -> None:
        """Choose a background by its tile."""
        self.page.locator(f"#{form}-background input[value={kind}]").check(force=True)

    def download(self, selector: str) -> Path:
        """Click there, and return what is downloaded, under the name it was given."""
        with self.page.expect_download(timeout=PATIENCE) as download:
            self.page.click(selector)
        path = Path(download.value.path())
        return path.rename(path.with_name(download.value.suggested_filename))

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


@contextmanager
def visiting(browser: Browser, address: str, **options: object) -> Iterator[Visit]:
    """Open a window; in the end nothing may have been complained of."""
    context: BrowserContext = browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
    try:
        visit = Visit(context.new_page(), address)
        yield visit
        assert visit.complaints == []
    finally:
        context.close()
