"""What of a model's outputs is differentiated: a loss of them, or their sum weighted by a cotangent."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.formulas import value_of
from tfpt_cli.documents.inputs import SCHEMA as VALUES
from tfpt_cli.documents.inputs import read_values
from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.lowering import too_long, written
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import WHOLE_DTYPES
from tfpt_cli.language.mentions import field
from tfpt_cli.language.shapes import show
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.subjects.model.spec import BOTH, NAME, OUTPUT, output_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.language.shapes import Shape

LOSS_SCHEMA: dict[str, Any] = {
    "title": "What is differentiated, of the output and further inputs; a random weighting of the output unless said",
    "description": "an expression such as mean((output - y) ** 2), or one by framework: {torch: 'F.mse_loss(output, y)', ...}",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "additionalProperties": False,
            "required": list(FRAMEWORKS),
            "properties": {framework: {"type": "string", "description": "native code"} for framework in FRAMEWORKS},
        },
    ],
    "examples": [
        "mean((output - y) ** 2)",
        {"torch": "F.mse_loss(output, y)", "tensorflow": "tf.reduce_mean((output - y) ** 2)"},
    ],
}
COTANGENT_SCHEMA: dict[str, Any] = {
    "title": "What the outputs are weighted by, as PyTorch has them; drawn at random unless said",
    "description": "values like the output's, or several by output",
    "anyOf": [*VALUES["anyOf"], {"type": "object", "minProperties": 1, "additionalProperties": VALUES}],
    "examples": ["ones((2, 4))", {"output.0": "normal(0, 1, (2, 5, 4))", "output.1": "zeros((2, 4))"}],
}


def read_loss(reader: Reader, inputs: Mapping[str, Values | None], dtypes: Mapping[str, str]) -> dict[str, str]:
    """What each side differentiates, of its `output` and the inputs, by framework; under an empty key one for both.

    Empty where the scenario does not say it, or after complaining about every problem in it.
    """
    given = reader.get(NAME, "loss")
    if given is None:
        return {}
    if isinstance(given, str):
        text = _neutral(reader, inputs, dtypes)
        return {BOTH: text} if text else {}
    found = {}
    for framework in FRAMEWORKS:
        tree = reader.native((NAME, "loss", framework), framework, {OUTPUT, *inputs})
        if tree is not None:
            found[framework] = ast.unparse(tree)
    return found


def _neutral(reader: Reader, inputs: Mapping[str, Values | None], dtypes: Mapping[str, str]) -> str:
    """A loss in one spelling for both sides; empty after complaining."""
    path: Path = (NAME, "loss")
    tree = reader.tree(path)
    if tree is None:
        return ""
    shapes: dict[str, Shape | None] = {n: None if v is None else v.shape for n, v in inputs.items()}
    kinds = {
        n: "booleans" if d == "bool" else "integers" for n, d in dtypes.items() if d == "bool" or d in WHOLE_DTYPES
    }
    _, complaints = shape_of(tree, {**shapes, OUTPUT: None}, kinds)
    complaints = complaints or too_long(tree)
    reader.complain_all(path, complaints)
    if not complaints and OUTPUT not in {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}:
        reader.complain(path, f"a loss is computed of '{OUTPUT}', such as mean({OUTPUT} ** 2)")
    return "" if complaints else ast.unparse(tree)


def loss_in(text: str, framework: str, dtype: str, names: Mapping[str, str]) -> str:
    """A neutral loss as source of a framework, where what it names stands there as `names` say.

    >>> loss_in("mean((output - y) ** 2)", "torch", "float32", {"output": "output[0]"})
    'torch.mean((output[0] - y) ** 2)'
    """
    tree = ast.parse(written(ast.parse(text, mode="eval").body, framework, dtype), mode="eval")
    trees = {name: ast.parse(source, mode="eval").body for name, source in names.items()}
    return ast.unparse(_Naming(trees).visit(tree))


class _Naming(ast.NodeTransformer):
    def __init__(self, trees: Mapping[str, ast.expr]) -> None:
        self.trees = trees

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.trees.get(node.id, node)


def read_cotangent(reader: Reader) -> dict[str, Values]:
    """What the outputs are weighted by, by their names; empty where the scenario does not say it, or after complaining."""
    path: Path = (NAME, "cotangent")
    given = reader.get(*path)
    if given is None:
        return {}
    if reader.get(NAME, "loss") is not None:
        reader.complain(
            path, "'cotangent' weights the outputs, and 'loss' says what is differentiated: write one", key=True
        )
    places = {output_name(str(name)): (*path, name) for name in given} if isinstance(given, dict) else {"": path}
    values = {name: read_values(reader, place) for name, place in places.items()}
    return {name: each for name, each in values.items() if each is not None}


def weightings(
    cotangent: Mapping[str, Values], outputs: Mapping[str, Shape], seed: int
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays that outputs are weighted by, by their names, and what is wrong with those that the scenario gives.

    `outputs` are the shapes that PyTorch has. Without a cotangent every number is drawn from a normal distribution.
    """
    import numpy as np  # not above: validating needs no NumPy

    rng = np.random.default_rng([seed, 1])
    if not cotangent:
        return {name: rng.normal(size=shape) for name, shape in outputs.items()}, []
    problems = list(_unfit(cotangent, outputs))
    if problems:
        return {}, problems
    names = {"np": np, "math": math, "rng": np.random.RandomState(seed)}
    return {
        name: np.array(value_of(ast.parse(cotangent[name].source, mode="eval").body, names), dtype=np.float64)
        for name in outputs
    }, []


def _unfit(cotangent: Mapping[str, Values], outputs: Mapping[str, Shape]) -> Sequence[str]:
    called = {name: f"{OUTPUT}.{name}" if name else OUTPUT for name in (*outputs, *cotangent)}
    known = [called[name] for name in outputs]
    problems = []
    for name, values in cotangent.items():
        if name not in outputs:
            hint = did_you_mean(called[name], known) or f" ({', '.join(known)})"
            problems.append(f"cotangent names '{called[name]}', which is not compared{hint}")
        elif values.shape != outputs[name]:
            problems.append(
                f"the cotangent has shape {show(values.shape)}, '{called[name]}' has {show(outputs[name])} in PyTorch"
            )
    missing = [name for name in outputs if name not in cotangent]
    if missing and not problems:
        example = field("cotangent", called[missing[0]], f"'zeros({show(outputs[missing[0]])})'")
        problems.append(f"cotangent needs values for '{called[missing[0]]}' too, such as {example}")
    return problems
