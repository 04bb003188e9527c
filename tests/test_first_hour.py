"""What tfpt says to somebody who has nothing yet: what is met most, what to type, the questions of `tfpt new`, a start."""

from __future__ import annotations

import os
import pty
import re
import select
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from tests.conftest import ROOT, SCENARIOS
from tfpt_cli.cli import new, new_questions
from tfpt_cli.cli.new_questions import ask
from tfpt_cli.dictionary.differences import differences
from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.report.catalogue import KINDS
from tfpt_cli.report.catalogue import rows_of as rows_of_kind
from tfpt_cli.report.met_most import met_most
from tfpt_cli.scenario.examples import examples_of, row_named
from tfpt_cli.scenario.shipped import shipped_counts, shipped_file_scenarios
from tfpt_cli.scenario.writing import scenario_from, scenario_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Done

    Run = Callable[..., Done]
    Answered = Callable[..., tuple[str, str]]


# ---- what is met most ----


def test_the_reports_are_counted_as_they_were_collected() -> None:
    """A report that is collected later may add to a count; none is claimed that is not there."""
    addresses: dict[str, set[str]] = {}
    for text in re.split(
        r"^---$", (ROOT / "tests" / "causes" / "reports.yaml").read_text(encoding="utf-8"), flags=re.M
    ):
        for tag in set(yaml.safe_load(text).get("tags", [])) & set(differences()):
            addresses.setdefault(tag, set()).update(re.findall(r"^# (https?://\S+)", text, re.M))
    said = rows_of("reported")
    assert {name: count for name, count in said.items() if count > len(addresses.get(name, ()))} == {}
    assert min(said.values()) > 1


def test_explain_alone_lists_what_is_met_most(tfpt: Run) -> None:
    done = tfpt("explain")
    assert done.code == 0
    reports, scenarios = met_most()
    assert list(reports)[:2] == ["grad-where-other", "op-std-ddof"] or "grad-norm-zero" in reports
    assert not set(reports) & set(scenarios)
    for found in (reports, scenarios):
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert all(re.search(rf"^ *{count}  {name} ", done.out, re.MULTILINE) for name, count in found.items())
    assert max(map(len, done.out.splitlines())) <= 80
    assert "public reports" in done.out
    assert "tfpt explain ID" in done.out


def test_shipped_scenarios_are_counted() -> None:
    tags = Counter(
        tag
        for path in SCENARIOS.rglob("*.yaml")
        for text in re.split(r"^---$", path.read_text(encoding="utf-8"), flags=re.M)
        for tag in yaml.load(text, yaml.BaseLoader).get("tags", [])
    )
    assert shipped_counts() == tags


# ---- what shows it ----


def test_explain_runs_what_shows_it(tfpt: Run) -> None:
    done = tfpt("explain", "act-gelu-default", "--run")
    assert done.code == 0
    assert done.out.index("F.gelu and nn.GELU are exact") < done.out.index("passed: value")
    assert re.search(r"^\d passed, \d+ not chosen", done.out, re.MULTILINE)
    assert "--fix-preview" in done.out


def test_explain_tries_the_recipe(tfpt: Run) -> None:
    done = tfpt("explain", "op-clip-inverted", "--fix-preview")
    assert done.code == 0
    assert "with the recipe" in done.out or "agree" in done.out


def test_run_needs_an_id(tfpt: Run) -> None:
    assert "--run needs the id" in tfpt("explain", "--run").err


@pytest.mark.parametrize("name", ["op-std-ddof", "init-he-normal-truncated", "conv2d", "he_normal", "clip", "Dense"])
def test_what_shows_a_row_can_be_written_out(name: str, tfpt: Run, tmp_path: Path) -> None:
    done = tfpt("new", "--from", name, "own.yaml")
    assert done.out == "wrote own.yaml; run: tfpt check own.yaml\n"
    assert tfpt("validate", "own.yaml").code == 0
    assert tfpt("new", "--from", name).out == (tmp_path / "own.yaml").read_text(encoding="utf-8")
    assert "is there already" in tfpt("new", "--from", name, "own.yaml").err


def test_every_row_has_something_to_start_from() -> None:
    without = []
    for kind in KINDS:
        for name in rows_of_kind(kind):
            assert row_named(name) is not None, name
            if not examples_of(rows_of_kind(kind)[name]):
                without.append(name)
    assert set(without) <= set(dictionary().operations)
    assert len(without) < 12


