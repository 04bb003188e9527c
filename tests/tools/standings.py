"""Who is right, held against what the authors of `tests/causes/reports.yaml` say: how many scenarios are as tagged.

    tfpt check tests/causes/reports.yaml --allow-code --report json=out.json
    python -m tests.tools.standings out.json

A side is *off* where a quantity of it is called wrong, rounded or beyond the dtype's range, or where it failed or answered None
and the reference knows the numbers, by which the other side was judged; it is *right* where it is nowhere off and somewhere
right, else *silent*. Where its author calls both right, digits that a side loses are held against nobody; a scenario that its
author calls undecided is as tagged where no side is called wrong. Initial weights have no reference, and do not count.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

OFF = {"wrong", "rounding", "overflow"}
RIGHT = {"right", "convention"}
SIDES = ("torch", "tensorflow")
TAGGED = {
    "right-torch": {"torch": "right", "tensorflow": "off"},
    "right-tensorflow": {"torch": "off", "tensorflow": "right"},
    "right-neither": {"torch": "off", "tensorflow": "off"},
    "right-both": {"torch": "right", "tensorflow": "right"},
}


def standing(scenario: dict[str, Any], side: str) -> str:
    """What a report says of one side over all quantities of a scenario: `off`, `right` or `silent`."""
    told = {_of(comparison, side) for comparison in scenario["comparisons"]}
    if told & OFF or any(_without(comparison, side) for comparison in scenario["comparisons"]):
        return "off"
    return "right" if told & RIGHT else "silent"


def outcome(scenario: dict[str, Any], tag: str) -> str:
    """`as tagged`, `silent` where a side lacks a word that the tag has, or `otherwise`."""
    if tag == "right-undecided":
        blamed = any(_of(c, side) == "wrong" for c in scenario["comparisons"] for side in SIDES)
        return "otherwise" if blamed else "as tagged"
    if tag == "right-both" and not any(
        _of(c, side) in OFF - {"rounding"} for c in scenario["comparisons"] for side in TAGGED[tag]
    ):
        told = [standing(scenario, side) for side in TAGGED[tag]]
        return "silent" if "silent" in told else "as tagged"
    pairs = [(standing(scenario, side), wanted) for side, wanted in TAGGED[tag].items()]
    if all(found == wanted for found, wanted in pairs):
        return "as tagged"
    return "otherwise" if any(found not in (wanted, "silent") for found, wanted in pairs) else "silent"


def _without(comparison: dict[str, Any], side: str) -> bool:
    """Whether a side failed or answered None where the reference knows the numbers, by which the other side was judged."""
    state = (comparison.get(side) or {}).get("state")
    other = next(each for each in SIDES if each != side)
    return state in ("failed", "disconnected") and _of(comparison, other) in OFF | RIGHT


def _of(comparison: dict[str, Any], side: str) -> str:
    return str(((comparison.get("reference") or {}).get(side) or {}).get("standing", ""))


def main(path: str) -> None:
    counts: Counter[str] = Counter()
    for scenario in json.loads(Path(path).read_text(encoding="utf-8"))["scenarios"]:
        tags = [tag for tag in scenario["tags"] if tag in TAGGED or tag == "right-undecided"]
        if tags and scenario["status"] != "skipped" and scenario["subject"] == "gradient":
            found = outcome(scenario, tags[0])
            counts[found] += 1
            if found != "as tagged":
                sides = {side: standing(scenario, side) for side in SIDES}
                print(f"{scenario['line']:5}  {found:10} {tags[0]:17} {sides}  {scenario['name']}")
    print(", ".join(f"{count} {word}" for word, count in counts.most_common()), f"of {counts.total()}")


if __name__ == "__main__":
    main(sys.argv[1])
