"""A checked model scenario: what its listings and its comparison need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli.results import LAYER, PARAMETER, STATE, VALUE, Quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.language.shapes import Shape
    from tfpt_cli.layers.layout import Layout

NAME = "model"
OUTPUT = "output"
# The key of what both sides have in one spelling, among what each has in its own.
BOTH = ""
# What of two models is compared.
FORWARD, BACKWARD = "forward", "backward"
PARTS = (FORWARD, BACKWARD, STATE)
# What `layout: channels` stands for, by the number of axes.
CHANNELS = {3: "n c w -> n w c", 4: "n c h w -> n h w c", 5: "n c d h w -> n d h w c"}


@dataclass(frozen=True)
class ModelSource:
    """How a side makes its model: the expression, and the file of a person's own that it is called from."""

    expression: str
    file: str = ""


@dataclass(frozen=True)
class WeightFile:
    """A file of weights: its full path, and the path as a scenario names it."""

    path: str
    shown: str


@dataclass(frozen=True)
class Model:
    """A checked model scenario: everything that its listings need.

    `layouts` are einops patterns from PyTorch's axes to Keras's by an input, an output or a parameter of PyTorch; `channels` says
    that whatever else has 3 to 5 axes has its channels first in PyTorch and last in Keras. `pair` has Keras's name by PyTorch's,
    None for one without a counterpart. `start` is `drawn`, the framework whose own weights both sides start with, or a file.
    `call`, `outputs` and `loss` are what a side calls, compares and differentiates, where the scenario says it; `cotangent` is
    what the outputs are weighted by, by their names. `compared` are the parts that are compared. `written` is the model as a
    person wrote it, by framework. What both sides have in one spelling stands under the key `BOTH`.
    """

    sources: Mapping[str, ModelSource]
    inputs: Mapping[str, Values]
    dtypes: Mapping[str, str]
    layouts: Mapping[str, Layout]
    channels: bool
    pair: Mapping[str, str | None]
    start: str | WeightFile
    training: bool
    call: Mapping[str, str]
    outputs: Mapping[str, str]
    modes: Mapping[str, tuple[str, ...]]
    written: Mapping[str, str]
    at: str
    dtype: str
    seed: int
    about: tuple[str, ...] = field(default=())
    loss: Mapping[str, str] = field(default_factory=dict)
    cotangent: Mapping[str, Values] = field(default_factory=dict)
    compared: tuple[str, ...] = PARTS

    @property
    def turned(self) -> bool:
        """Whether anything has its axes in another order on each side."""
        return self.channels or bool(self.layouts)

    @property
    def fed(self) -> list[str]:
        """The inputs that the models are called on: those of the loss alone are not among them."""
        return fed(self.inputs, self.loss.values(), self.call.values())

    @property
    def smooth(self) -> list[str]:
        """The inputs that have a derivative."""
        return [name for name in self.fed if "float" in self.dtypes[name]]

    def layout(self, name: str, shape: Shape) -> Layout:
        """How the axes of an input or an output map, by its name and its shape in PyTorch."""
        from tfpt_cli.layers.layout import Layout

        if name in self.layouts:
            return self.layouts[name]
        return Layout(CHANNELS.get(len(shape), "")) if self.channels else Layout()


def fed(inputs: Iterable[str], losses: Iterable[str], calls: Iterable[str] = ()) -> list[str]:
    """The inputs that a model is called on: all but those that every loss names and no call of the model does.

    Where the loss names all of them, as that of an autoencoder does, all are.

    >>> fed(["x", "y"], ["mean((output - y) ** 2)"]), fed(["x"], ["mean((output - x) ** 2)"])
    (['x'], ['x'])
    """
    named = [set(re.findall(r"\w+", text)) for text in losses]
    called = {word for text in calls for word in re.findall(r"\w+", text)}
    there = list(inputs)
    found = [name for name in there if name in called or not named or not all(name in words for words in named)]
    return found or there


def output_name(text: str) -> str:
    """An output by its name, which may be written as it is had from the result.

    >>> output_name("output[1].hidden"), output_name("['logits']"), output_name("output")
    ('1.hidden', 'logits', '')
    """
    name = re.sub(r"\[\s*['\"]?(\w+)['\"]?\s*\]", r".\1", text.strip())
    return name.removeprefix(OUTPUT).lstrip(".") if name == OUTPUT or name.startswith((f"{OUTPUT}.", ".")) else name


def output_quantity(name: str) -> Quantity:
    """An output by its name among several (`0.hidden`), empty for a single one."""
    return Quantity(kind=VALUE, output=f"{OUTPUT}.{name}" if name else OUTPUT)


LOSS = Quantity(kind=VALUE, output="loss")


def later_quantity(name: str, when: str) -> Quantity:
    """An output of a later call, such as that in evaluation after a step of training."""
    return Quantity(kind=VALUE, output=f"{OUTPUT}.{name} {when}" if name else f"{OUTPUT} {when}", step=1)


def gradient_quantity(name: str) -> Quantity:
    """The gradient by an input or a parameter."""
    return Quantity(kind="gradient", by=(name,))


def state_quantity(name: str) -> Quantity:
    """A running statistic after the call."""
    return Quantity(kind=STATE, output=name, step=1)


def layer_quantity(name: str) -> Quantity:
    """What a layer gives."""
    return Quantity(kind=LAYER, output=name, layer=name)


def parameter_quantity(name: str) -> Quantity:
    """A parameter itself: whether both sides have it, in one shape."""
    return Quantity(kind=PARAMETER, output=name)
