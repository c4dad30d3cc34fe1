"""A camera's session."""

from __future__ import annotations

import pytest

from transparent_background.errors import UsageError
from transparent_background.options.result_types import parse_type
from transparent_background.options.service import Limits
from transparent_background.service.live import LiveSession


def test_options_that_are_wrong_change_nothing(workers) -> None:
    session = LiveSession(workers, Limits())
    session.configure('{"type": "white"}')
    with pytest.raises(UsageError):
        session.configure('{"type": "white", "mode": "x"}')
    assert session.scene.settings.type == parse_type("white")
