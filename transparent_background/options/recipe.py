"""Recipes: options in a file (YAML or JSON), the same for the command, Python, the service and the page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError, OutputError, UsageError
from .cameras import CameraOptions
from .declare import check_names, declared, given, offered, with_old_names
from .films import FilmOptions
from .network import NetworkOptions
from .result import ResultOptions
from .settings import read_settings

KEPT = (ResultOptions, FilmOptions, NetworkOptions, CameraOptions)
"""Whose options a recipe may hold: what is wanted, not which files and how fast."""


def read_values(text: str, name: str = "recipe") -> dict[str, Any]:
    """Read options from text, YAML or JSON, without checking what they mean.

    Parameters
    ----------
    name
        What messages call the text.

    Raises
    ------
    ConfigError
        It is not a list of options whose values are plain, or lists of plain ones.
    """
    import yaml

    try:
        values = _parsed(text)
    except (yaml.YAMLError, ValueError) as error:  # days that there are not are ValueErrors
        raise ConfigError(f"{name}: is neither YAML nor JSON: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict) or not all(map(_is_option, values, values.values())):
        raise ConfigError(f"{name}: a recipe is a list of options, such as 'type: white'")
    return values


def _parsed(text: str) -> Any:
    """Read JSON or YAML; of what is nested, or aliased, nothing: a few lines of it can mean gigabytes."""
    import yaml

    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    for event in yaml.parse(text, loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > 2 or isinstance(event, yaml.AliasEvent):
            return None
    values = yaml.load(text, loader)
    return {} if values is None else values


def _is_option(name: Any, value: Any) -> bool:
    parts = value if isinstance(value, list) else [value]
    return isinstance(name, str) and all(map(_is_plain, [name, *parts]))


def _is_plain(value: Any) -> bool:
    """Whether JSON could hold it as well: no date, no infinity, no half of a character."""
    if isinstance(value, str):
        return not re.search("[\ud800-\udfff]", value)
    return value is None or (isinstance(value, (int, float)) and abs(value) < 1e15)


class Recipe(dict[str, Any]):
    """Options by name, as users write them.

    Examples
    --------
    >>> recipe = Recipe(type="white", crop="5%", mode="lite")
    >>> recipe.network
    {'mode': 'lite'}
    >>> recipe.picture
    {'type': 'white', 'crop': '5%'}

    Raises
    ------
    UsageError
        An option is unknown, or a value makes no sense.
    """

    def __init__(self, *values: Mapping[str, Any], **more: Any) -> None:
        today = with_old_names(dict(*values, **more), *KEPT)
        known = declared(*KEPT)
        check_names(today, known, "option in recipes")
        for name, value in today.items():
            known[name].read(value)
        read_settings(today)
        super().__init__(today)

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read a recipe from a file.

        Raises
        ------
        UsageError
            It cannot be read, or something in it makes no sense.
        """
        try:
            text = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: the recipe cannot be read: {error}") from error
        return cls.parse(text, str(path))

    @classmethod
    def parse(cls, text: str, name: str = "recipe") -> Recipe:
        """Read a recipe from text, YAML or JSON; ``name`` is what messages call it.

        Raises
        ------
        UsageError
            Something in it makes no sense.
        """
        values = read_values(text, name)
        try:
            return cls(values)
        except UsageError as error:
            raise type(error)(f"{name}: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write it to a file: JSON if its name ends so, else YAML.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        import yaml

        path = Path(path).expanduser()
        as_json = path.suffix.lower() == ".json"
        plain = json.loads(json.dumps(dict(self), default=str))
        text = json.dumps(plain, indent=2) + "\n" if as_json else yaml.safe_dump(plain, sort_keys=False)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise OutputError(f"{path}: the recipe cannot be written: {error.strerror}") from error

    @property
    def network(self) -> dict[str, Any]:
        """The arguments for :class:`Remover`."""
        return given(self, NetworkOptions)

    @property
    def picture(self) -> dict[str, Any]:
        """The arguments for :meth:`Remover.process` and its like."""
        known = offered(ResultOptions, door="python", subject="picture")
        return {entry.name: self[entry.name] for entry in known if entry.name in self}

    @property
    def film(self) -> dict[str, Any]:
        """The arguments for :meth:`Remover.process_video`."""
        known = offered(ResultOptions, FilmOptions, door="python", subject="film")
        return {entry.name: self[entry.name] for entry in known if entry.name in self}
