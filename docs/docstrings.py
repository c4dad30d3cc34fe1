"""Brings docstrings to Markdown for the API reference: they mark names the way Sphinx does."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r":\w+:`~?\.?([^`]+)`")
LITERAL = re.compile(r"^(.*):: *$", re.MULTILINE)


class SphinxMarkup(Extension):
    """Names in roles (``:class:`Remover```) become code, and ``::`` a plain end of its line."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Rewrite one docstring."""
        if obj.docstring:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = LITERAL.sub(lambda line: f"{line[1]}:" if line[1] else "", text)
