"""Reading a configuration's YAML: a user's file or one of the package's, with changes on top."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError

_CONFIGS = Path(__file__).parent / "configs"


class _Loader(yaml.SafeLoader):
    """Reads YAML in which 1e-4 is a number, as since YAML 1.2, and not a word."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d+[eE][-+]?\d+$"), list("-+0123456789")
)


def bundled_configs() -> list[str]:
    """Return the names of the configurations that come with the package."""
    return sorted(path.stem for path in _CONFIGS.glob("*.yaml"))


def read_tree(path: Path) -> dict[str, Any]:
    """Read a file, or one of the package's by its name."""
    # a data folder may well be called like a configuration
    if not path.is_file() and str(path) in bundled_configs():
        path = _CONFIGS / f"{path}.yaml"
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{path}: cannot be read as a training configuration ({why}); "
            f"the package has: {', '.join(bundled_configs())}"
        ) from error
    try:
        tree = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # days that there are not are ValueErrors
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: a training configuration is a mapping of keys to values")
    return tree


def apply_change(tree: dict[str, Any], change: str) -> None:
    """Set what ``key=value`` says, with a dotted key."""
    key, equals, text = change.partition("=")
    if not equals or not key:
        raise ConfigError(f"{change!r}: a change is written key=value, such as optimiser.lr=1e-4")
    try:
        value = yaml.load(text, _Loader)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{change!r}: the value is not valid YAML") from error
    *parents, last = key.split(".")
    node: Any = tree
    for name in parents:
        if isinstance(node, dict) and not isinstance(node.get(name), (dict, list)):
            node[name] = {}
        node = node[_key(node, name, change)]
    node[_key(node, last, change)] = value


def _key(node: dict[str, Any] | list[Any], name: str, change: str) -> Any:
    if isinstance(node, dict):
        return name
    if not name.isdigit() or int(name) >= len(node):
        raise ConfigError(f"{change!r}: the list has {len(node)} entries, counted from 0")
    return int(name)
