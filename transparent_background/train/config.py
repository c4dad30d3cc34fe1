"""What a training run is told: a YAML file, checked, with ``key=value`` changes on top."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml

from ..errors import ConfigError

T = TypeVar("T")


@dataclass(kw_only=True)
class ModelConfig:
    """The network and where its weights start."""

    backbone: str = "swin_base_patch4_window12_384"
    """A timm name."""
    backbone_options: dict[str, Any] = field(default_factory=dict)
    """For ``timm.create_model``."""
    backbone_weights: str | None = "timm"
    """``timm``: its pretrained ones, downloaded; a file; null: random."""
    head: Literal["published", "light"] = "published"
    depth: int = 64
    base_size: tuple[int, int] = (384, 384)
    start: str | None = None
    """A checkpoint of the whole network to go on from; its step count is not taken over."""
    freeze: list[str] = field(default_factory=list)
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


@dataclass(kw_only=True)
class SetConfig:
    """A folder with ``images/`` and ``masks/``."""

    path: str = ""
    weight: float = 1.0
    """How often an epoch shows each picture: 0.5 for every second, 3 for three times."""
    paste: float = 0.0
    """Chance that a picture of this set is cut out and pasted onto a background."""


@dataclass(kw_only=True)
class DataConfig:
    """Pictures to train on and to validate with."""

    root: str = "."
    """What relative paths of sets start from."""
    train: list[SetConfig] = field(default_factory=list)
    validate: list[SetConfig] = field(default_factory=list)
    backgrounds: str | None = None
    """A folder of pictures to paste cut-outs on."""
    sizes: list[int] = field(default_factory=lambda: [384])
    """Heights that batches are resized to, in the shape of the base size; each takes one at random."""
    batch_size: int = 6
    workers: int = 4
    cache: bool = False
    """Keep decoded pictures in memory (about 0.3 MB each at 384 pixels)."""


@dataclass(kw_only=True)
class AugmentConfig:
    """Random changes; each chance is in [0, 1]. The defaults are those of the research code."""

    scale: tuple[float, float] = (0.75, 1.25)
    """Zoom; below 1 the border is black."""
    scale_chance: float = 0.5
    aspect: float = 1.0
    """Largest change of width over height, as a factor."""
    shift: float = 0.0
    """Largest shift while zooming, as a part of the slack; 0 keeps the centre, as published."""
    flip_chance: float = 0.5
    rotate: float = 10.0
    """Largest angle, degrees."""
    rotate_chance: float = 0.5
    enhance: float = 0.1
    """Largest raise of contrast, sharpness and brightness, as a part of 1."""
    enhance_chance: float = 0.5
    colour_chance: float = 0.0
    """Of hue, saturation, gamma, grey."""
    degrade_chance: float = 0.0
    """Of one of blur, noise, JPEG artefacts, a smaller original."""
    soften: tuple[float, float] = (0.0, 1.5)
    """Blur of pasted cut-outs' masks, sigma in pixels of the source."""


@dataclass(kw_only=True)
class OptimiserConfig:
    """How weights are changed."""

    name: Literal["adam", "adamw"] = "adam"
    lr: float = 1e-5
    backbone_lr_factor: float = 1.0
    head_lr_factor: float = 1.0
    weight_decay: float = 0.0
    clip: float | None = None
    """Largest norm of the gradient."""
    accumulate: int = 1
    """Batches per step."""
    ema: float | None = None
    """Decay of the moving average of the weights, per step; it is what is validated and saved."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    compile: bool = False
    """Compile the network (pays on GPUs)."""


@dataclass(kw_only=True)
class ScheduleConfig:
    """How long, and the learning rate over time."""

    epochs: float = 60.0
    steps: int | None = None
    """In place of epochs."""
    kind: Literal["poly", "cosine", "constant"] = "poly"
    power: float = 0.9
    """Of ``poly``."""
    warmup: int = 12_000
    """Steps of linear warm-up."""
    minimum: float = 1e-7
    """Where the rate starts and ends."""


@dataclass(kw_only=True)
class LossConfig:
    """Weights of the terms."""

    edge: float = 5.0
    """How much pixels unlike their surroundings weigh above others."""
    window: int = 31
    """Side of the surroundings, pixels at full size."""
    iou: float = 1.0
    consistency: float = 1e-4
    blend: bool = False
    """Whether batches above 4/3 of the base size go through pyramid blending, as such pictures will."""
    distil: float = 0.0
    """Weight of the teacher's matte as a second target."""
    teacher: str | None = None
    """A mode or checkpoint file whose matte is taught."""


