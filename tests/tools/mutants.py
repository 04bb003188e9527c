"""Mutation testing of the comparisons: a sample of cosmic-ray's mutants against the tests that need no framework.

    python -m tests.tools.mutants --sample 400 --seed 1 [--module values]

Needs `cosmic-ray` beside what the tests need. Each mutant lives in a forked process, which gets the altered module in the
place of the file: nothing is written. What survives is printed as a difference; a test that hangs counts as one that fails.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
import importlib
import importlib.abc
import importlib.util
import io
import os
import random
import re
import resource
import sys
import time
from pathlib import Path
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
    from collections.abc import Iterator, Sequence

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
    "subjects/gradient/comparer": ("verdicts_never_lie",),
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
    *("-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "addopts=", "--hypothesis-profile=mutants"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *(f"--deselect=tests/test_{name}" for name in LEFT_OUT),
]
WITHOUT_SHRINKING = (hypothesis.Phase.explicit, hypothesis.Phase.generate)


class Altered(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a text in the place of its file."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def find_spec(self, name: str, path: Sequence[str] | None, target: object = None) -> Any:  # noqa: ARG002
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module: Any) -> None:
        module.__file__ = str(ROOT / f"{self.name.replace('.', '/')}.py")
        exec(compile(self.text, module.__file__, "exec"), module.__dict__)


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


def survives(module: str, text: str) -> bool:
    """Whether all tests pass with this in the place of a module."""
    child = os.fork()
    if not child:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            name = f"tfpt_cli.{module.replace('/', '.')}"
            sys.meta_path.insert(0, Altered(name, text))
            importlib.import_module(name)  # before pytest, whose own loader would read the file
            files = [str(ROOT / "tests" / f"test_{name}.py") for name in TESTS[module]]
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                # One after the other: most mutants die by the first, and to read the others takes seconds.
                runs = (int(pytest.main([*OPTIONS, "-k", KEYWORDS.get(module, ""), file])) for file in files)
                code = next(filter(None, runs), 0)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status == 0


def difference(module: str, text: str, mutant: str) -> str:
    """What a mutant changes of its module, as it is printed."""
    lines = difflib.unified_diff(text.splitlines(), mutant.splitlines(), module, "", n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith("+++"))


def changed(difference: str) -> list[str]:
    """The lines of a difference without their numbers, which another line above them moves."""
    return [line for line in difference.splitlines() if not line.startswith(("@@", "---"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="so many of all mutants, at random; all unless said")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no mutant is begun after so long")
    parser.add_argument(
        "--again", type=Path, help="those alone that survived by what an earlier run has printed into this file"
    )
    parser.add_argument("--module", help="those modules alone whose name holds this")
    asked = parser.parse_args()
    # The same examples for every mutant.
    os.environ["CI"] = "1"
    hypothesis.settings.register_profile("mutants", deadline=None, derandomize=True, phases=WITHOUT_SHRINKING)
    texts = {m: (ROOT / "tfpt_cli" / f"{m}.py").read_text(encoding="utf-8") for m in TESTS if (asked.module or "") in m}
    for module, text in texts.items():
        if not survives(module, text):
            sys.exit(f"the tests of {module} fail as it is")
    every = [(module, mutant) for module, text in texts.items() for mutant in mutants(text)]
    if asked.again is not None:
        printed = re.split(r"^--- .*\n", asked.again.read_text(encoding="utf-8"), flags=re.MULTILINE)
        before = [changed(each) for each in printed]
        of_last = before[-1][:2]  # behind it stand the figures
        every = [
            (m, mutant)
            for m, mutant in every
            if (lines := changed(difference(m, texts[m], mutant))) in before or lines == of_last
        ]
    random.Random(asked.seed).shuffle(every)
    chosen = every[: asked.sample]
    print(f"{len(chosen)} of {len(every)} mutants", flush=True)
    tried, left = dict.fromkeys(texts, 0), dict.fromkeys(texts, 0)
    until = time.monotonic() + 60 * asked.minutes
    for module, mutant in chosen:
        if time.monotonic() > until:
            break
        tried[module] += 1
        if survives(module, mutant):
            left[module] += 1
            print(difference(module, texts[module], mutant), flush=True)
    for module, count in left.items():
        print(f"{module}: {tried[module]} tried, {count} survived")


if __name__ == "__main__":
    main()
