"""A process that talks as a framework's does and imports none: it answers every listing at once, every value of it with one.

    python worker.py MODE CHILD FRAMEWORK

The mode says what else it does over a listing whose code holds the number 1234.5; see `ODD`. `interpreter_of` makes an
interpreter for `--torch-python` and `--tensorflow-python` of it.
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


ODD: dict[str, Any] = {
    "plain": lambda request: send(*answer(request)),
    "slow": lambda _: time.sleep(10_000),
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


def main() -> None:
    mode, _, framework = sys.argv[1:4]
    send({"hello": "tfpt-worker/0" if mode == "an old version" else protocol.VERSION, "python": "3.11.0"})
    while (request := take()) is not None:
        if "load" in request:
            if mode == "an import that hangs":
                time.sleep(10_000)
            send({"failed": "OSError: no"} if mode == "an import that raises" else {"loaded": VERSIONS[framework]})
        elif mode in ODD and any(ODD_CODE in section["source"] for section in request["sections"]):
            ODD[mode](request)
        else:
            send(*answer(request))


if __name__ == "__main__":
    main()
