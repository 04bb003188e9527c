"""What is compared: quantities, and the ways in which a framework computes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

# The kinds of quantities that are no derivative.
VALUE, PARAMETER = "value", "parameter"
# Of a model: a running statistic after a call, what a layer gives, and what a listing says of how it is made.
STATE, LAYER, INVENTORY = "state", "layer", "inventory"
# Of a model that drops at random: the rates at which it does, and how a layer of it draws.
RATES, DROPPED = "rates", "dropped"
_NAMED = (VALUE, PARAMETER, STATE, LAYER, INVENTORY, RATES, DROPPED)
# The derivatives that a scenario can ask for; from d3 on of that order, by one input.
DERIVATIVES = ("gradient", "jacobian", "hessian", "jvp", "vjp", "hvp", "d3", "d4", "d5", "d6")
# Those of the second order or above, as far as their names do not say which order they are of.
_SECOND = {"hessian", "hvp"}


@dataclass(frozen=True, eq=False, repr=False)
class Quantity(str):
    """One named array: what it is, of which output, by which inputs, of which order. Its text is its name.

    `kind` is `value`, `parameter`, or the derivative: `gradient`, `jacobian`, `hessian`, `jvp`, `vjp`, `hvp`, `derivative` (of
    an `order` from 3 on by one input); of a model also what the other constants here are. `by` are the inputs that it is taken
    by. `layer` is the layer of a network that it is of, `step` the step of a training at which it stands; empty and 0 where there
    is none.

    >>> str(Quantity(kind="gradient", output="loss", by=("w",)))
    'dloss/dw'
    >>> str(Quantity(kind="hessian", by=("x", "w")))
    'd2/dxdw'
    >>> str(Quantity(kind=DROPPED, layer="block.drop"))
    'dropped by block.drop'
    """

    kind: str
    output: str = ""
    by: tuple[str, ...] = ()
    order: int = 0
    step: int = 0
    layer: str = ""

    def __new__(
        cls, kind: str, output: str = "", by: tuple[str, ...] = (), order: int = 0, step: int = 0, layer: str = ""
    ) -> Quantity:
        """The text of a quantity is its name."""
        del step  # which those who make a quantity of a later step write into its output
        return super().__new__(cls, _name(kind, output, by, order, layer))

    def __getnewargs__(self) -> tuple[Any, ...]:
        """The arguments with which `copy` and `pickle` make a copy of it; a class derived from `str` has to name them."""
        return self.kind, self.output, self.by, self.order, self.step, self.layer

    @property
    def derivative(self) -> bool:
        """Whether the quantity is a derivative, and nothing that stands there by itself."""
        return self.kind not in _NAMED

    @property
    def second(self) -> bool:
        """Whether the quantity is a derivative of the second order or above."""
        return self.kind in _SECOND or self.order > 1


def _name(kind: str, output: str, by: tuple[str, ...], order: int, layer: str) -> str:
    if kind == RATES:
        return "dropout rates"
    if kind == DROPPED:
        return f"dropped by {layer or 'the layer'}"
    if kind in _NAMED:
        return output or VALUE
    if kind == "jvp":  # along a direction of all inputs
        return f"jvp {output}".strip()
    if kind == "derivative":
        return f"d{order}{output}/d{by[0]}{order}"
    if kind == "hessian":
        first, second = by
        return f"d2{output}/d{first}2" if first == second else f"d2{output}/d{first}d{second}"
    prefix = "" if kind == "gradient" else f"{kind} "
    return f"{prefix}d{output}/d{by[0]}"


@dataclass(frozen=True, eq=False, repr=False)
class Way(str):
    """How a framework computed a quantity: by which of its functions, and in which mode where that is not the usual one.

    >>> str(Way(method="autograd.grad", mode="compile"))
    'autograd.grad, compile'
    """

    method: str = ""
    mode: str = ""

    def __new__(cls, method: str = "", mode: str = "") -> Self:
        """The text of a way is what a person reads of it."""
        return super().__new__(cls, ", ".join(filter(None, (method, mode))))

    def __getnewargs__(self) -> tuple[Any, ...]:
        """The arguments with which `copy` and `pickle` make a copy of it."""
        return self.method, self.mode


# Of what has only one way: it stands there when the listing has run.
PLAIN = Way()
