"""`tfpt inspect` as a person calls it: one file, two files, 80 and 160 columns, JSON, and the memory that it takes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import ROOT, run_tfpt

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SAME = "the same weights: 10 pairs (10 identical)"
ROUNDED = "the same weights: 10 pairs (10 the same but for the rounding of their dtypes)"
OTHER = "different weights: 10 pairs (8 identical, 1 with other numbers, 1 whose shapes do not fit); 1 only in A; 1 only in B"


@pytest.mark.parametrize(
    ("files", "code", "last", "lines"),
    [
        (["net.pt"], 0, "11 entries, 159 parameters, 640 B", ["stem.weight (4, 3, 3, 3) float32 {mean:.4g} {std:.4g}"]),
        (["net.pth", "net.keras"], 0, SAME, ["stem.weight stem/0 h w in out"]),
        (["net.safetensors", "tf2"], 0, SAME, ["out.weight out/kernel in out"]),
        (["half.pt", "net.h5"], 0, ROUNDED, ["stem.weight stem/stem/kernel rounded"]),
        (
            ["net.npz", "other.npz"],
            1,
            OTHER,
            ["bn.bias bn.bias (4,) 1", "(4,) and (5,)", "only in A: out.bias", "more (3,)"],
        ),
        (["net.npz", "renamed.npz"], 0, SAME.replace("10", "11"), ["stem.weight a0 numbers identical"]),
    ],
)
def test_the_command(
    weights: Path, truth: dict[str, NDArray[Any]], files: list[str], code: int, last: str, lines: list[str]
) -> None:
    other: Any = dict(truth, more=np.ones(3))
    other |= {"bn.bias": truth["bn.bias"] + [0, 1, 0, 0], "bn.weight": np.ones(5, np.float32)}
    del other["out.bias"]
    np.savez(weights / "other.npz", **other)
    renamed: Any = {f"a{place}": truth[name] for place, name in enumerate(reversed(truth))}
    np.savez(weights / "renamed.npz", **renamed)
    for columns in ("80", "160"):
        done = run_tfpt("inspect", *files, cwd=weights, environment={"COLUMNS": columns})
        assert done.code == code, done.err
        assert max(map(len, done.out.splitlines())) <= int(columns)
        assert " ".join(done.out.split()).endswith(last)
    stem = truth["stem.weight"]
    printed = [" ".join(line.split()) for line in done.out.splitlines()]
    for line in lines:
        wanted = line.format(mean=stem.mean(dtype=float), std=stem.std(dtype=float)).split()
        assert any(all(word in line.split() for word in wanted) for line in printed), (wanted, done.out)
    done = run_tfpt("inspect", *files, "--format", "json", cwd=weights)
    found = done.json
    assert done.code == code
    assert [file["file"] for file in found["files"]] == files
    if len(files) == 2:
        assert found["same"] == (code == 0)
        assert len(found["pairs"]) == int(last.partition(": ")[2].split()[0])


def test_long_names_stay_apart_and_what_steers_a_terminal_is_not_printed(tmp_path: Path) -> None:
    names = [f"transformer.encoder.layers.{number}.attention.output.projection.weight" for number in range(3)]
    first: Any = {name: np.arange(9.0) + place for place, name in enumerate(names)}
    second: Any = {f"bert/encoder/layer_{number}/attention/output/dense/kernel": np.arange(9.0) for number in range(3)}
    first["\x1b[31mred\n"] = np.array([np.nan, np.inf, 1])
    np.savez(tmp_path / "a.npz", **first)
    np.savez(tmp_path / "b.npz", **second)
    for columns in (50, 80, 160):
        for files in (["a.npz"], ["a.npz", "b.npz"]):
            done = run_tfpt("inspect", *files, cwd=tmp_path, environment={"COLUMNS": str(columns)})
            lines = done.out.splitlines()
            assert max(map(len, lines)) <= columns
            assert "\x1b" not in done.out
            told = [line for line in lines if ".weight" in line or "…weight" in line]
            assert len(set(told)) == 3
    whole = run_tfpt("inspect", "a.npz", cwd=tmp_path, environment={"COLUMNS": ""})
    assert all(name in whole.out for name in names)
    assert "2 not finite" in whole.out


@pytest.mark.parametrize("name", ["large.safetensors", "large.pt"])
def test_memory_is_flat(tmp_path: Path, name: str) -> None:
    """300 MB are read with the memory that a file of nothing takes, and a few of its entries."""
    write = (
        "import sys, numpy as np, safetensors.numpy as s\n"
        "big, small = ({f'w{i}': np.full((n, 1 << 10), i, 'float32') for i in range(30)} for n in (2560, 1))\n"
        "if sys.argv[2].endswith('.pt'):\n"
        "    import torch\n"
        "    save = lambda a, p: torch.save({k: torch.tensor(v) for k, v in a.items()}, p)\n"
        "else: save = s.save_file\n"
        "save(big, sys.argv[1] + '/' + sys.argv[2]); save(small, sys.argv[1] + '/small-' + sys.argv[2])\n"
    )
    subprocess.run([sys.executable, "-c", write, str(tmp_path), name], check=True)
    assert (tmp_path / name).stat().st_size > 300_000_000
    look = (
        "import resource, subprocess, sys\n"
        "done = subprocess.run([sys.executable, '-m', 'tfpt_cli', 'inspect', sys.argv[1]], stdout=subprocess.DEVNULL)\n"
        "assert done.returncode == 0\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )

    def peak(file: str) -> int:
        command = [sys.executable, "-c", look, str(tmp_path / file)]
        return int(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)

    more = (peak(name) - peak(f"small-{name}")) / 1024
    print(f"{name}: {more:.0f} MB more")
    # The mapped pages of a .pt are given back every 256 MB, and there are 300.
    assert more < (320 if name.endswith(".pt") else 120)
