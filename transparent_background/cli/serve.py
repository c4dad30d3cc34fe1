"""``transparent-background serve``: a page and an HTTP service; ``transparent-background-gui`` opens it."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, get_args

from ..errors import MissingExtraError, OutputError, TransparentBackgroundError, UsageError
from ..options.limits import Limits, parse_bytes
from ..options.service import LOOPBACK, PORT, ServiceSettings
from ..types import Backend, Precision
from .options import Parser, positive

if TYPE_CHECKING:
    import uvicorn
    from rich.console import Console

    from ..remover import Remover

TOKEN = "TRANSPARENT_BACKGROUND_TOKEN"
BACKLOG = 2048  # connections that the system holds until they are taken, as uvicorn's own
MODULES = ("fastapi", "uvicorn", "websockets", "multipart", "prometheus_client", "mcp")

EPILOG = f"""\
examples:
  transparent-background serve                            a page at http://127.0.0.1:{PORT}
  transparent-background serve -m fast -m lite            two models to choose from
  {TOKEN}=... transparent-background serve --host 0.0.0.0
  curl -F file=@photo.jpg http://127.0.0.1:{PORT}/api/remove -o cutout.png

Paths: /, /api/remove, /api/batch, /api/jobs, /api/models, /api/live, /mcp, /healthz, /readyz, /metrics,
/openapi.json. Ctrl-C or SIGTERM ends it after what was taken on is finished.
"""


def build_parser() -> Parser:
    """Return the sub-command's parser."""
    limits = Limits()
    parser = Parser(
        prog="transparent-background serve",
        description="Serve a page, an HTTP service and an MCP server (extra: web).",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    group = parser.add_argument_group("where")
    group.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="to listen at; 0.0.0.0 for all of the machine's (default: 127.0.0.1, this machine alone)",
    )
    group.add_argument("--port", type=_port, default=PORT, metavar="N", help=f"0: any that is free ({PORT})")
    group.add_argument("--open", action="store_true", help="open the page in a browser")
    group.add_argument("--no-page", action="store_true", help="serve no page, only what programs use")
    group.add_argument(
        "--root-path", default="", metavar="PATH", help="under which a proxy shows the service"
    )

    group = parser.add_argument_group("the model")
    group.add_argument(
        "-m",
        "--mode",
        action="append",
        metavar="NAME",
        help="a model to serve; several times for several, the first is the default (default: base, or lite "
        "if it cannot be had)",
    )
    group.add_argument(
        "-D",
        "--device",
        action="append",
        metavar="NAME",
        help="cpu, cuda:0, mps; several times for several, which share the work (default: the best there is)",
    )
    group.add_argument("-r", "--resize", choices=("static", "dynamic", "blend"), help="default: the mode's")
    group.add_argument("--backend", choices=get_args(Backend), default="auto", help="default: auto")
    group.add_argument("--precision", choices=get_args(Precision), default="float32", help="default: float32")
    group.add_argument("--offline", action="store_true", help="never download weights")

    group = parser.add_argument_group("how much at once")
    group.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="threads that read, compose and write (default: the cores, 2 to 8)",
    )
    group.add_argument("--threads", type=positive, metavar="N", help="processor threads of the network")
    group.add_argument(
        "--batch",
        type=positive,
        default=4,
        metavar="N",
        help="pictures that share a pass at most, on GPUs (4)",
    )
    group.add_argument(
        "--queue",
        type=positive,
        default=limits.queue,
        metavar="N",
        help=f"requests that are worked on or wait; beyond it the answer is 503 ({limits.queue})",
    )
    group.add_argument(
        "--films", type=positive, default=limits.films, metavar="N", help=f"films, likewise ({limits.films})"
    )

    group = parser.add_argument_group("limits")
    group.add_argument(
        "--max-size", type=_bytes, default=limits.bytes, metavar="SIZE", help="of an uploaded picture (32M)"
    )
    group.add_argument(
        "--max-film-size",
        type=_bytes,
        default=limits.film_bytes,
        metavar="SIZE",
        help="of an uploaded film (1G)",
    )
    group.add_argument(
        "--max-pixels",
        type=_megapixels,
        default=limits.pixels,
        metavar="N",
        help="of a picture or frame, in millions (64)",
    )
    group.add_argument(
        "--max-frames",
        type=positive,
        default=limits.film_frames,
        metavar="N",
        help=f"of a film ({limits.film_frames})",
    )
    group.add_argument(
        "--max-seconds",
        type=_seconds,
        default=limits.film_seconds,
        metavar="S",
        help=f"of a film ({limits.film_seconds:g})",
    )
    group.add_argument(
        "--max-batch",
        type=positive,
        default=limits.batch,
        metavar="N",
        help=f"pictures of a batch ({limits.batch})",
    )
    group.add_argument(
        "--timeout",
        type=_seconds,
        default=limits.timeout,
        metavar="S",
        help=f"for a picture, waiting included; then the answer is 504 ({limits.timeout:g})",
    )
    group.add_argument(
        "--keep",
        type=_seconds,
        default=limits.keep,
        metavar="S",
        help=f"for which films are kept ({limits.keep:g})",
    )
    group.add_argument(
        "--grace",
        type=_seconds,
        default=limits.grace,
        metavar="S",
        help=f"that films may go on for when the service is stopped ({limits.grace:g})",
    )

    group = parser.add_argument_group("who may ask")
    group.add_argument(
        "--token",
        metavar="TOKEN",
        help=f"that clients must send; better in the environment as {TOKEN}, as others see command lines",
    )
    group.add_argument("--token-file", metavar="FILE", help="a file that holds the token")
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="that the service may be asked for by, beside localhost and addresses in numbers (default: "
        "none; any with a token)",
    )
    group.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="URL",
        help="another site whose pages may use it, such as https://shop.example",
    )
    group.add_argument(
        "--allow-urls", action="store_true", help="fetch pictures from public addresses that clients name"
    )
    group.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="PATH",
        help="whose files the tools of /mcp may read and write (default: none)",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is being done")
    parser.add_argument("--debug", action="store_true", help="show tracebacks and everything that is logged")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run the sub-command; return its exit code."""
    options = build_parser().parse_args(argv)
    settings = read_settings(options)
    check_extra()
    from .console import error_console, set_up_logging

    # while networks are loaded; the first process of a container hears no signal that it has not asked for
    signal.signal(signal.SIGTERM, _leave)
    console = error_console()
    set_up_logging(console, quiet=options.quiet, verbose=options.verbose, debug=options.debug)
    if settings.host not in LOOPBACK and settings.token is None and not options.quiet:
        console.print(f"warning: anyone who reaches {settings.host} may use this; {TOKEN} sets a token")
    server = _make_server(options, settings, console)
    return _run(server, options, settings, console)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(0)


def gui() -> int:
    """Open the page in a browser; what the console script ``transparent-background-gui`` calls."""
    from . import main as command

    return command(["serve", "--open", *sys.argv[1:]])


def check_extra() -> None:
    """Make sure that what the service needs is installed.

    Raises
    ------
    MissingExtraError
    """
    missing = [name for name in MODULES if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f'the service needs {", ".join(missing)}; run: pip install "transparent-background[web]"'
        )


def read_settings(options: argparse.Namespace) -> ServiceSettings:
    """Bring the command's options to the service's terms.

    Raises
    ------
    UsageError
        They make no sense.
    """
    token = _token(options)
    if token is not None and (not token.isascii() or not token.isprintable() or " " in token):
        raise UsageError("the token must be of printable ASCII characters without spaces")
    for folder in options.folder:
        if not os.path.isdir(os.path.expanduser(folder)):  # noqa: PTH111, PTH112
            raise UsageError(f"--folder {folder}: there is no such folder")
    cores = os.cpu_count() or 1
    return ServiceSettings(
        host=options.host,
        port=options.port,
        token=token,
        allow_hosts=tuple(options.allow_host),
        allow_origins=tuple(options.allow_origin),
        allow_urls=options.allow_urls,
        folders=tuple(options.folder),
        page=not options.no_page,
        threads=options.workers or min(max(cores, 2), 8),
        batch_size=options.batch,
        limits=Limits(
            bytes=options.max_size,
            pixels=options.max_pixels,
            batch=options.max_batch,
            film_bytes=options.max_film_size,
            film_frames=options.max_frames,
            film_seconds=options.max_seconds,
            queue=options.queue,
            films=options.films,
            timeout=options.timeout,
            keep=options.keep,
            grace=options.grace,
        ),
    )


def _token(options: argparse.Namespace) -> str | None:
    """Return the token, from the command line, a file or the environment."""
    if options.token_file is not None:
        try:
            with open(os.path.expanduser(options.token_file), encoding="utf-8") as file:  # noqa: PTH111, PTH123
                token = file.read().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"--token-file {options.token_file}: cannot be read") from error
    elif options.token is not None:
        token = str(options.token)
    else:
        return os.environ.get(TOKEN) or None
    if not token:
        raise UsageError("the token is empty; leave the option out to have none")
    return token


def _make_server(options: argparse.Namespace, settings: ServiceSettings, console: Console) -> uvicorn.Server:
    from ..web.app import create_app
    from ..web.server import make_server

    app = create_app(load_devices(options, console), settings)
    return make_server(app, settings, root_path=options.root_path)


def load_devices(options: argparse.Namespace, console: Console) -> list[dict[str, Remover]]:
    """Load every mode on every device."""
    from ..engine.threads import set_threads
    from ..remover import Remover
    from .console import download_progress

    set_threads(options.threads)
    devices: list[dict[str, Remover]] = []
    for device in options.device or [None]:
        removers: dict[str, Remover] = {}
        for mode in options.mode or [None]:
            with download_progress(console, shown=not options.quiet) as progress:
                remover = Remover(
                    mode,
                    device=device,
                    resize=options.resize,
                    backend=options.backend,
                    precision=options.precision,
                    progress=progress,
                    offline=True if options.offline else None,
                )
            removers[remover.checkpoint.name] = remover
            if options.verbose:
                console.print(f"{remover!r}: {remover.plan.describe()}")
        devices.append(removers)
    return devices


def _run(
    server: uvicorn.Server, options: argparse.Namespace, settings: ServiceSettings, console: Console
) -> int:
    import socket

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
    if not options.quiet:
        console.print(f"serving at {address} (Ctrl-C ends it)")
    if options.open and settings.page:
        _open_later(address)
    # uvicorn raises the signal that ended it again after it has finished; to have finished is no failure
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listening])
    finally:
        server.config.app.state.services.remove_files()  # type: ignore[union-attr]
    if not server.started:
        raise TransparentBackgroundError("the service could not be started; --debug shows why")
    return 0


def _open_later(address: str) -> None:
    """Open a browser when the service has had a moment to start."""
    import threading
    import webbrowser

    timer = threading.Timer(1.0, webbrowser.open, (address,))
    timer.daemon = True
    timer.start()


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 to 65535")
    return int(text)


def _bytes(text: str) -> int:
    try:
        return parse_bytes(text)
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _megapixels(text: str) -> int:
    return max(round(_seconds(text) * 1e6), 1)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
