"""Remove the background of pictures with InSPyReNet.

>>> from transparent_background import Remover
>>> remover = Remover(mode="lite")
>>> cutout = remover.process("photo.jpg")  # a PIL picture with transparency

Importing this package is cheap: torch is loaded when ``Remover`` or ``remove`` is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

__all__ = ["Camera", "Remover", "__version__", "errors", "remove"]

if TYPE_CHECKING:
    from . import errors
    from .live.camera import Camera
    from .remover import Remover, remove

_LAZY = {"Camera": ".live.camera", "Remover": ".remover", "remove": ".remover", "errors": ".errors"}


def __getattr__(name: str) -> Any:
    """Import what was asked for, on first use (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_LAZY[name], __name__)
    value = module if name == "errors" else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
