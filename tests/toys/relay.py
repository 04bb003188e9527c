"""A subject that nothing in tfpt knows of, put in from outside: rounds of what the rounds before have left.

`python tests/toys/relay.py check scenario.yaml` is `tfpt` with this subject. The first framework takes a root; the second
squares what it is handed, and adds a number that it made while the first was at work; both add one to what that left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tfpt_cli.explain.causes import Provenance
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.listing import Leaf, Section, listing
from tfpt_cli.results import PLAIN, VALUE, Quantity, Value
from tfpt_cli.subjects.registry import SUBJECTS
from tfpt_cli.subjects.subject import Compared, Round, Subject, Task, headline_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.frameworks import Side, Sides
    from tfpt_cli.results import Comparison, Outcome
    from tfpt_cli.subjects.subject import Run, Terms

_TENSOR = {TORCH: "torch.as_tensor({})", TENSORFLOW: "tf.constant({})"}
_START, _ROOT, _OFF, _SQUARE, _LAST = (
    Quantity(kind=VALUE, output=name) for name in ("start", "root", "off", "square of the root", "one more")
)


class Relay(Subject):
    """Reads `relay: {start: [1.0, 4.0]}`."""

    name = "relay"
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "description": "a mapping with start",
        "additionalProperties": False,
        "required": ["start"],
        "properties": {
            "start": {"type": "array", "items": {"type": "number"}, "description": "a list of numbers"},
            "off": {"type": "number", "description": "what the second framework adds to its square"},
        },
    }
    needed: ClassVar[dict[str, Any]] = {}
    essential = frozenset({"start"})
    example: ClassVar[dict[str, Any]] = {"name": "there and back", "relay": {"start": [1.0, 4.0]}}
    templates: ClassVar[dict[str, str]] = {"relay": "# {file}\nname: there and back\nrelay:\n  start: [1.0, 4.0]\n"}

    def read(self, reader: Reader, dtype: str, seed: int) -> RelayTask | None:
        del dtype, seed
        start = reader.get(self.name, "start")
        for place, number in enumerate(start):
            if number < 0:
                reader.complain((self.name, "start", place), "has no root; give a number of at least 0")
        return None if reader.problems else RelayTask(tuple(start), float(reader.get(self.name, "off", default=0.0)))


@dataclass(frozen=True)
class RelayTask(Task):
    """Numbers that go from one framework to the other and back."""

    start: tuple[float, ...]
    off: float

    def headline(self, sides: Sides) -> str:
        return headline_of({"": f"there and back from {list(self.start)}"}, sides)

    def quantities(self) -> list[Quantity]:
        return [_SQUARE, _LAST]

    def run(self, terms: Terms) -> Run:
        from tfpt_cli.compare.values import compare_values

        yield Round({})  # nothing is known yet
        if not self.start:
            return Compared((), {})
        first, second = terms.sides
        left, right = (FRAMEWORKS[side.framework].module for side in terms.sides)
        start = f"{_TENSOR[first.framework].format(list(self.start))}\n"
        ahead = {second: _listing(second, f"off = {_TENSOR[second.framework].format([self.off])}", {"off": "off"})}
        roots = yield Round(
            {first: _listing(first, f"x = {start}root = {left}.sqrt(x)", {"start": "x", "root": "root"})}, ahead=ahead
        )
        if roots[first].failures:  # nothing to hand on
            return Compared((), roots)
        offs = yield Round(ahead)
        handed = {"root": roots[first].values[_ROOT, PLAIN].array, "off": offs[second].values[_OFF, PLAIN].array}
        root, off = (_TENSOR[second.framework].format(name) for name in ("root", "off"))
        square = f"square = {right}.square({root}) + {off}"
        squares = yield Round({second: _listing(second, square, {"square of the root": "square"}, handed)})
        # What is known so far, should the next round break.
        if squares[second].failures:
            return Compared((), {**roots, **squares})
        sides: dict[Side, Value] = {
            first: roots[first].values[_START, PLAIN],
            second: squares[second].values[_SQUARE, PLAIN],
        }
        known = compare_values(_SQUARE, {side: (PLAIN, value) for side, value in sides.items()}, terms.tolerance)
        handed = {"square": squares[second].values[_SQUARE, PLAIN].array}
        last = yield Round(
            {side: _listing(side, f"more = {_TENSOR[side.framework].format('square')} + 1", {"one more": "more"}, handed)
             for side in terms.sides},
            (known,),
        )  # fmt: skip
        values = {side: (PLAIN, last[side].values[_LAST, PLAIN]) for side in terms.sides}
        return Compared((known, compare_values(_LAST, values, terms.tolerance)), last)

    def provenance(self, quantity: Quantity) -> Provenance:
        del quantity
        return Provenance(code={}, kind=VALUE)

    def covered(self, comparisons: Sequence[Comparison]) -> str:
        return f"{len(comparisons)} laps"

    def notes(self, outcomes: Mapping[Side, Outcome]) -> tuple[str, ...]:
        return (f"{len(outcomes)} sides ran to the end",)


def _listing(side: Side, source: str, leaves: dict[str, str], arrays: Mapping[str, NDArray[Any]] | None = None) -> Any:
    held = tuple(
        Leaf(quantity=Quantity(kind=VALUE, output=name), way=PLAIN, expression=expression)
        for name, expression in leaves.items()
    )
    return listing(side.framework, [Section(source, held)], arrays)


SUBJECTS["relay"] = Relay()

if __name__ == "__main__":
    from tfpt_cli.cli.main import main

    main()
