"""The server of the warm processes: it keeps both frameworks imported, and has commands run on them.

For each command it forks, and the fork runs the command as a fresh process would: on the terminal of whoever typed it, in their
folder and environment, with the frameworks' processes lent to it (`workers/lent.py`). One command runs at a time; a second one
runs cold. The server never reads a scenario itself, so it stays as it was when it started.

It serves nothing that has changed: neither tfpt's own code nor that of the frameworks, not the environment, the folder or the
limits that the frameworks' processes were started with. It ends when it was idle for long, when memory is short, when tfpt was
changed, and when its socket is no longer there.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tfpt_cli.cli import warm_client
from tfpt_cli.cli.machine import free_memory
from tfpt_cli.cli.warm_processes import Kept
from tfpt_cli.engine import fingerprint
from tfpt_cli.workers import lent

if TYPE_CHECKING:
    from collections.abc import Iterable

# How often it looks whether it is still wanted.
_LOOK = 5.0
# Below so many gigabytes of free memory it makes room.
_SHORT = 1.0
# Seconds that a server which was told to go, for another in its place, may need for that.
_HANDOVER = 5.0
# How long a client may take to say what it wants.
_PATIENCE = 5.0


def main() -> NoReturn:
    """Serves until there is no more need; what to serve, and where, is said on standard input."""
    said = json.loads(sys.stdin.buffer.read())
    address = Path(said["address"])
    lock = os.open(address.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until = time.monotonic() + _HANDOVER
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if time.monotonic() > until:
                sys.exit(0)  # there is one already
            time.sleep(0.05)
    server = Server(address, said["idle"] or warm_client.IDLE, said["for"])
    try:
        server.serve()
    finally:
        server.end()
    sys.exit(0)


class Server:
    """The state of the server: the processes that it keeps, for whom, and the command that runs on them."""

    def __init__(self, address: Path, idle: float, conditions: dict[str, Any]) -> None:
        self.address, self.idle = address, idle
        self.own = fingerprint.of_stamps(fingerprint.own_files())
        self.locale = _of_locale(os.environ)
        self.last = time.monotonic()
        self.runs = 0
        self.running: Running | None = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with suppress(FileNotFoundError):
            address.unlink()
        self.listener.bind(str(address))
        address.chmod(0o600)
        self.socket = address.stat()
        self.listener.listen(8)
        self.kept = Kept(conditions)

    def serve(self) -> None:
        """Serves whoever comes, until there is no more need."""
        preload()
        gc.collect()
        gc.freeze()  # so that a fork does not copy all that it never changes
        looked = time.monotonic()
        while True:
            waiting: list[Any] = [self.listener, *(self.running.files if self.running else [])]
            ready, _, _ = select.select(waiting, [], [], _LOOK)
            if self.running is not None and any(file in ready for file in self.running.files):
                self.look_after(self.running, ready)
            if self.listener in ready and not self.welcome():
                return
            if time.monotonic() - looked > _LOOK or not ready:
                looked = time.monotonic()
                if self.running is None and self.unwanted():
                    return

    def unwanted(self) -> bool:
        """Whether it is time to end."""
        free = free_memory()
        try:
            moved = not os.path.samestat(self.address.stat(), self.socket)
        except OSError:
            moved = True
        return moved or time.monotonic() - self.last > self.idle or (free is not None and free < _SHORT) or self.stale()

    def stale(self) -> bool:
        """Whether tfpt was changed since this server started."""
        return fingerprint.of_stamps(fingerprint.own_files()) != self.own

    def welcome(self) -> bool:
        """Hears a client; False where the server is to end."""
        connection, _ = self.listener.accept()
        files: list[int] = []
        try:
            connection.settimeout(_PATIENCE)
            if warm_client.peer(connection) != os.geteuid():
                return True
            length, files, _, _ = socket.recv_fds(connection, 4, 3)
            request = warm_client.parsed(connection, length)
            if request.get("do") == "stop":
                warm_client.send(connection, {"stopped": True})
                return False
            if request.get("do") == "status":
                warm_client.send(connection, self.status())
            elif request.get("do") == "warm":
                if self.stale() or _of_locale(request["for"]["environment"]) != self.locale:
                    return False  # the client starts another
                self.idle = request["idle"] or self.idle
                self.prepare(request["for"])
                warm_client.send(connection, {"warm": True})
            elif request.get("do") == "run" and len(files) == 3:
                return self.run(request, files, connection)
        except (OSError, ValueError, KeyError, TypeError):
            pass
        finally:
            for file in files:
                os.close(file)
            if self.running is None or self.running.connection is not connection:
                connection.close()
        return True

    def status(self) -> dict[str, Any]:
        """What `tfpt warm status` shows."""
        return {
            "pid": os.getpid(),
            "runs": self.runs,
            "busy": self.running is not None,
            "idle": round(time.monotonic() - self.last),
            "ends": self.idle,
            "folder": self.kept.conditions["folder"],
            "memory": self.kept.memory(),
        }

    def prepare(self, conditions: dict[str, Any]) -> None:
        """Keeps processes for other conditions from now on, where they are not those already."""
        self.last = time.monotonic()
        if self.running is None and not self.kept.fit_for(conditions):
            self.kept.end()
            self.kept = Kept(conditions)

    def run(self, request: dict[str, Any], files: list[int], connection: socket.socket) -> bool:
        """Has a command run, or leaves it to its client to run it cold; False where the server is to end."""
        self.last = time.monotonic()
        if self.stale():
            return False
        if self.running is not None or not self.kept.fit_for(request["for"]):
            return True
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(told)
            self.listener.close()
            run_command(request, files, self.kept, tell)
        os.close(tell)
        self.running = Running(pid, connection, told)
        self.runs += 1
        warm_client.send(connection, {"pid": pid})
        return True

    def look_after(self, running: Running, ready: Iterable[Any]) -> None:
        """Hears of the command that runs: that it has ended, or that whoever typed it has gone."""
        if running.connection in ready and running.told not in ready:
            os.kill(running.pid, signal.SIGTERM)
            running.files.remove(running.connection)
            return
        report = b""
        with suppress(OSError):
            while piece := os.read(running.told, 65536):
                report += piece
        os.close(running.told)
        _, status = os.waitpid(running.pid, 0)
        self.running = None
        self.last = time.monotonic()
        self.kept.given_back(report)
        with running.connection, suppress(OSError):
            warm_client.send(running.connection, {"code": os.waitstatus_to_exitcode(status)} if report else {})

    def end(self) -> None:
        """Ends every process."""
        if self.running is not None:
            with suppress(OSError):
                os.kill(self.running.pid, signal.SIGTERM)
        self.kept.end()
        with suppress(OSError):
            if os.path.samestat(self.address.stat(), self.socket):
                self.address.unlink()
        self.listener.close()


class Running:
    """A command that runs: its process, the connection to whoever typed it, and a pipe that says how it left what it was lent."""

    def __init__(self, pid: int, connection: socket.socket, told: int) -> None:
        self.pid, self.connection, self.told = pid, connection, told
        self.files: list[Any] = [told, connection]


def _of_locale(environment: Any) -> dict[str, str]:
    """What of an environment decides, when Python starts, on the encodings of its streams and on how it runs."""
    return {name: value for name, value in environment.items() if name.startswith(("LANG", "LC_", "PYTHON"))}


def preload() -> None:
    """Imports what a command imports, and reads what it reads every time."""
    import importlib

    from tfpt_cli.documents.shipped import shipped_scenarios
    from tfpt_cli.scenario.scenario import load
    from tfpt_cli.subjects.registry import SUBJECTS

    for name in (
        "cli.commands",
        "cli.check",
        "cli.one_liners",
        "report.table",
        "report.line",
        "engine.kept",
        "explain.causes",
    ):
        importlib.import_module(f"tfpt_cli.{name}")
    for subject in SUBJECTS.values():
        if subject.comparer:
            importlib.import_module(subject.comparer)
    with suppress(OSError):
        for file in sorted((shipped_scenarios() / "seed").glob("*.yaml")):
            for found in load(str(file)):
                for scenario in found if isinstance(found, list) else ():
                    scenario.listings()


def run_command(request: dict[str, Any], files: list[int], kept: Kept, tell: int) -> NoReturn:
    """Runs a command in this process, a fork, as whoever typed it would have it run, and ends it."""
    code = 1
    try:
        for number, file in enumerate(files):
            os.dup2(file, number)
        for file in files:
            if file > 2:
                os.close(file)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGHUP, signal.SIG_DFL if request["hangup"] else signal.SIG_IGN)
        os.environ.clear()
        os.environ.update(request["variables"])
        os.umask(request["umask"])
        os.chdir(request["for"]["folder"])
        _streams()
        sys.argv = ["tfpt", *request["arguments"]]
        lent.SHELF.update(kept.shelf)
        from tfpt_cli.cli.main import run

        try:
            run()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        left = {key: {"clean": it.clean, "versions": it.versions} for key, it in kept.shelf.items()}
        os.write(tell, json.dumps(left).encode())
    finally:
        os._exit(code)


def _streams() -> None:
    """Standard input, output and error as Python makes them when it starts, of the files that have these numbers now."""
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        before = getattr(sys, f"__{name}__")
        stream = open(  # noqa: SIM115 - as long as the process
            number,
            mode,
            buffering=-1 if name == "stdin" or not os.isatty(number) else 1,
            encoding=before.encoding,
            errors=before.errors,
            closefd=False,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
