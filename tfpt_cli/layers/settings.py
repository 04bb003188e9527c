"""Which settings of a known layer both frameworks have otherwise, and which mean the same though they are written otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import TENSORFLOW, TORCH

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.dictionary.records import Layer


def parted_settings(
    row: Layer | None, settings: Mapping[str, Mapping[str, object]]
) -> dict[str, tuple[object, object]]:
    """The settings of a row that both calls of a layer say, and say otherwise, by name, PyTorch's first; none without a row.

    >>> from tfpt_cli.dictionary.rows import dictionary
    >>> both = {"torch": {"kernel_size": 3, "padding": 1}, "tensorflow": {"kernel_size": (3, 3), "padding": "valid"}}
    >>> parted_settings(dictionary().layers["conv2d"], both)
    {'padding': (1, 'valid')}
    """
    if row is None:
        return {}
    ours, theirs = settings[TORCH], settings[TENSORFLOW]
    found = {
        name: (ours[name], theirs[name])
        for name in row.signature.settings
        if name in ours and name in theirs and not mean_the_same(ours[name], theirs[name])
    }
    # Keras's way to say a group a channel.
    if found.get("num_groups", (0, 0))[1] == -1 and found["num_groups"][0] == ours.get("num_channels"):
        del found["num_groups"]
    return found


def mean_the_same(one: object, other: object) -> bool:
    """Whether two values of a setting mean the same.

    >>> mean_the_same(3, (3, 3)), mean_the_same(0, "valid"), mean_the_same((1, 2), [2, 1])
    (True, True, False)
    """
    return bool(_plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        values = [_plain(each) for each in value]
        return values[0] if values and all(each == values[0] for each in values) else values
    return 0 if value == "valid" else value
