"""The requests that a process answers about weight files: open one, the statistics of an entry, its numbers."""

from __future__ import annotations

from typing import Any

from .entries import Reader, Refused, refusing
from .formats import find
from .opening import open_file

# Statistics are taken of as many numbers at a time as stay near the processor.
BLOCK = 1 << 14
_open: dict[str, Reader] = {}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request.

    `path` and `inside` say which file, which stays open until another is asked for. `weights` is `open`, which gives what is
    in the file, `statistics` or `read`, of the entry `name`; the numbers are written raw to the file `into`, which is ten times
    as fast as the pipe.
    """
    try:
        with refusing("reading it"):
            return _answers[request["weights"]](request)
    except Refused as refused:
        return {"refused": [refused.problem, refused.fix]}


def _opened(request: dict[str, Any]) -> Reader:
    key = "{}\0{}".format(request["path"], request["inside"])
    if key not in _open:
        for reader in _open.values():
            reader.close()
        _open.clear()
        _open[key] = open_file(request["path"], request["inside"])
    return _open[key]


def _contents(request: dict[str, Any]) -> dict[str, Any]:
    reader = _opened(request)
    return {
        "format": reader.format,
        "inside": reader.inside,
        "entries": _entries(reader),
        "left_out": [[each.name, each.what] for each in reader.left_out],
    }


def found(path: str) -> dict[str, str]:
    """The format of a file and the framework that reads it (empty: none), as plain data. Raises `Refused`."""
    there = find(path)
    return {"format": there.format, "framework": there.framework}


def described(path: str) -> dict[str, Any]:
    """What is in a file, as plain data: its `entries`, each with its name, shape, dtype and other name, and how it was `written`.

    That is as a `Reader` has it. Raises `Refused`.
    """
    with refusing("reading it"), open_file(path) as reader:
        return {"written": reader.written, "entries": _entries(reader)}


def _entries(reader: Reader) -> list[Any]:
    return [[entry.name, list(entry.shape), entry.dtype, entry.called] for entry in reader.entries]


def plain(reader: Reader, name: str) -> Any:
    """The numbers of an entry as a listing leaves them: those of bfloat16 and narrower ones as float32. Raises `Refused`."""
    import numpy as np

    with refusing("reading '{}'".format(name)):
        array = reader.read(name)
    narrow = array.dtype.kind == "V" or array.dtype.name.startswith(("bfloat16", "float8", "float16"))
    return array.astype(np.float32) if narrow else array


def _statistics(request: dict[str, Any]) -> dict[str, Any]:
    return {"statistics": statistics(_opened(request).read(request["name"]))}


def _numbers(request: dict[str, Any]) -> dict[str, Any]:
    import numpy as np

    array = np.asarray(_opened(request).read(request["name"]), order="C")
    raw: Any = array.reshape(-1).view(np.uint8) if array.size else b""
    try:
        with open(request["into"], "wb") as stream:
            stream.write(raw)
    except OSError as error:
        words = "'{}' cannot be handed on: {}".format(request["name"], error.strerror or error)
        raise Refused(words, "let TMPDIR be a folder with room for it") from None
    return {"dtype": array.dtype.name, "shape": list(array.shape)}


_answers = {"open": _contents, "statistics": _statistics, "read": _numbers}


def statistics(array: Any) -> list[float]:
    """The mean, the standard deviation, the least and the greatest of an array's numbers, and how many are not finite.

    They are of the finite numbers, of complex ones of their absolute values; NaN where there is none.

    >>> statistics(__import__("numpy").array([1.0, 3.0, float("inf")]))
    [2.0, 1.0, 1.0, 3.0, 1.0]
    """
    import numpy as np

    flat, count, odd, mean, squares = array.reshape(-1), 0, 0, 0.0, 0.0
    least, greatest = float("inf"), float("-inf")
    for begin in range(0, flat.size, BLOCK):
        block = flat[begin : begin + BLOCK]
        numbers = np.abs(block).astype(np.float64) if block.dtype.kind == "c" else block.astype(np.float64)
        finite = np.isfinite(numbers)
        if not finite.all():
            odd += int(numbers.size - np.count_nonzero(finite))
            numbers = numbers[finite]
        if not numbers.size:
            continue
        # Chan's way to put blocks together, which loses no digits where the mean is far from zero.
        with np.errstate(all="ignore"):
            own = float(numbers.mean())
            total, apart = count + numbers.size, own - mean
            squares += float(np.square(numbers - own).sum()) + apart * apart * count * numbers.size / total
            mean += apart * numbers.size / total
        count = total
        least, greatest = min(least, float(numbers.min())), max(greatest, float(numbers.max()))
    if not count:
        return [float("nan")] * 4 + [float(odd)]
    return [mean, (squares / count) ** 0.5, least, greatest, float(odd)]
