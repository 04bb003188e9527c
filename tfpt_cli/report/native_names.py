"""What is known of a framework's own function or class: what it takes, the rows that it is read as, and the known differences."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tfpt_cli.dictionary.differences import differences
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.readings import same
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.dictionary.typed import neutral_name
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from tfpt_cli.dictionary.differences import Difference

_KINDS = ("layers", "initializers", "operations")


def rows_meant(name: str) -> list[str]:
    """The names of the rows that a framework's name is, however its module and its words are written.

    >>> rows_meant("nn.CrossEntropyLoss"), rows_meant("keras.layers.LeakyReLU"), rows_meant("frobnicate")
    (['cross_entropy'], ['leaky_relu'], [])
    """
    found: dict[str, None] = {}
    functions = [_function_of(name, framework) for framework in FRAMEWORKS]
    for last in (full.rsplit(".", 1)[-1] for full in (*functions, name)):
        for kind in _KINDS:
            names = dictionary().other_names(kind)
            exact = names.get(last) or (neutral_name(last) if kind == "operations" else "")
            alike = {_bare(other): row for other, row in names.items()}
            if row := exact or alike.get(_bare(last)):
                found[row] = None
        if found:
            break
    return sorted(found)


def native_page(name: str) -> list[RenderableType]:
    """A page of what a native name takes and of every known difference that names it; none for a name of no framework."""
    pages: list[RenderableType] = []
    for framework in FRAMEWORKS.values():
        canonical = native(framework.key).canonical(name)
        signatures = native(framework.key).calls.get(canonical)
        if signatures is None:
            continue
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for text in signatures:
            table.add_row("takes", parse_signature(text).text or "no arguments")
        if (function := _function_of(name, framework.key)) != name:
            table.add_row("computes", function)
        for row in rows_meant(name):
            table.add_row("row", f"tfpt show {row}")
        for known in differences_naming(framework.key, {canonical, native(framework.key).canonical(function)}):
            table.add_row("difference", f"{known.name}: {known.what}")
        kind = "class" if canonical.rsplit(".", 1)[-1][:1].isupper() else "function"
        head = Text.assemble((canonical, "bold"), (f"  {kind} of {framework.label}", "dim"))
        pages.append(Group(head, Padding(table, (0, 0, 1, 1))))
    return pages


def differences_naming(framework: str, names: set[str]) -> list[Difference]:
    """The known differences that are about one of these calls of a framework: one of the patterns is such a call."""
    table = native(framework)
    return [
        known
        for known in differences().values()
        if any(
            table.canonical(name) in names
            for fit in known.fits
            for pattern in fit.code.get(framework, ())
            for name in _outermost(pattern.tree)
        )
    ]


def _outermost(tree: ast.expr) -> list[str]:
    """What a pattern calls: `nn.Linear` of `nn.Linear(_, _)(x).weight`, and not what stands among the arguments."""
    while isinstance(tree, (ast.Subscript, ast.Attribute)) or (isinstance(tree, ast.Call) and not called_name(tree)):
        tree = tree.func if isinstance(tree, ast.Call) else tree.value
    if called_name(tree) == "_has" and isinstance(tree, ast.Call):
        return [name for argument in tree.args for name in _outermost(argument)]
    return [name for name in [called_name(tree)] if name]


def _function_of(name: str, framework: str) -> str:
    """The function that an object of a class computes, `F.cross_entropy` of `nn.CrossEntropyLoss`; else the name itself."""
    table = native(framework)
    canonical = table.canonical(name)
    if function := same(framework).get(f"{canonical}()"):
        return function
    module, _, last = canonical.rpartition(".")
    alike = [full for full in table.calls if full.startswith(f"{module}.") and full != canonical]
    found = [full for full in alike if _bare(full.rsplit(".", 1)[-1]) == _bare(last)]
    return found[0] if found and module == "keras.losses" else name


def _bare(name: str) -> str:
    return name.replace("_", "").lower()
