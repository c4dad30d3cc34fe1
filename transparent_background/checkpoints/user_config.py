"""The user's ``config.yaml``: modes added or changed, in the format of transparent-background 1.3.4."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from ..errors import UsageError
from ..types import ResizeMethod
from .records import Checkpoint

_DRIVE_ID = re.compile(r"drive\.(?:usercontent\.)?google\.com/.*?(?:/d/|[?&]id=)([\w-]{10,})")
_FILE_NAME = re.compile(r"(?!\.)[^/\\:]+")  # nothing that leads out of the folder, on any system
_MD5 = re.compile(r"[0-9a-fA-F]{32}")


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
    except yaml.YAMLError as error:
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


def _entry(path: Path, name: str, values: Any, own: Checkpoint | None) -> Checkpoint:
    if not isinstance(values, dict):
        raise UsageError(f"{path}: {name}: must hold settings such as url and ckpt_name")
    reader = _Reader(path, name, values)
    if own is None and values.get("ckpt_name") is None:
        raise UsageError(f"{path}: {name}: ckpt_name is missing")
    base = own or Checkpoint(name=name, file_name="", origin=str(path), description="user's config")
    changes: dict[str, Any] = {
        "file_name": reader.text("ckpt_name", base.file_name),
        "base_size": reader.size("base_size", base.base_size),
        "http_proxy": reader.text("http_proxy", None),
        "backbone": reader.text("backbone", base.backbone),
        "depth": reader.whole("depth", base.depth),
        "resize": reader.choice("resize", base.resize),
    }
    if not _FILE_NAME.fullmatch(changes["file_name"]):
        raise reader.wrong("ckpt_name", "a file name without folders")
    if changes["file_name"] != base.file_name:
        changes["bundled"] = False
    return dataclasses.replace(base, **(changes | _source(reader, base)))


def _source(reader: _Reader, base: Checkpoint) -> dict[str, Any]:
    """Return where to download from and the checksum, if the file changes them."""
    url = reader.text("url", None)
    md5 = reader.text("md5", None)
    if md5 is not None and not _MD5.fullmatch(md5):
        raise reader.wrong("md5", "32 hexadecimal digits")
    md5 = md5.lower() if md5 else None
    drive = _DRIVE_ID.search(url) if url else None
    addresses: dict[str, Any] = {
        "urls": () if drive or url is None else (url,),
        "drive_id": drive[1] if drive else None,
    }
    known = url is None or url in base.urls or (drive is not None and drive[1] == base.drive_id)
    if md5 in (None, base.md5) and known:
        return {}
    if md5 is not None and md5 == base.md5:  # the same file from somewhere else
        return {"urls": addresses["urls"] + base.urls, "drive_id": addresses["drive_id"] or base.drive_id}
    source = {"md5": md5, "sha256": None, "size": None, "bundled": False}
    return source if url is None else source | addresses | {"origin": str(reader.path)}


class _Reader:
    """Reads the fields of one mode, and names file, mode and field in errors."""

    def __init__(self, path: Path, name: str, values: dict[str, Any]) -> None:
        self.path, self.name, self.values = path, name, values

    def wrong(self, key: str, expected: str) -> UsageError:
        value = self.values.get(key)
        return UsageError(f"{self.path}: {self.name}: {key} must be {expected}, not {value!r}")

    def text(self, key: str, default: Any) -> Any:
        value = self.values.get(key)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, "text")
        return value.strip()

    def whole(self, key: str, default: int) -> int:
        value = self.values.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self.wrong(key, "a whole number above 0")
        return value

    def choice(self, key: str, default: str) -> str:
        value = self.values.get(key, default)
        if value not in get_args(ResizeMethod):
            raise self.wrong(key, "one of " + ", ".join(get_args(ResizeMethod)))
        return str(value)

    def size(self, key: str, default: tuple[int, int]) -> tuple[int, int]:
        value = self.values.get(key, list(default))
        if isinstance(value, int):
            value = [value, value]
        fits = isinstance(value, (list, tuple)) and len(value) == 2
        if not fits or not all(isinstance(side, int) and side >= 32 for side in value):
            raise self.wrong(key, "[height, width], 32 or more each")
        return value[0], value[1]
