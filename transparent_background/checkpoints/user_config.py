"""The user's ``config.yaml``: modes added or changed, in the format of transparent-background 1.3.4."""

from __future__ import annotations

import dataclasses
import re
import reprlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from ..errors import UsageError
from ..types import ResizeMethod
from .records import Checkpoint, fits_a_pass, is_text

_DRIVE_ID = re.compile(r"drive\.(?:usercontent\.)?google\.com/.*?(?:/d/|[?&]id=)([\w-]{10,})")


def read_user_config(path: Path, known: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
    """Read the modes of a config file.

    Parameters
    ----------
    path
        The file; it need not exist.
    known
        Our own checkpoints by name. An entry of the same name keeps what it does not change: one
        with our checksum, or our address and none, keeps our mirrors and is tried at its own address
        first. Letter case does not tell names apart.

    Returns
    -------
    The file's checkpoints by name.

    Raises
    ------
    UsageError
        The file is no YAML, or a field is not what it should be; both are named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from error
    import yaml

    try:
        entries = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # days that there are not are ValueErrors
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 1})" if where is not None else ""
        raise UsageError(f"{path}: is not valid YAML{line}; correct or delete it") from error
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise UsageError(f"{path}: must map mode names to settings, such as 'base: {{url: ...}}'")
    ours = {name.lower(): checkpoint for name, checkpoint in known.items()}
    read = (_entry(path, str(name), values, ours.get(str(name).lower())) for name, values in entries.items())
    return {checkpoint.name: checkpoint for checkpoint in read}


def _is_size(value: Any) -> bool:
    sides = value if isinstance(value, list) else [value, value]
    return len(sides) == 2 and all(type(side) is int for side in sides) and fits_a_pass((sides[0], sides[1]))


_RULES: tuple[tuple[str, Callable[[Any], object], str], ...] = (
    ("url", is_text, "text"),
    ("md5", is_text, "text"),
    ("md5", re.compile(r"[0-9a-fA-F]{32}").fullmatch, "32 hexadecimal digits"),
    ("ckpt_name", is_text, "text"),
    # nothing that leads out of the folder, on any system
    ("ckpt_name", re.compile(r"(?!\.)[^/\\:]+").fullmatch, "a file name without folders"),
    ("http_proxy", is_text, "text"),
    ("base_size", _is_size, "[height, width], 32 or more each and at most 4 million pixels together"),
    ("backbone", is_text, "text"),
    ("depth", lambda value: type(value) is int and value > 0, "a whole number above 0"),
    ("resize", get_args(ResizeMethod).__contains__, "one of " + ", ".join(get_args(ResizeMethod))),
)
"""What the value of a key must be, and what that is called.

Null is as if the key were not there, but for ``md5``: then no checksum is compared.
"""


def _entry(path: Path, name: str, values: Any, own: Checkpoint | None) -> Checkpoint:
    if not isinstance(values, dict):
        raise UsageError(f"{path}: {name}: must hold settings such as url and ckpt_name")
    given = {
        key: value.strip() if isinstance(value, str) else value
        for key, value in values.items()
        if value is not None
    }
    if own is None and "ckpt_name" not in given:
        raise UsageError(f"{path}: {name}: ckpt_name is missing")
    for key, fits, expected in _RULES:
        if key in given and not fits(given[key]):
            raise UsageError(f"{path}: {name}: {key} must be {expected}, not {reprlib.repr(given[key])}")
    base = own or Checkpoint(name=name, file_name="", origin=str(path), description="user's config")
    kept = ("http_proxy", "backbone", "depth", "resize")
    changes: dict[str, Any] = {key: given[key] for key in kept if key in given}
    if "base_size" in given:
        side = given["base_size"]
        changes["base_size"] = tuple(side) if isinstance(side, list) else (side, side)
    if given.get("ckpt_name", base.file_name) != base.file_name:
        changes |= {"file_name": given["ckpt_name"], "bundled": False}
    changes |= _source(given.get("url"), given.get("md5"), base, path)
    if "md5" in values and values["md5"] is None:  # as in 1.3.4: whatever file is there is the right one
        changes |= {"md5": None, "sha256": None, "size": None}
    return dataclasses.replace(base, **changes)


def _source(url: str | None, md5: str | None, base: Checkpoint, path: Path) -> dict[str, Any]:
    """Return where to download from and the checksum, if the file changes them."""
    md5 = md5.lower() if md5 else None
    drive = _DRIVE_ID.search(url) if url else None
    drive_id = drive[1] if drive else None
    urls = () if drive or url is None else (url,)
    known = url is None or url in base.urls or (drive is not None and drive_id == base.drive_id)
    if md5 in (None, base.md5) and known:
        return {}
    if md5 is not None and md5 == base.md5:  # the same file from somewhere else
        return {"urls": urls + base.urls, "drive_id": drive_id or base.drive_id}
    source = {"md5": md5, "sha256": None, "size": None, "bundled": False}
    return source if url is None else source | {"urls": urls, "drive_id": drive_id, "origin": str(path)}
