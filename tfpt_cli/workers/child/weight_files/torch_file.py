"""PyTorch's files: tensors alone, with `weights_only`, so that nothing in a file is ever run.

Needs PyTorch. A file of the usual zip format is mapped: its numbers are read when they are asked for. One of the old format,
before PyTorch 1.6, is read whole.
"""

from __future__ import annotations

import itertools
import os
import re
import zipfile
from typing import Any, Iterator

from .entries import DAMAGED, Entry, LeftOut, Reader, Refused, numpy_dtype, refusing

# Dicts of weights in what people save, by their usual names: beside one of them other tensors are no weights.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network", "params", "weights", "ema", "module")
# A mapped file is opened anew after so many bytes, which gives the pages that were read back to the system.
RENEW = 1 << 26
# Dicts of a stranger's file may hold each other, and be as many as there are ways through them.
MOST_SETS = 10_000
_SAVE = "torch.save(model.state_dict(), FILE) where the file can be trusted"
# What a refusal to unpickle says of the class or function that it did not look up.
_GLOBAL = re.compile(r"(?:[Uu]nsupported global: GLOBAL |unsupported GLOBAL |Unsupported class )([\w.]+)")
_NO_ARRAY = re.compile(r"complex32|quint|qint|bits")


class TorchFile(Reader):
    """A file of `torch.save`; with `inside`, only the dict at that path (`ema`)."""

    format = "PyTorch"

    def __init__(self, path: str, inside: str = "") -> None:
        super().__init__()
        self._path, self._wanted = path, inside
        self._mapped = zipfile.is_zipfile(path)
        if self._mapped:
            _check_archive(path)
        self._tensors: dict[str, Any] = {}
        self._read = 0
        self._load()

    def _load(self) -> None:
        self._tensors = {}
        loaded = _loaded(self._path, self._mapped)
        self.left_out = []
        self.inside, tensors = _chosen(loaded, self._wanted, self.left_out)
        self.entries = []
        for name, tensor in tensors:
            what = _no_array(tensor)
            if what:
                self.left_out.append(LeftOut(name, what))
                continue
            if name in self._tensors:
                raise Refused("it has the entry '{}' twice".format(name), "write it again with each name once")
            self._tensors[name] = tensor
            self.entries.append(Entry(name, tuple(tensor.shape), str(tensor.dtype).replace("torch.", "")))

    def read(self, name: str) -> Any:
        import torch

        entry = self.entry(name)
        dtype = numpy_dtype(entry.dtype)
        size = entry.size * dtype.itemsize
        if self._mapped and self._read + size > RENEW and self._read:
            self._load()
            self._read = 0
        self._read += size
        tensor = self._tensors[name]
        if size > max(1 << 26, 4 * os.path.getsize(self._path)):
            raise Refused("its entry '{}' claims {:,} bytes, which the file does not have".format(name, size))
        with refusing("reading '{}'".format(name)):
            raw = tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)
            # No copy: its memory is the mapped file, as long as it is kept.
            return raw.numpy().view(dtype).reshape(entry.shape)

    def close(self) -> None:
        self._tensors = {}


def _check_archive(path: str) -> None:
    """Raises `Refused` for a zip file that PyTorch does not write so, and for TorchScript, which is code."""
    from .archives import checked_members

    with refusing("reading its table of contents"), zipfile.ZipFile(path) as archive:
        members = checked_members(archive)
    names = {member.filename.partition("/")[2] for member in members}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise Refused("it is a TorchScript program, which is code and is not run", _SAVE)
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise Refused("its tensors are packed, which PyTorch does not write", "unpack it and zip it without packing")


def _loaded(path: str, mapped: bool) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped or None)
    except Exception as error:
        said = " ".join(str(error).split())
    found = _GLOBAL.search(said)
    if found:
        name = found[1].rstrip(".")
        if name.startswith(("torch.nn.modules.", "torch.nn.parallel.")):
            raise Refused("it is a whole pickled nn.Module ({}), which is code and is not loaded".format(name), _SAVE)
        words = (
            "it holds the global {}, which a file of tensors does not need: a pickled model or code, which is not run"
        )
        raise Refused(words.format(name), _SAVE)
    # Before and behind what is wrong PyTorch says how to load it in spite of that.
    said = said.rpartition("WeightsUnpickler error:")[2].partition(" Check the documentation")[0].strip()
    if "Unsupported operand" in said:
        raise Refused("it is a pickle that torch.save did not write ({})".format(said[:100]), _SAVE)
    raise Refused("PyTorch cannot read it: it is damaged or cut off ({})".format(said[:200]), DAMAGED)


