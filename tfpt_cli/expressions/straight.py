"""A person's own function that is a straight row of statements, as the one expression that it means.

`own_code` says which calls are made of what; it reads both branches of an `if` and a loop once. Here what is read means the same
as what runs, or nothing is read: names that are bound and put in where they stand, and functions of the same file likewise. What
branches, loops, writes into something, or uses a name that is not plainly known has no meaning here.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.expressions.own_file import OwnFile, parsed
from tfpt_cli.expressions.own_values import Function, bound, defaults_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# How deep calls of functions of one's own are followed, and how many nodes the expression may come to.
_DEPTH, _SIZE = 8, 2000
# What makes a layer that keeps something of each call; two calls of one are not two layers.
KEEPING = re.compile(r"\b(BatchNorm|InstanceNorm|BatchNormalization|SpectralNorm)\w*\(")
# Functions that write into an argument, where it is given: its name and its place.
_WRITING = {"batch_norm": ("running_mean", 1), "instance_norm": ("running_mean", 1), "embedding": ("max_norm", 3)}
_BUILTINS = frozenset({"abs", "float", "int"})


class _NotStraight(Exception):
    """Raised where code is no straight row of statements that write into nothing."""


def straight(file: str, function: str, inputs: Sequence[str]) -> ast.expr | None:
    """The expression of the inputs that a function of a file means, by the full names of modules; None where it is not straight.

    Its parameters are called by the names of the inputs, in their order.
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
        module, tree = parsed(file, text), ast.parse(text)
    except (OSError, ValueError, SyntaxError, RecursionError):
        return None
    if module is None or function not in module.functions:
        return None
    try:
        reader = _Reader(module, _bound_once(tree))
        return reader.result(module.functions[function], [ast.Name(name, ast.Load()) for name in inputs], [])
    except (_NotStraight, RecursionError):
        return None


def _bound_once(tree: ast.Module) -> frozenset[str]:
    """The names of a file that mean one thing wherever they stand: bound in one place, and nothing is put into them.

    Raises `_NotStraight` where the top of the file does more than bind names, which may change what everything else means.
    """
    found: dict[str, set[str]] = {}
    for name, what in (*_bound_at_top(tree.body), *_imported_or_written(tree)):
        found.setdefault(name, set()).add(what)
    return frozenset(name for name, meant in found.items() if len(meant) == 1)


