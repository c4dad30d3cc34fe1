"""How an option is declared: once, as a field of a frozen dataclass, with its words and bounds.

The command's arguments, the checks of the Python functions, the schemas of the HTTP service and of the
assistants' tools and the page's controls are made from these declarations. Imports the standard library only.
"""

from __future__ import annotations

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from ..errors import UsageError

Kind: TypeAlias = Literal["flag", "whole", "number", "text", "choice"]
Subject: TypeAlias = Literal["picture", "film", "camera"]
Door: TypeAlias = Literal["command", "python", "http", "assistant", "page"]

SUBJECTS: frozenset[Subject] = frozenset(get_args(Subject))
DOORS: frozenset[Door] = frozenset(get_args(Door))
COMMAND: frozenset[Door] = frozenset(("command",))
LOCAL: frozenset[Door] = frozenset(("command", "python"))
"""For what is the business of whoever owns the machine."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What is known of an option."""

    kind: Kind
    help: str
    """A sentence without capital and full stop, in the command's manner; ``{default}`` is not in it."""
    name: str = ""
    """Its name in Python, over HTTP and in recipes; the command writes it with dashes."""
    default: Any = None
    """As a user would write it."""
    default_help: str | None = None
    """In words, where the default is found out later."""
    choices: tuple[str, ...] = ()
    choice_labels: Mapping[str, str] = field(default_factory=dict)
    """What the page calls the choices; under ``""`` that of none; those of a text are suggestions."""
    least: float | None = None
    above: float | None = None
    most: float | None = None
    length: int = 100
    """Most characters that a service takes of a text."""
    parse: Callable[[Any, str], Any] | None = None
    """Makes the value that is handed down, from what the user wrote and the option's name."""
    metavar: str | None = None
    """What the command's help calls a value; None: ``N`` for numbers, ``FILE`` for files, else the name."""
    short: tuple[str, ...] = ()
    """Of the command, such as ``-t``."""
    old: tuple[str, ...] = ()
    """Earlier names, which go on working."""
    bare: Any = None
    """The value where the command names the option alone."""
    many: Literal["", "append", "list"] = ""
    """Whether the command takes it several times, or several values at once."""
    file: bool = False
    """Whether it names a file, so that shells complete it."""
    label: str = ""
    """What the page calls it."""
    section: str = "More options"
    """Heading on the page under which it stands."""
    hint: str = ""
    """Fine print on the page; of a switch that shows a slider, what the slider is called."""
    start: Any = None
    """What the page begins with, where that is not the default."""
    unit: str = ""
    """What the page shows behind a number: ``%`` also means that it shows hundredths."""
    command: str = ""
    """The command's long name without its dashes, where it is another."""
    group: str | None = None
    """Heading in the command's help; None: that of the class."""
    doors: frozenset[Door] | None = None
    """Which doorways offer it; None: those of the class, or else all."""
    subjects: frozenset[Subject] | None = None
    """What it applies to, likewise."""
    served_help: str = ""
    """In place of the help, where a service or an assistant's tool offers it."""
    served: Mapping[Subject, tuple[str, ...]] = field(default_factory=dict)
    """The values that a service takes, where they are fewer."""

    @property
    def flag(self) -> str:
        """The command's long name, such as ``--background-play``."""
        return f"--{self.command or self.name.replace('_', '-')}"

    @property
    def placeholder(self) -> str:
        """What the command's help calls a value."""
        if self.choices:
            return f"{{{','.join(self.choices)}}}"
        usual = "N" if self.kind in ("whole", "number") else "FILE" if self.file else self.name.upper()
        return self.metavar or usual

    def read(self, value: Any, name: str | None = None) -> Any:
        """Check a value and return what is handed down; None stays None.

        Parameters
        ----------
        value
            As a user gave it: text, or of its own type.
        name
            What messages call the option; None: its name.

        Raises
        ------
        UsageError
            It makes no sense.
        """
        name = name or self.name
        if value is None:
            return None
        if self.many and isinstance(value, (list, tuple)):
            return tuple(self._one(part, name) for part in value)
        return self._one(value, name)

    @property
    def _is_plain_text(self) -> bool:
        return self.kind == "text" and self.parse is None and not (self.file or self.choices)

    def _one(self, value: Any, name: str) -> Any:
        if self.kind == "flag":
            value = _truth(value, name)
        elif self.kind in ("whole", "number"):
            value = self._number(value, name)
        elif self.choices and value not in self.choices:
            raise UsageError(f"{name} {value!r} is unknown; choose from {', '.join(self.choices)}")
        elif self._is_plain_text and value != self.bare and not isinstance(value, str):
            raise UsageError(f"{name} must be text, not {value!r}")
        return value if self.parse is None else self.parse(value, name)

    def _number(self, value: Any, name: str) -> float:
        whole = self.kind == "whole"
        try:
            number = float(value)
            fits = number == number and (not whole or (number == int(number) and abs(number) < 1 << 53))
        except (TypeError, ValueError, OverflowError):
            number, fits = 0.0, False
        fits = fits and (self.least is None or number >= self.least)
        fits = fits and (self.above is None or number > self.above)
        if not fits or (self.most is not None and number > self.most):
            what = "a whole number" if whole else "a number"
            raise UsageError(f"{name} must be {what}{self._bounds()}, not {value!r}")
        return int(number) if whole else number

    def _bounds(self) -> str:
        low = f"{self.least:g}" if self.least is not None else ""
        if low and self.most is not None:
            return f" from {low} to {self.most:g}"
        if self.above is not None:
            return f" above {self.above:g}" + ("" if self.most is None else f" and at most {self.most:g}")
        return f" of at least {low}" if low else "" if self.most is None else f" of at most {self.most:g}"


