"""Checkpoints in several files: `model.safetensors.index.json`, or `.bin.index.json`, says which entry is in which."""

from __future__ import annotations

import json
import os
from typing import Any, Callable

from .entries import DAMAGED, Entry, LeftOut, Reader, Refused
from .safetensors_file import once

MOST_INDEX = 1 << 28


class ShardedFile(Reader):
    """A checkpoint of several files by its index; one of them is open at a time."""

    def __init__(self, path: str, opened: Callable[[str], Reader]) -> None:
        super().__init__()
        self._opened = opened
        self._folder = os.path.dirname(path)
        self._shard = ""
        self._reader: Reader | None = None
        places = shards_of(path)
        missing = [shard for shard in dict.fromkeys(places.values()) if not os.path.isfile(self._path(shard))]
        if missing:
            more = " and {} more".format(len(missing) - 1) if len(missing) > 1 else ""
            raise Refused("'{}'{}, which its index names, is not beside it".format(missing[0], more), "download it too")
        found: dict[str, Entry] = {}
        for shard in dict.fromkeys(places.values()):
            reader = self._open(shard)
            self.left_out += [each for each in reader.left_out if each.name != "__metadata__"]
            for entry in reader.entries:
                if places.get(entry.name) == shard:
                    found[entry.name] = entry
                elif entry.name in places:
                    raise Refused("it has the entry '{}' twice, in two of its files".format(entry.name), DAMAGED)
                else:
                    self.left_out.append(LeftOut(entry.name, "in '{}', and not in the index".format(shard)))
        lost = [name for name in places if name not in found]
        if lost:
            raise Refused("its entry '{}' is not in '{}', where its index says it is".format(lost[0], places[lost[0]]))
        self.entries = [found[name] for name in places]
        self._places = places
        count = len(set(places.values()))
        assert self._reader is not None
        self.format = "{}, {} {}".format(self._reader.format, count, "file" if count == 1 else "files")

    def read(self, name: str) -> Any:
        return self._open(self._places[name]).read(name)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self._shard = None, ""

    def _open(self, shard: str) -> Reader:
        if self._reader is None or self._shard != shard:
            self.close()
            try:
                self._reader, self._shard = self._opened(self._path(shard)), shard
            except Refused as refused:
                raise Refused("'{}': {}".format(shard, refused.problem), refused.fix) from None
        return self._reader

    def _path(self, shard: str) -> str:
        return os.path.join(self._folder, shard)


def shards_of(path: str) -> dict[str, str]:
    """The file of each entry by an index. Raises `Refused` for what is no index, and for files outside its folder."""
    if os.path.getsize(path) > MOST_INDEX:
        raise Refused("it is no index of a checkpoint: it has more than {:,} bytes".format(MOST_INDEX))
    try:
        with open(path, encoding="utf-8") as stream:
            index = json.load(stream, object_pairs_hook=once)
    except (ValueError, RecursionError):
        raise Refused("it is no JSON", DAMAGED) from None
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places or not all(isinstance(place, str) for place in places.values()):
        raise Refused("it has no 'weight_map', so it is no index of a checkpoint")
    for place in places.values():
        if place != os.path.basename(place) or place in ("", ".", ".."):
            raise Refused("it names the file '{}', which is not one beside it".format(place[:200]))
        if place.endswith(".json"):
            raise Refused("it names the file '{}', which would be an index itself".format(place[:200]))
    return places
