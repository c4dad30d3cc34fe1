"""How a service is reached, by whom, and how much it takes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..errors import UsageError
from .declare import COMMAND, flag, option
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

    bytes: int = option(
        "32M",
        "text",
        "of an uploaded picture",
        parsed=32 * MIB,
        parse=parse_bytes,
        command="max-size",
        metavar="SIZE",
    )
    """Of an uploaded picture, and of a background behind one."""
    pixels: int = option(
        64,
        "number",
        "of a picture or frame, in millions",
        parsed=64_000_000,
        parse=parse_megapixels,
        above=0,
        command="max-pixels",
    )
    """Of a picture."""
    frame_pixels: int = 34_000_000
    """Of a film's frame, as it comes and as it is wanted: 8K. Several are in memory at once."""
    batch: int = option(100, "whole", "pictures of a batch", least=1, command="max-batch")
    """Pictures of one batch."""
    batch_bytes: int = 512 * MIB
    """Of a batch's upload, and of what its archives unpack to."""
    film_bytes: int = option(
        "1G",
        "text",
        "of an uploaded film",
        parsed=1024 * MIB,
        parse=parse_bytes,
        command="max-film-size",
        metavar="SIZE",
    )
    """Of an uploaded film."""
    film_frames: int = option(36_000, "whole", "of a film", least=1, command="max-frames")
    """Of a film: twenty minutes at thirty a second."""
    film_seconds: float = option(1200.0, "number", "of a film", above=0, command="max-seconds", metavar="S")
    """Of a film's part that is worked on."""
    film_work: float = 4 * 3600.0
    """Seconds that the work on a film may take."""
    kept_bytes: int = 8192 * MIB
    """Of films' results; beyond it, or half of the disk, the oldest are deleted before their time."""
    upload_bytes: int = 2048 * MIB
    """Of all requests that are being read or answered; beyond it the answer is 503."""
    queue: int = option(
        64,
        "whole",
        "requests that are worked on or wait; beyond it the answer is 503",
        least=1,
        group="how much at once",
    )
    """Requests for pictures that are worked on or wait, a batch being one; beyond it the answer is 503."""
    films: int = option(8, "whole", "films, likewise", least=1, group="how much at once")
    """Films that are worked on or wait."""
    cameras: int = 4
    """Live connections."""
    timeout: float = option(
        120.0, "number", "for a picture, waiting included; then the answer is 504", above=0, metavar="S"
    )
    """Seconds from a picture's coming to its answer."""
    patience: float = 30.0
    """Seconds that a request may take to come, beside those of its bytes at the slowest rate allowed."""
    slowest: int = SLOWEST
    """Bytes a second that an upload has to keep up in the mean."""
    keep: float = option(3600.0, "number", "that a film's result is kept", above=0, metavar="S")
    """Seconds that a film's result is kept."""
    grace: float = option(
        60.0, "number", "that films may go on for when the service is stopped", above=0, metavar="S"
    )
    """Seconds that films may go on for when the service is stopped; pictures are always finished."""


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

    host: str = option(
        "127.0.0.1",
        "text",
        "to listen at; 0.0.0.0 for all of the machine's",
        metavar="ADDRESS",
        default_help="127.0.0.1, this machine alone",
        group="where",
    )
    port: int = option(PORT, "whole", "0: any that is free", least=0, most=65535, group="where")
    page: bool = flag("serve the page, not only what programs use", default=True, group="where")
    root_path: str = option(
        "", "text", "under which a proxy shows the service", metavar="PATH", group="where"
    )
    threads: int = option(
        None,
        "whole",
        "threads that read, compose and write",
        parsed=2,
        least=1,
        command="workers",
        default_help="the cores, 2 to 8",
        group="how much at once",
    )
    """That read, and compose and write."""
    batch_size: int = option(
        4,
        "whole",
        "pictures that share a pass at most, on GPUs",
        least=1,
        old=("batch",),
        group="how much at once",
    )
    """Pictures that share a pass of the network."""
    token: str | None = field(
        default=None,
        repr=False,
        metadata=option(
            None,
            "text",
            f"that clients must send; better in the environment as {TOKEN}, as others see command lines",
            parse=_token,
            metavar="TOKEN",
        ).metadata,
    )
    """What clients have to send as ``Authorization: Bearer``."""
    allow_hosts: tuple[str, ...] = option(
        (),
        "text",
        "that the service may be asked for by, beside localhost and addresses in numbers",
        many="append",
        command="allow-host",
        metavar="NAME",
        default_help="none; any with a token",
    )
    """Names that the service may be asked for by, beside addresses in numbers and ``localhost``."""
    allow_origins: tuple[str, ...] = option(
        (),
        "text",
        "another site whose pages may use it, such as https://shop.example",
        many="append",
        command="allow-origin",
        metavar="URL",
    )
    """Other sites whose pages may use it."""
    allow_urls: bool = flag("fetch pictures from public addresses that clients name")
    """Whether pictures may be fetched from public addresses."""
    folders: tuple[str, ...] = option(
        (),
        "text",
        "whose files the tools of /mcp may read and write",
        many="append",
        command="folder",
        metavar="PATH",
        default_help="none",
    )
    """Whose files the tools of ``/mcp`` may read and write."""
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
    token_file: Any = option(None, "text", "a file that holds the token", file=True, group="who may ask")
    network_threads: int | None = option(
        None,
        "whole",
        "processor threads of the network",
        least=1,
        command="threads",
        group="how much at once",
    )
