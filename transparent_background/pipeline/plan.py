"""What becomes of each source: the name of its result, why some are left out, and how it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, TypeAlias

from ..errors import UsageError
from ..media.atomic import file_key, file_keys
from ..media.sources import LeftOut, Source, SourceList
from ..media.video.containers import film_format, is_pattern, is_sequence
from ..options.result_types import Levels, Rgba
from ..options.settings import Settings
from ..options.suffixes import FILM_SUFFIXES, format_of
from ..types import Size

if TYPE_CHECKING:
    from ..films.outputs import Targets
    from ..films.report import FilmReport, VideoProgress

Status: TypeAlias = Literal["done", "skipped", "failed"]
FilmProgress: TypeAlias = Callable[[str, "VideoProgress"], None]
"""Called with a film's name and how far it is."""


@dataclass(frozen=True, slots=True)
class Task:
    """One source and where its result goes."""

    source: Source
    destination: Path | None
    """The file to write; None: standard output."""
    format: str
    """Pillow's name of the result's format; of a film, its container or ``pictures``."""
    targets: Targets | None = None
    """How a film is written; None for pictures."""
    settings: Settings | None = None
    """What is made of it; None: what is made of every source."""
    beside: tuple[Task, ...] = ()
    """More results of the same matte."""

    @property
    def paths(self) -> list[Path]:
        """All files that it writes: of a film also its matte and its foreground."""
        if self.targets is not None:
            return [Path(os.path.normpath(target.path)) for target in self.targets.files.values()]
        return [each.destination for each in (self, *self.beside) if each.destination is not None]


