"""One parameter of a layer: where each framework holds it, how its axes correspond, how each side fills it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TORCH
from tfpt_cli.results import PARAMETER, Quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.initializers import Fans, InitializerCall
    from tfpt_cli.layers.layout import Layout
# How often a structured parameter is drawn at least, by the size up to which its draws cost little.
_STRUCTURED = ((50_000, 40), (300_000, 10), (2_000_000, 2))


@dataclass(frozen=True)
class Initialization:
    """How one side fills a parameter.

    `initializer` is the row that it corresponds to as it is written, `at` what it comes to for given fans, None where no row
    knows it; `meant` are the fans to put in, `fans` what this framework counts for the tensor. `formula` is how a
    default is written. `write` gives the call as it is written, nothing for the layer's own default: listings alone
    need it, so that validating writes none.
    """

    initializer: InitializerCall | None = None
    at: Callable[[Fans | None], InitializerCall | None] | None = None
    meant: Fans | None = None
    fans: Fans | None = None
    formula: str = ""
    default: bool = False
    write: Callable[[], str] | None = None

    @cached_property
    def source(self) -> str:
        """The call as it is written, in PyTorch with `tensor` as its first argument; empty for the layer's default."""
        return self.write() if self.write is not None else ""

    @cached_property
    def base(self) -> InitializerCall | None:
        """The initializer without formulas that it comes to, with its numbers for the fans in `meant`.

        None where no row knows it, or where it needs fans that are not known.
        """
        return self.at(self.meant) if self.at is not None else None

    @property
    def random(self) -> bool | None:
        """Whether it draws random numbers; None where no row says."""
        return None if self.base is None else self.base.row.random

    @property
    def scaled(self) -> bool:
        """Whether what it draws depends on the fans."""
        return self.at is not None and self.fans is not None and self.at((4, 4)) != self.at((9, 9))

    @property
    def structure(self) -> str:
        """`orthogonal` or `sparse`, empty for anything else."""
        return "" if self.base is None else self.base.row.structure

    @property
    def text(self) -> str:
        """What it is as a person reads it, a formula together with the numbers that it comes to.

        >>> import ast
        >>> from tfpt_cli.layers.initializers import native_fill
        >>> call = native_fill(ast.parse("keras.initializers.GlorotUniform()", mode="eval").body, "tensorflow")
        >>> Initialization(initializer=call, at=call.base, meant=(8, 16)).text
        'glorot_uniform() = uniform(-0.5, 0.5)'
        """
        if self.base is None:
            return ""
        formula, numbers = self.formula or (self.initializer or self.base).text, self.base.text
        return numbers if formula == numbers else f"{formula} = {numbers}"


@dataclass(frozen=True)
class FilledParameter:
    """One parameter of the layer: the expression that holds it in each framework, its layout, how each side fills it.

    A side of `attribute` is None where the layer has no such parameter. `shape` is PyTorch's, None where no row knows
    it. `given` are PyTorch's statements that fill it, None where they are those of its initialization. `keras_initializer` is the
    Keras expression that holds its initializer, `reset` what draws PyTorch's default again. A framework in `rebuilt` can only
    draw it by building the layer again. `inside` is how the layer of a Sequential that holds it fills it, as far as a row
    knows that layer: it explains, and nothing is judged by it.
    """

    name: str
    attribute: Mapping[str, str | None]
    layout: Layout
    shape: Shape | None
    initialization: Mapping[str, Initialization]
    given: tuple[str, ...] | None = None
    keras_initializer: str = ""
    reset: str = ""
    rebuilt: frozenset[str] = frozenset()
    inside: Mapping[str, Initialization] = field(default_factory=dict)

    @property
    def quantity(self) -> Quantity:
        """The quantity under which the values of this parameter are reported."""
        return Quantity(kind=PARAMETER, output=self.name)

    @property
    def statements(self) -> tuple[str, ...]:
        """PyTorch's statements that fill it, none for a default; of a sum of two tensors, the second is set to zero."""
        if self.given is not None:
            return self.given
        source = self.initialization[TORCH].source
        target, *added = (self.attribute[TORCH] or "").split(" + ")
        zeros = (f"nn.init.zeros_({other})" for other in added)
        return (source.replace("(tensor", f"({target}", 1), *zeros) if source else ()

    def built_again(self, framework: str) -> bool:
        """Whether the layer must be built again to draw this parameter anew, because nothing draws it by itself."""
        there = self.attribute[framework] is not None
        return there and framework in self.rebuilt and self.initialization[framework].random is not False

    def draws(self, framework: str, samples: int) -> int:
        """How often it is drawn by itself for a distribution test.

        0 where nothing is random, where the tensor itself is enough, and where only the whole layer can be built again.

        Where no row says whether it is random, at least twice, to see; a structured one often enough to see that its
        draws do not repeat.
        """
        initialization = self.initialization[framework]
        if self.attribute[framework] is None or initialization.random is False or self.shape is None:
            return 0
        if self.built_again(framework):
            return 0
        size = max(math.prod(self.shape), 1)
        needed = math.ceil(samples / size)
        if initialization.structure:
            needed = max(needed, *(count for most, count in _STRUCTURED if size <= most), 1)
        return max(needed, 2) if initialization.random is None else (needed if needed > 1 else 0)
