"""The frameworks' processes that the server of warm ones keeps, and when they are started anew."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from tfpt_cli.engine import fingerprint
from tfpt_cli.frameworks import REFERENCE, SIDES
from tfpt_cli.workers.child import protocol
from tfpt_cli.workers.lent import Lent
from tfpt_cli.workers.process import CHILD, Limits, environment_of, load_request

# A process that has grown by more gigabytes than this over its runs is replaced: what they left is not to limit later ones.
_GROWN = 1.0


class Kept:
    """The frameworks' processes, kept for these conditions."""

    def __init__(self, conditions: dict[str, Any]) -> None:
        self.conditions = conditions
        # Of this interpreter, in which all of them run.
        self.packages = fingerprint.of_packages(REFERENCE)
        self.files = fingerprint.framework_files(REFERENCE)
        self.stamps = fingerprint.of_stamps(self.files)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.shelf: dict[str, Lent] = {}
        self.sizes: dict[str, float] = {}
        for side in (*SIDES, REFERENCE):
            self.start(side)

    def start(self, side: Any) -> None:
        """Starts the process of a side, which begins at once to import its framework."""
        own_code = bool(self.conditions["own code"]) and side is not REFERENCE
        try:
            process = subprocess.Popen(
                [sys.executable, str(CHILD), side.framework.key],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.conditions["folder"],
                env=environment_of(side, self.conditions["environment"], own_code=own_code),
                start_new_session=True,
            )
        except OSError:
            self.shelf.pop(side.key, None)
            return
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        memory = Limits().memory
        with suppress(OSError):
            process.stdin.write(b"".join(protocol.frame(load_request(memory))))
        self.processes[side.key] = process
        stdin, stdout, stderr = (file.fileno() for file in (process.stdin, process.stdout, process.stderr))
        self.shelf[side.key] = Lent(process.pid, stdin, stdout, stderr, memory=memory, own_code=own_code)
        self.sizes.pop(side.key, None)

    def fit_for(self, conditions: dict[str, Any]) -> bool:
        """Whether they are what would be started in these conditions: all are there, and what they imported is as it was."""
        return (
            self.conditions == conditions
            and all(process.poll() is None for process in self.processes.values())
            and len(self.processes) == len(SIDES) + 1
            and fingerprint.of_packages(REFERENCE) == self.packages
            and fingerprint.of_stamps(self.files) == self.stamps
        )

    def given_back(self, report: bytes) -> None:
        """Starts again whatever a command has not left as it was."""
        try:
            said = json.loads(report)
        except ValueError:
            said = {}
        for side in (*SIDES, REFERENCE):
            it = said.get(side.key) if isinstance(said, dict) else None
            size = self.size(side.key)
            if not it or not it["clean"] or size - self.sizes.get(side.key, size) > _GROWN:
                self.end_one(side.key)
                self.start(side)
            else:
                self.shelf[side.key].versions = it["versions"]
                if it["versions"]:
                    self.sizes.setdefault(side.key, size)

    def size(self, key: str) -> float:
        """The gigabytes that a process has in memory."""
        try:
            with open(f"/proc/{self.processes[key].pid}/statm", encoding="ascii") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**30
        except (OSError, KeyError, ValueError, IndexError):
            return 0.0

    def memory(self) -> float:
        """The gigabytes that all processes have in memory."""
        return sum(map(self.size, self.processes))

    def end_one(self, key: str) -> None:
        """Ends a process."""
        process = self.processes.pop(key, None)
        if process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for file in (process.stdin, process.stdout, process.stderr):
                if file is not None:
                    file.close()

    def end(self) -> None:
        """Ends every process."""
        for key in list(self.processes):
            self.end_one(key)