def option(
    kind: Kind, help: str, *, default: Any = None, parsed: Any = dataclasses.MISSING, **words: Any
) -> Any:
    """Declare a field.

    Parameters
    ----------
    kind, help, words
        As for :class:`Option`.
    default
        As a user would write it.
    parsed
        The default as it is handed down, if that is another.
    """
    declaration = Option(kind=kind, help=help, default=default, **words)
    value = default if parsed is dataclasses.MISSING else parsed
    return field(default=value, metadata={"option": declaration})


text: Callable[..., Any] = partial(option, "text")
whole: Callable[..., Any] = partial(option, "whole")
number: Callable[..., Any] = partial(option, "number")
flag: Callable[..., Any] = partial(option, "flag", default=False)


def choice(choices: Any, help: str, **words: Any) -> Any:
    """Declare a field that is one of the words of a ``Literal``."""
    return option("choice", help, choices=get_args(choices), **words)


def shared(cls: type, name: str) -> Any:
    """Declare a field as another class does."""
    own = next(entry for entry in dataclasses.fields(cls) if entry.name == name)
    return field(default=own.default, metadata={"option": declared(cls)[name]})


def declared(*classes: type) -> dict[str, Option]:
    """Return the options of dataclasses by name, in their order; the first declaration of a name counts.

    What an option leaves open is taken from ``IN_COMMON`` of the class that declares it.
    """
    found: dict[str, Option] = {}
    for cls in classes:
        origins = {name: base for base in reversed(cls.__mro__) for name in inspect.get_annotations(base)}
        for entry in dataclasses.fields(cls):
            own: Option | None = entry.metadata.get("option")
            if own is not None and entry.name not in found:
                common = {
                    "doors": DOORS,
                    "subjects": SUBJECTS,
                    **getattr(origins[entry.name], "IN_COMMON", {}),
                }
                left_open = {name: value for name, value in common.items() if getattr(own, name) is None}
                found[entry.name] = dataclasses.replace(own, name=entry.name, **left_open)
    return found


def offered(*classes: type, door: Door, subject: Subject | None = None) -> list[Option]:
    """Return the options that a doorway offers, for one subject or for any."""
    return [
        entry
        for entry in declared(*classes).values()
        if door in (entry.doors or ()) and (subject is None or subject in (entry.subjects or ()))
    ]


def given(values: Mapping[str, Any], *classes: type) -> dict[str, Any]:
    """Return those of some values that are options of dataclasses."""
    known = declared(*classes)
    return {name: value for name, value in values.items() if name in known}


def read(cls: type[T], values: Mapping[str, Any], *, flags: bool = False) -> T:
    """Check values and make the dataclass of them; those of other classes are passed over.

    Parameters
    ----------
    flags
        Whether messages call options as the command does, such as ``--batch-size``.

    Raises
    ------
    UsageError
        A value makes no sense.
    """
    known = declared(cls)
    found = {
        name: known[name].read(value, known[name].flag if flags else name)
        for name, value in given(values, cls).items()
    }
    return cls(**{name: value for name, value in found.items() if value is not None})


def check_names(names: Iterable[str], known: Iterable[str], what: str = "option") -> None:
    """Refuse names that nobody knows, with the nearest that are.

    Raises
    ------
    UsageError
    """
    known = list(known)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"; {near[0]} is meant?" if near else f"; choose from {', '.join(known)}"
            raise UsageError(f"{name}: there is no such {what}{hint}")


def with_old_names(values: Mapping[str, Any], *classes: type) -> dict[str, Any]:
    """Return values under the names of today."""
    today = {old: name for name, entry in declared(*classes).items() for old in entry.old}
    return {today.get(name, name): value for name, value in values.items()}


def _truth(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False}
    try:
        return (words | {"off": False})[str(value).strip().lower()]
    except KeyError:
        raise UsageError(f"{name} is on or off: give true or false, not {value!r}") from None
