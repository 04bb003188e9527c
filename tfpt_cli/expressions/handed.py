"""How weights get their numbers in a person's own code, in one spelling: what is loaded, put, handed over and drawn.

`layer.weight.data.copy_(torch.tensor(w.numpy()).T)` is `layer.weight.copy_(w.T)`, and `[a] + [b, c][:1]` is `[a, b]`: known
differences are found by what is put where, not by the way in which it got there.
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, Any, TypeVar

from tfpt_cli.expressions.own_values import Object, attribute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tfpt_cli.expressions.own_values import Known

_Tree = TypeVar("_Tree", bound=ast.AST)


def at_place(node: _Tree, at: ast.AST) -> _Tree:
    """A node that stands where another does in the file."""
    node.place = getattr(at, "place", "")  # type: ignore[attr-defined]
    return node


def keywords_of(tree: ast.expr) -> list[ast.keyword] | None:
    """What a dictionary that is written out gives as arguments by `**`; None for another one."""
    match tree:
        case ast.Call(func=ast.Name(id="dict"), args=[], keywords=keywords) if all(k.arg for k in keywords):
            return list(keywords)
        case ast.Dict(keys=keys, values=values):
            names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
            if len(names) == len(values):
                return [ast.keyword(name, value) for name, value in zip(names, values, strict=True)]
    return None


def one_of(loop: ast.GeneratorExp | ast.ListComp, index: int) -> ast.expr | None:
    """One of what a comprehension with a single name and no condition gives; None for another one."""
    match loop.generators:
        case [ast.comprehension(target=ast.Name(id=name), iter=iterated, ifs=[])]:
            part = iterated.elts[index] if isinstance(iterated, ast.List) else None
            part = part or ast.Subscript(iterated, ast.Constant(index), ast.Load())
            one: ast.expr = _Instead({name: part}).visit(copy.deepcopy(loop.elt))
            return one
    return None


class _Instead(ast.NodeTransformer):
    """Puts expressions in the place of names."""

    def __init__(self, names: dict[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.names.get(node.id, node)


def started(call: ast.Call, args: Sequence[object], keywords: Sequence[tuple[str, object]]) -> ast.expr | None:
    """What `add_weight` of a Keras layer starts with: its initializer, called with its shape; None where it is not said."""
    given = dict(zip(("shape", "initializer"), args, strict=False)) | dict(keywords)
    shape, initializer = given.get("shape"), given.get("initializer")
    if isinstance(initializer, ast.Constant) and isinstance(initializer.value, str):
        # Keras finds both words in its table, and no function of the name.
        name = {"normal": "random_normal", "uniform": "random_uniform"}.get(initializer.value, initializer.value)
        if not name.isidentifier():
            return None
        initializer = ast.parse(f"keras.initializers.{name}()", mode="eval").body
    if not isinstance(shape, ast.expr) or not isinstance(initializer, ast.expr):
        return None
    for node in ast.walk(initializer):
        if not hasattr(node, "place"):
            at_place(node, call)
    return at_place(ast.Call(initializer, [shape], []), call)


def loaded(call: ast.Call, owner: Known) -> list[ast.expr]:
    """What `load_state_dict` puts into each parameter, where its names are written out: `layer.weight.copy_(w)`.

    `owner` is what is loaded, an object of the file too; of another call nothing.
    """
    match call:
        case ast.Call(func=ast.Attribute(value=layer, attr="load_state_dict"), args=[state, *_]):
            of = owner if isinstance(owner, Object) else layer
            puts = [_put(of, each.arg or "", each.value, call) for each in keywords_of(state) or ()]
            return [put for put in puts if put is not None]
    return []


def _put(owner: Known | None, name: str, value: ast.expr, at: ast.AST) -> ast.expr | None:
    """What puts a value into a parameter by its name in a state_dict, such as `0.conv.weight`."""
    for part in name.split("."):
        if isinstance(owner, Object):
            owner = attribute(owner, part)
        elif isinstance(owner, ast.expr) and part.isdigit():
            owner = at_place(ast.Subscript(owner, ast.Constant(int(part)), ast.Load()), at)
        elif isinstance(owner, ast.expr):
            owner = at_place(ast.Attribute(owner, part, ast.Load()), at)
        else:
            return None
    return copied(owner, value, at) if isinstance(owner, ast.expr) else None


def only_puts(statement: ast.stmt) -> bool:
    """Whether a statement only writes into what is there: `layer.weight.copy_(w)`, for each of several too."""
    match statement:
        case ast.For(body=body, orelse=[]):
            return all(map(only_puts, body))
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name.endswith("_")
        case ast.Assign(targets=targets):
            return all(isinstance(target, (ast.Attribute, ast.Subscript)) for target in targets)
    return isinstance(statement, ast.Pass)


def copied(owner: ast.expr, value: ast.expr, at: ast.AST) -> ast.expr:
    """The call that puts a value into a parameter, as assignments do too."""
    put = at_place(ast.Attribute(owner, "copy_", ast.Load()), at)
    return handed(at_place(ast.Call(put, [value], []), at))


# What puts numbers into a variable, and what hands them over without changing them.
_PUTS = frozenset({"copy_", "set_weights", "assign", "Constant", "constant_initializer"})
_HANDED = frozenset({"numpy", "detach", "clone", "cpu", "float"})
_MADE = frozenset(
    {"Parameter", "tensor", "as_tensor", "from_numpy", "constant", "convert_to_tensor", "array", "asarray"}
)


def handed(call: ast.Call) -> ast.Call:
    """A call that puts numbers into a variable without what only hands them over; another call as it is.

    >>> shown = handed(ast.parse("layer.weight.data.copy_(torch.tensor(w.numpy()).T)", mode="eval").body)
    >>> ast.unparse(shown)
    'layer.weight.copy_(w.T)'
    """
    match call.func:
        case ast.Attribute(attr=name) if name in _PUTS:
            new: ast.Call = _Handed().visit(copy.deepcopy(call))
            new.args = [_Folded().visit(arg) for arg in new.args]
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


class _Folded(ast.NodeTransformer):
    """Takes lists that are written out together and apart: `[a] + [b, c][:1]` is `[a, b]`."""

    def visit(self, node: ast.AST) -> Any:
        node = self.generic_visit(node)
        match node:
            case ast.Subscript(value=ast.Dict(keys=keys, values=values), slice=ast.Constant(value=key)):
                found = [v for k, v in zip(keys, values, strict=True) if isinstance(k, ast.Constant) and k.value == key]
                return found[0] if found else node
            case ast.Subscript(
                value=ast.List(elts=items) | ast.Tuple(elts=items), slice=ast.Constant(value=int(index))
            ):
                return items[index] if -len(items) <= index < len(items) else node
            case ast.Subscript(value=ast.List(elts=items), slice=ast.Slice(lower=low, upper=high, step=None)):
                first, last = _end(low, 0), _end(high, len(items))
                if first is not None and last is not None:
                    return ast.List(items[first:last], ast.Load())
            case ast.BinOp(left=ast.List(elts=first), op=ast.Add(), right=ast.List(elts=more)):
                return ast.List([*first, *more], ast.Load())
            case ast.BinOp(left=ast.List(elts=first), op=ast.Mult(), right=ast.Constant(value=int(times))) if (
                times < _TIMES
            ):
                return ast.List(first * times, ast.Load())
            case ast.Call(func=ast.Name(id="sorted" | "list" as name), args=[ast.Dict(keys=keys)], keywords=[]):
                names = [key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
                if len(names) == len(keys):
                    names = sorted(names) if name == "sorted" else names
                    return ast.List([ast.Constant(each) for each in names], ast.Load())
            case ast.ListComp(generators=[ast.comprehension(iter=ast.List(elts=items))]):
                ones = [one for index in range(len(items)) if (one := one_of(node, index)) is not None]
                if len(ones) == len(items):
                    return ast.List([self.visit(one) for one in ones], ast.Load())
        return node


def _end(tree: ast.expr | None, otherwise: int) -> int | None:
    """An end of a slice that is written out, or left out; None for another one."""
    if tree is None:
        return otherwise
    return tree.value if isinstance(tree, ast.Constant) and isinstance(tree.value, int) else None


# A list is not written out longer than that.
_TIMES = 64
