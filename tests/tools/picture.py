"""Draw the README's picture, `.github/table.svg`: what `tfpt diff` prints, by rich's own export.

python tests/tools/picture.py
"""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from tfpt_cli.documents.document import documents
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.engine.session import check
from tfpt_cli.report.table import print_scenario
from tfpt_cli.scenario.scenario import read_document

if TYPE_CHECKING:
    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

TARGET = Path(__file__).parents[2] / ".github" / "table.svg"
WIDTH = 104
COMMAND = "tfpt diff --torch 'F.gelu(x)' --tensorflow 'keras.ops.gelu(x)' --at 'x=[-2, -1, 1, 2]'"
SCENARIO = """
name: F.gelu(x) and keras.ops.gelu(x)
gradient: {torch: F.gelu(x), tensorflow: keras.ops.gelu(x), at: {x: [-2, -1, 1, 2]}}
"""
THEME = TerminalTheme(
    (250, 250, 248),
    (40, 40, 40),
    [
        (40, 40, 40),
        (176, 32, 32),
        (20, 120, 60),
        (150, 100, 0),
        (30, 80, 160),
        (130, 40, 130),
        (0, 110, 120),
        (90, 90, 90),
    ],
)


class Drawing(Observer):
    """Draws the one scenario as it comes."""

    def __init__(self) -> None:
        self.console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, markup=False)
        self.environment: dict[str, str] = {}

    def started(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def finished(self, result: ScenarioResult) -> None:
        self.console.print(Text(f"$ {COMMAND}", "bold"))
        print_scenario(result, self.environment, self.console)


def scenario() -> Scenario:
    """The comparison of the picture, which is in no file."""
    found, _ = documents("the command line", SCENARIO)
    scenarios, problems = read_document(found[0])
    assert not problems
    return replace(scenarios[0], line=0)


def svg(drawing: Drawing) -> str:
    """The picture of what was drawn; it asks nothing of the network."""
    text = drawing.console.export_svg(title="tfpt", theme=THEME)
    return re.sub(r"@font-face \{.*?\}", "", text, flags=re.DOTALL)


def words(picture: str) -> list[str]:
    """The text of a picture in its order, without what depends on the machine and the versions: numbers, and the bars' sizes."""
    texts = [html.unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", picture)]
    lines = (re.sub(r"[-\d.e+]+", "#", text).split() for text in texts)
    return [word for line in lines for word in line]


def main() -> None:
    drawing = Drawing()
    check(Options(generated=[[scenario()]]), drawing)
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(svg(drawing), encoding="utf-8")


if __name__ == "__main__":
    main()
