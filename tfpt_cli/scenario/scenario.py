"""Documents to scenarios: the keys that every scenario has, the cases of its matrix, and its subject read by case."""

from __future__ import annotations

import ast
import itertools
import math
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.conditions import Conditions, is_specifier
from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.documents.document import Document, documents, read_text
from tfpt_cli.documents.reader import Reader, bad_name
from tfpt_cli.explain.causes import explained, numbers_of
from tfpt_cli.frameworks import FRAMEWORKS, LABELS, REFERENCE
from tfpt_cli.language.expression import parse
from tfpt_cli.results import Comparison, Failure, Outcome, Problem, Tolerance, Unread, Verdict, expected_of
from tfpt_cli.scenario.schema import structural_problems
from tfpt_cli.subjects import SUBJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.listing import Listing

MAX_CASES = 1_000
MAX_MATRIX_TEXT = 300_000
MAX_PROBLEMS = 100


@dataclass(frozen=True)
class Scenario:
    """One case of a scenario, checked and ready to run; `data` is the document as it was written."""

    file: str
    line: int
    name: str
    case: dict[str, Any]
    subject: str
    spec: Any
    tolerance: Tolerance | None
    expect: Any
    because: str
    tags: tuple[str, ...]
    data: dict[str, Any]
    conditions: Conditions = field(default_factory=Conditions)
    both: str | None = None

    def alike(self, framework: str) -> Scenario:
        """The same with one framework on both sides, for two versions of it: what is written for the other is left out."""
        spec = SUBJECTS[self.subject].alike(self.spec, framework)
        spec = replace(spec, headline=_headline_of(spec.headline, framework))
        return replace(self, spec=spec, both=framework, expect="agree", because="")

    @property
    def title(self) -> str:
        """The name, with the case where the scenario has several."""
        return f"{self.name} [{', '.join(f'{k}={v}' for k, v in self.case.items())}]" if self.case else self.name

    @property
    def id(self) -> str:
        """What tells it from all others of a run: its file and its title; the same for `x.yaml` and `./x.yaml`."""
        return f"{os.path.normpath(self.file)}::{self.title}"

    def listings(self, *, reference: bool = True) -> dict[str, Listing]:
        """The listing of each framework, and of the reference where there is one and it is wanted."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = SUBJECTS[self.subject]
        sides = [side for side in subject.sides(self.spec) if reference or side != REFERENCE]
        return {
            side: subject.listing(self.spec, self._framework(side), f"{self.title}, {LABELS[side]} ({place})")
            for side in sides
        }

    def _framework(self, side: str) -> str:
        return side if self.both is None or side == REFERENCE else self.both

    def second_look(self, comparisons: list[Comparison], *, reference: bool = True) -> dict[str, Listing]:
        """What is to be run before the verdict is final, by side."""
        again = SUBJECTS[self.subject].second_look(self.spec, comparisons)
        return {side: again[self._framework(side)] for side in again if reference or side != REFERENCE}

    def settled(self, outcomes: dict[str, Outcome]) -> dict[str, Outcome]:
        """The outcomes without what nobody can have: derivatives of truth values, say, unless the scenario expects them."""

        def wanted(quantity: str) -> bool:
            return self.expected(quantity) != "agree"

        return SUBJECTS[self.subject].settled(self.spec, outcomes, wanted)

    def compare(self, outcomes: dict[str, Outcome], again: dict[str, Outcome] | None = None) -> list[Comparison]:
        """The comparisons of what the listings left; `again` is what a second look found."""
        return SUBJECTS[self.subject].compare(self.spec, outcomes, self.tolerance, again)

    def explained(self, comparisons: list[Comparison], environment: dict[str, str]) -> list[Comparison]:
        """The comparisons, each that does not agree with the known differences that explain it."""
        if self.both is not None:
            return comparisons  # what is known is about two frameworks
        parted = {c.quantity for c in comparisons if not c.verdict.agrees}
        involved = {name: SUBJECTS[self.subject].involved(self.spec, name) for name in parted}
        found = [
            c if c.verdict.agrees else explained(c, involved[c.quantity], environment, parted) for c in comparisons
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

    def compared(self, comparisons: Sequence[Comparison]) -> str:
        """What comparisons cover, in words that stand behind "both sides agree in"; empty where there are none."""
        return SUBJECTS[self.subject].compared(self.spec, comparisons) if comparisons else ""

    def explanations(self, comparisons: Sequence[Comparison]) -> list[Difference]:
        """The known differences that the comparisons name, with the scenario's own numbers in what they say to write."""
        names = dict.fromkeys(name for c in comparisons for name in c.known_differences)
        return [differences()[name].with_numbers(self.numbers(differences()[name])) for name in names]

    def numbers(self, row: Difference) -> dict[str, Any]:
        """The constants in the scenario's code that a row's patterns name."""
        subject = SUBJECTS[self.subject]
        return numbers_of(row, (subject.involved(self.spec, name) for name in subject.quantities(self.spec)))

    def notes(self, outcomes: dict[str, Outcome]) -> tuple[str, ...]:
        """What is to be said of this run besides the comparisons."""
        return SUBJECTS[self.subject].notes(self.spec, outcomes)

    def expected(self, quantity: str) -> str:
        """`agree`, `differ` or `error`, for one quantity of a scenario that expects by quantity."""
        return expected_of(self.expect, quantity)


def _refusal(comparison: Comparison) -> tuple[str, ...]:
    return tuple(side.note for side in comparison.sides.values())


