"""What is imported when: the command answers at once, and the library costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest
from modules import modules_after


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert modules_after("import transparent_background") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["models", "--help"],
        ["doctor", "--help"],
        ["serve", "--help"],
        ["mcp", "--help"],
    ],
)
def test_help_and_version_import_nothing_heavy(arguments) -> None:
    code = f"""
from transparent_background.cli import main
try:
    main({arguments!r})
except SystemExit as stop:
    assert stop.code == 0
"""
    assert set(modules_after(code)) <= {"rich"} if "models" in arguments else modules_after(code) == []


@pytest.mark.parametrize(
    "arguments",
    [["nothing.jpg"], ["-t", "no such type", "a.jpg"], ["-m", "nope", "a.jpg"], ["-th", "7", "a.jpg"]],
)
def test_mistakes_are_found_before_torch_is_imported(arguments) -> None:
    code = f"from transparent_background.cli import main\nassert main({arguments!r}) in (2, 4)"
    assert "torch" not in modules_after(code)


def test_the_bundled_model_needs_neither_timm_nor_torchvision() -> None:
    code = """
import numpy as np
from transparent_background import Remover
Remover("lite", device="cpu").process(np.zeros((40, 40, 3), np.uint8))
"""
    unwanted = {
        "timm",
        "torchvision",
        "requests",
        "gdown",
        "rich",
        "torch._dynamo",
        "openvino",
        "onnxruntime",
    }
    assert not unwanted & set(modules_after(code))


def test_importing_warns_of_nothing() -> None:
    code = "import transparent_background; transparent_background.Remover"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
