"""Which network makes the mattes, and how it is run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..types import Backend, Normalisation, Precision, ResizeMethod
from .declare import DOORS, LOCAL, choice, flag, text
from .values import parse_path


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """Which network makes the mattes, and how it is run: the arguments of :class:`Remover`."""

    IN_COMMON: ClassVar = {"group": "the model", "doors": LOCAL}

    mode: str | None = text(
        "base, fast, base-nightly, lite (bundled, works offline) or another name that "
        "'transparent-background models' lists",
        metavar="NAME",
        short=("-m",),
        default_help="base, or lite if it cannot be had",
        label="Model",
        section="Model",
        served_help="model, as /api/models or list_models names them",
        doors=DOORS,
    )
    ckpt: Path | None = text("weights of your own", parse=parse_path, short=("-c",), file=True)
    resize: ResizeMethod | None = choice(
        ResizeMethod,
        "what the network sees: the base size, the picture's shape, or both",
        short=("-r",),
        default_help="the mode's; for films static",
        label="What the model looks at",
        section="Edges",
        choice_labels={
            "": "What suits the model",
            "static": "A small square: quick",
            "dynamic": "The picture's own shape: finer edges",
            "blend": "Both, one after the other: slower",
        },
        doors=DOORS,
        subjects=frozenset(("picture", "film")),
    )
    normalisation: Normalisation | None = choice(
        Normalisation,
        "stretch every matte to full range, or leave pictures without an object empty",
        default_help="the mode's",
    )
    jit: bool = flag(
        "record the network once: faster for many pictures; implies --resize static", short=("-j",)
    )
    device: Any = text(
        "cpu, cuda, cuda:1, mps", metavar="NAME", short=("-D",), default_help="the best there is"
    )
    backend: Backend = choice(
        Backend,
        "what runs the network: torch, plain (torch, layer by layer), openvino or onnxruntime; auto is the "
        "fastest that is there (-v and doctor say which)",
        default="auto",
    )
    precision: Precision = choice(
        Precision,
        "half precision is faster on GPUs; it is tried first, and float32 is used where it changes mattes",
        default="float32",
    )
    compile: bool = flag(
        "compile the network (torch.compile): for long work on a GPU; the first picture waits"
    )
    offline: bool | None = flag("never download weights", default=None)
