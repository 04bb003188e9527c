"""Patterns of code: what a known difference is found by, and how a recipe is put in.

A pattern is a Python expression in which a name that begins with an underscore stands for any expression (`_x` twice for
the same one, `_` for a new one each time, `__x` for the same one on both sides) and `...` as the last argument for any
further arguments. A dotted name alone (`F.gelu`) means any call of it, `_x.real` the attribute of anything. An argument may
stand by place or by name, and one that is the default may be said or not; `__x` stands for an argument that is left out, too,
and is its default then. So it is with what a layer is called with (`keras.layers.LSTM(...)(_, mask=_)`). What stands in
`*[_a, _b]` must be given by place, and `_has(F.gelu, F.silu)` is any expression in which one of the patterns stands.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tfpt_cli.dictionary.canonical import canonical, canonical_pattern, names_of
from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.records import RowError
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.templates import Matcher, Rest, fill, has_rest
from tfpt_cli.language.trees import called_name, copied, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# What a pattern's holes stand for, by name; what a wildcard and `...` stand for, by the node and by the call that has it.
Bindings = dict[str | ast.Call | ast.Name, ast.expr | Rest]
Shared = dict[str, ast.expr]
# What an expression begins with: the name of the function that it calls, or its type.
Head = str | type[ast.expr]


@dataclass(frozen=True)
class Place:
    """A place in code where a pattern stands: what its shared names are bound to, the node, and the parts of it that are free.

    Of `F.elu(exp(x), 2)` and the pattern `F.elu(_, 2)` the free part is `exp(x)`: the pattern says nothing of it.
    """

    shared: Shared
    node: ast.expr
    free: tuple[ast.expr, ...]


@dataclass(frozen=True)
class Pattern:
    """A pattern; raises `RowError` for one that does not parse.

    >>> code = ast.parse("torch.exp(F.gelu(2 * x))", mode="eval").body
    >>> [ast.unparse(place.node) for place in Pattern("F.gelu(__x)").places([code])]
    ['F.gelu(2 * x)']
    >>> [ast.unparse(shared["__x"]) for shared in Pattern("F.gelu(__x)").inside([code])]
    ['2 * x']

    `framework` is that whose code it is held against: `_.gradient(...)` is a method of TensorFlow's tape, and torch.gradient of a
    tensor. Without one it is read as a pattern of either.
    """

    text: str
    framework: str = ""

    @cached_property
    def tree(self) -> ast.expr:
        """The tree of the pattern; of a dotted name alone, such as `F.gelu`, a call of it with any arguments."""
        tree = canonical(parsed(self.text), self.framework) if self.framework else canonical_pattern(parsed(self.text))
        if isinstance(tree, (ast.Attribute, ast.Name)) and (name := dotted(tree)) and not name.startswith("_"):
            return ast.Call(tree, [ast.Constant(...)], [])
        return tree

    @cached_property
    def head(self) -> Head | None:
        """What every place begins with at which the pattern stands; None where it may be anything."""
        if isinstance(self.tree, ast.Name) or (isinstance(self.tree, ast.Call) and _callee(self.tree) == "_has"):
            return None
        head = _head(self.tree)
        return ast.Call if isinstance(head, str) and head.startswith("_") else head

    def inside(
        self, trees: Iterable[ast.expr], shared: Shared | None = None, *, whole: bool = False
    ) -> Iterator[Shared]:
        """For every place in the trees where the pattern stands, what the names that both sides share (`__x`) are bound to there.

        `shared` holds what those names are bound to already; `whole` asks for a tree that is nothing else.
        """
        for place in self.places(trees, shared, whole=whole):
            yield place.shared

    def places(
        self, trees: Iterable[ast.expr], shared: Shared | None = None, *, whole: bool = False
    ) -> Iterator[Place]:
        """Every place in the trees where the pattern stands, with the node itself; the arguments are those of `inside`."""
        for tree in trees:
            for node in [tree] if whole else [tree, *_within(tree).get(self.head, ())]:
                bindings: Bindings = {}
                bindings.update((shared or {}).items())
                if _Finder(bindings).matches(self.tree, node):
                    found = {
                        name: bound
                        for name, bound in bindings.items()
                        if isinstance(name, str) and name.startswith("__") and isinstance(bound, ast.expr)
                    }
                    yield Place(found, node, tuple(_free(bindings)))


def _head(node: ast.expr) -> Head:
    """The function that a call calls, `nn.RNN()` of `nn.RNN(3, 4)(x)`; the type of any other node, or where it has no name."""
    if not isinstance(node, ast.Call):
        return type(node)
    if isinstance(node.func, ast.Call):
        made = _head(node.func)
        return f"{made}()" if isinstance(made, str) else ast.Call
    return dotted(node.func) or ast.Call


# What stands within a tree, by what it begins with; for as long as there is the tree, which it does not hold.
_WITHIN: WeakKeyDictionary[ast.expr, dict[Head | None, list[ast.expr]]] = WeakKeyDictionary()


def _within(tree: ast.expr) -> Mapping[Head | None, list[ast.expr]]:
    """The expressions within a tree by what they begin with, each also by its type and under None, in the order of `ast.walk`.

    It is kept while the tree is there: hundreds of patterns are looked for in each.
    """
    kept = _WITHIN.get(tree)
    if kept is None:
        kept = _WITHIN[tree] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.expr) and node is not tree:
                for head in {None, type(node), _head(node)}:
                    kept.setdefault(head, []).append(node)
    return kept


def parsed(text: str) -> ast.expr:
    """The tree of a pattern or a replacement; raises `RowError` for one that does not parse."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise RowError(f"the pattern '{text}' does not parse: {error.msg}") from None


