"""Files of weights that are not read: each is refused with what is wrong and what to do, and nothing in one is ever run."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from tests.conftest import ROOT, run_tfpt
from tfpt_cli.checkpoints.contents import CannotRead
from tfpt_cli.workers.checkpoint import LIMITS, opened
from tfpt_cli.workers.child.weight_files import Refused, keras_file, open_file
from tfpt_cli.workers.process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def safetensors(header: Any, data: bytes = b"\0" * 16, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def entry(dtype: str = "F32", shape: Any = (2,), offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def zipped(path: Path, members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)


def npy(array: Any) -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def bomb(path: Path) -> None:
    """A `.npz` whose table of contents claims that a few bytes are 100 GB."""
    zipped(path, [("w.npy", npy(np.zeros(4)))], zipfile.ZIP_DEFLATED)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 0xFFFFFFF0)
    path.write_bytes(content)


def wrong_shape(path: Path) -> None:
    header = npy(np.zeros(4)).replace(b"(4,)", b"(9,)")
    zipped(path, [("w.npy", header)])


def twice(path: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        zipped(path, [("w.npy", npy(np.ones(2)))] * 2)


def external_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["there"] = h5py.ExternalLink("/etc/passwd.h5", "/w")


def soft_link(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["there"] = h5py.SoftLink("/nowhere")


def circle(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_group("a")["back"] = file["/"]


def virtual(path: Path) -> None:
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "w", (2,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("w", layout)


def elsewhere(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (2,), "f4", external=[("/etc/passwd", 0, 8)])


def lzf(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("w", data=np.ones(9), compression="lzf")


def vast(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("w", (1 << 33,), "f4", chunks=(1 << 20,))


def texts(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["w"] = ["a", "b"]


def index(place: str) -> bytes:
    return json.dumps({"weight_map": {"w": place}}).encode()


def folder_of(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        for name in names:
            (path / name).write_bytes(b"x")

    return make


GAP = {"w": entry(), "v": entry(offsets=(4, 12))}
TAKEN = "taken are .safetensors, .pt, .npz, .h5, .keras, a TensorFlow checkpoint and a SavedModel"
OBJECTS = "there are no weights in it (in it: 'w', Python objects, which are never unpickled)"
CASES: list[tuple[str, bytes | Callable[[Path], None], str]] = [
    ("net.pt", b"", "it is empty; copy or download it again"),
    ("net.pt", b"weights of my net\n" * 9, f"it is a text file; {TAKEN}"),
    ("net.safetensors", b"<!DOCTYPE html>", "it is a page of HTML: a download that failed, usually"),
    ("net.bin", b"version https://git-lfs.github.com/spec/v1", "it is a pointer of Git LFS, not the file itself: git lfs pull"),
    ("net.pt", b"\x89PNG\r\n\x1a\n", f"it is an image (PNG); {TAKEN}"),
    ("net.h5", b"GGUF\x03\0\0\0", f"it is a GGUF file, of llama.cpp; {TAKEN}"),
    ("net.bin", b"\x1c\0\0\0TFL3" + b"\0" * 99, f"it is a TFLite model; {TAKEN}"),
    ("net.onnx", b"\x08\x07\x12\x07pytorch", f"it is an ONNX model; {TAKEN}"),
    ("w.npy", npy(np.ones(2)), f"it is a single NumPy array (.npy), which has no name; {TAKEN}"),
    ("net.pt.gz", b"\x1f\x8b\x08", "it is packed by gzip: unpack it first"),
    ("net.h5", b"\x01\x02\x03\x04" * 9, r"it is none of the formats that are read: it begins with b'\x01\x02\x03\x04"),
    ("a.json", b'{"a": 1}', """it is JSON ({\\"a\\": 1}...) and no index of a checkpoint"""),
    ("x.index.json", b'{"a": 1}', "it has no 'weight_map', so it is no index of a checkpoint"),
    ("x.index.json", index("gone.safetensors"), "'gone.safetensors', which its index names, is not beside it; download it too"),
    ("x.index.json", index("../up.safetensors"), "it names the file '../up.safetensors', which is not one beside it"),
    ("here", folder_of(), f"it is a folder without a checkpoint in it; {TAKEN}"),
    ("here", folder_of("b.pt", "a.npz"), "it is a folder: name one of the files in it, such as 'a.npz'"),
    ("here", folder_of("saved_model.pb"), "it is a SavedModel without its folder 'variables'"),
    ("a.zip", lambda path: zipped(path, [("readme", b"")]), "it is a zip archive that holds no weights (in it: 'readme')"),
    ("a.safetensors", b"abc", "it is a text file"),
    ("a.safetensors", safetensors({"w": entry()}, b"\0" * 4), "its entry 'w' ends 4 bytes behind the end of the file"),
    ("a.safetensors", safetensors({"w": entry()}, length=999), "it ends within its header: it is cut off"),
    ("a.safetensors", safetensors({}, length=10**9), "its header claims 1,000,000,000 bytes; at most 100,000,000 are read"),
    ("a.safetensors", safetensors(b"{nothing"), "its header is not JSON"),
    ("a.safetensors", safetensors(b"{" * 99999), "its header is not JSON"),
    ("a.safetensors", safetensors({"w": entry("F99")}), "its entry 'w' has the dtype F99, which this version does not read"),
    ("a.safetensors", safetensors({"w": entry("F64")}), "its entry 'w' of F64 [2] has 8 bytes by its offsets and 16"),
    ("a.safetensors", safetensors({"w": entry(shape=[-2])}), "the header describes its entry 'w' wrongly"),
    ("a.safetensors", safetensors({"w": entry(shape=[1 << 62, 9])}), "its entry 'w' claims the shape [4611686018427387904, 9]"),
    ("a.safetensors", safetensors({"w": 3}), "the header describes its entry 'w' wrongly: 3"),
    ("a.safetensors", safetensors(GAP), "its entries 'w' and 'v' overlap: its header is wrong"),
    ("a.safetensors", safetensors(b'{"w": 1, "w": 2}'), "it has the entry 'w' twice; write it again with each name once"),
    ("a.safetensors", safetensors({}), "there are no weights in it"),
    ("a.npz", lambda path: np.savez(path, w=np.array([None, {}])), OBJECTS),
    ("a.npz", lambda path: zipped(path, [("w.npy", b"no header")]), "it is damaged or cut off (reading the header of 'w'"),
    ("a.npz", twice, "it has the entry 'w.npy' twice"),
    ("a.npz", bomb, "its member 'w.npy' claims to unpack "),
    ("a.npz", wrong_shape, "its entry 'w' of float64 [9] needs 200 bytes and has 160"),
    ("a.keras", lambda path: zipped(path, [("config.json", b"{}"), ("metadata.json", b"{}")]), "it has no model.weights.h5"),
    ("a.h5", external_link, "'there' in it is a link to another file ('/etc/passwd.h5'), which is not followed"),
    ("a.h5", soft_link, "'there' in it is a soft link (to '/nowhere'), which is not followed"),
    ("a.h5", circle, "its groups contain each other in a circle"),
    ("a.h5", virtual, "'w' in it is put together from other files; write the file again with everything in it"),
    ("a.h5", elsewhere, "the numbers of 'w' are in another file ('/etc/passwd')"),
    ("a.h5", lzf, "'w' in it is packed by the HDF5 filter 32000, which is not run; write it with gzip"),
    ("a.h5", vast, "'w' in it claims 34,359,738,368 bytes, of which 0 are stored"),
    ("a.h5", texts, "there are no weights in it (in it: 'w', no array of numbers)"),
    ("a.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 99, "it is damaged or cut off (opening it: "),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "words"), CASES, ids=[f"{case[0]}-{case[2][:40]}" for case in CASES])
def test_what_needs_no_framework_is_refused(
    tmp_path: Path, name: str, content: bytes | Callable[[Path], None], words: str
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        content(path)
    with pytest.raises(Refused) as refused:
        open_file(str(path))
    assert words in str(refused.value)


SAVE = "torch.save(model.state_dict(), FILE) where the file can be trusted"
FRAMEWORK_CASES = [
    ("whole.pt", "it is a whole pickled nn.Module (torch.nn.modules.container.Sequential), which is code"),
    ("whole.pt", f"and is not loaded; {SAVE}"),
    ("evil.pt", "it holds the global io.open, which a file of tensors does not need"),
    ("own.pt", "it holds the global __main__.Own, which a file of tensors does not need"),
    ("script.pt", "it is a TorchScript program, which is code and is not run"),
    ("tensor.pt", "it holds a single tensor without a name; save a dict: {'name': tensor}"),
    ("list.pt", "it holds a list, no dict of tensors"),
    ("none.pt", "there are no weights in it (in it: 'epoch', int 3)"),
    ("plain.pkl", "it holds the global posix.system, which a file of tensors does not need"),
    ("other.pkl", "it is a pickle that torch.save did not write (Unsupported operand 149)"),
    ("cut.pt", "it is damaged or cut off"),
    ("cut-old.pt", "PyTorch cannot read it: it is damaged or cut off"),
    ("no-data/model.ckpt", "its numbers are missing: there is no file '.data-00000-of-00001' beside the index"),
    ("cut-index/model.ckpt", "it is damaged or cut off (reading its index"),
    ("gone.pt", "there is no such file"),
    ("circle.pt", "it is a link that leads nowhere, or to itself"),
    ("nets.pt", "there is no such file, did you mean '"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "words"), FRAMEWORK_CASES)
def test_what_needs_a_framework_is_refused(weights: Path, file: str, words: str) -> None:
    (weights / "circle.pt").unlink(missing_ok=True)
    (weights / "circle.pt").symlink_to("circle.pt")
    (weights / "plain.pkl").write_bytes(pickle.dumps(System(), protocol=2))
    (weights / "other.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=4))
    (weights / "cut.pt").write_bytes((weights / "net.pt").read_bytes()[:-99])
    (weights / "cut-old.pt").write_bytes((weights / "old.pt").read_bytes()[:-99])
    for name, keep in (("no-data", None), ("cut-index", 60)):
        (weights / name).mkdir(exist_ok=True)
        index_file = (weights / "tf2" / "model.ckpt-1.index").read_bytes()
        (weights / name / "model.ckpt.index").write_bytes(index_file[:keep])
    (weights / "cut-index" / "model.ckpt.data-00000-of-00001").write_bytes(b"")
    done = run_tfpt("inspect", weights / file, cwd=weights)
    assert done.code == 2
    assert words in done.err
    assert done.err.startswith(f"tfpt inspect: {weights / file}: ")
    assert done.err.count("\n") == 1
    assert not (weights / "evil was run").exists()


class System:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch 'evil was run'",)


def test_a_claim_beyond_the_file_is_refused_when_it_is_read(weights: Path) -> None:
    with opened(str(weights / "vast.pt")) as (checkpoint,), pytest.raises(CannotRead) as error:
        checkpoint.read("w")
    assert error.value.problem == "its entry 'w' claims 2,147,483,648 bytes, which the file does not have"


def test_a_cut_checkpoint_is_refused_when_it_is_read(weights: Path, tmp_path: Path) -> None:
    for file in (weights / "tf1").iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[:-2] if ".data-" in file.name else content)
    with opened(str(tmp_path)) as (checkpoint,), pytest.raises(CannotRead) as error:
        checkpoint.read("half")
    assert "it is damaged or cut off (reading 'half'" in error.value.problem


def test_memory_and_time_have_a_limit(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", w=np.zeros(30_000_000))
    limited = Limits(timeout=LIMITS.timeout, memory=0.1)
    with opened(str(tmp_path / "a.npz"), limits=limited) as (checkpoint,), pytest.raises(CannotRead) as error:
        checkpoint.statistics("w")
    assert error.value.fix == "allow more with --memory"


def packed_keras(path: Path, size: int = 30_000) -> None:
    """A `.keras` archive whose weights are packed, as no Keras writes them: so many bytes, nearly all zeros."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file["w"] = np.arange(6.0)
        file["zeros"] = np.zeros(size, np.uint8)
    members = [("config.json", b"{}"), ("metadata.json", b"{}"), ("model.weights.h5", stream.getvalue())]
    zipped(path, members, zipfile.ZIP_DEFLATED)


