"""Documents to scenarios: the keys that every scenario has, the cases of its matrix, and its subject read by case."""

from __future__ import annotations

import ast
import itertools
import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.budget import BUDGET
from tfpt_cli.dictionary.conditions import Conditions, is_specifier
from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.documents.document import Document
from tfpt_cli.documents.reader import Reader, bad_name
from tfpt_cli.explain.causes import Stand, explained, stand_of
from tfpt_cli.frameworks import SIDES
from tfpt_cli.language.expression import parse
from tfpt_cli.results import Comparison, Problem, Tolerance, Unread, Verdict, scenario_id
from tfpt_cli.scenario.files import documents_of, unread
from tfpt_cli.scenario.schema_problems import structural_problems
from tfpt_cli.subjects.registry import SUBJECTS
from tfpt_cli.subjects.subject import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tfpt_cli.budget import Budget
    from tfpt_cli.documents.source import Source
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.listing import Listing
    from tfpt_cli.subjects.subject import Run, Task

MAX_CASES = 1_000
# Characters of expressions in all cases together: reading them takes a second or two.
MAX_TEXT = 300_000
MAX_PROBLEMS = 100


@dataclass(frozen=True)
class Scenario:
    """One case of a scenario, checked and ready to run; `data` is the document as it was written."""

    file: str
    line: int
    name: str
    case: dict[str, Any]
    subject: str
    task: Task
    tolerance: Tolerance | None
    expect: Any
    because: str
    tags: tuple[str, ...]
    data: dict[str, Any]
    conditions: Conditions = field(default_factory=Conditions)
    # All that the document says, which of its cases this is, from 0, of how many, and the full paths of the files that it names.
    meaning: str = ""
    case_number: int = 0
    case_count: int = 1
    named: tuple[str, ...] = ()

    def between(self, sides: Sides) -> Scenario:
        """The scenario as these sides are held against it: two versions of one framework are expected to agree."""
        first, second = sides
        return replace(self, expect="agree", because="") if first.framework is second.framework else self

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of its subject, as they were written."""
        found: dict[str, Any] = self.data[self.subject]
        return found

    @property
    def title(self) -> str:
        """The name, with the case where the scenario has several."""
        return f"{self.name} [{', '.join(f'{k}={v}' for k, v in self.case.items())}]" if self.case else self.name

    @property
    def id(self) -> str:
        """The id that tells it from all others of a run: file and title, where `x.yaml` and `./x.yaml` are one file."""
        return scenario_id(self.file, self.title)

    def run(self, sides: Sides, *, reference: bool = True) -> Run:
        """What its subject does with it: yields listings by side, is sent their outcomes, returns the comparisons."""
        return self.task.run(Terms(sides=sides, reference=reference, tolerance=self.tolerance, expect=self.expect))

    def listings(self, sides: Sides = SIDES, *, reference: bool = True) -> dict[Side, Listing]:
        """The listings of the first round that has any, by side, as `tfpt code` shows them.

        Of a subject whose code a run alone tells, those of its last run, which read their arrays from files beside the script.
        """
        place = f"{self.file}:{self.line}" if self.line else self.file
        found = self.task.ran()
        if not found:
            rounds = self.run(sides, reference=reference)
            found = next((asked.listings for asked in rounds if asked.listings), {})
        return {side: code.titled(f"{self.title}, {side.label} ({place})") for side, code in found.items()}

    def explained(self, comparisons: Sequence[Comparison], environment: Mapping[str, str]) -> list[Comparison]:
        """The comparisons of the two frameworks, each that does not agree with the known differences that explain it."""
        parted = {c.quantity for c in comparisons if not c.verdict.agrees}
        provenance = {quantity: self.task.provenance(quantity) for quantity in parted}
        found = [
            c if c.verdict.agrees else explained(c, provenance[c.quantity], environment, comparisons)
            for c in comparisons
        ]
        # What refuses a value refuses its derivatives too, in the same words.
        refused = {
            _refusal(c): c.known_differences for c in found if c.verdict is Verdict.ERROR and c.known_differences
        }
        return [
            replace(c, known_differences=refused.get(_refusal(c), ()))
            if c.verdict is Verdict.ERROR and not c.known_differences
            else c
            for c in found
        ]

    def explanations(self, comparisons: Sequence[Comparison]) -> list[Difference]:
        """The known differences that the comparisons name, with the scenario's own numbers in what they say to write."""
        rows = [
            differences()[name] for name in dict.fromkeys(name for c in comparisons for name in c.known_differences)
        ]
        return [row.standing_at(stand.numbers, stand.lines) for row in rows for stand in [self.stand(row)]]

    def stand(self, row: Difference) -> Stand:
        """Where a known difference stands in the scenario's code: the constants there, and the lines of a person's own files."""
        return stand_of(row, (self.task.provenance(quantity) for quantity in self.task.quantities()))


