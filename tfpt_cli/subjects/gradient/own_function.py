"""Differences of what one side itself computes, where no row of the dictionary can read its code.

They say whether a framework's derivative is that of its own value, and so tell another function from a wrong derivative. They are
taken where the code runs, in the framework's process, by the quotients of the reference (`quotients.py`): in float64, at the
numbers that the checked dtype holds. Of the value itself they prove nothing.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tfpt_cli.expressions.doubling import may_be_doubled
from tfpt_cli.frameworks import FRAMEWORKS, TORCH
from tfpt_cli.listing import Section
from tfpt_cli.subjects.gradient.aspects import ITSELF, OWN, Aspect
from tfpt_cli.subjects.gradient.differences import DifferenceWriter
from tfpt_cli.subjects.gradient.spec import HESSIAN, LARGEST, ORDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.frameworks import Side
    from tfpt_cli.subjects.gradient.spec import Gradient, Output
    from tfpt_cli.subjects.gradient.writer import FrameworkWriter


def by_own_function(spec: Gradient, framework: str, *, thorough: bool) -> list[Output]:
    """The outputs whose derivatives are held against differences of what a side of this framework itself computes.

    They are those that no row reads, as far as differences mean anything (see `not_held`); for a `thorough` look also those of
    which a row leaves something open, as it does which of two entries is scattered into one place.
    """
    if not spec.smooth or not spec.derivatives or spec.drawn or spec.complex:
        return []
    unread = _unread(spec, framework)
    open_ones = [o for o in spec.outputs if thorough and any(m.undecided(OWN) for m in o.reference.values())]
    return [output for output in (*unread, *open_ones) if not not_held(output, spec, framework)]


def _unread(spec: Gradient, framework: str) -> list[Output]:
    return [output for output in spec.outputs if not {"", framework} & set(output.reference)]


def not_held(output: Output, spec: Gradient, framework: str) -> str:
    """Why differences of a side's own value would say nothing of its derivative, in words; empty where they do."""
    sources = " ".join(ast.unparse(tree) for tree in spec.code(output, framework))
    if found := _STEPS.search(sources):
        return f"it computes with the smallest steps of its dtype, which are others in float64 ({found[0]})"
    if (found := _SYMMETRIC.search(sources)) and not _of_symmetric(spec):
        return (
            f"the derivative is one by symmetric matrices ({found[0]}), which no single number of one leaves symmetric"
        )
    return ""


def excused(output: Output, spec: Gradient, framework: str) -> str:
    """Why nobody is blamed for a derivative that is not that of the side's own value, in words; empty where somebody is.

    One that is that of its own value is right all the same.
    """
    trees = spec.code(output, framework)
    if found := _CUT.search(" ".join(map(ast.unparse, trees))):
        return f"the gradient is cut on purpose ({found[0]})"
    if name := next(filter(None, (_chosen(tree, framework) for tree in trees)), ""):
        return f"the signs and bases of the vectors are a choice, which may be another one beside the point ({name})"
    return ""


def _chosen(tree: ast.AST, framework: str) -> str:
    """The name of a decomposition in an expression of which more is taken than its values; empty where there is none."""
    match tree:
        case ast.Subscript(value=ast.Call() as call) | ast.Attribute(value=ast.Call() as call) if _takes(
            tree, framework
        ):
            tree = ast.Tuple([call.func, *call.args], ast.Load())
        case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)) if name in _VECTORS:
            if not any(keyword.arg == "compute_uv" for keyword in tree.keywords):
                return name
    return next(filter(None, (_chosen(node, framework) for node in ast.iter_child_nodes(tree))), "")


def _takes(node: ast.Subscript | ast.Attribute, framework: str) -> bool:
    """Whether a part of what a call gives is the values of a decomposition, which are no choice."""
    if isinstance(node, ast.Attribute):
        return node.attr in ("eigenvalues", "S")
    match node.value, node.slice:
        case ast.Call(func=ast.Attribute(attr="svd")), ast.Constant(value=int(place)):
            return place == (1 if framework == TORCH.key else 0)
        case ast.Call(func=ast.Attribute(attr=name)), ast.Constant(value=int(place)):
            return place == 0 and name != "qr"
    return False


def _takes_symmetric(output: Output, spec: Gradient, framework: str) -> bool:
    """Whether an output takes a matrix for symmetric, so that only a symmetric change of it means the same to both sides."""
    return any(_SYMMETRIC.search(ast.unparse(tree)) for tree in spec.code(output, framework))


def _of_symmetric(spec: Gradient) -> bool:
    """Whether every input that is differentiated by is a symmetric matrix, or several of them."""
    return all(_is_symmetric(spec.inputs[name]) for name in spec.smooth)


def _is_symmetric(values: Values) -> bool:
    array = np.asarray(values.numbers, dtype=float).reshape(values.shape) if values.numbers else np.zeros(0)
    square = array.ndim >= 2 and array.shape[-1] == array.shape[-2]
    return square and bool((array == np.swapaxes(array, -1, -2)).all())


def without(output: Output, spec: Gradient, framework: str) -> str:
    """Why an output that no row reads is held against nothing on a side, as the report says it; empty where it is held."""
    if spec.drawn:
        return "random weights, each framework its own"
    if not spec.smooth or not spec.derivatives:
        return "; ".join(output.reference.remarks)
    if spec.complex:
        return "by complex numbers none is taken"
    return not_held(output, spec, framework)


