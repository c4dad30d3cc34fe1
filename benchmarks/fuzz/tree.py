"""A file that was taken apart into a tree of its parts."""

from __future__ import annotations

from dataclasses import dataclass, field

from .parts import Part, Structure, structure_of


@dataclass(slots=True)
class Tree:
    """A file that was taken apart."""

    parts: list[Part] = field(default_factory=list)
    structure: Structure | None = None

    @classmethod
    def of(cls, data: bytes) -> Tree | None:
        """Take a file apart; None if it has no structure that is known."""
        structure = structure_of(data)
        if structure is None:
            return None
        return cls(structure.split(data), structure)

    def lists(self) -> list[list[Part]]:
        """Return every list of parts in it, the outermost first."""
        found, todo = [], [self.parts]
        while todo:
            parts = todo.pop(0)
            found.append(parts)
            todo += [part.children for part in parts if part.children]
        return found

    def bytes(self) -> bytes:
        """Put it together."""
        assert self.structure is not None
        return self.structure.join(self.parts)
