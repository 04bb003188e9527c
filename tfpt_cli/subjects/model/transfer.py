"""One model's weights from a file, written as a file of the other model, and read again."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tfpt_cli.explain.causes import Provenance, code_trees
from tfpt_cli.frameworks import TENSORFLOW, TORCH
from tfpt_cli.listing import Section, listing
from tfpt_cli.subjects.model.course import Course
from tfpt_cli.subjects.model.looking import Stopped, look
from tfpt_cli.subjects.model.spec import WeightFile
from tfpt_cli.subjects.model.stored import stored
from tfpt_cli.subjects.model.subject import WRITERS, ModelTask
from tfpt_cli.subjects.model.writer import Plan
from tfpt_cli.subjects.subject import Compared, Round, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.frameworks import Framework, Side, Sides
    from tfpt_cli.results import Comparison, Outcome, Quantity
    from tfpt_cli.subjects.model.inventory import Inventory
    from tfpt_cli.subjects.subject import Run, Terms

_OF_TORCH = {
    ".pt": "torch.save(model.state_dict(), {0!r})",
    ".pth": "torch.save(model.state_dict(), {0!r})",
    ".safetensors": "from safetensors.torch import save_file\n"
    "save_file({{name: tensor.contiguous() for name, tensor in model.state_dict().items()}}, {0!r})",
    ".npz": "np.savez({0!r}, **{{name: tensor.numpy() for name, tensor in model.state_dict().items()}})",
}
_ARRAYS = "{{weight.path: np.array(weight) for weight in model.weights}}"
_NETWORK = (
    "if not hasattr(model, 'save_weights'):\n"
    "    raise TypeError('a layer alone is not written so: take .npz, .safetensors or .ckpt')\n"
)
_OF_KERAS = {
    ".weights.h5": _NETWORK + "model.save_weights({0!r})",
    ".keras": _NETWORK + "model.save({0!r})",
    ".safetensors": f"from safetensors.numpy import save_file\nsave_file({_ARRAYS}, {{0!r}})",
    ".npz": f"np.savez({{0!r}}, **{_ARRAYS})",
    ".ckpt": "tf.train.Checkpoint(model=model).write({0!r})",
}
_ENDINGS: dict[str, dict[str, str]] = {TORCH: _OF_TORCH, TENSORFLOW: _OF_KERAS}


def writing(framework: Framework, path: str) -> str:
    """The lines that write the model of a framework into a file, by the ending of its name. Raises `ValueError` for another one.

    >>> from tfpt_cli.frameworks import FRAMEWORKS
    >>> writing(FRAMEWORKS["torch"], "net.pt")
    "torch.save(model.state_dict(), 'net.pt')"
    """
    endings = _ENDINGS[framework]
    ending = next((each for each in endings if path.endswith(each)), None)
    if ending is None:
        found = re.search(r"\.\w+$", path)
        said = f"'{found[0]}' is no ending of" if found else "without an ending it is not known which is meant of"
        raise ValueError(f"{said} {framework.label}'s files: {', '.join(endings)}")
    return endings[ending].format(path)


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

    def run(self, terms: Terms) -> Run:
        course = Course(self.spec, terms, {side: WRITERS[side.framework](self.spec) for side in terms.sides})
        compared = yield from course.only_begin()
        self.course[:] = [course]
        return compared


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
class _ModelTask(Task):
    """A task about one model that compares nothing; `said` is what went wrong."""

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


@dataclass(frozen=True)
class Writing(_ModelTask):
    """Writes the other side's model, with the numbers that were found for it, into a file."""

    converted: Converted | None = None
    path: str = ""

    def run(self, terms: Terms) -> Run:
        assert self.converted is not None
        course, side = self.converted.course, self.converted.target
        writer, numbers = course.writers[side], self.converted.numbers
        plan = Plan(self.converted.inventory, outputs={}, gradients={}, state={}, later={}, given=tuple(numbers))
        arrays = {f"weights/{name}": array for name, array in numbers.items()}
        # The names that Keras gives are counted from the start of this process, which has made other models before.
        counted = ["keras.utils.clear_session()"] if side.framework == TENSORFLOW else []
        sections = [
            Section("\n".join(counted), required=True),
            Section("\n".join(writer.prepared(plan, "float32")), required=True),
            Section(writing(side.framework, self.path), required=True),
        ]
        outcomes = yield Round({side: listing(side.framework, sections, arrays)})
        self.said.extend(failure.message for failure in outcomes[side].failures)
        del terms
        return Compared((), outcomes)


@dataclass(frozen=True)
class Reading(_ModelTask):
    """Reads a file that was written, and says where its numbers are not those that were to be in it."""

    converted: Converted | None = None
    path: str = ""

    def run(self, terms: Terms) -> Run:
        assert self.converted is not None
        spec = self.converted.course.spec
        writers = {side: WRITERS[side.framework](spec) for side in terms.sides}
        try:
            looked = yield from look(spec, writers)
            file = yield from stored(WeightFile(self.path, self.path), looked, writers)
        except Stopped as stop:
            self.said.extend(stop.words)
            return Compared((), stop.outcomes)
        wanted = {name: np.asarray(array, np.float32) for name, array in self.converted.numbers.items()}
        wrong = [name for name, array in wanted.items() if not np.array_equal(file.numbers.get(name), array)]
        if wrong:
            self.said.append(f"it was read again, and its numbers are not those that were written: {', '.join(wrong)}")
        return Compared((), {})
