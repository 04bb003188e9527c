"""Which format a file has, by its first bytes; its name decides only where those do not tell."""

from __future__ import annotations

import difflib
import glob
import json
import os
import re
import zipfile
from dataclasses import dataclass

from .entries import DAMAGED, Refused, refusing
from .sharded_file import shards_of

TORCH, TENSORFLOW = "torch", "tensorflow"


@dataclass(frozen=True)
class Found:
    """What a path leads to: the format, the path to open, and the framework whose process has to read it (empty: none)."""

    format: str
    path: str
    framework: str = ""


_HDF5 = b"\x89HDF\r\n\x1a\n"
_TAKEN = "taken are .safetensors, .pt, .npz, .h5, .keras, a TensorFlow checkpoint and a SavedModel"
# What people point to by mistake, by its first bytes, and the likely fix, where the words do not say it themselves.
_OTHERS = (
    (b"GGUF", "a GGUF file, of llama.cpp", _TAKEN),
    (b"\x89PNG", "an image (PNG)", _TAKEN),
    (b"\xff\xd8\xff", "an image (JPEG)", _TAKEN),
    (b"GIF8", "an image (GIF)", _TAKEN),
    (b"\x93NUMPY", "a single NumPy array (.npy), which has no name", _TAKEN),
    (b"\x1f\x8b", "packed by gzip: unpack it first", ""),
    (b"BZh", "packed by bzip2: unpack it first", ""),
    (b"\xfd7zXZ", "packed by xz: unpack it first", ""),
    (b"\x28\xb5\x2f\xfd", "packed by zstd: unpack it first", ""),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself: git lfs pull", ""),
    (b"%PDF", "a PDF", _TAKEN),
)


def find(path: str) -> Found:
    """What a path leads to. Raises `Refused` where there is nothing, or nothing that holds weights."""
    with refusing("looking at it"):
        return _found(path)


def _found(path: str) -> Found:
    prefix = re.sub(r"\.(index|data-\d+-of-\d+)$", "", path)
    if not os.path.isdir(path) and os.path.isfile(prefix + ".index"):
        return Found("tensorflow", prefix, TENSORFLOW)
    if os.path.isdir(path):
        return _in_folder(path)
    if os.path.islink(path) and not os.path.exists(path):
        raise Refused("it is a link that leads nowhere, or to itself")
    if not os.path.exists(path):
        raise Refused("there is no such file{}".format(_near(path)))
    if not os.path.isfile(path):
        raise Refused("it is no regular file")
    try:
        with open(path, "rb") as stream:
            head = stream.read(4096)
    except OSError as error:
        raise Refused("it cannot be opened: {}".format(error.strerror or error)) from None
    if not head:
        raise Refused("it is empty", DAMAGED)
    return _by_content(path, head)


def _by_content(path: str, head: bytes) -> Found:
    size, name = os.path.getsize(path), path.lower()
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(path)
    if head.startswith(_HDF5) or head[512:520] == _HDF5:
        return Found("hdf5", path)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        return Found("torch", path, TORCH)
    length = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and (length <= size or name.endswith(".safetensors")):
        return Found("safetensors", path)
    if name.endswith(".json") and head.lstrip()[:1] == b"{":
        return _of_index(path)
    what, fix = _what(head, name)
    if not what and name.endswith(".safetensors"):
        return Found("safetensors", path)  # which says what is wrong with its header
    if not what:
        raise Refused("it is none of the formats that are read: it begins with {!r}".format(head[:8]), _TAKEN)
    raise Refused("it is {}".format(what), fix)


def _what(head: bytes, name: str) -> tuple[str, str]:
    """What a file is that holds no weights that are read, and the likely fix beside what the words say of it.

    Both are empty where that cannot be told.
    """
    for begin, what, fix in _OTHERS:
        if head.startswith(begin):
            return what, fix
    if head[4:8] == b"TFL3":
        return "a TFLite model", _TAKEN
    if head[:1] == b"\x08" and (name.endswith(".onnx") or b"pytorch" in head[:64] or b"onnx" in head[:200]):
        return "an ONNX model", _TAKEN
    if head[257:262] == b"ustar":
        return "a tar archive: unpack it first", ""
    if re.match(rb"\s*(<!doctype html|<html)", head, re.IGNORECASE):
        return "a page of HTML: a download that failed, usually", ""
    if head[:2] in (b"\x0a\x8c", b"\x08\x01") and name.endswith(".pb"):
        return "the graph of a SavedModel: name its folder", ""
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        text = head[: error.start].decode("utf-8") if error.start > 4000 else "\0"
    printable = text.isprintable() or not re.search(r"[\0-\x08\x0e-\x1f]", text)
    return ("a text file", _TAKEN) if printable else ("", "")


