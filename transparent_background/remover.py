"""The background remover: one picture in, one picture out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from torch.nn import functional

from .checkpoints import Checkpoint
from .checkpoints.recognition import find_checkpoint
from .compositing.backgrounds import Backdrops
from .compositing.compose import compose, finish_alpha
from .engine import ExecutionPlan, Runner, choose_plan, prepare, was_converted
from .engine.devices import choose_device, estimates_on
from .engine.loading import load_network
from .errors import DeviceError, UsageError
from .images.conversions import give_back, take
from .images.picture import to_eight_bit
from .matting.preprocess import pass_sizes
from .model import to_probability
from .model.input import normalise, resize_rgb
from .options.result import ForegroundColours, check_threshold
from .options.result_types import parse_type
from .remover_video import VideoMethods
from .types import Backend, BackgroundFit, ByteProgress, Normalisation, Precision, ResizeMethod, Size

if TYPE_CHECKING:
    from .images.picture import Picture
    from .types import FloatArray, ImageInput


class Remover(VideoMethods):
    """Removes the background of pictures.

    Parameters
    ----------
    mode
        ``"base"``, ``"fast"``, ``"base-nightly"``, ``"lite"`` (bundled), a name of the research zoo or
        of the user's ``config.yaml``. None: ``base`` if its weights are there or can be downloaded,
        else ``lite``, with a warning in the log.
    jit
        Prepare the network for one input size, so that ``resize`` becomes ``"static"``; where nothing faster
        is known, it is recorded as TorchScript.
    device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``. None: the best there is.
    ckpt
        A file of weights (``.pth`` or ``.safetensors``) in place of the mode's own.
    resize
        ``"static"``: the network sees the picture at its base size. ``"dynamic"``: in the picture's
        shape, short side at most 1280. ``"blend"``: both, shape from the first and edges from the
        second. None: as the checkpoint was meant to be used.
    normalisation
        ``"minmax"``: stretch every matte to [0, 1], as published. ``"sigmoid"``: as predicted, so
        that a picture without an object stays empty. None: the checkpoint's own.
    progress
        Called with (bytes done, bytes in all or None) while weights are downloaded.
    backend
        What runs the network. ``"torch"``: PyTorch, in its fastest form for the device; ``"plain"``:
        PyTorch, layer by layer; ``"openvino"``, ``"onnxruntime"``: on the CPU, with the extras of that
        name. ``"auto"``: PyTorch, or OpenVINO where that is faster, installed, and was used before.
    precision
        ``"float32"``; ``"float16"`` or ``"bfloat16"`` are faster on GPUs, and the latter on some CPUs. They
        are tried on a drawn picture first; if its matte changes by more than 4/255, float32 is used, and
        that is logged. ``"auto"``: the fastest for the device.
    compile
        Compile the network with ``torch.compile``: for long work on a GPU; the first picture of every size
        waits for minutes.
    offline
        Never download. None: as ``$TRANSPARENT_BACKGROUND_OFFLINE`` says.

    Raises
    ------
    UnknownModeError, UsageError
        An argument is unknown.
    DeviceError
        The device is not there.
    WeightsError
        The weights cannot be had, or are damaged or of another network.

    Notes
    -----
    A remover holds no state between calls and may be used by several threads.
    """

    checkpoint: Checkpoint
    """What is known of the weights."""
    device: torch.device
    """Where the network runs."""
    resize: ResizeMethod
    """How pictures are resized for the network."""
    asked_resize: ResizeMethod | None
    """What the caller asked for; None: left to the checkpoint. Films have another default."""
    normalisation: Normalisation
    """How its output becomes a matte."""

    parameter_count: int
    """Weights of the network."""
    weights: Path
    """The file that they were read from."""
    jit: bool
    """Whether pictures take the network's base size only, as ``jit`` asks for."""
    plan: ExecutionPlan
    """How the network is run, and why."""

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
        _check_choice("resize", resize, ResizeMethod)
        _check_choice("normalisation", normalisation, Normalisation)
        self.device = choose_device(device)
        file = None if ckpt is None else Path(ckpt).expanduser()
        self.checkpoint, path = find_checkpoint(mode, file, progress=progress, offline=offline)
        self.weights = path
        self.jit = jit
        self.asked_resize: ResizeMethod | None = "static" if jit else resize
        self.resize = self.asked_resize or self.checkpoint.resize
        self.normalisation = normalisation or self.checkpoint.normalisation
        plan = choose_plan(
            self.checkpoint.head,
            self.device,
            backend=backend,
            precision=precision,
            jit=jit,
            compiled=compile,
            converted=lambda: was_converted(self.checkpoint, path),
        )
        network = load_network(self.checkpoint, path, self.device)
        self.parameter_count = sum(weight.numel() for weight in network.parameters())
        self._run: Runner
        self._run, self.plan = prepare(network, self.checkpoint, path, plan, self.device)

    def __repr__(self) -> str:
        return f"Remover(mode={self.checkpoint.name!r}, device={str(self.device)!r}, resize={self.resize!r})"

    def process(
        self,
        img: ImageInput,
        type: str | Sequence[int] | os.PathLike[str] = "rgba",
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        fit: BackgroundFit = "cover",
        foreground: ForegroundColours = "auto",
    ) -> Any:
        """Remove the background of one picture.

        Parameters
        ----------
        img
            A PIL picture of any mode; an array (h, w), (h, w, 3) or (h, w, 4), RGB, of uint8, uint16
            or float in [0, 1]; a tensor (c, h, w) or (1, c, h, w), uint8 or float in [0, 1]; a path;
            or a file's bytes. EXIF orientation is applied.
        type
            ``"rgba"``, ``"map"``, ``"green"``, ``"white"``, ``"blur"``, ``"overlay"``, a colour
            (``"[255, 0, 0]"``, ``(255, 0, 0)``, ``"#ff0000"``, a CSS name) or a picture's path.
        threshold
            In [0, 1]: the matte becomes 1 above it and 0 elsewhere. None keeps it soft.
        reverse
            Remove the object, keep the background.
        fit
            How a background picture fills the frame.
        foreground
            Colours along the edge: ``"estimate"`` removes the old background's share in them,
            ``"original"`` keeps them; ``"auto"`` estimates for ``rgba`` without a threshold.

        Returns
        -------
        PIL.Image.Image, numpy.ndarray or torch.Tensor
            Of the kind that was given (PIL for paths and bytes), in its size and number type:
            4 channels for ``rgba``, else 3.

        Raises
        ------
        InputError
            The picture cannot be read or used.
        UsageError
            An option is unknown or out of range.
        """
        return self.process_batch(
            [img], type, threshold, reverse, fit=fit, foreground=foreground, batch_size=1
        )[0]

    def process_batch(
        self,
        images: Iterable[ImageInput],
        type: str | Sequence[int] | os.PathLike[str] = "rgba",
        threshold: float | str | None = None,
        reverse: bool = False,
        *,
        fit: BackgroundFit = "cover",
        foreground: ForegroundColours = "auto",
        batch_size: int = 4,
    ) -> list[Any]:
        """Remove the background of several pictures; sizes and kinds may differ.

        The results are those of :meth:`process` one by one. Up to ``batch_size`` pictures that the
        network sees at one size share a pass. For the other parameters see :meth:`process`.
        """
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {batch_size}")
        _check_choice("fit", fit, BackgroundFit)
        _check_choice("foreground", foreground, ForegroundColours)
        kind = parse_type(type)
        limit = check_threshold(threshold)
        backdrops = Backdrops()
        results: list[Any] = []
        for chunk in _chunks(images, batch_size):
            pictures = [take(image) for image in chunk]
            for image, picture, matte in zip(chunk, pictures, self.mattes(pictures), strict=True):
                alpha = finish_alpha(matte, threshold=limit, reverse=reverse, own=picture.alpha)
                result = compose(
                    picture,
                    alpha,
                    kind,
                    fit=fit,
                    foreground=foreground,
                    backdrops=backdrops,
                    device=estimates_on(self.device),
                )
                results.append(give_back(result, image))
        return results

    def alpha(
        self, img: ImageInput, threshold: float | str | None = None, reverse: bool = False
    ) -> FloatArray:
        """Return the matte of one picture.

        Parameters
        ----------
        img, threshold, reverse
            As in :meth:`process`.

        Returns
        -------
        float32 (h, w) in [0, 1], at the picture's own size; 1 is the object. The picture's own
        transparency is multiplied in.
        """
        limit = check_threshold(threshold)
        picture = take(img)
        (matte,) = self.mattes([picture])
        return finish_alpha(matte, threshold=limit, reverse=reverse, own=picture.alpha)

    def mattes(self, pictures: Sequence[Picture]) -> list[FloatArray]:
        """Predict the mattes of decoded pictures, without their own transparency.

        Returns
        -------
        list of float32 (h, w) in [0, 1], in the order of the pictures.
        """
        predictions = self.predictions(pictures)
        return [matte_at(p, picture.size) for p, picture in zip(predictions, pictures, strict=True)]

    def predictions(
        self,
        pictures: Sequence[Picture],
        *,
        resize: ResizeMethod | None = None,
        base_size: Size | None = None,
    ) -> list[torch.Tensor]:
        """Predict mattes at the size that the network worked at.

        Parameters
        ----------
        pictures
            Decoded pictures.
        resize
            In place of the remover's own.
        base_size
            (height, width), multiples of 32, in place of the checkpoint's.

        Returns
        -------
        list of float32 (1, 1, h, w) on the device, in [0, 1], in the order of the pictures.
        """
        groups: dict[tuple[Size, Size | None], list[int]] = {}
        for index, picture in enumerate(pictures):
            sizes = self.sizes_of_passes(picture, resize=resize, base_size=base_size)
            groups.setdefault(sizes, []).append(index)
        found: dict[int, torch.Tensor] = {}
        for (main, low_resolution), members in groups.items():
            images = [to_eight_bit(pictures[index].rgb) for index in members]
            prediction = self._predict(images, main, low_resolution)
            for index, single in zip(members, torch.split(prediction, 1), strict=True):
                found[index] = single
        return [found[index] for index in range(len(pictures))]

    def sizes_of_passes(
        self, picture: Picture, *, resize: ResizeMethod | None = None, base_size: Size | None = None
    ) -> tuple[Size, Size | None]:
        """Say at which sizes the network sees a picture; pictures that share them can share a pass.

        Returns
        -------
        main : (height, width)
        low_resolution : (height, width) of the first of two passes in ``blend``; None for one pass
        """
        return pass_sizes(
            picture.size,
            base_size or self.checkpoint.base_size,
            resize or self.resize,
            short_side=self.checkpoint.short_side,
            enlarge=self.checkpoint.enlarge,
        )

    @torch.inference_mode()
    def _predict(
        self, images: Sequence[np.ndarray[Any, Any]], main: Size, low_resolution: Size | None
    ) -> torch.Tensor:
        """Run the network on uint8 (h, w, 3) pictures: float32 (B, 1, *main) in [0, 1]."""
        inputs = [self._input(images, size) for size in (main, low_resolution) if size is not None]
        try:
            logits = self._run(*inputs)
        except torch.OutOfMemoryError as error:
            raise DeviceError(
                f"{self.device} has too little memory for {len(images)} picture(s) at "
                f"{main[1]} x {main[0]}; use resize='static', a smaller batch or device='cpu'"
            ) from error
        return to_probability(logits, stretch=self.normalisation == "minmax")

    def _input(self, images: Sequence[np.ndarray[Any, Any]], size: Size) -> torch.Tensor:
        """Resize and normalise: (B, 3, *size) on the device."""
        resized = torch.stack([resize_rgb(image, size) for image in images])
        if self.device.type == "cuda":
            resized = resized.pin_memory()  # so that the copy goes on beside the network's work
        return normalise(resized.to(self.device, non_blocking=True))


