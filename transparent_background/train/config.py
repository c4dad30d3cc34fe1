"""What a training run is told: a YAML file, checked, with ``key=value`` changes on top."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml

from ..errors import ConfigError, needing
from .mistakes import explain
from .reading import apply_change, read_tree

with needing("train", "training needs more packages"):
    from pydantic import (
        AfterValidator,
        BaseModel,
        ConfigDict,
        Field,
        Strict,
        ValidationError,
        model_validator,
    )


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd")
    return value


def _rising(pair: tuple[float, float]) -> tuple[float, float]:
    if not 0 < pair[0] <= pair[1]:
        raise ValueError("must be two numbers above 0, the smaller first")
    return pair


Count = Annotated[int, Field(gt=0)]
Side = Annotated[int, Field(gt=0, multiple_of=32)]
Above = Annotated[float, Field(gt=0)]
NotBelow = Annotated[float, Field(ge=0)]
Chance = Annotated[float, Field(ge=0, le=1)]
Pair = Annotated[tuple[float, float], Strict(False)]  # YAML has lists only


class _Part(BaseModel):
    """A part of the configuration; what is not given has its default."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_defaults(cls, values: Any) -> Any:
        return {} if values is None else values


class ModelConfig(_Part):
    """The network and where its weights start."""

    backbone: str = "swin_base_patch4_window12_384"
    """A timm name."""
    backbone_options: dict[str, Any] = {}
    """Options for ``timm.create_model``."""
    backbone_weights: str | None = "timm"
    """``timm``: its pretrained ones, downloaded; a file; null: random."""
    head: Literal["published", "light"] = "published"
    depth: Annotated[int, Field(ge=4)] = 64
    base_size: Annotated[tuple[Side, Side], Strict(False)] = (384, 384)
    start: str | None = None
    """A checkpoint of the whole network to go on from; its step count is not taken over."""
    freeze: list[str] = []
    """Parts that are not trained, as prefixes of parameter names; their BatchNorm is frozen too."""
    name: str = "custom"
    """What the saved weights call themselves."""
    resize: Literal["static", "dynamic", "blend"] = "static"
    """Written into the saved weights: how pictures are resized for them by default."""
    short_side: int = 1280
    """Written into the saved weights: most pixels on the short side of a blended pass."""
    enlarge: bool = False
    """Written into the saved weights: whether small pictures are enlarged to that short side."""
    normalisation: Literal["minmax", "sigmoid"] = "minmax"
    """Written into the saved weights."""


class SetConfig(_Part):
    """A folder with ``images/`` and ``masks/``."""

    path: Annotated[str, Field(min_length=1)]
    weight: Above = 1.0
    """How often an epoch shows each picture: 0.5 for every second, 3 for three times."""
    paste: Chance = 0.0
    """Chance that a picture of this set is cut out and pasted onto a background."""
    matte: bool = False
    """Whether pictures hold the objects' own colours, and masks are mattes, which cut-outs keep."""


class DataConfig(_Part):
    """Pictures to train on and to validate with."""

    root: str = "."
    """What relative paths of sets start from."""
    train: list[SetConfig] = []
    validating: list[SetConfig] = Field(default=[], alias="validate")
    backgrounds: str | None = None
    """A folder of pictures to paste cut-outs on."""
    empty: Chance = 0.0
    """Chance that a sample is a small part of a background, with nothing to be cut out."""
    sizes: Annotated[list[Side], Field(min_length=1)] = [384]
    """Heights that batches are resized to, in the shape of the base size; each takes one at random."""
    batch_size: Count = 6
    workers: Annotated[int, Field(ge=0)] = 4
    cache: bool = False
    """Keep decoded pictures in memory (about 0.3 MB each at 384 pixels)."""


class AugmentConfig(_Part):
    """Random changes; each chance is in [0, 1]. The defaults are those of the research code."""

    scale: Annotated[Pair, AfterValidator(_rising)] = (0.75, 1.25)
    """Zoom; below 1 the border is black."""
    scale_chance: Chance = 0.5
    aspect: float = 1.0
    """Largest change of width over height, as a factor."""
    shift: float = 0.0
    """Largest shift while zooming, as a part of the slack; 0 keeps the centre, as published."""
    flip_chance: Chance = 0.5
    rotate: float = 10.0
    """Largest angle, degrees."""
    rotate_chance: Chance = 0.5
    enhance: float = 0.1
    """Largest raise of contrast, sharpness and brightness, as a part of 1."""
    enhance_chance: Chance = 0.5
    colour_chance: Chance = 0.0
    """Chance that hue, saturation or gamma change, or that the picture turns grey."""
    degrade_chance: Chance = 0.0
    """Chance of blur, noise, JPEG artefacts or a smaller original."""
    soften: Pair = (0.0, 1.5)
    """Blur of pasted cut-outs' masks, sigma in pixels of the source."""
    strands_chance: Chance = 0.0
    """Chance that fur or hair is drawn on the outline of a pasted cut-out."""
    blur_chance: Chance = 0.0
    """Chance that a pasted cut-out is out of focus or moves, so that its edge is as soft as its colours."""
    veil_chance: Chance = 0.0
    """Chance that a pasted cut-out is seen through."""
    dark_chance: Chance = 0.0
    """Chance that a pasted cut-out becomes dark and shining."""
    several_chance: Chance = 0.0
    """Chance that a cut-out is pasted two to four times; all of them are the object."""


