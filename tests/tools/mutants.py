"""Mutation testing of the comparisons: cosmic-ray's mutants against the tests that need no framework.

    python -m tests.tools.mutants --sample 400 --seed 1 [--module values]

Needs `cosmic-ray` beside what the tests need. The tests are read once. Each mutant lives in a forked process, where it takes the
place of the module that is loaded: nothing is written. What survives is printed as a difference; a test that hangs counts as one
that fails.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import os
import random
import re
import resource
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import cosmic_ray.plugins
import einops
import hypothesis
import hypothesis.extra.numpy
import jsonschema_rs
import mpmath
import pytest
import rich.console
import scipy.stats
import yaml
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Imported here once, so that not every fork pays for them.
WARM = (einops, hypothesis.extra.numpy, jsonschema_rs, mpmath, rich.console, scipy.stats, yaml)
ROOT = Path(__file__).parents[2]
# Which tests a module is held against, the quickest first.
TESTS = {
    "dictionary/patterns": ("patterns",),
    "compare/distance": ("values", "verdicts_never_lie"),
    "compare/values": ("values", "verdicts_never_lie"),
    "compare/arbiter": ("arbiter", "verdicts_never_lie"),
    "compare/layout": ("layout", "verdicts_never_lie"),
    "compare/summary": ("summary",),
    "compare/dependence": ("dependence", "verdicts_never_lie"),
    "compare/resemblance": ("resemblance",),
    "subjects/gradient/comparer": ("gradient_comparer", "verdicts_never_lie"),
    "subjects/init/comparer": ("init_comparer", "verdicts_never_lie"),
    "subjects/model/comparer": ("verdicts_never_lie",),
    "compare/declared_laws": ("declared_laws", "structure"),
    "compare/structure": ("structure",),
    "compare/sample": ("sample", "distribution"),
    "compare/independence": ("independence", "sample", "structure"),
    "compare/distribution": ("structure", "distribution"),
}
# Of the many tests of all subjects those of one, which no other uses.
KEYWORDS = {
    "compare/arbiter": "arbiter or not parameter and not two_models",
    "compare/layout": "layout or parameter or two_models",
    "compare/dependence": "dependence or parameter",
    "subjects/gradient/comparer": "not parameter and not two_models",
    "subjects/init/comparer": "init_comparer or parameter",
    "subjects/model/comparer": "two_models",
}
# In those files the tests that start a framework.
LEFT_OUT = (
    "dependence.py::test_one_seed_for_two_parameters",
    "dependence.py::test_no_law_contradicts_the_sample",
    "resemblance.py::test_it_is_said_and_the_verdict_stays",
)
# One or two ways to be wrong at each place; all of cosmic-ray's are ten times as many, and die the same deaths.
OPERATORS = re.compile(
    r"core/(NumberReplacer|AddNot|ReplaceAndWithOr|ReplaceOrWithAnd|ReplaceTrueWithFalse|ReplaceFalseWithTrue"
    r"|ReplaceContinueWithBreak|ZeroIterationForLoop|ReplaceUnaryOperator_(Delete_\w+|USub_UAdd)"
    r"|ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Pow_Mul|FloorDiv_Div|BitOr_BitAnd|BitAnd_BitOr|BitXor_BitOr)"
    r"|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Lt_Gt|Gt_Lt|LtE_GtE|GtE_LtE))"
)
# So much of a processor's time a mutant may take; one that never ends takes it all.
SECONDS = 60
# hypothesis is imported before pytest could rewrite it, which is no harm. What fails is not made smaller first.
OPTIONS = [
    *("-s", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", "--hypothesis-profile=mutants"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *(f"--deselect=tests/test_{name}" for name in LEFT_OUT),
]
WITHOUT_SHRINKING = (hypothesis.Phase.explicit, hypothesis.Phase.generate)


def mutants(text: str) -> Iterator[str]:
    """Every text that an operator makes of a module, but for those that differ in annotations alone."""
    seen = {meaning(text)}
    tree = get_ast(text)
    for name in filter(OPERATORS.fullmatch, cosmic_ray.plugins.operator_names()):
        operator = cosmic_ray.plugins.get_operator(name)()
        count = sum(len(list(operator.mutation_positions(node))) for node in ast_nodes(tree))
        for occurrence in range(count):
            mutant = mutate_code(text, operator, occurrence)
            try:
                meant = "" if mutant is None else meaning(mutant)
            except SyntaxError:  # `not name := value`, which an operator writes without brackets
                continue
            if mutant is not None and meant not in seen:
                seen.add(meant)
                yield mutant


def meaning(text: str) -> str:
    """A module without its annotations, which nobody evaluates."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            node.annotation = ast.Constant(None)
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.dump(tree)


def alter(name: str, text: str) -> None:
    """Puts a mutant in the place of a module that is loaded, for all who have imported anything of it."""
    module = sys.modules[name]
    new: dict[str, Any] = {"__name__": name, "__file__": module.__file__}
    exec(compile(text, str(module.__file__), "exec"), new)
    ours = [vars(other) for key, other in sys.modules.items() if key.startswith(("tfpt_cli", "tests"))]
    for key, by in new.items():
        old = vars(module).get(key)
        if key.startswith("__") or by is old:
            continue
        if isinstance(by, type) and by.__module__ == name:
            for member, value in vars(by).items():
                made = isinstance(value, FunctionType | None)  # by a dataclass, too
                if not recoded(vars(old).get(member), value) and (made or not member.startswith("__")):
                    setattr(old, member, value)
            for member in [member for member in vars(old) if member not in vars(by)]:
                delattr(old, member)
        elif not recoded(old, by):
            for names in (vars(module), *ours):
                if names.get(key) is old:
                    names[key] = by


