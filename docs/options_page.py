"""MkDocs reads this beside mkdocs.yml: it writes the tables of options.md from the options' declarations."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from transparent_background.cli.arguments import default_note
from transparent_background.options.declare import COMMAND, Option, declared
from transparent_background.options.groups import GROUPS

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PLACE = "<!-- the tables stand here -->"
DOORS = {"command": "command", "python": "Python", "http": "HTTP", "page": "page", "assistant": "assistants"}
SUBJECTS = {"picture": "pictures", "film": "films", "camera": "cameras"}


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Put the tables into their page."""
    return markdown.replace(PLACE, "\n".join(tables())) if page.file.src_uri == "options.md" else markdown


def tables() -> Iterator[str]:
    """Yield the lines of the tables."""
    seen: set[tuple[str, object]] = set()
    for title, cls in GROUPS:
        entries = [entry for entry in declared(cls).values() if (entry.flag, entry.default) not in seen]
        seen |= {(entry.flag, entry.default) for entry in entries}
        everywhere = any(entry.doors != COMMAND for entry in entries)
        columns = ["option", "meaning", *(["for", "offered by"] if everywhere else [])]
        yield from ("", f"## {title}", "", _row(columns), _row(["---"] * len(columns)))
        yield from (_row(_cells(entry)[: len(columns)]) for entry in entries)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(entry: Option) -> list[str]:
    flags = [*entry.short, f"--no-{entry.flag[2:]}" if entry.default is True else entry.flag]
    value = f" {entry.metavar}" if entry.metavar and entry.kind != "flag" else ""
    choices = f": {', '.join(f'`{word}`' for word in entry.choices)}" if entry.choices else ""
    default = default_note(entry).removeprefix(" (").removesuffix(")")
    old = ", ".join(f"`--{name.replace('_', '-')}`" for name in entry.old)
    notes = [_bounds(entry), default, f"formerly {old}" if old else ""]
    return [
        ", ".join(f"`{name}{value if name == flags[-1] else ''}`" for name in flags),
        "; ".join(filter(None, [f"{entry.help}{choices}", *notes])).replace("|", "\\|"),
        _listed(SUBJECTS, entry.subjects, "all sources"),
        _listed(DOORS, entry.doors, "everywhere"),
    ]


def _listed(words: Mapping[str, str], chosen: Collection[str] | None, every: str) -> str:
    """Return the words of what was chosen, or one for all of it."""
    found = [word for name, word in words.items() if name in (chosen or ())]
    return every if len(found) == len(words) else ", ".join(found)


def _bounds(entry: Option) -> str:
    words = {"at least": entry.least, "above": entry.above, "at most": entry.most}
    bounds = [f"{word} {bound:g}" for word, bound in words.items() if bound is not None]
    return ", ".join(bounds)
