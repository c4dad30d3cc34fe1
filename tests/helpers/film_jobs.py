"""Films that tests send as jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import requests
from drawing import draw_object
from film_makers import make_film
from serving import Running


def short_film(folder: Path) -> Path:
    """Make twelve frames of a disc that moves, with sound."""
    frames = [np.roll(draw_object(), 2 * i, axis=1) for i in range(12)]
    return make_film(folder / "disc.mp4", frames, sound="aac")


def long_film_of(folder: Path) -> Path:
    """Make a film that takes a while."""
    return make_film(folder / "long.mp4", [draw_object()] * 300)


def start(service: Running, path: Path, **fields: Any) -> requests.Response:
    """Send a film as a job."""
    return service.post("/api/jobs", files={"file": (path.name, path.read_bytes())}, data=fields)
