"""Names of entries: the prefix that all have, and one spelling for what the frameworks write in their own way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is put before every name of a model that is wrapped: by DataParallel, by torch.compile, by Lightning, by hand.
WRAPPERS = ("module", "_orig_mod", "model", "net", "network", "state_dict")
# What PyTorch calls a parameter, by what TensorFlow and Keras call one that means the same.
MEANS = {
    "kernel": "weight",
    "gamma": "weight",
    "scale": "weight",
    "embeddings": "weight",
    "alpha": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
# What TensorFlow puts behind the names of variables.
_ENDS = re.compile(r"(/\.ATTRIBUTES/VARIABLE_VALUE|:\d+)$")


def common_prefix(names: Sequence[str]) -> str:
    """The prefix of a wrapper that every name has, such as `module.`; empty where they have none.

    >>> common_prefix(["module._orig_mod.fc.weight", "module._orig_mod.fc.bias"])
    'module._orig_mod.'
    >>> common_prefix(["fc.weight", "fc.bias"])  # the name of a layer is no wrapper's
    ''
    """
    prefix = ""
    while names:
        first = re.match(rf"({'|'.join(WRAPPERS)})[./]", names[0][len(prefix) :])
        if first is None or not all(name.startswith(prefix + first[0]) for name in names):
            break
        prefix += first[0]
    return prefix


def shown(name: str) -> str:
    """A name without what TensorFlow puts behind every variable's.

    >>> shown("dense/kernel/.ATTRIBUTES/VARIABLE_VALUE"), shown("dense/kernel:0")
    ('dense/kernel', 'dense/kernel')
    """
    return _ENDS.sub("", name)


def is_counter(name: str) -> bool:
    """Whether an entry counts the batches of a training, as PyTorch keeps it beside running statistics and Keras does not.

    >>> is_counter("bn.num_batches_tracked")
    True
    """
    return words(name)[-1:] == ("num_batches_tracked",)


def words(name: str) -> tuple[str, ...]:
    """The parts of a name as PyTorch would spell it, so that those of both frameworks can be compared.

    >>> words("block_1/bn/moving_variance:0"), words("block_1.bn.running_var")
    (('block_1', 'bn', 'running_var'), ('block_1', 'bn', 'running_var'))
    >>> words("dense/dense/kernel:0")  # Keras's HDF5 has the layer's name twice
    ('dense', 'weight')
    """
    parts = [part for part in re.split(r"[./]", shown(name)) if part]
    parts = [part for place, part in enumerate(parts) if place == 0 or part != parts[place - 1] or part.isdecimal()]
    return (*parts[:-1], MEANS.get(parts[-1], parts[-1])) if parts else ()
