"""Making the remover that the main command's options ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ..remover import Remover


def load_remover(options: argparse.Namespace, mode: str | None, console: Console) -> Remover:
    """Load the network, with a bar while weights are downloaded.

    Parameters
    ----------
    options
        Of the main command.
    mode
        In place of ``options.mode``.

    Raises
    ------
    UsageError, DeviceError, WeightsError
        As :class:`Remover` does.
    """
    from ..engine.threads import set_threads
    from ..remover import Remover
    from .console import download_progress

    set_threads(options.threads)
    with download_progress(console, shown=not options.quiet) as progress:
        return Remover(
            mode,
            options.jit,
            options.device,
            options.ckpt,
            options.resize,
            normalisation=options.normalisation,
            backend=options.backend,
            precision=options.precision,
            compile=options.compile,
            progress=progress,
            offline=True if options.offline else None,
        )
