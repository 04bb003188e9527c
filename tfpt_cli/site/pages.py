"""What stands on the page of a row of the dictionary: records, of which `build` makes HTML."""

from __future__ import annotations

import ast
import itertools
import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.differences import Difference, differences
from tfpt_cli.dictionary.measured import measured
from tfpt_cli.dictionary.related import differences_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.lowering import written, written_for_reference
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.trees import branches, called_name, choices
from tfpt_cli.report.catalogue import KINDS, rows_of
from tfpt_cli.report.row_details import attribute_words
from tfpt_cli.scenario.examples import examples_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tfpt_cli.dictionary.points import DeclaredPart
    from tfpt_cli.dictionary.records import Initializer, Layer, LayerParameter, Operation
    from tfpt_cli.scenario.shipped import ShippedScenario

# A spelling of more characters is for a program to read: `tfpt show` has it.
_LONG = 320
# So many scenarios of a layer or an initializer stand on its page; the command runs all.
_SCENARIOS = 2
# How the verdicts of a declared difference are called.
_VERDICTS = {"differ": "differs", "error": "a side refuses", "wrong": "both wrong"}
_STANDINGS = ("right", "wrong", "convention")


@dataclass(frozen=True)
class Spelled:
    """One line of the table of spellings: how it is called (a neutral call, a condition), and its code by framework."""

    words: str
    code: Mapping[str, str]


@dataclass(frozen=True)
class Parting:
    """A declared difference of an operation, or what no source decides: in words what becomes of it, where, and why."""

    words: str
    verdict: str
    where: str
    because: str


@dataclass(frozen=True)
class ParameterPage:
    """A parameter of a layer: by framework where it is kept, what it is filled with unless told, the order of its gates."""

    name: str
    layout: str
    attribute: Mapping[str, str]
    default: Mapping[str, str]
    gates: Mapping[str, str]


@dataclass(frozen=True)
class Link:
    """Another row, with one sentence about it."""

    kind: str
    name: str
    words: str = ""

    @property
    def path(self) -> str:
        """Its page, seen from the top of the site."""
        return f"{self.kind}/{self.name}.html"


@dataclass(frozen=True)
class Page:
    """Everything that stands on the page of one row.

    `head` is its signature (of a difference its id), `group` its file or area, `lead` a sentence or two of it, `facts` further
    ones under a word each. `ulp` has by dtype the distances of value and gradient, each by framework. `words` are other names,
    by which it is found.
    """

    kind: str
    name: str
    head: str
    group: str
    lead: str
    spelled: tuple[Spelled, ...] = ()
    longer: tuple[Spelled, ...] = ()
    facts: tuple[tuple[str, str, bool], ...] = ()
    parameters: tuple[ParameterPage, ...] = ()
    partings: tuple[Parting, ...] = ()
    ulp: Mapping[str, Mapping[str, Mapping[str, float]]] = field(default_factory=dict)
    differences: tuple[Link, ...] = ()
    rows: tuple[Link, ...] = ()
    scenarios: tuple[ShippedScenario, ...] = ()
    more: int = 0
    commands: tuple[tuple[str, str], ...] = ()
    source: str = ""
    right: str = ""
    equal: bool = False
    words: str = ""

    @property
    def link(self) -> Link:
        """The page as a link."""
        return Link(self.kind, self.name, self.lead)

    @property
    def unlike(self) -> list[str]:
        """The parameters of a layer that the frameworks fill with something else unless told."""
        return [p.name for p in self.parameters if len(p.default) == 2 and len(set(p.default.values())) == 2]

    @property
    def code(self) -> Mapping[str, str]:
        """The usual spelling of both sides."""
        return self.spelled[0].code if self.spelled else {}


def pages() -> list[Page]:
    """The page of every row of the dictionary, kind by kind."""
    make: dict[str, Callable[[Any], Page]] = {
        "differences": _of_difference,
        "layers": _of_layer,
        "initializers": _of_initializer,
        "operations": _of_operation,
    }
    found = [make[kind](row) for kind in make for row in rows_of(kind).values()]
    concerned: dict[str, list[Link]] = {}
    for page in found:
        for known in page.differences:
            concerned.setdefault(known.name, []).append(Link(page.kind, page.name))
    return [replace(p, rows=tuple(concerned.get(p.name, ()))) if p.kind == "differences" else p for p in found]


def versions() -> list[tuple[str, str]]:
    """What the operations were measured with: what it is called, and its version."""
    names = {f.key: f.label for f in FRAMEWORKS.values()} | {"keras": "Keras", "numpy": "NumPy", "scipy": "SciPy"}
    environment = measured().get("environment", {})
    return [(label, environment[key]) for key, label in names.items() if key in environment]


def _holds(call: str) -> bool:
    """Whether a call holds a part of itself fixed, which a page of one operation does not need."""
    rows, names = dictionary().operations, re.findall(r"\w+(?=\()", call)
    return any(name in rows and rows[name].holds for name in names)


