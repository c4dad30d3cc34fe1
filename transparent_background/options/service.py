"""How a service is reached, by whom, and how much it takes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import UsageError
from .declare import COMMAND, flag, number, text, whole
from .values import parse_bytes, parse_megapixels

PORT = 7860
LOOPBACK = ("localhost", "127.0.0.1", "::1")
TOKEN = "TRANSPARENT_BACKGROUND_TOKEN"
"""The variable of the environment that may hold the token."""
MIB = 1 << 20
SLOWEST = 16 * 1024  # bytes a second that a client has to keep up in the mean, sending or reading


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is refused, so that no request can take a machine's memory, disk or time."""

    IN_COMMON: ClassVar = {"group": "limits", "doors": COMMAND}

    bytes: int = text(
        "largest uploaded picture",
        default="32M",
        parsed=32 * MIB,
        parse=parse_bytes,
        command="max-size",
        metavar="SIZE",
    )
    pixels: int = number(
        "most pixels of a picture or frame, in millions",
        default=64,
        parsed=64_000_000,
        parse=parse_megapixels,
        above=0,
        command="max-pixels",
    )
    frame_pixels: int = 34_000_000
    """Of a film's frame, as it comes and as it is wanted: 8K. Several are in memory at once."""
    memory: int | None = text(
        "most memory for pictures that are worked on; larger ones are refused, and others wait",
        parse=parse_bytes,
        metavar="SIZE",
        default_help="three quarters of what is free at the start, at most 8G",
    )
    """Bytes, as estimated by ``images/memory.py``; network, uploads and films come on top."""
    batch: int = whole("most pictures of a batch", default=100, least=1, command="max-batch")
    batch_bytes: int = 512 * MIB
    """Of a batch's upload, and of what its archives unpack to."""
    film_bytes: int = text(
        "largest uploaded film",
        default="1G",
        parsed=1024 * MIB,
        parse=parse_bytes,
        command="max-film-size",
        metavar="SIZE",
    )
    film_frames: int = whole("most frames of a film", default=36_000, least=1, command="max-frames")
    film_seconds: float = number(
        "longest film, in seconds", default=1200.0, above=0, command="max-seconds", metavar="S"
    )
    film_work: float = 4 * 3600.0
    """Seconds that the work on a film may take."""
    kept_bytes: int = 8192 * MIB
    """Of films' results; beyond it, or half of the disk, the oldest are deleted before their time."""
    kept_pictures: int = whole(
        "most pictures that are kept for further results; those not asked for the longest go first",
        default=1000,
        least=1,
    )
    kept_memory: int = text(
        "memory that kept pictures and their mattes may take",
        default="1G",
        parsed=1024 * MIB,
        parse=parse_bytes,
        metavar="SIZE",
    )
    kept_seconds: float = number(
        "seconds that a picture is kept after it was last asked for", default=900.0, above=0, metavar="S"
    )
    upload_bytes: int = text(
        "most bytes of uploads that are read or answered at once, half of it by one client; films apart",
        default="1G",
        parsed=1024 * MIB,
        parse=parse_bytes,
        command="max-uploads",
        metavar="SIZE",
    )
    film_upload_bytes: int = 2048 * MIB
    """Of films' uploads that are being read, half of it by one client; beyond it the answer is 503."""
    queue: int = whole(
        "most requests that are worked on or wait; beyond it the answer is 503",
        default=64,
        least=1,
        group="how much at once",
    )
    films: int = whole("most films that are worked on or wait", default=8, least=1, group="how much at once")
    cameras: int = 4
    """Live connections."""

    @property
    def films_of_one(self) -> int:
        """Films that one client may have worked on or waiting: half of all, so that others come in."""
        return (self.films + 1) // 2

    timeout: float = number(
        "seconds for a picture, waiting included; then the answer is 504", default=120.0, above=0, metavar="S"
    )
    patience: float = 30.0
    """Seconds that a request may take to come, beside those of its bytes at the slowest rate allowed."""
    slowest: int = SLOWEST
    """Bytes a second that an upload has to keep up in the mean."""
    drain: float = number(
        "seconds that a stopped service goes on as before and only /readyz says so, for load balancers "
        "to notice",
        default=0.0,
        least=0,
        metavar="S",
    )
    keep: float = number("seconds that a film's result is kept", default=3600.0, above=0, metavar="S")
    grace: float = number(
        "seconds that films may go on for when the service is stopped", default=60.0, above=0, metavar="S"
    )


def _token(value: str, name: str) -> str:
    if not value:
        raise UsageError("the token is empty; leave the option out to have none")
    if not value.isascii() or not value.isprintable() or " " in value:
        raise UsageError("the token must be of printable ASCII characters without spaces")
    return value


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """How a service is reached, by whom, and how much it takes on."""

    IN_COMMON: ClassVar = {"group": "who may ask", "doors": COMMAND}

    host: str = text(
        "address to listen at; 0.0.0.0 for all of the machine's",
        default="127.0.0.1",
        metavar="ADDRESS",
        default_help="127.0.0.1, this machine alone",
        group="where",
    )
    port: int = whole(
        "port to listen at; 0 is any that is free", default=PORT, least=0, most=65535, group="where"
    )
    page: bool = flag("serve the page, not only what programs use", default=True, group="where")
    root_path: str = text(
        "path under which a proxy shows the service", default="", metavar="PATH", group="where"
    )
    threads: int = whole(
        "threads that read, compose and write",
        parsed=2,
        least=1,
        command="workers",
        default_help="the cores, 2 to 8",
        group="how much at once",
    )
    batch_size: int = whole(
        "pictures that share a pass at most, on GPUs",
        default=4,
        least=1,
        old=("batch",),
        group="how much at once",
    )
    token: str | None = field(
        default=None,
        repr=False,
        metadata=text(
            f"token that clients must send; better in the environment as {TOKEN}: others see command lines",
            parse=_token,
            metavar="TOKEN",
        ).metadata,
    )
    """What clients have to send as ``Authorization: Bearer``."""
    allow_hosts: tuple[str, ...] = text(
        "name that the service may be asked for by, beside localhost and addresses in numbers",
        default=(),
        many="append",
        command="allow-host",
        metavar="NAME",
        default_help="none; any with a token",
    )
    allow_origins: tuple[str, ...] = text(
        "another site whose pages may use it, such as https://shop.example",
        default=(),
        many="append",
        command="allow-origin",
        metavar="URL",
    )
    allow_urls: bool = flag("fetch pictures from public addresses that clients name")
    folders: tuple[str, ...] = text(
        "folder whose files the tools of /mcp may read and write",
        default=(),
        many="append",
        command="folder",
        metavar="PATH",
        default_help="none",
    )
    limits: Limits = field(default_factory=Limits)

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """Names that requests may ask for, beside addresses in numbers; None: any, as a token is needed."""
        if self.allow_hosts or self.host in LOOPBACK or self.token is None:
            return (*self.allow_hosts, self.host, *LOOPBACK)
        return None


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """What the command that serves does beside."""

    IN_COMMON: ClassVar = {"group": "where", "doors": COMMAND}

    open: bool = flag("open the page in a browser")
    token_file: Any = text("a file that holds the token", file=True, group="who may ask")
    network_threads: int | None = whole(
        "processor threads of the network", least=1, command="threads", group="how much at once"
    )