@dataclass(slots=True)
class Plan:
    """What will be done, and what will not."""

    tasks: list[Task] = field(default_factory=list)
    skipped: list[Task] = field(default_factory=list)
    """Tasks whose results are there already and newer than their sources."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Sources that cannot be done, and a line that says why."""
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one source."""

    source: str
    status: Status
    result: str | None = None
    """The file that was written; ``-`` for standard output."""
    size: Size | None = None
    """(height, width) of the result."""
    error: str | None = None
    beside: tuple[str, ...] = ()
    """Further files that were written of it."""
    film: FilmReport | None = None
    """What became of a film."""


@dataclass(slots=True)
class Summary:
    """What became of all sources, in their order."""

    outcomes: list[Outcome] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    """Files that nothing was done with."""
    seconds: float = 0.0
    stopped: str | None = None
    """Why the rest was not tried."""

    def add(self, later: Summary) -> None:
        """Add a later run; a source that was done again counts as it ended last."""
        again = {outcome.source for outcome in later.outcomes}
        self.outcomes = [each for each in self.outcomes if each.source not in again] + later.outcomes
        self.left_out += later.left_out
        self.seconds += later.seconds

    def count(self, status: Status) -> int:
        """Return how many sources ended with a status."""
        return sum(outcome.status == status for outcome in self.outcomes)


def make_plan(
    sources: SourceList,
    settings: Settings,
    dest: str | None,
    *,
    further: Sequence[Settings] = (),
    skip_existing: bool = False,
    taken: Mapping[str, str] | None = None,
) -> Plan:
    """Decide where every result goes.

    Parameters
    ----------
    dest
        A folder; with one source also a picture's file name, or ``-`` for standard output. None: a
        folder named like the source folder in the current one, or the current one for single files.
    further
        For more results of each picture, of other types.
    skip_existing
        Whether sources whose results are there and newer are left out.
    taken
        Of earlier plans: results, as :func:`file_key` names them, and the names of their sources.

    Returns
    -------
    Plan
        A result never takes the place of a source: such a source is refused. Of sources that differ in
        their suffix only, the first by suffix has the usual name and the others have theirs in it
        (``a_rgba.png`` of ``a.jpg``, ``a_png_rgba.png`` of ``a.png``); further results of one name are
        refused. In a folder, files named like another's result are left out.

    Raises
    ------
    UsageError
        ``dest`` does not fit the sources, or the format can't be written.
    """
    plan = Plan(left_out=list(sources.left_out), refused=list(sources.missing))
    workable = [source for source in sources.items if _workable(source, plan, settings)]
    count = len(sources.items)
    tasks = [_task(source, settings, dest, count, further) for source in workable]
    labels = _labels(tasks, taken or {})
    tasks = [
        _task(task.source, settings, dest, count, further, label) if (label := labels.get(id(task))) else task
        for task in tasks
    ]
    results = {file_key(path): task for task in tasks for path in task.paths}
    tasks = [task for task in tasks if not _is_result(task, results, plan)]
    inputs = {key for task in tasks if task.source.path for key in file_keys(task.source.path)}
    names: dict[str, Task] = {}
    for task in tasks:
        reason = _conflict(task, inputs, names)
        if reason is not None:
            plan.refused.append((task.source.name, f"{task.source.name}: {reason}"))
        else:
            (plan.skipped if skip_existing and _is_newer(task) else plan.tasks).append(task)
    return plan


def _labels(tasks: list[Task], taken: Mapping[str, str]) -> dict[int, str]:
    """Return what is put into the results' names of tasks that would have another's, by their ids."""
    labels: dict[int, str] = {}
    same: dict[str, list[Task]] = {}
    for task in tasks:
        if task.destination is not None and task.source.path is not None:
            same.setdefault(file_key(task.destination), []).append(task)
    for key, group in same.items():
        first = min(task.source.relative.suffix.lower() for task in group)
        for task in group:
            suffix = task.source.relative.suffix.lower()
            if taken[key] != task.source.name if key in taken else suffix != first:
                labels[id(task)] = f"_{suffix[1:]}"
    return labels


def _workable(source: Source, plan: Plan, settings: Settings) -> bool:
    """Sort out what cannot be done, with a reason."""
    if source.kind != "picture" or _is_film(source, settings) or _writes_pictures(settings):
        return True
    reason = f"a picture cannot be written as {settings.format}"
    if source.path is not None and source.root is not None:
        plan.left_out.append(LeftOut(source.path, reason))
    else:
        plan.refused.append((source.name, f"{source.name}: {reason}"))
    return False


def _writes_pictures(settings: Settings) -> bool:
    return settings.format is None or format_of(settings.format) is not None


def _is_film(source: Source, settings: Settings) -> bool:
    """Whether a source is worked on as a film: a film, or an animated picture that becomes one."""
    if source.kind == "film":
        return True
    if source.kind == "picture" and source.path is not None:
        moving = source.path.suffix.lower() in (".gif", ".apng", ".webp", ".png", ".avif")
        return moving and not _writes_pictures(settings)
    return False


def _task(
    source: Source,
    settings: Settings,
    dest: str | None,
    count: int,
    further: Sequence[Settings],
    label: str = "",
) -> Task:
    """Name the results of one source, its label behind its own name, and choose how they are written."""
    task = _one(source, settings, dest, count, label)
    if not further:
        return task
    if task.targets is not None:
        raise UsageError(f"{source.name}: a film has one type at a time; --matte writes its matte as well")
    if task.destination is None or _named_file(dest, film=False) is not None:
        raise UsageError(f"--dest {dest or '-'}: is one file, but several types are asked for; give a folder")
    others = (replace(_one(source, each, dest, count, label), settings=each) for each in further)
    return replace(task, beside=tuple(others))


def _one(source: Source, settings: Settings, dest: str | None, count: int, label: str) -> Task:
    """Name one result of a source."""
    film = _is_film(source, settings) or (source.kind == "stdin" and _film_dest(dest, settings))
    if dest == "-" or (dest is None and source.kind == "stdin" and not film):
        if film:
            raise UsageError("a film cannot go to standard output; give --dest FILE")
        if count > 1:
            raise UsageError("standard output takes one result; give one source, or --dest FOLDER")
        return Task(source, None, format_of(settings.format or "png") or "PNG")
    path = _named_file(dest, film=film)
    if path is None:
        path = _folder(source, dest) / _name(source, settings, label, film=film)
    elif count > 1 or source.root is not None:
        raise UsageError(f"--dest {dest}: is one file, but there are several sources")
    path = Path(os.path.normpath(path))  # comparable: no "." in front
    if film and isinstance(settings.type, Levels):
        raise UsageError(f"{source.name}: type debug is made of pictures, not of films")
    if not film:
        return Task(source, path, format_of(settings.format or path.suffix) or "PNG")
    from ..films.outputs import plan_targets  # and OpenCV, which photos do not wait for here

    targets = plan_targets(path, None if "%" in path.name else settings.format, settings)
    kind = targets.files["result"].encoding
    return Task(source, path, "pictures" if kind is None else kind.container.muxer, targets)


def _named_file(dest: str | None, *, film: bool) -> Path | None:
    """Return the file that ``dest`` names, None if it is a folder."""
    path = None if dest is None else Path(dest).expanduser()
    if path is None or path.is_dir():
        return None
    name, suffix = path.name, path.suffix.lower()
    if film:
        return path if film_format(name) or is_sequence(name) or suffix in FILM_SUFFIXES else None
    return path if suffix and format_of(name) else None


def _name(source: Source, settings: Settings, label: str, *, film: bool) -> str:
    """Name a result after its source."""
    if film:
        from ..films.outputs import film_name, film_stem

        stem = film_stem("stdin" if source.kind == "stdin" else source.relative.name)
        return film_name(f"{stem}{label}", settings)
    stem = "stdin" if source.path is None else source.path.stem
    return f"{stem}{label}{settings.tag}.{_extension(source, settings)}"


def _film_dest(dest: str | None, settings: Settings) -> bool:
    """Whether a result that is named so, or of that format, is a film and nothing else."""
    name = settings.format or (dest if dest not in (None, "-") else None)
    if name is None:
        return False
    film = film_format(name) is not None and format_of(name) is None
    return film or is_pattern(PurePath(name).name)


def _extension(source: Source, settings: Settings) -> str:
    if settings.format is not None:
        return settings.format.lstrip(".").lower()
    own = "" if source.path is None else source.path.suffix[1:]
    if isinstance(settings.type, Rgba) or not own or format_of(own) is None:
        return "png"
    return own


def _folder(source: Source, dest: str | None) -> Path:
    own = "" if source.root is None else Path(os.path.realpath(source.root)).name
    return (Path(own) if dest is None else Path(dest).expanduser()) / source.relative.parent


def _is_result(task: Task, results: dict[str, Task], plan: Plan) -> bool:
    """Leave out what an earlier run has written into the folder that is worked on."""
    path = task.source.path
    maker = results.get(file_key(path)) if path is not None and task.source.root is not None else None
    if path is None or maker is None or maker is task:
        return False
    plan.left_out.append(LeftOut(path, f"has the name of the result of {maker.source.name}"))
    return True


def _conflict(task: Task, inputs: set[object], taken: dict[str, Task]) -> str | None:
    """Say why a result cannot go where it would, None if it can; note the names that it takes."""
    reason = None
    for path in task.paths:
        key = file_key(path)
        if not inputs.isdisjoint(file_keys(path)):
            reason = f"its result {path} would overwrite a source; choose another name or --dest"
        elif taken.get(key) is task:
            reason = f"two of its results would have the name {path}; choose another one"
        elif key in taken:
            other = taken[key].source.name
            reason = f"its result would have the name of that of {other} ({path}); rename one"
        taken.setdefault(key, task)
    return reason


def _is_newer(task: Task) -> bool:
    if task.destination is None or task.source.path is None:
        return False
    try:
        made = task.source.path.stat().st_mtime
        return all(path.stat().st_mtime >= made for path in task.paths)
    except OSError:
        return False
