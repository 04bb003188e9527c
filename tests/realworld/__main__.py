"""Runs tfpt on real models and prints a table: `python -m tests.realworld --environment DIR [WORD ...]`.

Environments with the pinned packages are made in the folder where they are not there yet. timm and what it needs stand in one of
their own, since the registry build of torchvision breaks beside a torch without graphics cards, and is got to import by a line
of `timm_models.py`; each side of a scenario is run by the interpreter of its own environment.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.realworld.cases import AS_THEY_ARE, CHANGED, HERE, MASKED, Case
from tests.realworld.exports import EXPORTED, Exported
from tests.realworld.images import APPLICATIONS, KECAM, Images

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# What is in each environment: requirements, and those whose own are not installed.
PACKAGES = {
    "transformers": ["requirements.txt"],
    "timm": ["requirements-torch.txt", "requirements-timm.txt"],
    "keras": ["requirements-keras.txt"],
    "nobuco": ["requirements-nobuco.txt", "requirements-torchvision.txt"],
    "onnx2tf": ["requirements-onnx2tf.txt"],
}


@dataclass(frozen=True)
class Group:
    """Cases of one table: the environments of their sides, PyTorch's first, and what is set where they run.

    `shown` are the packages whose versions stand above the table, by environment. `exporter` is the environment that makes
    the models of the other side of PyTorch's.
    """

    title: str
    environments: tuple[str, str]
    cases: Sequence[Case | Images | Exported]
    shown: tuple[tuple[str, str], ...]
    settings: dict[str, str] = field(default_factory=dict)
    exporter: str = ""


# The models of TensorFlow that transformers and kecam have are of Keras 2.
_LEGACY = {"TF_USE_LEGACY_KERAS": "1"}
_TRANSFORMERS = ("torch", "tensorflow", "tf_keras", "transformers")
_HERE = tuple(("transformers", name) for name in _TRANSFORMERS)
_IMAGES = (("timm", "torch"), ("timm", "timm"), ("keras", "tensorflow"))
GROUPS = [
    Group("transformers, as they are", ("transformers", "transformers"), AS_THEY_ARE, _HERE, _LEGACY),
    Group("transformers, one thing changed in Keras", ("transformers", "transformers"), CHANGED, _HERE, _LEGACY),
    Group("transformers, under a padding mask", ("transformers", "transformers"), MASKED, _HERE, _LEGACY),
    Group("timm and keras.applications", ("timm", "keras"), APPLICATIONS, (*_IMAGES, ("keras", "keras"))),
    Group("timm and kecam", ("timm", "keras"), KECAM, (*_IMAGES, ("keras", "tf_keras"), ("keras", "kecam")), _LEGACY),
    Group(
        "PyTorch and what nobuco exports",
        ("timm", "keras"),
        EXPORTED,
        (("timm", "torch"), ("keras", "tensorflow"), ("keras", "tf_keras")),
        _LEGACY,
        "nobuco",
    ),
]
_SAME = ("identical", "close")


def main() -> None:
    """Runs the cases whose name has one of the words, or all, and prints a table of each group."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = Path(os.environ.get("XDG_CACHE_HOME", tempfile.gettempdir())) / "tfpt-realworld"
    parser.add_argument("--environment", type=Path, default=usual, help=f"the folder of the environment ({usual})")
    parser.add_argument("words", nargs="*", help="words of the cases to run")
    options = parser.parse_args()
    for group in GROUPS:
        chosen = [case for case in group.cases if not options.words or any(word in case.name for word in options.words)]
        if chosen:
            pythons = {name: environment(options.environment / name, PACKAGES[name]) for name in group.environments}
            print(f"**{group.title}** ({versions(pythons, group.shown)})\n")
            if group.exporter:
                exporter = environment(options.environment / group.exporter, PACKAGES[group.exporter])
                chosen = [exported(case, exporter, options.environment) for case in chosen]
            print("| model | verdict | agree | greatest difference | where it begins, as tfpt says | seconds |")
            print("|---|---|---|---|---|---|")
            for line in rows(chosen, [pythons[name] for name in group.environments], group.settings):
                print(line, flush=True)
            print()


def exported(case: Case | Images | Exported, python: Path, folder: Path) -> Case | Images | Exported:
    """A case with the model that its exporter has written into a folder."""
    if not isinstance(case, Exported):
        return case
    case = replace(case, place=folder.resolve())
    subprocess.run([str(python), *case.command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return case


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """The interpreter of the environment in a folder, which is made where there is none; the second list goes in as it is."""
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        for place, file in enumerate(packages):
            install = [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(HERE / file)]
            subprocess.run([*install, *(["--no-deps"] if place else [])], check=True)
    return python


def versions(pythons: Mapping[str, Path], shown: Sequence[tuple[str, str]]) -> str:
    """The versions of the packages that a table is of, each in its environment."""
    found = []
    for name, package in shown:
        code = f"from importlib.metadata import version; print(version({package!r}))"
        run = subprocess.run([str(pythons[name]), "-c", code], check=True, capture_output=True, text=True)
        found.append(f"{package} {run.stdout.strip()}")
    return ", ".join(found)


# So many scenarios are checked in one run: what the processes of a run hold of their models stays until it ends.
_TOGETHER = 8


def rows(cases: Sequence[Case | Images | Exported], pythons: Sequence[Path], settings: dict[str, str]) -> Iterator[str]:
    """The lines of the table for some cases, a few of which are checked in one run."""
    for start in range(0, len(cases), _TOGETHER):
        few = cases[start : start + _TOGETHER]
        yield from (row(case, result) for case, result in zip(few, checked(few, pythons, settings), strict=True))


def checked(
    cases: Sequence[Case | Images | Exported], pythons: Sequence[Path], settings: dict[str, str]
) -> list[dict[str, Any]]:
    """The results of some cases, checked in one run."""
    with tempfile.TemporaryDirectory() as folder:
        file, report = Path(folder) / "models.yaml", Path(folder) / "report.json"
        file.write_text("---\n".join(case.document for case in cases), encoding="utf-8")
        sides = ["--torch-python", str(pythons[0]), "--tensorflow-python", str(pythons[1])]
        command = [sys.executable, "-m", "tfpt_cli", "check", "--allow-code", "--timeout", "300", *sides]
        done = subprocess.run(
            [*command, "-q", "--format", "json", "-o", str(report), str(file)],
            env={**os.environ, **settings},
            check=False,
        )
        if done.returncode > 1 and not report.exists():
            raise SystemExit(f"tfpt left no report (exit code {done.returncode})")
        return list(json.loads(report.read_text(encoding="utf-8"))["scenarios"])


def row(case: Case | Images | Exported, result: dict[str, Any]) -> str:
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
