"""A trial: an option that is added in one file appears at every doorway."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("mcp")

import transparent_background

PACKAGE = Path(transparent_background.__file__).parent
FILE = "options/result.py"
BEFORE = "    reverse: bool ="
OPTION = '    sparkle: bool = flag("let the object sparkle", label="Sparkle", section="Stars")\n'

LOOK = """
import json
from unittest.mock import MagicMock

from transparent_background.assistants.arguments import CutOutArguments, MatteArguments
from transparent_background.cli.options import build_parser, read_request
from transparent_background.options.recipe import Recipe
from transparent_background.options.settings import settings_of
from transparent_background.service.models import controls
from transparent_background.web.app import create_app
from transparent_background.options.service import ServiceSettings

app = create_app([{"none": MagicMock()}], ServiceSettings())
document = app.openapi()
operation = document["paths"]["/api/remove"]["post"]
print(json.dumps({
    "help": "--sparkle" in build_parser().format_help(),
    "command": read_request(["photo.jpg", "--sparkle"]).settings.sparkle,
    "python": settings_of(sparkle=True).sparkle,
    "recipe": Recipe.parse("sparkle: true").picture,
    "query": [entry["name"] for entry in operation["parameters"]],
    "form": list(operation["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]),
    "assistant": list(CutOutArguments.model_json_schema()["properties"]),
    "matte": list(MatteArguments.model_json_schema()["properties"]),
    "page": [[entry.name, entry.label, entry.kind, entry.help] for entry in controls()],
}))
"""


def test_an_option_that_is_declared_once_is_offered_everywhere(tmp_path) -> None:
    links = shutil.ignore_patterns("__pycache__", "weights", "page")
    shutil.copytree(PACKAGE, tmp_path / "transparent_background", ignore=links)
    for folder in ("checkpoints/weights", "web/page"):
        (tmp_path / "transparent_background" / folder).symlink_to(PACKAGE / folder)
    changed = tmp_path / "transparent_background" / FILE
    text = changed.read_text(encoding="utf-8")
    assert text.count(BEFORE) == 1
    changed.write_text(text.replace(BEFORE, OPTION + BEFORE), encoding="utf-8")
    looked = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert looked.returncode == 0, looked.stderr
    found = json.loads(looked.stdout)
    assert found["help"] and found["command"] is True and found["python"] is True
    assert found["recipe"] == {"sparkle": True}
    for place in ("query", "form", "assistant"):
        assert "sparkle" in found[place], place
    assert ["sparkle", "Sparkle", "flag", "let the object sparkle"] in found["page"]