def rewritten(tree: ast.expr, rules: Mapping[str, str]) -> tuple[ast.expr, int]:
    """A copy of a tree with every place that matches a pattern replaced, innermost first, and how many such places there were.

    >>> tree, count = rewritten(ast.parse("F.gelu(x) + 1", mode="eval").body, {"F.gelu(_x)": "F.gelu(_x, approximate='tanh')"})
    >>> ast.unparse(tree), count
    ("F.gelu(x, approximate='tanh') + 1", 1)
    """
    rewriter = _Rewriter([(Pattern(pattern).tree, canonical_pattern(parsed(by))) for pattern, by in rules.items()])
    new: ast.expr = rewriter.visit(copied(tree))
    return new, rewriter.count


class _Rewriter(ast.NodeTransformer):
    def __init__(self, rules: list[tuple[ast.expr, ast.expr]]) -> None:
        self.rules, self.count = rules, 0

    def visit(self, node: ast.AST) -> Any:
        node = self.generic_visit(node)
        if isinstance(node, ast.expr):
            for pattern, by in self.rules:
                bindings: Bindings = {}
                if _Finder(bindings).matches(pattern, node):
                    self.count += 1
                    holes = {
                        k: tree for k, tree in bindings.items() if isinstance(k, str) and isinstance(tree, ast.expr)
                    }
                    return fill(by, holes, rests=_own_rests(pattern, by, bindings))
        return node


def _own_rests(pattern: ast.expr, by: ast.expr, bindings: Bindings) -> dict[ast.Call, Rest]:
    """What `...` stands for in each call of a replacement.

    It is what it stands for in the pattern's call of that function or, where there is none, in the pattern's call of that rank.
    """
    bound = [(_callee(call), rest) for call in _with_rest(pattern) if isinstance(rest := bindings[call], tuple)]
    found: dict[ast.Call, Rest] = {}
    for place, call in enumerate(_with_rest(by) if bound else ()):
        alike = [rest for callee, rest in bound if callee == _callee(call)]
        found[call] = alike[0] if alike else bound[min(place, len(bound) - 1)][1]
    return found


def _with_rest(tree: ast.expr) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call) and has_rest(node)]


def _free(bindings: Bindings) -> Iterator[ast.expr]:
    """The expressions that wildcards and `...` stand for."""
    for key, bound in bindings.items():
        if isinstance(key, ast.Name) and isinstance(bound, ast.expr):
            yield bound
        elif isinstance(key, ast.Call) and isinstance(bound, tuple):
            yield from (*bound[0], *(keyword.value for keyword in bound[1]))


def _callee(call: ast.Call) -> str:
    """The function of a call, without the arguments of the calls in it: `nn.RNN()` for `nn.RNN(3, 4)(x)`."""
    return f"{_callee(call.func)}()" if isinstance(call.func, ast.Call) else ast.unparse(call.func)


class _Finder(Matcher):
    """Finds where a pattern stands: its holes begin with an underscore, and what they stand for is in `bindings`."""

    def __init__(self, bindings: Bindings | None = None) -> None:
        self.bindings: Bindings = {} if bindings is None else bindings

    def is_hole(self, name: str) -> bool:
        return name.startswith("_")

    def binds(self, hole: ast.Name, tree: ast.expr) -> bool:
        if hole.id != "_":
            bound = self.bindings.setdefault(hole.id, tree)
            if bound is not tree and not _equal(bound, tree):
                return False
        self.bindings[hole] = tree
        return True

    def matches(self, template: Any, tree: Any) -> bool:
        match template:
            case ast.Call(func=ast.Name(id="_has"), args=patterns):
                return any(self.has(pattern, tree) for pattern in patterns)
            case ast.BinOp(op=ast.Add() | ast.Mult(), left=left, right=right) if isinstance(tree, ast.BinOp):
                before = dict(self.bindings)
                if super().matches(template, tree):
                    return True
                self.bindings.clear()
                self.bindings.update(before)
                swapped = type(template.op) is type(tree.op)
                return swapped and self.matches(left, tree.right) and self.matches(right, tree.left)
        return super().matches(template, tree)

    def has(self, pattern: ast.expr, tree: ast.AST) -> bool:
        """Whether a pattern stands anywhere in an expression; binds its names at the first place."""
        wanted = Pattern(ast.unparse(pattern)).tree
        for part in ast.walk(tree):
            tried = _Finder(dict(self.bindings))
            if isinstance(part, ast.expr) and tried.matches(wanted, part):
                self.bindings.update(tried.bindings)
                return True
        return False

    def calls(self, template: ast.Call, call: ast.Call) -> bool:
        if not self.matches(template.func, call.func):
            return False
        rest = has_rest(template)
        wanted, placed = _by_place(template.args[:-1] if rest else template.args)
        if len(call.args) < placed or any(isinstance(tree, ast.Starred) for tree in call.args[:placed]):
            return False
        defaults = _parameters(dotted(call.func) or f"{called_name(call.func)}()") or _overload(call)
        given, asked = _by_name(call.args, call.keywords, defaults), _by_name(wanted, template.keywords, defaults)
        if given is None or asked is None:
            return False
        for name, tree in asked.items():
            found = given.pop(name, None)
            if found is None and isinstance(tree, ast.Name) and tree.id.startswith("__"):
                found = _default(name, defaults)
            said = found is not None and self.matches(tree, found)
            if not said and (found is not None or not _is_default(name, tree, defaults)):
                return False
        if rest:
            self.bindings[template] = _left_over(call, list(defaults), set(given), len(wanted))
        return rest or all(_is_default(name, tree, defaults) for name, tree in given.items())