def test_packed_weights_are_unpacked_as_far_as_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.keras"
    packed_keras(path)
    with open_file(str(path)) as reader:
        assert reader.read("w").tolist() == [0, 1, 2, 3, 4, 5]
    monkeypatch.setattr(keras_file, "MOST_UNPACKED", 20_000)
    with pytest.raises(
        Refused, match=r"its model\.weights\.h5 has [3-9]\d,\d{3} bytes, packed to .*room to unpack 20,000 in /"
    ) as error:
        open_file(str(path))
    assert error.value.fix == "write the archive without packing (zip -0), which is read where it lies"
    monkeypatch.undo()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=40_000))
    with pytest.raises(Refused, match=r"there is room to unpack 20,000 in /"):
        open_file(str(path))


def test_an_archive_that_would_fill_the_disk_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """It claims 4.2 GB of 25 MB, which is less than deflate can do."""
    path = tmp_path / "a.keras"
    zipped(
        path,
        [("model.weights.h5", random.Random(0).randbytes(25_000_000)), ("metadata.json", b"{}")],
        zipfile.ZIP_DEFLATED,
    )
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 4_294_967_200)
    path.write_bytes(content)
    before = shutil.disk_usage(tempfile.gettempdir()).free
    with pytest.raises(Refused, match=r"its model\.weights\.h5 has 4,294,967,200 bytes") as error:
        open_file(str(path))
    assert "zip -0" in error.value.fix
    assert before - shutil.disk_usage(tempfile.gettempdir()).free < 2**30


