"""Remove the background of pictures with InSPyReNet.

>>> from transparent_background import Remover
>>> remover = Remover(mode="lite")
>>> cutout = remover.process("photo.jpg")  # a PIL picture with transparency

Importing this package is cheap: torch is loaded when ``Remover`` or ``remove`` is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .compat.modules import NAMES, former, register

__all__ = ["Camera", "Remover", "__version__", "errors", "remove"]

if TYPE_CHECKING:
    from . import errors
    from .live.camera import Camera
    from .remover import Remover, remove

_LAZY = {"Camera": ".live.camera", "Remover": ".remover", "remove": ".remover", "errors": ".errors"}


def __getattr__(name: str) -> Any:
    """Import what was asked for, on first use (PEP 562)."""
    full = f"{__name__}.{name}"
    if name not in _LAZY and name in NAMES:
        return former(__name__, full, *NAMES[name])
    if name not in _LAZY and full in sys.modules:  # one of 1.3.4; today's are attributes once they are loaded
        return sys.modules[full]
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_LAZY[name], __name__)
    value = module if name == "errors" else getattr(module, name)
    globals()[name] = value
    return value


register(__name__)  # modules of 1.3.4, for programs that import them


def __dir__() -> list[str]:
    return sorted(__all__)
