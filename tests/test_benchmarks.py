"""Benchmarks, and what makes the data of the bundled model, take what they need from where it is now."""

from __future__ import annotations

import ast
import importlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("transparent_background", "benchmarks", "training", "tests")


def imports() -> Iterator[tuple[str, str, str]]:
    """Give (program, module, name) of all that they import of ours, within functions too."""
    for path in sorted(
        path for folder in ("benchmarks", "training") for path in (ROOT / folder).rglob("*.py")
    ):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = ".".join(filter(None, (package * bool(node.level), node.module)))
                if module.split(".")[0] in OURS:
                    yield from ((path.stem, module, alias.name) for alias in node.names)


IMPORTS = list(imports())


@pytest.mark.parametrize("module", sorted({module for _, module, _ in IMPORTS}))
def test_what_benchmarks_import_is_there(module, monkeypatch) -> None:
    monkeypatch.syspath_prepend(ROOT)
    for extra in ("cv2", "av", "fastapi", "mcp", "pygame", "pymatting", "timm"):
        pytest.importorskip(extra)
    found = importlib.import_module(module)
    missing = {
        name: where
        for where, of, name in IMPORTS
        if of == module and not hasattr(found, name) and importlib.util.find_spec(f"{module}.{name}") is None
    }
    assert not missing