def remove(img: ImageInput, **options: Any) -> Any:
    """Remove the background of one picture, with a remover made for it.

    To process several pictures, make one :class:`Remover` and keep it.

    Parameters
    ----------
    img
        As in :meth:`Remover.process`.
    **options
        Those of :class:`Remover` and of :meth:`Remover.process`, by name.
    """
    names = (
        *("mode", "jit", "device", "ckpt", "resize", "normalisation", "backend", "precision", "compile"),
        *("progress", "offline"),
    )
    settings = {name: options.pop(name) for name in names if name in options}
    return Remover(**settings).process(img, **options)


def matte_at(prediction: torch.Tensor, size: Size) -> FloatArray:
    """Bring a prediction (1, 1, h, w), on any device, to a picture's size: float32 (height, width)."""
    # align_corners=True as published; the weights' users expect these very edges
    resized = functional.interpolate(prediction, size=size, mode="bilinear", align_corners=True)
    matte: FloatArray = resized[0, 0].clamp_(0.0, 1.0).cpu().numpy()
    return matte


def _check_choice(name: str, value: object, choices: Any) -> None:
    allowed = get_args(choices)
    if value is not None and value not in allowed:
        raise UsageError(f"{name}={value!r} is unknown; choose from {', '.join(allowed)}")


def _chunks(images: Iterable[ImageInput], size: int) -> Iterable[list[ImageInput]]:
    chunk: list[ImageInput] = []
    for image in images:
        chunk.append(image)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
