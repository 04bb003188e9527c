"""A checked gradient scenario: what its listings and its comparison need."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import rules
from tfpt_cli.dictionary.rows import drawn_layers
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.doubling import doubled, may_be_doubled
from tfpt_cli.expressions.lowering import in_double
from tfpt_cli.expressions.own_code import own_code
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.language.shapes import Shape, show
from tfpt_cli.language.trees import called_name, copied
from tfpt_cli.results import VALUE, Quantity
from tfpt_cli.subjects.gradient.meaning import Body, Meanings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tfpt_cli.documents.inputs import Values

NAME = "gradient"
# By more numbers than this the reference takes one derivative along a random direction instead of all of them, and by
# more than LARGEST none: a difference quotient evaluates the expression some ten times for each.
EACH = 64
LARGEST = 1 << 16
# A Hessian by difference quotients evaluates the expression some hundred times for each pair of numbers.
HESSIAN = 12
# Forward mode is run along one axis after another.
FORWARD = 16
ORDER = re.compile(r"d([3-6])")


def layer_call(node: ast.AST) -> str:
    """The source of a call that builds a layer, such as `nn.Linear(3, 4)`; an empty string for anything else.

    >>> [layer_call(ast.parse(text, mode="eval").body) for text in ("nn.Linear(3, 4)", "F.linear(x, w)")]
    ['nn.Linear(3, 4)', '']
    """
    if not isinstance(node, ast.Call):
        return ""
    module, _, name = called_name(node).rpartition(".")
    built = module in _LAYERS and name[:1].isupper()
    return ast.unparse(node) if built else ""


def layer_made(node: ast.AST) -> str:
    """The source of what makes a layer, with the method behind it that says how it computes; empty for anything else.

    >>> layer_made(ast.parse("nn.BatchNorm1d(3).eval()", mode="eval").body)
    'nn.BatchNorm1d(3).eval()'
    """
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call() as layer, attr=attr)) if attr in rules("modes"):
            return ast.unparse(node) if layer_made(layer) else ""
    return layer_call(node)


def drawn(body: Body, framework: str) -> list[str]:
    """The calls in an expression that build a layer with random weights, as far as no initializer is chosen.

    >>> drawn(Body("nn.Linear(3, 4)(F.relu(x))"), "torch")
    ['nn.Linear(3, 4)']
    """
    nodes = [node for source in body.sources for node in ast.walk(ast.parse(source, mode="eval"))]
    calls = [call for node in nodes if (call := layer_call(node)) and "initializer" not in call]
    return [call for call in calls if call.partition("(")[0].rpartition(".")[2] in drawn_layers(framework)]


_LAYERS = frozenset({"nn", "torch.nn", "keras", "keras.layers", "tf.keras", "tf.keras.layers"})


@dataclass(frozen=True)
class Code:
    """A person's own function: the file, and the name of the function in it."""

    file: str
    function: str


@dataclass(frozen=True)
class Output:
    """One expression: its name (empty for the only one), its body by framework, its shape where that is known.

    `reference` is what the reference computes. `code` holds what is a person's own function instead of an expression.
    """

    name: str
    body: Mapping[str, Body]
    shape: Shape | None
    reference: Meanings = field(default_factory=Meanings)
    code: dict[str, Code] = field(default_factory=dict)

    @cached_property
    def quantity(self) -> Quantity:
        """The value of the output, as a quantity."""
        return Quantity(kind=VALUE, output=self.name)

    @property
    def value(self) -> str:
        """The name of the output's value for a person: the name of the output, or `value` where it has none."""
        return str(self.quantity)


# Functions and layers whose results add up to the same, along the axes that they normalize.
_NORMALIZING = re.compile(
    r"\b(softmax|Softmax\w*|(layer|batch|group|instance)_norm\w*|(Layer|Batch|Group|Instance)Norm\w*|batch_normalization|"
    r"layer_normalization)\("
)


