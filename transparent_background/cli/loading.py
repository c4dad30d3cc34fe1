"""Making removers, with a bar while weights are downloaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ..options.network import NetworkOptions
    from ..remover import Remover


def load_remover(
    network: NetworkOptions, console: Console, *, quiet: bool, verbose: bool, threads: int | None = None
) -> Remover:
    """Load a network.

    Parameters
    ----------
    threads
        Processor threads of it; None: what suits the machine.

    Raises
    ------
    UsageError, DeviceError, WeightsError
        As :class:`Remover` does.
    """
    from ..engine.threads import set_threads
    from ..remover import Remover
    from .console import progress_bar

    set_threads(threads)
    with progress_bar(console, shown=not quiet, of_bytes=True) as update:
        remover = Remover(
            **network.arguments(), progress=lambda done, total: update(done, total, "downloading weights")
        )
    if verbose:
        console.print(f"{remover!r}: {remover.plan.describe()}")
    return remover
