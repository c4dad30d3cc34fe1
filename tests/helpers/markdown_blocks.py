"""The blocks of code in README and docs, and why some of them are not run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "MODEL_CARD.md", ROOT / "SECURITY.md", *sorted(ROOT.glob("docs/**/*.md"))]

FENCES = RawFencedCodeBlockLexer(re.compile(r"(?P<language>[^\n]*)\n"))
NOT_RUN = re.compile(r"<!-- not run: (?:`(?P<fragment>[^`]+)`: )?(?P<reason>[^>]+?) -->")
BEFORE = re.compile(NOT_RUN.pattern + r"\s*\Z")
RESULT = re.compile(r" # (\w+\.\w+)[,:] ")
EVALUATE = PythonEvaluator()


@dataclass(frozen=True)
class Command:
    """One command of a shell, as a page shows it."""

    text: str
    """Without the comment behind it."""
    words: tuple[str, ...]
    page: Path
    result: str | None
    """The file that it writes, where the comment behind it begins with its name."""
    reason: str | None
    """Why it is not run."""

    @property
    def ours(self) -> tuple[str, ...] | None:
        """What follows our command's name, also in a container or as what another program starts."""
        for i, word in enumerate(self.words):
            if word == "transparent-background":
                return self.words[i + 1 :]
            if word == "transparent-background-gui":
                return ("serve", "--open", *self.words[i + 1 :])
            if word == "transparent_background" and self.words[i - 1] == "-m":
                return self.words[i + 1 :]
            image = word.startswith("transparent-background:") and "run" in self.words[:i]
            if image and self.words[i + 1 :]:
                return self.words[i + 1 :]
        return None


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    page: Path
    line: int
    language: str
    source: str
    reason: str | None
    """Why it is not run: what the comment before it says."""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def commands(self) -> list[Command]:
        """The commands of a block without a language."""
        if self.language not in ("", "sh", "console"):
            return []
        lines = self.source.replace("\\\n", " ").splitlines()
        parts = [part.strip() for line in lines for part in re.split(r" && (?=\w)", _inner(line))]
        found = [(part, tuple(shlex.split(part, comments=True))) for part in parts]
        reasons = reasons_of(self.page)
        return [
            Command(
                re.sub(r"\s+# .*", "", text),
                words,
                self.page,
                match[1] if (match := RESULT.search(text)) else None,
                self.reason or next((why for fragment, why in reasons if fragment in text), None),
            )
            for text, words in found
            if words
        ]


def _inner(line: str) -> str:
    """Return what a shell evaluates: ``eval "$(command)"`` is the command."""
    return re.sub(r'eval "\$\((.*)\)"', r"\1", line)


@cache
def blocks_of(page: Path) -> tuple[Block, ...]:
    """Return a page's blocks of code."""
    text = page.read_text("utf-8")
    document = Document(text, str(page))
    found = []
    for region in FENCES(document):
        comment = BEFORE.search(text, 0, region.start)
        reason = comment["reason"] if comment and not comment["fragment"] else None
        line = text.count("\n", 0, region.start) + 1
        source = str(region.lexemes["source"])
        found.append(Block(page, line, region.lexemes["language"].strip(), source, reason))
    return tuple(found)


@cache
def reasons_of(page: Path) -> tuple[tuple[str, str], ...]:
    """Return which commands of a page are not run: what they hold, and why."""
    found = NOT_RUN.finditer(page.read_text("utf-8"))
    return tuple((match["fragment"], match["reason"]) for match in found if match["fragment"])


def all_blocks(*languages: str) -> list[Block]:
    """Return the blocks of all pages, or those of some languages."""
    found = [block for page in PAGES for block in blocks_of(page)]
    return [block for block in found if block.language in languages] if languages else found


def all_commands() -> list[Command]:
    """Return the commands of all pages."""
    return [command for block in all_blocks() for command in block.commands]


def python_examples(page: Path, namespace: dict[str, object]) -> Iterator[Example]:
    """Yield the runnable Python blocks of a page, which share a namespace."""
    document = Document(page.read_text("utf-8"), str(page))
    document.namespace.update(namespace)
    for region in FENCES(document):
        region.parsed, region.evaluator = region.lexemes["source"], EVALUATE
        document.add(Region(region.start, region.end, region.parsed, region.evaluator))
    runnable: Sequence[Block] = blocks_of(page)
    for block, example in zip(runnable, document.examples(), strict=True):
        if block.language == "python" and block.reason is None:
            yield example
