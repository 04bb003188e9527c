"""What stands at the top of a person's file: its functions, classes and other names, and what its imports mean."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache

from tfpt_cli.expressions.handed import at_place


@dataclass
class OwnFile:
    """What stands at the top of a file: functions, classes, other names, and what its imports mean by their full names."""

    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)


@lru_cache(maxsize=16)
def parsed(file: str, text: str) -> OwnFile | None:
    """What stands at the top of a file with this text, every node with its place; None where it is no Python."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.place = f"{file}:{node.lineno}"  # type: ignore[attr-defined]
    module = OwnFile()
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
                _bind(values, each, at_place(ast.Subscript(value, ast.Constant(index), ast.Load()), target))


def _usual(name: str) -> str:
    """A module by the name that scenarios use for it.

    >>> _usual("tensorflow.keras.layers"), _usual("torch.nn.functional"), _usual("numpy")
    ('tf.keras.layers', 'torch.nn.functional', 'np')
    """
    root, dot, rest = name.partition(".")
    return {"tensorflow": "tf", "numpy": "np"}.get(root, root) + dot + rest
