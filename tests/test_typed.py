"""What people type who know one library alone: each is answered with what to write, or taken as it was meant (`typed.yaml`)."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.conftest import Done, warm_tfpt
from tests.tasks import gradient_of
from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.scenario.files import Within, part, scenario_files
from tfpt_cli.scenario.scenario import load

if TYPE_CHECKING:
    from collections.abc import Callable

TYPED = yaml.safe_load((Path(__file__).parent / "typed.yaml").read_text(encoding="utf-8"))
# Words of the YAML format, which nobody has seen who typed a command.
YAML_WORDS = re.compile(r"\bkey\b|the document|gradient\.at|under 'at'|'dtypes'|'derivatives'|pair: \{|dtypes: \{")
TWO = "name: first\ngradient: {of: x + 1, at: {x: 1.0}}\n---\nname: second\ngradient: {of: x * 2, at: {x: 1.0}}\n"


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("row", TYPED["refused"], ids=lambda row: row["type"])
def test_what_to_write_is_said(row: dict[str, str], monkeypatch: pytest.MonkeyPatch, tfpt: Callable[..., Done]) -> None:
    def never(*_: object) -> None:
        pytest.fail("a framework was started")

    monkeypatch.setattr("tfpt_cli.cli.one_liners.Session", never)
    done = tfpt(*shlex.split(row["type"]))
    assert (done.code, done.out) == (2, "")
    assert row["answer"] in words(done.err)
    assert not YAML_WORDS.search(done.err)
    assert "Traceback" not in done.err


@pytest.mark.parametrize("row", TYPED["accepted"], ids=lambda row: row["type"])
def test_what_was_meant_is_taken(row: dict[str, str], tfpt: Callable[..., Done]) -> None:
    done = tfpt(*shlex.split(row["type"]))
    assert done.code == 0, done.err + done.out
    assert row["answer"] in words(done.out)


def test_the_place_is_a_character_of_what_was_typed(tfpt: Callable[..., Done]) -> None:
    done = tfpt("diff", "--torch", "F.relu(gelu(x))", "--tensorflow", "x", "--at", "x=1")
    assert done.err.splitlines()[1:] == ["    --torch 'F.relu(gelu(x))'", "                    ^"]


def test_a_command_that_a_message_names_can_be_typed(tfpt: Callable[..., Done]) -> None:
    done = tfpt("grad", "exp(x)", "x=[1,", "2]")
    written = done.err.partition("Write: tfpt ")[2]
    assert tfpt(*shlex.split(written)).code == 0


def test_two_sequentials_are_paired_as_the_message_says(tfpt: Callable[..., Done]) -> None:
    code = ["diff", "--torch", "nn.Sequential(nn.Linear(3, 4), nn.ReLU())"]
    code += ["--tensorflow", "keras.Sequential([keras.layers.Dense(4), keras.layers.ReLU()])", "--input-shape", "3"]
    said = tfpt(*code).err.partition("such as ")[2]
    done = tfpt(*code, *shlex.split(said.splitlines()[0]))
    assert done.code == 1
    assert "0.weight" in done.out
    assert "init-linear-default" in done.out


def test_a_function_of_ones_own(tfpt: Callable[..., Done]) -> None:
    Path("port.py").write_text("def loss(x):\n    return (x ** 2).sum()\n", encoding="utf-8")
    code = ["diff", "--torch", "port.py:loss", "--tensorflow", "tf.reduce_sum(x ** 2)", "--at", "x=[1, 2]"]
    assert "if you trust it, add --allow-code" in tfpt(*code).err
    Path("kept").mkdir()
    done = tfpt(*code, "--allow-code", "--save", "kept/s.yaml")
    assert done.code == 0, done.err
    assert "python: ../port.py:loss" in Path("kept/s.yaml").read_text(encoding="utf-8")
    assert tfpt("validate", "kept/s.yaml", "--allow-code").code == 0
    wrong = [word.replace("loss", "los") for word in code]
    assert "port.py has no function 'los', did you mean 'loss'?" in words(tfpt(*wrong, "--allow-code").err)


@pytest.mark.parametrize(
    ("asked", "taken"), [("::second", "second"), (":5", "second"), (":1", "first"), (":2:3", "first")]
)
def test_a_scenario_by_its_name_or_line(asked: str, taken: str, tfpt: Callable[..., Done]) -> None:
    Path("two.yaml").write_text(TWO, encoding="utf-8")
    done = tfpt("validate", f"two.yaml{asked}")
    assert done.out == "1 scenario in 1 file valid\n"
    listed = tfpt("code", "two.yaml", "-k", taken)
    assert listed.out


def test_a_name_that_is_not_in_the_file(tfpt: Callable[..., Done]) -> None:
    Path("two.yaml").write_text(TWO, encoding="utf-8")
    done = tfpt("validate", "two.yaml::secnd")
    assert done.code == 2
    assert "two.yaml: no scenario is called 'secnd', did you mean 'second'?" in done.out
    assert part("two.yaml::x") == ("two.yaml", "x")
    assert part("three.yaml::x") == ("three.yaml::x", "")
    assert list(scenario_files(["two.yaml::first", "two.yaml:4"])) == ["two.yaml"]
    assert not list(Within(["two.yaml", "two.yaml::x"]).unmet())  # all of it is taken


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tfpt: Callable[..., Done]) -> None:
    import io
    import sys

    class Given:
        buffer = io.BytesIO(TWO.encode())

    monkeypatch.setattr(sys, "stdin", Given())
    assert tfpt("validate", "-").out == "2 scenarios in 1 file valid\n"


def test_annotations_of_what_is_not_valid(tfpt: Callable[..., Done]) -> None:
    Path("bad.yaml").write_text("name: bad\ngradient: {of: softmxa(x), at: {x: 1.0}}\n", encoding="utf-8")
    done = tfpt("validate", "bad.yaml", "--format", "github")
    assert done.code == 2
    assert done.out.startswith(
        "::error file=bad.yaml,line=2,col=16,title=problem in the file::unknown operation 'softmxa'"
    )


def test_a_baseline_lets_old_failures_pass_and_says_what_was_rewritten(tfpt: Callable[..., Done]) -> None:
    text = "name: gelu\ngradient: {torch: F.gelu(x), tensorflow: keras.ops.gelu(x), at: {x: [1.0, 2.0]}}\n"
    Path("s.yaml").write_text(text, encoding="utf-8")
    assert tfpt("check", "s.yaml", "--save-baseline", "b.json").code == 1
    assert tfpt("check", "s.yaml", "--baseline", "b.json").code == 1
    assert tfpt("check", "s.yaml", "--baseline", "b.json", "--only-new").code == 0
    assert "--only-new is told by a baseline" in words(tfpt("check", "s.yaml", "--only-new").err)
    Path("s.yaml").write_text(text.replace("F.gelu", "F.relu"), encoding="utf-8")
    done = tfpt("check", "s.yaml", "--baseline", "b.json", "--only-new")
    assert done.code == 1
    assert "the scenario itself has changed: PyTorch F.gelu(x)" in words(done.out)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "nn.CrossEntropyLoss",
            ["class of PyTorch", "computes F.cross_entropy", "loss-ce-ignore-index", "loss-ce-logits"],
        ),
        ("keras.losses.CategoricalCrossentropy", ["class of TensorFlow", "loss-cce-renormalises", "loss-ce-logits"]),
        ("keras.layers.LeakyReLU", ["leaky_relu(x, /", "negative_slope=0.3", "act-leakyrelu-slope"]),
    ],
)
def test_classes_are_shown_with_their_differences(name: str, shown: list[str], tfpt: Callable[..., Done]) -> None:
    done = tfpt("show", name, columns=200)
    assert done.code == 0
    assert [piece for piece in shown if piece not in words(done.out)] == []


def test_all_words_of_a_search_are_held(tfpt: Callable[..., Done]) -> None:
    both = tfpt("explain", "softmax", "logits").out
    assert "loss-ce-logits" in both
    assert len(both) < len(tfpt("explain", "softmax").out)
    assert tfpt("explain", "softmax logits").out == both
    two = tfpt("explain", "act-gelu-default", "loss-ce-logits").out  # by their ids: each
    assert "act-gelu-default" in two
    assert "loss-ce-logits" in two


def test_the_words_lead_to_rows() -> None:
    rows: dict[str, Any] = rows_of("typed")
    assert [name for name in rows["operations"].values() if name.split()[0] not in dictionary().operations] == []
    assert [name for name in rows["operations"] if name in dictionary().operations] == []
    for row in rows["refused"]:
        re.compile(row["names"])


def test_derivatives_without_a_list(write: Callable[..., Path]) -> None:
    path = write("name: n\ngradient: {of: x ** 2, at: {x: 1.0}, derivatives: none}\n")
    done = warm_tfpt("check", path)
    assert done.code == 0
    assert "both sides agree in value at one point" in words(done.out)
    path = write("name: n\ngradient: {of: x ** 2, at: {x: 1.0}, derivatives: hessian}\n", "h.yaml")
    assert warm_tfpt("check", path).code == 0


@pytest.mark.parametrize(
    ("code", "at", "whole"),
    [
        ("torch: 'F.cross_entropy(x, y)', tensorflow: x", "x: [[1.0, 2.0]], y: [1]", True),
        ("torch: 'nn.NLLLoss()(x, y)', tensorflow: x", "x: [[1.0, 2.0]], y: [1]", True),
        ("torch: x, tensorflow: 'tf.gather(x, y)'", "x: [1.0, 2.0], y: arange(2)", True),
        ("of: 'take(x, y)'", "x: [1.0, 2.0], y: [1]", True),
        # Probabilities, what is written with a point, what is differentiated by, what takes other numbers too.
        ("torch: 'F.cross_entropy(x, y)', tensorflow: x", "x: [[1.0, 2.0]], y: [[0, 1]]", False),
        ("torch: 'F.cross_entropy(x, y)', tensorflow: x", "x: [[1.0, 2.0]], y: [1.0]", False),
        ("torch: 'F.cross_entropy(x, y)', wrt: y, tensorflow: x", "x: [[1.0, 2.0]], y: [1]", False),
        ("torch: 'torch.clamp(y, x)', tensorflow: x", "x: [[1.0, 2.0]], y: [1]", False),
        ("torch: 'torch.ldexp(x, y)', tensorflow: x", "x: [1.0, 2.0], y: [1]", False),
        ("of: x * y", "x: [1.0, 2.0], y: [1, 2]", False),
    ],
)
def test_whole_numbers_where_nothing_else_is_taken(code: str, at: str, whole: bool, write: Callable[..., Path]) -> None:
    path = write(f"name: n\ngradient: {{{code}, at: {{{at}}}}}\n")
    ((scenario,),) = (found for found in load(str(path)) if isinstance(found, list))
    gradient = gradient_of(scenario)
    assert gradient.dtypes["y"] == ("int64" if whole else "float32")
    assert ("(int64)" in gradient.at) == whole
