"""What strace wrote of a process that makes hostile calls: the system calls by which one of them touched something.

A line is `PID call(arguments) = result`. Between two marks, `access("/audit:NAME")`, stand the calls of one name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MARK = re.compile(r'access\("/audit:([^"]*)"')
_CALL = re.compile(r"^\d+ +(?P<call>[a-z]\w*)\((?P<rest>.*)")
# They change a folder or a file; what only opens one is looked at by its flags.
_CHANGES = re.compile(
    r"mkdir(at)?|rmdir|unlink(at)?|rename(at2?)?|(sym)?link(at)?|f?chmod(at)?|[lf]?chown(at)?|mknod(at)?|f?truncate|creat|acct|"
    r"utimes?|utimensat|futimesat|mount|umount2?|chroot|pivot_root|swapo(n|ff)|[lf]?(set|remove)xattr"
)
_NETWORK = re.compile(r"socket(pair)?|connect|bind|listen|accept4?|send(to|m?msg)|recv(from|m?msg)")
_PROCESS = re.compile(r"exec(ve|veat)|vfork|t?g?kill|pidfd_open")
_FORKS = ("clone", "clone3", "fork")
_OPENS = ("open", "openat", "openat2")
_WRITING = re.compile(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)")
# A kernel that stops its own process, which is a crash; the name of a thread; what is written nowhere; and the source that
# AutoGraph makes of a function of Keras (`audit_hook.py`).
_NOTHING = re.compile(
    r'^tgkill\(\d+, \d+, SIGABRT\)|"/proc/self/task/\d+/comm"|"/dev/null"|"[^"]*/__autograph_generated_file\w+\.py"'
)
_MOST = 40


def judged_lines(lines: Iterable[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Each system call that touched something, after the name whose calls made it; at most 40 of a name."""
    name, count = "", 0
    for line in lines:
        if mark := _MARK.search(line):
            name, count = mark[1], 0
        elif name and count < _MOST and (what := judged(line, str(folder))):
            count += 1
            yield name, what


def judged(line: str, folder: str) -> str:
    """What is wrong with a system call, as strace wrote it; empty where nothing is.

    Wrong is what changes a file or opens one to be written, the network, another process, and whatever looks at the `folder` in
    which the hostile paths lie. A framework may read what the system says of itself.

    >>> judged('7 openat(AT_FDCWD, "/proc/cpuinfo", O_RDONLY) = 3', "/tmp/f")
    ''
    >>> judged('7 openat(AT_FDCWD, "/x", O_WRONLY|O_CREAT, 0666) = 3', "/tmp/f")
    'openat(AT_FDCWD, "/x", O_WRONLY|O_CREAT, 0666) = 3'
    >>> judged('7 newfstatat(AT_FDCWD, "/tmp/f/marker", 0x7ffe, 0) = 0', "/tmp/f")[:10]
    'newfstatat'
    """
    match = _CALL.match(line)
    if match is None:
        return ""
    call, rest = match["call"], match["rest"].strip()
    shown = f"{call}({rest}"[:300]
    if _NOTHING.search(shown):
        return ""
    wrong = (
        any(kind.fullmatch(call) for kind in (_CHANGES, _NETWORK, _PROCESS))
        or folder in rest
        or (call in _OPENS and _WRITING.search(rest) is not None)
        or (call in _FORKS and "CLONE_THREAD" not in rest)
    )
    return shown if wrong else ""
