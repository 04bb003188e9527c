"""The README's examples for GitHub, GitLab, pytest and pre-commit, run as they stand there in a project of two scenarios."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.test_readme import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done

GOOD = "name: good\ngradient: {of: tanh(x), at: {x: 1.0}}\n"
BAD = "name: bad\ngradient: {torch: F.gelu(x), tensorflow: keras.ops.gelu(x), at: {x: [0.5, 2.0]}}\n"


def example(kind: str, part: str) -> Any:
    """The one example of the README that holds the text, read."""
    (text,) = (text for each, text in BLOCKS if each == kind and part in text)
    return yaml.safe_load(text) if kind == "yaml" else text


@pytest.fixture
def project(tfpt: Callable[..., Done]) -> Callable[..., Done]:
    """A folder with scenarios, one of which fails."""
    Path("scenarios").mkdir()
    for name, text in (("good", GOOD), ("bad", BAD)):
        Path("scenarios", f"{name}.yaml").write_text(text, encoding="utf-8")
    return tfpt


def commands(lines: list[str]) -> list[list[str]]:
    """What of a job's lines calls tfpt; the first installs it, as every job must."""
    install, *rest = lines
    assert install.startswith("pip install ")
    return [shlex.split(line)[1:] for line in rest if line.startswith("tfpt ")]


def test_github(project: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    steps = example("yaml", "runs-on:")["jobs"]["tfpt"]["steps"]
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    (arguments,) = commands([step["run"] for step in steps if "run" in step])
    done = project(*arguments)
    assert done.code == 1
    assert "::error file=scenarios/bad.yaml,line=1,title=bad::failed: value, d/dx differ: " in done.out
    assert "bad" in Path("summary.md").read_text(encoding="utf-8")
    (upload,) = (step["with"] for step in steps if "upload-artifact" in step.get("uses", ""))
    assert {path.name for path in Path().glob(upload["path"])} == {"tfpt.xml", "tfpt.html"}


def test_gitlab(project: Callable[..., Done]) -> None:
    job = example("yaml", "codequality:")["tfpt"]
    (arguments,) = commands(job["script"])
    assert project(*arguments).code == 1
    assert all(Path(path).is_file() for path in job["artifacts"]["reports"].values())


@pytest.mark.usefixtures("project")
def test_pytest() -> None:
    Path("pyproject.toml").write_text(example("toml", "pytest.ini_options"), encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest"], capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "value, d/dx differ: " in done.stdout


def test_pre_commit(project: Callable[..., Done]) -> None:
    (repository,) = example("yaml", "hooks:")["repos"]
    offered = {h["id"]: h for h in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))}
    codes = []
    for named in repository["hooks"]:
        hook = offered[named["id"]] | named
        files = [str(path) for path in sorted(Path().rglob("*.yaml")) if re.search(hook["files"], str(path))]
        assert files == ["scenarios/bad.yaml", "scenarios/good.yaml"]
        codes.append(project(*shlex.split(hook["entry"])[1:], *files).code)
    assert codes == [0, 1]
