"""Baselines: what has changed since a report was kept, by an upgrade of a framework or on another machine.

A baseline is a JSON report (`tfpt.report/1`); any that was written with `--format json` will do.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from tfpt_cli.compare.values import close_numbers, same_number
from tfpt_cli.frameworks import FRAMEWORKS, LEFT, RIGHT
from tfpt_cli.report.contract import SCHEMA
from tfpt_cli.report.json_report import report_object, scenario_object
from tfpt_cli.report.numbers import number
from tfpt_cli.results import Report, Status, Verdict, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

Baseline = dict[str, Any]
# What a change of values is held to where a comparison had no tolerance of its own.
_TOLERANCE = {"rtol": 1e-6, "atol": 1e-8}
_SHOWN = 3
# What is held against the tolerance of values that are not kept.
_SUMMARY = ("mean", "std", "min", "max")
_AGREE = {verdict.value for verdict in Verdict if verdict.agrees}
# The sides of a report, and those of one that compares two versions of a framework.
_SIDES = (*FRAMEWORKS, LEFT, RIGHT)
_LABELS = {framework.key: framework.label for framework in FRAMEWORKS.values()}


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was: in which scenario, of which quantity, what; `matters` where a run should fail for it."""

    scenario: str
    what: str
    matters: bool = True


class NoBaseline(ValueError):
    """An error: a file that is no baseline; the message says why, and what writes one."""


def read(path: str) -> Baseline:
    """The baseline in a file. Raises `NoBaseline` where the file cannot be read, or holds something else."""
    if os.path.exists(path) and stat.S_ISCHR(os.stat(path).st_mode):  # such as /dev/zero, which has no end
        raise NoBaseline(f"cannot read the baseline '{path}': it is a device")
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NoBaseline(f"cannot read the baseline '{path}': {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        why = "it is nested without end" if isinstance(error, RecursionError) else error
        raise NoBaseline(f"the baseline '{path}' is not JSON: {why}") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("scenarios"), list):
        raise NoBaseline(
            f"'{path}' is no baseline: it is not a report of the form {SCHEMA} (--save-baseline writes one)"
        )
    try:
        # Whatever a scenario lacks is met here, before anything runs.
        for scenario in _by_key(found["scenarios"]).values():
            _probe(scenario)
        found.setdefault("environment", {}).items()
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise NoBaseline(
            f"the baseline '{path}' is damaged: it lacks what every {SCHEMA} has, or has it otherwise"
        ) from None
    return found


def _probe(scenario: dict[str, Any]) -> None:
    """Meets whatever a scenario of a baseline lacks or has of another kind, as an error of the kind that Python makes of it."""
    list(_of_scenario(scenario, scenario))
    _texts(scenario["name"], scenario["file"], scenario["status"])
    for comparison in scenario["comparisons"]:
        _texts(comparison["quantity"], comparison["verdict"])
        for side in (comparison[key] for key in _SIDES if key in comparison):
            _texts(*(side[key] for key in ("state", "dtype", "how") if key in side))
            summary = side.get("summary") or {}
            for value in (*_numbers(side.get("values")), *(_number(summary[key]) for key in _SUMMARY if summary)):
                complex(value)  # which a whole number of 400 digits is too large for


def _texts(*values: Any) -> None:
    """Raises `TypeError` where one of the values is no text."""
    if not all(isinstance(value, str) for value in values):
        raise TypeError


def changes(before: Baseline, report: Report) -> list[Change]:
    """Every change of a status, a verdict, a shape, a dtype, a state or a value since the baseline.

    >>> from tfpt_cli.results import Report
    >>> before = {"scenarios": [{"file": "x.yaml", "name": "tanh"}]}
    >>> changes(before, Report(environment={}, scenarios=()))
    [Change(scenario='x.yaml::tanh', what='is no longer there', matters=False)]
    """
    old = _by_key(before["scenarios"])
    new, moved = [], []
    for key, _, scenario in _current(report):
        new.append(key)
        if key in old:
            if words := _rewritten(old[key], scenario):
                moved.append(Change(key, words, matters=False))
            moved += [Change(key, what, matters) for what, matters in _of_scenario(old[key], scenario)]
    found = [Change(key, "is new", matters=False) for key in new if key not in old]
    if not report.deselected and not report.interrupted and not report.stopped:
        there = set(new)
        found += [Change(key, "is no longer there", matters=False) for key in old if key not in there]
    return found + moved


def _rewritten(old: dict[str, Any], new: dict[str, Any]) -> str:
    """That a scenario is not the one that was kept; empty where it is, as far as both reports tell.

    >>> _rewritten({"headline": "tanh(x)", "expect": "agree"}, {"headline": "tanh(2 * x)", "expect": "agree"})
    'the scenario itself has changed: tanh(x) -> tanh(2 * x)'
    """
    for key in ("headline", "expect"):  # which reports of older versions lack
        was, now = old.get(key), new.get(key)
        if was is not None and now is not None and was != now:
            shown = [
                " ".join(f"expect: {text}".split() if key == "expect" else str(text).split()) for text in (was, now)
            ]
            return f"the scenario itself has changed: {' -> '.join(shown)}"
    return ""


def unchanged_failures(before: Baseline, report: Report) -> set[str]:
    """The places of the scenarios that failed at the baseline and fail now, and of which nothing has changed that matters."""
    old = _by_key(before["scenarios"])
    matters = {change.scenario for change in changes(before, report) if change.matters}
    return {
        place
        for key, place, scenario in _current(report)
        if key in old and key not in matters
        if old[key]["status"] == scenario["status"] == Status.FAILED.value and not _rewritten(old[key], scenario)
    }


