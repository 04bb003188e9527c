"""Reading a person's own function: what it computes, as one expression of its inputs, without running it.

Known differences are found in code, and a person's function is code in a file of theirs. Its names are put in where they are
used, functions and classes of the same file too, so that `total = torch.sum(x ** 2)` and `return torch.sqrt(total)` are read as
`torch.sqrt(torch.sum(x ** 2))`. Both branches of an `if` are read, and the body of a loop once: what comes out says which calls
are made of what, not in which order or how often.
"""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tfpt_cli.expressions.handed import at_place, copied, handed, keywords_of, loaded, one_of, only_puts, started
from tfpt_cli.expressions.own_file import OwnFile, parsed
from tfpt_cli.expressions.own_values import (
    Function,
    Known,
    Object,
    Row,
    attribute,
    bound,
    defaults_of,
    items_of,
    method_of,
    part_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# How deep calls of functions of one's own are followed, and how many nodes an expression may come to.
_DEPTH, _SIZE = 8, 4000


def own_code(file: str, function: str, inputs: Sequence[str] = ()) -> tuple[ast.expr, ...]:
    """The expressions that a function of a file computes of its inputs, what it returns first; empty where it cannot be read.

    Its parameters are called by the names of the inputs, in their order, and modules by their full names (`torch.nn.functional`).
    Every node has its `place`, the file and the line at which it stands (`port.py:12`).
    """
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    return _read(file, text, function, tuple(inputs))


# A scenario asks for its code several times: for what it may be held against, for each quantity that does not agree.
@lru_cache(maxsize=64)
def _read(file: str, text: str, function: str, inputs: tuple[str, ...]) -> tuple[ast.expr, ...]:
    module = parsed(file, text)
    if module is None:
        return ()
    definition = module.functions.get(function)
    if definition is None:
        made = module.values.get(function)  # loss = Loss(), say
        return () if made is None else _Reader(module, inputs=frozenset(inputs)).called_value(made, inputs)
    reader = _Reader(module, inputs=frozenset(inputs))
    returned = reader.call(Function(definition, {}), [_named(name, definition) for name in inputs], [])
    return (*([returned] if isinstance(returned, ast.expr) else []), *reader.others)


@dataclass
class _Reader:
    """Reads functions of one file; `others` are the expressions of statements that give nothing back."""

    module: OwnFile
    others: list[ast.expr] = field(default_factory=list)
    depth: int = 0
    inputs: frozenset[str] = frozenset()

    def called_value(self, value: ast.expr, inputs: Sequence[str]) -> tuple[ast.expr, ...]:
        """What a callable that was made at the top of the file gives for the inputs."""
        call = ast.Call(value, [_named(name, value) for name in inputs], [])
        read = self.expression(ast.copy_location(call, value), {})
        return (*([read] if isinstance(read, ast.expr) else []), *self.others)

    def call(self, function: Function, args: Sequence[Known], keywords: Sequence[tuple[str, Known]]) -> Known | None:
        """What a function returns for some arguments: an expression, a function or an object; None where it cannot be read."""
        names = bound(function, args, keywords)
        if names is None or self.depth >= _DEPTH:
            return None
        self.depth += 1
        try:
            definition = function.definition
            scope = {**function.around, **names}
            for name, default in defaults_of(definition).items():
                if name not in scope:
                    scope[name] = self.expression(default, {})
            found: Known | None
            if isinstance(definition, ast.Lambda):
                found = self.expression(definition.body, scope)
            else:
                found = self.block(definition.body, scope)
            return found
        finally:
            self.depth -= 1

    def block(self, body: Sequence[ast.stmt], scope: dict[str, Known]) -> Known | None:  # noqa: C901 - one branch a kind of statement
        """What a row of statements returns, None where it returns nothing; names that it binds are put into the scope."""
        returned: Known | None = None
        for statement in body:
            match statement:
                case ast.Return(value=ast.expr() as value):
                    found = self.expression(value, scope)
                    if returned is not None and isinstance(found, ast.expr):
                        self.others.append(found)  # another branch has returned already
                    return returned or found
                case ast.Assign(targets=targets, value=value):
                    found = self.expression(value, scope)
                    for target in targets:
                        self.assign(target, found, scope)
                case ast.AnnAssign(target=target, value=ast.expr() as value):
                    self.assign(target, self.expression(value, scope), scope)
                case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                    before, by = scope.get(name, target), self.expression(value, scope)
                    if isinstance(before, ast.expr) and isinstance(by, ast.expr):
                        scope[name] = at_place(ast.BinOp(before, op, by), statement)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    scope[name] = Function(statement, scope)
                case ast.If(test=test, body=then, orelse=otherwise):
                    returned = returned or self.branches(test, then, otherwise, scope)
                case ast.For(target=target, iter=iterated, body=inner):
                    self.assign(target, self.each(iterated, scope), scope)
                    returned = self.block(inner, scope) or returned
                case ast.While(body=inner):
                    returned = self.block(inner, scope) or returned
                case ast.With(items=items, body=inner):
                    count = len(self.others)
                    within = self.block(inner, scope)
                    if within is not None or not self.only_fills(items, inner, count, scope):
                        for item in items:
                            self.keep(item.context_expr, scope)
                    returned = within or returned
                case ast.Try(body=inner):
                    returned = self.block(inner, scope) or returned
                case ast.Expr(value=value):
                    self.keep(value, scope)
        return returned

    def each(self, iterated: ast.expr, scope: dict[str, Known]) -> Known:
        """What a loop goes through, one of it for all: `p[each]` of `for q in p`."""
        found = self.expression(iterated, scope)
        tree = found if isinstance(found, ast.expr) else iterated
        return at_place(ast.Subscript(tree, _named("each", iterated), ast.Load()), iterated)

    def only_fills(
        self, items: Sequence[ast.withitem], body: Sequence[ast.stmt], before: int, scope: Mapping[str, Known]
    ) -> bool:
        """Whether a block without gradients only puts numbers into variables that do not depend on the inputs."""
        free = all(ast.unparse(item.context_expr).endswith("no_grad()") for item in items)
        used = {node.id for tree in self.others[before:] for node in ast.walk(tree) if isinstance(node, ast.Name)}
        # A name that is left is an input, or large.
        return free and all(map(only_puts, body)) and not used & (self.inputs | set(scope))

    def branches(
        self, test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt], scope: dict[str, Known]
    ) -> Known | None:
        """What either branch of an `if` returns; a name that they bind otherwise is either of both."""
        first, second = dict(scope), dict(scope)
        found = [self.block(then, first), self.block(otherwise, second)]
        for name in {*first, *second}:
            one, other = first.get(name), second.get(name)
            if one is other or other is None:
                scope[name] = one if one is not None else scope[name]
            elif isinstance(one, ast.expr) and isinstance(other, ast.expr):
                scope[name] = at_place(ast.IfExp(test, one, other), test)
            else:
                scope[name] = other
        values = [value for value in found if isinstance(value, ast.expr)]
        self.others += values[1:]
        return values[0] if values else None

    def keep(self, value: ast.expr, scope: dict[str, Known]) -> None:
        found = self.expression(value, scope)
        match value:
            case ast.Call(func=ast.Attribute(value=owner, attr="apply"), args=[given]):  # net.apply(fill)
                function = self.expression(given, scope)
                if isinstance(function, Function):
                    self.call(function, [self.each(owner, scope)], [])
                    return
            case ast.Call(func=ast.Attribute(value=owner)) if isinstance(found, ast.Call):
                if puts := loaded(found, self.expression(owner, scope)):
                    self.others += puts
                    return
        if isinstance(found, ast.expr) and not isinstance(found, ast.Constant) and "super()" not in ast.unparse(found):
            self.others.append(found)

    def assign(self, target: ast.expr, value: Known, scope: dict[str, Known]) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = value
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if isinstance(itself := scope.get(owner), Object):
                itself.attributes[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                items = items_of(value)
                for index, each in enumerate(targets):
                    if items is not None and len(items) == len(targets):
                        self.assign(each, items[index], scope)
                    elif isinstance(value, (ast.GeneratorExp, ast.ListComp)) and (one := one_of(value, index)):
                        self.assign(each, one, scope)
                    elif isinstance(value, ast.expr):
                        part = ast.Subscript(value, ast.Constant(index), ast.Load())
                        self.assign(each, at_place(part, target), scope)
            case ast.Subscript(value=owner, slice=index):  # x[0] = v is a call as Python makes it: x.__setitem__(0, v)
                whole = self.expression(owner, scope)
                if isinstance(whole, ast.expr) and isinstance(value, ast.expr):
                    put = at_place(ast.Attribute(whole, "__setitem__", ast.Load()), target)
                    place = self.expression(index, scope)
                    args = [place if isinstance(place, ast.expr) else index, value]
                    self.others.append(at_place(ast.Call(put, args, []), target))
            case ast.Attribute():  # layer.weight = w, or layer.weight.data = w
                whole = self.expression(target, scope)
                if isinstance(whole, ast.expr) and isinstance(value, ast.expr):
                    self.others.append(copied(whole, value, target))

    def expression(self, tree: ast.expr, scope: dict[str, Known]) -> Known:
        """An expression with everything put in that its names stand for."""
        match tree:
            case ast.Name(id=name):
                return self.name(tree, name, scope)
            case ast.Attribute(value=value, attr=attr):
                owner = self.expression(value, scope)
                if isinstance(owner, Object):
                    return attribute(owner, attr) or tree
                return at_place(ast.Attribute(owner, attr, ast.Load()), tree) if isinstance(owner, ast.expr) else tree
            case ast.Call():
                return self.called(tree, scope)
            case ast.Lambda():
                return Function(tree, scope)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if isinstance(tree.ctx, ast.Load):
                items = [found for part in parts for found, _ in self.spread(part, scope)]
                if not all(isinstance(item, ast.expr) for item in items):
                    return Row(items)
                return at_place(type(tree)(items, ast.Load()), tree)  # type: ignore[arg-type]
            case ast.Subscript(value=value, slice=index):
                return part_of(tree, self.expression(value, scope), self.expression(index, scope))
            case ast.GeneratorExp(generators=loops) | ast.ListComp(generators=loops):
                own = {node.id for loop in loops for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
                scope = {name: value for name, value in scope.items() if name not in own}
        new = copy.copy(tree)
        for name, part in ast.iter_fields(tree):
            setattr(new, name, self.parts(part, scope))
        return new

    def parts(self, part: object, scope: dict[str, Known]) -> object:
        if isinstance(part, list):
            return [self.parts(item, scope) for item in part]
        if isinstance(part, ast.expr):
            found = self.expression(part, scope)
            return found if isinstance(found, ast.expr) else part
        if isinstance(part, (ast.Slice, ast.keyword, ast.comprehension)):
            new = copy.copy(part)
            for name, inner in ast.iter_fields(part):
                if name != "target":
                    setattr(new, name, self.parts(inner, scope))
            return new
        return part

    def name(self, tree: ast.Name, name: str, scope: dict[str, Known]) -> Known:
        if name in scope:
            found = scope[name]
            return tree if isinstance(found, ast.expr) and _large(found) else found
        if name in self.module.functions:
            return Function(self.module.functions[name], {})
        if name in self.module.values and self.depth < _DEPTH:
            self.depth += 1
            try:
                return self.expression(self.module.values[name], {})
            finally:
                self.depth -= 1
        if name in self.module.imports:
            full = ast.parse(self.module.imports[name], mode="eval").body
            for node in ast.walk(full):
                at_place(node, tree)
            return full
        return tree

    def called(self, tree: ast.Call, scope: dict[str, Known]) -> Known:
        """A call with its arguments read; of a function, class or object of the file, what it gives."""
        spread = [pair for arg in tree.args for pair in self.spread(arg, scope)]
        named = [pair for keyword in tree.keywords for pair in self.named(keyword, scope)]
        args = [found for found, _ in spread]
        keywords = [(keyword.arg or "", found) for found, keyword in named]
        function: Known | None
        if isinstance(tree.func, ast.Name) and tree.func.id not in scope and tree.func.id in self.module.classes:
            return self.made(self.module.classes[tree.func.id], args, keywords)
        function = self.expression(tree.func, scope)
        if (
            isinstance(tree.func, ast.Attribute)
            and tree.func.attr == "add_weight"
            and (weight := started(tree, args, keywords))
        ):
            return weight
        if isinstance(function, Object):
            of = function
            function = next((f for f in (attribute(of, n) for n in _CALLED) if f is not None), None)
        if isinstance(function, Function):
            found = self.call(function, args, keywords)
            if found is not None:
                return found
        new = ast.Call(
            function if isinstance(function, ast.expr) else tree.func,
            [found if isinstance(found, ast.expr) else arg for found, arg in spread],
            [ast.keyword(k.arg, found if isinstance(found, ast.expr) else k.value) for found, k in named],
        )
        return handed(at_place(new, tree))

    def spread(self, arg: ast.expr, scope: dict[str, Known]) -> list[tuple[Known, ast.expr]]:
        """An argument with its text; several where a row that is written out is spread by a star."""
        if isinstance(arg, ast.Starred):
            items = items_of(self.expression(arg.value, scope))
            if items is not None:
                return [(item, arg.value) for item in items]
        return [(self.expression(arg, scope), arg)]

    def named(self, keyword: ast.keyword, scope: dict[str, Known]) -> list[tuple[Known, ast.keyword]]:
        """An argument that has a name with its text; several where a dictionary that is written out is spread by two stars."""
        found = self.expression(keyword.value, scope)
        if keyword.arg is None:
            names = keywords_of(found) if isinstance(found, ast.expr) else None
            if names is not None:
                return [(each.value, each) for each in names]
        return [(found, keyword)]

    def made(self, of: ast.ClassDef, args: list[Known], keywords: list[tuple[str, Known]]) -> Object:
        """An object of a class, after what its `__init__` (and `build`) puts into it."""
        made = Object(of)
        for name, given in (("__init__", (args, keywords)), ("build", ([], []))):
            if (method := method_of(of, name)) is not None:
                self.call(Function(method, {}, made), *given)
        return made


# What is called when an object is: a module's `forward`, a Keras layer's `call`.
_CALLED = ("forward", "call", "__call__")


def _named(name: str, at: ast.AST) -> ast.expr:
    return at_place(ast.Name(name, ast.Load()), at)


def _large(tree: ast.expr) -> bool:
    return any(count > _SIZE for count, _ in enumerate(ast.walk(tree)))
