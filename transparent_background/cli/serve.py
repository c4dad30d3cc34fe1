"""``transparent-background serve``: a page and an HTTP service; ``transparent-background-gui`` opens it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtraError, OutputError, TransparentBackgroundError, UsageError
from ..options.declare import read
from ..options.network import NetworkOptions
from ..options.running import RunOptions
from ..options.service import LOOPBACK, PORT, TOKEN, Limits, ServeOptions, ServiceSettings
from .arguments import Parser

if TYPE_CHECKING:
    import uvicorn
    from rich.console import Console

    from ..remover import Remover

BACKLOG = 2048  # connections that the system holds until they are taken, as uvicorn's own
MODULES = ("fastapi", "uvicorn", "websockets", "multipart", "prometheus_client", "mcp")

EPILOG = f"""\
examples:
  transparent-background serve                            a page at http://127.0.0.1:{PORT}
  transparent-background serve -m fast -m lite            two models to choose from
  {TOKEN}=... transparent-background serve --host 0.0.0.0
  curl -F file=@photo.jpg http://127.0.0.1:{PORT}/api/remove -o cutout.png

Paths: /, /api/remove, /api/batch, /api/pictures, /api/jobs, /api/models, /api/live, /mcp, /healthz, /readyz,
/metrics, /problems, /openapi.json. Ctrl-C or SIGTERM ends it after what was taken on is finished.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    parser = Parser("serve", "Serve a page, an HTTP service and an MCP server (extra: web).", EPILOG)
    for title in ("where", "the model", "how much at once", "limits", "who may ask"):
        parser.group(title)
    parser.add_options(ServeOptions, ServiceSettings, Limits)
    add_models(parser)
    parser.add_options(RunOptions, only=("quiet", "verbose", "debug"))
    return parser


def add_models(parser: Parser) -> None:
    """Add the options that say which networks are offered."""
    parser.add_options(
        NetworkOptions,
        only=("mode", "device", "resize", "backend", "precision", "offline"),
        several=("mode", "device"),
        mode="a model to offer; several times for several, the first is the default",
        device="cpu, cuda:0, mps; several times for several, which share the work",
    )


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    values = vars(build_parser().parse_args(argv))
    settings = read_settings(values)
    options, run = read(ServeOptions, values), read(RunOptions, values)
    check_extra()
    from .console import start_console

    # while networks are loaded; the first process of a container hears no signal that it has not asked for
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    console = start_console(quiet=run.quiet, verbose=run.verbose, debug=run.debug)
    if settings.host not in LOOPBACK and settings.token is None:
        console.print(f"warning: anyone who reaches {settings.host} may use this; {TOKEN} sets a token")
    from ..web.app import create_app
    from ..web.server import make_server

    app = create_app(load_devices(values, console, threads=options.network_threads), settings)
    server = make_server(app, settings, root_path=settings.root_path)
    return _run(server, settings, console, open_page=options.open)


def gui() -> int:
    """Open the page in a browser; what the console script ``transparent-background-gui`` calls."""
    from . import main as command

    return command(["serve", "--open", *sys.argv[1:]])


def check_extra() -> None:
    """Raise a :class:`MissingExtraError` unless what the service needs is installed."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f'the service needs {", ".join(missing)}; run: pip install "transparent-background[web]"'
        )


def read_settings(values: Mapping[str, Any]) -> ServiceSettings:
    """Bring the command's options to the service's terms.

    Raises
    ------
    UsageError
        They make no sense.
    """
    cores = os.cpu_count() or 1
    values = {"threads": min(max(cores, 2), 8), **values, "token": _token(values)}
    for folder in values.get("folders", ()):
        if not Path(folder).expanduser().is_dir():
            raise UsageError(f"--folder {folder}: there is no such folder")
    return replace(read(ServiceSettings, values, flags=True), limits=read(Limits, values, flags=True))


def _token(values: Mapping[str, Any]) -> str | None:
    """Return the token, from a file, the command line or the environment."""
    file = values.get("token_file")
    if file is None:
        token = values.get("token")
        return os.environ.get(TOKEN) or None if token is None else token
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {file}: cannot be read") from error


def load_devices(
    values: Mapping[str, Any], console: Console, *, threads: int | None = None
) -> list[dict[str, Remover]]:
    """Load every mode on every device."""
    from .console import load_remover

    plain = read(NetworkOptions, {**values, "mode": None, "device": None})
    devices: list[dict[str, Remover]] = []
    for device in values.get("device", [None]):
        removers: dict[str, Remover] = {}
        for mode in values.get("mode", [None]):
            remover = load_remover(replace(plain, mode=mode, device=device), console, threads=threads)
            removers[remover.checkpoint.name] = remover
        devices.append(removers)
    return devices


def _run(server: uvicorn.Server, settings: ServiceSettings, console: Console, *, open_page: bool) -> int:
    import socket
    import webbrowser

    try:
        listening = server.config.bind_socket()
    except SystemExit as error:  # that is how uvicorn says it
        raise OutputError(
            f"{settings.host}:{settings.port}: cannot be listened at; is it in use? --port N chooses another"
        ) from error
    except (OSError, socket.gaierror) as error:
        raise UsageError(f"--host {settings.host}: cannot be listened at: {error.strerror}") from error
    listening.listen(BACKLOG)  # from now on clients wait rather than fail
    port = listening.getsockname()[1]
    shown = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    address = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
    console.print(f"serving at {address} (Ctrl-C ends it)")
    if open_page and settings.page:
        opening = threading.Timer(1.0, webbrowser.open, (address,))  # it has a moment to start
        opening.daemon = True
        opening.start()
    # uvicorn raises the signal that ended it again after it has finished; to have finished is no failure
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        # a terminal that is closed; uvicorn heeds the other signals itself
        signal.signal(signal.SIGHUP, server.handle_exit)
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        server.config.app.state.services.remove_files()  # type: ignore[union-attr]
    if not server.started:
        raise TransparentBackgroundError("the service could not be started; --debug shows why")
    return 0
