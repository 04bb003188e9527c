"""A command's way to the warm processes: asking the server to run it there, and starting one for the next.

It is imported before anything else of tfpt, so it imports next to nothing. Whatever is wrong with a server, or with the way to
it, the command runs as if there were none.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from tfpt_cli import private
from tfpt_cli.cli.machine import free_memory

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence
    from pathlib import Path

# The commands that ask the frameworks, over and over, from a terminal.
COMMANDS = frozenset({"check", "grad", "weights", "layer", "diff"})
# Whoever sets one of these runs commands for nobody who waits at a terminal.
_IN_CI = ("CI", "TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "BUILDKITE")
# Options with which a command is not run a second time where the server is lost during the first.
_ONCE = ("--save",)
# Of the environment, what is about the terminal or the session and reaches neither framework.
_OF_TERMINAL = (
    *("_", "PWD", "OLDPWD", "SHLVL", "COLUMNS", "LINES", "TERM", "COLORTERM", "WINDOWID", "DISPLAY", "STY", "NO_COLOR"),
    *("FORCE_COLOR", "CLICOLOR", "PAGER", "EDITOR", "VISUAL", "LS_COLORS", "PS1", "PROMPT", "LESS", "TFPT_CACHE", "TFPT_WARM"),
)  # fmt: skip
_OF_TERMINALS = (
    "TERM_",
    "TMUX",
    "SSH_",
    "XDG_SESSION",
    "DBUS_",
    "GPG_",
    "VTE_",
    "KONSOLE_",
    "ITERM_",
    "KITTY_",
    "WEZTERM_",
)
# Seconds that a server may take to say whether it takes a command, in which one that is there and well is done many times.
_PATIENCE = 5.0
# Seconds without a command after which the server ends.
IDLE = 600.0
# Gigabytes of memory that are to be left beside the warm processes, which take about 1.2.
LEAST_MEMORY = 3.0


def wanted(arguments: Sequence[str]) -> bool:
    """Whether a command is one that warm processes are for: asked by a person at a terminal, who has not said otherwise."""
    return (
        bool(arguments)
        and arguments[0] in COMMANDS
        and "--no-warm" not in arguments
        and not {"-h", "--help", *_ONCE}.intersection(arguments)
        and not any(argument.startswith(f"{option}=") for argument in arguments for option in _ONCE)
        and os.environ.get("TFPT_WARM", "1").lower() not in ("0", "false", "no", "off")
        and not any(os.environ.get(name) for name in _IN_CI)
        and hasattr(os, "fork")
        and os.isatty(1)
    )


def answered(arguments: Sequence[str]) -> int | None:
    """Has the server run a command on this process's own terminal; gives its exit code, None where it is still to be run."""
    if not wanted(arguments):
        return None
    umask = os.umask(0o77)
    os.umask(umask)
    request = {
        "do": "run",
        "arguments": list(arguments),
        "variables": dict(os.environ),
        "umask": umask,
        "hangup": _hears_hangup(),
        "for": conditions(own_code="--allow-code" in arguments),
    }
    connection = connected()
    if connection is None:
        return None
    with connection:
        try:
            send(connection, request, [0, 1, 2])
            said = receive(connection)
        except (OSError, ValueError):
            return None
        if not isinstance(said.get("pid"), int):
            return None
        return _waited(connection, said["pid"])


def _waited(connection: socket.socket, pid: int) -> int | None:
    """The exit code of the process that runs the command; what asks this one to end is passed on to it."""
    import signal

    def pass_on(number: int, _: object) -> None:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    heard = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if _hears_hangup() else []))
    for number in heard:
        signal.signal(number, pass_on)
    try:
        connection.settimeout(None)
        code = receive(connection).get("code")
    except (OSError, ValueError):
        code = None
    for number in heard:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    if isinstance(code, int):
        return code
    sys.stderr.write("tfpt: the warm process has gone; once more, without it\n")
    return None


def _hears_hangup() -> bool:
    """Whether this process ends when its terminal is closed; `nohup` asks for the contrary."""
    import signal

    return signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN


def prepare(arguments: Sequence[str]) -> None:
    """Has the frameworks warmed up for the next command like this one, which has just run cold; nobody waits for it."""
    if wanted(arguments) and _memory_is_there():
        warm_up(own_code="--allow-code" in arguments)


