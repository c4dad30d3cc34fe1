"""The command of 1.3.4, as functions that programs call."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from ..errors import InputError


def console() -> int:
    """Run the command with the arguments of the process."""
    return _main(sys.argv[1:])


def gui() -> int:
    """Open the page in a browser."""
    code: int = import_module("transparent_background.cli.serve").gui()
    return code


def entry_point(
    out_type: str,
    mode: str | None,
    device: str | None,
    ckpt: str | None,
    source: str,
    dest: str | None,
    jit: bool,
    threshold: float | str | None,
    resize: str | None,
    save_format: str | None = None,
    reverse: bool = False,
    **shown: Any,
) -> None:
    """Work through a source as the command does; keywords of 1.3.4's window (``flet_page``) are not used.

    Raises
    ------
    TransparentBackgroundError
        As :class:`Remover`, or an InputError if some of the sources failed; the log says which.
    """
    values: dict[str, Any] = {
        "type": out_type,
        "mode": mode,
        "device": device,
        "ckpt": ckpt,
        "dest": dest,
        "format": save_format,
    }
    values |= {"threshold": threshold, "resize": resize}
    arguments = [f"--{name}={value}" for name, value in values.items() if value is not None]
    arguments += [f"--{name}" for name, on in (("jit", jit), ("reverse", reverse)) if on]
    command = import_module("transparent_background.cli.remove")
    with import_module("transparent_background.cli").logging_left_alone():
        code = command.main([*arguments, "--", source])
    if code:
        raise InputError(f"{source}: not all of it could be done")


def _main(arguments: list[str]) -> int:
    code: int = import_module("transparent_background.cli").main(arguments)
    return code
