"""Files of weights: every format as the frameworks write it, what is no weight, pairs of two files, and memory."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import json
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors.numpy import load_file, save_file

from tests.conftest import ROOT, run_tfpt
from tfpt_cli.checkpoints.contents import Contents, Entry
from tfpt_cli.checkpoints.names import common_prefix
from tfpt_cli.checkpoints.pairing import paired
from tfpt_cli.workers.checkpoint import Checkpoint, opened
from tfpt_cli.workers.child import weight_files
from tfpt_cli.workers.child.weight_files import Refused, open_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LAYERS = ("stem.weight", "stem.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var")
NAMES = (*LAYERS, "head.weight", "head.bias", "out.weight", "out.bias")
OPTIMIZER, COUNTER = "state of the optimizer", "a counter of the training"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network's weights in every format, each written by its framework."""
    made = tmp_path_factory.mktemp("weights")
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
    return made


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, NDArray[Any]]:
    """The numbers of the network by PyTorch's names, as the library of safetensors reads them."""
    weights: dict[str, NDArray[Any]] = load_file(folder / "net.safetensors")
    return weights


@contextlib.contextmanager
def read(path: Path, inside: str = "") -> Iterator[Checkpoint]:
    with opened(str(path), inside=inside) as (checkpoint,):
        yield checkpoint


def keras_axes(array: NDArray[Any]) -> NDArray[Any]:
    axes = {4: (2, 3, 1, 0), 2: (1, 0)}
    return array.transpose(axes[array.ndim]) if array.ndim in axes else array


KERAS = (
    *("stem/kernel", "stem/bias", "bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"),
    *("head/kernel", "head/bias", "out/kernel", "out/bias"),
)
NUMBERED = ("stem/0", "stem/1", "bn/0", "bn/1", "bn/2", "bn/3", "head/0", "head/1", "out/0", "out/1")


@pytest.mark.parametrize(
    ("file", "format_", "inside", "prefix"),
    [
        ("net.safetensors", "safetensors", "", ""),
        ("net.npz", "NumPy .npz", "", ""),
        ("packed.npz", "NumPy .npz", "", ""),
        ("sharded", "safetensors, 2 files", "", ""),
        ("sharded/model.safetensors.index.json", "safetensors, 2 files", "", ""),
        ("bins", "PyTorch, 1 file", "", ""),
        ("net.pt", "PyTorch", "", ""),
        ("net.pth", "PyTorch", "", "module._orig_mod."),
        ("old.pt", "PyTorch", "", ""),
        ("run.ckpt", "PyTorch", "state_dict", ""),
        ("run.bin", "PyTorch", "model_state_dict", ""),
    ],
)
def test_what_pytorch_names_is_read(
    folder: Path, truth: dict[str, NDArray[Any]], file: str, format_: str, inside: str, prefix: str
) -> None:
    with read(folder / file) as checkpoint:
        contents = checkpoint.contents
        assert (contents.format, contents.inside, common_prefix(contents.names)) == (format_, inside, prefix)
        assert {name.removeprefix(prefix) for name in contents.names} >= set(NAMES)
        for entry in contents.entries:
            array, right = checkpoint.read(entry.name), truth[entry.name.removeprefix(prefix)]
            assert (array.shape, array.dtype.name) == (entry.shape, entry.dtype)
            assert np.array_equal(array, right)
            assert entry.bytes == right.nbytes
            found = checkpoint.statistics(entry.name)
            assert [found.mean, found.std] == pytest.approx([right.mean(dtype=float), right.std(dtype=float)])
            assert [found.least, found.greatest, found.not_finite] == [right.min(), right.max(), 0]


@pytest.mark.parametrize(
    ("file", "format_", "called"),
    [
        ("net.keras", "Keras's .keras", NUMBERED),
        ("net.weights.h5", "Keras's .weights.h5", NUMBERED),
        ("net.h5", "Keras's HDF5 of layers", ()),
        ("saved", "SavedModel", KERAS),
        ("tf2", "TensorFlow checkpoint", KERAS),
        ("tf2/model.ckpt-1", "TensorFlow checkpoint", KERAS),
        ("tf2/model.ckpt-1.index", "TensorFlow checkpoint", KERAS),
    ],
)
def test_what_keras_names_is_read(
    folder: Path, truth: dict[str, NDArray[Any]], file: str, format_: str, called: tuple[str, ...]
) -> None:
    with read(folder / file) as checkpoint:
        contents = checkpoint.contents
        assert contents.format == format_
        assert len(contents.entries) == len(NAMES)
        for entry in contents.entries:
            own = NAMES[called.index(entry.called) if called else KERAS.index(entry.name.partition("/")[2])]
            assert np.array_equal(checkpoint.read(entry.name), keras_axes(truth[own]))
        left = {each.what for each in contents.left_out}
        assert (OPTIMIZER in left) == (file != "saved")


