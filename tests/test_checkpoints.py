"""Files of weights: every format as the frameworks write it, what is no weight, and the pairs of two files."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import pkgutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from safetensors.numpy import save_file

from tests.weight_files import NAMES
from tfpt_cli.checkpoints.contents import Contents, Entry
from tfpt_cli.checkpoints.differences import Apart, apart, turned
from tfpt_cli.checkpoints.names import common_prefix
from tfpt_cli.checkpoints.pairing import paired
from tfpt_cli.workers.checkpoint import Checkpoint, opened
from tfpt_cli.workers.child import weight_files
from tfpt_cli.workers.child.weight_files import Refused, open_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


OPTIMIZER, COUNTER = "state of the optimizer", "a counter of the training"


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
    weights: Path, truth: dict[str, NDArray[Any]], file: str, format_: str, inside: str, prefix: str
) -> None:
    with read(weights / file) as checkpoint:
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
    weights: Path, truth: dict[str, NDArray[Any]], file: str, format_: str, called: tuple[str, ...]
) -> None:
    with read(weights / file) as checkpoint:
        contents = checkpoint.contents
        assert contents.format == format_
        assert len(contents.entries) == len(NAMES)
        for entry in contents.entries:
            own = NAMES[called.index(entry.called) if called else KERAS.index(entry.name.partition("/")[2])]
            assert np.array_equal(checkpoint.read(entry.name), keras_axes(truth[own]))
        left = {each.what for each in contents.left_out}
        assert (OPTIMIZER in left) == (file != "saved")


def test_the_order_is_that_of_the_model(weights: Path) -> None:
    with read(weights / "net.keras") as keras, read(weights / "net.h5") as legacy:
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
    weights: Path, file: str, inside: str, names: int, left_out: dict[str, str]
) -> None:
    with read(weights / file, inside) as checkpoint:
        assert len(checkpoint.contents.entries) == names
        found = {each.name: each.what for each in checkpoint.contents.left_out}
        assert {name: found[name] for name in left_out} == left_out
        if inside:
            assert checkpoint.contents.inside == inside


@pytest.mark.parametrize("file", ["half.pt", "half.safetensors"])
def test_bfloat16(weights: Path, truth: dict[str, NDArray[Any]], file: str) -> None:
    with read(weights / file) as checkpoint:
        array = checkpoint.read("stem.weight")
    assert array.dtype == ml_dtypes.bfloat16
    assert np.array_equal(array, truth["stem.weight"].astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize("file", ["eighth.pt", "eighth.safetensors"])
def test_float8(weights: Path, file: str) -> None:
    with read(weights / file) as checkpoint:
        arrays = [checkpoint.read(name) for name in ("w", "v")]
    assert [array.dtype.name for array in arrays] == ["float8_e4m3fn", "float8_e5m2"]
    assert all((array.astype(float) == 1).all() for array in arrays)


def test_the_order_of_bytes_is_that_of_the_machine(tmp_path: Path) -> None:
    array = np.array([[1, 2, 3]], ">f4")
    np.savez(tmp_path / "a.npz", w=array.T)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["w"] = array.T
    for name in ("a.npz", "a.h5"):
        with read(tmp_path / name) as checkpoint:
            assert checkpoint.read("w").tolist() == [[1], [2], [3]]
            assert checkpoint.statistics("w").mean == 2


def test_layers_of_older_keras(tmp_path: Path) -> None:
    """Without a group `model_weights`, names as bytes, in the order that the file lists."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["layer_names"] = [b"z", b"a"]
        for layer in ("z", "a"):
            names = [f"{layer}/kernel:0".encode(), f"{layer}/bias:0".encode()]
            file.create_group(layer).attrs["weight_names"] = names
            for name in names:
                file[layer][name.decode()] = np.ones(2)
    with read(tmp_path / "a.h5") as checkpoint:
        contents = checkpoint.contents
    assert contents.format == "Keras's HDF5 of layers"
    assert contents.names == ["z/z/kernel:0", "z/z/bias:0", "a/a/kernel:0", "a/a/bias:0"]


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


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (np.array(3.0), np.array(3.0), Apart("", 0.0, same=True)),
        (np.array([1, np.nan]), np.array([1, np.nan]), Apart("", 0.0, same=True)),
        (np.array([1, np.nan]), np.array([1, 2.0]), Apart("", np.inf, same=False)),
        (np.array([2**60]), np.array([2**60 + 1]), Apart("", 0.0, same=False)),
        (
            np.array([0.1, 3], np.float32),
            np.array([0.1, 3], np.float16),
            Apart("", 2.44140625e-05, same=True, rounded=True),
        ),
        (np.array([0.1, 3], np.float32), np.array([0.2, 3], np.float16), Apart("", 0.09987793117761612, same=False)),
        (np.ones((2, 3)), np.ones((3, 2)), Apart("out in -> in out", 0.0, same=True)),
        (np.arange(6.0).reshape(1, 6, 1, 1), np.arange(6.0).reshape(1, 1, 6, 1), None),
        (np.ones((2, 3)), np.ones((4, 2)), None),
    ],
)
def test_how_far_two_arrays_are_apart(first: Any, second: Any, expected: Apart | None) -> None:
    found = apart(first, second)
    if expected is None:
        assert found is None or found.layout
    else:
        assert found is not None
        assert found.largest == pytest.approx(expected.largest, rel=1e-3)
        assert (found.layout, found.same, found.rounded) == (expected.layout, expected.same, expected.rounded)


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4), (2, 3, 4, 5), (5, 1, 3, 3), (2, 3, 4, 5, 6)])
def test_every_layout_leads_back(shape: tuple[int, ...]) -> None:
    """What Keras's layout makes of PyTorch's array is told from its numbers, both ways."""
    array = np.random.default_rng(0).normal(size=shape)
    orders: dict[int, list[tuple[int, ...]]] = {2: [(1, 0)], 3: [(2, 1, 0)], 5: [(2, 3, 4, 1, 0)]}
    for order in orders.get(len(shape), [(2, 3, 1, 0), (2, 3, 0, 1)]):
        keras = array.transpose(order)
        there, back = apart(array, keras), apart(keras, array)
        assert there is not None
        assert back is not None
        assert there.same
        assert back.same
        assert np.array_equal(turned(array, there.layout), keras)


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


def test_the_examples_of_the_readers_are_what_happens() -> None:
    for module in pkgutil.iter_modules(weight_files.__path__):
        if module.name not in ("torch_file", "tensorflow_file"):
            loaded = importlib.import_module(f"{weight_files.__name__}.{module.name}")
            assert doctest.testmod(loaded).failed == 0
