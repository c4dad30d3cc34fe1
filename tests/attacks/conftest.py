"""The process in which hostile files are opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("cv2")
pytest.importorskip("av")

from attack import Attacked, attacked_process


@pytest.fixture(scope="session")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """Return what does attacks, in a process that may hang or end without harm to the tests."""
    with attacked_process(tmp_path_factory.mktemp("attacked")) as attacked:
        yield attacked
