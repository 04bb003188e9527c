"""The commands as a person runs them: options, exit codes, where output goes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import ROOT, SCENARIOS, run_tfpt, warm_tfpt
from tests.test_scenarios import ALL
from tfpt_cli import __version__
from tfpt_cli.cli.commands import cli

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Done

TWO = """
name: first
gradient: {of: x ** 2, at: {x: 3.0}}
tags: [square]
---
name: second
gradient: {of: n * x, at: {x: 3.0}}
matrix: {n: [1, 2]}
tags: [line, slow]
"""


def names(done: object) -> list[str]:
    return [scenario["name"] for scenario in done.json["scenarios"]]  # type: ignore[attr-defined]


def test_version_and_help() -> None:
    assert warm_tfpt("--version").out == f"tfpt, version {__version__}\n"
    listed = re.findall(r"^  (\w+)  ", warm_tfpt("--help").out.partition("Commands:")[2], re.MULTILINE)
    assert sorted(listed) == sorted(cli.commands)
    for command in ("check", "validate", "code", "doctor"):
        assert warm_tfpt(command, "--help").out.startswith(f"Usage: tfpt {command} ")


@pytest.mark.parametrize("command", [["--help"], ["--version"], ["validate", "scenarios"], ["code", "scenarios/seed"]])
def test_no_framework_is_loaded(command: list[str], fakes: dict[str, str]) -> None:
    mark = fakes.pop("mark")
    assert run_tfpt(*command, environment=fakes).code == 0
    assert not Path(mark).exists()


def test_validate_counts(write: Callable[..., Path]) -> None:
    assert warm_tfpt("validate", write(TWO)).out == "3 scenarios in 1 file valid\n"


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (["-k", "first"], ["first"]),
        (["-k", "not first and n=2"], ["second [n=2]"]),
        (["-k", "SQUARE or n=1"], ["first", "second [n=1]"]),
        (["--tag", "line"], ["second [n=1]", "second [n=2]"]),
        (["--tag", "slow", "--tag", "square", "-k", "not n=1"], ["first", "second [n=2]"]),
    ],
)
def test_choosing(options: list[str], chosen: list[str], write: Callable[..., Path]) -> None:
    path = write(TWO)
    scripts = warm_tfpt("code", path, "--framework", "torch", *options).out
    assert re.findall(r"^# (.+), PyTorch \(", scripts, re.MULTILINE) == chosen


def test_check_chooses_too(write: Callable[..., Path]) -> None:
    assert names(warm_tfpt("check", write(TWO), "--tag", "line", "-k", "n=2", "--format", "json")) == ["second [n=2]"]


def test_bad_usage(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(TWO)
    for options, words in (
        (["-k", "and or"], "is not words joined by and, or, not"),
        (["-k", "nothing like it"], "is not words joined by"),
        (["-k", "nothing"], "no scenario is chosen"),
        (["-k", "a (b)"], "is not words joined by"),
        (["-k", "()"], "is not words joined by"),
        (["-k", "not " * 1500 + "a"], "is not words joined by"),
        (["--format", "xml"], "is not one of"),
        (["--timeout", "0"], "is not in the range"),
        (["-o", str(tmp_path / "no" / "such" / "folder" / "x.json")], "cannot write"),
        (["-o", str(tmp_path)], "cannot write"),
    ):
        done = warm_tfpt("check", path, *options)
        assert (done.code, words in done.err) == (2, True), (options, done)


def test_the_output_file(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(TWO)
    table, report = tmp_path / "report.txt", tmp_path / "report.json"
    assert warm_tfpt("check", path, "-k", "first", "-o", table).out == ""
    assert "passed: both sides agree" in table.read_text(encoding="utf-8")
    assert warm_tfpt("check", path, "-k", "first", "-o", report, "--format", "json").out == ""
    assert json.loads(report.read_text(encoding="utf-8"))["summary"]["passed"] == 1


def test_the_same_run_gives_the_same_report() -> None:
    first, second = (warm_tfpt("check", SCENARIOS / "seed", "--format", "json").json for _ in range(2))
    for report in (first, second):
        report.pop("seconds")
        for scenario in report["scenarios"]:
            scenario.pop("seconds")
    assert first == second


def test_expect_by_quantity_cannot_pass_by_differing_in_the_wrong_place(write: Callable[..., Path]) -> None:
    text = """