def _current(report: Report) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The scenarios of a run, one after another, each by its key among those of a baseline and its place, as it is written."""
    keys: set[str] = set()
    for result in report.scenarios:
        scenario = scenario_object(result)
        yield _own_key(scenario, keys), result.place, scenario


def lines(found: list[Change], before: Baseline, report: Report) -> Iterator[Text]:
    """The changes for people: versions, then scenario by scenario, then the count."""
    was, now = before["environment"], report_object(replace(report, scenarios=()))["environment"]
    moved = [
        f"{_LABELS.get(key, key)} {was.get(key, 'none')} -> {now.get(key, 'none')}"
        for key in dict.fromkeys([*was, *now])
        if was.get(key) != now.get(key)
    ]
    yield Text("")
    yield Text(f"since the baseline: {printable(', '.join(moved)) or 'the same versions'}", "bold")
    scenario = ""
    for change in found:
        if change.scenario != scenario:
            scenario = change.scenario
            yield Text(f"  {printable(scenario)}")
        yield Text(f"    {printable(change.what)}", "red" if change.matters else "dim")
    matter = sum(change.matters for change in found)
    if left := len(unchanged_failures(before, report)):
        yield Text(
            f"{left} that failed at the baseline fail{'s' * (left == 1)} as before (--only-new lets them pass)", "dim"
        )
    words = f"{matter} change{'s' * (matter != 1)} of a verdict or beyond the tolerance, {len(found) - matter} other"
    yield Text(words, "bold red" if matter else "bold green")


def _by_key(scenarios: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Scenarios by file and name; one of several with the same by its number among them too."""
    keys: set[str] = set()
    return {_own_key(scenario, keys): scenario for scenario in scenarios}


def _own_key(scenario: dict[str, Any], keys: set[str]) -> str:
    """The key of a scenario that none of those has which were before it; it is put among them."""
    key = stem = f"{os.path.normpath(scenario['file'])}::{scenario['name']}"
    number = 1
    while key in keys:
        number += 1
        key = f"{stem} ({number})"
    keys.add(key)
    return key


def _of_scenario(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    if old["status"] != new["status"]:
        yield f"status: {old['status']} -> {new['status']}", True
    was, now = (_by_quantity(scenario) for scenario in (old, new))
    for key in dict.fromkeys([*was, *now]):
        if key not in was or key not in now:
            yield f"{key}: {'is new' if key in now else 'is no longer there'}", True
            continue
        a, b = was[key], now[key]
        if a["verdict"] != b["verdict"]:
            # Two that agree may be identical on one machine and close on another.
            yield f"{key}: {a['verdict']} -> {b['verdict']}", a["verdict"] not in _AGREE or b["verdict"] not in _AGREE
        random = "distribution" in b or any("samples" in b.get(side, {}) for side in _SIDES)
        tolerance = None if random else b.get("tolerance", _TOLERANCE)
        for side in _SIDES:
            for what, matters in _of_side(a.get(side, {}), b.get(side, {}), tolerance):
                yield f"{key}, {_LABELS.get(side, side)}: {what}", matters


def _by_quantity(scenario: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Comparisons by quantity and the ways in which it was computed."""
    found = {}
    for comparison in scenario["comparisons"]:
        ways = [comparison.get(side, {}).get("how", "") for side in _SIDES]
        found[f"{comparison['quantity']} ({' and '.join(filter(None, ways))})".replace(" ()", "")] = comparison
    return found


def _of_side(
    old: dict[str, Any], new: dict[str, Any], tolerance: dict[str, float] | None
) -> Iterator[tuple[str, bool]]:
    """What is not as it was of one side. Without a tolerance the values are random, and may be any."""
    for word in ("state", "shape", "dtype"):
        if old.get(word) != new.get(word):
            yield f"{word} {old.get(word)} -> {new.get(word)}", True
            return
    a, b = list(_numbers(old.get("values"))), list(_numbers(new.get("values")))
    moved = [index for index, (x, y) in enumerate(zip(a, b, strict=False)) if not same_number(x, y)]
    beyond = [index for index in moved if tolerance is not None and not close_numbers(a[index], b[index], tolerance)]
    if moved:
        places = [f"{number(a[i], 9)} -> {number(b[i], 9)}" for i in (beyond or moved)[:_SHOWN]]
        more = len(beyond or moved) - len(places)
        words = "" if tolerance is None else f" {'beyond' if beyond else 'within'} the tolerance"
        values = f"{len(beyond or moved)} of {len(b)} values moved{words}"
        yield f"{values}: {', '.join(places)}{f', {more} more' if more > 0 else ''}", bool(beyond)
    was, now = old.get("summary"), new.get("summary")
    if was != now and was and now and new.get("left_out"):
        far = [
            word
            for word in _SUMMARY
            if tolerance is not None and not close_numbers(_number(was[word]), _number(now[word]), tolerance)
        ]
        words = f"their {', '.join(far)} beyond the tolerance" if far else "their mean, range or histogram is another"
        yield f"values that are not kept moved: {words}", bool(far)


def _numbers(values: Any) -> Iterator[Any]:
    """The numbers of nested lists, with texts (`nan`) as numbers and complex ones as Python's."""
    waiting = [values]
    while waiting:  # not recursive: a file may be nested more deeply than Python calls functions
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            yield complex(float(value["re"]), float(value["im"]))
        elif value is not None:
            yield float(value) if isinstance(value, str) else value


def _number(value: Any) -> Any:
    """The one number of a value. Raises `ValueError` where there is none: `next` would end the generator that asks for it."""
    for found in _numbers(value):
        return found
    raise ValueError("no number")
