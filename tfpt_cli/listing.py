"""Listings: the code that a person would write, in one framework, and the quantities it leaves behind.

A listing is a row of sections. The worker runs them one after another in one namespace and takes the quantities of
each; `script` joins the same sections, with a `print` for every quantity, into a file that runs on its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import NUMPY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.frameworks import Framework
    from tfpt_cli.results import Quantity, Way

# What every listing may import, whatever its framework.
_COMMON = {
    "math": "import math",
    "ml_dtypes": "import ml_dtypes",
    "functools": "import functools",
    **NUMPY.imports,
}
# Python reads an encoding out of a comment in the first two lines: a scenario's name must not stand there.
_HEAD = "# Written by `tfpt code`: this is what `tfpt check` runs.\n#\n"


@dataclass(frozen=True)
class Leaf:
    """One quantity that a section leaves: what it is, in which way it was computed, and the expression that holds it.

    `show` is what the script prints where the whole array would be too much to read.
    """

    quantity: Quantity
    way: Way
    expression: str
    show: str = ""


@dataclass(frozen=True)
class Section:
    """A few lines of source and what they leave.

    After a failed `required` section nothing else can run; where that section has a `group`, only the rest of its group cannot.
    `needs` names what the machine may lack; then the section is skipped, and what it would leave with it. A section does not run
    either where one of the groups that are named in `after` has failed.

    Under the name that it `keeps` the process keeps the variables as they are behind it, while there is room: a later listing of
    the same task may resume there.
    """

    source: str
    leaves: tuple[Leaf, ...] = ()
    required: bool = False
    needs: str = ""
    group: str = ""
    after: tuple[str, ...] = ()
    keeps: str = ""


@dataclass(frozen=True)
class Listing:
    """Source for one framework: its sections, imports first.

    `arrays` are put under their names before it runs: what an earlier round of the same scenario left. Those that are called
    `weights/conv.bias` are one dict, `weights`, which a script reads from the file beside it; its arrays are not changed, and
    the same object in the next listing of a process is not sent again. Of its sections a worker runs those whose places are in
    `ran`, all of them unless that is said; the script has them all.

    What its sections keep is kept for its `task`, a name that no other has. A listing that `resumes` one of these has those
    variables from the start, changed by whatever was done to them since, or none of them where the process has let them go.
    """

    framework: Framework
    sections: tuple[Section, ...]
    title: str = ""
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    ran: tuple[int, ...] | None = None
    task: str = ""
    resumes: str = ""

    @property
    def keys(self) -> list[tuple[Quantity, Way]]:
        """The (quantity, way) of everything that the listing leaves as it is run, in order."""
        return [(leaf.quantity, leaf.way) for place in self._running for leaf in self.sections[place].leaves]

    @property
    def _running(self) -> Sequence[int]:
        """The places of the sections that a worker runs."""
        return range(len(self.sections)) if self.ran is None else self.ran

    def split(self, place: int) -> tuple[Listing, Listing]:
        """Two listings of one script: of its sections one runs those before a place, one the imports and those from there."""
        return replace(self, ran=tuple(range(place))), replace(self, ran=(0, *range(place, len(self.sections))))

    def titled(self, title: str) -> Listing:
        """A copy with the title that its script says at its head, on one line, whatever a scenario is called."""
        return replace(self, title="".join(c if c.isprintable() else " " for c in " ".join(title.split())))

    def script(self) -> str:
        """The listing as a script that runs with plain `python` and prints its quantities.

        >>> from tfpt_cli.frameworks import FRAMEWORKS
        >>> print(listing(FRAMEWORKS["torch"], [Section("x = torch.zeros(2)")]).titled("zeros").script(), end="")
        # Written by `tfpt code`: this is what `tfpt check` runs.
        #
        # zeros
        import torch
        <BLANKLINE>
        x = torch.zeros(2)
        """
        return "\n".join(line for _, text in self._placed() for line in [text, ""]).rstrip() + "\n"

    def request(self) -> list[dict[str, Any]]:
        """What a worker is sent: the sections that it runs, each with the line of the script at which it starts."""
        placed = self._placed()
        return [
            {
                "source": section.source,
                "line": placed[place][0],
                "leaves": [[leaf.quantity, leaf.way, leaf.expression] for leaf in section.leaves],
                "required": section.required,
                "needs": section.needs,
                "group": section.group,
                "after": list(section.after),
                "keeps": section.keeps,
            }
            for place, section in ((place, self.sections[place]) for place in self._running)
        ]

    def files(self, stem: str) -> dict[str, dict[str, NDArray[Any]]]:
        """The arrays that a script reads, by the name of the file beside it: one for each dict of them."""
        found: dict[str, dict[str, NDArray[Any]]] = {}
        for name, array in self.arrays.items():
            group, slash, key = name.partition("/")
            found.setdefault(f"{stem}.{group}.npz" if slash else f"{stem}.npz", {})[key or name] = array
        return found

    def reading(self, stem: str) -> Listing:
        """A copy whose script reads its arrays from the files beside it, on the lines that say what is given."""
        first, *others = self.sections
        source = first.source
        for group in _groups(self.arrays):
            source = source.replace(_given(group), f'{group} = np.load("{stem}.{group}.npz")')
        return replace(self, sections=(replace(first, source=source), *others))

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
    return f"{leaf.quantity} by {leaf.way}:" if leaf.way else f"{leaf.quantity}:"


def listing(
    framework: Framework,
    sections: Iterable[Section],
    arrays: Mapping[str, NDArray[Any]] | None = None,
    *,
    task: str = "",
    resumes: str = "",
) -> Listing:
    """A listing of sections, with the imports that they need in a section of its own before them."""
    sections = list(sections)
    source = "\n".join(
        [s.source for s in sections] + [f"{leaf.show} {leaf.expression}" for s in sections for leaf in s.leaves]
    )
    known = {**_COMMON, **framework.imports}
    needed = {framework.module, *re.findall(rf"(?<![\w.])({'|'.join(known)})\.", source)}
    groups = _groups(arrays or {})
    needed |= {"np"} if groups else set()
    lines = [line for name, line in known.items() if name in needed]
    # A script has as many lines there, so that a line of a failure is a line of the script.
    lines += ["", *map(_given, groups)] if groups else []
    imports = Section("\n".join(lines), required=True)
    return Listing(framework, (imports, *sections), arrays=arrays or {}, task=task, resumes=resumes)


def _groups(arrays: Mapping[str, NDArray[Any]]) -> list[str]:
    """The dicts that arrays are in, by the part of their names before the slash."""
    return list(dict.fromkeys(name.partition("/")[0] for name in arrays if "/" in name))


def _given(group: str) -> str:
    return f"# {group} are given"
