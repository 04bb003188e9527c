"""What a result can depend on besides the code: the versions, the processor, and what of it a framework uses.

A scenario, a known difference and a declared difference of an operation may say where they hold, by keys of the report's
`environment`: `machine: {tensorflow_onednn: off}`, `versions: {torch: '>=2.8'}`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS, NUMPY

if TYPE_CHECKING:
    from collections.abc import Mapping

# By key, what it is called and the values that it may have.
MACHINE = {key: what for framework in FRAMEWORKS.values() for key, what in framework.machine.items()}
VERSIONS = {package: label for f in (*FRAMEWORKS.values(), NUMPY) for package, label in f.versions.items()}


@dataclass(frozen=True)
class Conditions:
    """The machines and versions for which something holds; all of them unless something is said.

    `machine` has for each key the values that the machine may have there, `versions` a PEP 440 specifier for each package.

    >>> conditions = Conditions.written({"machine": {"tensorflow_onednn": "off"}, "versions": {"torch": ">=2.8"}})
    >>> str(conditions)
    "where TensorFlow's oneDNN is off, for PyTorch >=2.8"
    >>> conditions.hold({"tensorflow_onednn": "off", "torch": "2.9.1"})
    True
    >>> conditions.lacking({"tensorflow_onednn": "on", "torch": "2.9.1"})
    "it holds where TensorFlow's oneDNN is off; here it is on"
    """

    machine: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def written(cls, data: Mapping[str, Any]) -> Conditions:
        """The conditions that a row or a scenario has under its keys `machine` and `versions`.

        What stands there is not examined here, but by `wrong_conditions`.
        """
        machine = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in data.get("machine", {}).items()}
        return cls(machine=machine, versions=dict(data.get("versions", {})))

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return bool(self.machine or self.versions)

    def hold(self, environment: Mapping[str, str]) -> bool:
        """Whether a machine and its versions meet the conditions; what is not known of them is taken to meet them."""
        return not self.lacking(environment)

    def lacking(self, environment: Mapping[str, str]) -> str:
        """Why the conditions do not hold in an environment, in words; empty where they hold."""
        for key, values in self.machine.items():
            here = environment.get(key, "unknown")
            if here not in (*values, "unknown"):
                return f"it holds where {_is(key, values)}; here it is {here}"
        for package, specifier in self.versions.items():
            here = environment.get(package, "")
            if here and not _contains(specifier, here):
                return f"it holds for {VERSIONS[package]} {specifier}; here it is {here}"
        return ""

    def __str__(self) -> str:
        """The conditions in words, such as `where TensorFlow's oneDNN is off`; empty where there is none."""
        machine = " and ".join(_is(key, values) for key, values in self.machine.items())
        versions = " and ".join(f"{VERSIONS[package]} {specifier}" for package, specifier in self.versions.items())
        return ", ".join([f"where {machine}"] * bool(machine) + [f"for {versions}"] * bool(versions))


def wrong_conditions(data: Mapping[str, Any]) -> str:
    """What cannot be in the keys `machine` and `versions` of a row, in words; empty where all can."""
    conditions = Conditions.written(data)
    for key, values in conditions.machine.items():
        if key not in MACHINE or not values or set(values) - set(MACHINE[key][1]):
            return f"'machine' has no {key}: {', '.join(map(str, values))}"
    for package, specifier in conditions.versions.items():
        if package not in VERSIONS or not is_specifier(specifier):
            return f"'versions' has no {package}: {specifier}"
    return ""


def is_specifier(text: str) -> bool:
    """Whether a text is a PEP 440 specifier.

    >>> is_specifier(">=2.8,<2.11"), is_specifier("2.8")
    (True, False)
    """
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # not above: a tenth of a second, for few

    try:
        return bool(str(SpecifierSet(text)))
    except InvalidSpecifier:
        return False


def _contains(specifier: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version.partition("+")[0], prereleases=True)


def _is(key: str, values: tuple[str, ...]) -> str:
    return f"{MACHINE[key][0]} is {' or '.join(values)}"
