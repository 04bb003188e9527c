"""Known differences that are named for what they did not cause: shipped scenarios with one mistake planted in one side.

    python -m tests.tools.mutated_scenarios --sample 300 --seed 1 [--reference] [--kind axis]

A mistake is of a kind that no row describes: another constant, a sign, a factor, a term that is left out, another function.
Of scenarios that agree it is the only cause there is, so that every known difference that is named is wrong. Of scenarios
that differ by known differences, those that were named without the mistake are still there; every other one is wrong. What is
named wrongly is printed with its scenario as YAML.
"""

from __future__ import annotations

import argparse
import ast
import copy
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.test_scenarios import ALL
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.session import Session
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.trees import called_name
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

# A function that somebody takes for another one, where no known difference is about the two.
_EXCHANGED = {
    "sin": "cos",
    "cos": "sin",
    "exp": "expm1",
    "expm1": "exp",
    "tanh": "sigmoid",
    "sigmoid": "tanh",
    "relu": "elu",
    "sinh": "cosh",
    "abs": "sin",
    "amax": "amin",
    "reduce_max": "reduce_min",
    "cumsum": "cumprod",
}
_SUMS = {"torch": "torch.sum({})", "tensorflow": "tf.reduce_sum({})"}
_AXES = frozenset({"dim", "axis", "axes"})


