"""A network that predicts mattes: found, loaded and made ready once, then run on pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import torch

from ..backends import was_converted
from ..checkpoints import Checkpoint
from ..checkpoints.recognition import find_checkpoint
from ..engine.devices import choose_device
from ..engine.loading import load_network
from ..engine.plan import ExecutionPlan, choose_plan
from ..engine.prepare import prepare
from ..errors import DeviceError, MemoryShortageError
from ..images.memory import LEDGER, depth_of, finishing
from ..images.picture import Picture, to_eight_bit
from ..media.atomic import file_state
from ..model import to_probability
from ..model.input import normalise, resize_rgb
from ..options.declare import read
from ..options.network import NetworkOptions
from ..types import Backend, ByteArray, ByteProgress, Normalisation, Precision, ResizeMethod, Size
from .memory import pass_memory
from .preprocess import pass_sizes


class NetworkPredictor:
    """Predicts mattes with a network that it finds, loads and makes ready.

    Parameters and errors are those of :class:`~transparent_background.Remover`, which adds results to it.
    """

    checkpoint: Checkpoint
    """What is known of the weights."""
    weights: Path
    """The file that they were read from."""
    parameter_count: int
    """How many numbers they are."""
    device: torch.device
    """Where the network runs."""
    plan: ExecutionPlan
    """How the network is run, and why."""
    jit: bool
    """Whether pictures take the network's base size only, as ``jit`` asks for."""
    resize: ResizeMethod
    """How pictures are resized for the network."""
    asked_resize: ResizeMethod | None
    """What the caller asked for; None: left to the checkpoint. Films have another default."""
    normalisation: Normalisation
    """How the network's output becomes a matte."""

    def __init__(
        self,
        mode: str | None = None,
        jit: bool = False,
        device: str | torch.device | None = None,
        ckpt: str | os.PathLike[str] | None = None,
        resize: ResizeMethod | None = None,
        *,
        normalisation: Normalisation | None = None,
        backend: Backend = "auto",
        precision: Precision = "float32",
        compile: bool = False,
        progress: ByteProgress | None = None,
        offline: bool | None = None,
    ) -> None:
        options = read(NetworkOptions, {"ckpt": ckpt, "resize": resize, "normalisation": normalisation})
        self.device, self.jit = choose_device(device), jit
        self.checkpoint, self.weights = find_checkpoint(
            mode, options.ckpt, progress=progress, offline=offline
        )
        self.asked_resize = "static" if jit else resize
        self.resize = self.asked_resize or self.checkpoint.resize
        self.normalisation = normalisation or self.checkpoint.normalisation
        plan = choose_plan(
            self.checkpoint.head,
            self.device,
            backend=backend,
            precision=precision,
            jit=jit,
            compiled=compile,
            converted=lambda: was_converted(self.checkpoint, self.weights),
        )
        network = load_network(self.checkpoint, self.weights, self.device)
        self.parameter_count = sum(weight.numel() for weight in network.parameters())
        self.run, self.plan = prepare(network, self.checkpoint, self.weights, plan, self.device)

    def __repr__(self) -> str:
        name = type(self).__name__
        return f"{name}(mode={self.checkpoint.name!r}, device={str(self.device)!r}, resize={self.resize!r})"

    @property
    def fingerprint(self) -> str:
        """Which weights are run and how, in words: mattes of another fingerprint differ."""
        return f"{self!r} {self.normalisation} {file_state(self.weights)}"

    def predictions(
        self,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> list[torch.Tensor]:
        """Predict mattes at the size that the network works at; see :meth:`Predictor.predictions`."""
        groups: dict[tuple[Size, Size | None], list[int]] = {}
        for index, picture in enumerate(pictures):
            sizes = self.sizes_of_passes(picture.size, resize=resize, base_size=base_size)
            groups.setdefault(sizes, []).append(index)
        found: dict[int, torch.Tensor] = {}
        for (main, low_resolution), members in groups.items():
            made = self._within_memory([pictures[index] for index in members], main, low_resolution)
            found.update(zip(members, made, strict=True))
        return [found[index] for index in range(len(pictures))]

    def sizes_of_passes(
        self, size: Size, *, resize: ResizeMethod | None = None, base_size: Size | None = None
    ) -> tuple[Size, Size | None]:
        """Return what :func:`pass_sizes` says of a size; pictures that share it can share a pass."""
        return pass_sizes(
            size,
            base_size or self.checkpoint.base_size,
            resize or self.resize,
            short_side=self.checkpoint.short_side,
            enlarge=self.checkpoint.enlarge,
        )

    def memory_of_passes(self, size: Size, *, resize: ResizeMethod | None = None) -> int:
        """Estimate the bytes of this machine's memory that the passes of a picture of a size take."""
        return self._memory_of(*self.sizes_of_passes(size, resize=resize))

    def _memory_of(self, main: Size, low_resolution: Size | None) -> int:
        if self.device.type != "cpu":
            return 0  # it has its own, and says by itself when that is too little
        return pass_memory(self.checkpoint.head, self.plan.form, (main, low_resolution or main))

    def _within_memory(
        self, pictures: Sequence[Picture], main: Size, low_resolution: Size | None
    ) -> list[torch.Tensor]:
        """Predict as many together as there is memory for, and for what is made of one of them then."""
        passes = self._memory_of(main, low_resolution)
        largest = max(pictures, key=lambda picture: picture.size[0] * picture.size[1])
        rest = finishing(largest.size, depth_of(largest.rgb))
        height, width = largest.size
        remedy = "make it smaller first"
        if passes > rest:
            static = main == self.checkpoint.base_size
            remedy = (
                "choose a smaller model, such as lite" if static else f"{remedy}, or choose resize static"
            )
        try:
            with LEDGER.hold(max(passes * len(pictures), rest), f"a picture of {width} x {height}", remedy):
                images = [to_eight_bit(picture.rgb) for picture in pictures]
                return list(torch.split(self._predict(images, main, low_resolution), 1))
        except MemoryShortageError:
            if len(pictures) == 1:
                raise
        return [self._within_memory([picture], main, low_resolution)[0] for picture in pictures]

    @torch.inference_mode()
    def _predict(self, images: Sequence[ByteArray], main: Size, low_resolution: Size | None) -> torch.Tensor:
        """Run the network on uint8 (h, w, 3) pictures: float32 (B, 1, *main) in [0, 1]."""
        inputs = [self._input(images, size) for size in (main, low_resolution) if size is not None]
        try:
            logits = self.run(*inputs)
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"{self.device} has too little memory for {len(images)} picture(s) at "
                f"{main[1]} x {main[0]}; use resize='static', a smaller batch or device='cpu'"
            ) from error
        except RuntimeError as error:  # how PyTorch says that there is no memory, where the system refuses it
            if "DefaultCPUAllocator" not in str(error):
                raise
            raise MemoryShortageError(
                f"there is too little memory for {len(images)} picture(s) at {main[1]} x {main[0]}; "
                "make them smaller first, or choose resize static"
            ) from error
        return to_probability(logits, stretch=self.normalisation == "minmax")

    def _input(self, images: Sequence[ByteArray], size: Size) -> torch.Tensor:
        """Resize and normalise: (B, 3, *size) on the device."""
        resized = torch.stack([resize_rgb(image, size) for image in images])
        if self.device.type == "cuda":
            resized = resized.pin_memory()  # so that the copy goes on beside the network's work
        return normalise(resized.to(self.device, non_blocking=True))
