"""The reference has every public name; the site is built strictly and loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from markdown_blocks import PAGES, ROOT

import transparent_background

DIRECTIVES = {
    name: page
    for page in PAGES
    for name in re.findall(r"^::: ([\w.]+)$", page.read_text("utf-8"), re.MULTILINE)
}
"""What the pages of the reference show."""

ELSEWHERE = re.compile(r"""<(?:script|img|iframe|link)[^>]*?(?:src|href)=["']?(?:https?:)?//[^"' >]+""")


@pytest.mark.parametrize("name", transparent_background.__all__)
def test_every_public_name_is_on_a_page(name: str) -> None:
    assert f"transparent_background.{name}" in DIRECTIVES


@pytest.mark.parametrize("name", DIRECTIVES)
def test_what_the_pages_show_is_there_and_described(name: str) -> None:
    path, _, last = name.rpartition(".")
    shown = getattr(import_module(path), last, None) or import_module(name)
    assert isinstance(shown, str) or shown.__doc__


def test_every_page_of_the_reference_is_in_its_list() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs/reference/index.md").read_text("utf-8")))
    assert linked == {path.name for path in (ROOT / "docs/reference").glob("*.md")} - {"index.md"}


def test_every_page_can_be_reached() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    reached = set(re.findall(r"[\w/-]+\.md", str(yaml.safe_load(text)["nav"])))
    assert {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")} <= reached


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mkdocs") is None, reason="the extra docs is not installed")
def test_the_site_is_built_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    pages = list(tmp_path.rglob("*.html"))
    assert tmp_path / "index.html" in pages
    loaded = {found for page in pages for found in ELSEWHERE.findall(page.read_text("utf-8"))}
    assert loaded == set()