def test_a_name_of_several_kinds_is_told_by_its_kind(tfpt: Run) -> None:
    assert "init:" in tfpt("new", "--from", "layer_norm").out
    assert "of: layer_norm(" in tfpt("new", "--from", "operations/layer_norm").out
    assert "nothing is called 'layers/clip'" in tfpt("new", "--from", "layers/clip").err
    for kind in KINDS:
        for name in list(rows_of_kind(kind))[::9]:
            assert row_named(f"{kind}/{name}") is rows_of_kind(kind)[name]


def test_nothing_to_start_from(tfpt: Run) -> None:
    assert "did you mean 'softmax'?" in tfpt("new", "--from", "sofmax").err
    assert "tfpt selfcheck atan2" in tfpt("new", "--from", "atan2").err
    assert "give one of them" in tfpt("new", "--from", "clip", "--kind", "init").err


def test_a_shipped_scenario_stands_where_it_says() -> None:
    for path in SCENARIOS.rglob("*.yaml"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for one in shipped_file_scenarios(path.relative_to(SCENARIOS).as_posix()):
            assert one.text.splitlines() == lines[one.line - 1 : one.line - 1 + one.text.count("\n")], (path, one.name)


# ---- a folder without scenarios ----


@pytest.mark.parametrize("command", ["check", "watch", "validate"])
def test_without_a_path_it_says_what_to_type(command: str, tfpt: Run, tmp_path: Path) -> None:
    done = tfpt(command)
    assert done.code == 2
    for words in ("tfpt grad 'softmax(x)' --at 'x=[1, 2, 3]'", "tfpt new first.yaml", "tfpt check scenarios/seed"):
        assert words in done.err
    (tmp_path / "one.yaml").write_text("name: n\ngradient: {of: x, at: {x: 1.0}}\n", encoding="utf-8")
    assert f"of one.yaml: tfpt {command} one.yaml" in tfpt(command).err


def test_without_a_path_the_folder_of_that_name_is_meant(tfpt: Run, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "one.yaml").write_text("name: n\ngradient: {of: x, at: {x: 1.0}}\n", encoding="utf-8")
    assert tfpt("validate").out == "1 scenario in 1 file valid\n"
    assert tfpt("check").code == 0


def test_an_empty_folder_says_what_to_type(tfpt: Run, tmp_path: Path) -> None:
    (tmp_path / "scenarios").mkdir()
    done = tfpt("check")
    assert (done.code, "to begin: tfpt new scenarios/first.yaml" in done.out + done.err) == (2, True)


# ---- the questions of `tfpt new` ----


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Gives answers to the questions, and gives what is written and what is said meanwhile."""
    monkeypatch.chdir(tmp_path)

    def _answered(*answers: str, path: str | None = "s.yaml") -> tuple[str, str]:
        left, said = list(answers), []

        def prompt(words: str, default: object = None, **_: object) -> object:
            said.append(words)
            answer = left.pop(0)
            return (int(answer) if words == "Which" else answer) if answer else default

        monkeypatch.setattr(click, "prompt", prompt)
        monkeypatch.setattr(click, "echo", lambda text="", **_: said.append(str(text)))
        found = ask(path, new._check_new)
        assert left == []
        scenario, problems = scenario_from(found.text, found.path, allow_code="--allow-code" in found.options)
        assert (scenario is not None, problems) == (True, ())
        return found.text, "\n".join(said)

    return _answered


def test_an_expression(answered: Answered) -> None:
    text, said = answered(
        "1", "sum(w * sofmax(x)", "sum(w * sofmax(x))", "sum(w * softmax(x))", "[1, 2", "", "[1, 2, 3]", "mine"
    )
    assert text == (
        "# Run it: tfpt check s.yaml\nname: mine\ngradient:\n  of: sum(w * softmax(x))\n"
        "  at:\n    w: [1.0, 2.0, 3.0]\n    x: [1, 2, 3]\n"
    )
    for reason in ("was never closed", "unknown operation 'sofmax', did you mean 'softmax'?", "'[' was never closed"):
        assert reason in said


def test_answers_that_do_not_go_together_are_asked_again(answered: Answered) -> None:
    text, said = answered("1", "w * x", "[1.0, 2.0]", "", "", "[1.0, 2.0, 5.0]", "", "")
    assert "the shapes (2,) and (3,) do not broadcast" in said
    assert "w: [1.0, 2.0, 5.0]" in text  # asked again, with the others kept
    assert "x: [1.0, 2.0, 3.0]" in text


def test_an_expression_without_an_input(answered: Answered) -> None:
    assert "it has no input" in answered("1", "2 + pi", "2 * x", "", "")[1]


def test_a_layer(answered: Answered) -> None:
    text, said = answered("2", "linaer(3, 4)", "linear(3, 4)", "he_nromal()", "he_normal()", "", "")
    assert "did you mean 'linear'?" in said
    assert "did you mean 'he_normal'?" in said
    assert text.endswith("init:\n  layer: linear(3, 4)\n  weight: he_normal()\n")


def test_two_layers(answered: Answered) -> None:
    text, said = answered("2", "nn.Linear(3, 4)", "Dense(4)", "keras.layers.Dense(4)", "three", "3", "")
    assert "no layer of a framework" in said
    assert "a list of sizes" in said
    assert "input_shape: [3]" in text


def test_native_code(answered: Answered) -> None:
    text, said = answered("3", "F.gleu(x)", "F.gelu(x)", "tf.gelu(x)", "tf.nn.gelu(x)", "linspace(-3, 3, 7)", "")
    assert "F.gelu" in said
    assert "'tf.gelu' is not among" in said
    assert "name: F.gelu(x) and tf.nn.gelu(x)" in text


def test_code_that_wants_an_input_of_another_shape_is_not_refused(answered: Answered) -> None:
    text, _ = answered("1", "conv2d(x, w, padding=1)", "ones((1, 2, 5, 5))", "ones((3, 2, 3, 3))", "")
    assert "x: ones((1, 2, 5, 5))" in text


def test_functions_of_ones_own(answered: Answered, tmp_path: Path) -> None:
    (tmp_path / "port.py").write_text(
        "def loss(y, x, scale=2):\n    return scale * x * y\n\n\ndef loss_tf(y, x):\n    return 2 * x * y\n",
        encoding="utf-8",
    )
    text, said = answered(
        "4", "port.py", "prot.py:loss", "port.py:lost", "port.py:loss", "port.py:loss_tf", "", "2.0", "own"
    )
    for reason in ("such as port.py:loss", "there is no file 'prot.py'", "there is no function 'lost'"):
        assert reason in said
    assert "# Run it: tfpt check s.yaml --allow-code" in text
    assert text.index('"y": [1.0') < text.index("x: 2.0")  # in the order in which they are given to the function


def test_the_file_is_asked_for_and_not_written_over(answered: Answered, tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text("mine", encoding="utf-8")
    text, said = answered("1", "", "other.yaml", "x ** 2", "", "", path=None)
    assert "is there already" in said
    assert text.startswith("# Run it: tfpt check other.yaml\n")


def test_questions_that_are_broken_off_write_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def prompt(*_: object, **__: object) -> None:
        raise click.Abort

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(click, "prompt", prompt)
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    assert new.run_new(None, "s.yaml", force=False) == 130
    assert "nothing is written" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_a_list_that_is_used_twice_is_written_twice() -> None:
    """The format has no anchors: what tfpt writes, it reads."""
    values = [1.0, 2.0]
    assert "&" not in scenario_text({"name": "n", "gradient": {"of": "x * y", "at": {"x": values, "y": values}}})


def test_names_of_inputs() -> None:
    assert new_questions._names("torch.where(mask, x[0], y) + math.pi * e") == ["mask", "x", "y"]
    assert new_questions._names("nn.Linear(3, 4)(x)") == ["x"]
    assert new_questions._names("(") == []


def test_at_a_terminal_it_asks(tmp_path: Path) -> None:
    """In a pseudo-terminal, as a person does; what is written is checked."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [sys.executable, "-m", "tfpt_cli", "new"], {**os.environ, "PYTHONPATH": str(ROOT)})
    shown = b""
    for question, answer in (
        (b"Which", b"1"), (b"The file to write", b"own.yaml"), (b"The expression", b"tanh(x)"), (b"The input x", b""),
        (b"Its name", b"my own"),
    ):  # fmt: skip
        shown = until(terminal, shown, question)
        os.write(terminal, answer + b"\n")
        shown = shown[shown.index(question) + len(question) :]
    shown = until(terminal, shown, b"run: tfpt check own.yaml")
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    os.close(terminal)
    assert (tmp_path / "own.yaml").read_text(encoding="utf-8") == (
        "# Run it: tfpt check own.yaml\nname: my own\ngradient:\n  of: tanh(x)\n  at:\n    x: [1.0, 2.0, 3.0]\n"
    )


def until(terminal: int, shown: bytes, words: bytes) -> bytes:
    """What a terminal shows, until it has shown some words."""
    end = time.monotonic() + 120
    while words not in shown:
        assert time.monotonic() < end, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 4096)
    return shown


def test_without_a_terminal_nothing_is_asked(tfpt: Run) -> None:
    assert tfpt("new").out.startswith("# An expression, its value")


def test_the_first_scenario_of_a_person_runs(tfpt: Run, tmp_path: Path, answered: Answered) -> None:
    text, _ = answered("1", "tanh(x)", "", "")
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    assert tfpt("check", "s.yaml").code == 0
