"""A process that talks as a framework's does and imports none: it answers every listing at once, every value of it with one.

    python worker.py MODE CHILD FRAMEWORK

The mode says what else it does over a listing whose code holds the number 1234.5 (see `ODD`), or when it is asked about a file of
weights (see `ODD_FILES`). `interpreter_of` makes an interpreter for `--torch-python` and `--tensorflow-python` of it.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tfpt_cli" / "workers" / "child"))

import protocol  # noqa: E402 - as the child does: by its name, from the folder that it lies in

ODD_CODE = "1234.5"
VERSIONS = {"torch": {"torch": "2.13.0"}, "tensorflow": {"tensorflow": "2.21.0", "keras": "3.15.1"}}
FAILURE: dict[str, Any] = {"message": "no", "line": "x", "where": None, "keys": []}
ONE = struct.pack("<f", 1.0)


def interpreter_of(folder: Path, mode: str = "plain") -> str:
    """The path of an interpreter that is such a worker."""
    path = folder / f"worker-{mode.replace(' ', '-')}"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "{mode}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return str(path)


def raw(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def framed(text: bytes) -> bytes:
    """Bytes as the header of a frame, whatever they are."""
    return bytes(protocol.PREFIX.pack(protocol.MARK, len(text))) + text


def send(header: dict[str, Any], blobs: list[bytes] | None = None) -> None:
    raw(b"".join(protocol.frame(header, blobs or [])))


def take() -> dict[str, Any] | None:
    """The next request, None when the parent has gone."""
    source = sys.stdin.buffer
    prefix = source.read(protocol.PREFIX.size)
    if len(prefix) < protocol.PREFIX.size:
        return None
    request: dict[str, Any] = protocol.header(source.read(protocol.header_length(prefix)))
    for size in request["blobs"]:
        source.read(size)
    return request


def answer(request: dict[str, Any], **changes: Any) -> tuple[dict[str, Any], list[bytes]]:
    """The header that answers a listing, and its arrays; `changes` are what is said of each value otherwise."""
    leaves = [leaf for section in request["sections"] for leaf in section["leaves"]]
    said = {"state": "present", "stored": "<f4", "shape": [], "dtype": "float32", **changes}
    values = [{"quantity": quantity, "how": how, **said} for quantity, how, _ in leaves]
    return {"id": request["id"], "values": values, "failures": [], "done": True}, [ONE] * len(values)


def endless(request: dict[str, Any]) -> None:
    """A flood: parts of an answer that never say `done`."""
    while True:
        send({"id": request["id"], "values": [], "failures": [], "done": False}, [b"x" * 100_000])


def failures_without_end(request: dict[str, Any]) -> None:
    while True:
        send({"id": request["id"], "values": [], "failures": [{**FAILURE, "line": 1}] * 100, "done": False})


def last(data: bytes) -> None:
    raw(data)
    os._exit(0)


def deaf(_: dict[str, Any]) -> None:
    os.close(1)
    time.sleep(10_000)


def words(_: dict[str, Any]) -> None:
    while True:
        os.write(2, b"x" * 100_000)


def busy(request: dict[str, Any]) -> None:
    """An answer that takes a twentieth of a second, in which the processor is free."""
    time.sleep(0.05)
    send(*answer(request))


ODD: dict[str, Any] = {
    "plain": lambda request: send(*answer(request)),
    "slow": lambda _: time.sleep(10_000),
    "busy": busy,
    "garbage": lambda _: raw(b"\x00\xff garbage, and more of it than a prefix has"),
    "half a prefix": lambda _: last(b"TFP"),
    "half a header": lambda _: last(protocol.PREFIX.pack(protocol.MARK, 1000) + b'{"id": '),
    "half an array": lambda request: last(b"".join(protocol.frame(*answer(request)))[:-2]),
    "brackets": lambda _: raw(framed(b"[" * 50_000)),
    "braces": lambda _: raw(framed(b'{"blobs": ' * 50_000)),
    "infinite blobs": lambda _: raw(framed(b'{"blobs": [Infinity]}')),
    "no number of bytes": lambda _: raw(framed(b'{"blobs": [NaN]}')),
    "a text of bytes": lambda _: raw(framed(b'{"blobs": ["x"]}')),
    "a list of bytes": lambda _: raw(framed(b'{"blobs": [[1]]}')),
    "less than no bytes": lambda _: raw(framed(b'{"blobs": [-1]}')),
    "a huge array": lambda _: raw(framed(b'{"blobs": [1%s]}' % (b"0" * 30))),
    "a long number": lambda _: raw(framed(b'{"blobs": [1%s]}' % (b"0" * 5000))),
    "a huge header": lambda _: raw(protocol.PREFIX.pack(protocol.MARK, 0xFFFFFFFF)),
    "not UTF-8": lambda _: raw(framed(b'{"blobs": [], "id": "\xff"}')),
    "another size": lambda request: send(*answer(request, shape=[3])),
    "a shape of texts": lambda request: send(*answer(request, shape=["x"])),
    "a shape without end": lambda request: send(*answer(request, shape=[10**400])),
    "no shape": lambda request: send(*answer(request, shape=None)),
    "an object": lambda request: send(*answer(request, stored="O")),
    "a dtype of its own": lambda request: send(*answer(request, stored="no dtype")),
    "a list of a dtype": lambda request: send(*answer(request, stored=[["a", "<f4"]])),
    "a state of its own": lambda request: send(*answer(request, state="unheard of")),
    "a list of a state": lambda request: send(*answer(request, state=["present"])),
    "a list of a quantity": lambda request: send(*answer(request, quantity=["value"])),
    "values of texts": lambda request: send({**answer(request)[0], "values": ["x"]}),
    "a number of values": lambda request: send({**answer(request)[0], "values": 3}),
    "no values": lambda request: send({**answer(request)[0], "values": []}),
    "failures of texts": lambda request: send({**answer(request)[0], "failures": ["x"]}),
    "a failure at no line": lambda request: send({**answer(request)[0], "values": [], "failures": [FAILURE]}),
    "failures without end": failures_without_end,
    "texts in an array": lambda request: send(*answer(request, stored="<U1")),
    "a length below zero": lambda request: send(*answer(request, shape=[-1])),
    "a number": lambda _: raw(framed(b"1")),
    "nothing in it": lambda _: send({}),
    "another's answer": lambda request: send(*answer({**request, "id": 999})),
    "a flood": endless,
    "a flood of words": words,
    "a closed pipe": deaf,
    "an end": lambda _: os._exit(0),
}


def left(request: dict[str, Any], make: Any, size: int = 4, **changes: Any) -> None:
    """Answers that it has left a file of some size for each value, and makes something in that file's place."""
    path = os.path.join(FOLDER[0], "left")
    make(path)
    header, _ = answer(request, file="left", **changes)
    for value in header["values"]:
        value["shape"] = [size // 4]
    send(header)


def put(data: bytes) -> Any:
    return lambda path: Path(path).write_bytes(data)


# The folder for large arrays, once the parent has said it.
FOLDER = [""]
ODD |= {
    "a file that is not there": lambda request: left(request, lambda _: None),
    "a short file": lambda request: left(request, put(b"123")),
    "a long file": lambda request: left(request, put(b"12345678")),
    "a folder for a file": lambda request: left(request, os.mkdir),
    "a pipe for a file": lambda request: left(request, os.mkfifo),
    "a link for a file": lambda request: left(request, lambda path: os.symlink(__file__, path)),
    "a file of nothing": lambda request: left(request, put(b""), size=0),
    "a file elsewhere": lambda request: send(answer(request, file=__file__)[0]),
    "a file above": lambda request: send(answer(request, file="../worker.py")[0]),
    "a file of no name": lambda request: send(answer(request, file="")[0]),
    "a file of a number": lambda request: send(answer(request, file=3)[0]),
    "a file that claims much": lambda request: left(request, put(b"1234"), size=1 << 42),
}

# What it says of any file of weights, and the numbers that it leaves.
CONTENTS: dict[str, Any] = {"format": "toy", "inside": "", "entries": [["w", [2], "float32", ""]], "left_out": []}
TWO = struct.pack("<2f", 1.0, 2.0)


def of_file(request: dict[str, Any], make: Any = None, **changes: Any) -> None:
    """Answers a request about a file of weights; `changes` are what is said otherwise."""
    said: dict[str, Any] = {"id": request["id"]}
    if request["weights"] == "open":
        said |= CONTENTS
    elif request["weights"] == "statistics":
        said["statistics"] = [1.5, 0.5, 1.0, 2.0, 0.0]
    else:
        (make or put(TWO))(request["into"])
        said |= {"dtype": "float32", "shape": [2]}
    send({**said, **changes})


def entries(*found: Any) -> Any:
    return lambda request: of_file(request, entries=list(found))


def endless_of_file(request: dict[str, Any]) -> None:
    while True:
        of_file(request)


def arrays_without_end(request: dict[str, Any]) -> None:
    sizes = b", ".join([b"%d" % (1 << 30)] * 1000)
    raw(framed(b'{"id": %d, "blobs": [%s]}' % (request["id"], sizes)))
    while True:
        raw(b"x" * 100_000)


def statistics(*numbers: Any) -> Any:
    return lambda request: of_file(request, statistics=list(numbers))


_ANY = ("slow", "garbage", "half a prefix", "half a header", "brackets", "infinite blobs", "a huge header", "not UTF-8")
# What it does when it is asked to open a file, for statistics or for numbers, by the name of the mode.
ODD_FILES: dict[str, dict[str, Any]] = {
    "open": {
        **{
            mode: ODD[mode]
            for mode in (*_ANY, "a number", "nothing in it", "a flood of words", "a closed pipe", "an end")
        },
        "arrays without end": arrays_without_end,
        "another's answer": lambda request: of_file(request, id=999),
        "no format": lambda request: of_file(request, format=None),
        "a format of a number": lambda request: of_file(request, format=3),
        "no entries": lambda request: of_file(request, entries=None),
        "entries of texts": entries("w"),
        "an entry of three": entries(["w", [2], "float32"]),
        "an entry of a number": entries([3, [2], "float32", ""]),
        "an entry twice": entries(*CONTENTS["entries"] * 2),
        "a length below zero": entries(["w", [-1], "float32", ""]),
        "a length of a text": entries(["w", ["2"], "float32", ""]),
        "a length of infinity": entries(["w", [float("inf")], "float32", ""]),
        "an entry of objects": entries(["w", [2], "O", ""]),
        "an entry of a class": entries(["w", [2], "finfo", ""]),
        "an entry of texts": entries(["w", [2], "<U4", ""]),
        "a shape without end": entries(["w", [10**400], "float32", ""]),
        "more axes than there are": entries(["w", [1] * 100, "float32", ""]),
        "more numbers than there are": entries(["w", [1 << 30, 1 << 30], "float32", ""]),
        "what is left out of a text": lambda request: of_file(request, left_out=["x"]),
        "a refusal of a text": lambda request: of_file(request, refused="no"),
        "a refusal of nothing": lambda request: of_file(request, refused=None),
        "a refusal of numbers": lambda request: of_file(request, refused=[1, 2]),
    },
    "statistics": {
        **{mode: ODD[mode] for mode in (*_ANY, "nothing in it", "an end")},
        "a flood of answers": endless_of_file,
        "another's answer": lambda request: of_file(request, id=999),
        "four statistics": statistics(1.0, 1.0, 1.0, 0.0),
        "statistics of texts": statistics("1.0", 0.0, 1.0, 1.0, 0.0),
        "statistics of whole numbers": statistics(10**400, 0.0, 1.0, 1.0, 0.0),
        "an infinite count": statistics(1.0, 0.0, 1.0, 1.0, float("inf")),
        "no count": statistics(1.0, 0.0, 1.0, 1.0, float("nan")),
        "statistics of a number": lambda request: of_file(request, statistics=3.0),
    },
    "read": {
        **{mode: ODD[mode] for mode in (*_ANY, "nothing in it", "an end")},
        "another's answer": lambda request: of_file(request, id=999),
        "another dtype": lambda request: of_file(request, dtype="float64"),
        "an object": lambda request: of_file(request, dtype="O"),
        "another shape": lambda request: of_file(request, shape=[3]),
        "no shape": lambda request: of_file(request, shape=None),
        "no file": lambda request: of_file(request, make=lambda _: None),
        "half of the numbers": lambda request: of_file(request, make=put(TWO[:4])),
        "more numbers": lambda request: of_file(request, make=put(TWO * 2)),
        "a pipe for a file": lambda request: of_file(request, make=os.mkfifo),
        "a folder for a file": lambda request: of_file(request, make=os.mkdir),
        "a link for a file": lambda request: of_file(request, make=lambda path: os.symlink(__file__, path)),
    },
}


def main() -> None:
    mode, _, framework = sys.argv[1:4]
    send({"hello": "tfpt-worker/0" if mode == "an old version" else protocol.VERSION, "python": "3.11.0"})
    while (request := take()) is not None:
        if "load" in request:
            if mode == "an import that hangs":
                time.sleep(10_000)
            FOLDER[0] = request["folder"]
            loaded = {"loaded": VERSIONS[framework], "files": True}
            send({"failed": "OSError: no"} if mode == "an import that raises" else loaded)
        elif "weights" in request:
            what, _, odd = mode.partition(": ")
            (ODD_FILES[what][odd] if odd and what == request["weights"] else of_file)(request)
        elif mode in ODD and any(ODD_CODE in section["source"] for section in request["sections"]):
            ODD[mode](request)
        else:
            send(*answer(request))


if __name__ == "__main__":
    main()
