"""Files of weights from a stranger: what `test_checkpoint_errors.py` does not have already.

Each is refused, or read as what it is, without opening another file, within seconds and within the memory that is allowed.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import resource
import struct
import subprocess
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from tests.conftest import run_tfpt
from tests.test_checkpoint_errors import entry, index, npy, safetensors, zipped
from tests.test_strangers import MEGABYTES, SECONDS, elsewhere, watched
from tfpt_cli.workers.child.weight_files import Refused, open_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def hdf5(write: Callable[[h5py.File], Any]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        with h5py.File(path, "w") as file:
            write(file)

    return make


def archive(*members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Callable[[Path], None]:
    return lambda path: zipped(path, list(members), method)


def renamed_filter(path: Path) -> None:
    """A file whose gzip is called by the number of a filter that no library has."""
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=np.ones(900), compression="gzip")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\x01\0\x08\0\x01\0\x01\0deflate", b"\x3b\x7d\x08\0\x01\0\x01\0deflate"))


def in_keras(write: Callable[[h5py.File], Any], config: Any = None) -> Callable[[Path], None]:
    """A `.keras` archive with an HDF5 file of weights, and a description of the model."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        write(file)
    members = [("model.weights.h5", stream.getvalue()), ("metadata.json", b"{}")]
    return archive(*members, ("config.json", json.dumps(config).encode()))


def encrypted(path: Path) -> None:
    zipped(path, [("w.npy", npy(np.ones(2)))])
    content = bytearray(path.read_bytes())
    for sign, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(sign) + at] |= 1
    path.write_bytes(content)


def zeros(path: Path) -> None:
    """300 MB of zeros in 300 KB."""
    zipped(path, [("w.npy", npy(np.zeros(1)) + bytes(300_000_000))], zipfile.ZIP_DEFLATED)


def shards(place: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_bytes(index(place))

    return make


def saved_model_link(path: Path) -> None:
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"\x08\x01")
    (path / "variables" / "variables.index").symlink_to("/etc/gone")


def external_group(file: h5py.File) -> None:
    file.create_group("layers/dense/vars")["0"] = h5py.ExternalLink("/etc/passwd", "/")


def reference(file: h5py.File) -> None:
    file["w"] = np.ones(2)
    file.create_dataset("r", data=file["w"].ref, dtype=h5py.ref_dtype)


OBJECTS = np.array([os.getcwd], dtype=object)
FAR = {"w": entry(shape=[1 << 30], offsets=[0, 1 << 32])}
MANY = b"{" + b",".join(b'"k%d":1' % number for number in range(400_000)) + b',"last":1,"last":2}'
DEEP = b'{"w":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
CASES: list[tuple[str, Callable[[Path], None] | bytes, str]] = [
    ("a.safetensors", safetensors(FAR), "bytes behind the end of the file: it is cut off, or its header is wrong"),
    ("a.safetensors", safetensors({"w": entry(offsets=[8, 0])}), "bytes by its offsets and"),
    ("a.safetensors", safetensors({"w": entry(offsets=[-8, 0])}), "the header describes its entry 'w' wrongly"),
    ("a.safetensors", safetensors({"w": entry(shape=[True, 2])}), "the header describes its entry 'w' wrongly"),
    ("a.safetensors", safetensors({"w": entry(shape=[2.0])}), "the header describes its entry 'w' wrongly"),
    ("a.safetensors", safetensors({"w": entry(shape=[10**400])}), "claims the shape"),
    ("a.safetensors", safetensors({"w": entry(dtype="__class__")}), "has the dtype __class__, which this version"),
    ("a.safetensors", safetensors({"w": {**entry(), "dtype": ["F32"]}}), "the header describes its entry 'w' wrongly"),
    ("a.safetensors", safetensors({"w": entry(), "v": entry()}), "its entries 'v' and 'w' overlap"),
    ("a.safetensors", safetensors(b"[" * 5), "its header is not JSON"),
    ("a.safetensors", safetensors(DEEP), "its header is not JSON"),
    ("a.safetensors", safetensors(MANY), "it has the entry 'last' twice"),
    ("a.safetensors", struct.pack("<Q", 2**63) + b"{}", "its header claims 9,223,372,036,854,775,808 bytes"),
    ("a.safetensors", safetensors({"w": entry()}, length=2), "its header is not JSON"),
    ("a.npz", lambda path: np.savez(path, w=OBJECTS), "'w', Python objects, which are never unpickled"),
    ("a.npz", archive(("w.npy", npy(np.ones(2)).replace(b"<f8", b"|O8"))), "Python objects, which are never unpickled"),
    ("a.npz", archive(("w.npy", npy(np.ones(2)).replace(b"(2,)", b"f()."))), "it is damaged or cut off"),
    ("a.npz", archive(("w.npy", npy(np.ones(2)).replace(b"(2,), }", b"(-2,),}"))), "Refused"),
    ("a.npz", archive(("../../w.npy", b"x")), "it is damaged or cut off (reading the header of '../../w'"),
    ("a.npz", archive(("w.npy", b"x"), method=zipfile.ZIP_BZIP2), "is packed by another method than deflate"),
    ("a.npz", encrypted, "its member 'w.npy' is encrypted"),
    ("a.npz", zeros, "claims to unpack 29"),
    ("a.npz", archive(("w.npy", b"\x80\x04c__builtin__\neval\n.")), "it is damaged or cut off"),
    ("a.h5", hdf5(external_group), "'0' in it is a link to another file ('/etc/passwd'), which is not followed"),
    ("a.h5", hdf5(lambda file: file.__setitem__("w", h5py.SoftLink("/w"))), "is a soft link (to '/w')"),
    ("a.h5", hdf5(lambda file: file.create_dataset("w", (9,), "f4", external="other")), "are in another file ('other')"),
    ("a.h5", hdf5(reference), "READ"),
    ("a.h5", hdf5(lambda file: file.create_dataset("w", (1 << 14, 1 << 14), "f8")), "of which 0 are stored"),
    ("a.h5", hdf5(lambda file: file.create_dataset("w", data=b"x" * 9)), "no array of numbers"),
    ("a.h5", hdf5(lambda file: file.create_dataset("9" * 5000, data=[1.0])), "it is damaged or cut off"),
    ("a.h5", renamed_filter, "is packed by the HDF5 filter 32059, which is not run; write it with gzip"),
    ("a.keras", in_keras(external_group), "is a link to another file ('/etc/passwd'), which is not followed"),
    ("a.keras", in_keras(h5py.File.flush, {"class_name": "Lambda", "module": "os"}), "there are no weights in it"),
    ("a.keras", archive(("config.json", DEEP), ("metadata.json", b"{}"), ("model.weights.h5", b"x")), "is damaged"),
    ("a.keras", archive(("model.weights.h5", b"/etc/passwd"), ("metadata.json", b"")), "it is damaged or cut off"),
    ("x.index.json", shards("/etc/passwd"), "it names the file '/etc/passwd', which is not one beside it"),
    ("x.index.json", shards("../../etc/passwd"), "it names the file '../../etc/passwd', which is not one beside it"),
    ("x.index.json", shards(".."), "it names the file '..', which is not one beside it"),
    ("x.index.json", shards("a\0b"), "is not beside it"),
    ("x.index.json", shards("x.index.json"), "it names the file 'x.index.json', which would be an index itself"),
    ("x.index.json", DEEP, "it is no JSON"),
    ("saved", saved_model_link, "it is a SavedModel without its folder 'variables'"),
    ("pipe.pt", lambda path: os.mkfifo(path), "it is no regular file"),
    ("a.pkl", b"cos\nsystem\n(S'id'\ntR.", "it is a text file"),
]  # fmt: skip


