"""HDF5 files: Keras's `.h5` of layers and `.weights.h5`, and any other that holds arrays of numbers.

Nothing that leads out of the file is followed, and no filter runs but those that are built into the library.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
from typing import Any, Iterator

try:
    import resource
except ImportError:  # no such limit on this system
    resource = None  # type: ignore[assignment]

from .entries import DAMAGED, Entry, LeftOut, Reader, Refused, check_size, refusing

# gzip, shuffle, fletcher32, szip, nbit, scaleoffset: others are code that a file makes the library load.
FILTERS = {1, 2, 3, 4, 5, 6}
# What may be claimed of a dataset beyond what is stored of it: gzip makes at most 1,032 bytes of one.
MOST_RATIO, ALWAYS = 1040, 1 << 22
# Over damage the library may loop without end, in C. The names of a file take 0.2 to 5 s a megabyte, and its numbers much less.
SECONDS, SECONDS_A_MEGABYTE = 5, 30
_SELF_CONTAINED = "write the file again with everything in it"


class Hdf5File(Reader):
    """An HDF5 file. `order` are names of layers in the order of their model, where another file tells them."""

    format = "HDF5"

    def __init__(self, file: Any, order: tuple[str, ...] = ()) -> None:
        super().__init__()
        # No plugins, not even those that a group of the file names for its own table: the library reads this when it starts.
        os.environ["HDF5_PLUGIN_PRELOAD"] = "::"
        import h5py

        self._size = _size(file)
        with refusing("opening it"), within_its_time(self._size):
            self._file = h5py.File(file, "r")
        try:
            with refusing("reading its table of contents"), within_its_time(self._size):
                self._list(order)
        except BaseException:
            self.close()
            raise

    def read(self, name: str) -> Any:
        import numpy as np

        entry = self.entry(name)
        found = np.empty(entry.shape, entry.dtype)
        with refusing("reading '{}'".format(name)), within_its_time(self._size + found.nbytes):
            dataset = self._file[self._path(name)]
            if entry.size:
                dataset.read_direct(found)
        return found

    def close(self) -> None:
        with refusing("closing it"):
            self._file.close()

    def _path(self, name: str) -> str:
        return "{}/{}".format(self.inside, name) if self.inside else name

    def _list(self, order: tuple[str, ...]) -> None:
        holder = self._file.get("model_weights") if "model_weights" in _links(self._file) else None
        legacy = holder if holder is not None else self._file
        if holder is not None:
            self.inside = "model_weights"
        if "layer_names" in legacy.attrs:
            self.format, self.written = "Keras's HDF5 of layers", "layers.h5"
            order = tuple(map(_text, legacy.attrs["layer_names"]))
        elif "layers" in self._file or "_layer_checkpoint_dependencies" in self._file:
            self.format, self.written = "Keras's .weights.h5", "weights.h5"
        found: list[Entry] = []
        for path, dataset, owner in _datasets(self._file, "", "", set()):
            name = path[len(self.inside) + 1 :] if self.inside and path.startswith(self.inside + "/") else path
            what = _no_weight(path, dataset)
            if what:
                self.left_out.append(LeftOut(name, what))
                continue
            _check(path, dataset)
            found.append(Entry(name, dataset.shape, dataset.dtype.name, _called(name, owner)))
        self.entries = sorted(found, key=lambda entry: _place(entry, order, legacy))


@contextlib.contextmanager
def within_its_time(size: int) -> Iterator[None]:
    """Inside, the process may take as much of the processor as so many bytes can need; beyond that SIGXCPU ends it.

    Nothing else interrupts a library. Who has started the process says what that means.
    """
    if resource is None:
        yield
        return
    outer = soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = math.ceil(used.ru_utime + used.ru_stime + SECONDS + SECONDS_A_MEGABYTE * size / 1e6)
    if soft != resource.RLIM_INFINITY:
        most = min(most, soft)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (most, hard))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, outer)


def _size(file: Any) -> int:
    """How many bytes a file has, given as its path or open."""
    if isinstance(file, str):
        return os.path.getsize(file)
    size: int = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


def _links(group: Any) -> list[str]:
    """The names in a group. Raises `Refused` for a link that is not simply to something in this file."""
    import h5py

    names = sorted(group, key=natural)
    for name in names:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            words = "'{}' in it is a link to another file ('{}'), which is not followed"
            raise Refused(words.format(name, link.filename), _SELF_CONTAINED)
        if isinstance(link, h5py.SoftLink):
            words = "'{}' in it is a soft link (to '{}'), which is not followed"
            raise Refused(words.format(name, link.path), _SELF_CONTAINED)
    return names


def _datasets(group: Any, path: str, owner: str, seen: set[Any]) -> Any:
    """Every dataset below a group: its path, itself, and the layer's name that the nearest group above says."""
    import h5py

    if hash(group.id) in seen or len(path) > 4000:
        raise Refused("its groups contain each other in a circle", DAMAGED)
    seen = seen | {hash(group.id)}
    owner = _text(group.attrs["name"]) if "name" in group.attrs else owner
    for name in _links(group):
        item = group[name]
        place = "{}/{}".format(path, name) if path else name
        if isinstance(item, h5py.Group):
            yield from _datasets(item, place, owner, seen)
        elif isinstance(item, h5py.Dataset):
            yield place, item, owner


