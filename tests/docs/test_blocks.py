"""Every block of code in README and docs is run or says why not; all commands and data are checked."""

from __future__ import annotations

import json
import re
from importlib import import_module
from importlib.util import find_spec

import pytest
import yaml
from markdown_blocks import PAGES, ROOT, Block, Command, all_blocks, all_commands, blocks_of, reasons_of

from transparent_background.cli import COMMANDS
from transparent_background.cli.options import build_parser

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib  # type: ignore[no-redef]

CHECKED = ("json", "yaml", "python", "", "text")
OURS = [command for command in all_commands() if command.ours is not None]
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
NAMED = re.compile(r"`((?:tests|transparent_background|benchmarks|training|docs|samples)/[\w./*-]+)`")


def test_every_block_is_run_or_says_why_not() -> None:
    silent = [str(block) for block in all_blocks() if block.language not in CHECKED and not block.reason]
    assert silent == [], "of languages that are not run here; say why: <!-- not run: REASON -->"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_reason_is_about_a_command_of_its_page(page) -> None:
    texts = [command.text for block in blocks_of(page) for command in block.commands]
    unused = [fragment for fragment, _ in reasons_of(page) if not any(fragment in text for text in texts)]
    assert unused == []


@pytest.mark.parametrize("command", OURS, ids=lambda command: command.text[:70])
def test_our_commands_are_understood(command: Command) -> None:
    words = [word for word in command.ours or () if word not in "<>"]
    name = words[0] if words and words[0] in COMMANDS else None
    parser = import_module(f"transparent_background.cli.{name}").build_parser() if name else build_parser()
    parser.parse_intermixed_args(words[1:] if name else words) if name != "models" else parser.parse_args(
        words[1:]
    )


def test_the_extras_that_are_named_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = "\n".join(page.read_text("utf-8") for page in PAGES)
    named = {
        name for group in re.findall(r'(?:background|")?\.?\[([\w,]+)\]"', text) for name in group.split(",")
    }
    assert named
    assert named <= set(project["optional-dependencies"])


def test_the_programs_that_are_named_exist() -> None:
    named = {
        match
        for page in PAGES
        for match in re.findall(r"-m ((?:benchmarks|training)\.\w+)", page.read_text("utf-8"))
    }
    assert named
    assert {name for name in named if find_spec(name) is None} == set()


@pytest.mark.parametrize("block", all_blocks("json", "yaml"), ids=str)
def test_data_can_be_read(block: Block) -> None:
    assert json.loads(block.source) if block.language == "json" else yaml.safe_load(block.source)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_files_that_are_named_exist(page) -> None:
    text = page.read_text("utf-8")
    missing = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    if page.name != "films-compared.md":  # which names other programs' files
        missing += [path for path in NAMED.findall(text) if not any(ROOT.glob(path))]
    assert missing == []
