"""Scenarios that tfpt makes: from the command line, by a recipe, for a curve. Each is written and read as a person's is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from tfpt_cli.documents.document import documents
from tfpt_cli.scenario.scenario import read_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.results import Problem
    from tfpt_cli.scenario.scenario import Scenario


def scenario_from(
    text: str, file: str, *, allow_code: bool, case: int = 0
) -> tuple[Scenario | None, tuple[Problem, ...]]:
    """The scenario that a text of one document says, one case of it alone; None with every problem where it is not valid.

    >>> text = "{name: tanh, gradient: {of: tanh(x), at: {x: 0.5}}}"
    >>> scenario, problems = scenario_from(text, "tanh.yaml", allow_code=False)
    >>> scenario.id, scenario.expect, problems
    ('tanh.yaml::tanh', 'agree', ())
    """
    found, problems = documents(file, text)
    scenarios, more = read_document(found[0], allow_code=allow_code) if found else ([], [])
    problems = [*problems, *more]
    return (scenarios[case] if scenarios and not problems else None), tuple(problems)


def scenario_text(data: Mapping[str, Any], *, width: int = 110) -> str:
    """A scenario as YAML, its keys in their order, its texts in lines of about this width.

    >>> print(scenario_text({"name": "tanh", "gradient": {"of": "tanh(x)", "at": {"x": [0.5, 1]}}}), end="")
    name: tanh
    gradient:
      of: tanh(x)
      at:
        x: [0.5, 1]
    """
    return yaml.dump(dict(data), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=width)


class _Dumper(yaml.SafeDumper):
    """Lists of numbers stay on a line; YAML 1.2 reads numbers that YAML 1.1 takes for texts."""

    def ignore_aliases(self, _: Any) -> bool:
        """A list that stands in two places is written out in both: the format has no anchors."""
        return True


def _list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    flow = all(not isinstance(item, dict) for item in items)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=flow)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # PyYAML knows YAML 1.1 alone: 1e-3 is a text to it and a number to everyone who reads 1.2.
    number = re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|0[xo][0-9a-fA-F]+|[-+]?\.(inf|nan)", text, re.I)
    style = '"' if number or text in ("y", "n", "null", "~") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(list, _list)
_Dumper.add_multi_representer(dict, yaml.SafeDumper.represent_dict)
_Dumper.add_representer(str, _text)
