"""The target that reads scenario files."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from tests.fuzz.mutation import bytes_of, of_bytes, of_data, of_text, text_of, yaml_text
from tests.fuzz.seeds import loaded, shipped_data, shipped_texts, some_code
from tests.fuzz.watching import ROOT, Target
from tfpt_cli.documents.document import documents
from tfpt_cli.documents.source import source_of
from tfpt_cli.frameworks import SIDES
from tfpt_cli.results import Comparison, Problem, SideValue, State, Verdict
from tfpt_cli.scenario.scenario import Scenario, read_document

if TYPE_CHECKING:
    from random import Random


# As if it lay among the shipped scenarios, whose own Python files may be read.
FILE = str(ROOT / "scenarios" / "fuzzed.yaml")


def read_scenario(data: bytes) -> None:
    """Reads a scenario file as `tfpt check` does until a framework would start, and what it shows of what it has read."""
    source = source_of(FILE, io.BytesIO(data))
    if isinstance(source, Problem):
        _placed(source, "")
        return
    text = source.stream.read()
    kind = zlib.crc32(data)
    found, problems = documents(FILE, text)
    for document in found:
        scenarios, more = read_document(document, allow_code=kind % 2 == 0)
        problems += more
        for scenario in scenarios[:1] + scenarios[-1:]:
            _shown(scenario, kind)
        _ = document.name, document.meaning
    again = documents(FILE, text)[0] if problems else []  # what is wrong was taken out of the others
    for problem in problems[:20]:
        _placed(problem, text)
        for document in again[:1]:
            document.at(document.path_at(problem.line, problem.column)[0])


def _placed(problem: Problem, text: str) -> None:
    """A problem has a place in the file, and words that can be printed."""
    assert problem.file == FILE
    assert problem.message.strip(), problem
    assert str(problem).isprintable(), problem
    if text:
        assert 1 <= problem.line <= len(text.splitlines()) + 1, problem
        assert problem.column >= 1, problem


def _shown(scenario: Scenario, kind: int) -> None:
    """What tfpt makes of a scenario that it has read: its code, and which known differences stand in it."""
    _ = scenario.title, scenario.id, scenario.task.headline(SIDES)
    scenario.listings(SIDES)
    if kind % 8 == 0 and not scenario.task.open_ended:
        sides = {side: SideValue(State.PRESENT) for side in SIDES}
        found = [Comparison(quantity, Verdict.DIFFERS, sides) for quantity in list(scenario.task.quantities())[:2]]
        scenario.explanations(scenario.explained(found, {}))


def another_scenario(data: bytes, random: Random) -> bytes:
    """Another scenario file of one: other data, another text, other bytes; or of two, one behind the other."""
    text = text_of(data)
    kind = random.random()
    if kind < 0.6:
        of = random.choice(shipped_data()) if kind < 0.5 else loaded(text)
        if of is not None:
            text = yaml_text(of_data(of, random, shipped_data(), lambda word: of_text(word, random, some_code(random))))
    if kind > 0.95:
        text = f"{text}\n---\n{random.choice(shipped_texts())}"
    if kind > 0.45:
        text = of_text(text, random, shipped_texts())
    found = bytes_of(text)
    return of_bytes(found, random) if kind > 0.9 else found


TARGETS = (Target("scenario", read_scenario, another_scenario, lambda: [bytes_of(text) for text in shipped_texts()]),)
