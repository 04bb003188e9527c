"""Which functions of the installed frameworks the dictionary knows: those with a row, those with a reason, and the rest."""

from __future__ import annotations

import ast
import asyncio
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.readings import readings, same
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.dictionary.uncovered import other_names, reasons
from tfpt_cli.expressions.rows_of_calls import row_of_same_name
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.trees import branches, called_name
from tfpt_cli.results import Failure, Symptom
from tfpt_cli.workers.process import Broken, Limits, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tfpt_cli.frameworks import Side, Sides

_ROOTS = {root for framework in FRAMEWORKS.values() for root in framework.roots}
# Calls that arrange what another has computed.
_ARRANGING = frozenset({"tf.cast", "tf.reshape", "tf.transpose", "tf.linalg.matrix_transpose"})
# By the name of a function, the other names that its framework says it has.
Functions = dict[str, list[str]]


@dataclass(frozen=True)
class Namespace:
    """The functions of one namespace of a side's framework, by their names in it, or why they are not known.

    `rows` have a row, `lines` a reason why they have none, `missing` neither, `both` a row and a reason, which cannot be right.
    """

    name: str
    side: Side
    rows: tuple[str, ...] = ()
    lines: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    failure: Failure | None = None

    @property
    def count(self) -> int:
        """How many functions the installed version has."""
        return len(self.rows) + len(self.lines) + len(self.missing)

    @property
    def calls(self) -> tuple[str, ...]:
        """The canonical names of all functions."""
        return tuple(_canonical(self.name, name, self.side) for name in (*self.rows, *self.lines, *self.missing))


@dataclass(frozen=True)
class Coverage:
    """The namespaces of all sides, and the versions of what their functions were asked of."""

    namespaces: tuple[Namespace, ...]
    versions: Mapping[str, str]


def coverage(sides: Sides) -> Coverage:
    """Starts each framework's process, asks it for its functions, and says what the dictionary has of them."""
    return asyncio.run(_coverage(sides))


async def _coverage(sides: Sides) -> Coverage:
    answers = [await _asked(Worker(side, Limits())) for side in sides]
    versions = {key: version for _, found in answers for key, version in found.items()}
    return Coverage(namespaces=tuple(namespace for found, _ in answers for namespace in found), versions=versions)


async def _asked(worker: Worker) -> tuple[list[Namespace], dict[str, str]]:
    side = worker.side
    try:
        await worker.start()
        await worker.load()
        answer = await worker.functions()
    except Broken as broken:
        return [Namespace(name=side.label, side=side, failure=broken.failure)], worker.versions
    finally:
        await worker.end()
    return [
        namespace_of(name, side, found)
        if isinstance(found, dict)
        else Namespace(name=name, side=side, failure=Failure(side=side, symptom=Symptom.EXCEPTION, message=str(found)))
        for name, found in answer.items()
    ], worker.versions


def namespace_of(name: str, side: Side, functions: Functions) -> Namespace:
    """What the dictionary has of the functions of a namespace.

    >>> from tfpt_cli.frameworks import SIDES
    >>> found = namespace_of("torch.special", SIDES[0], {"erf": [], "airy_ai": [], "new": []})
    >>> found.rows, list(found.lines), found.missing
    (('erf',), ['airy_ai'], ('new',))
    """
    rows, lines, missing, both = [], {}, [], []
    for function, others in sorted(functions.items()):
        calls = [_canonical(name, called, side) for called in (function, *others)]
        reason = next((reasons()[call] for call in calls if call in reasons()), None)
        if any(has_row(call, side.framework) for call in calls):
            rows.append(function)
            both += [function] * (reason is not None)
        elif reason is not None:
            lines[function] = reason
        else:
            missing.append(function)
    return Namespace(name=name, side=side, rows=tuple(rows), lines=lines, missing=tuple(missing), both=tuple(both))


def _canonical(namespace: str, function: str, side: Side) -> str:
    """The name by which the dictionary knows a function; of OpInfo's names those below `torch` lack that."""
    module = side.framework.module if namespace == "OpInfo" else namespace
    full = function if function.startswith(f"{module}.") else f"{module}.{function}"
    return native(side.framework).canonical(full)


def has_row(call: str, framework: str) -> bool:
    """Whether a row or a reading is spelled with a call, by its canonical name, or it is a row's under another name.

    >>> has_row("F.relu", "torch"), has_row("torch.airy_ai", "torch")
    (True, False)
    """
    return call in _spelled(framework) or call in other_names() or row_of_same_name(call, framework) is not None


@cache
def _spelled(framework: str) -> frozenset[str]:
    """The canonical names of all calls, methods and properties that a row is spelled with, and of those that are read back."""
    rows = dictionary().operations.values()
    spelled = {name for row in rows for tree in branches(row.spelling[framework]) for name in _outermost(tree)}
    read = {
        re.sub(r"(\[\d+\]|\(\))+$", "", name.replace("_.", "torch.", 1))
        for name in (*readings(framework), *same(framework))
    }
    return frozenset(native(framework).canonical(name) for name in spelled | read)


def _outermost(tree: ast.expr) -> Iterator[str]:
    """The functions whose result a spelling gives: of `tf.transpose(torch.svd(x).S[0])` all three of them.

    What only arranges a result anew, or takes of it, is looked through.
    """
    if isinstance(tree, (ast.Attribute, ast.Subscript)):
        if isinstance(tree, ast.Attribute):
            yield f"torch.{tree.attr}"
        yield from _outermost(tree.value)
    elif isinstance(tree, ast.Call):
        name = called_name(tree)
        # A method is the function of its name.
        yield name if name.split(".")[0] in _ROOTS else f"torch.{getattr(tree.func, 'attr', '')}"
        if name in _ARRANGING:
            yield from _outermost(tree.args[0])
