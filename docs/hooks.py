"""MkDocs reads this beside mkdocs.yml: it adds pages from outside docs/ and adapts links to the site.

Every page is plain Markdown that reads well on a code host, where links follow the folders of the repository.
On the site README.md is the home page, so links are rewritten from one order to the other.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent

OUTSIDE = {
    "README.md": "index.md",
    "MODEL_CARD.md": "model-card.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "LICENSE": "licence.md",
    "samples/CREDITS.md": "credits.md",
}
"""Files outside docs/, and what they are called on the site."""

LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")
FENCE = re.compile(r"(^ *```.*?^ *```)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for path, name in OUTSIDE.items():
        text = (ROOT / path).read_text("utf-8")
        if path == "LICENSE":
            text = f"# Licence\n\n```text\n{text}```\n"
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite a page's links from the repository's folders to the site's."""
    site_path = page.file.src_uri
    path = next((path for path, name in OUTSIDE.items() if name == site_path), f"docs/{site_path}")

    def moved(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), link[1]))
        target = OUTSIDE.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(target, posixpath.dirname(site_path) or ".")

    parts = FENCE.split(markdown)  # every second part is a block of code, which is left as it is
    parts[::2] = [LINK.sub(moved, part) for part in parts[::2]]
    return "".join(parts)