def named(case: Any) -> str:
    return case[:40] if isinstance(case, str) else ""


@pytest.mark.parametrize(("name", "content", "words"), CASES, ids=named)
def test_a_file_from_a_stranger(name: str, content: Callable[[Path], None] | bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    before = sorted(os.listdir(tmp_path))
    began, used = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with watched() as seen:
        said = read_through(path)
    assert words in said
    assert elsewhere([event for event in seen if "HDF5_PLUGIN_PRELOAD" not in event], tmp_path) == []
    assert sorted(os.listdir(tmp_path)) == before
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) / 1024 < MEGABYTES


def read_through(path: Path) -> str:
    """What is said of a file whose numbers are all read, `READ` where nothing is."""
    try:
        with open_file(str(path)) as reader:
            for each in reader.entries:
                reader.read(each.name)
    except Refused as refused:
        return f"{refused} (Refused)"
    return "READ"


class Calls:
    """What calls a function when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def of_torch(path: Path, payload: Any) -> None:
    """A file as `torch.save` writes one, with a pickle of one's own in it."""
    pickled = payload if isinstance(payload, bytes) else pickle.dumps(payload, protocol=2)
    zipped(path, [("net/data.pkl", pickled), ("net/version", b"3\n"), ("net/byteorder", b"little")])


def holding_itself() -> dict[str, Any]:
    held: dict[str, Any] = {}
    held.update({f"k{number}": held for number in range(60)})
    return held


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"w": Calls(os.mkdir, "made")}, "it holds the global posix.mkdir, which a file of tensors does not need"),
        ({"w": Calls(eval, "__import__('os').mkdir('made')")}, "it holds the global eval"),
        ({"w": Calls(getattr, pytest.fail, "__globals__")}, "it holds the global getattr"),
        ({"w": Calls(bytearray, 1 << 44)}, "PyTorch cannot read it"),
        (b"\x80\x02ctorch.hub\nload\nX\x01\0\0\0xX\x01\0\0\0y\x86R.", "it holds the global torch.hub.load"),
        (b"\x80\x02ctorch.serialization\nos.mkdir\nX\x04\0\0\0made\x85R.", "it holds the global torch.serialization.os"),
        (b"\x80\x02cos\nmkdir\nX\x04\0\0\0made\x85R.", "it holds the global os.mkdir"),
        (b"\x80\x02" + b"(" * 200_000 + b".", "PyTorch cannot read it"),
        (b"\x80\x02X\xff\xff\xff\x7f.", "PyTorch cannot read it"),
        (holding_itself(), "there are no weights in it"),
    ],
    ids=range(10),
)  # fmt: skip
def test_a_pickle_from_a_stranger(payload: Any, words: str, tmp_path: Path) -> None:
    of_torch(tmp_path / "net.pt", payload)
    done = run_tfpt("inspect", "net.pt", cwd=tmp_path, timeout=60)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["net.pt"]


def test_dicts_that_hold_each_other_and_a_tensor(tmp_path: Path) -> None:
    script = (
        "import torch\nd = {'w': torch.ones(2)}\nd.update({f'k{n}': d for n in range(60)})\ntorch.save(d, 'net.pt')\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    done = run_tfpt("inspect", "net.pt", cwd=tmp_path, timeout=60)
    assert done.code == 2
    assert "it has more than 10,000 dicts of tensors in it, or they hold each other" in done.err
