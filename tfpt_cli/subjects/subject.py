"""What a subject is: how its fields are read, and what is done with what they say."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tfpt_cli.results import Relation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.dictionary.differences import Fix
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.explain.causes import Provenance
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.listing import Listing
    from tfpt_cli.results import Comparison, LayerLine, Outcome, PairLine, Quantity, Tolerance


Interval = tuple[float, float]


@dataclass(frozen=True)
class Terms:
    """On what terms a task is run: the two sides, whether the reference is asked too, what is close, what is expected.

    `expect` is the scenario's own: a word for all quantities, or one by quantity (see `results.expected_of`).
    """

    sides: Sides
    reference: bool = True
    tolerance: Tolerance | None = None
    expect: Any = Relation.AGREE


@dataclass(frozen=True)
class Round:
    """Listings of one task that run together, by side; `comparisons` is what is known before they have run.

    A round without listings only says what is known: should tfpt fail after it, that is not lost. The task goes on at once,
    and is sent nothing.

    `ahead` are the listings of a later round that the task will ask for, or most likely: the processes run them while they would
    wait for each other, or for the task. They are asked for in a round that has the same object as its listings.
    """

    listings: Mapping[Side, Listing]
    comparisons: tuple[Comparison, ...] = ()
    ahead: Mapping[Side, Listing] | None = None


@dataclass(frozen=True)
class Compared:
    """The result of a task: its comparisons, and the outcomes by side, whose failures are those of the scenario.

    A side that was never asked may be missing. `layers` and `pairs` are those of two models.
    """

    comparisons: tuple[Comparison, ...]
    outcomes: Mapping[Side, Outcome]
    layers: tuple[LayerLine, ...] = ()
    pairs: tuple[PairLine, ...] = ()


# What a task does: it yields rounds, is sent their outcomes by side, and returns what it came to.
Run = Generator[Round, "Mapping[Side, Outcome]", Compared]


@dataclass(frozen=True)
class CurvePlan:
    """The values of an input over an interval: all `at` once in one scenario, or each in a scenario of its own.

    `fields` are those of the scenarios, `by` is the input.
    """

    fields: tuple[dict[str, Any], ...]
    by: str
    at: tuple[float, ...]


class Task(ABC):
    """One case of a subject, checked: all that is known of it before anything has run."""

    # Whether only a run tells what it compares, and by which listings, such as the parameters of a model.
    open_ended: ClassVar[bool] = False

    @abstractmethod
    def headline(self, sides: Sides) -> str:
        """The lines that the report shows above the table: what each side runs."""

    @abstractmethod
    def quantities(self) -> list[Quantity]:
        """Everything that is compared, in the order of the table."""

    @abstractmethod
    def run(self, terms: Terms) -> Run:
        """Yields the listings of a round, is sent their outcomes by side, and so on; returns the comparisons."""

    @abstractmethod
    def provenance(self, quantity: Quantity) -> Provenance:
        """The code and the defaults that a quantity was made by, for the known differences to be found."""

    @abstractmethod
    def covered(self, comparisons: Sequence[Comparison]) -> str:
        """What the comparisons cover, and what they do not, in words that stand behind "both sides agree in"."""

    @abstractmethod
    def notes(self, outcomes: Mapping[Side, Outcome]) -> tuple[str, ...]:
        """Sentences that the report says of a run besides its comparisons."""

    def ran(self) -> Mapping[Side, Listing]:
        """The listings that its numbers come from, where a run alone tells them; nothing before it, and of other tasks."""
        return {}

    def with_fix(self, fields: dict[str, Any], fix: Fix) -> dict[str, Any] | None:
        """The subject's fields with the recipe of a known difference in them; None where it does not apply."""
        del fields, fix
        return None

    def weighed(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        """The subject's fields so that they test something, where as they are they compare what is always the same; else None."""
        del fields
        return None

    def curve(self, fields: Mapping[str, Any], interval: Interval | None = None) -> CurvePlan | None:
        """The plan that gives its quantities over an interval, all points at once; None where that cannot be."""
        del fields, interval
        return None

    def curve_by_points(self, fields: Mapping[str, Any], interval: Interval | None = None) -> CurvePlan:
        """The plan that gives its quantities over an interval point by point.

        Raises `ValueError` with the reason where nothing can be drawn.
        """
        del fields, interval
        raise ValueError("--plot draws expressions; the histograms of an initialization are in its table")


class Subject(ABC):
    """A subject that a scenario can be about, such as a gradient or an initialization; `SUBJECTS` holds them all."""

    # Its key in a scenario.
    name: ClassVar[str]
    # The JSON Schema of its fields, and what the published schema says besides: which keys go together.
    schema: ClassVar[dict[str, Any]]
    needed: ClassVar[dict[str, Any]]
    # Where one of these fields has a wrong structure nothing more of the scenario can be read.
    essential: ClassVar[frozenset[str]] = frozenset()
    # A dtype that matches this pattern it does not have.
    without_dtypes: ClassVar[str] = ""
    # A complete scenario, for the published schema, and commented ones to start from, by what `tfpt new` calls them.
    example: ClassVar[dict[str, Any]]
    templates: ClassVar[Mapping[str, str]] = {}
    # The module that compares: it is imported while the frameworks start, since that takes its time.
    comparer: ClassVar[str] = ""

    @abstractmethod
    def read(self, reader: Reader, dtype: str, seed: int) -> Task | None:
        """The task that the fields of one case say, or None after complaining to the reader about every problem in them."""


def headline_of(written: Mapping[str, str], sides: Sides) -> str:
    """The headline of a scenario: a line for each side with what it runs.

    `written` holds that by framework, or under an empty key what both run. For two versions of one framework it is the line of
    that framework alone.

    >>> from tfpt_cli.frameworks import SIDES
    >>> headline_of({"": "tanh(x)"}, SIDES)
    'tanh(x)'
    >>> print(headline_of({"torch": "torch.tanh(x)", "tensorflow": "tf.tanh(x)"}, SIDES))
    PyTorch     torch.tanh(x)
    TensorFlow  tf.tanh(x)
    """
    if "" in written:
        return written[""]
    first, second = sides
    if first.framework is second.framework:
        return written[first.framework]
    return "\n".join(f"{side.label:<10}  {written[side.framework]}" for side in sides)
