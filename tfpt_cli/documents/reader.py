"""What a subject reads its fields with: values, their places, and a list to complain into."""

from __future__ import annotations

import ast
import keyword
import unicodedata
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tfpt_cli.expressions.native import check_native, with_full_names
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.constants import bad_constants, mark_inputs, substitute
from tfpt_cli.language.expression import Complaint, outside, parse
from tfpt_cli.language.suggest import MOST_HINTS, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.documents.document import Document, Path
    from tfpt_cli.results import Problem


# What a listing itself uses by these names.
_RESERVED = {root for framework in FRAMEWORKS.values() for root in framework.roots} | {
    *("rng", "print", "sys", "scipy", "mpmath", "mp", "ml_dtypes"),
}


def bad_name(name: str) -> str:
    """Why a name cannot be that of an input, an output or a matrix value; empty where it can.

    >>> bad_name("x"), bad_name("np")
    ('', 'a listing uses it for something else; call it np_')
    """
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
        return "use a word such as x or w1"
    if unicodedata.normalize("NFKC", name) != name:
        return f"Python reads it as '{unicodedata.normalize('NFKC', name)}'; use that"
    return f"a listing uses it for something else; call it {name}_" if name in _RESERVED else ""


@dataclass
class Reader:
    """One case of one document: its data, its `matrix` values, and the problems found so far.

    >>> from tfpt_cli.documents.document import documents
    >>> reader = Reader(documents("a.yaml", "expr: op(x) + 1")[0][0], {"op": "relu"})
    >>> ast.unparse(reader.tree(("expr",))), reader.problems
    ('relu(x) + 1', [])
    """

    document: Document
    case: Mapping[str, Any]
    allow_code: bool = False
    problems: list[Problem] = field(default_factory=list)
    # The full paths of the files that the case names: Python that is run, weights that are read.
    named: list[str] = field(default_factory=list)

    @property
    def hints(self) -> int:
        """For how many more problems the nearest right name is looked for."""
        return max(MOST_HINTS - len(self.problems), 0)

    def get(self, *path: Any, default: Any = None) -> Any:
        """The value at a path, or the default where a step is missing."""
        value = self.document.data
        for step in path:
            if not isinstance(value, dict) or step not in value:
                return default
            value = value[step]
        return value

    def complain(self, path: Path, message: str, *, offset: int | None = None, key: bool = False) -> None:
        """Notes a problem with the value (or the key) at a path; `offset` counts characters into its text."""
        self.problems.append(self.document.problem(path, message, offset=offset, key=key))

    def complain_all(self, path: Path, complaints: list[Complaint]) -> None:
        """Notes the complaints about the expression at a path."""
        for complaint in complaints:
            self.complain(path, complaint.message, offset=complaint.offset)

    def tree(self, path: Path) -> ast.expr | None:
        """The parsed text at a path with the matrix values put in, or None after complaining."""
        value = self.get(*path)
        tree, complaints = parse(str(value))
        self.complain_all(path, complaints)
        if tree is None or complaints:
            return None
        if self.case:
            tree = substitute(tree, self.case)
            complaints = list(outside(tree))  # a list of the matrix may stand where a number was meant
            self.complain_all(path, complaints)
        return None if complaints else tree

    def call(self, path: Path, what: str) -> ast.Call | None:
        """The parsed call at a path (`linear(3, 4)`, or `linear` for one without arguments), or None after complaining."""
        tree = self.tree(path)
        if isinstance(tree, ast.Constant) and isinstance(tree.value, str) and str(self.get(*path)).strip() in self.case:
            # The matrix gives the whole call: `weight: filling` with `filling: [orthogonal(), 'uniform(0, 1)']`.
            tree, complaints = parse(tree.value)
            self.complain_all(path, [Complaint(0, complaint.message) for complaint in complaints])
            if complaints:
                return None
        if isinstance(tree, (ast.Name, ast.Attribute)):
            call = ast.Call(tree, [], [])
            call.offset = getattr(tree, "offset", 0)  # type: ignore[attr-defined]
            return call
        if tree is not None and not isinstance(tree, ast.Call):
            number = isinstance(tree, ast.Constant) and type(tree.value) in (int, float) and what == "an initializer"
            example = f"constant({ast.unparse(tree)})" if number else _EXAMPLES[what]
            self.complain(path, f"{what} must be a call, such as {example}")
            return None
        return tree

    def native(
        self,
        path: Path,
        framework: str,
        variables: set[str],
        *,
        what: str = "",
        given: int = 0,
        layers: Mapping[str, ast.expr] = MappingProxyType({}),
        made: bool = False,
    ) -> ast.expr | None:
        """The checked native code at a path, bare class names written out, or None after complaining.

        With `what`, the code must be a call. `layers` are the lines before it that are layers, which it may call; `made` says
        that the code makes a layer, which is called elsewhere.
        """
        tree = self.call(path, what) if what else self.tree(path)
        if tree is None:
            return None
        mark_inputs(tree, variables)
        complaints = check_native(tree, framework, variables, given=given, layers=layers, made=made, hints=self.hints)
        complaints += list(bad_constants(tree))
        self.complain_all(path, complaints)
        return None if complaints else with_full_names(tree, framework, variables)

    def is_one_of(self, path: Path, names: Mapping[str, Any] | set[str] | list[str], what: str, value: Any) -> bool:
        """Whether `value` is one of `names`; complains at the path if not."""
        if value in names:
            return True
        hint = did_you_mean(str(value), list(names)) if self.hints else ""
        known = "" if hint else f" (known: {', '.join(names)})" if names else ""
        self.complain(path, f"unknown {what} '{value}'{hint}{known}")
        return False


_EXAMPLES = {
    "a layer": "linear(3, 4)",
    "an initializer": "uniform(0, 1)",
    "a native layer": "nn.Linear(3, 4) or keras.layers.Dense(4)",
    "a native initializer": 'nn.init.kaiming_normal_(nonlinearity="relu")',
}
