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
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

# How deep calls of functions of one's own are followed, and how many nodes an expression may come to.
_DEPTH, _SIZE = 8, 4000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Tree = TypeVar("_Tree", bound=ast.AST)


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
    module = _parsed(file, text)
    if module is None:
        return ()
    definition = module.functions.get(function)
    if definition is None:
        made = module.values.get(function)  # loss = Loss(), say
        return () if made is None else _Reader(module).called_value(made, inputs)
    reader = _Reader(module)
    returned = reader.call(_Function(definition, {}), [_named(name, definition) for name in inputs], [])
    return (*([returned] if isinstance(returned, ast.expr) else []), *reader.others)


@dataclass
class _Module:
    """What stands at the top of a file: functions, classes, other names, and what its imports mean by their full names."""

    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=16)
def _parsed(file: str, text: str) -> _Module | None:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.place = f"{file}:{node.lineno}"  # type: ignore[attr-defined]
    module = _Module()
    for node in ast.walk(tree):  # an import may stand in a function or a `try`, too
        match node:
            case ast.Import(names=names):
                for name in names:
                    full = name.name if name.asname else name.name.partition(".")[0]
                    module.imports[name.asname or full] = _usual(full)
            case ast.ImportFrom(module=str(source), names=names, level=0):
                module.imports |= {name.asname or name.name: _usual(f"{source}.{name.name}") for name in names}
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                module.functions[node.name] = node
            case ast.ClassDef():
                module.classes[node.name] = node
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    _bind(module.values, target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                _bind(module.values, target, value)
    return module


def _bind(values: dict[str, ast.expr], target: ast.expr, value: ast.expr) -> None:
    """Keeps what a target of an assignment stands for; of `a, b = pair`, `pair[0]` and `pair[1]`."""
    match target:
        case ast.Name(id=name):
            values[name] = value
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            for index, each in enumerate(targets):
                _bind(values, each, _at(ast.Subscript(value, ast.Constant(index), ast.Load()), target))


def _usual(name: str) -> str:
    """A module by the name that scenarios use for it.

    >>> _usual("tensorflow.keras.layers"), _usual("torch.nn.functional"), _usual("numpy")
    ('tf.keras.layers', 'torch.nn.functional', 'np')
    """
    root, dot, rest = name.partition(".")
    return {"tensorflow": "tf", "numpy": "np"}.get(root, root) + dot + rest


@dataclass
class _Function:
    """A function, or a method with the attributes of its object, and the names that it sees around it."""

    definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    around: dict[str, _Known]
    itself: _Object | None = None


@dataclass
class _Object:
    """An object of a class of the file: the class, and its attributes as expressions."""

    of: ast.ClassDef
    attributes: dict[str, _Known] = field(default_factory=dict)


@dataclass
class _Row:
    """A tuple or list in which something is no expression, such as the two functions that a function makes and returns."""

    items: list[_Known]


_Known = ast.expr | _Function | _Object | _Row


@dataclass
class _Reader:
    """Reads functions of one file; `others` are the expressions of statements that give nothing back."""

    module: _Module
    others: list[ast.expr] = field(default_factory=list)
    depth: int = 0

    def called_value(self, value: ast.expr, inputs: Sequence[str]) -> tuple[ast.expr, ...]:
        """What a callable that was made at the top of the file gives for the inputs."""
        call = ast.Call(value, [_named(name, value) for name in inputs], [])
        read = self.expression(ast.copy_location(call, value), {})
        return (*([read] if isinstance(read, ast.expr) else []), *self.others)

    def call(
        self, function: _Function, args: Sequence[_Known], keywords: Sequence[tuple[str, _Known]]
    ) -> _Known | None:
        """What a function returns for some arguments: an expression, a function or an object; None where it cannot be read."""
        names = _bound(function, args, keywords)
        if names is None or self.depth >= _DEPTH:
            return None
        self.depth += 1
        try:
            definition = function.definition
            scope = {**function.around, **names}
            for name, default in _defaults(definition).items():
                if name not in scope:
                    scope[name] = self.expression(default, {})
            found: _Known | None
            if isinstance(definition, ast.Lambda):
                found = self.expression(definition.body, scope)
            else:
                found = self.block(definition.body, scope)
            return found
        finally:
            self.depth -= 1

    def block(self, body: Sequence[ast.stmt], scope: dict[str, _Known]) -> _Known | None:  # noqa: C901 - one branch a kind of statement
        """What a row of statements returns, None where it returns nothing; names that it binds are put into the scope."""
        returned: _Known | None = None
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
                        scope[name] = _at(ast.BinOp(before, op, by), statement)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    scope[name] = _Function(statement, scope)
                case ast.If(test=test, body=then, orelse=otherwise):
                    returned = returned or self.branches(test, then, otherwise, scope)
                case ast.For(body=inner) | ast.While(body=inner):
                    returned = self.block(inner, scope) or returned
                case ast.With(items=items, body=inner):
                    for item in items:
                        self.keep(item.context_expr, scope)
                    returned = self.block(inner, scope) or returned
                case ast.Try(body=inner):
                    returned = self.block(inner, scope) or returned
                case ast.Expr(value=value):
                    self.keep(value, scope)
        return returned

    def branches(
        self, test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt], scope: dict[str, _Known]
    ) -> _Known | None:
        """What either branch of an `if` returns; a name that they bind otherwise is either of both."""
        first, second = dict(scope), dict(scope)
        found = [self.block(then, first), self.block(otherwise, second)]
        for name in {*first, *second}:
            one, other = first.get(name), second.get(name)
            if one is other or other is None:
                scope[name] = one if one is not None else scope[name]
            elif isinstance(one, ast.expr) and isinstance(other, ast.expr):
                scope[name] = _at(ast.IfExp(test, one, other), test)
            else:
                scope[name] = other
        values = [value for value in found if isinstance(value, ast.expr)]
        self.others += values[1:]
        return values[0] if values else None

    def keep(self, value: ast.expr, scope: dict[str, _Known]) -> None:
        found = self.expression(value, scope)
        if isinstance(found, ast.expr) and not isinstance(found, ast.Constant) and "super()" not in ast.unparse(found):
            self.others.append(found)

    def assign(self, target: ast.expr, value: _Known, scope: dict[str, _Known]) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = value
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if isinstance(itself := scope.get(owner), _Object):
                itself.attributes[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for index, each in enumerate(targets):
                    items = _items(value)
                    if items is not None and len(items) == len(targets):
                        self.assign(each, items[index], scope)
                    elif isinstance(value, ast.expr):
                        part = ast.Subscript(value, ast.Constant(index), ast.Load())
                        self.assign(each, _at(part, target), scope)
            case ast.Subscript(value=owner, slice=index):  # x[0] = v is a call as Python makes it: x.__setitem__(0, v)
                whole = self.expression(owner, scope)
                if isinstance(whole, ast.expr) and isinstance(value, ast.expr):
                    put = _at(ast.Attribute(whole, "__setitem__", ast.Load()), target)
                    place = self.expression(index, scope)
                    args = [place if isinstance(place, ast.expr) else index, value]
                    self.others.append(_at(ast.Call(put, args, []), target))
            case ast.Attribute():  # layer.weight = w, or layer.weight.data = w
                whole = self.expression(target, scope)
                if isinstance(whole, ast.expr) and isinstance(value, ast.expr):
                    put = _at(ast.Attribute(whole, "copy_", ast.Load()), target)
                    self.others.append(_put(_at(ast.Call(put, [value], []), target)))

    def expression(self, tree: ast.expr, scope: dict[str, _Known]) -> _Known:
        """An expression with everything put in that its names stand for."""
        match tree:
            case ast.Name(id=name):
                return self.name(tree, name, scope)
            case ast.Attribute(value=value, attr=attr):
                owner = self.expression(value, scope)
                if isinstance(owner, _Object):
                    return self.attribute(owner, attr) or tree
                if isinstance(owner, _Function):
                    return tree
                if isinstance(owner, _Row):
                    return tree
                return _at(ast.Attribute(owner, attr, ast.Load()), tree)
            case ast.Call():
                return self.called(tree, scope)
            case ast.Lambda():
                return _Function(tree, scope)
            case ast.Tuple(elts=parts) | ast.List(elts=parts) if isinstance(tree.ctx, ast.Load):
                items = [self.expression(part, scope) for part in parts]
                if not all(isinstance(item, ast.expr) for item in items):
                    return _Row(items)
                return _at(type(tree)(items, ast.Load()), tree)  # type: ignore[arg-type]
            case ast.Subscript(value=value, slice=index):
                return self.part(tree, self.expression(value, scope), self.expression(index, scope))
        new = copy.copy(tree)
        for name, part in ast.iter_fields(tree):
            setattr(new, name, self.parts(part, scope))
        return new

    def part(self, tree: ast.Subscript, whole: _Known, index: _Known) -> _Known:
        """What stands at a place of a row, or under a key of a dictionary, that is written out; else the subscript of it."""
        match index:
            case ast.Constant(value=int(place)) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(place))):
                items = _items(whole)
                place = -place if isinstance(index, ast.UnaryOp) else place
                if items is not None and -len(items) <= place < len(items):
                    return items[place]
            case ast.Constant(value=str(name)) if isinstance(whole, ast.Dict):
                for key, value in zip(whole.keys, whole.values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == name:
                        return value
        if not isinstance(whole, ast.expr):
            return tree
        new = copy.copy(tree)
        new.value = whole
        new.slice = index if isinstance(index, ast.expr) else tree.slice
        return new

    def parts(self, part: object, scope: dict[str, _Known]) -> object:
        if isinstance(part, list):
            return [self.parts(item, scope) for item in part]
        if isinstance(part, ast.expr):
            found = self.expression(part, scope)
            return found if isinstance(found, ast.expr) else part
        if isinstance(part, (ast.Slice, ast.keyword)):
            new = copy.copy(part)
            for name, inner in ast.iter_fields(part):
                setattr(new, name, self.parts(inner, scope))
            return new
        return part

    def name(self, tree: ast.Name, name: str, scope: dict[str, _Known]) -> _Known:
        if name in scope:
            found = scope[name]
            return tree if isinstance(found, ast.expr) and _large(found) else found
        if name in self.module.functions:
            return _Function(self.module.functions[name], {})
        if name in self.module.values and self.depth < _DEPTH:
            self.depth += 1
            try:
                return self.expression(self.module.values[name], {})
            finally:
                self.depth -= 1
        if name in self.module.imports:
            full = ast.parse(self.module.imports[name], mode="eval").body
            for node in ast.walk(full):
                _at(node, tree)
            return full
        return tree

    def attribute(self, owner: _Object, name: str) -> _Known | None:
        if name in owner.attributes:
            return owner.attributes[name]
        method = _method(owner.of, name)
        return None if method is None else _Function(method, {}, owner)

    def called(self, tree: ast.Call, scope: dict[str, _Known]) -> _Known:
        """A call with its arguments read; of a function, class or object of the file, what it gives."""
        spread = [pair for arg in tree.args for pair in self.spread(arg, scope)]
        named = [pair for keyword in tree.keywords for pair in self.named(keyword, scope)]
        args = [found for found, _ in spread]
        keywords = [(keyword.arg or "", found) for found, keyword in named]
        function: _Known | None
        if isinstance(tree.func, ast.Name) and tree.func.id not in scope and tree.func.id in self.module.classes:
            return self.made(self.module.classes[tree.func.id], args, keywords)
        function = self.expression(tree.func, scope)
        if isinstance(function, _Object):
            of = function
            function = next((f for f in (self.attribute(of, n) for n in _CALLED) if f is not None), None)
        if isinstance(function, _Function):
            found = self.call(function, args, keywords)
            if found is not None:
                return found
        new = ast.Call(
            function if isinstance(function, ast.expr) else tree.func,
            [found if isinstance(found, ast.expr) else arg for found, arg in spread],
            [ast.keyword(k.arg, found if isinstance(found, ast.expr) else k.value) for found, k in named],
        )
        return _put(_at(new, tree))

    def spread(self, arg: ast.expr, scope: dict[str, _Known]) -> list[tuple[_Known, ast.expr]]:
        """An argument with its text; several where a row that is written out is spread by a star."""
        if isinstance(arg, ast.Starred):
            items = _items(self.expression(arg.value, scope))
            if items is not None:
                return [(item, arg.value) for item in items]
        return [(self.expression(arg, scope), arg)]

    def named(self, keyword: ast.keyword, scope: dict[str, _Known]) -> list[tuple[_Known, ast.keyword]]:
        """An argument that has a name with its text; several where a dictionary that is written out is spread by two stars."""
        found = self.expression(keyword.value, scope)
        if keyword.arg is None:
            match found:
                case ast.Dict(keys=keys, values=values):
                    names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
                    if len(names) == len(values):
                        pairs = zip(names, values, strict=True)
                        return [(value, ast.keyword(name, value)) for name, value in pairs]
                case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords):
                    return [(each.value, each) for each in keywords]
        return [(found, keyword)]

    def made(self, of: ast.ClassDef, args: list[_Known], keywords: list[tuple[str, _Known]]) -> _Object:
        """An object of a class, after what its `__init__` (and `build`) puts into it."""
        made = _Object(of)
        for name in ("__init__", "build"):
            method = _method(of, name)
            if method is not None:
                self.call(
                    _Function(method, {}, made),
                    args if name == "__init__" else [],
                    keywords if name == "__init__" else [],
                )
        return made


