"""The remover, and a service whose tools may use a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("mcp")
pytest.importorskip("fastapi")

from mcp_helpers import ASTRONAUT, running

from transparent_background import Remover
from transparent_background.options.service import Limits


@pytest.fixture(scope="session")
def remover() -> Remover:
    return Remover("lite", device="cpu")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def address(remover: Remover, root: Path) -> Iterator[str]:
    limits = Limits(bytes=1_000_000, pixels=2_000_000, batch=5)
    with running(remover, folders=(str(root),), limits=limits) as url:
        yield url


@pytest.fixture
def folder(root: Path) -> Iterator[Path]:
    """Return the open folder, with the astronaut in it and nothing else."""
    shutil.copy(ASTRONAUT, root / "astronaut.jpg")
    yield root
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


@pytest.fixture
def outside(folder: Path) -> Path:
    """Return a folder that is not open; links in the open one lead to it."""
    outside = folder.parent / "outside"
    outside.mkdir(exist_ok=True)
    shutil.copy(ASTRONAUT, outside / "secret.png")
    (folder / "link.png").symlink_to(outside / "secret.png")
    (folder / "dangling.png").symlink_to(outside / "missing.png")
    (folder / "away").symlink_to(outside)
    return outside