def remarks(spec: Gradient) -> list[str]:
    """Sentences on derivatives that are held against nothing, though a row reads the code of no side."""
    if not spec.smooth or not spec.derivatives or spec.drawn:
        return []
    found = []
    for framework, label in ((f, FRAMEWORKS[f].label) for f in FRAMEWORKS):
        for output in _unread(spec, framework):
            why = without(output, spec, framework)
            if why:
                found.append(f"no reference for the derivatives of {label}: {why}")
                continue
            if words := excused(output, spec, framework):
                found.append(
                    f"{label}'s own function: nobody is blamed for another derivative than that of its value: {words}"
                )
            if not spec.complex and spec.may_be_raised(output, framework):
                words = "its float32 was raised to float64 where its derivatives are held against differences"
                found.append(f"{label}'s own function: {words}")
    return list(dict.fromkeys(found))


# What holds a part of a value fixed, what gives vectors that may as well have another sign, and what reads half of a matrix that
# it takes for symmetric.
_CUT = re.compile(r"detach|stop_gradient|no_grad|inference_mode|stop_recording|\.data\b")
_STEPS = re.compile(r"(finfo\([^()]*\.dtype\)|\.dtype)\.(eps|tiny|smallest_normal)")
_VECTORS = frozenset({"svd", "eig", "eigh", "self_adjoint_eig", "qr", "schur"})
_SYMMETRIC = re.compile(r"\b(eigh|eigvalsh|cholesky|self_adjoint_eig\w*)\b")


class OwnFunctionWriter(DifferenceWriter):
    """Writes difference quotients of one side's function, for that side's own process.

    A derivative along a random direction of each input is taken always, and by up to `most` numbers each of them.
    """

    def __init__(self, writer: FrameworkWriter, side: Side, most: int) -> None:
        super().__init__(writer.spec, second=True)
        self.writer, self.side, self.most = writer, side, most
        writer.in_float64 = True
        self.symmetric = False
        self.single = self.free("single")

    def sections(self) -> Iterator[Section]:
        """Everything, in groups of its own: what cannot be had here takes nothing else with it."""
        parts = list(self.parts())
        start = "\n".join(
            filter(None, ('np.seterr(all="ignore")', self.writer.double, self.writer.alone, self.inputs()))
        )
        yield Section(start, required=True, group=_GROUP)
        yield Section(self.helpers(parts), required=True, group=_GROUP)
        yield from parts

    def parts(self) -> Iterator[Section]:
        for output in by_own_function(self.spec, self.side.framework, thorough=self.most > 0):
            for section in self.of_own(output):
                yield replace(section, group=f"{_GROUP} {output.name}", after=(_GROUP,))

    def tensor(self, name: str, values: Values) -> str:
        return self.writer.to_numpy(self.writer.doubled(self.writer.tensor(name, values), name))

    def aspect(self, whose: str, what: str = ITSELF, side: str = "", *, error: bool = False, of: str = OWN) -> Aspect:
        return super().aspect(whose, what, side, error=error, of=of)

    def signs(self, rng: str, name: str) -> str:
        plain = super().signs(rng, name)
        return f"_symmetric({plain})" if self.symmetric else plain

    def affordable(self, kind: str) -> bool:
        """Whether a kind of derivative is taken by each number."""
        if self.symmetric:  # no single number of a symmetric matrix leaves it symmetric
            return False
        most = min(self.most, HESSIAN) if kind in ("hessian", "hvp") else self.most
        return not ORDER.fullmatch(kind) and self.spec.count <= most

    def slopes(self, moved: str, point: str, side: int, middle: str) -> str:
        if not side:
            return f"_steady({moved}, {point}, {self.single})"
        # A framework's call costs what a hundred of NumPy's do: where the function is smooth both sides are as the middle.
        return f"_edges({moved}, {point}, {side}, {middle}, {self.free(f'{middle}_its_error')})"

    def of_own(self, output: Output) -> Iterator[Section]:
        """The sections of one output: its function in float64, as NumPy sees it, and each kind of derivative."""
        self.symmetric = _takes_symmetric(output, self.spec, self.side.framework)
        inner, outer = (self.free(f"{word}_{output.name or 'f'}") for word in ("own", "plain"))
        arguments = {name: self.writer.from_numpy(name) for name in self.spec.inputs}
        call = f"{inner}({', '.join(arguments.values())})"
        if self.side.framework not in output.code:
            output = replace(output, body={self.side.framework: output.body[self.side.framework].in_double()})
        # Steps that are long enough for float32 say nothing of numbers that are kept in less.
        wide = all(may_be_doubled(ast.unparse(tree)) for tree in self.spec.code(output, self.side.framework))
        lines = [
            self.writer.function(inner, output),
            "",
            f"def {outer}({', '.join(arguments)}):",
            f"    return {self.writer.to_numpy(call)}",
            "",
            f"{outer}, {self.single} = _precise({outer}, {wide}, {', '.join(arguments)})",
            f"{self.value} = _twice({outer}, {', '.join(arguments)})",
            f"{outer} = _within({outer}, {self.value})",
            f"_affordable({outer}, {len(self.wrt)}, {', '.join(arguments)})",
        ]
        yield Section("\n".join(lines), required=True)
        if "gradient" in self.spec.derivatives and self.spec.count <= LARGEST:
            yield self.along(output, outer, self.side)
        if kinds := [kind for kind in self.spec.derivatives if self.affordable(kind)]:
            affordable = f"_affordable({outer}, {self.spec.count}, {', '.join(arguments)})"
            yield Section(f"_not_single({self.single})\n{affordable}", required=True)
        for kind in kinds:
            yield self.differences(kind, output, outer, self.side)


_GROUP = "own function"
