"""One model's weights from a file, written as a file of the other model, and read again."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.explain.causes import Provenance, code_trees
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.listing import Leaf, Section, listing
from tfpt_cli.results import INVENTORY, PLAIN, Quantity, State
from tfpt_cli.subjects.model.subject import ModelTask
from tfpt_cli.subjects.model.writer import Plan
from tfpt_cli.subjects.subject import Compared, Round, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.frameworks import Framework, Side, Sides
    from tfpt_cli.results import Comparison, Outcome
    from tfpt_cli.subjects.model.course import Course
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.model.spec import WeightFile
    from tfpt_cli.subjects.subject import Run, Terms


@dataclass(frozen=True)
class _Format:
    """The lines that write a model into the file `{0!r}`, and those that read it into the model again.

    Of a model of Keras `variables` are there by name.
    """

    write: str
    read: str


_PICKLED = _Format("torch.save(model.state_dict(), {0!r})", "model.load_state_dict(torch.load({0!r}, mmap=True))")
_OF_TORCH = {
    ".pt": _PICKLED,
    ".pth": _PICKLED,
    ".safetensors": _Format(
        "from safetensors.torch import save_file\n"
        "save_file({{name: tensor.contiguous() for name, tensor in model.state_dict().items()}}, {0!r})",
        "from safetensors.torch import load_file\nmodel.load_state_dict(load_file({0!r}))",
    ),
    ".npz": _Format(
        "np.savez({0!r}, **{{name: tensor.numpy() for name, tensor in model.state_dict().items()}})",
        "model.load_state_dict({{name: torch.tensor(array) for name, array in np.load({0!r}).items()}})",
    ),
}
_NETWORK = (
    "if not hasattr(model, 'save_weights'):\n"
    "    raise TypeError('a layer alone is not written so: take .npz, .safetensors or .ckpt')\n"
)
_ARRAYS = "{{name: np.array(variable) for name, variable in variables.items()}}"
_ASSIGNED = "\nfor name, variable in variables.items():\n    variable.assign(held[name])"
_OF_KERAS = {
    ".weights.h5": _Format(_NETWORK + "model.save_weights({0!r})", "model.load_weights({0!r})"),
    ".keras": _Format(_NETWORK + "model.save({0!r})", "model.load_weights({0!r})"),
    ".safetensors": _Format(
        f"from safetensors.numpy import save_file\nsave_file({_ARRAYS}, {{0!r}})",
        "from safetensors.numpy import load_file\nheld = load_file({0!r})" + _ASSIGNED,
    ),
    ".npz": _Format(f"np.savez({{0!r}}, **{_ARRAYS})", "held = np.load({0!r})" + _ASSIGNED),
    ".ckpt": _Format(
        "tf.train.Checkpoint(model=model).write({0!r})",
        "tf.train.Checkpoint(model=model).read({0!r}).assert_existing_objects_matched()",
    ),
}
_ENDINGS: dict[str, dict[str, _Format]] = {TORCH: _OF_TORCH, TENSORFLOW: _OF_KERAS}


def format_of(framework: Framework, path: str) -> _Format:
    """How the model of a framework is written into a file, by the ending of its name. Raises `ValueError` for another one.

    >>> from tfpt_cli.frameworks import FRAMEWORKS
    >>> format_of(FRAMEWORKS["torch"], "net.pt").write
    'torch.save(model.state_dict(), {0!r})'
    """
    endings = _ENDINGS[framework]
    ending = next((each for each in endings if path.endswith(each)), None)
    if ending is None:
        raise _no_ending(path, [framework])
    return endings[ending]


def check_ending(source: str, output: str) -> None:
    """Raises `ValueError` where no model that may take the weights of the file `source` is written under such a name.

    Whose weights a file has is known when its names are read; an ending that one framework alone has says so before.

    >>> check_ending("net.pt", "net.pth")
    Traceback (most recent call last):
    ValueError: '.pth' is no ending of TensorFlow's files: .weights.h5, .keras, .safetensors, .npz, .ckpt
    >>> check_ending("net.npz", "net.pth")
    """
    targets = [
        framework
        for framework, other in ((TORCH, TENSORFLOW), (TENSORFLOW, TORCH))
        if not source.endswith(tuple(_ENDINGS[framework].keys() - _ENDINGS[other].keys()))
    ]
    if not any(output.endswith(tuple(_ENDINGS[framework])) for framework in targets):
        raise _no_ending(output, targets)


def _no_ending(path: str, frameworks: Sequence[str]) -> ValueError:
    """What is wrong with a name that is none of the files of some frameworks."""
    found = re.search(r"\.\w+$", path)
    said = f"'{found[0]}' is no ending of" if found else "without an ending it is not known which is meant of"
    files = (f"{FRAMEWORKS[each].label}'s files: {', '.join(_ENDINGS[each])}" for each in frameworks)
    return ValueError(f"{said} {', or of '.join(files)}")


@dataclass(frozen=True)
class Converted:
    """What a task of two models with the weights of a file has found: the course of it, the file's side, and the other one."""

    course: Course
    source: Side
    target: Side

    @property
    def numbers(self) -> Mapping[str, Any]:
        """The numbers of the other side's model, by path, in the order in which it has them."""
        held = self.course.numbers
        assert held is not None
        arrays = held.torch if self.target is self.course.first else held.keras
        return {t.name: arrays[t.name] for t in self.inventory.tensors if t.name in arrays}

    @property
    def inventory(self) -> Inventory:
        """What the other side's model is made of."""
        return self.course.inventories[self.target]

    @property
    def kept(self) -> list[str]:
        """The parameters of the other side's model that the file has no numbers for, so that they stay as it starts with them."""
        return [tensor.name for tensor in self.course.pairing.left.get(self.target.framework, ())]


