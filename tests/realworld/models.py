"""Tiny models of transformers in both frameworks, by the name of their architecture: what the scenarios name as their code.

They are randomly initialised from a configuration alone: nothing is loaded. `changes` are settings other than the table's.
"""

from __future__ import annotations

from typing import Any

import transformers
from architectures import ARCHITECTURES  # beside this file


def torch_model(name: str, **changes: Any) -> Any:
    """An architecture of the table as a module of PyTorch: `torch_model('bert', layer_norm_eps=1e-5)`."""
    return _made("", name, changes).eval()


def keras_model(name: str, **changes: Any) -> Any:
    """An architecture of the table as a model of tf_keras."""
    return _made("TF", name, changes)


def _made(prefix: str, name: str, changes: dict[str, Any]) -> Any:
    architecture = ARCHITECTURES[name]
    kind = getattr(transformers, f"{prefix}{architecture.stem}{architecture.model}")
    return kind(kind.config_class(**{**architecture.settings, **changes}))
