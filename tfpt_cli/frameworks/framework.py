"""What tfpt knows of a framework, and of a side: one of the two that a run compares.

Both are texts that know more: a `Framework` is the key that rows and scenarios have for it, a `Side` the key that a report
has. So each is looked up, compared and written by that key alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True, eq=False, repr=False)
class Framework(str):
    """A framework: how code is written in it, what it is installed as, and what of a machine its results can depend on.

    `label` is what a person reads. `column` is the column of the dictionary's rows that spells it. `module` is what every
    listing imports, and what a dtype stands behind (`torch.float32`); `roots` are the names with which native code may begin,
    `imports` the line that binds each of them. `array` is how a constant array is written, with `{value}` and `{dtype}`, `moves`
    how one is turned into another (`torch.permute({value}, {0})`). `modes`
    are the ways to run a function, the usual one first. `fans` counts (fan_in, fan_out) of a parameter's shape, None where there
    are none; `output_axis` is the axis of a weight that holds the outputs of its layer. `packages` are what pip installs it as,
    `environment` what its process needs, and `of_scenarios` what else it has where no code of a person's own is allowed, which
    may want it otherwise; `versions` has by package what a person calls it, `machine` by key of a report's
    `environment` what it is about and the values that it can have.
    """

    key: str
    label: str
    column: str
    module: str
    array: str
    moves: Mapping[str, str] = field(default_factory=dict)
    roots: tuple[str, ...] = ()
    imports: Mapping[str, str] = field(default_factory=dict)
    modes: tuple[str, ...] = ("eager",)
    fans: Callable[[tuple[int, ...]], tuple[int, int] | None] = lambda _: None
    output_axis: int = 0
    packages: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    of_scenarios: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def __new__(cls, key: str, *_: object, **__: object) -> Framework:
        """The text of a framework is its key."""
        return super().__new__(cls, key)


@dataclass(frozen=True, eq=False, repr=False)
class Side(str):
    """One of the two that are compared: a framework in an interpreter (empty: the one that runs tfpt).

    Usually each side is another framework, and `key` is that framework's. Two versions of one framework are two sides of it,
    `left` and `right`. `label` is what a person reads: `PyTorch`, `left PyTorch`.

    >>> from tfpt_cli.frameworks import TORCH
    >>> side = Side(key="left", label="left PyTorch", framework=TORCH)
    >>> side == "left", side.framework.module
    (True, 'torch')
    """

    key: str
    label: str
    framework: Framework
    interpreter: str = ""

    def __new__(cls, key: str, *_: object, **__: object) -> Side:
        """The text of a side is its key."""
        return super().__new__(cls, key)


# The vector instructions that kernels are chosen by, as PyTorch names them.
VECTORS = ("DEFAULT", "AVX2", "AVX512", "NEON", "SVE256", "ZVECTOR", "VSX")
