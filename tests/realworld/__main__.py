"""Runs tfpt on real models and prints a table: `python -m tests.realworld --environment DIR [WORD ...]`.

Two environments with the pinned packages are made in the folder where they are not there yet: that of timm is another one, since
torchvision's registry build breaks beside a torch without graphics cards, and is got to import by a line of `timm_models.py`.
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
from tests.realworld.images import IMAGES, Images

if TYPE_CHECKING:
    from collections.abc import Sequence

# What is in each environment: requirements, and those whose own are not installed.
PACKAGES = {"transformers": ["requirements.txt"], "timm": ["requirements-torch.txt", "requirements-timm.txt"]}
GROUPS: dict[str, tuple[str, Sequence[Case | Images]]] = {
    "transformers, as they are": ("transformers", AS_THEY_ARE),
    "transformers, one thing changed in Keras": ("transformers", CHANGED),
    "transformers, under a padding mask": ("transformers", MASKED),
    "timm and keras.applications, forward": ("timm", IMAGES),
}
# The models of TensorFlow that transformers has are of Keras 2.
SETTINGS = {"transformers": {"TF_USE_LEGACY_KERAS": "1"}}
_SAME = ("identical", "close")


def main() -> None:
    """Runs the cases whose name has one of the words, or all, and prints a table of each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Path(os.environ.get("XDG_CACHE_HOME", tempfile.gettempdir())) / "tfpt-realworld"
    parser.add_argument("--environment", type=Path, default=usual, help=f"the folder of the environment ({usual})")
    parser.add_argument("words", nargs="*", help="words of the cases to run")
    options = parser.parse_args()
    for title, (library, cases) in GROUPS.items():
        chosen = [case for case in cases if not options.words or any(word in case.name for word in options.words)]
        if chosen:
            python = environment(options.environment / library, PACKAGES[library])
            print(f"**{title}** ({versions(python, library)})\n")
            print("| model | verdict | agree | greatest difference | where it begins, as tfpt says | seconds |")
            print("|---|---|---|---|---|---|")
            for line in rows(chosen, python, SETTINGS.get(library, {})):
                print(line, flush=True)
            print()


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of the environment in a folder, which is made where there is none; the second list goes in as it is."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for place, file in enumerate(packages):
            install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(HERE / file)]
            subprocess.run([*install, *(["--no-deps"] if place else [])], check=True)
    return python


def versions(python: Path, library: str) -> str:
    """The versions of the packages in an environment that a table is of."""
    names = ("torch", "tensorflow", "keras", "tf_keras", library)
    code = f"from importlib.metadata import version; print(', '.join(n + ' ' + version(n) for n in {names!r}))"
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def rows(cases: Sequence[Case | Images], python: Path, settings: dict[str, str]) -> list[str]:
    """The lines of the table for some cases, checked in one run."""
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder) / "models.yaml", Path(folder) / "report.json"
        file.write_text("---\n".join(case.document for case in cases), encoding="utf-8")
        sides = ["--torch-python", str(python), "--tensorflow-python", str(python)]
        command = [sys.executable, "-m", "tfpt_cli", "check", "--allow-code", "--timeout", "300", *sides]
        done = subprocess.run(
            [*command, "--format", "json", "-o", str(report), str(file)],
            env={**os.environ, **settings},
            check=False,
        )
        if done.returncode > 1 and not report.exists():
            raise SystemExit(f"tfpt left no report (exit code {done.returncode})")
        results = json.loads(report.read_text(encoding="utf-8"))["scenarios"]
    return [row(case, result) for case, result in zip(cases, results, strict=True)]


def row(case: Case | Images, result: dict[str, Any]) -> str:
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
