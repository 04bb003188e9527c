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

from tfpt_cli.expressions.handed import at_place, dictionary_of, handed, one_of, started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# How deep calls of functions of one's own are followed, and how many nodes an expression may come to.
_DEPTH, _SIZE = 8, 4000
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


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
        return () if made is None else _Reader(module, inputs=frozenset(inputs)).called_value(made, inputs)
    reader = _Reader(module, inputs=frozenset(inputs))
    returned = reader.call(_Function(definition, {}), [_named(name, definition) for name in inputs], [])
    return (*([] if returned is None else [returned]), *reader.others)


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
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                module.values[target] = value
    return module


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


_Known = ast.expr | _Function | _Object


@dataclass
class _Reader:
    """Reads functions of one file; `others` are the expressions of statements that give nothing back."""

    module: _Module
    others: list[ast.expr] = field(default_factory=list)
    depth: int = 0
    inputs: frozenset[str] = frozenset()

    def called_value(self, value: ast.expr, inputs: Sequence[str]) -> tuple[ast.expr, ...]:
        """What a callable that was made at the top of the file gives for the inputs."""
        call = ast.Call(value, [_named(name, value) for name in inputs], [])
        read = self.expression(ast.copy_location(call, value), {})
        return (*([read] if isinstance(read, ast.expr) else []), *self.others)

    def call(
        self, function: _Function, args: Sequence[_Known], keywords: Sequence[tuple[str, _Known]]
    ) -> ast.expr | None:
        """What a function returns for some arguments, None where that is no expression."""
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
            return found if isinstance(found, ast.expr) else None
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
                        scope[name] = at_place(ast.BinOp(before, op, by), statement)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    scope[name] = _Function(statement, scope)
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

    def each(self, iterated: ast.expr, scope: dict[str, _Known]) -> _Known:
        """What a loop goes through, one of it for all: `p[each]` of `for q in p`."""
        found = self.expression(iterated, scope)
        tree = found if isinstance(found, ast.expr) else iterated
        return at_place(ast.Subscript(tree, _named("each", iterated), ast.Load()), iterated)

    def only_fills(
        self, items: Sequence[ast.withitem], body: Sequence[ast.stmt], before: int, scope: Mapping[str, _Known]
    ) -> bool:
        """Whether a block without gradients only puts numbers into variables that do not depend on the inputs."""
        free = all(ast.unparse(item.context_expr).endswith("no_grad()") for item in items)
        used = {node.id for tree in self.others[before:] for node in ast.walk(tree) if isinstance(node, ast.Name)}
        return (
            free and all(map(_fills, body)) and not used & (self.inputs | set(scope))
        )  # a name that is left is an input, or large

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
                scope[name] = at_place(ast.IfExp(test, one, other), test)
            else:
                scope[name] = other
        values = [value for value in found if isinstance(value, ast.expr)]
        self.others += values[1:]
        return values[0] if values else None

    def keep(self, value: ast.expr, scope: dict[str, _Known]) -> None:
        found = self.expression(value, scope)
        match value:
            case ast.Call(func=ast.Attribute(value=owner, attr="apply"), args=[given]):  # net.apply(fill)
                function = self.expression(given, scope)
                if isinstance(function, _Function):
                    self.call(function, [self.each(owner, scope)], [])
                    return
        if isinstance(found, ast.Call) and (loaded := self.loaded(found, value, scope)):
            self.others += loaded
            return
        if isinstance(found, ast.expr) and not isinstance(found, ast.Constant) and "super()" not in ast.unparse(found):
            self.others.append(found)

    def loaded(self, call: ast.Call, written: ast.expr, scope: dict[str, _Known]) -> list[ast.expr]:
        """What `load_state_dict` puts into each parameter, where its names are written out: `layer.weight.copy_(w)`."""
        match call, written:
            case (
                ast.Call(func=ast.Attribute(value=layer, attr="load_state_dict"), args=[state, *_]),
                ast.Call(func=ast.Attribute(value=ast.expr() as owner)),
            ) if isinstance(state := dictionary_of(state), ast.Dict):
                keys, values = state.keys, state.values
                of = self.expression(owner, scope)
                names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
                if len(names) != len(keys):
                    return []
                return [
                    put
                    for name, value in zip(names, values, strict=True)
                    if (put := self.put(of if isinstance(of, _Object) else layer, name, value, call)) is not None
                ]
        return []

    def put(self, owner: _Known | None, name: str, value: ast.expr, at: ast.AST) -> ast.expr | None:
        """What puts a value into a parameter by its name in a state_dict, such as `0.conv.weight`."""
        for part in name.split("."):
            if isinstance(owner, _Object):
                owner = self.attribute(owner, part)
            elif isinstance(owner, ast.expr) and part.isdigit():
                owner = at_place(ast.Subscript(owner, ast.Constant(int(part)), ast.Load()), at)
            elif isinstance(owner, ast.expr):
                owner = at_place(ast.Attribute(owner, part, ast.Load()), at)
            else:
                return None
        if not isinstance(owner, ast.expr):
            return None
        put = at_place(ast.Attribute(owner, "copy_", ast.Load()), at)
        return handed(at_place(ast.Call(put, [value], []), at))

    def assign(self, target: ast.expr, value: _Known, scope: dict[str, _Known]) -> None:
        match target:
            case ast.Name(id=name):
                scope[name] = value
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if isinstance(itself := scope.get(owner), _Object):
                itself.attributes[name] = value
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                for index, each in enumerate(targets):
                    if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(targets):
                        self.assign(each, value.elts[index], scope)
                    elif isinstance(value, (ast.GeneratorExp, ast.ListComp)) and (one := one_of(value, index)):
                        self.assign(each, one, scope)
                    elif isinstance(value, ast.expr):
                        part = ast.Subscript(value, ast.Constant(index), ast.Load())
                        self.assign(each, at_place(part, target), scope)
            case ast.Attribute():  # layer.weight = w, or layer.weight.data = w
                whole = self.expression(target, scope)
                if isinstance(whole, ast.expr) and isinstance(value, ast.expr):
                    put = at_place(ast.Attribute(whole, "copy_", ast.Load()), target)
                    self.others.append(handed(at_place(ast.Call(put, [value], []), target)))

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
                return at_place(ast.Attribute(owner, attr, ast.Load()), tree)
            case ast.Call():
                return self.called(tree, scope)
            case ast.Lambda():
                return _Function(tree, scope)
            case ast.GeneratorExp(generators=loops) | ast.ListComp(generators=loops):
                own = {node.id for loop in loops for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
                scope = {name: value for name, value in scope.items() if name not in own}
        new = copy.copy(tree)
        for name, part in ast.iter_fields(tree):
            setattr(new, name, self.parts(part, scope))
        return new

    def parts(self, part: object, scope: dict[str, _Known]) -> object:
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
                at_place(node, tree)
            return full
        return tree

    def attribute(self, owner: _Object, name: str) -> _Known | None:
        if name in owner.attributes:
            return owner.attributes[name]
        method = _method(owner.of, name)
        return None if method is None else _Function(method, {}, owner)

    def called(self, tree: ast.Call, scope: dict[str, _Known]) -> _Known:
        """A call with its arguments read; of a function, class or object of the file, what it gives."""
        tree = self.spread(tree, scope)
        args = [self.expression(arg, scope) for arg in tree.args]
        keywords = [(k.arg or "", self.expression(k.value, scope)) for k in tree.keywords]
        function: _Known | None
        if isinstance(tree.func, ast.Name) and tree.func.id not in scope and tree.func.id in self.module.classes:
            return self.made(self.module.classes[tree.func.id], args, keywords)
        function = self.expression(tree.func, scope)
        if (
            isinstance(tree.func, ast.Attribute)
            and tree.func.attr == "add_weight"
            and (weight := started(tree, args, keywords))
        ):
            return weight
        if isinstance(function, _Object):
            of = function
            function = next((f for f in (self.attribute(of, n) for n in _CALLED) if f is not None), None)
        if isinstance(function, _Function):
            found = self.call(function, args, keywords)
            if found is not None:
                return found
        new = ast.Call(
            function if isinstance(function, ast.expr) else tree.func,
            [found if isinstance(found, ast.expr) else arg for found, arg in zip(args, tree.args, strict=True)],
            [
                ast.keyword(k.arg, found if isinstance(found, ast.expr) else k.value)
                for (_, found), k in zip(keywords, tree.keywords, strict=True)
            ],
        )
        return handed(at_place(new, tree))

    def spread(self, tree: ast.Call, scope: dict[str, _Known]) -> ast.Call:
        """A call in which `*args` and `**kwargs` stand one by one, where it is known what they hold."""
        if not any(isinstance(arg, ast.Starred) for arg in tree.args) and all(k.arg for k in tree.keywords):
            return tree
        args, keywords = list[ast.expr](), list[ast.keyword]()
        for arg in tree.args:
            held = self.expression(arg.value, scope) if isinstance(arg, ast.Starred) else None
            args += held.elts if isinstance(held, (ast.Tuple, ast.List)) else [arg]
        for keyword in tree.keywords:
            held = self.expression(keyword.value, scope) if keyword.arg is None else None
            names = (
                [key.value for key in held.keys if isinstance(key, ast.Constant)] if isinstance(held, ast.Dict) else []
            )
            if isinstance(held, ast.Dict) and len(names) == len(held.values):
                keywords += [ast.keyword(str(name), value) for name, value in zip(names, held.values, strict=True)]
            else:
                keywords.append(keyword)
        return at_place(ast.Call(tree.func, args, keywords), tree)

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
    """The parameters of a function with their arguments; None where there are more arguments than parameters.

    What `*args` and `**kwargs` take is a tuple and a dictionary.
    """
    arguments = function.definition.args
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    found: dict[str, _Known] = {}
    if function.itself is not None and names:
        found[names.pop(0)] = function.itself
    by_name = {name: value for name, value in keywords if name}
    known = {*names, *(parameter.arg for parameter in arguments.kwonlyargs)}
    if arguments.vararg is not None:
        rest = [value for value in args[len(names) :] if isinstance(value, ast.expr)]
        found[arguments.vararg.arg] = ast.Tuple(rest, ast.Load())
        args = args[: len(names)]
    if arguments.kwarg is not None:
        more = {name: value for name, value in by_name.items() if name not in known and isinstance(value, ast.expr)}
        found[arguments.kwarg.arg] = ast.Dict([ast.Constant(name) for name in more], list(more.values()))
        by_name = {name: value for name, value in by_name.items() if name in known}
    if len(args) > len(names):
        return None
    return found | dict(zip(names, args, strict=False)) | by_name


def _defaults(definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    arguments = definition.args
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    found = dict(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
    by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {parameter.arg: default for parameter, default in by_name if default is not None}


def _method(of: ast.ClassDef, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    return next((node for node in of.body if isinstance(node, _FUNCTIONS) and node.name == name), None)


def _fills(statement: ast.stmt) -> bool:
    """Whether a statement only writes into what is there: `layer.weight.copy_(w)`, for each of several too."""
    match statement:
        case ast.For(body=body, orelse=[]):
            return all(map(_fills, body))
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name.endswith("_")
        case ast.Assign(targets=targets):
            return all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets)
    return isinstance(statement, ast.Pass)


def _named(name: str, at: ast.AST) -> ast.expr:
    return at_place(ast.Name(name, ast.Load()), at)


def _large(tree: ast.expr) -> bool:
    return any(count > _SIZE for count, _ in enumerate(ast.walk(tree)))
