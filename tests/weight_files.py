"""One network's weights in every format, each written by its framework."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import load_file, save_file

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

LAYERS = ("stem.weight", "stem.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
NAMES = (*LAYERS, "head.weight", "head.bias", "out.weight", "out.bias")


def write_all(made: Path) -> None:
    """Writes them into a folder."""
    for framework in ("torch", "tensorflow"):
        command: list[str | Path] = [sys.executable, ROOT / "tests" / "tools" / "write_weights.py", framework, made]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
    weights = load_file(made / "net.safetensors")
    np.savez(made / "net.npz", **weights)
    np.savez_compressed(made / "packed.npz", **weights)
    sharded = made / "sharded"
    sharded.mkdir()
    places: dict[str, str] = {}
    for number, names in enumerate((NAMES[:4], NAMES[4:]), 1):
        file = f"model-{number}-of-2.safetensors"
        save_file({name: weights[name] for name in names}, sharded / file)
        places |= dict.fromkeys(names, file)
    (sharded / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))
    bins = made / "bins"
    bins.mkdir()
    (bins / "a.bin").write_bytes((made / "run.bin").read_bytes())
    places = dict.fromkeys((*NAMES, "bn.num_batches_tracked"), "a.bin")
    (bins / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