def warm_up(*, own_code: bool, idle: float | None = None) -> None:
    """Tells the server for what to warm up, and starts it where there is none; without a private folder there is none."""
    path = address()
    if path is None:
        return
    request = {"do": "warm", "idle": idle, "for": conditions(own_code=own_code)}
    if (asked(request) or {}).get("warm"):
        return
    import json
    import subprocess

    # Where this package is: the server is the same tfpt, whatever else is found by that name where it starts.
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    start = f"import sys; sys.path.insert(0, {package!r}); import tfpt_cli; sys.path.remove({package!r})"
    start += "; from tfpt_cli.cli.warm_server import main; main()"
    try:
        server = subprocess.Popen(
            [sys.executable, "-P", "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert server.stdin is not None
        with server.stdin as said:
            said.write(json.dumps({**request, "address": str(path)}).encode("utf-8"))
        server.returncode = 0  # nobody waits for it
    except OSError:
        pass


def conditions(*, own_code: bool) -> dict[str, Any]:
    """What a process must have been started with to be as one that is started now: environment, folder, limits."""
    import resource

    names = (name for name in dir(resource) if name.startswith("RLIMIT_"))
    try:
        folder = os.getcwd()
    except OSError:
        folder = ""
    variables = {
        name: value
        for name, value in sorted(os.environ.items())
        if name not in _OF_TERMINAL and not name.startswith(_OF_TERMINALS)
    }
    settings = ""
    if own_code:  # else the processes read none
        from tfpt_cli.engine.fingerprint import of_keras

        settings = of_keras()
    return {
        "environment": variables,
        "settings of Keras": settings,
        "folder": folder,
        "own code": own_code,
        "cores": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [],
        "limits": {name: list(resource.getrlimit(getattr(resource, name))) for name in names},
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
    }


def _memory_is_there() -> bool:
    free = free_memory()
    return free is None or free >= LEAST_MEMORY


# ---- the way to the server


def address() -> Path | None:
    """The socket of the server of this environment's tfpt; None where there is no folder that is the user's alone."""
    import hashlib
    import tempfile
    from pathlib import Path

    if not hasattr(os, "geteuid"):
        return None
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    folder = private.private_folder(Path(given, "tfpt")) if os.path.isabs(given) else None
    try:
        folder = folder or private.private_folder(Path(tempfile.gettempdir(), f"tfpt-{os.geteuid()}"))
    except OSError:  # there is no temporary folder, or no room in any: a full disk, a read-only container
        return None
    if folder is None or folder.stat().st_mode & 0o077:
        return None
    name = hashlib.sha256(f"{sys.prefix} {os.path.abspath(__file__)}".encode()).hexdigest()[:16]
    path = folder / f"{name}.socket"
    return path if len(os.fsencode(path)) < 100 else None  # a socket's name may have 107 bytes


def connected() -> socket.socket | None:
    """A connection to the server; None where there is none, or it is not this user's."""
    path = address()
    if path is None or not path.exists():
        return None
    import socket

    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(str(path))
        if peer(connection) == os.geteuid():
            return connection
    except OSError:
        pass
    connection.close()
    return None


def asked(request: dict[str, Any]) -> dict[str, Any] | None:
    """What the server answers; None where there is none, or it does not."""
    connection = connected()
    if connection is None:
        return None
    with connection:
        try:
            send(connection, request)
            return receive(connection)
        except (OSError, ValueError):
            return None


def peer(connection: socket.socket) -> int:
    """The user at the other end. Raises `OSError`; where the system does not say it is the owner of the folder, this user."""
    import socket
    import struct

    if not hasattr(socket, "SO_PEERCRED"):
        return os.geteuid()
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(user)


def send(connection: socket.socket, what: dict[str, Any], files: Sequence[int] = ()) -> None:
    """Sends an object as JSON, with open files. Raises `OSError`."""
    import json
    import socket

    text = json.dumps(what).encode("utf-8")
    length = len(text).to_bytes(4, "big")
    if files:
        socket.send_fds(connection, [length], list(files))
    else:
        connection.sendall(length)
    connection.sendall(text)


def receive(connection: socket.socket) -> dict[str, Any]:
    """The next object. Raises `OSError` where there is none, `ValueError` where it is none."""
    return parsed(connection, exactly(connection, 4))


def parsed(connection: socket.socket, length: bytes) -> dict[str, Any]:
    """The object that follows its length. Raises as `receive`."""
    import json

    size = int.from_bytes(length, "big")
    if size > 1 << 24:
        raise ValueError("an object of more than 16 MB")
    found = json.loads(exactly(connection, size))
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes. Raises `OSError` at the end."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise ConnectionResetError("the other end has gone")
        data += piece
    return data
