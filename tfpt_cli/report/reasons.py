"""Why a scenario is not as it expects, in one sentence: what parts, the cause, what to write. Every report begins with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.report.words import differ, said_by, status_words
from tfpt_cli.results import Kind, Relation, Status, Symptom, Verdict, as_expected, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tfpt_cli.results import Comparison, Explanation, ScenarioResult

# What says more of a mismatch than how far apart both sides are, the most telling first.
_TELLING = (
    *(
        Kind.BEGINS,
        Kind.RESEMBLANCE,
        Kind.BOTH_WRONG,
        Kind.OFF,
        Kind.OVERFLOW,
        Kind.ROUNDING,
        Kind.KINK,
        Kind.CONDITION,
    ),
    Kind.NOTHING,
)
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z(])")
_MOST_NAMES = 4
_LONGEST = 300


@dataclass(frozen=True)
class Reason:
    """The reason of a scenario that is not as expected.

    `parts` says what parts, as in "value, d/dx differ", and `cause` why, as far as that is known; it may be empty. `known` are
    the ids of the known differences that explain it, the first of which `cause` tells. `write` has what to write instead, each
    with its framework, and the place in a person's own file where that is known. `unexplained` are the quantities that none of
    them explains.
    """

    parts: str
    cause: str = ""
    known: tuple[str, ...] = ()
    write: tuple[tuple[str, str], ...] = ()
    unexplained: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """What parts, why, and the ids: `value, d/dx differ: F.gelu is exact, ... by tanh [act-gelu-default]`."""
        return f"{self.told} {self.ids}".rstrip()

    @property
    def told(self) -> str:
        """What parts and why, without the ids."""
        return ": ".join(filter(None, (self.parts, self.cause)))

    @property
    def ids(self) -> str:
        """The ids in brackets; empty where there are none."""
        return f"[{', '.join(self.known)}]" if self.known else ""

    @property
    def rest(self) -> str:
        """What is not explained, as the end of the sentence; empty where everything is, or nothing."""
        return f"; no known difference explains {', '.join(self.unexplained)}" if self.unexplained else ""

    @property
    def sentence(self) -> str:
        """The whole: what parts, why, what to write in either framework."""
        return "".join(text for text, _ in self.pieces())

    def pieces(self) -> Iterator[tuple[str, str]]:
        """The sentence in pieces, each with what it is: `told`, `ids`, `code`, or nothing of these."""
        yield self.told, "told"
        yield self.ids and f" {self.ids}", "ids"
        for index, (where, code) in enumerate(self.write):
            yield ", or " if index else "; write ", ""
            yield code, "code"
            yield f" in {where}", ""
        yield self.rest, ""


def reason_of(result: ScenarioResult) -> Reason | None:
    """The reason of a scenario that is not as it expects; None of one that is.

    >>> from tfpt_cli.frameworks import SIDES
    >>> from tfpt_cli.results import Failure, ScenarioResult
    >>> broken = ScenarioResult(file="a.yaml", line=1, name="a", case={}, subject="gradient", headline="", expect="agree",
    ...     because="", status=Status.ERROR, comparisons=(), failures=(Failure(SIDES[0], Symptom.EXCEPTION, "ValueError: no"),))
    >>> reason_of(broken).line
    'PyTorch failed: ValueError: no'
    """
    if result.expected:
        return None
    off = [c for c in result.comparisons if not as_expected(c, result.expect, result.comparisons)]
    known = [row for row in result.explanations if any(row.name in c.known_differences for c in off)]
    if result.internal or (result.status is Status.ERROR and not known):
        return Reason(*_failure(result))
    if result.expect in (Relation.DIFFER, Relation.ERROR) or all(c.verdict.agrees for c in off):
        return Reason(_short(status_words(result)))
    parting = [c for c in off if not c.verdict.agrees]
    if not known:
        return Reason(_parts(off), _cause(parting))
    begins = _found(parting, Kind.BEGINS)
    begun = [c for c in parting if begins and any(finding.words == begins[0] for finding in c.findings)]
    known.sort(key=lambda row: not _explains(row, begun))
    first = known[0]
    bare = dict.fromkeys(c.quantity for c in parting)
    for comparison in parting:
        if comparison.known_differences:
            bare.pop(comparison.quantity, None)
    return Reason(
        parts=_parts(off),
        cause="; ".join([*_because(first, begins, begun, parting), *_found(parting, Kind.TOO)]),
        known=tuple(row.name for row in known),
        write=tuple((_where(framework, first), " ".join(code.split())) for framework, code in first.write.items()),
        unexplained=tuple(bare),
    )


def _because(
    row: Explanation, begins: list[str], begun: Sequence[Comparison], parting: Sequence[Comparison]
) -> list[str]:
    """Where two models begin to part, and a cause: behind it where it is of what begins there, else with what it is of."""
    said = first_sentence(row.what)
    if not begins or _explains(row, begun):
        return [": ".join([*begins, said])]
    other = [f"{c.quantity}: " for c in parting if row.name in c.known_differences]
    return [*begins, "".join(other[:1]) + said]


def _explains(row: Explanation, comparisons: Sequence[Comparison]) -> bool:
    return any(row.name in c.known_differences for c in comparisons)


def _found(parting: Sequence[Comparison], kind: Kind) -> list[str]:
    """The first finding of a kind, such as where two models begin to part, in words; nothing where there is none."""
    found = [finding.words for c in parting for finding in c.findings if finding.kind is kind]
    return found[:1]


def first_sentence(text: str) -> str:
    """The first sentence of a text, without its full stop.

    >>> first_sentence("F.gelu is exact. (tf.nn.gelu is too.)")
    'F.gelu is exact'
    """
    return _SENTENCE.split(text.strip(), maxsplit=1)[0].rstrip(".")


def _where(framework: str, row: Explanation) -> str:
    label = FRAMEWORKS[framework].label
    return f"{label} at {row.lines[framework]}" if framework in row.lines else label


def _failure(result: ScenarioResult) -> tuple[str, str]:
    """Who failed, and what it said; of both where both did."""
    if result.internal:
        failure = next(failure for failure in result.failures if failure.symptom == Symptom.INTERNAL)
        return "tfpt itself failed", _short(" ".join(failure.message.split()))
    said = {failure.side.label: said_by(failure).rstrip(".") for failure in reversed(result.failures)}
    if len(said) < 2:
        return status_words(result), _short(next(iter(said.values()), ""))
    # Newest first above, so that of each side the first failure is told.
    return status_words(result), "; ".join(_short(f"{label}: {words}") for label, words in reversed(said.items()))


def _parts(off: Sequence[Comparison]) -> str:
    """What is not as expected: "value, d/dx differ", "hessian refused", "bias agrees, which was expected to differ"."""
    by_word = {
        word: list(dict.fromkeys(c.quantity for c in off if fits(c)))
        for word, fits in (
            ("differ", lambda c: c.verdict is Verdict.DIFFERS),
            ("refused", lambda c: c.verdict is Verdict.ERROR),
            ("agree", lambda c: c.verdict.agrees),
        )
    }
    said = []
    if names := by_word["differ"]:
        said.append(differ(_few(names)))
    if names := by_word["refused"]:
        said.append(f"{', '.join(_few(names))} refused")
    if names := by_word["agree"]:
        said.append(f"{', '.join(_few(names))} agree{'s' * (len(names) == 1)}, which was not expected")
    return ", ".join(said)


def _few(names: Sequence[str]) -> Sequence[str]:
    return names if len(names) <= _MOST_NAMES else [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]


def _cause(parting: Sequence[Comparison]) -> str:
    """What was found out of a mismatch that no known difference explains, of the quantity that tells most."""
    found = [(c, finding) for c in parting for finding in c.findings if finding.kind in _TELLING]
    if found:
        comparison, finding = min(found, key=lambda pair: _TELLING.index(pair[1].kind))
        words = "; ".join([finding.words, *_found([comparison], Kind.TOO)])
    else:
        comparison = next((c for c in parting if c.reason), parting[0])
        words = comparison.reason
    several = len({c.quantity for c in parting}) > 1
    return _short(f"in {comparison.quantity} {words}" if several and words else words)


def _short(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4] + " ..."
