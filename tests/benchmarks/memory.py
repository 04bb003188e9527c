"""Peak memory of each process of a `tfpt check`, read from /proc while it runs (Linux)."""

from __future__ import annotations

import re
import subprocess
import time
from pathlib import Path


def peaks(command: list[str], cwd: Path) -> dict[str, float]:
    """MiB at most resident, by process: `tfpt`, `torch`, `tensorflow`."""
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found: dict[str, float] = {}
    while process.poll() is None:
        for pid in family(process.pid):
            try:
                status = (Path("/proc") / pid / "status").read_text()
                arguments = (Path("/proc") / pid / "cmdline").read_text().split("\0")
            except OSError:
                continue  # it has just ended
            child = any(argument.endswith("child.py") for argument in arguments)
            name = next((a for a in arguments if a in ("torch", "tensorflow")), "") if child else "tfpt"
            peak = re.search(r"VmHWM:\s+(\d+)", status)
            if peak and name:
                found[name] = max(found.get(name, 0.0), int(peak[1]) / 1024)
        time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    return found


def family(pid: int) -> list[str]:
    """A process and its children."""
    try:
        children = (Path("/proc") / f"{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    return [str(pid), *children]