def _equal(one: object, other: ast.expr) -> bool:
    """Whether two trees are the same code, numbers of one value included."""
    return isinstance(one, ast.expr) and _Finder().matches(one, other)


def _by_place(args: list[ast.expr]) -> tuple[list[ast.expr], int]:
    """A pattern's arguments without the `*[...]` at their beginning, and how many of them must be given by place."""
    match args:
        case [ast.Starred(value=ast.List(elts=first)), *others]:
            return [*first, *others], len(first)
    return args, 0


def _left_over(
    node: ast.Call, names: list[str], left: set[str | int | None], taken: int
) -> tuple[list[ast.expr], list[ast.keyword]]:
    """The arguments of a call behind the first `taken` that are left, as written; by name behind one that is not."""
    args: list[ast.expr] = []
    keywords: list[ast.keyword] = []
    gap = False
    for index, tree in enumerate(node.args):
        name = names[index] if index < len(names) else None
        if (index if name is None else name) not in left:
            gap = gap or index >= taken
        elif gap and name is not None:
            keywords.append(ast.keyword(name, tree))
        else:
            args.append(tree)
    return args, [*keywords, *(keyword for keyword in node.keywords if keyword.arg in left)]


def _by_name(
    args: list[ast.expr], keywords: list[ast.keyword], defaults: Mapping[str, str | None]
) -> dict[str | int | None, ast.expr] | None:
    """Arguments by the names of a function's parameters, by place where those are not known; None where one stands twice."""
    names = list(defaults)
    found: dict[str | int | None, ast.expr] = {}
    pairs = [(names[i] if i < len(names) else i, tree) for i, tree in enumerate(args)]
    for name, tree in [*pairs, *((keyword.arg, keyword.value) for keyword in keywords)]:
        if name in found:
            return None
        found[name] = tree
    return found


def _is_default(name: str | int | None, tree: ast.expr, defaults: Mapping[str, str | None]) -> bool:
    default = _default(name, defaults)
    return default is not None and _equal(default, tree)


def _default(name: str | int | None, defaults: Mapping[str, str | None]) -> ast.expr | None:
    text = defaults.get(name) if isinstance(name, str) else None
    if text is None:
        return None
    tree = ast.parse(text, mode="eval").body
    tree.left_out = True  # type: ignore[attr-defined]
    return tree


def left_out(shared: Shared) -> frozenset[str]:
    """The names that stand for an argument that is left out; one that is written as it is by default is none.

    >>> code = ast.parse("nn.init.normal_(w, 0.0)", mode="eval").body
    >>> (shared,) = Pattern("nn.init.normal_(_, __mean, __std)").inside([code])
    >>> sorted(left_out(shared))
    ['__std']
    """
    return frozenset(name for name, tree in shared.items() if hasattr(tree, "left_out"))


@cache
def _parameters(name: str) -> Mapping[str, str | None]:
    """The parameters of a function with the source of their defaults; empty where they are not known.

    It is a native one, one that a person's own functions call, or a layer that is called (`signatures.yaml`).
    """
    for framework in FRAMEWORKS:
        calls = native(framework).calls
        known = (calls.get(each) for each in names_of(name, framework))
        signatures = next(filter(None, known), None) or [own for own in [rows_of("signatures").get(name)] if own]
        if not signatures or len(signatures) > 1:
            continue
        parameters = parse_signature(signatures[0]).parameters
        if any(parameter.kind == "args" for parameter in parameters):
            return {}
        return {p.name: None if p.default is None else ast.unparse(p.default) for p in parameters}
    return {}


def _overload(call: ast.Call) -> Mapping[str, str | None]:
    """The parameters of the one signature of several that a call fits, without their defaults; empty where more do, or none."""
    name = dotted(call.func)
    found = [
        signature
        for framework in FRAMEWORKS
        for signature in map(parse_signature, native(framework).calls.get(name, ()))
        if not any(parameter.kind == "args" for parameter in signature.parameters) and not signature.bind(name, call)[1]
    ]
    return {parameter.name: None for parameter in found[0].parameters} if len(found) == 1 else {}
