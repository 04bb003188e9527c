"""PyTorch's own samples: what its test-suite puts to each operation, `torch.testing._internal.common_methods_invocations`.

A sample is written as native code (`F.gelu(x, approximate='tanh')`) and read back through the rows. What can be read back is
put to tfpt twice: as a neutral expression, and some as a pair, the native call against the TensorFlow code that the row writes.
The truth is the native call itself in double precision, and its gradient where differences confirm it.
"""

from __future__ import annotations

import ast
import itertools
import math
import random
import sys
import types
import unittest
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - as everybody calls it

from tests.oracles.truth import Case, Truth
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.expressions.lifting import NoRow, lifted
from tfpt_cli.expressions.lowering import written
from tfpt_cli.language.constants import BadConstant, NotConstant, mark_inputs
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# Larger samples are left out: the report shows 100 numbers of an array.
_NUMBERS = 100
_DTYPES = ("float32", "float64", "complex64", "complex128")
# Samples of an operation in a dtype; one of two is a native pair too.
_EACH = 12


@cache
def _database() -> list[Any]:
    """PyTorch's list of operations. It imports `expecttest`, a package of its own tests, which nothing here needs."""
    if "expecttest" not in sys.modules:
        stand_in = types.ModuleType("expecttest")
        stand_in.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = stand_in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    return list(op_db)


@cache
def _known() -> dict[str, str]:
    """The rows by the last part of the PyTorch call that spells them, and by their own name."""
    found: dict[str, str] = {}
    for row in dictionary().operations.values():
        for spelled in branches(row.spelling["torch"]):
            if isinstance(spelled, ast.Call) and called_name(spelled):
                found.setdefault(native("torch").canonical(called_name(spelled)), row.name)
    return found


_OPERATORS = {"add": "{} + {}", "sub": "{} - {}", "mul": "{} * {}", "div": "{} / {}", "pow": "{} ** {}", "remainder": "{} % {}",
              "floor_divide": "{} // {}", "matmul": "{} @ {}", "lt": "{} < {}", "le": "{} <= {}", "gt": "{} > {}",
              "ge": "{} >= {}"}  # fmt: skip


def _call(name: str) -> str:
    return f"F.{name.removeprefix('nn.functional.')}" if name.startswith("nn.functional.") else f"torch.{name}"


class Unwritten(Exception):
    """Raised for a sample that a scenario cannot say; the message is what of it."""


class _Sample:
    """A sample as text, with the arrays that it is given by name."""

    def __init__(self, name: str, sample: Any) -> None:
        self.arrays: dict[str, torch.Tensor] = {}
        given = [self.argument(value) for value in (sample.input, *sample.args)]
        named = [f"{key}={self.argument(value)}" for key, value in sample.kwargs.items()]
        if name in _OPERATORS and len(given) == 2 and not named:
            left, right = (text if text.isidentifier() else f"({text})" for text in given)
            self.text = _OPERATORS[name].format(left, right)
        else:
            self.text = f"{_call(name)}({', '.join((*given, *named))})"

    def argument(self, value: Any) -> str:
        if isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.numel() > _NUMBERS:
                raise Unwritten("large or sparse")
            name = f"x{len(self.arrays)}"
            self.arrays[name] = value.detach().clone()
            return name
        if isinstance(value, (list, tuple)):
            inner = ", ".join(map(self.argument, value))
            return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
        if value is None or isinstance(value, (bool, int, str)):
            return repr(value)
        if isinstance(value, float) and math.isfinite(value):
            return repr(value)
        if isinstance(value, float):
            return {math.inf: "math.inf", -math.inf: "-math.inf"}.get(value, "math.nan")
        if isinstance(value, torch.dtype):
            return str(value)
        raise Unwritten(type(value).__name__)


def _kind(tensor: torch.Tensor, dtype: str) -> str | None:
    """The entry of `dtypes` for an input: None where it is the scenario's own."""
    name = str(tensor.dtype).removeprefix("torch.")
    if name == dtype:
        return None
    if name in ("int64", "int32", "bool", "uint8"):
        return name
    raise Unwritten(f"an input of {name} beside {dtype}")


def _at(tensor: torch.Tensor) -> Any:
    if tensor.numel() == 0:
        return f"zeros({tuple(tensor.shape)})"
    return tensor.resolve_conj().resolve_neg().tolist()


