"""The targets that read files of weights, each format as the process does that tfpt opens it in."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import struct
import tempfile
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.fuzz.mutation import json_text, of_bytes, of_data, of_text, text_of
from tests.fuzz.watching import BYTES, SECONDS, Target, own_folder, peak
from tfpt_cli.checkpoints.contents import contents_of
from tfpt_cli.workers.child import weight_files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

WORDS = (
    "F32",
    "F64",
    "BF16",
    "I64",
    "BOOL",
    "C64",
    "F8_E5M2",
    "U4",
    "shape",
    "dtype",
    "data_offsets",
    "__metadata__",
    "weight_map",
)


def read_file(name: str, data: bytes) -> None:
    """Opens a file of weights, takes the statistics of some entries and reads their numbers, as a process is asked to.

    What it answers must be what tfpt takes from a process, and a file that it reads must have all the numbers that it claims.
    """
    path = own_folder() / name
    path.write_bytes(data)
    request = {"path": str(path), "inside": "", "into": str(own_folder() / "numbers")}
    try:
        said = weight_files.answer({**request, "weights": "open"})
        if _refused(said):
            return
        contents = contents_of(str(path), said)
        for entry in contents.entries[:3]:
            asked = {**request, "name": entry.name}
            numbers = weight_files.answer({**asked, "weights": "statistics"})
            assert _refused(numbers) or [type(each) for each in numbers["statistics"]] == [float] * 5, numbers
            numbers = weight_files.answer({**asked, "weights": "read"})
            if not _refused(numbers):
                assert (numbers["dtype"], numbers["shape"]) == (entry.dtype, list(entry.shape)), (numbers, entry)
    finally:
        from tfpt_cli.workers.child.weight_files import serving

        for reader in serving._open.values():
            reader.close()
        serving._open.clear()


def read_apart(name: str, data: bytes) -> None:
    """`read_file` in a process of its own, which a damaged file of HDF5 may keep so long that its own limit ends it.

    That is a documented outcome. Whatever else is odd about it is done again in this process, which is watched.
    """
    pid = os.fork()
    if not pid:
        code = 1
        try:
            read_file(name, data)
            code = 0
        finally:
            os._exit(code)
    _, status, used = os.wait4(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return
    if status or used.ru_utime + used.ru_stime > SECONDS or used.ru_maxrss * 1024 > peak() + BYTES:
        read_file(name, data)


def _refused(said: dict[str, Any]) -> bool:
    """Whether an answer is a refusal, which has words for what is wrong."""
    if "refused" not in said:
        return False
    problem, fix = said["refused"]
    assert isinstance(problem, str), said
    assert problem.strip(), said
    assert isinstance(fix, str), said
    return True


# ---- safetensors and its index


def _safetensors(header: Any, numbers: bytes) -> bytes:
    text = json_text(header).encode()
    return struct.pack("<Q", len(text)) + text + numbers


HEADER: dict[str, Any] = {
    "__metadata__": {"format": "pt"},
    "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "b": {"dtype": "BF16", "shape": [3], "data_offsets": [24, 30]},
    "n": {"dtype": "I64", "shape": [], "data_offsets": [30, 38]},
    "none": {"dtype": "F8_E4M3", "shape": [0, 4], "data_offsets": [38, 38]},
    "z": {"dtype": "C64", "shape": [1], "data_offsets": [38, 46]},
}


def another_safetensors(data: bytes, random: Random) -> bytes:
    """Another file of safetensors: another header before the same numbers, or other bytes."""
    if random.random() < 0.25:
        return of_bytes(data, random)
    header: Any = HEADER
    numbers = data[8 + int.from_bytes(data[:8], "little") :][:400]
    with contextlib.suppress(ValueError, RecursionError):
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    if random.random() < 0.7:
        changed = of_data(
            header, random, [HEADER], lambda word: random.choice((*WORDS, of_text(word, random, (), WORDS)))
        )
        return _safetensors(changed, numbers or bytes(range(46)))
    text = of_text(json_text(header), random, (), WORDS).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + numbers


INDEX = {
    "metadata": {"total_size": 46},
    "weight_map": {"w": "net.safetensors", "b": "net.safetensors", "n": "net.safetensors"},
}


def read_index(data: bytes) -> None:
    """Opens a checkpoint of several files by its index, beside which one of them lies."""
    (own_folder() / "net.safetensors").write_bytes(_safetensors(HEADER, bytes(range(46))))
    read_file("net.safetensors.index.json", data)


def another_index(data: bytes, random: Random) -> bytes:
    """Another index of one: other JSON, or another text."""
    found: Any = INDEX
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(data)
    if random.random() < 0.6:
        names = (
            "w",
            "b",
            "z",
            "net.safetensors",
            "other.safetensors",
            "../net.safetensors",
            "",
            ".",
            "weight_map",
            "net.safetensors.index.json",
        )
        return json_text(of_data(found, random, [INDEX], lambda _: random.choice(names))).encode()
    return of_text(text_of(data), random, (json_text(INDEX),), WORDS).encode("utf-8", "surrogatepass")


# ---- archives


def _zipped(members: dict[str, bytes], packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED)
    return buffer.getvalue()


def _npy(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


@cache
def _arrays() -> dict[str, bytes]:
    return {
        "w.npy": _npy(np.ones((2, 3), "float32")),
        "b.npy": _npy(np.arange(3, dtype=">i8")),
        "t.npy": _npy(np.array(["a", "bc"])),
        "none.npy": _npy(np.zeros((0, 2))),
        "f.npy": _npy(np.asfortranarray(np.ones((2, 2), "complex64"))),
    }


def another_npz(data: bytes, random: Random) -> bytes:
    """Another `.npz` of one: with other members, other headers in them, or other bytes."""
    if random.random() < 0.3:
        return of_bytes(data, random)
    members = dict(random.sample(list(_arrays().items()), random.randint(1, 4)))
    name = random.choice(list(members))
    content = members[name]
    if random.random() < 0.6:
        header = content[10 : 10 + int.from_bytes(content[8:10], "little")].decode("latin-1")
        words = (
            "'descr'",
            "'fortran_order'",
            "'shape'",
            "'<f4'",
            "'|O'",
            "'<M8[ns]'",
            "'V2'",
            "'>c16'",
            "(2, 3)",
            "(-1,)",
            "True",
            "[('a', '<f4')]",
        )
        header = of_text(header, random, (), words)[:60_000]
        raw = header.encode("latin-1", "replace")
        content = (
            content[:8] + struct.pack("<H", len(raw)) + raw + content[10 + int.from_bytes(content[8:10], "little") :]
        )
    else:
        content = of_bytes(content, random)
    members[name] = content
    if random.random() < 0.2:
        members[
            random.choice(("x", "", "../x.npy", "a/b.npy", "\x00.npy", "config.json", "model.weights.h5", "a/data.pkl"))
        ] = b"{}"
    found = _zipped(members, random.random() < 0.5)
    return of_bytes(found, random) if random.random() < 0.2 else found


def another_keras(data: bytes, random: Random) -> bytes:
    """Another `.keras` archive of one: with other descriptions, an altered file of HDF5, or other bytes."""
    if random.random() < 0.3:
        return of_bytes(data, random)
    members = {"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b""}
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()[:6]}
    config: Any = {"config": {"layers": [{"config": {"name": "stem"}}, {"config": {"name": "head"}}]}}
    match random.randrange(3):
        case 0:
            members["config.json"] = json_text(
                of_data(config, random, [config], lambda word: of_text(word, random))
            ).encode()
        case 1:
            members["model.weights.h5"] = of_bytes(members.get("model.weights.h5", b""), random)
        case _ if members:
            members.pop(random.choice(list(members)))
    return _zipped(members, random.random() < 0.5)


# ---- what a framework reads


def _archives() -> list[bytes]:
    """Files of NumPy; one that is altered may look like one of PyTorch, whose import takes longer than an input may."""
    import torch  # noqa: F401

    return [_zipped(_arrays()), _zipped(_arrays(), packed=True)]


def read_torch(data: bytes) -> None:
    """Opens a file of `torch.save`."""
    import torch

    torch.set_num_threads(1)
    read_file("net.pt", data)


@cache
def _pickles() -> tuple[bytes, ...]:
    """Files of `torch.save`: of tensors, nested, of the old format, of what is no weight."""
    import torch

    tensor = torch.arange(6.0).reshape(2, 3)
    what: Sequence[Any] = (
        {"w": tensor, "b": torch.ones(3, dtype=torch.bfloat16)},
        {"model": {"w": tensor.t(), "n": torch.tensor(3)}, "optimizer": {"param_groups": []}, "epoch": 3},
        {"w": tensor.to_sparse(), "z": torch.ones(2, dtype=torch.complex64), "none": torch.zeros(0, 2)},
        tensor,
        [tensor],
        {"w": torch.quantize_per_tensor(tensor, 0.1, 0, torch.qint8)},
    )
    found = []
    for each in what:
        for new in (True, False):
            buffer = io.BytesIO()
            torch.save(each, buffer, _use_new_zipfile_serialization=new)
            found.append(buffer.getvalue())
    return tuple(found)


def another_torch(data: bytes, random: Random) -> bytes:
    """Another file of `torch.save` of one: with another pickle in the archive, or other bytes."""
    if random.random() < 0.3 or not data.startswith(b"PK"):
        return of_bytes(data if random.random() < 0.5 else random.choice(_pickles()), random)
    members: dict[str, bytes] = {}
    with contextlib.suppress(Exception), zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()[:20]}
    if not members:
        return of_bytes(data, random)
    name = next((each for each in members if each.endswith("data.pkl")), random.choice(list(members)))
    if random.random() < 0.2:
        name = random.choice(list(members))
    members[name] = of_bytes(members[name], random)
    if random.random() < 0.1:
        members.pop(random.choice(list(members)))
    return _zipped(members)


def read_tensorflow(data: bytes) -> None:
    """Opens a checkpoint of TensorFlow by its index, beside which its numbers lie."""
    folder = own_folder() / "tensorflow"
    folder.mkdir(exist_ok=True)
    (folder / "net.index").write_bytes(data)
    (folder / "net.data-00000-of-00001").write_bytes(_checkpoint()["net.data-00000-of-00001"])
    read_file("tensorflow/net.index", data)


@cache
def _checkpoint() -> dict[str, bytes]:
    """A checkpoint of TensorFlow: its files by name."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder:
        variables = {"w": tf.Variable([[1.0, 2.0]]), "n": tf.Variable(3, dtype=tf.int64)}
        tf.train.Checkpoint(**variables).write(f"{folder}/net")
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


TARGETS = (
    Target(
        "safetensors",
        partial(read_file, "net.safetensors"),
        another_safetensors,
        lambda: [_safetensors(HEADER, bytes(range(46)))],
    ),
    Target("index", read_index, another_index, lambda: [json_text(INDEX).encode()]),
    Target("npz", partial(read_file, "net.npz"), another_npz, _archives),
    Target("hdf5", partial(read_apart, "net.h5"), of_bytes, list),
    Target("keras", partial(read_apart, "net.keras"), another_keras, list),
    Target("torch", read_torch, another_torch, lambda: list(_pickles())),
    Target("tensorflow", read_tensorflow, of_bytes, lambda: [_checkpoint()["net.index"]]),
)