def _of_operation(row: Operation) -> Page:
    calls = list(dict.fromkeys(case.call for case in row.cases if not _holds(case.call)))
    short = [spelled for call in calls if (spelled := _called(call, row)) is not None]
    domain = row.domain if row.differentiable else "nowhere: its result has no derivative"
    facts = [("Differentiable", domain, False)]
    if calls and (reference := _reference(calls[0])):
        facts.append(("Reference", reference, True))
    facts.append(("Dtypes", ", ".join(row.dtypes), False))
    known = _measured().get(row.name, {})
    return Page(
        kind="operations",
        name=row.name,
        head=row.signature.show(row.name),
        group=row.kind,
        lead=row.about,
        spelled=tuple(short),
        longer=tuple(_general(row.spelling)),
        facts=tuple(facts),
        partings=tuple(_partings(row)),
        ulp={dtype: found for dtype in row.dtypes if any((found := known.get(dtype, {})).values())},
        differences=_links(differences_of(row)),
        scenarios=examples_of(row),
        commands=(
            ("measure it here, at every special point and in every dtype", f"tfpt selfcheck {row.name}"),
            ("write a scenario of it to start from", f"tfpt new --from {_unmistakable('operations', row.name)} FILE"),
        ),
        words=_other_names("operations", row.name),
    )


@cache
def _measured() -> dict[str, Any]:
    found: dict[str, Any] = measured().get("operations", {})
    return found


def _called(call: str, row: Operation) -> Spelled | None:
    """A neutral call and what it is in each framework; None where one of them is too long to be read."""
    tree = ast.parse(call, mode="eval").body
    dtype = "complex64" if row.dtypes and row.dtypes[0].startswith("complex") else "float32"
    try:
        code = {f: written(tree, f, dtype) for f in FRAMEWORKS}
    except (KeyError, ValueError):
        return None
    return Spelled(call, code) if max(map(len, code.values())) <= _LONG else None


def _reference(call: str) -> str:
    found = written_for_reference(ast.parse(call, mode="eval").body, "float32", itertools.count()) or ""
    return found if len(found) <= _LONG else ""


def _general(spelling: Mapping[str, ast.expr]) -> Iterator[Spelled]:
    """The spellings as the row has them, a line for each condition that chooses among them; long ones are left out."""
    lines: dict[str, dict[str, str]] = {}
    for framework in FRAMEWORKS:
        if framework in spelling:
            for words, code in _branches(spelling[framework]):
                if len(code) <= _LONG:
                    lines.setdefault(words, {})[framework] = code
    yield from (Spelled(words, code) for words, code in lines.items())


def _branches(tree: ast.expr) -> Iterator[tuple[str, str]]:
    return ((words, ast.unparse(code)) for words, code in choices(tree))


def _partings(row: Operation) -> Iterator[Parting]:
    # What parts for one reason at ordinary points and at edges stands once.
    places: dict[tuple[str, str], list[str]] = {}
    for part in (*row.parts, *row.edges):
        places.setdefault((part.verdict, part.because), []).append(_where(part))
    for (verdict, because), where in places.items():
        yield Parting(_VERDICTS[verdict], verdict, "; ".join(dict.fromkeys(where)), because)
    for undecided in row.undecided:
        of = "derivatives" if undecided.derivative else "value"
        at = f" where {ast.unparse(undecided.at)}" if undecided.at is not None else ""
        yield Parting("nobody is right", "open", f"{of}{at}", undecided.because)


def _where(part: DeclaredPart) -> str:
    quantities = "everything" if part.quantities == ("all",) else ", ".join(part.quantities)
    at = f" at {', '.join(part.cases)}" if part.cases else ""
    dtypes = f", in {', '.join(part.dtypes)}" if part.dtypes else ""
    conditions = f", {part.conditions}" if part.conditions else ""
    return f"{quantities}{at}{dtypes}{conditions}"


def _of_layer(row: Layer) -> Page:
    parameters = tuple(map(_parameter, row.parameters.values()))
    facts = [("Requires", words, False) for words in row.requires]
    facts += [("Two functions", unlike.text, False) for unlike in row.unlike]
    facts += _names_of_formulas(row, parameters)
    shown = examples_of(row)
    return Page(
        kind="layers",
        name=row.name,
        head=row.signature.show(row.name),
        group="layers",
        lead=row.notes,
        spelled=tuple(_of_settings(row)),
        facts=tuple(facts),
        parameters=parameters,
        differences=_links(differences_of(row)),
        scenarios=shown[:_SCENARIOS],
        more=len(shown[_SCENARIOS:]),
        commands=_of_file(_unmistakable("layers", row.name), row.scenario),
        words=_other_names("layers", row.name),
    )


def _of_settings(row: Layer) -> Iterator[Spelled]:
    """How a layer is written as a person has it, and where a framework has several spellings, each behind its condition."""
    yield Spelled(row.name, {f: ast.unparse(branches(row.spelling[f])[0]) for f in FRAMEWORKS})
    for framework in FRAMEWORKS:
        yield from (Spelled(words, {framework: code}) for words, code in _branches(row.spelling[framework]) if words)