def _refusal(comparison: Comparison) -> tuple[str, ...]:
    return tuple(value.note for value in comparison.sides.values())


def load(
    file: str, source: Source | Problem | None = None, *, allow_code: bool = False, budget: Budget = BUDGET
) -> Iterator[list[Scenario] | Problem | Unread]:
    """The scenarios of a file, document by document (one list of cases each), and every problem in it.

    `source` is what `opened` gives of it, where that was asked before. A scenario that names a person's own function is a
    problem unless `allow_code`. A document over which tfpt itself fails, or its budget ends, is `Unread`; the others are read.
    """
    for found in documents_of(file, source, budget):
        if isinstance(found, Document):
            yield from scenarios_of(found, allow_code=allow_code, budget=budget)
        else:
            yield found


def scenarios_of(
    document: Document, *, allow_code: bool = False, budget: Budget = BUDGET
) -> Iterator[list[Scenario] | Problem | Unread]:
    """The cases of a document as one list, or every problem in it; `Unread` where tfpt fails over it, or the budget ends."""
    try:
        with budget.allowance():
            scenarios, problems = read_document(document, allow_code=allow_code)
    except Exception as error:  # a mistake of ours: the other documents are read
        yield unread(document, error)
        return
    yield from problems
    if scenarios and not problems:
        yield scenarios


def read_document(document: Document, *, allow_code: bool = False) -> tuple[list[Scenario], list[Problem]]:
    """The cases of a document, and every problem in it."""
    problems, wrong, unknown = structural_problems(document)
    if () in wrong and not isinstance(document.data, dict):
        return [], problems
    subjects = [name for name in SUBJECTS if name in document.data]
    if len(subjects) > 1:
        message = f"two subjects, '{subjects[0]}' and '{subjects[1]}'; write two scenarios, with '---' between them"
        problems.append(document.problem((subjects[1],), message, key=True))
        return [], problems
    if not subjects:
        if not unknown:
            problems.append(document.problem((), f"no subject: one of {', '.join(SUBJECTS)} is needed"))
        return [], problems
    problems += _common_problems(document, wrong)
    for *holder, key in unknown:
        document.at(tuple(holder)).pop(key, None)  # its value is of any kind
    if not _without(document, wrong, subjects[0]):
        return [], _ordered(problems)
    scenarios, found = _cases(document, subjects[0], allow_code)
    return scenarios, _ordered(problems + found)


def _without(document: Document, wrong: set[tuple[Any, ...]], subject: str) -> bool:
    """Takes what has a wrong structure out of a document, so that the rest can be read and all its problems found.

    False where too little is left: the subject, or one of its keys that the others need.
    """
    essential = SUBJECTS[subject].essential
    for path in filter(None, wrong):
        if path[:1] in ((subject,), ("matrix",)) and (len(path) == 1 or path[0] == "matrix" or path[1] in essential):
            return False
        holder = document.data[subject] if path[0] == subject else document.data
        holder.pop(path[1] if path[0] == subject else path[0], None)
    return True


def _ordered(problems: list[Problem]) -> list[Problem]:
    """In the order of the file, each once; of a hostile document's thousands the first hundred."""
    ordered = sorted(dict.fromkeys(problems))
    if len(ordered) <= MAX_PROBLEMS:
        return ordered
    last = ordered[MAX_PROBLEMS]
    return [*ordered[:MAX_PROBLEMS], replace(last, message=f"... and {len(ordered) - MAX_PROBLEMS:,} more problems")]


