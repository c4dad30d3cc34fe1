"""The command ``transparent-background``.

Arguments are parsed without importing numpy, Pillow or torch, so that ``--help`` and mistakes are
answered at once; each sub-command is a module of its own that is imported when it is called.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module

from ..errors import DeviceError, MissingExtraError, TransparentBackgroundError, UsageError, WeightsError
from ..pipeline.signals import ended_by_signals

COMMANDS = {
    "models": "list, download, locate and verify weights",
    "doctor": "show versions, devices, weights, extras and one timed picture",
    "train": "train a network on data of your own (extra: train)",
    "evaluate": "score mattes on pictures with masks (extra: eval)",
    "benchmark": "measure what models cost on this machine",
    "serve": "serve a page, an HTTP service and an MCP server (extra: web)",
    "mcp": "serve assistants over standard input and output (extra: web)",
    "export": "write a network for other programs: ONNX, OpenVINO, TorchScript",
    "completion": "print a completion script for a shell",
}
"""Sub-commands: each a module here with ``main(argv) -> exit code``. All else cuts out pictures."""

USAGE, WEIGHTS, SOME_FAILED, INTERRUPTED = 2, 3, 4, 130


def run() -> int:
    """Run the command as a process of its own; what the console script calls."""
    # libgomp's threads wait by spinning, for long. Where anything else keeps a core busy, they then
    # wait for each other's time slices: many times slower on two cores. Spinning briefly costs nothing
    # on an idle machine and far less on a busy one. It is read when torch is imported.
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    code = main()
    cuts_out = not (sys.argv[1:] and sys.argv[1] in COMMANDS)
    waits = any(
        not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()
    )
    if cuts_out and "torch" in sys.modules and not waits:
        # Taking torch down takes a third of a second, a tenth of what one photo takes in all. Results are
        # written and closed by now; sub-commands, which may have more to end, end as Python does.
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0: done. 2: wrong usage. 3: weights missing or broken. 4: some inputs failed.
        130, 143, 129: ended by Ctrl-C, by SIGTERM, by a terminal that was closed.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments and arguments[0] in COMMANDS else None
    module = import_module(f".{name or 'remove'}", __name__)
    try:
        with ended_by_signals(print_error), _logging_left_alone():
            code: int = module.main(arguments[1:] if name else arguments)
        sys.stdout.flush()
    except KeyboardInterrupt as interrupt:
        print_error("interrupted; what was finished is kept")
        return getattr(interrupt, "code", INTERRUPTED)
    except BrokenPipeError:
        # whoever read our output has gone; Python would complain again when it flushes at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SOME_FAILED
    except TransparentBackgroundError as error:
        if "--debug" in arguments:
            raise
        print_error(str(error))
        if isinstance(error, (UsageError, DeviceError, MissingExtraError)):
            return USAGE
        return WEIGHTS if isinstance(error, WeightsError) else SOME_FAILED
    return code


@contextmanager
def _logging_left_alone() -> Iterator[None]:
    """Undo at the end what the command does to the package's logger: it may have been called by a program."""
    logger = logging.getLogger("transparent_background")
    handlers, level, propagate = logger.handlers[:], logger.level, logger.propagate
    try:
        yield
    finally:
        logger.handlers[:], logger.propagate = handlers, propagate
        logger.setLevel(level)


def print_error(message: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"transparent-background: {' '.join(message.split())}\n")