def _in_zip(path: str) -> Found:
    with refusing("reading its table of contents"), zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if "model.weights.h5" in names or ("config.json" in names and "metadata.json" in names):
        return Found("keras", path)
    if any(name.partition("/")[2] == "data.pkl" for name in names):
        return Found("torch", path, TORCH)
    if any(name.endswith(".npy") for name in names) or path.lower().endswith(".npz"):
        return Found("npz", path)
    some = ", ".join("'{}'".format(name[:40]) for name in names[:3]) or "nothing"
    raise Refused("it is a zip archive that holds no weights (in it: {})".format(some), _TAKEN)


def _in_folder(folder: str) -> Found:
    """The one checkpoint in a folder: a SavedModel, an index of several files, or what TensorFlow's `checkpoint` names."""
    prefix = os.path.join(folder, "variables", "variables")
    if os.path.isfile(prefix + ".index"):
        return Found("savedmodel", prefix, TENSORFLOW)
    if os.path.isfile(os.path.join(folder, "saved_model.pb")):
        raise Refused("it is a SavedModel without its folder 'variables'", DAMAGED)
    indexes = sorted(glob.glob(os.path.join(glob.escape(folder), "*.index.json")))
    if len(indexes) == 1:
        return _of_index(indexes[0])
    latest = _latest(folder)
    if latest:
        return find(latest)
    files = sorted(os.path.basename(path) for path in indexes) or _likely(folder)
    if files:
        raise Refused("it is a folder: name one of the files in it, such as '{}'".format(files[0]))
    raise Refused("it is a folder without a checkpoint in it", _TAKEN)


def _latest(folder: str) -> str:
    """The checkpoint that TensorFlow's file `checkpoint` in a folder names as its newest; empty where there is none."""
    try:
        with open(os.path.join(folder, "checkpoint"), encoding="utf-8") as stream:
            found = re.search(r'^model_checkpoint_path: "(.*)"', stream.read(1 << 16), re.MULTILINE)
    except (OSError, ValueError):
        return ""
    path = os.path.join(folder, os.path.basename(found[1])) if found else ""
    return path if os.path.isfile(path + ".index") else ""


def _likely(folder: str) -> list[str]:
    """The names of the files in a folder that look like weights, checkpoints by their prefix."""
    names = sorted(name for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name)))
    ends = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".npz", ".h5", ".keras", ".index")
    return [name[:-6] if name.endswith(".index") else name for name in names if name.endswith(ends)]


def _of_index(path: str) -> Found:
    try:
        shards = shards_of(path)
    except Refused as refused:
        with open(path, "rb") as stream:
            head = stream.read(200)
        named = path.endswith(".index.json")
        words = refused.problem if named else "it is JSON ({}...) and no index of a checkpoint".format(_start(head))
        raise Refused(words, refused.fix if named else _TAKEN) from None
    folder = os.path.dirname(path)
    there = [os.path.join(folder, shard) for shard in shards.values() if os.path.isfile(os.path.join(folder, shard))]
    framework = find(there[0]).framework if there else ""
    return Found("sharded", path, framework)


def _start(head: bytes) -> str:
    return json.dumps(head[:24].decode("utf-8", "replace").strip())[1:-1]


def _near(path: str) -> str:
    """The nearest names in the folder of a path that is not there, as a hint."""
    folder, name = os.path.split(path)
    try:
        there = sorted(os.listdir(folder or "."))
    except OSError:
        return ", nor the folder '{}'".format(folder)
    there = [each[:-6] if each.endswith(".index") else each for each in there]
    near = difflib.get_close_matches(name, there, n=3, cutoff=0.5)
    return ", did you mean {}?".format(" or ".join("'{}'".format(os.path.join(folder, each)) for each in near)) * bool(
        near
    )
