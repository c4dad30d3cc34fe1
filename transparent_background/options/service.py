"""What a service is started with. Imports the standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

from .limits import Limits

PORT = 7860
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """How a service is reached, and by whom."""

    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = field(default=None, repr=False)
    """What clients have to send as ``Authorization: Bearer``."""
    allow_hosts: tuple[str, ...] = ()
    """Names that the service may be asked for by, beside addresses in numbers and ``localhost``."""
    allow_origins: tuple[str, ...] = ()
    """Other sites whose pages may use it."""
    allow_urls: bool = False
    """Whether pictures may be fetched from public addresses."""
    folders: tuple[str, ...] = ()
    """Whose files the tools of ``/mcp`` may read and write."""
    page: bool = True
    """Whether the page is served."""
    threads: int = 2
    """That read, and compose and write."""
    batch_size: int = 4
    """Pictures that share a pass of the network."""
    limits: Limits = field(default_factory=Limits)

    @property
    def hosts(self) -> tuple[str, ...] | None:
        """Names that requests may ask for, beside addresses in numbers; None: any, as a token is needed."""
        if self.allow_hosts or self.host in LOOPBACK or self.token is None:
            return (*self.allow_hosts, self.host, *LOOPBACK)
        return None
