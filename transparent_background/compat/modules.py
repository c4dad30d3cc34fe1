"""The modules of 1.3.4, such as ``transparent_background.utils``. Imports the standard library only.

They are no files: ``Remover.py`` could not lie beside ``remover.py`` where the file system takes both for
one. They stand in ``sys.modules`` from the start: an import that finds ``transparent_background.Remover``
there does not put it in the place of the class of the same name, as an import from a file would.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_COMMAND = {
    "console": ("compat.command:console", "transparent_background.cli.main()"),
    "entry_point": ("compat.command:entry_point", "Remover.process(), or transparent_background.cli.main()"),
    "gui": ("compat.command:gui", "the command transparent-background-gui"),
}
_CLASS = ("remover:Remover", "from transparent_background import Remover")
_NETWORK = "transparent_background.Remover, which loads weights of your own with ckpt="
_RESIZE = "Remover(resize=...), which resizes pictures as it should"
_NORMALISE = "Remover.alpha(), which prepares pictures for the network"
_UTILS = {
    **dict.fromkeys(("IMG_EXTS", "VID_EXTS", "get_format", "sort"), "suffixes and sorting of your own"),
    "get_backend": "Remover().device",
    "load_config": "transparent_background.checkpoints.find()",
    "parse_args": "transparent_background.cli.main(argv)",
    "ImageLoader": "Remover.process(path)",
    "VideoLoader": "Remover.iter_video()",
    **dict.fromkeys(("dynamic_resize", "dynamic_resize_a", "static_resize"), _RESIZE),
    **dict.fromkeys(("normalize", "tonumpy", "totensor"), _NORMALISE),
}
_TRANSFORMS = ("dynamic_resize", "dynamic_resize_a", "static_resize", "normalize", "tonumpy", "totensor")
_OF_UTILS = {
    name: (f"compat.{'transforms' if name in _TRANSFORMS else 'utils'}:{name}", instead)
    for name, instead in _UTILS.items()
}

MODULES: dict[str, dict[str, tuple[str, str]]] = {
    "Remover": {
        "Remover": _CLASS,
        "console": _COMMAND["console"],
        "entry_point": _COMMAND["entry_point"],
        "to_base64": ("compat.utils:to_base64", "Image.save and base64"),
        **_OF_UTILS,  # 1.3.4 took all names of utils into it
    },
    "utils": _OF_UTILS,
    "InSPyReNet": {
        "InSPyReNet": ("compat.network:InSPyReNet", _NETWORK),
        "InSPyReNet_SwinB": ("compat.network:InSPyReNet_SwinB", _NETWORK),
    },
    "gui": {"gui": _COMMAND["gui"], "Remover": _CLASS, "entry_point": _COMMAND["entry_point"]},
}
"""Name of each module: the names in it, each with where it is now (module and name) and what to use now."""

NAMES = {name: _COMMAND[name] for name in ("console", "gui")}
"""What the package itself held beside ``Remover``."""


class FormerModule(ModuleType):
    """A module of 1.3.4, whose names are looked up when they are asked for."""

    def __init__(self, package: str, name: str) -> None:
        super().__init__(f"{package}.{name}", f"What {package}.{name} of 1.3.4 held; deprecated.")
        self.__spec__ = ModuleSpec(self.__name__, None)
        self.__package__ = package
        self.__all__ = sorted(MODULES[name])
        self._names = MODULES[name]

    def __getattr__(self, name: str) -> Any:
        """Return one of its names, with a warning; programs that look through all modules meet no warning."""
        if name.startswith("__") or name not in self._names:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return former(self.__package__ or "", f"{self.__name__}.{name}", *self._names[name])


def register(package: str) -> None:
    """Let the modules of 1.3.4 be imported from a package."""
    for name in MODULES:
        sys.modules.setdefault(f"{package}.{name}", FormerModule(package, name))


def former(package: str, name: str, place: str, instead: str) -> Any:
    """Import something that 1.3.4 had by another name; the warning is for the caller's caller.

    Parameters
    ----------
    place
        Where it is in the package: ``module:name``.
    instead
        What to use in its place.
    """
    warn(name, instead, above=2)
    module, _, attribute = place.partition(":")
    return getattr(import_module(f"{package}.{module}"), attribute)


def warn(name: str, instead: str, *, above: int = 1) -> None:
    """Say that something of 1.3.4 is deprecated, to whoever is so many calls above the caller."""
    warnings.warn(
        f"{name} is deprecated since transparent-background 2; use {instead}",
        DeprecationWarning,
        stacklevel=above + 2,
    )