def _chosen(loaded: Any, wanted: str, left_out: list[LeftOut]) -> tuple[str, list[tuple[str, Any]]]:
    """The path of the dict that holds the weights, and they by their names in it; the rest is put into `left_out`."""
    import torch

    if isinstance(loaded, torch.Tensor):
        raise Refused("it holds a single tensor without a name", "save a dict: {'name': tensor}")
    if not isinstance(loaded, dict):
        raise Refused("it holds a {}, no dict of tensors".format(type(loaded).__name__), _SAVE)
    rest: list[LeftOut] = []
    sets = list(itertools.islice(_sets(loaded, (), rest), MOST_SETS + 1))
    if len(sets) > MOST_SETS:
        raise Refused("it has more than {:,} dicts of tensors in it, or they hold each other".format(MOST_SETS), _SAVE)
    if wanted:
        path = tuple(wanted.split("."))
        chosen = [each for each in sets if each[0][: len(path)] == path]
        if not chosen:
            there = ", ".join(sorted({".".join(each) for each, _ in sets if each})) or "none"
            raise Refused("it has no dict of tensors '{}' (it has: {})".format(wanted, there))
    else:
        wrapped = [each for each in sets if any(part in WRAPPERS for part in each[0])]
        # A model may have a part that is called `model`: only beside no tensors at the top is a name a wrapper's.
        chosen = wrapped if wrapped and not any(each[0] == () and len(each[1]) > 4 for each in sets) else sets
    left_out += rest
    left_out += [
        LeftOut(".".join((*path, name)), "a tensor beside the weights")
        for path, tensors in sets
        if all(path is not other for other, _ in chosen)
        for name in tensors
    ]
    common = _common([path for path, _ in chosen])
    return ".".join(common), [
        (".".join((*path[len(common) :], name)), tensor) for path, tensors in chosen for name, tensor in tensors.items()
    ]


def _common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """What all paths begin with.

    >>> _common([("params", "a"), ("params", "b")])
    ('params',)
    """
    found: list[str] = []
    for parts in zip(*paths):  # noqa: B905 - Python 3.9
        if len(set(parts)) > 1:
            break
        found.append(parts[0])
    return tuple(found)


def _sets(value: Any, path: tuple[str, ...], rest: list[LeftOut]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every dict of tensors in nested dicts by its path; what is no tensor is put into `rest`."""
    import torch

    tensors = {str(key): item for key, item in value.items() if isinstance(item, torch.Tensor)}
    if tensors:
        yield path, tensors
    for key, item in value.items():
        place = (*path, str(key))
        if isinstance(item, torch.Tensor):
            continue
        if isinstance(item, dict) and ("param_groups" in item or "optim" in str(key).lower()):
            rest.append(LeftOut(".".join(place), "state of the optimizer"))
        elif isinstance(item, dict) and len(place) < 16 and _holds_tensors(item, set()):
            yield from _sets(item, place, rest)
        else:
            rest.append(LeftOut(".".join(place), _word(item)))


def _holds_tensors(value: Any, seen: set[int]) -> bool:
    """Whether a tensor is in nested dicts, each looked into once: a stranger's hold themselves, a hundred times each."""
    import torch

    if isinstance(value, torch.Tensor):
        return True
    if not isinstance(value, dict) or id(value) in seen:
        return False
    seen.add(id(value))
    return any(_holds_tensors(item, seen) for item in value.values())


def _word(item: Any) -> str:
    """A value in few words: `int 12`, `a list of 3`."""
    if isinstance(item, (bool, int, float, str)) or item is None:
        return "{} {}".format(type(item).__name__, str(item)[:40]) if item is not None else "None"
    length = " of {}".format(len(item)) if hasattr(item, "__len__") else ""
    return "a {}{}".format(type(item).__name__, length)


def _no_array(tensor: Any) -> str:
    """What a tensor is that has no plain array of numbers; empty for one that has."""
    import torch

    if tensor.is_quantized or _NO_ARRAY.search(str(tensor.dtype)):
        return "a tensor of {}, which NumPy does not have".format(tensor.dtype)
    if tensor.layout is not torch.strided or tensor.is_nested:
        return "a sparse or nested tensor"
    if tensor.device.type == "meta":
        return "a tensor without numbers (device meta)"
    return ""
