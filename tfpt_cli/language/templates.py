"""Templates: code with holes, as the rows of the dictionary and the recipes of known differences are written.

A hole is a name. `fill` puts code into the holes: for a framework's listing, for the reference, for what a recipe writes. A
`Matcher` says what stands in them: `dictionary.native` reads a call back by a row's template, `dictionary.patterns` finds the
code of a known difference.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.language.trees import dotted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set

# What `...` stands for as the last argument of a call: the further positional arguments and the further keywords.
Rest = tuple[list[ast.expr], list[ast.keyword]]

_WITHOUT_HOLES = (ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


def fill(
    template: ast.expr,
    values: Mapping[str, ast.expr],
    *,
    decide: Callable[[ast.expr], bool] | None = None,
    compute: Callable[[ast.expr], ast.expr | None] | None = None,
    left_out: Set[str] = frozenset(),
    rests: Mapping[ast.Call, Rest] | None = None,
) -> ast.expr:
    """A copy of a template with its names, dotted ones too, replaced by `values`.

    `decide` says of a condition whether it holds: of `a if axis else b` one branch is left, and without `decide` both stay.
    `compute` may give what an expression comes to, which then stands in its place. A keyword that is a name of `left_out` is
    not written: `f(x, axis=axis)` is `f(x)`. `rests` are the arguments that stand for the `...` of the template's calls.

    >>> ast.unparse(fill(ast.parse("f(x, 2, axis=axis)", mode="eval").body, {"x": ast.Name("y")}, left_out={"axis"}))
    'f(y, 2)'
    """
    filled: ast.expr = _Filler(
        values=values, decide=decide, compute=compute, left_out=left_out, rests=rests or {}
    ).filled(template)
    return filled


def renamed(tree: ast.expr, names: Mapping[str, str]) -> ast.expr:
    """A copy of a tree in which some of the names, dotted ones too, are replaced by others.

    >>> ast.unparse(renamed(ast.parse("Dense(4)(x)", mode="eval").body, {"Dense": "keras.layers.Dense"}))
    'keras.layers.Dense(4)(x)'
    """
    changed = {old: ast.parse(new, mode="eval").body for old, new in names.items() if new != old}
    return fill(tree, changed) if changed else tree


@dataclass(frozen=True)
class _Filler:
    values: Mapping[str, ast.expr]
    decide: Callable[[ast.expr], bool] | None = None
    compute: Callable[[ast.expr], ast.expr | None] | None = None
    left_out: Set[str] = frozenset()
    rests: Mapping[ast.Call, Rest] = field(default_factory=dict)

    def filled(self, node: Any) -> Any:
        if isinstance(node, list):
            return [self.filled(item) for item in node]
        if not isinstance(node, ast.AST) or isinstance(node, _WITHOUT_HOLES):
            return node
        if isinstance(node, ast.IfExp) and self.decide is not None:
            return self.filled(node.body if self.decide(node.test) else node.orelse)
        if self.compute is not None and isinstance(node, ast.expr) and (value := self.compute(node)) is not None:
            return value
        if isinstance(node, (ast.Name, ast.Attribute)) and (value := self.values.get(dotted(node))) is not None:
            return value
        if isinstance(node, ast.Name):
            return node
        if isinstance(node, ast.Call):
            args, keywords = self._arguments(node)
            new: ast.AST = ast.Call(self.filled(node.func), self.filled(args), self.filled(keywords))
        else:
            new = type(node)(**{name: self.filled(value) for name, value in ast.iter_fields(node)})
        if hasattr(node, "offset"):  # the place in a scenario's text
            new.offset = node.offset  # type: ignore[attr-defined]
        return new

    def _arguments(self, call: ast.Call) -> Rest:
        """The arguments of a call of the template that are written, with those that `...` stands for."""
        args = call.args
        keywords = [k for k in call.keywords if not (isinstance(k.value, ast.Name) and k.value.id in self.left_out)]
        if has_rest(call):
            more, further = self.rests.get(call, ([], []))
            said = {keyword.arg for keyword in keywords}
            args = [*args[:-1], *more]
            keywords += [keyword for keyword in further if keyword.arg not in said]
        return args, keywords


class Matcher:
    """Whether code is what a template says, and what stands in the holes.

    A reader of a kind of template says which names are its holes, what may stand in one, and when a call is that of the
    template; all else must be the same syntax with equal constants (1 and 1.0 are equal, 1 and True are not).
    """

    def is_hole(self, name: str) -> bool:
        """Whether a name of the template stands for other code: every name, unless a reader says otherwise."""
        return bool(name)

    def binds(self, hole: ast.Name, tree: ast.expr) -> bool:
        """Whether a tree may stand in a hole; keeps what stands there."""
        raise NotImplementedError

    def calls(self, template: ast.Call, call: ast.Call) -> bool:
        """Whether a call is the one that the template says, with its arguments."""
        raise NotImplementedError

    def matches(self, template: Any, tree: Any) -> bool:
        """Whether a tree, a list of trees, or a field of a tree is what the template has in its place."""
        if isinstance(template, list):
            same_length = isinstance(tree, list) and len(template) == len(tree)
            return same_length and all(map(self.matches, template, tree))
        if not isinstance(template, ast.AST):
            numbers = type(template) in (int, float) and type(tree) in (int, float)
            return bool(template == tree) and (numbers or type(template) is type(tree))
        if isinstance(template, ast.Name) and self.is_hole(template.id):
            return isinstance(tree, ast.expr) and self.binds(template, tree)
        if isinstance(template, ast.Call) and isinstance(tree, ast.Call):
            return self.calls(template, tree)
        fields = [name for name in template._fields if name not in ("ctx", "kind")]
        return type(template) is type(tree) and all(
            self.matches(getattr(template, name, None), getattr(tree, name, None)) for name in fields
        )


def has_rest(call: ast.Call) -> bool:
    """Whether the last positional argument of a call is `...`, which stands for any further arguments."""
    return bool(call.args) and isinstance(call.args[-1], ast.Constant) and call.args[-1].value is ...
