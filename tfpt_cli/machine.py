"""What a result can depend on besides the code and the versions: the processor, and what of it a framework uses.

A scenario, a known difference and a declared difference of an operation may say on which machines they hold:
`machine: {tensorflow_onednn: off}`. The keys are those of the report's `environment`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# By key, what it is called and the values that it may have.
_VECTORS = ("DEFAULT", "AVX2", "AVX512", "NEON", "SVE256", "ZVECTOR", "VSX")
KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "torch_cpu": ("PyTorch's vector instructions", _VECTORS),
    "torch_onednn": ("PyTorch's oneDNN", ("on", "off")),
    "tensorflow_cpu": ("the processor's vector instructions", (*_VECTORS, "AVX")),
    "tensorflow_onednn": ("TensorFlow's oneDNN", ("on", "off")),
}

Machine = dict[str, tuple[str, ...]]


def machine_of(written: Mapping[str, Any]) -> Machine:
    """What was written as `machine`: by key, the values of which one must be so. Raises `ValueError` for what cannot be."""
    found = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in written.items()}
    for key, values in found.items():
        if key not in KEYS or not values or set(values) - set(KEYS[key][1]):
            raise ValueError(f"'machine' has no {key}: {', '.join(map(str, values))}")
    return found


def holds(machine: Machine, environment: Mapping[str, str]) -> bool:
    """Whether this is such a machine; what is not known of it is taken for so."""
    return all(environment.get(key, values[0]) in (*values, "unknown") for key, values in machine.items())


def machine_words(machine: Mapping[str, tuple[str, ...]]) -> str:
    """`TensorFlow's oneDNN is off`."""
    return " and ".join(
        f"{KEYS[key][0]} {'are' if KEYS[key][0].endswith('s') else 'is'} {' or '.join(values)}"
        for key, values in machine.items()
    )


def elsewhere(machine: Machine, environment: Mapping[str, str]) -> str:
    """Why this is no such machine: `it holds where TensorFlow's oneDNN is off; here it is on`. Empty where it is one."""
    if holds(machine, environment):
        return ""
    here = {key: (environment[key],) for key in machine if key in environment}
    return f"it holds where {machine_words(machine)}; here {machine_words(here)}"