def _expressions(tree: ast.expr, *kinds: type[ast.expr]) -> list[Any]:
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def _replaced(tree: ast.expr, old: ast.expr, new: ast.expr) -> ast.expr:
    """The tree with one of its nodes, the very object, replaced."""

    class _Replacer(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> Any:
            return new if node is old else self.generic_visit(node)

    found: ast.expr = _Replacer().visit(tree)
    return found


def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _constant(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """Another number in arithmetic."""
    found = [
        side
        for node in _expressions(tree, ast.BinOp)
        if not isinstance(node.op, ast.Pow)
        for side in (node.left, node.right)
        if isinstance(side, ast.Constant) and type(side.value) in (int, float) and side.value
    ]
    if not found:
        return None
    old = rng.choice(found)
    number: Any = old.value
    return _replaced(tree, old, ast.Constant(round(1.7 * number + 0.13, 6)))


def _axis(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """Another axis."""
    found = [
        (keyword, keyword.value.value)
        for node in _expressions(tree, ast.Call)
        for keyword in node.keywords
        if keyword.arg in _AXES and isinstance(keyword.value, ast.Constant) and keyword.value.value in (0, 1)
    ]
    if not found:
        return None
    keyword, axis = rng.choice(found)
    keyword.value = ast.Constant(1 - axis)
    return tree


def _sign(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """A minus before one of the calls, or before all."""
    old = rng.choice([tree, *_numeric_calls(tree)])
    return _replaced(tree, old, ast.UnaryOp(ast.USub(), copy.copy(old)))


def _factor(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """A factor that is on one side alone."""
    old = rng.choice([tree, *_numeric_calls(tree)])
    return _replaced(tree, old, ast.BinOp(ast.Constant(rng.choice((2.0, 0.7, 1.3))), ast.Mult(), copy.copy(old)))


def _inside(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """A factor at an input."""
    found = [node for node in _expressions(tree, ast.Name) if node.id in ("x", "y", "a", "b", "p", "q", "w", "t")]
    if not found:
        return None
    old = rng.choice(found)
    return _replaced(tree, old, ast.BinOp(ast.Constant(1.3), ast.Mult(), copy.copy(old)))


def _added(tree: ast.expr, _: str, __: random.Random) -> ast.expr | None:
    """A term that is on one side alone."""
    return ast.BinOp(tree, ast.Add(), ast.Constant(0.37))


def _dropped(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """One of the terms left out, though not a tiny one or a zero: those stand there against a known difference."""
    found = [
        node
        for node in _expressions(tree, ast.BinOp)
        if isinstance(node.op, (ast.Add, ast.Sub)) and not _tiny(node.right)
    ]
    if not found:
        return None
    old = rng.choice(found)
    return _replaced(tree, old, old.left)


def _tiny(tree: ast.expr) -> bool:
    """Whether a term is a number below 0.001, or a product with zero."""
    numbers = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    product = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult) and 0 in numbers
    return product or (
        isinstance(tree, ast.Constant) and isinstance(tree.value, (int, float)) and abs(tree.value) < 1e-3
    )


def _turned(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """Both sides of a difference or a quotient exchanged."""
    found = [node for node in _expressions(tree, ast.BinOp) if isinstance(node.op, (ast.Sub, ast.Div))]
    if not found:
        return None
    old = rng.choice(found)
    return _replaced(tree, old, ast.BinOp(old.right, old.op, old.left))


def _exchanged(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """Another function."""
    found = [
        node.func
        for node in _expressions(tree, ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in _EXCHANGED
    ]
    if not found:
        return None
    function = rng.choice(found)
    function.attr = _EXCHANGED[function.attr]
    return tree


def _summed(tree: ast.expr, framework: str, _: random.Random) -> ast.expr | None:
    """Two reductions where there should be one."""
    return _parsed(_SUMS[framework].format(ast.unparse(tree)))


def _squared(tree: ast.expr, _: str, rng: random.Random) -> ast.expr | None:
    """A square that is on one side alone."""
    old = rng.choice([tree, *_numeric_calls(tree)])
    return _replaced(tree, old, ast.BinOp(copy.copy(old), ast.Pow(), ast.Constant(2)))


def _numeric_calls(tree: ast.expr) -> list[ast.expr]:
    """Calls of functions of tensors: not of layers and classes, nor what stands in shapes and other arguments by name."""
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, (ast.keyword, ast.Subscript, ast.Tuple, ast.List, ast.Starred))
        for inner in ast.walk(node)
        if inner is not node
    }
    return [
        node
        for node in _expressions(tree, ast.Call)
        if id(node) not in hidden and called_name(node).rpartition(".")[2].islower() and node.args
        and not isinstance(node.func, ast.Call)
    ]  # fmt: skip


KINDS: dict[str, Any] = {
    "constant": _constant,
    "axis": _axis,
    "sign": _sign,
    "factor": _factor,
    "factor inside": _inside,
    "term added": _added,
    "term dropped": _dropped,
    "sides turned": _turned,
    "function": _exchanged,
    "reduction": _summed,
    "square": _squared,
}


@dataclass(frozen=True)
class Mutant:
    """A scenario with one mistake: of what scenario it is made, of which kind the mistake is, and on which side."""

    original: Scenario
    scenario: Scenario
    kind: str
    side: str


@dataclass
class Found:
    """What a run of mutants showed: how many parted by their mistake, and those for which a row was named that it is not."""

    apart: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Mutant, frozenset[str]]] = field(default_factory=list)


def document(scenario: Scenario, code: dict[str, Any]) -> dict[str, Any]:
    """A gradient scenario with this native code, as a document without what it expects."""
    left = {k: v for k, v in scenario.fields.items() if k not in ("of", "let", "torch", "tensorflow")}
    return {
        "name": scenario.title,
        "gradient": {**code, **left},
        **{k: scenario.data[k] for k in ("dtype", "tolerance", "machine") if k in scenario.data},
    }


def written(data: dict[str, Any]) -> Scenario | None:
    """The scenario of a document; None where it is not valid."""
    return scenario_from(scenario_text(data), "mutated.yaml", allow_code=False)[0]


def _code(scenario: Scenario) -> dict[str, ast.expr] | None:
    """By framework the native expression of a gradient scenario of one output; None for another scenario."""
    spec = getattr(scenario.task, "spec", None)
    if spec is None or scenario.subject != "gradient" or scenario.case or len(spec.outputs) != 1:
        return None
    trees = {f: spec.code(spec.outputs[0], f) for f in FRAMEWORKS}
    return {f: copy.deepcopy(found[0]) for f, found in trees.items()} if all(map(len, trees.values())) else None


def natives() -> Iterator[tuple[Scenario, dict[str, ast.expr]]]:
    """The shipped gradient scenarios, written natively on both sides, with their code."""
    for shipped in ALL:
        code = _code(shipped)
        if code is None or shipped.conditions:
            continue
        native = written(document(shipped, {f: ast.unparse(tree) for f, tree in code.items()}))
        if native is not None:
            yield native, code


def mutants(sample: int, seed: int, kinds: tuple[str, ...] = ()) -> list[Mutant]:
    """So many mutants, each of another scenario as long as there are enough, the rarest kind of mistake first."""
    rng = random.Random(seed)
    pairs = list(natives())
    rng.shuffle(pairs)
    count = Counter(dict.fromkeys(kinds or KINDS, 0))
    found: list[Mutant] = []
    while len(found) < sample:
        before = len(found)
        for native, code in pairs:
            side = rng.choice(tuple(FRAMEWORKS))
            rarest = sorted(count, key=lambda kind: (count[kind], rng.random()))
            made = (_planted(native, code, kind, side, rng) for kind in rarest)
            mutant = next((each for each in made if each is not None), None)
            if mutant is not None and len(found) < sample:
                count[mutant.kind] += 1
                found.append(mutant)
        if len(found) == before:
            break
    return found


def _planted(native: Scenario, code: dict[str, ast.expr], kind: str, side: str, rng: random.Random) -> Mutant | None:
    altered = KINDS[kind](copy.deepcopy(code[side]), side, rng)
    if altered is None:
        return None
    texts = {f: ast.unparse(altered if f == side else tree) for f, tree in code.items()}
    if texts[side] == ast.unparse(code[side]):
        return None
    scenario = written(document(native, texts))
    return None if scenario is None else Mutant(native, scenario, kind, side)


def _filled(shipped: Scenario, rng: random.Random) -> Mutant | None:
    """A native scenario of an initialization with another number in an initializer of one side."""
    sides = {f: shipped.fields.get(f) for f in FRAMEWORKS}
    if (
        shipped.subject != "init"
        or shipped.case
        or shipped.conditions
        or not all(isinstance(s, dict) for s in sides.values())
    ):
        return None
    places = [
        (side, key, node)
        for side, fields in sides.items()
        for key, text in (fields or {}).items()
        if isinstance(text, str) and key != "input_shape"
        for node in _numbers(text)
    ]
    if not places:
        return None
    side, key, node = rng.choice(places)
    text = str((sides[side] or {})[key])
    tree = _parsed(text.strip())
    old = next(each for each in _expressions(tree, ast.Constant) if ast.dump(each) == ast.dump(node))
    number: Any = node.value
    altered = ast.unparse(_replaced(tree, old, ast.Constant(round(3 * number + 0.4, 6))))
    fields = {**shipped.fields, side: {**(sides[side] or {}), key: altered}}
    data = {"name": shipped.title, "init": fields} | {k: shipped.data[k] for k in ("dtype",) if k in shipped.data}
    scenario = written(data)
    return None if scenario is None else Mutant(shipped, scenario, "initializer", side)


def _numbers(text: str) -> list[ast.Constant]:
    """The numbers with a fraction that a piece of native code holds; none where it does not parse."""
    try:
        found = _expressions(_parsed(text.strip()), ast.Constant)
    except SyntaxError:
        return []
    return [node for node in found if isinstance(node.value, float) and node.value]


def initializations(seed: int) -> list[Mutant]:
    """Every native scenario of an initialization in which a number can be another one."""
    rng = random.Random(seed)
    return [mutant for shipped in ALL if (mutant := _filled(shipped, rng)) is not None]


def named(result: ScenarioResult) -> frozenset[str]:
    """The known differences that a result names, for any of its quantities."""
    return frozenset(name for comparison in result.comparisons for name in comparison.known_differences)


def examined(found: list[Mutant], session: Session, *, reference: bool) -> Found:
    """What the mutants show beside the scenarios that they are made of, which are run as well."""
    originals = {id(mutant.original): mutant.original for mutant in found}
    cases = [*originals.values(), *(mutant.scenario for mutant in found)]
    results = session.check(Options(generated=[[case] for case in cases], reference=reference)).scenarios
    before = dict(zip(originals, results, strict=False))
    shown = Found()
    for mutant, result in zip(found, results[len(originals) :], strict=True):
        original = before[id(mutant.original)]
        if original.failures or result.failures or result.agree or _same(original, result):
            continue
        shown.apart[mutant.kind] += 1
        wrong = named(result) - named(original)
        if wrong:
            shown.wrong.append((mutant, wrong))
    return shown


def _same(original: ScenarioResult, result: ScenarioResult) -> bool:
    """Whether the mistake changed no verdict and no diagnosis, as a sign before a constant of zero does not."""
    return not original.agree and [(c.verdict, c.diagnosis) for c in original.comparisons] == [
        (c.verdict, c.diagnosis) for c in result.comparisons
    ] and named(original) == named(result)  # fmt: skip


def main() -> None:
    """Reads the arguments, runs the mutants, prints the table and what was named wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.mutated_scenarios", description=__doc__)
    parser.add_argument("--sample", type=int, default=300, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", choices=tuple(KINDS), default=[], help="mistakes of this kind alone")
    parser.add_argument("--reference", action="store_true", help="ask the reference as well")
    arguments = parser.parse_args()
    made = mutants(arguments.sample, arguments.seed, tuple(arguments.kind))
    made += [] if arguments.kind else initializations(arguments.seed)[: arguments.sample // 5]
    with Session(Options()) as session:
        shown = examined(made, session, reference=arguments.reference)
    of = Counter(mutant.kind for mutant in made)
    wrong = Counter(mutant.kind for mutant, _ in shown.wrong)
    print("| mistake | scenarios | parted by it | a row named that it is not |\n|---|---|---|---|")
    for kind in of:
        print(f"| {kind} | {of[kind]} | {shown.apart[kind]} | {wrong[kind]} |")
    print(f"| all | {of.total()} | {shown.apart.total()} | {wrong.total()} |")
    for mutant, rows in shown.wrong:
        before = mutant.original.fields[mutant.side]
        print(f"--- # {', '.join(sorted(rows))}: {mutant.kind} in {mutant.side}; it was {before}")
        print(scenario_text(mutant.scenario.data))


if __name__ == "__main__":
    main()
