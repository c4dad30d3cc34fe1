"""What is said of the package where it is built, checked and handed on is true of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> list[str]:
    """Return the files that are part of the project, as far as they go into its archive of sources."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("only a clone says which files are part of the project")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    return [name for name in listed.stdout.split("\n") if name and name.split("/")[0] in included]


def chosen(rule: str, name: str) -> bool:
    """Tell whether a line of MANIFEST.in takes a file in."""
    command, *words = rule.split()
    if command == "include":
        return name in words
    assert command == "recursive-include"
    folder, *patterns = words
    path = PurePosixPath(name)
    return folder in map(str, path.parents) and any(fnmatch(path.name, pattern) for pattern in patterns)


def test_the_manifest_names_every_file_of_the_archive_of_sources() -> None:
    rules = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    built = {"pyproject.toml", "MANIFEST.in"}  # whoever reads MANIFEST.in takes these in without a line
    missing = [
        name
        for name in tracked()
        if not any(chosen(rule, name) for rule in rules)
        and name not in built
        and not fnmatch(name, "transparent_background/*.py")
    ]
    assert missing == []


def test_every_line_of_the_manifest_takes_something_in() -> None:
    rules = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    assert [rule for rule in rules if not any(chosen(rule, name) for name in tracked())] == []
    named = [word for rule in rules if rule.startswith("include ") for word in rule.split()[1:]]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_one_number_is_the_oldest_python_everywhere() -> None:
    oldest = PROJECT["project"]["requires-python"].removeprefix(">=")
    said = {
        "ruff": PROJECT["tool"]["ruff"]["target-version"].replace("py3", "3."),
        "mypy": PROJECT["tool"]["mypy"]["python_version"],
        "classifiers": min(_versions(" ".join(PROJECT["project"]["classifiers"])), key=_number),
        "nox": min(_versions((ROOT / "noxfile.py").read_text(encoding="utf-8")), key=_number),
        "README": min(_versions((ROOT / "README.md").read_text(encoding="utf-8"), "Python "), key=_number),
    }
    assert set(said.values()) == {oldest}, said


def _versions(text: str, before: str = "") -> list[str]:
    return re.findall(rf"{before}\b(3\.\d+)\b", text)


def _number(version: str) -> int:
    return int(version.partition(".")[2])


def test_all_extras_are_all_of_them() -> None:
    """But those that only the project's own developers need."""
    extras = PROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(re.fullmatch(r"transparent-background\[(.+)\]", everything)[1].split(","))
    assert named == set(extras) - {"all", "dev", "docs", "test"}