# What is called when an object is: a module's `forward`, a Keras layer's `call`.
_CALLED = ("forward", "call", "__call__")


def _bound(
    function: _Function, args: Sequence[_Known], keywords: Sequence[tuple[str, _Known]]
) -> dict[str, _Known] | None:
    """The parameters of a function with their arguments; None where there are more arguments than parameters."""
    arguments = function.definition.args
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    found: dict[str, _Known] = {}
    if function.itself is not None and names:
        found[names.pop(0)] = function.itself
    if len(args) > len(names):
        return None
    return found | dict(zip(names, args, strict=False)) | {name: value for name, value in keywords if name}


def _defaults(definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    arguments = definition.args
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    found = dict(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
    by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {parameter.arg: default for parameter, default in by_name if default is not None}


def _method(of: ast.ClassDef, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    return next((node for node in of.body if isinstance(node, _FUNCTIONS) and node.name == name), None)


def _items(value: _Known) -> list[_Known] | None:
    """What a tuple or list that is written out holds; None for another thing, and where a part of it is spread by a star."""
    items: list[_Known] = value.items if isinstance(value, _Row) else []
    if isinstance(value, (ast.Tuple, ast.List)):
        items = list(value.elts)
    spread = any(isinstance(item, ast.Starred) for item in items)
    return items if isinstance(value, (_Row, ast.Tuple, ast.List)) and not spread else None


def _named(name: str, at: ast.AST) -> ast.expr:
    return _at(ast.Name(name, ast.Load()), at)


def _at(node: _Tree, at: ast.AST) -> _Tree:
    """A node that stands where another does in the file."""
    node.place = getattr(at, "place", "")  # type: ignore[attr-defined]
    return node


# What puts numbers into a variable, and what hands them over without changing them.
_PUTS = frozenset({"copy_", "set_weights", "assign", "Constant", "constant_initializer"})
_HANDED = frozenset({"numpy", "detach", "clone", "cpu", "float"})
_MADE = frozenset(
    {"Parameter", "tensor", "as_tensor", "from_numpy", "constant", "convert_to_tensor", "array", "asarray"}
)


def _put(call: ast.Call) -> ast.Call:
    """A call that puts numbers into a variable without what only hands them over; another call as it is.

    >>> shown = _put(ast.parse("layer.weight.data.copy_(torch.tensor(w.numpy()).T)", mode="eval").body)
    >>> ast.unparse(shown)
    'layer.weight.copy_(w.T)'
    """
    match call.func:
        case ast.Attribute(attr=name) if name in _PUTS:
            new: ast.Call = _Handed().visit(copy.deepcopy(call))
            return new
    return call


class _Handed(ast.NodeTransformer):
    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return node.value if node.attr == "data" else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=[], keywords=[]) if name in _HANDED:
                return value
            case ast.Call(func=ast.Attribute(attr=name), args=[value, *_]) if name in _MADE:
                return value
        return node


def _large(tree: ast.expr) -> bool:
    return any(count > _SIZE for count, _ in enumerate(ast.walk(tree)))