def _no_weight(path: str, dataset: Any) -> str:
    """What a dataset is that is no weight; empty for one that is."""
    parts = path.split("/")
    if parts[0] in ("optimizer", "optimizer_weights"):
        return "state of the optimizer"
    if any(part.startswith("seed_generator") for part in parts):
        return "state of a random generator"
    if dataset.dtype.kind not in "fiubc" or dataset.shape is None:
        return "no array of numbers"
    return ""


def _check(path: str, dataset: Any) -> None:
    """Raises `Refused` for a dataset that is kept elsewhere, packed by unknown code, or claims far more than is stored."""
    if dataset.is_virtual:
        raise Refused("'{}' in it is put together from other files".format(path), _SELF_CONTAINED)
    if dataset.external:
        raise Refused(
            "the numbers of '{}' are in another file ('{}')".format(path, dataset.external[0][0]), _SELF_CONTAINED
        )
    properties = dataset.id.get_create_plist()
    filters = {properties.get_filter(place)[0] for place in range(properties.get_nfilters())}
    if filters - FILTERS:
        number = min(filters - FILTERS)
        raise Refused(
            "'{}' in it is packed by the HDF5 filter {}, which is not run".format(path, number), "write it with gzip"
        )
    check_size(path, dataset.shape, dataset.dtype.itemsize)
    claimed, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if claimed > ALWAYS and claimed > MOST_RATIO * stored:
        words = "'{}' in it claims {:,} bytes, of which {:,} are stored: it is damaged, or made to fill the memory"
        raise Refused(words.format(path, claimed, stored), DAMAGED)


def _called(name: str, owner: str) -> str:
    """What the file calls a variable besides: the layer's own name before its number, where the path has another.

    >>> _called("layers/conv2d/vars/0", "stem")
    'stem/0'
    """
    path, slash, number = name.rpartition("/vars/")
    return "{}/{}".format(owner, number) if slash and owner and path else ""


def _place(entry: Entry, order: tuple[str, ...], legacy: Any) -> Any:
    """Where an entry comes: by its layer's place in the model, and within it by the names that the layer lists."""
    layer = (entry.called or entry.name).split("/")[0]
    if layer not in order:
        return len(order), 0, natural(entry.name)
    inner = 0
    if layer in legacy and "weight_names" in legacy[layer].attrs:
        names = [_text(name) for name in legacy[layer].attrs["weight_names"]]
        own = entry.name.partition("/")[2]
        inner = names.index(own) if own in names else len(names)
    return order.index(layer), inner, natural(entry.name)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def natural(name: str) -> list[Any]:
    """The key that sorts `vars/10` behind `vars/9`.

    >>> sorted(["vars/10", "vars/9"], key=natural)
    ['vars/9', 'vars/10']
    """
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]
