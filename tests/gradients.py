"""What tests of the comparison of a gradient share: outcomes that are made by hand, and what is compared of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tests.sides import TENSORFLOW, TORCH
from tests.tasks import gradient_of
from tfpt_cli.documents.document import documents
from tfpt_cli.frameworks import REFERENCE, SIDES
from tfpt_cli.results import PLAIN, VALUE, Failure, Outcome, Quantity, State, Symptom, Value
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.subjects.gradient.comparer import Comparer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Comparison, Tolerance
    from tfpt_cli.subjects.gradient.spec import Gradient

# The fields of a scenario: the product of two inputs.
PRODUCT = "{of: x * w, at: {x: [1.0], w: [2.0]}}"
OUTPUT = Quantity(kind=VALUE)
BY_X, BY_W = (Quantity(kind="gradient", by=(name,)) for name in "xw")
NONE = Value(State.DISCONNECTED)
FAILED = Value(State.FAILED, failure=Failure(TORCH, Symptom.EXCEPTION, "no"))


@cache
def scenario(fields: str = PRODUCT, dtype: str = "float32") -> Gradient:
    """What is asked for by the fields of a gradient scenario."""
    (document,), _ = documents("x.yaml", f"name: n\ndtype: {dtype}\ngradient: {fields}\n")
    (found,), _ = read_document(document, allow_code=True)
    return gradient_of(found)


def outcome(side: Side, values: Mapping[Any, Value]) -> Outcome:
    """What a side left, by quantity, or by quantity and way."""
    return Outcome(side, {key if isinstance(key, tuple) else (key, PLAIN): held for key, held in values.items()})


def gradients(
    one: Mapping[Any, Value],
    other: Mapping[Any, Value],
    *,
    reference: Mapping[Any, Value] | None = None,
    again: tuple[Mapping[Any, Value], Mapping[Any, Value]] | None = None,
    of_reference_again: Mapping[Any, Value] | None = None,
    tolerance: Tolerance | None = None,
    dtype: str = "float32",
    fields: str = PRODUCT,
) -> list[Comparison]:
    """The comparisons of a gradient scenario of which this was left, in the second round (`again`) too where it is given."""
    outcomes = {TORCH: outcome(TORCH, one), TENSORFLOW: outcome(TENSORFLOW, other)}
    if reference is not None:
        outcomes[REFERENCE] = outcome(REFERENCE, reference)
    later = {} if again is None else {side: outcome(side, found) for side, found in zip(SIDES, again, strict=True)}
    if of_reference_again is not None:
        later[REFERENCE] = outcome(REFERENCE, of_reference_again)
    return Comparer(scenario(fields, dtype), SIDES, outcomes, tolerance, later).comparisons()