name: the value differs, not the derivative
gradient: {torch: x + 1, tensorflow: x + 2, at: {x: 1.0}}
expect: {%s: differ}
because: one is larger
"""
    right = warm_tfpt("check", write(text % "value"), "--format", "json")
    wrong = warm_tfpt("check", write(text % "d/dx"), "--format", "json")
    assert (right.code, wrong.code) == (0, 1)
    agrees = warm_tfpt("check", write("name: n\ngradient: {of: x, at: {x: 1.0}}\nexpect: differ\nbecause: no\n"))
    assert agrees.code == 1
    assert "expected to differ, but both sides agree in value and d/dx at one point (no)" in " ".join(
        agrees.out.split()
    )


def test_tolerance_and_because(write: Callable[..., Path]) -> None:
    text = "name: n\ngradient: {torch: x + 1, tensorflow: x + 1.01, at: {x: 1.0}}\n"
    assert warm_tfpt("check", write(text)).code == 1
    assert warm_tfpt("check", write(text + "tolerance: {rtol: 0.01, atol: 0}\nbecause: a coarse port\n")).code == 0


def test_the_printed_tolerance_passes_when_it_is_put_in(write: Callable[..., Path]) -> None:
    text = "name: n\ngradient: {torch: x + 1, tensorflow: x + 1.01234, at: {x: 1.0}}\n"
    found = re.search(r"would pass at rtol (\S+) or atol (\S+)", " ".join(warm_tfpt("check", write(text)).out.split()))
    assert found is not None
    for rtol, atol in ((found[1], "1e-5"), ("1.3e-6", found[2])):
        assert warm_tfpt("check", write(f"{text}tolerance: {{rtol: {rtol}, atol: {atol}}}\nbecause: r\n")).code == 0


def test_doctor() -> None:
    done = warm_tfpt("doctor")
    assert done.code == 0
    for words in ("PyTorch", "TensorFlow", "Keras", sys.executable, "both frameworks run"):
        assert words in done.out.replace("\n", "")


def test_doctor_names_the_command_that_installs(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    done = warm_tfpt("doctor", "--torch-python", python)
    assert done.code == 3
    assert f"{python} -m pip install 'torch>=2.6,<2.14'" in done.out


def test_a_closed_pipe_ends_the_run_in_silence() -> None:
    command = f"{sys.executable} -m tfpt_cli check scenarios/gradient/operations.yaml | head -n 2"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=1200, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2


ONE_OF_EACH = [
    "straight line",
    "uniform weights, constant bias",
    "all derivatives of a scalar",
    "a constant weight",
    "rounding has a zero",
]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_the_listings_run_alone_and_print_the_numbers_of_the_table(
    name: str, tmp_path: Path, shipped: dict[str, object]
) -> None:
    """Plain `python`, outside the checkout: every value that is shown in the report is printed by the script."""
    index = next(i for i, scenario in enumerate(ALL) if scenario.title.startswith(name))
    result = shipped["scenarios"][index]  # type: ignore[index]
    for framework, listing in ALL[index].listings().items():
        script = tmp_path / f"{framework}.py"
        script.write_text(listing.script(), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-I", script], cwd=tmp_path, capture_output=True, text=True, timeout=1200, check=False
        )
        assert done.returncode == 0, done.stderr
        printed = printed_values(done.stdout)
        for comparison in result["comparisons"]:
            side = (
                comparison[framework] if framework != "reference" else {"state": "present", **comparison["reference"]}
            )
            label = f"{comparison['quantity']} by {side['how']}" if side.get("how") else comparison["quantity"]
            if side["state"] == "disconnected":
                assert f"{label}: None" in done.stdout
            else:
                # The report has no number where the reference is not sure of its own.
                values = np.ravel(side["values"]).astype(float)
                known = ~np.isnan(values) if framework == "reference" else np.ones(values.shape, bool)
                np.testing.assert_allclose(np.array(printed[label])[known], values[known], rtol=1e-3, atol=1e-4)


DRAWN = [
    "two LSTM layers in both directions, natively",
    "Keras's attention defaults, in PyTorch",
    "parameters that the scenario itself pairs",
    "a random bias beside the ones of the forget gate repeats itself",
]


@pytest.mark.parametrize("name", DRAWN)
def test_the_draws_of_a_script_are_those_of_the_report(name: str, tmp_path: Path, shipped: dict[str, object]) -> None:
    index = next(i for i, scenario in enumerate(ALL) if scenario.title == name)
    result = shipped["scenarios"][index]  # type: ignore[index]
    for framework, listing in ALL[index].listings().items():
        script = tmp_path / f"{framework}.py"
        script.write_text(listing.script(), encoding="utf-8")
        done = subprocess.run([sys.executable, "-I", script], capture_output=True, text=True, timeout=1200, check=False)
        assert done.returncode == 0, done.stderr
        drawn = dict(re.findall(r"^(\w+) by draws: \d+ draws, mean (\S+) std", done.stdout, re.MULTILINE))
        sides = {c["quantity"]: c[framework] for c in result["comparisons"]}
        both = set(drawn) & set(sides)
        assert both
        for quantity in both:
            # What turns out to be the same in every draw is compared, and shown, by the layer's own values.
            side = sides[quantity]
            mean = side["samples"]["mean"] if "samples" in side else np.mean(side["values"])
            assert float(drawn[quantity]) == pytest.approx(mean, rel=1e-3, abs=1e-6)


def printed_values(text: str) -> dict[str, np.ndarray]:
    """The numbers behind every `label:` of a script's output, without shapes and dtypes."""
    values = {}
    for label, body in re.findall(
        r"^([a-z][^\[\]()\n=]*?): (.*?)(?=^[a-z][^\[\]()\n=]*?: |\Z)", text, re.MULTILINE | re.DOTALL
    ):
        inner = re.sub(r"shape=\([^)]*\)|dtype=[\w.']+|path=[\w/]+|requires_grad=\w+|grad_fn=<\w+>", "", body)
        numbers = re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", inner)
        values[label] = np.array([float(number) for number in numbers])
    return values


