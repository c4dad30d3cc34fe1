"""The package is built as CONTRIBUTING.md says: rooms in layers, no circles, nothing that is too long.

Every import counts: those inside functions and those for type checkers too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "transparent_background"

FACADE = {"__init__", "__main__", "_version", "errors", "remover", "types"}
"""The only modules that lie loose in the package's root."""

LINES = 350
DATA_FILES: set[str] = set()
"""Python files that are long because they hold data, not because they do much."""

PARAMETERS = 12
DOCUMENTED = {"live.camera.Camera.__init__"}
"""Public functions whose keywords are a user's options, each of them documented."""

STANDARD_LIBRARY_ONLY = ("options", "errors", "types", "_version")
"""Rooms that are loaded before it is known what there is to do."""


@cache
def modules() -> dict[str, Path]:
    """Return the files of the package by their dotted names."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        *folders, name = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(folders if name == "__init__" else (*folders, name))] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imports(module: str) -> Iterator[str]:
    """Yield what a module imports, by its full name: ``from a import b`` is ``a.b`` if that is a module."""
    package = module if modules()[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            source = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                yield inner if inner in modules() else source


@cache
def graph() -> dict[str, set[str]]:
    """Return which modules of the package each one imports."""
    return {
        module: {name for name in imports(module) if name in modules()} - {module} for module in modules()
    }


def room(module: str) -> str:
    """Return the folder or file of the package's root that a module is or lies in."""
    return module.split(".")[1] if "." in module else "__init__"


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of nodes that reach each other (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in arrows[node]:
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in arrows:
        if node not in index:
            visit(node)
    return sorted(found)


def contract(name: str) -> dict:
    """Return a contract of import-linter, which holds the same in the gate."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    return next(entry for entry in settings["contracts"] if entry["id"] == name)


def layers() -> dict[str, int]:
    """Return the height of every room, the highest first."""
    lines = contract("layers")["layers"]
    return {name.strip(): height for height, line in enumerate(lines) for name in line.split(":")}


def functions() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, bool]]:
    """Yield every function: its name within the package, its code, whether it is a method."""

    def inside(node: ast.AST, name: str, in_class: bool) -> Iterator:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                full = f"{name}.{child.name}"
                if not isinstance(child, ast.ClassDef):
                    yield full, child, in_class
                yield from inside(child, full, isinstance(child, ast.ClassDef))
            else:
                yield from inside(child, name, in_class)

    for module in modules():
        yield from inside(tree(module), module.removeprefix(f"{PACKAGE}."), False)


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef, method: bool) -> int:
    """Count what a caller can give: not ``self`` or ``cls``."""
    given = function.args
    bound = method and not any(getattr(d, "id", "") == "staticmethod" for d in function.decorator_list)
    many = (given.vararg is not None) + (given.kwarg is not None)
    return len(given.posonlyargs + given.args + given.kwonlyargs) + many - bound


def none(found: Iterable[str]) -> None:
    """Fail with a line for each thing that was found."""
    lines = sorted(found)
    assert not lines, "\n".join(["", *lines])


def test_what_is_read_here_is_the_package() -> None:
    import transparent_background.remover

    assert Path(transparent_background.remover.__file__) in modules().values()
    assert f"{PACKAGE}.remover" in graph()[PACKAGE]  # imported for type checkers only
    assert f"{PACKAGE}.cli" in graph()[f"{PACKAGE}.__main__"]


def test_no_two_files_import_each_other_nor_in_a_circle() -> None:
    none(" <-> ".join(circle) for circle in circles(graph()))


def test_no_two_rooms_import_each_other_nor_in_a_circle() -> None:
    arrows = {room(module): set[str]() for module in modules()}
    for module, imported in graph().items():
        arrows[room(module)] |= {room(other) for other in imported}
    none(" <-> ".join(circle) for circle in circles(arrows))


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a", "e"}, "e": {"f"}, "f": {"d"}}) == [
        ["b", "c"],
        ["d", "e", "f"],
    ]


def test_the_root_holds_the_facade_only() -> None:
    loose = {path.stem for path in (ROOT / PACKAGE).glob("*.py")}
    assert loose == FACADE
    folders = {path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")}
    assert folders | loose == set(layers()) | {"__init__", "__main__"}


def test_imports_between_rooms_point_down() -> None:
    height = layers()
    none(
        f"{module} -> {other}"
        for module, imported in graph().items()
        for other in imported
        if module not in (PACKAGE, f"{PACKAGE}.__main__")
        and height.get(room(other), -1) < height.get(room(module), -1)
    )


@pytest.mark.parametrize("name", STANDARD_LIBRARY_ONLY)
def test_what_every_start_loads_needs_the_standard_library_only(name: str) -> None:
    """But for imports inside functions, which are made when the function is called."""
    none(
        f"{module} -> {source}"
        for module in modules()
        if room(module) == name
        for node in tree(module).body
        for source in _names(node)
        if source.partition(".")[0] not in sys.stdlib_module_names
    )


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_no_file_is_long() -> None:
    files = [
        *modules().values(),
        *(ROOT / "benchmarks").rglob("*.py"),
        *(ROOT / "training").rglob("*.py"),
        *(ROOT / PACKAGE / "web" / "page").glob("*.js"),
    ]
    lines = {path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines()) for path in files}
    long = {name for name, count in lines.items() if count > LINES}
    none(f"{name}: {lines[name]} lines" for name in long - DATA_FILES)
    assert long >= DATA_FILES  # no exception is kept that is not needed


def test_no_function_has_many_parameters() -> None:
    counts = {name: parameters(function, method) for name, function, method in functions()}
    many = {name for name, count in counts.items() if count > PARAMETERS}
    none(f"{name}: {counts[name]} parameters" for name in many - DOCUMENTED)
    assert many >= DOCUMENTED  # no exception is kept that is not needed


def test_documented_exceptions_name_every_parameter() -> None:
    for name, function, _ in functions():
        if name in DOCUMENTED:
            # a constructor's parameters are said by its class
            described = ast.get_docstring(function) or ""
            if function.name == "__init__":
                described = _class_docstring(name)
            given = function.args.posonlyargs + function.args.args + function.args.kwonlyargs
            unnamed = [a.arg for a in given if a.arg != "self" and a.arg not in described]
            assert not unnamed, name


def _class_docstring(name: str) -> str:
    module, class_name, _ = name.rsplit(".", 2)
    found = next(
        node
        for node in tree(f"{PACKAGE}.{module}").body
        if isinstance(node, ast.ClassDef) and node.name == class_name
    )
    return ast.get_docstring(found) or ""