def _names_of_formulas(row: Layer, parameters: Sequence[ParameterPage]) -> Iterator[tuple[str, str, bool]]:
    """What the names mean that stand in what is shown of a layer and are no arguments of it: `packed` of an attention."""
    code = [ast.unparse(tree) for tree in row.spelling.values()]
    code += [text for p in parameters for texts in (p.attribute, p.default) for text in texts.values()]
    for name, formula in row.where.items():
        if any(re.search(rf"\b{name}\b(?!=)", text) for text in code):
            yield name, ast.unparse(formula), True


def _parameter(row: LayerParameter) -> ParameterPage:
    return ParameterPage(
        name=row.name,
        layout=row.layout,
        attribute={f: attribute_words(row.attribute[f]) for f in FRAMEWORKS},
        default={f: ast.unparse(row.default[f]) for f in FRAMEWORKS if f in row.default},
        gates={f: " ".join(order) for f, order in row.blocks.items()},
    )


def _of_initializer(row: Initializer) -> Page:
    facts: list[tuple[str, str, bool]] = []
    if row.alone:
        facts.append(("On one side alone", " ".join(row.alone.split()), False))
    facts += [
        (f"{label} {words}".rstrip(), code, True)
        for label, tree in (("Means", row.means), ("Draws", row.distribution))
        if tree is not None
        for words, code in _branches(tree)
    ]
    if row.structure:
        facts.append(("Structure", row.structure, False))
    facts += [("Requires", words, False) for words in row.requires]
    law = row.means or row.distribution
    shown = examples_of(row)
    # What is known of a distribution is found by its name on the other side: its own scenarios say so.
    tagged = [differences()[tag] for one in shown for tag in one.tags if tag in differences()]
    known = {d.name: d for d in (*differences_of(row), *tagged) if d.area == "initialization"}
    spelled = list(_general(row.spelling))
    return Page(
        kind="initializers",
        name=row.name,
        head=row.signature.show(row.name),
        group="initializers",
        lead=" ".join(row.alone.split()) or (f"draws {ast.unparse(law)}" if law is not None else row.structure),
        spelled=tuple(spelled),
        facts=tuple(facts),
        differences=_links(list(known.values())),
        scenarios=shown[:_SCENARIOS],
        more=len(shown[_SCENARIOS:]),
        commands=_of_file(_unmistakable("initializers", row.name), row.scenario),
        words=_other_names("initializers", row.name),
    )


def _of_file(name: str, file: str) -> tuple[tuple[str, str], ...]:
    return (
        ("check the scenarios that show it", f"tfpt check scenarios/{file}"),
        ("write them out to start from", f"tfpt new --from {name} FILE"),
    )


def _unmistakable(kind: str, name: str) -> str:
    """The name of a row, with its kind where one of another kind is called so too."""
    return f"{kind}/{name}" if sum(name in rows_of(other) for other in KINDS) > 1 else name


def _of_difference(row: Difference) -> Page:
    facts = [("Why", row.why, False)] if row.why else []
    if words := str(row.conditions):
        facts.append(("Holds", words, False))
    code = {f: row.write[f] for f in FRAMEWORKS if f in row.write}
    commands = [("check the scenarios that show it", row.proof)]
    if row.fixes:
        commands.append(("put the recipe in, and try it", f"{row.proof} --fix-preview"))
    commands.append(("write them out to start from", f"tfpt new --from {row.name} FILE"))
    return Page(
        kind="differences",
        name=row.name,
        head=row.name,
        group=row.area.replace("_", " "),
        lead=row.what,
        spelled=(Spelled("", code),) if code else (),
        facts=tuple(facts),
        scenarios=examples_of(row),
        commands=tuple(commands),
        source=row.source,
        right=_right(row),
        equal=row.equal,
    )


def _right(row: Difference) -> str:
    """Who is right by the reference, as far as the row is named under that condition; empty where it says nothing of it."""
    words = {"right": "right", "wrong": "wrong", "convention": "within what a convention may give"}
    said = []
    for framework in FRAMEWORKS:
        found = {standing for fit in row.fits if (standing := _standing(fit.shows.get(framework, "")))}
        if len(found) == 1:
            said.append(f"{FRAMEWORKS[framework].label} is {words[found.pop()]}")
    every = all(any(_standing(fit.shows.get(f, "")) for f in FRAMEWORKS) for fit in row.fits)
    return ", ".join(said) + ("" if every else " (where the row asks the reference)") * bool(said)


def _standing(shown: str) -> str:
    return next((word for word in shown.split() if word in _STANDINGS), "")


def _links(rows: list[Difference]) -> tuple[Link, ...]:
    return tuple(Link("differences", row.name, row.what) for row in rows)


@cache
def _names_by_row(kind: str) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for other, name in dictionary().other_names(kind).items():
        names.setdefault(name, []).append(other)
    return names


def _other_names(kind: str, name: str) -> str:
    row = rows_of(kind)[name]
    called = [called_name(b) for f in FRAMEWORKS if f in row.spelling for b in branches(row.spelling[f])]
    return " ".join(dict.fromkeys([*_names_by_row(kind).get(name, []), *filter(None, called)]))
