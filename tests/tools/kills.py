"""Kills processes of tfpt while it runs, at random moments from the first second on, and counts what is lost.

A framework's process takes seconds to import it: many are hit there. A scenario may fail by that, and says so; none may be
missing from the report, and nothing may be left of a run: no process, no temporary folder.

    python -m tests.tools.kills --kills 200 --seed 3
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT
from tests.processes import children, gone

SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGSTOP)
SCENARIOS = 60
TEXT = "name: s{n}\ngradient: {{of: sum(tanh({n} * x) + x ** 2), at: {{x: [0.5, 1.0, -0.5]}}}}\n"


@dataclass
class Lost:
    """What some runs came to: kills by the signal and by what was hit, symptoms by how often, and what was lost."""

    kills: Counter[str] = field(default_factory=Counter)
    importing: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    symptoms: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


def importing(pid: int) -> bool:
    """Whether a framework's process has not loaded the library that does the computing yet."""
    try:
        text = Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return False
    return "libtorch_python" not in text and "_pywrap_tensorflow" not in text


def run(folder: Path, kills: int, rng: random.Random, found: Lost) -> None:
    """One run, in which so many processes are hit, each up to half a second after the one before."""
    file, report, temporary = folder / "s.yaml", folder / "out.json", folder / "tmp"
    temporary.mkdir()
    file.write_text("---\n".join(TEXT.format(n=n) for n in range(1, SCENARIOS + 1)), encoding="utf-8")
    environment = {**os.environ, "TFPT_CACHE": "0", "TFPT_WARM": "0", "TMPDIR": str(temporary)}
    command = [
        sys.executable,
        "-m",
        "tfpt_cli",
        "check",
        str(file),
        "--report",
        f"json={report}",
        "--timeout",
        "10",
        "--start-timeout",
        "20",
        "-qq",
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    ours: set[int] = set()
    while kills and process.poll() is None:
        time.sleep(rng.uniform(0.05, 0.5))
        there = children(process.pid)
        ours |= set(there)
        if there:
            hit, number = rng.choice(there), rng.choice(SIGNALS)
            found.importing += importing(hit)
            with suppress(ProcessLookupError):
                os.kill(hit, number)
                found.kills[number.name] += 1
                kills -= 1
    _, err = process.communicate(timeout=600)
    if "Traceback" in err or process.returncode not in (0, 1, 3):
        found.problems.append(f"exit code {process.returncode}: {err[-500:]}")
    try:
        scenarios = json.loads(report.read_text(encoding="utf-8"))["scenarios"]
    except (OSError, ValueError) as error:
        found.problems.append(f"no report: {error}")
        return
    if [each["name"] for each in scenarios] != [f"s{n}" for n in range(1, SCENARIOS + 1)]:
        found.problems.append(f"{len(scenarios)} of {SCENARIOS} scenarios in the report, or in another order")
    for each in scenarios:
        found.statuses[each["status"]] += 1
        found.symptoms.update(failure["symptom"] for failure in each["failures"])
    time.sleep(0.5)
    if left := [pid for pid in ours if not gone(pid)]:
        found.problems.append(f"processes are left: {left}")
    if files := list(temporary.iterdir()):
        found.problems.append(f"temporary files are left: {files}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--each", type=int, default=12, help="so many in each run")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng, found = random.Random(given.seed), Lost()
    while (left := given.kills - found.kills.total()) > 0:
        with tempfile.TemporaryDirectory() as folder:
            run(Path(folder), min(left, given.each), rng, found)
        print(f"{found.kills.total()} kills, {found.importing} of them of what was importing", flush=True)
    print(dict(found.kills), dict(found.statuses), dict(found.symptoms))
    print("\n".join(found.problems) or "nothing was lost, and nothing is left")
    sys.exit(bool(found.problems))


if __name__ == "__main__":
    main()