def _wide(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype.is_complex:
        return tensor.to(torch.complex128)
    return tensor.to(torch.float64) if tensor.dtype.is_floating_point else tensor


def _evaluator(text: str) -> Callable[[dict[str, torch.Tensor]], torch.Tensor]:
    code = compile(text, "<sample>", "eval")

    def evaluate(arrays: dict[str, torch.Tensor]) -> torch.Tensor:
        result: torch.Tensor = eval(code, {"torch": torch, "F": F, "math": math, **arrays})
        return result

    return evaluate


def _array(tensor: torch.Tensor) -> Any:
    wide = _wide(tensor.detach()).resolve_conj().resolve_neg().numpy()
    return wide if wide.dtype.kind == "c" else wide.astype(np.float64)


def truths_of(text: str, arrays: dict[str, torch.Tensor]) -> tuple[dict[str, Truth], bool]:
    """Value and gradient of native code in double precision, and whether it has a gradient.

    A slope is known where central differences confirm it, or where the differences from both sides, at two steps each, do
    not part: then it is a kink if they are not the same.
    """
    evaluate = _evaluator(text)
    wide = {name: _wide(tensor) for name, tensor in arrays.items()}
    smooth = [name for name, t in wide.items() if t.dtype.is_floating_point or t.dtype.is_complex]
    leaves = {name: t.clone().requires_grad_(name in smooth) for name, t in wide.items()}
    output = evaluate(leaves)
    if not torch.equal(torch.nan_to_num(output.detach()), torch.nan_to_num(evaluate(wide).detach())):
        raise Unwritten("random")
    truths = {
        "value": Truth.of(_array(output), 1e-12 * float(np.nan_to_num(np.abs(_array(output)), posinf=0).max(initial=0)))
    }
    if output.dtype not in (torch.float64, torch.complex128):
        return truths, False
    if not output.requires_grad:
        return truths, False
    slopes = torch.autograd.grad(output, [leaves[n] for n in smooth], torch.ones_like(output), allow_unused=True)
    for name, slope in zip(smooth, slopes, strict=True):
        if slope is not None:
            truths[f"d/d{name}"] = _confirmed(evaluate, wide, name, _array(slope))
    return truths, True


def _confirmed(
    evaluate: Callable[[dict[str, torch.Tensor]], torch.Tensor], wide: dict[str, torch.Tensor], name: str, slope: Any
) -> Truth:
    base = float(torch.real(evaluate(wide).sum()))
    low, high, known = slope.copy(), slope.copy(), np.zeros(slope.shape, bool)
    complex_input = wide[name].dtype.is_complex

    def moved(place: tuple[int, ...], by: complex) -> float:
        other = wide[name].clone()
        other[place] += by
        return float(torch.real(evaluate({**wide, name: other}).sum()))

    for place in np.ndindex(slope.shape):
        size = max(1.0, abs(complex(wide[name][place])))
        parts = []
        for unit in (1.0, 1j) if complex_input else (1.0,):
            h = 1e-6 * size
            # The sum of all outputs rounds at its own size.
            noise = 1e-15 * max(abs(base), 1.0) / h * 10 + 1e-6
            right, left = ((moved(place, unit * h) - base) / h, (base - moved(place, -unit * h)) / h)
            near_right = (moved(place, unit * h / 4) - base) / (h / 4)
            near_left = (base - moved(place, -unit * h / 4)) / (h / 4)
            have = slope[place].imag if unit == 1j else slope[place].real
            scale = 1 + abs(have)
            central = (right + left) / 2
            same = abs(right - left) <= 100 * noise * scale + 1e-4 * scale
            steady = abs(right - near_right) + abs(left - near_left) <= 20 * noise + 1e-4 * scale
            parts.append((same and abs(central - have) <= 1e-5 * scale + 10 * noise, not same and steady, left, right))
        if all(confirmed for confirmed, _, _, _ in parts):
            known[place] = True
        elif not complex_input and parts[0][1]:
            known[place] = True
            low[place], high[place] = sorted(parts[0][2:])
    error = 1e-10 * float(np.nan_to_num(np.abs(slope), posinf=0).max(initial=0))
    return Truth(slope, known, low, high, error) if not complex_input else Truth(slope, known, error=error)


def _read_back(text: str, arrays: dict[str, torch.Tensor]) -> tuple[str, ast.expr]:
    """The neutral expression that a sample means; raises `NoRow`."""
    whole = {name for name, t in arrays.items() if not t.dtype.is_floating_point and not t.dtype.is_complex}
    tree = lifted(ast.parse(text, mode="eval").body, "torch", set(arrays), whole)
    mark_inputs(tree, set(arrays))
    return ast.unparse(tree), tree


def _wanted(op: Any) -> bool:
    names = {native("torch").canonical(_call(name)) for name in (op.name, *(alias.name for alias in op.aliases))}
    return op.name in _OPERATORS or bool(names & set(_known())) or op.name in dictionary().operations


def cases(seed: int = 0, sample: int | None = None, only: set[str] | None = None) -> Iterator[Case]:
    """The samples of every operation that a row knows, in each dtype that both have; `sample` of them at random."""
    rng = random.Random(seed)
    operations = [op for op in _database() if _wanted(op) and (not only or op.name in only)]
    pairs = list(itertools.product(operations, _DTYPES))
    rng.shuffle(pairs)
    each = _EACH if sample is None else 2
    left = sample
    for op, dtype in pairs:
        if getattr(torch, dtype) not in op.dtypes:
            continue
        for case in _of(op, dtype, each, rng):
            yield case
            if left is not None and (left := left - 1) <= 0:
                return


def _of(op: Any, dtype: str, each: int, rng: random.Random) -> Iterator[Case]:
    torch.manual_seed(rng.randrange(2**31))
    np.random.seed(rng.randrange(2**31))
    random.seed(rng.randrange(2**31))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = []
        try:
            samples = list(op.sample_inputs("cpu", getattr(torch, dtype), requires_grad=False))
        except (RuntimeError, TypeError, ValueError):
            return  # some need LAPACK or another device
        rng.shuffle(samples)
        count = 0
        for sample in samples:
            if count == each:
                return
            case = _case(op, dtype, sample)
            if case is not None:
                count += 1
                yield case
                pair = _pair(case) if rng.random() < 0.5 else None
                if pair is not None:
                    yield pair


UNREAD: dict[str, int] = {}


def _case(op: Any, dtype: str, sample: Any) -> Case | None:
    """A sample as a neutral scenario; None, and counted in `UNREAD`, where it cannot be one."""
    try:
        given = _Sample(op.name, sample)
        kinds = {name: kind for name, t in given.arrays.items() if (kind := _kind(t, dtype))}
        if not given.arrays:
            raise Unwritten("no array")
        output = _evaluator(given.text)(given.arrays)
        text = given.text
        if isinstance(output, (tuple, list)):
            text, output = f"{text}[0]", output[0]
        if not isinstance(output, torch.Tensor) or output.numel() > _NUMBERS:
            raise Unwritten("a large output")
        try:
            neutral, tree = _read_back(text, given.arrays)
        except NoRow as error:
            raise Unwritten(f"no row for {error}") from error
        truths, smooth = truths_of(text, given.arrays)
    except Unwritten as error:
        UNREAD[str(error)] = UNREAD.get(str(error), 0) + 1
        return None
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, SyntaxError) as error:
        UNREAD[f"PyTorch: {type(error).__name__}"] = UNREAD.get(f"PyTorch: {type(error).__name__}", 0) + 1
        return None
    gradient: dict[str, Any] = {"of": neutral, "at": {name: _at(t) for name, t in given.arrays.items()}}
    if kinds:
        gradient["dtypes"] = kinds
    if not smooth:
        gradient["derivatives"] = []
    rows = tuple(
        sorted({n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)})
    )
    taken = frozenset({"torch"})
    return Case(
        "opinfo", f"{op.name}: {text}", {"dtype": dtype, "gradient": gradient}, truths, operations=rows, taken=taken
    )


def _pair(case: Case) -> Case | None:
    """The native call against the TensorFlow code that the rows write for what it means."""
    gradient = dict(case.document["gradient"])
    tree = ast.parse(gradient.pop("of"), mode="eval").body
    mark_inputs(tree, set(gradient["at"]))
    try:
        other = written(tree, "tensorflow", case.document["dtype"])
    except (KeyError, ValueError, TypeError, NotConstant, BadConstant):
        return None
    written_tree = ast.parse(other, mode="eval")
    if any(
        isinstance(node, (ast.Starred, ast.IfExp, ast.GeneratorExp, ast.ListComp)) for node in ast.walk(written_tree)
    ):
        return None  # what a row may write and a scenario may not
    if not {n.id for n in ast.walk(written_tree) if isinstance(n, ast.Name)} <= {
        "tf",
        "keras",
        "math",
        *gradient["at"],
    }:
        return None
    text = case.kind.split(": ", 1)[1]
    document = {**case.document, "gradient": {"torch": text, "tensorflow": other, **gradient}}
    return Case("opinfo", f"{case.kind} as a pair", document, case.truths, operations=case.operations, taken=case.taken)
