"""Names in a listing that do not clash with a person's own."""

from __future__ import annotations

from collections.abc import Iterable


class Names:
    """Names for a listing's own variables: the plain word, or with an underscore where a person has taken it."""

    def __init__(self, taken: Iterable[str]) -> None:
        self.taken = frozenset(taken)

    def free(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        return name


def tuple_text(names: list[str]) -> str:
    """The left side that unpacks a sequence: `(a,)` or `a, b`."""
    return f"({names[0]},)" if len(names) == 1 else ", ".join(names)