def _headline_of(headline: str, framework: str) -> str:
    """A headline that says what each side runs, with one framework's line alone."""
    lines = []
    for line in headline.splitlines():
        side = next((f for f in FRAMEWORKS if line.startswith(f"{LABELS[f]:<10}  ")), None)
        if side in (None, framework):
            lines.append(line.removeprefix(f"{LABELS[side]:<10}  ") if side else line)
    return "\n".join(lines)


def load(file: str, *, allow_code: bool = False) -> Iterator[list[Scenario] | Problem | Unread]:
    """The scenarios of a file, document by document (one list of cases each), and every problem in it.

    A scenario that names a person's own function is a problem unless `allow_code`. A document over which tfpt itself
    fails is `Unread`; it does not stop the others.
    """
    text = read_text(file)
    if isinstance(text, Problem):
        yield text
        return
    try:
        found, problems = documents(file, text)
    except Exception as error:  # a mistake of ours: the other files are read
        yield _unread(Document(file, text), error)
        return
    yield from problems
    for document in found:
        yield from scenarios_of(document, allow_code=allow_code)


def scenarios_of(document: Document, *, allow_code: bool = False) -> Iterator[list[Scenario] | Problem | Unread]:
    """The cases of a document as one list, or every problem in it; `Unread` where tfpt itself fails over it."""
    try:
        scenarios, problems = read_document(document, allow_code=allow_code)
    except Exception as error:  # a mistake of ours: the other documents are read
        yield _unread(document, error)
        return
    yield from problems
    if scenarios and not problems:
        yield scenarios


def _unread(document: Document, error: Exception) -> Unread:
    data = document.data if isinstance(document.data, dict) else {}
    subject = next((name for name in SUBJECTS if name in data), "")
    failure = Failure.internal(error, "reading this scenario" if data else "reading this file")
    return Unread(document.file, document.line, _name(data) or "(a scenario that was not read)", subject, failure)


def _name(data: dict[str, Any]) -> str:
    """The name of a scenario on one line."""
    return " ".join(str(data.get("name", "")).split())


def read_document(document: Document, *, allow_code: bool = False) -> tuple[list[Scenario], list[Problem]]:
    """The cases of a document, and every problem in it."""
    problems, wrong = structural_problems(document)
    if () in wrong and not isinstance(document.data, dict):
        return [], problems
    subjects = [name for name in SUBJECTS if name in document.data]
    if len(subjects) > 1:
        message = f"two subjects, '{subjects[0]}' and '{subjects[1]}'; write two scenarios, with '---' between them"
        problems.append(document.problem((subjects[1],), message, key=True))
        return [], problems
    if not subjects:
        if not any(problem.message.startswith("unknown key") for problem in problems):
            problems.append(document.problem((), f"no subject: one of {', '.join(SUBJECTS)} is needed"))
        return [], problems
    problems += _common_problems(document, wrong)
    if not _without(document, wrong, subjects[0]):
        return [], _ordered(problems)
    scenarios, found = _cases(document, subjects[0], allow_code)
    return scenarios, _ordered(problems + found)


def _without(document: Document, wrong: set[tuple[Any, ...]], subject: str) -> bool:
    """Takes what has a wrong structure out of a document, so that the rest can be read and all its problems found.

    False where too little is left: the subject, or one of its keys that the others need.
    """
    needed = {"of", "torch", "tensorflow", "let", "at", "layer"}
    for path in filter(None, wrong):
        if path[:1] in ((subject,), ("matrix",)) and (len(path) == 1 or path[0] == "matrix" or path[1] in needed):
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
    if matrix and size > MAX_MATRIX_TEXT:
        words = f"{count:,} cases of this scenario are too much: {size:,} characters of expressions"
        return [], [document.problem(("matrix",), f"{words}; at most {MAX_MATRIX_TEXT:,} are allowed", key=True)]
    cases = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]
    scenarios: list[Scenario] = []
    by_problem: dict[Problem, list[dict[str, Any]]] = {}
    for case in cases:
        reader = Reader(document, case, allow_code)
        spec = SUBJECTS[subject].read(reader, data.get("dtype", "float32"), int(data.get("seed", 0)))
        expect = data.get("expect", "agree")
        if spec is not None and isinstance(expect, dict):
            quantities = SUBJECTS[subject].quantities(spec)
            for quantity in expect:
                reader.choose(("expect", quantity), quantities, "quantity", quantity)
        for problem in dict.fromkeys(reader.problems):
            by_problem.setdefault(problem, []).append(case)
        if spec is not None:
            scenarios.append(_scenario(document, case, subject, spec))
    problems = _unused(document, subject)
    for problem, seen_in in by_problem.items():
        where = "" if len(seen_in) == len(cases) else f" (in the case {_case_text(seen_in[0])})"
        problems.append(replace(problem, message=problem.message + where))
    return scenarios, problems


def _case_text(case: dict[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in case.items())


def _scenario(document: Document, case: dict[str, Any], subject: str, spec: Any) -> Scenario:
    data = document.data
    tolerance = data.get("tolerance")
    return Scenario(
        file=document.file,
        line=document.line,
        name=_name(data),
        case=case,
        subject=subject,
        spec=spec,
        tolerance=Tolerance(tolerance["rtol"], tolerance["atol"]) if tolerance else None,
        expect=data.get("expect", "agree"),
        because=" ".join(str(data.get("because", "")).split()),
        tags=tuple(data.get("tags", ())),
        data=data,
        conditions=Conditions.written(data),
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
