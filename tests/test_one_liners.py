"""One comparison from the command line: `tfpt grad`, `tfpt weights`, `tfpt diff`."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Done, run_tfpt
from tests.sides import TENSORFLOW, TORCH
from tfpt_cli.documents.document import documents
from tfpt_cli.documents.typed_values import value_of
from tfpt_cli.engine.curves import curve_plan
from tfpt_cli.report.curve_plot import curve_plot
from tfpt_cli.results import Curve, ScenarioResult
from tfpt_cli.scenario.scenario import read_document
from tfpt_cli.scenario.writing import scenario_text
from tfpt_cli.subjects.gradient.curves import POINTS, around

if TYPE_CHECKING:
    from collections.abc import Callable

Run = Any

GELU = ["diff", "--torch", "F.gelu(x)", "--tensorflow", "keras.ops.gelu(x)", "--at", "x=linspace(-3, 3, 7)"]
LAYERS = ["diff", "--torch", "nn.Linear(3, 4)", "--tensorflow", "keras.layers.Dense(4)", "--input-shape", "3"]


def words(text: str) -> str:
    return " ".join(text.split())


def test_an_expression(tfpt: Run) -> None:
    done = tfpt("grad", "2*x + 3", "--at", "x=0")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("2*x + 3   at x = 0\n")
    assert re.search(r"^ value +3\.0 +3\.0 +identical", done.out, re.MULTILINE)
    assert re.search(r"^ d/dx +2\.0  backward +2\.0  GradientTape +identical", done.out, re.MULTILINE)
    assert done.out.endswith(
        "passed: both sides agree in value and d/dx at one point\n\n"
    )  # one scenario needs no count


def test_a_layer(tfpt: Run) -> None:
    done = tfpt("weights", "linear(3, 4)", "--weight", "uniform(0, 1)", "--bias=constant(-1)")
    assert done.code == 0
    assert "linear(3, 4), weight uniform(0, 1), bias constant(-1)" in done.out
    assert "same distribution" in done.out
    assert re.search(r"^ bias +\(4,\) float32 +\(4,\) float32 +identical", done.out, re.MULTILINE)


def test_two_pieces_of_code(tfpt: Run) -> None:
    done = tfpt(*GELU)
    assert done.code == 1
    assert "failed: expected to agree, but value, d/dx differ" in done.out
    assert "known difference act-gelu-default" in done.out


def test_two_layers(tfpt: Run) -> None:
    done = tfpt(*LAYERS)
    assert done.code == 1
    assert "known difference init-linear-default" in done.out
    assert tfpt(*LAYERS[:-1], "[3]").out == done.out
    assert tfpt(*LAYERS[:-2]).out == done.out  # PyTorch's layer tells the shape


def test_a_parameter_with_a_dash_in_its_name(tfpt: Run) -> None:
    done = tfpt("weights", "lstm(3, 4)", "--weight-ih", "zeros()", "--weight_hh", "zeros()", "--bias", "zeros()")
    assert done.code == 0
    assert "weight_ih" in done.out


@pytest.mark.parametrize(
    ("arguments", "derivative"),
    [
        (["grad", "softmax(x)", "--at", "x=[1, 2, 3]", "--derivative", "jacobian"], "jacobian d/dx"),
        (["grad", "x*y", "--at", "x=1e-3", "--at", "y=.5", "--wrt", "y", "--dtype", "float64"], "d/dy"),
        (["grad", "h ** 2", "--let", "h=sin(x)", "--at", "x=1", "--derivative", "jvp", "--tangent", "x=2"], "jvp"),
        (["grad", "take(x, i)", "--at", "x=[1, 2]", "--at", "i=[0, 0]", "--input-dtype", "i=int64"], "d/dx"),
        (["grad", "x ** 2", "--at", "x=normal(0, 1, (3,))", "--seed", "7", "--ways", "all"], "d/dx"),
        (GELU, "d/dx"),
        (["weights", "linear(30, 40)", "--weight", "he_normal()", "--samples", "30000"], "bias"),
        (LAYERS, "weight"),
    ],
)
def test_what_is_saved_checks_to_the_same(arguments: list[str], derivative: str, tfpt: Run) -> None:
    """The same table, but for the place of the scenario: in it stand the numbers, the verdicts and the reasons."""
    first = tfpt(*arguments, "--save", "s.yaml", columns=160)
    assert "saved as s.yaml" in first.err
    assert derivative in first.out
    assert tfpt("validate", "s.yaml").out == "1 scenario in 1 file valid\n"
    again = tfpt("check", "s.yaml", columns=160)
    assert again.code == first.code
    # Without the name and the place of a file, and what a run of files ends with.
    table = again.out.partition("\n")[2].rpartition("\n\n")[0]
    assert table.strip() in first.out
    assert tfpt(*arguments, "--save", "s.yaml").err == "added to s.yaml\n"
    assert tfpt("validate", "s.yaml").out == "2 scenarios in 1 file valid\n"


def test_saving_keeps_what_is_there(tfpt: Run) -> None:
    Path("mine.yaml").write_text("# mine\nname: first\ngradient: {of: x, at: {x: 1.0}}\n\n\n", encoding="utf-8")
    tfpt("grad", "x + 1", "--at", "x=1", "--save", "mine.yaml")
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert text.startswith("# mine\nname: first\n")
    assert text.count("---") == 1
    assert tfpt("validate", "mine.yaml").out == "2 scenarios in 1 file valid\n"


def typed(value: Any) -> str:
    """A value as a person types it: YAML in a line."""
    if isinstance(value, list):
        return f"[{', '.join(map(typed, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).replace("inf", ".inf").replace("nan", ".nan")


NUMBERS = st.one_of(st.floats(), st.integers(-(2**60), 2**60), st.booleans())


@given(st.recursive(NUMBERS, lambda items: st.lists(items, max_size=4)))
def test_a_value_is_read_and_saved_as_it_was_typed(value: object) -> None:
    read = value_of(typed(value))
    assert repr(read) == repr(value)
    (document,), problems = documents("f", scenario_text({"name": "n", "at": read}))
    assert not problems
    assert repr(document.data["at"]) == repr(value)


def test_what_is_no_file_is_not_read_before_it_is_written(tfpt: Run) -> None:
    """A device gives zeros without end, and a pipe nothing."""
    done = tfpt("grad", "x + 1", "--at", "x=1", "--save", "/dev/full")
    assert (done.code, done.out) == (5, "")
    assert done.err == "Error: cannot write '/dev/full': No space left on device\n"
    assert "saved as /dev/null" in tfpt("grad", "x + 1", "--at", "x=1", "--save", "/dev/null").err


@pytest.mark.parametrize("text", ["normal(0, 1, (2, 3))", "abc", "[1,", "null", "~", "{a: 1}", "'1'"])
def test_a_value_that_is_no_number_stays_a_text(text: str) -> None:
    assert value_of(text) == text


def test_the_code_runs_alone(tfpt: Run, tmp_path: Path) -> None:
    done = tfpt("grad", "x ** 2", "--at", "x=3", "--code")
    parts = re.split(r"^# ---- (.+) ----\n", done.out, flags=re.MULTILINE)
    assert parts[1::2] == ["PyTorch", "TensorFlow", "the reference"]
    processes = []
    for index, (name, text) in enumerate(zip(parts[1::2], parts[2::2], strict=True)):
        script = tmp_path / f"{index}.py"
        # Behind the last script comes the table.
        script.write_text(text.split("\nx ** 2  ")[0], encoding="utf-8")
        command = [sys.executable, "-I", str(script)]
        processes.append((name, subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)))
    for name, process in processes:
        printed, _ = process.communicate(timeout=1200)
        assert process.returncode == 0, name
        assert re.search(r"^value: \D*9\.0?", printed, re.MULTILINE), name
        assert re.search(r"^d/dx\D*: \D*6\.0?", printed, re.MULTILINE), name
    assert ":0)" not in done.out


def test_another_format_has_standard_output_for_itself(tfpt: Run) -> None:
    done = tfpt("grad", "x", "--at", "x=1", "--plot", "--code", "--fix-preview", "--format", "json")
    assert done.json["scenarios"][0]["file"] == "the command line"
    for part in ("import torch", "value over x", "no recipe can be put in"):
        assert part in done.err


def test_a_plot_says_where_they_part(tfpt: Run) -> None:
    done = tfpt("diff", "--torch", "relu(x)", *["--tensorflow", "tf.abs(x)", "--at", "x=1", "--plot"])
    assert done.code == 2  # a neutral name is no PyTorch
    done = tfpt("diff", "--torch", "F.relu(x)", "--tensorflow", "tf.abs(x)", "--at", "x=1", "--interval=-4,4")
    assert done.code == 0  # at 1 they agree
    assert "value parts at 40 of 81 points: x from -4.0 to -0.1" in done.out
    assert "value over x" in done.out
    assert "d/dx over x" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "apart by at most 4.0, at x = -4.0" in done.out
    assert done.out.count("█▇") >= 1  # the strip with the difference


def test_a_plot_stands_on_the_terminals_own_ground() -> None:
    """No colour is set behind it, light or dark."""
    backgrounds = [
        span.style.bgcolor for span in curve_plot(curve((True,) * 9), 60).spans if not isinstance(span.style, str)
    ]
    assert all(colour is None or colour.is_default for colour in backgrounds)


def test_a_plot_of_what_agrees(tfpt: Run) -> None:
    done = tfpt("grad", "x * y", "--at", "x=1", "--at", "y=2", "--wrt", "x", "--plot", columns=40)
    assert done.out.count("both frameworks agree at all 81 points") == 2
    assert max(map(len, done.out.splitlines())) <= 40


def test_a_plot_of_an_expression_that_is_not_elementwise(tfpt: Run) -> None:
    """Each of its points is a scenario of its own."""
    done = tfpt("grad", "sum(x * w)", "--at", "x=1", "--at", "w=[1, 2]", "--wrt", "x", "--plot")
    assert done.code == 0
    assert words(done.out).count("both frameworks agree at all 81 points") == 2


def test_a_plot_with_gaps(tfpt: Run) -> None:
    done = tfpt("diff", *["--torch", "torch.log(x)", "--tensorflow", "tf.math.log(x)"], "--at", "x=1", "--plot")
    assert done.code == 0
    assert "both frameworks agree at all 81 points, at 21 of which neither has a finite number" in words(done.out)
    one = tfpt("diff", *["--torch", "torch.log(x)", "--tensorflow", "tf.abs(x)"], "--at", "x=1", "--plot")
    assert "PyTorch has no finite number at 21 of 81 points" in one.out


def test_a_plot_tells_an_infinity_from_no_number(tfpt: Run) -> None:
    done = tfpt(
        "diff", "--torch", "1 / x - 1 / x", "--tensorflow", "1 / x", "--at", "x=1", "--derivative=none", "--plot"
    )
    assert "value parts at 81 of 81 points" in done.out  # at 0 it is NaN on one side and an infinity on the other
    assert "PyTorch has no finite number at 1 of 81 points" in done.out
    assert "TensorFlow has no finite number at 1 of 81 points" in done.out


def curve(parts: tuple[bool, ...]) -> Curve:
    at = tuple(float(i) for i in range(len(parts)))
    other = tuple(x + 1 if part else x for x, part in zip(at, parts, strict=True))
    return Curve("value", "x", at, {TORCH: at, TENSORFLOW: other}, parts)


@given(st.lists(st.booleans(), min_size=1, max_size=90).map(tuple), st.integers(30, 160), st.booleans())
def test_any_plot_fits_and_says_every_place(parts: tuple[bool, ...], width: int, ascii_only: bool) -> None:
    text = curve_plot(curve(parts), width, ascii_only=ascii_only).plain
    assert ("apart by at most 1.0" in text) == any(parts)
    said = ("apart by", "both frameworks agree") if not any(parts) else ("apart by",)
    drawn = list(itertools.takewhile(lambda line: not line.startswith(said), text.splitlines()))
    assert max(map(len, drawn)) <= width
    assert not ascii_only or text.isascii()
    if any(parts):
        assert f"value parts at {sum(parts)} of {len(parts)} points" in text
    else:
        assert f"both frameworks agree at all {len(parts)} points" in text


def test_a_locale_that_is_not_utf_8(tfpt: Run) -> None:
    import io

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    assert tfpt(*GELU, "--plot", "--fix-preview", stdout=stream).code == 1
    stream.flush()
    text = stream.buffer.getvalue().decode("ascii")
    assert "+----" in text
    assert "value parts at" in text
    assert "?" not in text.split("value over x")[1].split("value parts at")[0]


@pytest.mark.parametrize(
    ("value", "interval"),
    [(0.0, (-2, 2)), ([1, 9], (1, 9)), ("linspace(-3, 3, 7)", (-3, 3)), ([[float("nan")], [5]], (3, 7))],
)
def test_the_interval_holds_the_numbers_of_the_input(value: object, interval: tuple[float, float]) -> None:
    assert around(value) == interval


def test_the_recipe_is_tried(tfpt: Run) -> None:
    done = tfpt(*GELU, "--fix-preview")
    assert done.code == 1
    assert len(re.findall("^the recipe of act-gelu-default$", done.out, re.MULTILINE)) == 2
    assert done.out.count("with it both sides agree") == 2
    assert "    tensorflow: keras.ops.gelu(x, approximate=False)" in done.out


BAD = [
    (["grad", "softmxa(x)", "--at", "x=1"], "unknown operation 'softmxa', did you mean 'softmax'?"),
    (["grad", "alpha + 1", "--at", "alpah=1"], "unknown name 'alpha', did you mean 'alpah'?"),
    (["grad", "", "--at", "x=1"], "the expression is empty"),
    (["grad", "2 *", "--at", "x=1"], "not an expression"),
    (["grad", "x"], "--at is missing: give the inputs, such as --at x=0"),
    (["grad", "x", "--at", "x"], "--at takes NAME=VALUE, such as --at 'x=0'; got 'x'"),
    (["grad", "x", "--at", "x="], "--at takes NAME=VALUE"),
    (["grad", "x", "--at", "x=[1,"], "not an expression: '[' was never closed"),
    (["grad", "x", "--at", "x=1", "--at", "x=2"], "--at gives 'x' twice"),
    (["grad", "x", "--at", "x=1", "--let", "h"], "such as --let 'h=tanh(x)'"),
    (["grad", "x", "--at", "x=1", "--input-dtype", "x"], "such as --input-dtype 'i=int64'"),
    (["grad", "x", "--at", "x=1", "--wrt", "z"], "unknown input 'z' (known: x)"),
    (["grad", "x", "--at", "x=1", "--derivative", "jvp"], "'jvp' needs a direction, such as --tangent x=1.0"),
    (["grad", "x", "--at", "x=1", "--interval", "3,-3"], "must be LOW,HIGH with LOW below HIGH, such as -3,3"),
    (["grad", "x", "--at", "x=1", "--interval", "1"], "must be LOW,HIGH"),
    (["grad", "x", "--at", "x=1", "--interval", "nan,1"], "must be LOW,HIGH"),
    (["grad", "x*y", "--at", "x=1", "--at", "y=2", "--plot"], "choose it by --wrt, of x, y"),
    (["grad", "x @ x", "--at", "x=[[1, 2], [3, 4]]", "--plot"], "'x' has shape (2, 2)"),
    (["grad", "x", "--at", "x=1", "--save", "no/such/folder.yaml"], "cannot write 'no/such/folder.yaml'"),
    (["weights", "linaer(3, 4)"], "unknown layer 'linaer', did you mean 'linear'?"),
    (["weights", "linear(3, 4)", "--wieght", "zeros()"], "linear has no parameter 'wieght', did you mean 'weight'?"),
    (["weights", "linear(3, 4)", "--weight", "zeroes()"], "unknown initializer 'zeroes', did you mean 'zeros'?"),
    (["weights", "linear(3, 4)", "--weight"], "--weight needs an initializer"),
    (["weights", "linear(3, 4)", "weight"], "'weight' is no parameter: write --weight 'uniform(0, 1)'"),
    (["weights", "linear(3, 4)", "--bias", "zeros()", "--bias", "ones()"], "--bias stands here twice"),
    (["weights", "linear(3, 4)", "--layer", "linear(4, 5)"], "the layer stands before the options"),
    (["weights", "linear(3, 4)", "--plot"], "--plot draws expressions"),
    (["diff", "--torch", "F.gelu(x)", "--at", "x=1"], "Missing option '--tensorflow'"),
    (["diff", "--torch", "F.sofmax(x)", "--tensorflow", "x", "--at", "x=1"], "did you mean 'F.softmax'?"),
    (["diff", "--torch", "os.system('x')", "--tensorflow", "x", "--at", "x=1"], "not among the PyTorch calls"),
    (
        ["diff", "--torch", "nn.LazyLinear(4)", "--tensorflow", "keras.layers.Dense(4)"],
        "or of two layers the shape that Keras builds for, --input-shape 28,28,1",
    ),
    ([*LAYERS[:-2], "--training"], "--training is for layers, with --at or --input-shape"),
    ([*LAYERS[:-1], "three"], "--input-shape is a list of sizes without the batch, such as 28,28,1; got 'three'"),
    ([*LAYERS, "--at", "x=1"], "--at is for expressions, --input-shape for layers"),
    ([*LAYERS, "--derivative", "hessian"], "--derivative is for expressions"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: value if isinstance(value, str) else "")
def test_bad_input_is_said_before_anything_runs(
    arguments: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tfpt: Callable[..., Done],
) -> None:
    def never(*_: object) -> None:
        pytest.fail("a framework was started")

    monkeypatch.setattr("tfpt_cli.cli.one_liners.Session", never)
    done = tfpt(*arguments, "--save", "kept.yaml") if "--save" not in arguments else tfpt(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in words(done.err)
    assert not list(tmp_path.iterdir())


def test_a_framework_that_cannot_run(fakes: dict[str, str]) -> None:
    done = run_tfpt("grad", "x", "--at", "x=1", environment=fakes)
    assert done.code == 3
    assert "PyTorch" in done.out


def test_a_curve_is_planned_for_what_keeps_its_places() -> None:
    for source, planned in (("sin(x) + c", True), ("sum(x)", False), ("x[0]", False), ("softmax(x)", False)):
        text = f"name: n\ngradient: {{of: '{source}', at: {{x: [1.0, 2.0], c: 1.0}}, wrt: x}}\n"
        if "c" not in source:
            text = text.replace(", c: 1.0", "")
        ((scenario,), problems) = read_document(documents("f", text)[0][0])
        assert not problems
        plan = curve_plan(scenario)
        assert (plan is not None) == planned, source
        if plan is not None:
            empty: list[ScenarioResult] = []
            assert len(plan.at) == POINTS
            assert plan.curves(empty) == ()


def test_a_page_of_one_comparison_has_its_curves(tfpt: Run) -> None:
    page = tfpt("grad", "tanh(x)", "--at", "x=0.5", "--format", "html").out
    assert "value over x" in page
    assert "d/dx over x" in page


@pytest.mark.parametrize(
    "arguments",
    [
        ["-sum(x)", "--at", "x=[1, 2]"],
        ["--at", "x=[1, 2]", "-sum(x)"],
        ["--at", "x=-1", "-x * 2"],
        ["--dtype", "float64", "-exp(x)", "--at", "x=1", "-v"],
        ["--at", "x=1", "--", "-x"],
    ],
)
def test_an_expression_may_begin_with_a_minus(arguments: list[str], tfpt: Run) -> None:
    done = tfpt("grad", *arguments)
    assert done.code == 0, done.err
    assert "passed: both sides agree in value and d/dx" in done.out


def test_an_option_that_does_not_exist_is_still_one(tfpt: Run) -> None:
    done = tfpt("grad", "x", "--at", "x=1", "--sed", "3")
    assert done.code == 2
    assert "No such option" in done.err


def test_lines_of_native_code_are_by_framework(tfpt: Run) -> None:
    done = tfpt(
        *["diff", "--torch", "torch.sum(h)", "--tensorflow", "tf.reduce_sum(h)", "--at", "x=[1, 2]"],
        *["--let", "torch:h=torch.tanh(x)", "--let", "tensorflow:h=tf.tanh(x)"],
    )
    assert done.code == 0, done.err
    assert "passed: both sides agree" in done.out


@pytest.mark.parametrize(
    ("let", "message"),
    [
        (["h=torch.tanh(x)"], "--let says whose line it is"),
        (["jax:h=tanh(x)"], "--let says whose line it is"),
        (["torch:h=torch.tanh(x)", "torch:h=x"], "--let gives 'torch:h' twice"),
        (["torch:h"], "--let takes NAME=VALUE"),
    ],
)
def test_lines_of_nobody(let: list[str], message: str, tfpt: Run) -> None:
    given = [word for line in let for word in ("--let", line)]
    done = tfpt("diff", "--torch", "h", "--tensorflow", "x", "--at", "x=1", *given)
    assert done.code == 2
    assert message in words(done.err)


def test_a_layer_that_is_called_is_built_once(tfpt: Run) -> None:
    """With one set of random weights a side agrees with itself; that the two sides cannot agree is said."""
    done = tfpt(
        "diff", "--torch", "nn.Linear(3, 4)(x)", "--tensorflow", "keras.layers.Dense(4)(x)", "--at", "x=[[1.0, 2, 3]]",
        "--wrt", "x",
    )  # fmt: skip
    assert done.code == 1
    assert "does not agree with itself" not in done.out
    assert "different function" not in done.out
    said = words(done.out)
    assert "nn.Linear(3, 4) and keras.layers.Dense(4): random weights, each framework its own" in said
    assert "tfpt diff --torch 'nn.Linear(3, 4)' --tensorflow 'keras.layers.Dense(4)'" in said


def test_a_layer_without_random_weights_says_nothing_of_them(tfpt: Run) -> None:
    for torch, tensorflow in (
        ("nn.Softplus()(x)", "keras.layers.Activation('softplus')(x)"),
        ("nn.LayerNorm(3)(x)", "keras.layers.LayerNormalization(epsilon=1e-5)(x)"),
    ):
        done = tfpt("diff", "--torch", torch, "--tensorflow", tensorflow, "--at", "x=[[1.0, 2, 4]]")
        assert done.code == 0, done.out
        assert "random weights" not in done.out


@pytest.mark.parametrize(
    "words",
    [
        ("grad", "softmax(x, axis=-1)"),
        ("diff", "--torch", "F.softmax(x, dim=-1)", "--tensorflow", "tf.nn.softmax(x)"),
    ],
)
def test_what_is_normalized_is_weighed(words: tuple[str, ...], tfpt: Run) -> None:
    """The gradient of the sum of a softmax is zero whatever it is a softmax of."""
    done = tfpt(*words, "--at", "x=[[1.0, 2.0, 4.0]]")
    assert "vjp d/dx" in done.out
    plain = tfpt(*words, "--at", "x=[[1.0, 2.0, 4.0]]", "--derivative", "gradient")
    assert "nothing is" in plain.out
    assert "cotangent: 'normal(0, 1, (1, 3))'" in plain.out
