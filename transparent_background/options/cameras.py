"""How a camera is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ..types import Size
from .declare import COMMAND, LOCAL, Subject, flag, text
from .values import parse_size

CAMERA: frozenset[Subject] = frozenset(("camera",))

SCENES = ("blur", "white", "green")


@dataclass(frozen=True, kw_only=True)
class CameraOptions:
    """How a camera is shown."""

    IN_COMMON: ClassVar = {"group": "cameras", "doors": COMMAND, "subjects": CAMERA}

    virtual_camera: Any = text(
        "show the result as a camera that programs for calls can choose: any, /dev/video9, obs, unitycapture",
        metavar="DEVICE",
        bare=True,
        default_help="if there is one, else a preview window",
    )
    preview: bool = flag("show the result in a window; H lists its keys")
    record: str | None = text(
        "write what is shown to a film, from the beginning to Ctrl-C (in the window: R)", file=True
    )
    scenes: tuple[str, ...] = text(
        "what the keys B and arrows switch between, beside --type",
        default=SCENES,
        many="list",
        metavar="TYPE",
    )
    size: Size | None = text(
        "size of the frames, such as 1920x1080",
        parse=parse_size,
        metavar="WxH",
        default_help="1280x720 if the camera has it",
        doors=LOCAL,
    )
    mirror: bool = flag(
        "exchange left and right",
        label="Mirror",
        section="Camera",
        start=True,
        doors=frozenset(("command", "python", "http", "page")),
    )
    realtime: bool = flag(
        "work on smaller pictures while the machine is too slow for --fps, or for 20 frames a second",
        default=True,
        doors=LOCAL,
    )
