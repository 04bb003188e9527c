"""Listings: the code that a person would write, in one framework, and the quantities it leaves behind.

A listing is a row of sections. The worker runs them one after another in one namespace and takes the quantities of
each; `script` joins the same sections, with a `print` for every quantity, into a file that runs on its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_IMPORTS = {
    "math": "import math",
    "ml_dtypes": "import ml_dtypes",
    "functools": "import functools",
    "mpmath": "import mpmath",
    "np": "import numpy as np",
    "scipy": "import scipy",
    "keras": "import keras",
    "tf": "import tensorflow as tf",
    "torch": "import torch",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
}
# Python reads an encoding out of a comment in the first two lines: a scenario's name must not stand there.
_HEAD = "# Written by `tfpt code`: this is what `tfpt check` runs.\n#\n"
_NEEDED = {"torch": {"torch"}, "tensorflow": {"tf"}, "reference": {"np"}}
_USED = re.compile(rf"(?<![\w.])({'|'.join(_IMPORTS)})\.")


@dataclass(frozen=True)
class Leaf:
    """One quantity that a section leaves: its name, how it was computed, and the expression that holds it.

    `show` is what the script prints where the whole array would be too much to read.
    """

    quantity: str
    how: str
    expression: str
    show: str = ""


@dataclass(frozen=True)
class Section:
    """A few lines of source and what they leave. After a failed `required` section nothing else can run.

    Of a section with a `group` that is only the rest of its group. `needs` names what the machine may lack; then the
    section is skipped, and what it would leave with it. It does not run where one of the groups `after` which it stands failed.
    """

    source: str
    leaves: tuple[Leaf, ...] = ()
    required: bool = False
    needs: str = ""
    group: str = ""
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """Source for one framework: its sections, imports first."""

    framework: str
    title: str
    sections: tuple[Section, ...] = field(default=())

    @property
    def keys(self) -> list[tuple[str, str]]:
        """The (quantity, how) of everything that the listing leaves, in order."""
        return [(leaf.quantity, leaf.how) for section in self.sections for leaf in section.leaves]

    def script(self) -> str:
        """The listing as a script that runs with plain `python` and prints its quantities."""
        return "\n".join(line for _, text in self._placed() for line in [text, ""]).rstrip() + "\n"

    def request(self) -> list[dict[str, Any]]:
        """What a worker is sent: the sections, each with the line of the script at which it starts."""
        return [
            {
                "source": section.source,
                "line": line,
                "leaves": [[leaf.quantity, leaf.how, leaf.expression] for leaf in section.leaves],
                "required": section.required,
                "needs": section.needs,
                "group": section.group,
                "after": list(section.after),
            }
            for (line, _), section in zip(self._placed(), self.sections, strict=True)
        ]

    def _placed(self) -> list[tuple[int, str]]:
        """Each section's first line in the script, and its text with the prints."""
        placed, line = [], 1
        for index, section in enumerate(self.sections):
            head = _HEAD + f"# {self.title}\n" if index == 0 else ""
            prints = [f"print({_label(leaf)!r}, {leaf.show or leaf.expression})" for leaf in section.leaves]
            text = head + "\n".join([section.source, *prints])
            placed.append((line + head.count("\n"), text))
            line += text.count("\n") + 2
        return placed


def _label(leaf: Leaf) -> str:
    return f"{leaf.quantity} by {leaf.how}:" if leaf.how else f"{leaf.quantity}:"


def listing(framework: str, title: str, sections: list[Section]) -> Listing:
    """A listing with the imports that its sections need."""
    source = "\n".join(
        [s.source for s in sections] + [f"{leaf.show} {leaf.expression}" for s in sections for leaf in s.leaves]
    )
    needed = set(_USED.findall(source)) | _NEEDED[framework]
    imports = Section("\n".join(line for name, line in _IMPORTS.items() if name in needed), required=True)
    one_line = "".join(c if c.isprintable() else " " for c in " ".join(title.split()))
    return Listing(framework, one_line, (imports, *sections))