def test_code_writes_files_that_run(tmp_path: Path) -> None:
    done = warm_tfpt("code", SCENARIOS / "seed" / "gradient.yaml", "-k", "not natively", "-o", tmp_path / "scripts")
    written = sorted((tmp_path / "scripts").iterdir())
    assert sorted(done.out.splitlines()) == [str(path) for path in written]
    outputs = [
        subprocess.run([sys.executable, path], capture_output=True, text=True, check=True).stdout for path in written
    ]
    assert "d/dx by error: " in outputs[0]
    assert "d/dx by GradientTape: tf.Tensor(2.0, shape=(), dtype=float32)" in outputs[1]
    assert "d/dx by backward: tensor(2.)" in outputs[2]


def test_a_name_cannot_become_code(write: Callable[..., Path], tmp_path: Path) -> None:
    """Python reads an encoding out of a comment in the first two lines; in UTF-7 a text can end itself."""
    path = write(
        'name: "coding: utf-7"\ngradient:\n'
        "  torch: \"F.gelu(x, approximate='none+ACc-)+AAo-print(+ACc-owned+ACc-)+AAo-+ACM-')\"\n"
        "  tensorflow: tf.nn.gelu(x)\n  at: {x: 1.0}\n"
    )
    assert warm_tfpt("code", path, "--framework", "torch", "-o", tmp_path).code == 0
    (script,) = tmp_path.glob("*.torch.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "approximate argument must be" in done.stderr  # it ran, and PyTorch knows no such approximation
    assert "owned" not in done.stdout


def test_scripts_of_one_name_do_not_overwrite_each_other(write: Callable[..., Path], tmp_path: Path) -> None:
    path = write(f"name: {'long ' * 20}\ngradient: {{of: n * x, at: {{x: 1.0}}}}\nmatrix: {{n: [1, 2, 3]}}\n")
    warm_tfpt("code", path, "-o", tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 9


def test_the_whole_output_of_code_is_python() -> None:
    # Of models a file is enough: their code is known when they have been run, and each is checked by itself elsewhere.
    folders = [folder for folder in SCENARIOS.iterdir() if folder.is_dir() and folder.name != "model"]
    compile(warm_tfpt("code", *folders, SCENARIOS / "model" / "losses.yaml").out, "code", "exec")


def test_a_name_is_no_command_to_githubs_runner(write: Callable[..., Path]) -> None:
    path = write("name: '##[error]x'\ngradient: {of: 2 * x, at: {x: 1.0}}\n---\nname: 1\n'::error::y': 2\n")
    for command in ("check", "validate"):
        lines = run_tfpt(command, path, environment={"GITHUB_ACTIONS": "true"}).out.splitlines()
        start, end = (i for i, line in enumerate(lines) if line.startswith("::"))
        token = lines[start].removeprefix("::stop-commands::")
        assert lines[end] == f"::{token}::"
        hostile = [i for i, line in enumerate(lines) if "##[error]" in line or "::error::" in line]
        assert hostile
        assert all(start < i < end for i in hostile)


def test_a_variable_that_is_no_setting_is_named(tfpt: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFPT_CACHE", "nonsense")
    done = tfpt("validate", ".")
    assert done.code == 2
    assert "Invalid value for '--cache' (env var: 'TFPT_CACHE'): 'nonsense' is not a valid boolean" in done.err
