"""The hooks for pre-commit: its own rules for the file, and the entries run as pre-commit runs them, with file names."""

from __future__ import annotations

import re
import shlex
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import ROOT, run_tfpt
from tfpt_cli.cli.commands import cli

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOOKS: dict[str, Any] = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
}
# What pre-commit knows of a hook.
KEYS = {"id", "name", "description", "entry", "language", "types", "files", "require_serial"}


@pytest.mark.parametrize("id_", ["tfpt-validate", "tfpt-check"])
def test_an_entry_is_a_command_that_takes_files(id_: str) -> None:
    hook = HOOKS[id_]
    assert {"id", "name", "entry", "language"} <= set(hook) <= KEYS
    program, command, *options = shlex.split(hook["entry"])
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert program in scripts
    parameters = cli.commands[command].params
    assert set(options) <= {option for parameter in parameters for option in parameter.opts}
    assert any(parameter.param_type_name == "argument" and parameter.nargs == -1 for parameter in parameters)


@pytest.mark.parametrize("id_", HOOKS)
def test_which_files(id_: str) -> None:
    pattern, types = HOOKS[id_]["files"], HOOKS[id_]["types"]
    assert types == ["yaml"]
    for name in ("scenarios/a.yaml", "scenarios/init/a.yml", "model/scenarios/a.yaml"):
        assert re.search(pattern, name)
    for name in ("a.yaml", ".github/workflows/ci.yml", "my_scenarios/a.yaml", "scenarios.yaml"):
        assert not re.search(pattern, name)


def test_validate_of_files_given_one_by_one(write: Callable[..., Path], fakes: dict[str, str]) -> None:
    mark = fakes.pop("mark")
    good = write("name: n\ngradient: {of: x, at: {x: 1.0}}\n", "good.yaml")
    bad = write("name: n\ngradient: {of: sun(x), at: {x: 1.0}}\n", "bad.yaml")
    entry = shlex.split(HOOKS["tfpt-validate"]["entry"])[1:]
    passed = run_tfpt(*entry, good, environment=fakes)
    assert (passed.code, passed.out) == (0, "1 scenario in 1 file valid\n")
    failed = run_tfpt(*entry, good, bad, environment=fakes)
    assert failed.code == 2
    assert f"{bad}:2:16: unknown operation 'sun', did you mean 'sum'?" in failed.out
    assert not (bad.parent / mark).exists()


def test_check_says_what_is_not_as_expected(write: Callable[..., Path]) -> None:
    good = write("name: as it should be\ngradient: {of: tanh(x), at: {x: 1.0}}\n", "good.yaml")
    bad = write("name: a wrong port\ngradient: {torch: x, tensorflow: 2 * x, at: {x: 1.0}}\n", "bad.yaml")
    done = run_tfpt(*shlex.split(HOOKS["tfpt-check"]["entry"])[1:], good, bad)
    assert done.code == 1
    assert "a wrong port" in done.out
    assert "tanh(x)" not in done.out  # of what passed there is no table
