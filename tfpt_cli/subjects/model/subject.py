"""The subject `model`: what a task asks of both sides, round by round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfpt_cli.explain.causes import Provenance, code_trees
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.results import DROPPED, PARAMETER, RATES, STATE, VALUE, Quantity
from tfpt_cli.subjects.model.fields import NEEDED, SCHEMA, WITHOUT_DTYPES, read
from tfpt_cli.subjects.model.spec import BOTH, NAME, output_quantity
from tfpt_cli.subjects.model.templates import EXAMPLE, TEMPLATES
from tfpt_cli.subjects.model.tensorflow import TensorFlowModelWriter
from tfpt_cli.subjects.model.torch import TorchModelWriter
from tfpt_cli.subjects.subject import Subject, Task, headline_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.listing import Listing
    from tfpt_cli.results import Comparison, Outcome
    from tfpt_cli.subjects.model.course import Course
    from tfpt_cli.subjects.model.spec import Model
    from tfpt_cli.subjects.model.writer import ModelWriter
    from tfpt_cli.subjects.subject import Run, Terms

WRITERS: dict[str, type[ModelWriter]] = {
    writer.framework: writer for writer in (TorchModelWriter, TensorFlowModelWriter)
}


class ModelSubject(Subject):
    """The subject `model`: it reads the fields of a model scenario."""

    name = NAME
    schema = SCHEMA
    needed = NEEDED
    essential = frozenset({"of", "at", *FRAMEWORKS})
    without_dtypes = WITHOUT_DTYPES
    example = EXAMPLE
    templates = TEMPLATES
    comparer = "tfpt_cli.subjects.model.course"

    def read(self, reader: Reader, dtype: str, seed: int) -> ModelTask | None:
        spec = read(reader, dtype, seed)
        return None if spec is None else ModelTask(spec)


@dataclass(frozen=True)
class ModelTask(Task):
    """One pair of models: looked at, given the same weights, run, and where they part run layer by layer.

    `course` holds what the rounds have found out; it is empty until the task has run.
    """

    open_ended = True

    spec: Model
    course: list[Course] = field(default_factory=list, compare=False)

    def headline(self, sides: Sides) -> str:
        written = headline_of(self.spec.written, sides)
        mode = ", in training" if self.spec.training else ""
        return f"{written}{'   ' if BOTH in self.spec.written else chr(10)}at {self.spec.at}{mode}"

    def quantities(self) -> list[Quantity]:
        return list(self.course[0].quantities) if self.course else [output_quantity("")]

    def run(self, terms: Terms) -> Run:
        from tfpt_cli.subjects.model.course import Course  # not above: validating needs no NumPy
        from tfpt_cli.subjects.model.looking import OnlyInSingle

        writers = {side: WRITERS[side.framework](self.spec) for side in terms.sides}
        course = Course(self.spec, terms, writers)
        try:
            compared = yield from self.rounds(course)
        except OnlyInSingle as only:
            course = Course(self.spec, terms, writers, ("float32",))
            course.notes += only.notes
            compared = yield from self.rounds(course)
        self.course[:] = [course]
        return compared

    def rounds(self, course: Course) -> Run:
        """What of the course is run."""
        return course.run()

    def ran(self) -> Mapping[Side, Listing]:
        return self.course[0].listings if self.course else {}

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """How many outputs, gradients and statistics of how many layers were compared."""
        return self.course[0].covered(comparisons) if self.course else ""

    def provenance(self, quantity: Quantity) -> Provenance:
        """The layer at which the models begin to part, as each framework calls it; of a statistic the one that keeps it."""
        kind = VALUE if quantity.kind == VALUE else "derivative"
        if quantity.kind in (STATE, PARAMETER, RATES, DROPPED):
            kind = str(quantity)
        code = self.course[0].code_of(quantity) if self.course else None
        sources, shapes = (code.sources, code.shapes) if code is not None else ({}, {})
        return Provenance(
            code=code_trees({f: sources.get(f, ()) for f in FRAMEWORKS}),
            kind=kind,
            shapes=dict(shapes),
            # Where the channels are said to stand last in Keras, layers that take them there are right.
            ruled_out=frozenset({"layout-channel-axis"} if self.spec.channels else ()),
        )

    def notes(self, outcomes: Mapping[Side, Outcome]) -> tuple[str, ...]:
        """What is to be known of how both were run."""
        del outcomes
        return (*self.spec.about, *(self.course[0].notes if self.course else ()))


MODEL = ModelSubject()
