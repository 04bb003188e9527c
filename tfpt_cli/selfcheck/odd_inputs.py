"""Scenarios of every operation at inputs that nobody thinks of: tfpt must not fail over any of them.

What the frameworks answer there is their affair; `tfpt selfcheck --odd` fails only for a mistake of tfpt's own (in reading,
listing, comparing, arbitrating or explaining) and for a framework's process that breaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.selfcheck.probes import Probe, fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.dictionary.points import Case
    from tfpt_cli.dictionary.records import Operation

# By 65 numbers the reference no longer takes every slope; 1,000 are more than any report shows.
SIZES = (0, 1, 64, 65, 1000)
# In place of every number. The subnormal ones are those of float16, float32 and float64.
NUMBERS = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": -float("inf"),
    "zero": 0.0,
    "minus zero": -0.0,
    "huge": 1e308,
    "subnormal": 1e-310,
    "subnormal in float32": 1e-40,
    "subnormal in float16": 1e-6,
}
# The orders from 3 on take long, and many operations have none.
KINDS = ["hessian", "gradient", "jacobian", "vjp", "jvp", "hvp"]
# Every mode but torch.compile, which takes seconds.
MODES = {f.key: [mode for mode in f.modes if mode != "compile"] for f in FRAMEWORKS.values()}


def odd_probes(names: set[str] | None = None, dtypes: set[str] | None = None) -> Iterator[Probe]:
    """Each operation (of those named, if any are) in each dtype of its row: odd sizes, odd numbers, all derivatives and modes."""
    for row in dictionary().operations.values():
        for dtype in row.dtypes if not names or row.name in names else ():
            if not dtypes or dtype in dtypes:
                case = next(c for c in row.cases if fits(c, dtype))
                for words, inputs, fields in _variants(row, case):
                    yield Probe(
                        operation=row, dtype=dtype, words=words, call=case.call, inputs=inputs, fields=fields, tag="odd"
                    )


def _variants(row: Operation, case: Case) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Odd variants of a case: the oddity in words, the inputs, and further fields of the scenario."""
    for words, number in NUMBERS.items():
        yield f"all {words}", {name: _filled(value, number) for name, value in case.inputs.items()}, {}
    everything: dict[str, Any] = {"modes": MODES}
    if all(_is_row(value) for value in case.inputs.values()):
        for size in SIZES:
            sized = {name: (value * size)[:size] or "zeros((0,))" for name, value in case.inputs.items()}
            yield f"{size} numbers", sized, {}
        yield "a number", {name: value[0] for name, value in case.inputs.items()}, {}
    if row.differentiable:
        smooth = {name: value for name, value in case.inputs.items() if not _whole(value)}
        everything |= {"derivatives": KINDS, "tangent": smooth}
        if row.elementwise:
            everything["cotangent"] = next(iter(case.inputs.values()))
        else:  # the shape of its result is not known here
            everything["derivatives"] = [kind for kind in KINDS if kind != "vjp"]
        yield "all derivatives", case.inputs, {key: value for key, value in everything.items() if key != "modes"}
    yield "all modes", case.inputs, everything


def _is_row(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and not any(isinstance(item, list) for item in value)


def _whole(value: Any) -> bool:
    """Whether a value holds no number with a point in it, as indices and masks do not."""
    return all(map(_whole, value)) if isinstance(value, list) else isinstance(value, int)


def _filled(value: Any, number: float) -> Any:
    """The value with every number in it replaced; whole numbers and truth values are left, which are indices and masks."""
    if isinstance(value, list):
        return [_filled(item, number) for item in value]
    return number if isinstance(value, float) else value
