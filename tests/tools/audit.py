"""Calls every name that a scenario may use with hostile arguments, and says which touched a file, the network or a process.

    python -m tests.tools.audit torch                          # what the tests take: few arguments each
    python -m tests.tools.audit tensorflow --full              # all arguments, more signatures and parameters, more time
    python -m tests.tools.audit torch --name F.relu --name torch.load

The names are those of the lists of native calls (`tfpt_cli/dictionary/native`), functions, classes and tensor methods, and
those that the rows of the dictionary write. Each is called with arguments that it takes, found by trying, of which one after
another is replaced by a path, a URL, source text, a large number and the like; a class also makes its layer, which is called.

Two witnesses: an audit hook of Python in the process (`audit_hook.py`), and strace where it is installed
(`system_calls.py`). The exit code is 1 where something was touched. What crashed its process or did not end is listed too, and
is no finding: a worker has limits.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools.system_calls import judged_lines
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import called_name, nodes

ROOT = Path(__file__).parents[2]
STRACE = shutil.which("strace")
# How thorough it is: signatures of a name, parameters of one, calls tried until one works, seconds of a call and of a name.
QUICK = {"overloads": 1, "places": 6, "bases": 100, "seconds": 0.5, "seconds_of_name": 3, "crashes": 8, "chunk": 300}
FULL = {"overloads": 4, "places": 30, "bases": 800, "seconds": 2, "seconds_of_name": 60, "crashes": 10, "chunk": 50}


@dataclass
class Audit:
    """What the calls of many names came to.

    `touched` are the findings, by name; `crashed` the calls that ended their process, by name, each with how it ended; `given_up`
    are the names of which the calls behind such a one were not made any more. `slow` counts calls that were cut off, `late` are
    names whose time was up, `absent` those that the installed version does not have. `works` are the names of which a call that
    is no refusal was found, so that single hostile arguments were met behind the first check.
    """

    calls: int = 0
    names: list[str] = field(default_factory=list)
    works: list[str] = field(default_factory=list)
    touched: dict[str, list[str]] = field(default_factory=dict)
    crashed: dict[str, list[str]] = field(default_factory=dict)
    given_up: list[str] = field(default_factory=list)
    slow: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    traced: bool = False

    def find(self, name: str, what: str) -> None:
        """Notes that calls of a name touched something."""
        self.touched.setdefault(name, []).append(what)


def names_of(framework: str) -> dict[str, list[str]]:
    """Every name that may run in a framework's process because a scenario says so, with its signatures; `.sum` is a method.

    >>> names_of("torch")["F.celu"], ".sum" in names_of("torch")
    (['input, alpha=1.0, inplace=False'], True)
    """
    table = native(framework)
    names = {**table.calls, **{f".{name}": signatures for name, signatures in table.methods.items()}}
    roots = (*FRAMEWORKS[framework].roots, "np", "math")
    for tree in _templates(framework):
        for node in nodes(tree):
            name = table.canonical(called_name(node)) if isinstance(node, ast.Call) else ""
            if "." in name and name.split(".")[0] in roots and name not in names:
                assert isinstance(node, ast.Call)
                names[name] = [", ".join(f"a{number}" for number, _ in enumerate(node.args)) or "*args"]
    return names


def _templates(framework: str) -> list[ast.AST]:
    """The code that the rows of the dictionary write for a framework."""
    rows = dictionary()
    tables: list[Any] = [rows.operations, rows.layers, rows.initializers, rows.arrays]
    found = [row.spelling.get(key) for table in tables for row in table.values() for key in (framework, "numpy")]
    return [tree for tree in found if isinstance(tree, ast.AST)]


def row_of(name: str, signatures: list[str]) -> dict[str, Any]:
    """A name as the child takes it: of each signature how many arguments are needed, and the names of all."""
    described = []
    for text in signatures:
        parameters = [p for p in parse_signature(text).parameters if p.kind in ("array", "setting")]
        described.append(
            {
                "required": sum(p.required and not p.keyword_only for p in parameters) or "*args" in text,
                "names": [p.name for p in parameters],
            }
        )
    return {"name": name, "signatures": described or [{"required": 1, "names": []}]}


def audited(
    framework: str, names: dict[str, list[str]], *, full: bool = False, trace: bool = STRACE is not None
) -> Audit:
    """Calls names of a framework with hostile arguments in a process of their own, and gives what that came to."""
    with tempfile.TemporaryDirectory(prefix="audit-folder-") as place:
        folder = Path(place)
        texts = _hostile_texts(folder)
        rows = [row_of(name, signatures) for name, signatures in names.items()]
        job = {
            **(FULL if full else QUICK),
            "full": full,
            "folder": str(folder / "empty"),
            "names": rows,
            "texts": texts,
        }
        (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "tests.tools.audit_child", framework, str(folder / "job.json")]
        log = folder / "strace.log"
        if trace:
            assert STRACE is not None
            asked = [
                "-f",
                "--seccomp-bpf",
                "-qq",
                "-s",
                "300",
                "-e",
                "trace=%file,%network,%process",
                "-e",
                "signal=none",
            ]
            command = [STRACE, *asked, "-o", str(log), *command]
        (folder / "home").mkdir()  # not that of whoever looks on: a hostile name may write there
        environment = {
            **os.environ,
            "HOME": str(folder / "home"),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "CUDA_VISIBLE_DEVICES": "",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            raise RuntimeError(f"the audit of {framework} ended with {done.returncode}: {done.stderr[-2000:]}")
        audit = _read(done.stdout)
        audit.traced = trace
        if trace:
            with log.open(encoding="utf-8", errors="replace") as lines:
                for name, what in judged_lines(lines, folder):
                    audit.find(name, f"strace: {what}")
        if made := sorted(str(path) for path in (folder / "empty").rglob("*")):
            audit.find("(some name)", f"left {', '.join(made)}")
    return audit


def _hostile_texts(folder: Path) -> dict[str, str]:
    """Texts that would do harm where something opened, imported or ran them; the paths lie in a folder of their own."""
    (folder / "empty").mkdir()
    marker = folder / "marker.npy"
    marker.write_bytes(b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.")
    new = folder / "empty" / "made"
    return {
        "a path": str(marker),
        "a new path": str(new),
        "a URL of a file": f"file://{marker}",
        "a URL": "http://127.0.0.1:9/audit-folder",
        "code": f"__import__('os').mkdir({str(new)!r})",
        "a dunder": "__class__",
    }


def _read(output: str) -> Audit:
    audit = Audit()
    for line in output.splitlines():
        answer = json.loads(line)
        if "broken" in answer:
            raise RuntimeError(f"the audit itself failed: {answer['broken']}")
        if "absent" in answer:
            audit.absent.append(answer["absent"])
            continue
        if "crashed" in answer:
            audit.crashed.setdefault(answer["crashed"], []).append(f"{answer['call']}: {answer['how']}")
            if answer["last"]:
                audit.given_up.append(answer["crashed"])
            continue
        name = answer["name"]
        audit.names.append(name)
        audit.calls += answer["calls"]
        if answer["works"]:
            audit.works.append(name)
        if answer["slow"]:
            audit.slow[name] += answer["slow"]
        if answer["late"]:
            audit.late.append(name)
        for seen in answer["seen"]:
            audit.find(name, seen)
    return audit


def report(audit: Audit) -> str:
    """The figures of an audit, and each finding."""
    lines = [
        f"{len(audit.names)} names, {audit.calls:,} calls; of {len(audit.works)} a call that works was found and altered"
        f"{'' if audit.traced else ' (without strace)'}",
        f"{sum(audit.slow.values())} calls of {len(audit.slow)} names cut off; "
        f"{len(audit.late)} names not to their end; {len(audit.absent)} absent",
    ]
    for name, calls in sorted(audit.crashed.items()):
        rest = "; its other calls were not made" if name in audit.given_up else ""
        lines.append(f"ended its process: {name} ({'; '.join(calls)}){rest}")
    lines += [f"TOUCHED by {name}: {what}" for name, found in sorted(audit.touched.items()) for what in found[:5]]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Calls every name that a scenario may use with hostile arguments.")
    parser.add_argument("framework", choices=list(FRAMEWORKS))
    parser.add_argument("--full", action="store_true", help="all arguments, signatures and parameters")
    parser.add_argument("--name", action="append", default=[], help="only this one, also where it is in no list")
    parser.add_argument("--no-trace", action="store_true", help="without strace")
    options = parser.parse_args()
    names = names_of(options.framework)
    if options.name:
        names = {name: names.get(name, ["a, b"]) for name in options.name}
    audit = audited(options.framework, names, full=options.full, trace=STRACE is not None and not options.no_trace)
    print(report(audit))
    sys.exit(bool(audit.touched))


if __name__ == "__main__":
    main()
