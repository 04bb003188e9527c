"""What reports say in words, of a run, of a scenario and of a comparison: every report takes them from here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tfpt_cli.results import MANY_ULP, Diagnosis, Relation, Standing, State, Status, Symptom, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tfpt_cli.frameworks import Side
    from tfpt_cli.results import Comparison, Failure, Reference, Report, ScenarioResult

STATE_WORDS = {
    State.DISCONNECTED: "None",
    State.ABSENT: "no such parameter",
    State.FAILED: "failed",
    State.SKIPPED: "skipped",
    State.NOT_COMPARED: "not compared",
}
# What a person reads for a word of the diagnosis; the empty ones are said otherwise.
_DIAGNOSIS = {
    **dict.fromkeys((Diagnosis.DISTRIBUTION, Diagnosis.NON_FINITE, Diagnosis.NUMBER), ""),
    Diagnosis.DISCONNECTED: "None",
    Diagnosis.NAN: "NaN",
}
# What TensorFlow puts around its messages: the node of a graph that a person never wrote.
_NOISE = re.compile(r"\{\{[^}]*\}\}|\[Op:\w+\](?: name:)?|\x1b\[[0-9;]*m")
_LONGEST = 400
_MOST_NAMES = 12


def summary_parts(report: Report) -> Iterator[tuple[str, str]]:
    """The last line of a report in parts, each with what it is: `warning`, a status, `nothing`, `problems` or `more`.

    How many scenarios have each status, the time, the versions: "3 passed, 1 failed in 2.0 s (PyTorch 2.13.0)".
    """
    if report.interrupted:
        yield f"interrupted: {len(report.scenarios)} of {report.selected} scenarios were checked; ", "warning"
    if report.stopped:
        yield "stopped after as many failures as were allowed; ", "warning"
    counts = [(words, str(status)) for words, status in status_counts(report)]
    for index, (words, kind) in enumerate(counts or [("no scenario checked", "nothing")]):
        if index:
            yield ", ", ""
        yield words, kind
    if report.deselected:
        yield f", {report.deselected} not chosen", "more"
    if report.problems:
        yield f", {problem_count(report)}", "problems"
    versions = [
        f"{label} {report.environment[key]}"
        for key, label in (*((side.key, side.label) for side in report.sides), ("keras", "Keras"))
        if key in report.environment
    ]
    yield f" in {report.seconds:.1f} s", "more"
    if report.cached:
        count = "all" if report.cached == len(report.scenarios) else report.cached
        yield f", {count} from the cache", "more"
    if versions:
        yield f" ({', '.join(versions)})", "more"


def summary_text(report: Report) -> str:
    """The last line of a report: how many scenarios have each status, the time, the versions.

    >>> from tfpt_cli.results import Report
    >>> summary_text(Report(environment={"torch": "2.13.0"}, scenarios=(), seconds=2.0))
    'no scenario checked in 2.0 s (PyTorch 2.13.0)'
    """
    return "".join(words for words, _ in summary_parts(report))


def status_counts(report: Report) -> list[tuple[str, Status]]:
    """How many scenarios have each status that any of them has: `("3 passed", Status.PASSED)`."""
    return [(f"{count} {status}", Status(status)) for status, count in report.summary.items() if count]


def problem_count(report: Report) -> str:
    """The number of problems in words, as in "2 problems in the files"."""
    return f"{len(report.problems)} problem{'s' * (len(report.problems) != 1)} in the files"


def status_words(result: ScenarioResult) -> str:
    """Why a scenario has its status, in words."""
    differing = _quantities(result.comparisons, Verdict.DIFFERS)
    because = f" ({result.because})" if result.because and result.expect != Relation.AGREE else ""
    if result.status is Status.SKIPPED:
        return "this machine lacks what the scenario needs"
    if result.internal:
        return "tfpt itself failed"
    if result.status is Status.ERROR:
        failed = list(dict.fromkeys(f.side.label for f in result.failures if f.symptom != Symptom.OF_SCENARIO))
        if result.failures and not failed:
            return "the scenario cannot be run as it is written"
        return f"{' and '.join(failed)} failed" if failed else "nothing was compared"
    refused = _quantities(result.comparisons, Verdict.ERROR)
    if result.status is Status.PASSED and refused:
        both = f", {differ(differing)}" if differing else ""
        return f"{', '.join(refused)} refused{both}, as expected{because}"
    if result.status is Status.PASSED:
        return f"{differ(differing)}, as expected{because}" if differing else agreement(result)
    if result.expect == Relation.DIFFER:
        return f"expected to differ, but {agreement(result)}{because}"
    if isinstance(result.expect, dict):
        wanted = ", ".join(f"{quantity}: {word}" for quantity, word in result.expect.items())
        return f"expected {wanted} and the rest to agree; {differ(differing)}{because}"
    return f"expected to agree, but {differ(differing)}"


def agreement(result: ScenarioResult) -> str:
    """The words of a pass: that both sides agree, and in what."""
    return f"both sides agree in {result.compared}" if result.compared else "both sides agree"


def _quantities(comparisons: Iterable[Comparison], verdict: Verdict) -> list[str]:
    return list(dict.fromkeys(c.quantity for c in comparisons if c.verdict is verdict))


def differ(quantities: Sequence[str]) -> str:
    """That some quantities differ, in words; of many the first ones by name."""
    if len(quantities) > _MOST_NAMES:
        quantities = [*quantities[: _MOST_NAMES - 1], f"{len(quantities) - _MOST_NAMES + 1} more"]
    return f"{', '.join(quantities) or 'nothing'} {'differ' if len(quantities) > 1 else 'differs'}"


def parted(result: ScenarioResult) -> list[str]:
    """The quantities that do not agree."""
    return list(dict.fromkeys(c.quantity for c in result.comparisons if not c.verdict.agrees))


def unexplained(result: ScenarioResult) -> list[str]:
    """The quantities that do not agree and that no known difference explains."""
    lacking = set(parted(result)) - {c.quantity for c in result.comparisons if c.known_differences}
    return [name for name in dict.fromkeys(c.quantity for c in result.comparisons) if name in lacking]


def verdict_lines(comparison: Comparison) -> list[str]:
    """A verdict with its diagnosis: `["differs: NaN"]`; how far apart both sides are where they are close, on its own line.

    >>> from tfpt_cli.results import Comparison, Quantity
    >>> verdict_lines(Comparison(quantity=Quantity(kind="value"), verdict=Verdict.DIFFERS, sides={}, diagnosis=("nan",)))
    ['differs: NaN']
    """
    words = list(filter(None, (_DIAGNOSIS.get(word, word) for word in comparison.diagnosis)))
    measured = comparison.measure
    if comparison.verdict is Verdict.CLOSE and measured is not None:
        ulps = f"{measured.max_ulp:,} ULP" if measured.max_ulp is not None and measured.max_ulp < MANY_ULP else ""
        apart = "" if measured.max_abs is None else f"{measured.max_abs:.1e}"  # None where nothing is finite
        far = ", ".join(filter(None, (apart, ulps)))
        return ["close", *([far] if far else []), *words]
    return [f"{comparison.verdict}: {', '.join(words)}" if words else comparison.verdict.value]


def ways_text(comparison: Comparison) -> str:
    """By which functions both sides computed a quantity: "backward and GradientTape"; one that both name is said once."""
    return " and ".join(dict.fromkeys(side.how for side in comparison.sides.values() if side.how))


def failure_text(failure: Failure) -> str:
    """The words for a failure: who failed, how, where in its listing, and what the framework said, cut off where that is long.

    For a mistake of tfpt's own it is the whole message, which says what to do about it.

    >>> from tfpt_cli.frameworks import SIDES
    >>> from tfpt_cli.results import Failure
    >>> failure_text(Failure(side=SIDES[0], symptom=Symptom.EXCEPTION, message="no such op", listing_line=7))
    'PyTorch (exception, line 7 of its listing): no such op'
    """
    if failure.symptom == Symptom.INTERNAL:
        return " ".join(failure.message.split())
    if failure.symptom == Symptom.OF_SCENARIO:
        return message_text(failure.message)
    place = f", line {failure.listing_line} of its listing" if failure.listing_line else ""
    return f"{failure.side.label} ({failure.symptom}{place}): {said_by(failure)}"


def said_by(failure: Failure) -> str:
    """What a framework said, and at which layer and line of a person's own file it did.

    >>> from tfpt_cli.frameworks import SIDES
    >>> from tfpt_cli.results import Failure
    >>> said_by(Failure(side=SIDES[0], symptom=Symptom.EXCEPTION, message="no such op", where="in fc, net.py:12"))
    'no such op (in fc, net.py:12)'
    """
    return f"{message_text(failure.message)}{f' ({failure.where})' if failure.where else ''}"


def message_text(message: str) -> str:
    """The message of a framework, on one line and of a length that a person reads.

    >>> message_text("{{function_node x}} Incompatible   shapes [Op:AddV2] name: ")
    'Incompatible shapes'
    """
    text = " ".join(_NOISE.sub("", message).split())
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def disputed(comparison: Comparison) -> bool:
    """Whether the reference's own numbers are worth a row: where the sides part, or agree and are off."""
    reference = comparison.reference
    return reference is not None and not (
        comparison.verdict.agrees and all(against.off == 0 for against in reference.sides.values())
    )


def reference_line(result: ScenarioResult) -> str:
    """How far both sides are from the reference where nothing is wrong, a phrase for each quantity; empty without any."""
    phrases: dict[str, str] = {}
    for comparison in result.comparisons:
        reference = comparison.reference
        if reference is None or disputed(comparison) or comparison.quantity in phrases:
            continue
        distances = dict.fromkeys(_distance(side, reference) for side in reference.sides)
        phrases[comparison.quantity] = f"{comparison.quantity} {' and '.join(distances)}"
    return f"off the reference by: {', '.join(phrases.values())}" if phrases else ""


def _distance(side: Side, reference: Reference) -> str:
    against, error = reference.sides[side], reference.error_for(side)
    if against.standing is Standing.UNKNOWN:
        return "unknown"
    if reference.along:
        return f"{against.max_abs or 0:.1g} along a random direction"
    if against.ulps is None:
        text = "0" if not against.max_abs else f"{against.max_abs:.1g}"
    elif against.max_abs is not None and 0 < against.max_abs <= error:
        text = f"no more than its own error of {error:.1g}"
    else:
        text = "0 ULP" if against.ulps == 0 else f"{against.ulps:.2g} ULP"
    return f"{text} ({against.unknown:,} unknown)" if against.unknown else text
