"""What objects of 1.3.4's ``Remover`` had beside ``process``: ``model``, ``transform`` and others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..compositing.foreground.estimate import estimate_foreground
from ..engine.devices import estimates_on
from ..engine.loading import load_network
from ..matting.network import NetworkPredictor
from .modules import warn

if TYPE_CHECKING:
    from ..types import FloatArray, Size


class Former:
    """An attribute of 1.3.4: made when it is first read, kept, and without effect on results when it is set.

    Parameters
    ----------
    make
        Makes it from the remover.
    instead
        What to use in its place.
    """

    def __init__(self, make: Callable[[Any], Any], instead: str) -> None:
        self.make, self.instead = make, instead

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, remover: Any, owner: type | None = None) -> Any:
        if remover is None:
            return self
        warn(f"Remover.{self.name}", self.instead)
        kept = vars(remover).setdefault("_former", {})
        if self.name not in kept:
            kept[self.name] = self.make(remover)
        return kept[self.name]

    def __set__(self, remover: Any, value: Any) -> None:
        warn(f"Remover.{self.name} has no effect any more; it", self.instead)
        vars(remover).setdefault("_former", {})[self.name] = value


def _model(remover: NetworkPredictor) -> Any:
    """Return the network: a module that takes what ``transform`` gives, and answers with a matte.

    It is read from its file once more, into memory of its own: it may be moved or changed, and
    ``Remover.process`` goes on as before.
    """
    from .network import InSPyReNet

    network = load_network(remover.checkpoint, remover.weights, remover.device)
    return InSPyReNet(network, stretch=remover.normalisation == "minmax").eval()


def _pass_size(remover: NetworkPredictor) -> Size | None:
    return None if remover.resize == "dynamic" else remover.checkpoint.base_size


def _transform(remover: NetworkPredictor) -> Any:
    from .transforms import transform_of

    return transform_of(_pass_size(remover))


def _array_transform(remover: NetworkPredictor) -> Any:
    from .transforms import ArrayTransform

    return ArrayTransform(_pass_size(remover))


def _meta(remover: NetworkPredictor) -> Any:
    from .utils import Settings

    record = remover.checkpoint
    return Settings(
        url=next(iter(record.sources), None),
        md5=record.md5,
        ckpt_name=record.file_name,
        http_proxy=record.http_proxy,
        base_size=list(record.base_size),
    )


def _matting_fn(remover: NetworkPredictor) -> Any:
    def estimate(image: FloatArray, alpha: FloatArray) -> FloatArray:
        """Estimate the colours of an object: (h, w, 3) float in [0, 1] and its matte (h, w), to (h, w, 3)."""
        colours, matte = image.astype("float32"), alpha.astype("float32")
        return estimate_foreground(colours, matte, device=estimates_on(remover.device)).astype("float32")

    return estimate


class FormerAttributes:
    """The attributes, for :class:`Remover` to inherit."""

    model = Former(_model, "Remover.process(), or Remover.alpha() for the matte")
    transform = Former(_transform, "Remover.alpha(), which takes pictures of every size")
    cv2_transform = Former(_array_transform, "Remover.alpha(), which takes arrays of every size")
    background = Former(
        lambda remover: {"img": None, "name": None, "shape": None}, "type= with a file or a picture"
    )
    meta = Former(_meta, "Remover.checkpoint")
    matting_fn = Former(_matting_fn, "foreground='estimate' or 'original'")