def _bound_at_top(body: Sequence[ast.stmt]) -> Iterator[tuple[str, str]]:
    """The names that statements at the top of a file bind, each with what tells that place from others; imports are left out."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, str(node.lineno)
            case ast.Assign(targets=[*targets]) | ast.AnnAssign(target=ast.Name() as targets):
                for target in targets if isinstance(targets, list) else [targets]:
                    yield from ((each.id, str(node.lineno)) for each in ast.walk(target) if isinstance(each, ast.Name))
            case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):  # which an import does not run
                pass
            case ast.If(body=inner, orelse=more):
                yield from _bound_at_top([*inner, *more])
            case ast.Try(body=inner, handlers=handlers, orelse=orelse, finalbody=final):  # an import that may fail, say
                yield from _bound_at_top([*inner, *orelse, *final, *(each for h in handlers for each in h.body)])
            case ast.With(body=inner):
                yield from _bound_at_top(inner)
            case _:
                raise _NotStraight


def _imported_or_written(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that are imported anywhere in a file, with what they mean, and those that something is put into.

    What is imported in a function is known to the whole file by `parsed`.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Global() | ast.Delete():
                raise _NotStraight
            case ast.Import(names=names):
                for each in names:
                    root = each.name.partition(".")[0]
                    yield each.asname or root, each.name if each.asname else root
            case ast.ImportFrom(module=module, names=names):
                if any(each.name == "*" for each in names):
                    raise _NotStraight
                yield from ((each.asname or each.name, f"{module}.{each.name}") for each in names)
            case ast.Attribute(ctx=ast.Store()) | ast.Subscript(ctx=ast.Store()):  # torch.relu = mine
                yield from ((each.id, "written into") for each in ast.walk(node) if isinstance(each, ast.Name))


class _Reader:
    """Reads functions of one file, whose top binds each of the names `once`."""

    def __init__(self, module: OwnFile, once: frozenset[str]) -> None:
        self.module, self.once = module, once
        self.depth = 0
        self.nodes = 0

    def result(
        self,
        definition: ast.FunctionDef | ast.AsyncFunctionDef,
        args: list[ast.expr],
        keywords: list[tuple[str, ast.expr]],
    ) -> ast.expr:
        """What a function returns for some arguments. Raises `_NotStraight`."""
        scope = self.parameters(definition, args, keywords)
        self.depth += 1
        if self.depth > _DEPTH or definition.decorator_list or not isinstance(definition, ast.FunctionDef):
            raise _NotStraight
        for statement in definition.body:
            match statement:
                case ast.Expr(value=ast.Constant()):
                    continue
                case ast.Return(value=ast.expr() as value):
                    self.depth -= 1
                    return self.read(value, scope)
                case ast.Assign(targets=targets, value=value):
                    found = self.read(value, scope)
                    if KEEPING.search(ast.unparse(value)):
                        raise _NotStraight  # each call of the name goes on from the one before
                    for target in targets:
                        self.bind(target, found, scope)
                case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                    self.bind(target, self.read(value, scope), scope)
                case _:
                    raise _NotStraight
        raise _NotStraight

    def parameters(
        self,
        definition: ast.FunctionDef | ast.AsyncFunctionDef,
        args: list[ast.expr],
        keywords: list[tuple[str, ast.expr]],
    ) -> dict[str, ast.expr]:
        """The parameters of a function, each with what it is given or starts with. Raises `_NotStraight` where one lacks."""
        given = definition.args
        names = [each.arg for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        found = bound(Function(definition, {}), args, keywords)
        if given.vararg or given.kwarg or found is None or not set(found) <= set(names):
            raise _NotStraight
        scope = {name: tree for name, tree in found.items() if isinstance(tree, ast.expr)}
        for name, default in defaults_of(definition).items():
            if name not in scope:
                scope[name] = self.read(default, {})
        if set(scope) != set(names):
            raise _NotStraight
        return scope

    def bind(self, target: ast.expr, value: ast.expr, scope: dict[str, ast.expr]) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                row = value.elts if isinstance(value, (ast.Tuple, ast.List)) else None
                if row is not None and len(row) != len(targets):
                    raise _NotStraight
                for index, each in enumerate(targets):
                    part = ast.Subscript(value, ast.Constant(index), ast.Load())
                    self.bind(each, part if row is None else row[index], scope)
            case _:
                raise _NotStraight

    def read(self, tree: ast.expr, scope: dict[str, ast.expr]) -> ast.expr:
        """An expression with everything put in that its names stand for. Raises `_NotStraight`."""
        match tree:
            case ast.Name(id=name):
                return self.counted(self.name(name, scope))
            case ast.Constant():
                return tree
            case ast.Attribute(value=value, attr=attr) if not attr.startswith("_"):
                return ast.Attribute(self.read(value, scope), attr, ast.Load())
            case ast.Call():
                return self.called(tree, scope)
            case ast.BinOp(left=left, op=op, right=right):
                return ast.BinOp(self.read(left, scope), op, self.read(right, scope))
            case ast.UnaryOp(op=op, operand=operand):
                return ast.UnaryOp(op, self.read(operand, scope))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return ast.Compare(self.read(left, scope), [op], [self.read(right, scope)])
            case ast.Subscript(value=value, slice=index):
                return ast.Subscript(self.read(value, scope), self.read(index, scope), ast.Load())
            case ast.Slice():
                parts = (self.read(part, scope) if part else None for part in (tree.lower, tree.upper, tree.step))
                return ast.Slice(*parts)
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return type(tree)([self.read(item, scope) for item in items], ast.Load())
        raise _NotStraight

    def counted(self, tree: ast.expr) -> ast.expr:
        """A tree that is put in, after counting its nodes: one that is named again and again has no end."""
        self.nodes += sum(1 for _ in ast.walk(tree))
        if self.nodes > _SIZE:
            raise _NotStraight
        return tree

    def name(self, name: str, scope: dict[str, ast.expr]) -> ast.expr:
        if name in scope:
            return scope[name]
        if name in self.once and name in self.module.values:
            value = self.module.values[name]
            if not all(isinstance(node, _PLAIN) for node in ast.walk(value)):
                raise _NotStraight  # a tensor or a list at the top of the file may be written into
            return value
        if name in self.once and name in self.module.imports:
            return ast.parse(self.module.imports[name], mode="eval").body
        if name in _BUILTINS and name not in self.module.functions and name not in self.module.classes:
            return ast.Name(name, ast.Load())
        raise _NotStraight

    def called(self, tree: ast.Call, scope: dict[str, ast.expr]) -> ast.expr:
        """A call with its arguments read; of a function of the file, what it returns."""
        args = [self.read(arg, scope) for arg in tree.args]
        keywords = [(keyword.arg or "", self.read(keyword.value, scope)) for keyword in tree.keywords]
        if any(not name or name in ("out", "inplace") for name, _ in keywords):
            raise _NotStraight
        match tree.func:
            case ast.Name(id=name) if name not in scope and name in self.module.functions and name in self.once:
                return self.counted(self.result(self.module.functions[name], args, keywords))
            case ast.Attribute(attr=attr) if attr.endswith("_"):
                raise _NotStraight  # it writes into its tensor
        self.refuse_writing(tree.func, args, dict(keywords))
        function = self.read(tree.func, scope)
        if ast.unparse(function).startswith("torch.nn.") and any(
            isinstance(a, ast.Constant) and a.value is True for a in args
        ):
            raise _NotStraight  # it may be that it writes into its tensor, which F.relu(x, True) does
        return ast.Call(function, args, [ast.keyword(name, value) for name, value in keywords])

    @staticmethod
    def refuse_writing(function: ast.expr, args: list[ast.expr], keywords: dict[str, ast.expr]) -> None:
        """Raises `_NotStraight` for a call that writes into something that it is given."""
        called = function.attr if isinstance(function, ast.Attribute) else ""
        name, place = _WRITING.get(called, ("", 0))
        given = keywords.get(name) or (args[place] if name and len(args) > place else None)
        if given is not None and not (isinstance(given, ast.Constant) and given.value is None):
            raise _NotStraight


# What a number at the top of a file is made of: nothing that can be written into.
_PLAIN = (ast.Constant, ast.UnaryOp, ast.unaryop, ast.BinOp, ast.operator, ast.Tuple, ast.Load)