@dataclass(frozen=True)
class Unchecked(ModelTask):
    """A task that ends once both models have their numbers: neither is run with them, forward or backward."""

    def rounds(self, course: Course) -> Run:
        return course.only_begin()


def with_weights(task: ModelTask, file: WeightFile, *, checked: bool = True) -> ModelTask:
    """The task with the weights of a file; unless it is to be `checked`, one that only finds which numbers go where."""
    spec = replace(task.spec, start=file)
    return ModelTask(spec) if checked else Unchecked(spec)


def converted(task: ModelTask) -> Converted | None:
    """What a task with a file's weights has found; None where it did not come so far, or the numbers do not fit."""
    course = task.course[0] if task.course else None
    if course is None or course.source is None or course.numbers is None or course.numbers.unfit:
        return None
    other = next(side for side in course.terms.sides if side is not course.source)
    return Converted(course, course.source, other)


@dataclass(frozen=True)
class Writing(Task):
    """Writes the other side's model, with the numbers that were found for it, into a file, and reads that into it again.

    What was read is held against the numbers where they are: in the process that wrote it. Nothing is compared; `said` is what
    went wrong.
    """

    converted: Converted
    path: str
    said: list[str] = field(default_factory=list, compare=False)

    def headline(self, sides: Sides) -> str:
        del sides
        return ""

    def quantities(self) -> list[Quantity]:
        return []

    def provenance(self, quantity: Quantity) -> Provenance:
        del quantity
        return Provenance(code=code_trees({}), kind="", shapes={})

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        del comparisons
        return ""

    def notes(self, outcomes: Mapping[Side, Outcome]) -> tuple[str, ...]:
        del outcomes
        return ()

    def run(self, terms: Terms) -> Run:
        course, side = self.converted.course, self.converted.target
        writer, numbers, inventory = course.writers[side], self.converted.numbers, self.converted.inventory
        plan = Plan(inventory, outputs={}, gradients={}, state={}, later={}, given=tuple(numbers))
        arrays = {f"weights/{name}": array for name, array in numbers.items()}
        lines, made = format_of(side.framework, self.path), writer.prepared(plan, "float32")
        if side.framework == TENSORFLOW:
            # The names that Keras gives are counted from the start of this process, which has made other models before.
            counted = ["import tf_keras", "tf_keras.backend.clear_session()"] if inventory.legacy else []
            held = f"model.{'weights' if inventory.layers else 'variables'}"
            made = ["keras.utils.clear_session()", *counted, *made, *_variables(inventory, held)]
            places = {name: inventory.tensor[name].index for name in numbers}
            own = f"{{name: {held}[place] for name, place in {places}.items()}}"
            zero, array = "own[name].assign(tf.zeros_like(own[name]))", "np.array(own[name])"
        else:
            own, zero, array = "model.state_dict()", "own[name].zero_()", "own[name].numpy()"
        sections = [
            Section("\n".join(made), required=True),
            Section(lines.write.format(self.path), (Leaf(_WRITTEN, PLAIN, "np.ones(1)"),), required=True),
            Section(f"own = {own}\nfor name in weights:\n    {zero}\n{lines.read.format(self.path)}", required=True),
            Section(_COMPARED.format(own=own, array=array), (Leaf(_WRONG, PLAIN, "traces.sent({'names': wrong})"),)),
        ]
        outcomes = yield Round({side: listing(side.framework, sections, arrays)})
        written, wrong = (outcomes[side].values[quantity, PLAIN] for quantity in (_WRITTEN, _WRONG))
        reading = "it cannot be read again: " if written.state is State.PRESENT else ""
        self.said.extend(reading + failure.message for failure in outcomes[side].failures)
        if wrong.state is State.PRESENT and (names := json.loads(bytes(wrong.array))["names"]):
            self.said.append(f"it was read again, and its numbers are not those that were written: {', '.join(names)}")
        del terms
        return Compared((), outcomes)


_WRITTEN, _WRONG = Quantity(kind=INVENTORY, output="written"), Quantity(kind=INVENTORY, output="wrong")
_COMPARED = """\
import tiles, traces
own = {own}
wrong = [name for name in weights if not tiles.same({array}, weights[name])]"""


def _variables(inventory: Inventory, held: str) -> list[str]:
    """The lines that give the variables of a model of Keras by their names, or by their paths where a name is there twice."""
    return [
        f"names = [getattr(variable, 'path', variable.name) for variable in {held}]",
        "if len(set(names)) < len(names):",
        f"    names = {[tensor.name for tensor in inventory.tensors]}",
        f"variables = dict(zip(names, {held}))",
    ]
