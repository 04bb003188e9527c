"""Runs tfpt on real models and prints a table: `python -m tests.realworld --environment DIR [WORD ...]`.

An environment with the pinned packages is made in the folder where it is not there yet.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.realworld.cases import AS_THEY_ARE, CHANGED, HERE, MASKED, Case

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKAGES = HERE / "requirements.txt"
GROUPS = {"as they are": AS_THEY_ARE, "one thing changed in Keras": CHANGED, "under a padding mask": MASKED}
_SAME = ("identical", "close")


def main() -> None:
    """Runs the cases whose name has one of the words, or all, and prints a table of each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Path(os.environ.get("XDG_CACHE_HOME", tempfile.gettempdir())) / "tfpt-realworld"
    parser.add_argument("--environment", type=Path, default=usual, help=f"the folder of the environment ({usual})")
    parser.add_argument("words", nargs="*", help="words of the cases to run")
    options = parser.parse_args()
    python = environment(options.environment)
    print(f"{versions(python)}\n")
    for title, cases in GROUPS.items():
        chosen = [case for case in cases if not options.words or any(word in case.name for word in options.words)]
        if chosen:
            print(f"**transformers, {title}**\n")
            print("| model | verdict | agree | greatest difference | where it begins, as tfpt says | seconds |")
            print("|---|---|---|---|---|---|")
            for row in rows(chosen, python):
                print(row, flush=True)
            print()


def environment(folder: Path) -> Path:
    """The interpreter of the environment in a folder, which is made where there is none."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(PACKAGES)]
        subprocess.run(install, check=True)
    return python


def versions(python: Path) -> str:
    """The versions of the packages in an environment that a table is of."""
    names = ("torch", "tensorflow", "tf_keras", "transformers")
    code = f"from importlib.metadata import version; print(', '.join(n + ' ' + version(n) for n in {names!r}))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def rows(cases: Sequence[Case], python: Path) -> list[str]:
    """The lines of the table for some cases, checked in one run."""
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder) / "models.yaml", Path(folder) / "report.json"
        file.write_text("---\n".join(case.document for case in cases), encoding="utf-8")
        sides = ["--torch-python", str(python), "--tensorflow-python", str(python)]
        command = [sys.executable, "-m", "tfpt_cli", "check", "--allow-code", *sides]
        # The models of TensorFlow that transformers has are of Keras 2.
        done = subprocess.run(
            [*command, "--format", "json", "-o", str(report), str(file)],
            env={**os.environ, "TF_USE_LEGACY_KERAS": "1"},
            check=False,
        )
        if done.returncode > 1 and not report.exists():
            raise SystemExit(f"tfpt left no report (exit code {done.returncode})")
        results = json.loads(report.read_text(encoding="utf-8"))["scenarios"]
    return [row(case, result) for case, result in zip(cases, results, strict=True)]


def row(case: Case, result: dict[str, Any]) -> str:
    """A case as a line of the table."""
    compared = result["comparisons"]
    same = [each for each in compared if each["verdict"] in _SAME]
    found = "error" if result["status"] == "error" else "agree" if len(same) == len(compared) else "differ"
    where = "" if found == "agree" else begins(result)
    if case.named and case.named not in where:
        where += f" (**{case.named} is not named**)"
    cells = [case.name, found, f"{len(same)} of {len(compared)}", greatest(compared), where, f"{result['seconds']:.1f}"]
    return f"| {' | '.join(cells)} |"


def greatest(compared: Sequence[dict[str, Any]]) -> str:
    """The greatest difference of all that was compared, as the report has it."""
    sizes = [each["max_abs"] for each in compared if isinstance(each.get("max_abs"), (int, float))]
    return f"{max(sizes):.1e}" if sizes else ""


def begins(result: dict[str, Any]) -> str:
    """Where two models begin to part, in the report's words without the list of what parts."""
    words = str(result.get("reason") or "")
    _, found, rest = words.partition(" differ: ")
    return " ".join((rest if found else words).split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
