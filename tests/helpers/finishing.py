"""Results of pictures in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from transparent_background.compositing.finish import finish
from transparent_background.images.picture import Picture
from transparent_background.images.result import Result
from transparent_background.options.result_types import ResultType
from transparent_background.options.settings import Settings


def made(rgb: np.ndarray, matte: np.ndarray, type: ResultType, **options: Any) -> Result:
    """Make a result of a picture's colours and its matte."""
    return finish(Picture(rgb), matte, Settings(type=type, **options), torch.device("cpu")).result