class OptimiserConfig(_Part):
    """How weights are changed."""

    name: Literal["adam", "adamw"] = "adam"
    lr: Above = 1e-5
    backbone_lr_factor: NotBelow = 1.0
    head_lr_factor: NotBelow = 1.0
    weight_decay: float = 0.0
    clip: Above | None = None
    """Largest norm of the gradient."""
    accumulate: Count = 1
    """Batches per step."""
    ema: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Decay of the moving average of the weights, per step; it is what is validated and saved."""
    precision: Literal["auto", "no", "bf16", "fp16"] = "no"
    """``auto``: bf16 on processors and GPUs that have units for it, else no."""
    compile: bool = False
    """Compile the network (pays on GPUs)."""


class ScheduleConfig(_Part):
    """How long a run is, and its learning rate over time."""

    epochs: Above = 60.0
    steps: Count | None = None
    """The length in steps, in place of epochs."""
    kind: Literal["poly", "cosine", "constant"] = "poly"
    power: float = 0.9
    """The exponent of ``poly``."""
    warmup: Annotated[int, Field(ge=0)] = 12_000
    """Steps of linear warm-up."""
    minimum: float = 1e-7
    """Where the rate starts and ends."""

    def rate(self, step: int, total: int, peak: float) -> float:
        """Return the learning rate of a step.

        Linear warm-up multiplies the decay, and the result runs from ``minimum`` to ``peak`` and back.

        Parameters
        ----------
        step
            Counted from 0.
        total
            Steps of the run.
        peak
            The optimiser's rate.
        """
        done = min(step / max(total, 1), 1.0)
        decay: float = {
            "poly": (1 - done) ** self.power,
            "cosine": 0.5 * (1 + math.cos(math.pi * done)),
            "constant": 1.0,
        }[self.kind]
        warm = min(step / self.warmup, 1.0) if self.warmup else 1.0
        low = min(self.minimum, peak)
        return low + (peak - low) * decay * warm


class LossConfig(_Part):
    """Weights of the terms."""

    edge: float = 5.0
    """How much pixels unlike their surroundings weigh above others."""
    window: Annotated[Count, AfterValidator(_odd)] = 31
    """Side of the surroundings, pixels at full size."""
    iou: float = 1.0
    consistency: float = 1e-4
    matte: NotBelow = 0.0
    """Weight of the distance of mattes and of their gradients at full size, for soft edges."""
    blend: bool = False
    """Whether batches above 4/3 of the base size go through pyramid blending, as such pictures will."""
    distil: float = 0.0
    """Weight of the teacher's matte as a second target."""
    teacher: str | None = None
    """A mode or checkpoint file whose matte is taught."""


class LogConfig(_Part):
    """What is written, and how often, in steps."""

    every: Count = 50
    save_every: Count = 500
    validate_every: Count = 2000
    grid_every: Count = 2000
    validate_limit: Count | None = None
    """Most pictures of each validation set."""
    best: Literal["max_f", "mae", "iou"] = "max_f"
    """The validation score that the best weights are kept by."""
    tensorboard: bool = True


class TrainConfig(_Part):
    """A whole run."""

    output: str = "runs/inspyrenet"
    seed: int = 0
    threads: int | None = None
    """Threads of the CPU; null: PyTorch's choice."""
    model: ModelConfig = ModelConfig()
    data: DataConfig = DataConfig()
    augment: AugmentConfig = AugmentConfig()
    optimiser: OptimiserConfig = OptimiserConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    loss: LossConfig = LossConfig()
    log: LogConfig = LogConfig()


def load_config(path: str | Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a run's configuration.

    Parameters
    ----------
    path
        A YAML file, or the name of one that comes with the package (:func:`.reading.bundled_configs`).
    changes
        ``key=value`` with dotted keys and values in YAML: ``optimiser.lr=1e-4``,
        ``data.train.0.weight=2``.

    Raises
    ------
    ConfigError
        The file cannot be read; a key is unknown; a value is of the wrong type or out of range.
    """
    tree = read_tree(Path(path))
    for change in changes:
        apply_change(tree, change)
    try:
        config = TrainConfig.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(explain(error.errors()[0], TrainConfig)) from None
    data, loss = config.data, config.loss
    if not data.train:
        raise ConfigError("data.train: needs at least one set")
    if (loss.distil > 0) != (loss.teacher is not None):
        raise ConfigError("loss.distil: goes with loss.teacher")
    if loss.teacher is not None and data.empty:
        raise ConfigError("data.empty: does not go with loss.teacher, whose matte of nothing may be anything")
    if any(entry.matte and entry.paste < 1 for entry in data.train):
        raise ConfigError(
            "data.train: matte: true needs paste: 1, since what surrounds the objects is made up"
        )
    pasted = any(entry.paste for entry in data.train)
    chances = ("strands_chance", "blur_chance", "veil_chance", "dark_chance", "several_chance")
    if idle := [name for name in chances if getattr(config.augment, name) and not pasted]:
        raise ConfigError(f"augment.{idle[0]}: is for pasted cut-outs, and no set has paste")
    if data.backgrounds is None and (data.empty or pasted):
        raise ConfigError("data.backgrounds: is needed to paste cut-outs, and for data.empty")
    return config


def dump_config(config: TrainConfig) -> str:
    """Return a configuration as YAML that :func:`load_config` reads."""
    return yaml.safe_dump(config.model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True)