def recoded(old: Any, by: Any) -> bool:
    """Whether a function, a method or a property is there to be given another's code; those who hold it keep it."""
    if hasattr(old, "cache_clear"):
        old.cache_clear()
    for inner in ("__wrapped__", "__func__", "fget", "func"):
        if hasattr(by, inner):
            return recoded(getattr(old, inner), getattr(by, inner))
    if not isinstance(by, FunctionType) or not isinstance(old, FunctionType):
        return False
    if len(by.__code__.co_freevars) != len(old.__code__.co_freevars):
        return False
    old.__code__, old.__defaults__, old.__kwdefaults__ = by.__code__, by.__defaults__, by.__kwdefaults__
    return True


class Trial:
    """A plugin of pytest that runs the tests against each mutant of a module, in the place of running them once."""

    def __init__(self, module: str, begin: Callable[[Callable[[str], bool]], None]) -> None:
        self.name = f"tfpt_cli.{module.replace('/', '.')}"
        self.begin = begin
        self.failed = False
        # The tests that killed, the last one first: they are asked first.
        self.killers: list[int] = []
        self.usual: list[int] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.failed |= report.failed

    def pytest_runtestloop(self, session: Any) -> bool:
        self.session = session
        # Of every test its first case, then of every one its second: other cases of one test hardly find more than that.
        counts = Counter[str]()
        ranks = []
        for item in session.items:
            test = item.nodeid.partition("[")[0]
            ranks.append(counts[test])
            counts[test] += 1
        self.usual = sorted(range(len(ranks)), key=ranks.__getitem__)
        self.begin(self.survives)
        return True

    def survives(self, text: str) -> bool:
        """Whether all tests pass with this in the place of the module."""
        items = self.session.items
        order = [*self.killers, *(place for place in self.usual if place not in self.killers)]
        receiver, sender = os.pipe()
        child = os.fork()
        if not child:
            code = 1
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
                alter(self.name, text)
                for place in order:
                    self.session.config.hook.pytest_runtest_protocol(item=items[place], nextitem=None)
                    if self.failed:
                        os.write(sender, str(place).encode())
                        break
                code = int(self.failed)
            finally:
                os._exit(code)
        os.close(sender)
        with os.fdopen(receiver) as told:
            if killer := told.read():
                self.killers = list(dict.fromkeys([int(killer), *self.killers]))
        _, status = os.waitpid(child, 0)
        return status == 0


def held_against_tests(module: str, begin: Callable[[Callable[[str], bool]], None]) -> None:
    """Calls a function with one that says whether a text survives in the place of a module."""
    files = [str(ROOT / "tests" / f"test_{name}.py") for name in TESTS[module]]
    with open(os.devnull, "w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        pytest.main([*OPTIONS, "-k", KEYWORDS.get(module, ""), *files], plugins=[Trial(module, begin)])


def difference(module: str, text: str, mutant: str) -> str:
    """What a mutant changes of its module, as it is printed."""
    lines = difflib.unified_diff(text.splitlines(), mutant.splitlines(), module, "", n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith("+++"))


def changed(difference: str) -> list[str]:
    """The lines of a difference without their numbers, which another line above them moves."""
    return [line for line in difference.splitlines() if not line.startswith(("@@", "---"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="so many mutants of each module, at random; all unless said")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="so long for each module, at most")
    parser.add_argument(
        "--again", type=Path, help="those alone that survived by what an earlier run has printed into this file"
    )
    parser.add_argument("--module", help="those modules alone whose name holds this")
    asked = parser.parse_args()
    # The same examples for every mutant.
    os.environ["CI"] = "1"
    hypothesis.settings.register_profile("mutants", deadline=None, derandomize=True, phases=WITHOUT_SHRINKING)
    before = None if asked.again is None else printed_by(asked.again)
    out = sys.stdout  # what pytest prints goes elsewhere

    def hold(module: str, survives: Callable[[str], bool]) -> None:
        text = (ROOT / "tfpt_cli" / f"{module}.py").read_text(encoding="utf-8")
        if not survives(text):
            print(f"the tests of {module} fail as it is", file=out, flush=True)
            return
        every = list(mutants(text))
        if before is not None:
            every = [mutant for mutant in every if changed(difference(module, text, mutant)) in before]
        random.Random(asked.seed).shuffle(every)
        until = time.monotonic() + 60 * asked.minutes
        tried = left = 0
        for mutant in every[: asked.sample]:
            if time.monotonic() > until:
                break
            tried += 1
            if survives(mutant):
                left += 1
                print(difference(module, text, mutant), file=out, flush=True)
        print(f"{module}: {tried} of {len(every)} tried, {left} survived", file=out, flush=True)

    for module in TESTS:
        if (asked.module or "") in module:
            held_against_tests(module, partial(hold, module))


def printed_by(earlier: Path) -> list[list[str]]:
    """What the mutants changed that an earlier run has printed; its figures are no difference."""
    text = re.sub(r"^.* tried, .* survived$", "", earlier.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [changed(each.rstrip("\n")) for each in re.split(r"^--- .*\n", text, flags=re.MULTILINE)]


if __name__ == "__main__":
    main()
