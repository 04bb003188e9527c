"""The scenarios that come with tfpt as they are written: to be shown, counted, and written out as a start."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import yaml
import yamlcore

from tfpt_cli.documents.shipped import shipped_scenarios

if TYPE_CHECKING:
    from collections.abc import Mapping

# Unindented, this ends a document wherever it stands.
_BETWEEN = re.compile(r"^---[ \t]*\n", re.MULTILINE)
_ABOUT = re.compile(r"\A(?:(?:#.*)?\n)*")


@dataclass(frozen=True)
class ShippedScenario:
    """One scenario of a shipped file: its text as it stands there, its name and its tags.

    `file` is the path below `scenarios/`, `line` the one on which the text begins, `differs` whether it expects anything but
    agreement.
    """

    file: str
    line: int
    name: str
    text: str
    tags: tuple[str, ...]
    differs: bool


@cache
def shipped_file_scenarios(file: str) -> tuple[ShippedScenario, ...]:
    """The scenarios of a file below `scenarios/`, such as `init/linear.yaml`, in their order."""
    found, line = [], 1
    for piece in _BETWEEN.split((shipped_scenarios() / file).read_text(encoding="utf-8")):
        data = yaml.load(piece, Loader=yamlcore.CCoreLoader)  # noqa: S506 - builds plain data only
        # Before the first one stands what the file is about.
        text = _ABOUT.sub("", piece) if line == 1 else piece
        begin = line + piece[: len(piece) - len(text)].count("\n")
        tags, differs = tuple(data.get("tags", ())), data.get("expect", "agree") != "agree"
        found.append(ShippedScenario(file, begin, data["name"], text.strip("\n") + "\n", tags, differs))
        line += piece.count("\n") + 1
    return tuple(found)


def shown_by(name: str, file: str) -> tuple[ShippedScenario, ...]:
    """The scenarios of a shipped file that show a known difference: those that are tagged with its id."""
    return tuple(scenario for scenario in shipped_file_scenarios(file) if name in scenario.tags)


def shipped_counts() -> Mapping[str, int]:
    """How many shipped scenarios are tagged with each word, such as the id of a known difference."""
    folder = shipped_scenarios()
    files = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.yaml")))
    return Counter(tag for file in files for scenario in shipped_file_scenarios(file) for tag in scenario.tags)