def test_the_order_is_that_of_the_model(folder: Path) -> None:
    with read(folder / "net.keras") as keras, read(folder / "net.h5") as legacy:
        assert tuple(entry.called for entry in keras.contents.entries) == NUMBERED
        assert [name.partition("/")[2] for name in legacy.contents.names] == list(KERAS)


@pytest.mark.parametrize(
    ("file", "inside", "names", "left_out"),
    [
        ("run.bin", "", 11, {"epoch": "int 3", "optimizer": OPTIMIZER, "note": "str best", "rng": "a tensor beside the weights"}),
        ("two.pt", "", 21, {}),
        ("two.pt", "ema", 10, {}),
        ("deep.pt", "", 2, {}),
        ("odd.pt", "", 1, {"s": "a sparse or nested tensor", "m": "a tensor without numbers (device meta)"}),
        ("tf1", "", 2, {"global_step": COUNTER, "dense/kernel/Adam": OPTIMIZER, "beta1_power": COUNTER}),
    ],
)  # fmt: skip
def test_what_is_no_weight_is_listed_and_left_out(
    folder: Path, file: str, inside: str, names: int, left_out: dict[str, str]
) -> None:
    with read(folder / file, inside) as checkpoint:
        assert len(checkpoint.contents.entries) == names
        found = {each.name: each.what for each in checkpoint.contents.left_out}
        assert {name: found[name] for name in left_out} == left_out
        if inside:
            assert checkpoint.contents.inside == inside


@pytest.mark.parametrize("file", ["half.pt", "half.safetensors"])
def test_bfloat16(folder: Path, truth: dict[str, NDArray[Any]], file: str) -> None:
    with read(folder / file) as checkpoint:
        array = checkpoint.read("stem.weight")
    assert array.dtype == ml_dtypes.bfloat16
    assert np.array_equal(array, truth["stem.weight"].astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize("file", ["eighth.pt", "eighth.safetensors"])
def test_float8(folder: Path, file: str) -> None:
    with read(folder / file) as checkpoint:
        arrays = [checkpoint.read(name) for name in ("w", "v")]
    assert [array.dtype.name for array in arrays] == ["float8_e4m3fn", "float8_e5m2"]
    assert all((array.astype(float) == 1).all() for array in arrays)


SAFE = (
    "bool",
    *(f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)),
    "float16",
    "float32",
    "float64",
)
ARRAYS = st.dictionaries(
    st.text(
        st.characters(min_codepoint=33, exclude_characters="/\\", exclude_categories=["Cs"]), min_size=1, max_size=9
    ),
    st.sampled_from(SAFE).flatmap(
        lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, min_side=0))
    ),
    min_size=1,
    max_size=4,
)


@given(ARRAYS)
def test_arrays_come_back_as_they_were_written(arrays: dict[str, NDArray[Any]]) -> None:
    arrays = {name: array for name, array in arrays.items() if name not in ("__metadata__", "file")} or {
        "w": np.ones(1)
    }
    with tempfile.TemporaryDirectory() as made:
        paths = [Path(made, "x.safetensors"), Path(made, "x.npz")]
        save_file(arrays, paths[0])
        np.savez(paths[1], **arrays)  # type: ignore[arg-type]
        for path in paths:
            with open_file(str(path)) as reader:
                assert {entry.name for entry in reader.entries} == set(arrays)
                for name, array in arrays.items():
                    assert reader.read(name).dtype == array.dtype
                    assert np.array_equal(reader.read(name), array, equal_nan=array.dtype.kind == "f")