@dataclass(frozen=True)
class Gradient:
    """A checked gradient scenario: everything that its listings need. `dtypes` are those of the inputs, by name.

    `written` is the code as a person wrote it, by framework (under an empty key what both run), `at` the inputs. `checked` is the
    dtype of the scenario that this is in double precision.
    """

    inputs: dict[str, Values]
    dtypes: dict[str, str]
    outputs: tuple[Output, ...]
    wrt: tuple[str, ...]
    derivatives: tuple[str, ...]
    tangent: dict[str, Values]
    cotangent: dict[str, Values]
    modes: dict[str, tuple[str, ...]]
    all_ways: bool
    written: Mapping[str, str]
    at: str
    dtype: str
    seed: int
    native: bool
    checked: str = ""

    @property
    def smooth(self) -> list[str]:
        """The inputs to differentiate by that have derivatives at all."""
        return [name for name in self.wrt if self.dtypes[name] in DTYPES]

    @property
    def whole(self) -> list[str]:
        """The inputs to differentiate by that are whole numbers or truth values."""
        return [name for name in self.wrt if name not in self.smooth]

    @property
    def count(self) -> int:
        """The number of single numbers, over all inputs, that the derivatives are taken by."""
        return sum(self.inputs[name].size for name in self.smooth)

    @property
    def complex(self) -> bool:
        """Whether any input is complex."""
        return any(dtype.startswith("complex") for dtype in self.dtypes.values())

    @property
    def keeps_places(self) -> bool:
        """Whether all that is computed is known to be elementwise: every number comes from the same place of the inputs."""
        if any(output.code or not output.reference for output in self.outputs):
            return False
        return all(meaning.elementwise for output in self.outputs for meaning in output.reference.values())

    @cached_property
    def drawn(self) -> dict[str, list[str]]:
        """By framework, the layers in its expressions that start with random weights; one without any is left out."""
        found: dict[str, list[str]] = {}
        for output in self.outputs if self.native else ():
            for framework, body in output.body.items():
                found.setdefault(framework, []).extend(drawn(body, framework))
        return {framework: calls for framework, calls in found.items() if calls}

    def code(self, output: Output, framework: str) -> tuple[ast.expr, ...]:
        """What an output computes on a side, as expressions of the inputs: its lines, or a person's own function, put in."""
        if framework in output.code:
            return own_code(output.code[framework].file, output.code[framework].function, list(self.inputs))
        return (output.body[framework].tree,) if framework in output.body else ()

    def may_be_raised(self, output: Output, framework: str) -> bool:
        """Whether float32 stands in a person's own function, and may be raised where the arbiter runs it in float64.

        Not where another dtype is checked, which float32 is written against, nor where the code is about narrow numbers.
        """
        if framework not in output.code or (self.checked or self.dtype) != "float32":
            return False
        trees = self.code(output, framework)
        sources = [ast.unparse(tree) for tree in trees]
        narrow = not all(map(may_be_doubled, sources))
        return not narrow and any(ast.unparse(doubled(copied(t))) != s for t, s in zip(trees, sources, strict=True))

    def normalizes(self, output: Output) -> bool:
        """Whether the code of every side makes numbers whose sum is always the same, as a softmax does."""
        sides = [" ".join(map(ast.unparse, self.code(output, framework))) for framework in FRAMEWORKS]
        return all(_NORMALIZING.search(source) for source in sides if source)

    def shape(self, output: Output) -> Shape | None:
        """The shape of an output, of native code as far as the rows read it back; None where it is not known."""
        shapes: dict[str, Shape | None] = {name: values.shape for name, values in self.inputs.items()}
        for meaning in output.reference.values() if output.shape is None else ():
            for name, tree in meaning.lines.items():
                shapes[name] = shape_of(tree, shapes)[0]
            return shape_of(meaning.result, shapes)[0]
        return output.shape

    def of(self, framework: str) -> Gradient:
        """The scenario as one framework alone runs it, for a comparison of two versions of that framework.

        The meaning of that framework's code is then the meaning of both sides.
        """
        outputs = tuple(
            replace(
                output,
                body={f: body for f, body in output.body.items() if f == framework},
                code={f: code for f, code in output.code.items() if f == framework},
                reference=output.reference.changed(
                    lambda meanings: {"": meaning} if (meaning := meanings.get("", meanings.get(framework))) else {}
                ),
            )
            for output in self.outputs
        )
        return replace(self, outputs=outputs)

    def in_double(self) -> Gradient:
        """The scenario in double precision."""
        dtype = in_double(self.dtype)
        dtypes = {n: in_double(d) if d in DTYPES else d for n, d in self.dtypes.items()}
        outputs = tuple(
            replace(
                output,
                body={f: body.in_double() for f, body in output.body.items()} if self.native else output.body,
                reference=output.reference.changed(
                    lambda meanings: {whose: replace(meaning, dtype=dtype) for whose, meaning in meanings.items()}
                ),
            )
            for output in self.outputs
        )
        return (
            replace(self, dtypes=dtypes, dtype=dtype, outputs=outputs, checked=self.dtype)
            if dtypes != self.dtypes
            else self
        )

    def notes(self, without: Collection[Output] = ()) -> tuple[str, ...]:
        """Sentences that a reader must know to read the derivatives; `without` are outputs that have none."""
        kinds = {"gradient", "hessian", "hvp"} & set(self.derivatives)
        summed = [output for output in self.outputs if output.shape and kinds and output not in without]
        notes = [
            f"{output.value} has shape {show(output.shape or ())}: its gradient is that of its sum (a cotangent of ones)"
            for output in summed
            if self.wrt
        ]
        mixed = any(not m.elementwise or self.complex for output in self.outputs for m in output.reference.values())
        if mixed and self.derivatives and self.count > EACH:
            words = "one derivative along a random direction" if self.count <= LARGEST else "no derivative"
            notes.append(f"the reference checks the values and, by {self.count:,} numbers, {words}")
        if self.drawn:
            calls = " and ".join(call for calls in self.drawn.values() for call in dict.fromkeys(calls))
            notes.append(
                f"{calls}: random weights, each framework its own, so the numbers cannot be the same. Give them as inputs "
                "(F.linear(x, w, b) and x @ w + b), or compare what fills the layers: tfpt diff --torch 'nn.Linear(3, 4)' "
                "--tensorflow 'keras.layers.Dense(4)'"
            )
        remarks = dict.fromkeys(remark for output in self.outputs for remark in output.reference.remarks)
        return (*notes, *remarks)


def without_reference(framework: str, call: str) -> str:
    """The remark that no reference can be had for an expression of one side, because no row knows a call in it."""
    return f"no reference for {FRAMEWORKS[framework].label}'s side: no row of the dictionary reads {call}"
