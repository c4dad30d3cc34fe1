"""README and the page of options name every option, and recipes and configurations on pages are valid."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from markdown_blocks import ROOT, Block, all_blocks

from transparent_background.cli.options import GROUPS as COMMAND_GROUPS
from transparent_background.options.declare import Option, declared, offered
from transparent_background.options.groups import GROUPS
from transparent_background.options.recipe import Recipe
from transparent_background.train.config import load_config

OFFERED = offered(*COMMAND_GROUPS, door="command")


def written(entry: Option) -> str:
    """Return what pages call an option: what is on by default is shown as what switches it off."""
    return f"--no-{entry.flag[2:]}" if entry.default is True else entry.flag


def test_the_readme_names_every_option_of_the_command() -> None:
    rows = re.findall(r"^\| (`(?:-|SOURCE).*?) \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    named = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", " ".join(rows)))
    names = [{written(entry), *entry.short} for entry in OFFERED]
    assert [sorted(own) for own in names if not own & named] == []
    assert named - set().union(*names) == {"-s"}


def test_the_page_of_options_has_all_of_them() -> None:
    spec = spec_from_file_location("options_page", ROOT / "docs/options_page.py")
    assert spec is not None and spec.loader is not None
    page = module_from_spec(spec)
    spec.loader.exec_module(page)
    assert page.PLACE in (ROOT / "docs/options.md").read_text("utf-8")
    text = "\n".join(page.tables())
    missing = [
        entry.flag
        for _, cls in GROUPS
        for entry in declared(cls).values()
        if f"`{written(entry)}" not in text
    ]
    assert missing == []


@pytest.mark.parametrize("block", all_blocks("yaml"), ids=str)
def test_files_on_pages_are_valid(block: Block, tmp_path: Path) -> None:
    if block.page.name == "options.md":
        assert Recipe.parse(block.source)
    elif "output:" in block.source:
        (tmp_path / "my.yaml").write_text(block.source)
        load_config(str(tmp_path / "my.yaml"))