@given(st.sampled_from(["x.safetensors", "x.npz"]), st.data())
def test_damaged_files_are_refused_or_read(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made, name)
        arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(3, np.int8)}
        save_file(arrays, path) if name.endswith("s") else np.savez(path, **arrays)  # type: ignore[arg-type]
        content = bytearray(path.read_bytes())
        for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
            content[place] = data.draw(st.integers(0, 255))
        path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        read_or_refused(path)


@given(st.binary(max_size=300), st.sampled_from(["x.safetensors", "x.npz", "x.bin", "x", "x.index.json"]))
def test_random_bytes_are_refused(content: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made, name)
        path.write_bytes(content)
        found = None
        with contextlib.suppress(Refused):
            found = weight_files.find(str(path))
        if found is not None and not found.framework:
            read_or_refused(path)


def read_or_refused(path: Path) -> None:
    """Nothing else may come of a file: either all of it is read, or it is refused."""
    with contextlib.suppress(Refused), open_file(str(path)) as reader:
        for entry in reader.entries:
            assert reader.read(entry.name).shape == entry.shape


def test_entries_that_the_alphabet_orders_are_paired_by_their_roles() -> None:
    sizes = {"bn.bias": (4,), "bn.running_mean": (4,), "bn.running_var": (4,), "bn.weight": (4,)}
    torch = Contents("a", "", "", tuple(Entry(name, shape, "float32") for name, shape in sizes.items()))
    keras = Contents("b", "", "", tuple(Entry(f"layers/x/vars/{i}", (4,), "float32", f"bn/{i}") for i in range(4)))
    pairs = {pair.first.name: pair.second.called for pair in paired(torch, keras).pairs}
    assert pairs == {"bn.weight": "bn/0", "bn.bias": "bn/1", "bn.running_mean": "bn/2", "bn.running_var": "bn/3"}


def test_pairs_by_shape_and_order_without_names() -> None:
    def contents(*shapes: tuple[int, ...]) -> Contents:
        entries = [Entry(f"{len(shapes)}{place}", shape, "float32") for place, shape in enumerate(shapes)]
        return Contents("", "", "", tuple(entries))

    found = paired(contents((4, 3), (2, 2), (2, 2), (7,)), contents((3, 4), (2, 2), (2, 2), (9,), (1, 1)))
    assert [(pair.first.name, pair.second.name, pair.by) for pair in found.pairs] == [
        ("40", "50", "shape"),
        ("41", "51", "order"),
        ("42", "52", "order"),
    ]
    assert [entry.name for entry in (*found.only_first, *found.only_second)] == ["43", "53", "54"]


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
    folder: Path, truth: dict[str, NDArray[Any]], files: list[str], code: int, last: str, lines: list[str]
) -> None:
    other: Any = dict(truth, more=np.ones(3))
    other |= {"bn.bias": truth["bn.bias"] + [0, 1, 0, 0], "bn.weight": np.ones(5, np.float32)}
    del other["out.bias"]
    np.savez(folder / "other.npz", **other)
    renamed: Any = {f"a{place}": truth[name] for place, name in enumerate(reversed(truth))}
    np.savez(folder / "renamed.npz", **renamed)
    for columns in ("80", "160"):
        done = run_tfpt("inspect", *files, cwd=folder, environment={"COLUMNS": columns})
        assert done.code == code, done.err
        assert max(map(len, done.out.splitlines())) <= int(columns)
        assert " ".join(done.out.split()).endswith(last)
    stem = truth["stem.weight"]
    printed = [" ".join(line.split()) for line in done.out.splitlines()]
    for line in lines:
        wanted = line.format(mean=stem.mean(dtype=float), std=stem.std(dtype=float)).split()
        assert any(all(word in line.split() for word in wanted) for line in printed), (wanted, done.out)
    done = run_tfpt("inspect", *files, "--format", "json", cwd=folder)
    found = done.json
    assert done.code == code
    assert [file["file"] for file in found["files"]] == files
    if len(files) == 2:
        assert found["same"] == (code == 0)
        assert len(found["pairs"]) == int(last.partition(": ")[2].split()[0])


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


def test_the_examples_of_the_readers_are_what_happens() -> None:
    for module in pkgutil.iter_modules(weight_files.__path__):
        if module.name not in ("torch_file", "tensorflow_file"):
            loaded = importlib.import_module(f"{weight_files.__name__}.{module.name}")
            assert doctest.testmod(loaded).failed == 0
