"""What the tests of picture files share."""

from __future__ import annotations

from pathlib import Path

import pytest
from picture_files import write_jpeg


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    """Return a JPEG that says all that it can."""
    return write_jpeg(tmp_path / "photo.jpg")
