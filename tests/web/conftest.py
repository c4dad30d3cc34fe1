"""Services that the tests of paths, limits and refusals talk to."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi")

from serving import TOKEN, Running, serve

from transparent_background import Remover

LIMITS = {"bytes": 1 << 20, "pixels": 1_000_000, "patience": 0.6, "slowest": 1 << 20, "cameras": 2}


@pytest.fixture(scope="session")
def remover() -> Remover:
    return Remover("lite", device="cpu")


@pytest.fixture(scope="module")
def temporary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder in which all temporary files are."""
    folder = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def service(remover: Remover, temporary: Path) -> Iterator[Running]:
    """Return a service that takes little."""
    with serve([{"lite": remover}], limits=LIMITS) as running:
        yield running


@pytest.fixture(scope="module")
def guarded(remover: Remover) -> Iterator[Running]:
    """Return a service that asks for a token, and that pages of one other site may use."""
    with serve([{"lite": remover}], token=TOKEN, allow_origins=("https://shop.example",)) as running:
        yield running
