"""What predicts mattes, as an interface: a network, or a place in the queue before a shared one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from ..images.picture import Picture
from ..types import ResizeMethod, Size

if TYPE_CHECKING:
    import torch

    from ..checkpoints import Checkpoint
    from .plan import ExecutionPlan


class Predictor(Protocol):
    """Predicts mattes of decoded pictures; several threads may use one."""

    @property
    def checkpoint(self) -> Checkpoint:
        """What is known of the weights."""

    @property
    def device(self) -> torch.device:
        """Where the network runs."""

    @property
    def plan(self) -> ExecutionPlan:
        """How the network is run, and why."""

    @property
    def asked_resize(self) -> ResizeMethod | None:
        """How the caller wants pictures resized; None: left to the checkpoint. Films have another default."""

    @property
    def fingerprint(self) -> str:
        """Which weights are run and how, in words: mattes of another fingerprint differ."""

    def predictions(
        self,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> list[torch.Tensor]:
        """Predict mattes at the size that the network works at.

        Parameters
        ----------
        pictures
            Decoded pictures.
        resize, base_size
            In place of the predictor's own; ``base_size`` is (height, width), multiples of 32.

        Returns
        -------
        list of float32 (1, 1, h, w) on the device, in [0, 1], in the order of the pictures.
        """
