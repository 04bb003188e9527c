"""The README's commands, scenarios, tables and lists are kept true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT, SCENARIOS, warm_tfpt
from tests.tools import picture
from tfpt_cli.cli.commands import cli
from tfpt_cli.dictionary.differences import differences
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.document import documents
from tfpt_cli.engine.options import Options
from tfpt_cli.results import Problem
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.scenario.schema import schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done
    from tfpt_cli.engine.session import Session

README = (ROOT / "README.md").read_text(encoding="utf-8")
FORMAT = (SCENARIOS / "README.md").read_text(encoding="utf-8")


def blocks(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return found


BLOCKS = blocks(README)
# Of what is YAML, the scenarios: the others are files of GitHub and of pre-commit.
EXAMPLES = [text for kind, text in BLOCKS + blocks(FORMAT) if kind == "yaml" and text.startswith("name:")]


def test_it_opens_with_two_commands_that_do_their_own_set_up() -> None:
    commands = [text.strip() for kind, text in BLOCKS[:2] if kind == "sh"]
    assert len(commands) == 2
    assert all(command.startswith("python3 -m venv .venv && .venv/bin/pip install") for command in commands)
    assert commands[0].endswith(".venv/bin/tfpt check scenarios/seed")
    assert commands[1].endswith(".venv/bin/python -m pytest")


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_scenario_in_it_is_valid(text: str) -> None:
    found, problems = documents("README.md", text)
    for document in found:
        scenarios, more = read_document(document)
        problems += more
        assert scenarios
    assert problems == list[Problem]()


@pytest.mark.parametrize(
    ("index", "arguments", "columns"),
    [
        (0, ["scenarios/seed", "-k", "constant and not natively"], "80"),
        (1, ["scenarios/init/linear.yaml", "-k", "slope"], "100"),
        (2, ["scenarios/gradient/where_traps.yaml", "-k", "square and root and part"], "100"),
    ],
)
def test_the_tables_are_the_real_ones(index: int, arguments: list[str], columns: str) -> None:
    """Character by character but for the numbers, the bars and the versions, which are the frameworks' own."""
    done = warm_tfpt("check", *arguments, columns=int(columns))
    table = [text for kind, text in BLOCKS + blocks(FORMAT) if kind == "text"][index]

    def shape(text: str) -> list[str]:
        lines = re.sub(r"[\u2581-\u2588]+|-?\d[\d.,e+-]*", "#", text).splitlines()
        return [" ".join(line.split()) for line in lines if " passed" not in line][:15]

    assert shape(done.out) == shape(table)


# A command and what it printed; the scenario in front of it is the file that it checks.
STORIES = re.findall(
    r"(?:`port\.yaml`:\n\n```yaml\n(.*?)```\n\n)?```console\n\$ (tfpt (?:[^\n\\]|\\\n)*)\n((?!\$).*?)```",
    README,
    re.DOTALL,
)


@pytest.mark.parametrize(("file", "command", "output"), STORIES)
def test_the_stories_are_real(file: str, command: str, output: str, tfpt: Callable[..., Done]) -> None:
    """Line by line but for the numbers, the bars and the time."""

    def shape(text: str) -> list[str]:
        text = re.sub(r"[\u2581-\u2588]+|-?\d[\d.,e+-]*", "#", text)
        return [" ".join(line.split()) for line in text.strip().splitlines() if " in # s (" not in line]

    if file:
        Path("port.yaml").write_text(file, encoding="utf-8")
    done = tfpt(*shlex.split(command.replace("\\\n", " "))[1:])
    assert done.code == 1
    assert shape(done.out) == shape(output)


def test_there_are_five_stories() -> None:
    assert len(STORIES) == 5


def test_the_picture_is_not_stale(session: Session) -> None:
    """`python tests/tools/picture.py` draws it; its text is what the command prints today."""
    drawing = picture.Drawing()
    session.check(Options(generated=[[picture.scenario()]]), drawing)
    assert picture.words(picture.svg(drawing)) == picture.words(picture.TARGET.read_text(encoding="utf-8"))


def test_it_names_every_key_command_option_and_array() -> None:
    keys = set(schema()["properties"])
    for subject in ("init", "gradient", "model"):
        keys |= set(schema()["properties"][subject]["properties"])
    for command in cli.commands.values():
        keys.add(f"tfpt {command.name}")
        keys |= {option for parameter in command.params for option in parameter.opts if option.startswith("-")}
    keys |= set(dictionary().arrays)
    keys -= {"--help", "--output", "layer"}  # by its short form, and in every example
    text = README + FORMAT
    # As a word of its own, since 'at' stands in `matrix`; or as a key in an example.
    whole = {key: rf"(?<![\w-]){re.escape(key)}(?![\w-])" for key in keys}
    places = {key: rf"`[^`\n]*{word}[^`\n]*`|^ +{word}: " for key, word in whole.items()}
    assert [key for key in sorted(keys) if not re.search(places[key], text, re.MULTILINE)] == []


def test_the_counts_are_those_of_the_dictionary() -> None:
    equal = sum(row.equal for row in differences().values())
    rows = dictionary()
    layers = [row for row in rows.layers.values() if row.parameters]
    assert f"| {len(layers)} layers and {len(rows.initializers)} initializers by name" in README
    assert f"| models | {len(rows.layers)} layers by name" in README
    assert f"| {len(rows.operations)} operations by name" in README
    assert f"| {len(differences()) - equal}, each" in README
    assert f"; {equal} more are believed to differ" in README


def test_what_it_names_is_there() -> None:
    for text, folder in ((README, ROOT), (FORMAT, SCENARIOS)):
        paths = re.findall(r"\]\(([^)#:]+)\)", text)
        assert [path for path in paths if not (folder / path).exists()] == []
    names = re.findall(r"tfpt explain ([a-z][\w-]+)", README)
    assert names
    assert set(names) <= set(differences())


def test_ci_calls_the_test_command_of_the_readme() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in ci
    assert "-m pytest" in ci


def test_no_merge_left_its_marks() -> None:
    texts = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md"), *ROOT.glob("*/*/*.md")]
    assert len(texts) >= 4
    assert [path for path in texts if re.search(r"^(<{7}|>{7}) ", path.read_text(encoding="utf-8"), re.MULTILINE)] == []
