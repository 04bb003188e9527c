"""tfpt installed from a wheel, without the repository: the README's commands in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.conftest import ROOT, SCENARIOS, Done
from tests.test_readme import BLOCKS

# Those of the README's blocks of commands alone, without what is said of them; other tests run those with an output.
COMMANDS = [
    re.sub(r"\s+#.*", "", line.removeprefix("$ "))
    for kind, text in BLOCKS
    if kind == "console" and all(line.startswith("$ tfpt ") for line in text.splitlines())
    for line in text.splitlines()
]
PORT = next(text for kind, text in BLOCKS if kind == "yaml" and text.startswith("name:"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the `tfpt` of an environment that has the wheel; all other packages are lent from the tests' own."""
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):  # a build leaves nothing in the checkout
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    build = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder), str(source)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "fresh")], check=True)
    python = folder / "fresh" / "bin" / "python"
    subprocess.run(
        [*pip, "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)],
        check=True,
        capture_output=True,
    )
    asked = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    lent = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (packages / "lent.pth").write_text("\n".join(lent) + "\n", encoding="utf-8")
    return python.parent


def run(installed: Path, cwd: Path, *command: str) -> Done:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PATH": f"{installed}{os.pathsep}{environment['PATH']}", "COLUMNS": "100"}
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, encoding="utf-8", timeout=3000, check=False
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def test_what_is_installed_is_the_wheel(installed: Path, tmp_path: Path) -> None:
    words = "import tfpt_cli, tfpt_cli.documents.shipped as f; print(tfpt_cli.__file__, f.shipped_scenarios())"
    package, scenarios = run(installed, tmp_path, str(installed / "python"), "-c", words).out.split()
    assert Path(package).is_relative_to(installed.parent)
    assert Path(scenarios) == Path(package).parent / "scenarios"
    there = {path.relative_to(scenarios) for path in Path(scenarios).rglob("*.yaml")}
    assert there == {path.relative_to(SCENARIOS) for path in SCENARIOS.rglob("*.yaml")}


def test_the_commands_of_the_readme_run_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    """One after the other, as a person types them. What shows a difference passes; a pair that parts ends with 1."""
    assert len(COMMANDS) > 8
    (tmp_path / "port.yaml").write_text(PORT, encoding="utf-8")
    for command in ("tfpt check scenarios/seed", *COMMANDS):
        words = shlex.split(command)
        done = run(installed, tmp_path, *words)
        parts = words[1] == "diff" or "--fix-preview" in words
        assert done.code in ((0, 1) if parts else (0,)), (command, done)
        assert done.out, command


def test_what_tfpt_says_to_type_can_be_typed(installed: Path, tmp_path: Path) -> None:
    """The commands that `explain` and `show` name need no file that is not there."""
    text = "".join(
        run(installed, tmp_path, "tfpt", *words).out for words in (("explain", "op-std-ddof"), ("show", "Dense"))
    )
    assert "tfpt new first.yaml" in run(installed, tmp_path, "tfpt", "check").err
    named = [match.strip() for match in re.findall(r"tfpt .+", text)]
    for command in (
        "tfpt explain op-std-ddof --run",
        "tfpt new --from op-std-ddof FILE",
        "tfpt check scenarios/init/linear.yaml",
    ):
        assert command in named
    assert run(installed, tmp_path, "tfpt", "new", "--from", "op-std-ddof", "own.yaml").code == 0
    assert run(installed, tmp_path, "tfpt", "validate", "own.yaml", "scenarios/init/linear.yaml").code == 0
    assert "wrote 9" in run(installed, tmp_path, "tfpt", "site", "-o", "pages").out
