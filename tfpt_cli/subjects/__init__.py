"""The subjects: what a scenario can be about. A folder each; its `subject.py` is what the pipeline uses.

A new subject is a folder with those names and a line in `SUBJECTS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tfpt_cli.subjects.gradient import subject as gradient
from tfpt_cli.subjects.init import subject as init

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.explain.causes import Involved
    from tfpt_cli.listing import Listing
    from tfpt_cli.results import Comparison, Outcome, Tolerance


class Subject(Protocol):
    """What a `subject.py` has: the JSON Schema of its fields, and functions of the `spec` that `read` makes of them.

    `NEEDED` is what the published schema says besides: which keys go together. `read` complains about those itself.
    A spec has a `headline` (what the report shows above the table) and `notes()` (what it says below).
    """

    SCHEMA: dict[str, Any]
    NEEDED: dict[str, Any]

    def read(self, reader: Reader, dtype: str, seed: int) -> Any: ...

    def quantities(self, spec: Any) -> list[str]: ...

    def sides(self, spec: Any) -> tuple[str, ...]:
        """Who has a listing: both frameworks, and the reference where there is one."""
        ...

    def listing(self, spec: Any, side: str, title: str) -> Listing: ...

    def settled(self, spec: Any, outcomes: dict[str, Outcome], wanted: Callable[[str], bool]) -> dict[str, Outcome]:
        """The outcomes without what nobody can have, unless the scenario expects something else than agreement of it."""
        ...

    def compare(
        self,
        spec: Any,
        outcomes: dict[str, Outcome],
        tolerance: Tolerance | None,
        again: dict[str, Outcome] | None = None,
    ) -> list[Comparison]: ...

    def second_look(self, spec: Any, comparisons: list[Comparison]) -> dict[str, Listing]:
        """Listings to run before the verdict is final, by side; their outcomes are the `again` of `compare`."""
        ...

    def alike(self, spec: Any, framework: str) -> Any:
        """The spec in which both sides are what it says for one framework."""
        ...

    def involved(self, spec: Any, quantity: str) -> Involved:
        """What a quantity was made by, for the known differences to be found."""
        ...

    def compared(self, spec: Any, comparisons: Sequence[Comparison]) -> str:
        """What the comparisons cover, and what they do not, in words that stand behind "both sides agree in"."""
        ...

    def notes(self, spec: Any, outcomes: dict[str, Outcome]) -> tuple[str, ...]:
        """What is to be said of a run of the scenario besides its comparisons."""
        ...


SUBJECTS: dict[str, Subject] = {"init": init, "gradient": gradient}