@dataclass(kw_only=True)
class LogConfig:
    """What is written, how often; in steps."""

    every: int = 50
    save_every: int = 500
    validate_every: int = 2000
    grid_every: int = 2000
    validate_limit: int | None = None
    """Most pictures of each validation set."""
    best: str = "max_f"
    """The validation score that the best weights are kept by: ``max_f``, ``mae`` or ``iou``."""
    tensorboard: bool = True


@dataclass(kw_only=True)
class TrainConfig:
    """A whole run."""

    output: str = "runs/inspyrenet"
    seed: int = 0
    threads: int | None = None
    """Threads of the CPU; null: PyTorch's choice."""
    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optimiser: OptimiserConfig = field(default_factory=OptimiserConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    log: LogConfig = field(default_factory=LogConfig)


def load_config(path: str | Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a run's configuration.

    Parameters
    ----------
    path
        A YAML file, or the name of one that comes with the package (:func:`bundled_configs`).
    changes
        ``key=value`` with dotted keys and values in YAML: ``optimiser.lr=1e-4``,
        ``data.train.0.weight=2``.

    Raises
    ------
    ConfigError
        The file cannot be read; a key is unknown; a value is of the wrong type.
    """
    tree = _read(Path(path))
    for change in changes:
        _apply(tree, change)
    config: TrainConfig = _build(TrainConfig, tree, "")
    _check(config)
    return config


def bundled_configs() -> list[str]:
    """Return the names of the configurations that come with the package."""
    folder = resources.files(__package__) / "configs"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def dump_config(config: TrainConfig) -> str:
    """Return a configuration as YAML that :func:`load_config` reads."""
    tree = dataclasses.asdict(config)
    return yaml.safe_dump(_plain(tree), sort_keys=False, allow_unicode=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, (list, tuple)) else value


def _read(path: Path) -> dict[str, Any]:
    # a data folder may well be called like a configuration
    if not path.is_file() and str(path) in bundled_configs():
        text = (resources.files(__package__) / "configs" / f"{path}.yaml").read_text("utf-8")
    else:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            names = ", ".join(bundled_configs())
            raise ConfigError(
                f"{path}: cannot be read as a training configuration ({_reason(error)}); "
                f"the package has: {names}"
            ) from error
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a training configuration is a mapping of keys to values")
    return tree


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _apply(tree: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise ConfigError(f"{change!r}: a change is written key=value, such as optimiser.lr=1e-4")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{change!r}: the value is not valid YAML") from error
    *parents, last = key.split(".")
    node: Any = tree
    for name in parents:
        if isinstance(node, list):
            node = node[_position(node, name, change)]
        else:
            if not isinstance(node.get(name), (dict, list)):
                node[name] = {}
            node = node[name]
    if isinstance(node, list):
        node[_position(node, last, change)] = value
    else:
        node[last] = value


def _position(node: list[Any], name: str, change: str) -> int:
    if not name.isdigit() or int(name) >= len(node):
        raise ConfigError(f"{change!r}: the list has {len(node)} entries, counted from 0")
    return int(name)


def _build(kind: type[T], value: Any, where: str) -> T:
    """Turn a mapping into a dataclass, checking keys and types."""
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where or 'the configuration'}: expected keys and values, not {value!r}")
    hints = typing.get_type_hints(kind)
    known = {entry.name for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in value:
        if key not in known:
            raise ConfigError(f"{_join(where, str(key))}: unknown key; known are {', '.join(sorted(known))}")
    return kind(**{key: _convert(hints[key], entry, _join(where, key)) for key, entry in value.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    """Check one value against its type; whole numbers pass for fractions, and 1e-4 for a number."""
    origin, arguments = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast("type[Any]", hint), value, where)
    if origin is types.UnionType or origin is typing.Union:
        if value is None and type(None) in arguments:
            return None
        return _convert(next(entry for entry in arguments if entry is not type(None)), value, where)
    if origin is Literal:
        if value not in arguments:
            raise ConfigError(f"{where}: {value!r} is none of {', '.join(map(str, arguments))}")
        return value
    if origin in (list, tuple):
        return _convert_sequence(hint, value, where)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: expected keys and values, not {value!r}")
        return dict(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 takes 1e-4 for a word
        try:
            return float(value)
        except ValueError:
            pass
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where}: expected {_WORDS.get(hint, hint.__name__)}, not {value!r}")
    return value


_WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


def _convert_sequence(hint: Any, value: Any, where: str) -> Any:
    arguments = get_args(hint)
    if not isinstance(value, (list, tuple)):
        raise ConfigError(f"{where}: expected a list, not {value!r}")
    if get_origin(hint) is list:
        return [_convert(arguments[0], entry, f"{where}.{i}") for i, entry in enumerate(value)]
    if len(value) != len(arguments):
        raise ConfigError(f"{where}: expected {len(arguments)} values, not {len(value)}")
    return tuple(
        _convert(kind, entry, f"{where}.{i}")
        for i, (kind, entry) in enumerate(zip(arguments, value, strict=True))
    )


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _check(config: TrainConfig) -> None:
    """Check what types do not say."""
    data, optimiser, augment = config.data, config.optimiser, config.augment
    chances = [entry.name for entry in dataclasses.fields(augment) if entry.name.endswith("_chance")]
    rules = (
        (bool(data.train), "data.train", "needs at least one set"),
        (all(entry.path for entry in [*data.train, *data.validate]), "data.train", "every set needs a path"),
        (all(entry.weight > 0 for entry in data.train), "data.train", "weights must be above 0"),
        (
            bool(data.sizes) and all(size > 0 and size % 32 == 0 for size in data.sizes),
            "data.sizes",
            "must be multiples of 32",
        ),
        (
            all(side % 32 == 0 for side in config.model.base_size),
            "model.base_size",
            "must be multiples of 32",
        ),
        (data.batch_size > 0, "data.batch_size", "must be above 0"),
        (data.workers >= 0, "data.workers", "must not be negative"),
        (optimiser.accumulate > 0, "optimiser.accumulate", "must be above 0"),
        (optimiser.lr > 0, "optimiser.lr", "must be above 0"),
        (
            min(optimiser.backbone_lr_factor, optimiser.head_lr_factor) >= 0,
            "optimiser",
            "rate factors must not be negative",
        ),
        (optimiser.clip is None or optimiser.clip > 0, "optimiser.clip", "must be above 0"),
        (config.schedule.steps is None or config.schedule.steps > 0, "schedule.steps", "must be above 0"),
        (config.schedule.epochs > 0, "schedule.epochs", "must be above 0"),
        (config.schedule.warmup >= 0, "schedule.warmup", "must not be negative"),
        (config.model.depth >= 4, "model.depth", "must be at least 4"),
        (
            0 < augment.scale[0] <= augment.scale[1],
            "augment.scale",
            "must be two numbers above 0, the smaller first",
        ),
        (augment.aspect >= 1, "augment.aspect", "must be at least 1"),
        (
            all(0 <= getattr(augment, name) <= 1 for name in chances),
            "augment",
            f"chances must be in [0, 1]: {', '.join(chances)}",
        ),
        (config.loss.window > 0, "loss.window", "must be above 0"),
        (
            config.log.validate_limit is None or config.log.validate_limit > 0,
            "log.validate_limit",
            "must be above 0",
        ),
        (optimiser.ema is None or 0 < optimiser.ema < 1, "optimiser.ema", "must be between 0 and 1"),
        (config.loss.window % 2 == 1, "loss.window", "must be odd"),
        (config.log.best in ("max_f", "mae", "iou"), "log.best", "must be max_f, mae or iou"),
        (
            (config.loss.distil > 0) == (config.loss.teacher is not None),
            "loss.distil",
            "goes with loss.teacher",
        ),
        (
            data.backgrounds is not None or all(entry.paste == 0 for entry in data.train),
            "data.backgrounds",
            "is needed to paste cut-outs",
        ),
    )
    for holds, key, words in rules:
        if not holds:
            raise ConfigError(f"{key}: {words}")
    every = {
        name: getattr(config.log, name) for name in ("every", "save_every", "validate_every", "grid_every")
    }
    for name, count in every.items():
        if count < 1:
            raise ConfigError(f"log.{name}: must be at least 1")
