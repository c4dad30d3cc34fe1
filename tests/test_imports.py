"""What is imported when: the command answers at once, and the library costs nothing until it is used."""

from __future__ import annotations

import subprocess
import sys

import pytest
from modules import PACKAGE, foreign, modules_after, own

from transparent_background.cli import COMMANDS

LIGHT = {PACKAGE, "cli", "errors", "options", "types", "_version"}
"""The rooms that are loaded before it is known what there is to do."""
BESIDES = {
    # weights as data: the choices of --mode
    *("checkpoints", "checkpoints.catalogue", "checkpoints.records"),
    *("checkpoints.registry", "checkpoints.user_config"),
    *("media", "media.atomic", "media.files", "media.parts", "media.sources"),  # names of files
    *("pipeline", "pipeline.signals"),
}
"""What else may be loaded to read arguments and print help, module by module."""
HELP_SECONDS = 0.3
"""Of a processor, not of a clock: other programs on the machine do not count."""

RUN = """
from transparent_background.cli import main
try:
    main({arguments!r})
except SystemExit as stop:
    assert not stop.code
"""
every_help = pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)], ids=" ".join
)


def test_importing_the_package_imports_its_version_only() -> None:
    loaded = modules_after("import transparent_background")
    assert own(loaded) == {PACKAGE, "_version"}
    assert foreign(loaded) == set()


@every_help
def test_help_and_version_import_the_command_and_the_options_only(arguments) -> None:
    loaded = modules_after(RUN.format(arguments=arguments))
    assert foreign(loaded) == set()
    assert {name for name in own(loaded) if name.partition(".")[0] not in LIGHT} <= BESIDES


def test_help_takes_no_time() -> None:
    """The fastest of three: a processor's caches may be cold the first time."""
    code = f"import time\nbegin = time.process_time()\n{RUN.format(arguments=['--help'])}"
    code += "\nimport sys\nprint(time.process_time() - begin, file=sys.stderr)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(3)]
    assert min(float(done.stderr) for done in runs) < HELP_SECONDS


@pytest.mark.parametrize(
    "arguments",
    [["nothing.jpg"], ["-t", "no such type", "a.jpg"], ["-m", "nope", "a.jpg"], ["-th", "7", "a.jpg"]],
)
def test_mistakes_are_found_before_torch_is_imported(arguments) -> None:
    code = f"from transparent_background.cli import main\nassert main({arguments!r}) in (2, 4)"
    assert "torch" not in modules_after(code)


def test_a_run_without_work_imports_no_torch(tmp_path) -> None:
    photo, done = tmp_path / "a.jpg", tmp_path / "out" / "a_rgba.png"
    done.parent.mkdir()
    for path in (photo, done):
        path.write_bytes(b"not looked at")
    arguments = [str(photo), "--dest", str(done.parent), "--skip-existing", "--mode", "lite"]
    loaded = modules_after(RUN.format(arguments=arguments))
    assert not {"torch", "cv2"} & foreign(loaded)


@pytest.mark.parametrize(
    ("room", "extra"),
    [
        ("pipeline", None),
        ("evaluate.run", "cv2"),
        ("assistants.stdio", "mcp"),
        ("service.models", "pydantic"),
    ],
)
def test_what_waits_for_work_or_is_started_often_imports_no_torch(room, extra) -> None:
    """Assistants start their server at every launch, and every process that scores is a new one."""
    if extra is not None:
        pytest.importorskip(extra)
    assert "torch" not in foreign(modules_after(f"import {PACKAGE}.{room}"))


def test_the_bundled_model_needs_neither_timm_nor_torchvision() -> None:
    code = """
import numpy as np
from transparent_background import Remover
Remover("lite", device="cpu").process(np.zeros((40, 40, 3), np.uint8))
"""
    loaded = modules_after(code)
    unwanted = {"timm", "torchvision", "requests", "gdown", "rich", "openvino", "onnxruntime"}
    assert not unwanted & foreign(loaded)
    assert "torch._dynamo" not in loaded


def test_importing_warns_of_nothing() -> None:
    code = "import transparent_background; transparent_background.Remover"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