def _common_problems(document: Document, wrong: set[tuple[Any, ...]]) -> list[Problem]:
    data, problems = document.data, []
    expect = data.get("expect", "agree")
    unusual = [
        word for word in (expect.values() if isinstance(expect, dict) else [expect]) if word in ("differ", "error")
    ]
    for key, needed in (("expect", unusual), ("tolerance", "tolerance" in data)):
        if needed and "because" not in data:
            words = f"'expect: {unusual[0]}'" if key == "expect" else "a tolerance of its own"
            problems.append(document.problem((key,), f"{words} needs a 'because': say why", key=True))
    # NaN is no JSON number: the schema does not see it.
    problems += [
        document.problem(("tolerance", name), f"'{name}' must be a finite number of at least 0, got {value}")
        for name, value in (data["tolerance"].items() if isinstance(data.get("tolerance"), dict) else ())
        if isinstance(value, float) and not math.isfinite(value)
    ]
    versions = data.get("versions", {})
    problems += [
        document.problem(
            ("versions", package), f"'{specifier}' is no specifier of versions; write '>=2.8' or '>=2.8,<2.11'"
        )
        for package, specifier in (versions.items() if isinstance(versions, dict) else ())
        if isinstance(specifier, str) and not is_specifier(specifier)
    ]
    if ("matrix",) in wrong or not isinstance(data.get("matrix"), dict):
        return problems
    return problems + [
        document.problem(("matrix", name), f"'{name}' cannot name a matrix value: {why}", key=True)
        for name in data["matrix"]
        if (why := bad_name(name))
    ]


def _cases(document: Document, subject: str, allow_code: bool) -> tuple[list[Scenario], list[Problem]]:
    data = document.data
    matrix = data.get("matrix", {})
    count = math.prod(len(values) for values in matrix.values())
    if count > MAX_CASES:
        return [], [
            document.problem(
                ("matrix",), f"the matrix has {count:,} cases; at most {MAX_CASES:,} are allowed", key=True
            )
        ]
    size = count * sum(len(text) for text in _texts(data[subject]))
    if size > MAX_TEXT:
        what = f"{count:,} cases of this scenario are" if matrix else "this scenario is"
        words = f"{what} too much: {size:,} characters of expressions; at most {MAX_TEXT:,} are allowed"
        place = "matrix" if matrix else subject
        return [], [document.problem((place,), words if matrix else f"{words}, split it", key=True)]
    cases = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]
    scenarios: list[Scenario] = []
    by_problem: dict[Problem, list[dict[str, Any]]] = {}
    for number, case in enumerate(cases):
        reader = Reader(document=document, case=case, allow_code=allow_code)
        task = SUBJECTS[subject].read(reader, data.get("dtype", "float32"), int(data.get("seed", 0)))
        expect = data.get("expect", "agree")
        if task is not None and isinstance(expect, dict) and not task.open_ended:
            quantities = list(map(str, task.quantities()))
            for quantity in expect:
                reader.is_one_of(("expect", quantity), quantities, "quantity", quantity)
        for problem in dict.fromkeys(reader.problems):
            by_problem.setdefault(problem, []).append(case)
        if task is not None:
            scenarios.append(_scenario(reader, subject, task, number, len(cases)))
    problems = _unused(document, subject)
    for problem, seen_in in by_problem.items():
        where = "" if len(seen_in) == len(cases) else f" (in the case {_case_text(seen_in[0])})"
        problems.append(replace(problem, message=problem.message + where))
    return scenarios, problems


def _case_text(case: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in case.items())


def _scenario(reader: Reader, subject: str, task: Task, number: int, count: int) -> Scenario:
    document, data = reader.document, reader.document.data
    tolerance = data.get("tolerance")
    return Scenario(
        file=document.file,
        line=document.line,
        name=document.name,
        case=dict(reader.case),
        subject=subject,
        task=task,
        tolerance=Tolerance(tolerance["rtol"], tolerance["atol"]) if tolerance else None,
        expect=data.get("expect", "agree"),
        because=" ".join(str(data.get("because", "")).split()),
        tags=tuple(data.get("tags", ())),
        data=data,
        conditions=Conditions.written(data),
        meaning=document.meaning,
        case_number=number,
        case_count=count,
        named=tuple(dict.fromkeys(reader.named)),
    )


def _unused(document: Document, subject: str) -> list[Problem]:
    """A matrix name that stands in no call or expression makes equal cases: a typing error."""
    matrix = document.data.get("matrix", {})
    if not matrix:
        return []
    used: set[str] = set()
    for text in _texts(document.data[subject]):
        tree, _ = parse(text)
        if tree is None:
            return []
        used |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return [
        document.problem(("matrix", name), f"'{name}' stands in no call or expression of '{subject}'", key=True)
        for name in matrix
        if name not in used
    ]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
