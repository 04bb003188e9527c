"""What a name in a person's own code may stand for besides an expression: a function, an object, a row of them."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass
class Function:
    """A function, or a method with the attributes of its object, and the names that it sees around it."""

    definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    around: dict[str, Known]
    itself: Object | None = None


@dataclass
class Object:
    """An object of a class of the file: the class, and its attributes as expressions."""

    of: ast.ClassDef
    attributes: dict[str, Known] = field(default_factory=dict)


@dataclass
class Row:
    """A tuple or list in which something is no expression, such as the two functions that a function makes and returns."""

    items: list[Known]


Known = ast.expr | Function | Object | Row


def bound(function: Function, args: Sequence[Known], keywords: Sequence[tuple[str, Known]]) -> dict[str, Known] | None:
    """The parameters of a function with their arguments; None where there are more arguments than parameters.

    What `*args` and `**kwargs` take is a tuple and a dictionary; a dictionary in which something is no expression is not known.
    """
    arguments = function.definition.args
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    found: dict[str, Known] = {}
    if function.itself is not None and names:
        found[names.pop(0)] = function.itself
    by_name = {name: value for name, value in keywords if name}
    known = {*names, *(parameter.arg for parameter in arguments.kwonlyargs)}
    if arguments.vararg is not None:
        found[arguments.vararg.arg] = row_of(args[len(names) :])
        args = args[: len(names)]
    if arguments.kwarg is not None:
        more = {name: value for name, value in by_name.items() if name not in known}
        trees = [value for value in more.values() if isinstance(value, ast.expr)]
        if len(trees) == len(more):
            found[arguments.kwarg.arg] = ast.Dict([ast.Constant(name) for name in more], list[ast.expr](trees))
        by_name = {name: value for name, value in by_name.items() if name in known}
    if len(args) > len(names):
        return None
    return found | dict(zip(names, args, strict=False)) | by_name


def defaults_of(definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> dict[str, ast.expr]:
    arguments = definition.args
    names = [parameter.arg for parameter in (*arguments.posonlyargs, *arguments.args)]
    found = dict(zip(names[len(names) - len(arguments.defaults) :], arguments.defaults, strict=True))
    by_name = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return found | {parameter.arg: default for parameter, default in by_name if default is not None}


def method_of(of: ast.ClassDef, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    return next((node for node in of.body if isinstance(node, _FUNCTIONS) and node.name == name), None)


def items_of(value: Known) -> list[Known] | None:
    """What a tuple or list that is written out holds; None for another thing, and where a part of it is spread by a star."""
    items: list[Known] = value.items if isinstance(value, Row) else []
    if isinstance(value, (ast.Tuple, ast.List)):
        items = list(value.elts)
    spread = any(isinstance(item, ast.Starred) for item in items)
    return items if isinstance(value, (Row, ast.Tuple, ast.List)) and not spread else None


def row_of(items: Sequence[Known]) -> Known:
    """A tuple of what is known: an expression where all of it are."""
    trees = [item for item in items if isinstance(item, ast.expr)]
    return ast.Tuple(trees, ast.Load()) if len(trees) == len(items) else Row(list(items))


def part_of(tree: ast.Subscript, whole: Known, index: Known) -> Known:
    """What stands at a place of a row, or under a key of a dictionary, that is written out; else the subscript of it."""
    match index:
        case ast.Constant(value=int(place)) | ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(place))):
            items = items_of(whole)
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


def attribute(owner: Object, name: str) -> Known | None:
    """What an attribute of an object is: what was put there, or a method of its class."""
    if name in owner.attributes:
        return owner.attributes[name]
    method = method_of(owner.of, name)
    return None if method is None else Function(method, {}, owner)
