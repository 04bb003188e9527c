"""An audit hook that notes what a process touches: what it opens, writes, runs, or asks the network for.

`sys.addaudithook` cannot be undone, so it looks only while it is told to. What a framework reads of itself is let pass.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
from typing import Any

# Where what a framework reads of itself lies: modules imported late, sources for a message.
OWN = tuple({os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())})
# Asked for the first time, Python tries whether it can write there.
TEMPORARY = tempfile.gettempdir()
# What Python does in any call, and nothing of it leaves the process.
HARMLESS = (
    "object.__",
    "sys._getframe",
    "sys._current_",
    "builtins.id",
    "gc.",
    "marshal.",
    "code.__new__",
    "function.__new__",
    "array.",
    "sys.monitoring",
)


class Witness:
    """The audit hook: notes what is touched while it looks."""

    def __init__(self) -> None:
        self.looks = False
        self.seen: list[str] = []
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.looks and not event.startswith(HARMLESS):
            self.looks = False  # what the judgement itself does
            try:
                if not _innocent(event, arguments):
                    self.seen.append(f"{event} {_short(arguments)}")
            finally:
                self.looks = True


def _innocent(event: str, arguments: tuple[Any, ...]) -> bool:
    """Whether an event is a framework that loads or shows a part of itself, or compiles what it has written itself."""
    if event in ("open", "os.remove", "tempfile.mkstemp") and _of_autograph(arguments[0]):
        return True
    if event == "open":
        return isinstance(arguments[0], str) and _own(arguments[0]) and not _writes(*arguments[1:])
    if event in ("os.listdir", "os.scandir"):
        return _own(arguments[0])
    if event == "import":
        return not any("audit" in str(part) for part in arguments[:2])
    if event == "compile":
        # Without a file name it is what namedtuple, dataclasses and inspect make of a signature.
        return not _named_by_us(arguments[0])
    if event == "exec":
        code = arguments[0]
        if code.co_filename.startswith("<"):
            return not _named_by_us(repr(code.co_consts))
        return _own(code.co_filename) or _of_autograph(code.co_filename)
    return False


def _of_autograph(path: Any) -> bool:
    """Whether a file is what TensorFlow's AutoGraph makes of a function of Keras, in the folder of temporary files.

    `keras.ops.conv` of grouped channels is compiled so (`_conv_xla`); no argument goes into its text or its name. A new temporary
    file is an `open` of its folder, whose own name strace sees.
    """
    return str(path) == TEMPORARY or str(path).removeprefix(f"{TEMPORARY}/").removeprefix("__pycache__/").startswith(
        "__autograph_generated_file"
    )


def _named_by_us(source: Any) -> bool:
    """Whether a hostile argument stands in a source text."""
    text = source.decode(errors="replace") if isinstance(source, bytes) else str(source)
    return any(word in text for word in ("audit-folder", "__import__", "127.0.0.1"))


def _own(path: Any) -> bool:
    return isinstance(path, str) and os.path.isabs(path) and os.path.realpath(path).startswith(OWN)


def _writes(mode: Any, flags: Any) -> bool:
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


def _short(arguments: Any) -> str:
    text = repr(arguments)
    return text if len(text) <= 200 else text[:200] + " ..."