def test_an_archive_that_holds_more_than_it_claims_is_not_unpacked_beyond_that(tmp_path: Path) -> None:
    path = tmp_path / "a.keras"
    packed_keras(path, 3_000_000)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"PK\x01\x02") + 24
    content[at : at + 4] = struct.pack("<I", 10_000)
    path.write_bytes(content)
    with pytest.raises(Refused, match=r"it is damaged or cut off \(unpacking model\.weights\.h5: Bad CRC-32"):
        open_file(str(path))


def test_a_disk_that_is_full_while_an_archive_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.BytesIO):
        def write(self, _: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "a.keras"
    packed_keras(path)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(Refused, match=r"there is room to unpack 0 in /.*zip -0"):
        open_file(str(path))


def test_the_inside_that_is_not_there(weights: Path) -> None:
    done = run_tfpt("inspect", "two.pt", "--inside", "emma", cwd=weights)
    assert done.code == 2
    assert "it has no dict of tensors 'emma' (it has: ema, model)" in done.err
    done = run_tfpt("inspect", "net.npz", "--inside", "ema", cwd=weights)
    assert "only a file of PyTorch has dicts inside" in done.err


@pytest.mark.parametrize("files", [[], ["a", "b", "c"]])
def test_one_file_or_two(files: list[str]) -> None:
    done = run_tfpt("inspect", *files)
    assert done.code == 2
    assert f"{len(files)} files are given: one is listed, two are laid side by side" in done.err


@pytest.mark.parametrize("name", ["net.pt", "old.pt", "net.h5", "net.keras"])
def test_damaged_files_of_libraries_are_refused_or_read(weights: Path, tmp_path: Path, name: str) -> None:
    """In a process of their own, as tfpt reads them: what the library crashes over ends that process, and not tfpt."""
    look = (
        "import random, sys; sys.path.insert(0, sys.argv[1])\n"
        "from weight_files import Refused, open_file\n"
        "content, path = open(sys.argv[2], 'rb').read(), sys.argv[3]\n"
        "chance = random.Random(0)\n"
        "for round in range(60):\n"
        "    broken = bytearray(content[:chance.randrange(len(content))] if round % 2 else content)\n"
        "    for _ in range(round // 2 % 6):\n"
        "        broken[chance.randrange(min(len(broken), 4000) or 1) % (len(broken) or 1) :][:1] = b''\n"
        "        if broken: broken[chance.randrange(len(broken))] = chance.randrange(256)\n"
        "    open(path, 'wb').write(broken)\n"
        "    try:\n"
        "        with open_file(path) as reader:\n"
        "            for entry in reader.entries: reader.read(entry.name)\n"
        "    except Refused: pass\n"
        "print('done')\n"
    )
    readers = ROOT / "tfpt_cli" / "workers" / "child"
    command = [sys.executable, "-c", look, str(readers), str(weights / name), str(tmp_path / name)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.stdout == "done\n" or done.returncode < 0
