"""Going on with a run: all it needs to go on from a step, in one file."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from ..errors import OutputError, TrainingError
from ..media.atomic import replacing

logger = logging.getLogger(__name__)

STATE_FILE = "state.pt"


def save_state(folder: Path, state: dict[str, Any]) -> bool:
    """Write a run's state; a full disk is logged and leaves the last one.

    Returns
    -------
    Whether it was written.
    """
    try:
        with replacing(folder / STATE_FILE) as file:
            torch.save(state, file)
    except (OutputError, RuntimeError) as error:  # torch's zip writer raises RuntimeError on a full disk
        logger.warning("the run's state was not saved, the last one is kept: %s", error)
        return False
    return True


def load_state(folder: Path) -> dict[str, Any] | None:
    """Read a run's state, on the CPU; None if there is none.

    Raises
    ------
    TrainingError
        The file is damaged.
    """
    path = folder / STATE_FILE
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise TrainingError(
            f"{path}: cannot be read, so the run cannot be resumed; give another output folder or "
            f"start from its last.safetensors (model.start): {str(error).splitlines()[0][:120]}"
        ) from error
    return state
