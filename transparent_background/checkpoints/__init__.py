"""Weights: which there are, where they are, and getting them. Imports no torch."""

from .catalogue import all_checkpoints, choose_default, fetch, find, home, local_path, names, verify
from .records import Checkpoint
from .registry import CHECKPOINTS

__all__ = [
    "CHECKPOINTS",
    "Checkpoint",
    "all_checkpoints",
    "choose_default",
    "fetch",
    "find",
    "home",
    "local_path",
    "names",
    "verify",
]
