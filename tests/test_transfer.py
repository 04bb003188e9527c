"""Weights of a file in both sides of a model, and `tfpt transfer`: what it writes, and the conversion as code."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import ROOT, SCENARIOS, run_tfpt, warm_tfpt
from tests.tasks import course_of
from tfpt_cli.checkpoints.contents import Entry
from tfpt_cli.checkpoints.matching import by_order, matched, problems
from tfpt_cli.engine.options import Options
from tfpt_cli.results import Relation
from tfpt_cli.scenario.scenario import Scenario, load
from tfpt_cli.subjects.model.conversion import to_keras, to_torch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.conftest import Done
    from tfpt_cli.engine.session import Session
    from tfpt_cli.subjects.model.course import Course

FILES = ROOT / "tests" / "models"
SCENARIO = """
name: tagger
model:
  torch: {python: 'stored.py:Tagger()'}
  tensorflow: {python: 'stored_keras.py:tagger()'}
  at: {words: [[1, 2, 3, 4], [5, 6, 7, 8]]}
  dtypes: {words: int64}
"""


# ---- names


@given(
    st.lists(
        st.from_regex(r"[a-z]{1,6}(_[0-9])?(\.[a-z]{1,6}){1,2}", fullmatch=True), min_size=1, max_size=8, unique=True
    )
)
def test_a_model_finds_its_own_names(names: list[str]) -> None:
    found = matched([Entry(name, (2,), "float32") for name in names], dict.fromkeys(names, ()))
    assert {name: entry.name for name, entry in found.entries.items()} == {name: name for name in names}
    assert (found.missing, found.further) == ((), ())


@pytest.mark.parametrize("prefix", ["module.", "model.", "_orig_mod.", "bert.", "net.encoder."])
def test_a_prefix_that_all_names_have_is_passed_over(prefix: str) -> None:
    names = ["fc1.weight", "fc1.bias", "fc2.weight"]
    found = matched([Entry(prefix + name, (2,), "float32") for name in names], dict.fromkeys(names, ()))
    assert found.missing == ()
    assert found.prefix == prefix.rstrip(".")


def test_counted_names_are_those_of_their_order() -> None:
    entries = [Entry(f"net_4/dense_{number}/kernel", (2,), "float32") for number in (7, 8, 11)]
    names = {
        "first.kernel": ["net/dense/kernel"],
        "second.kernel": ["net/dense_1/kernel"],
        "third.kernel": ["net/dense_2/kernel"],
    }
    found = matched(entries, names)
    assert [found.entries[name].name for name in names] == [entry.name for entry in entries]
    assert by_order(["a_3/x", "a_5/x", "b/x"]) == ["a/x", "a_1/x", "b/x"]


def test_everything_that_is_wrong_is_said_by_name() -> None:
    entries = [Entry("fc1.weight", (5, 3), "float32"), Entry("head.weight", (4, 3), "float32")]
    found = matched(entries, {"fc1.weight": (), "fc1.bias": (), "headd.weight": ()})
    words = " | ".join(problems(found, {"fc1.weight": (4, 3), "fc1.bias": (4,), "headd.weight": (4, 3)}, "PyTorch"))
    assert "it has no entry for PyTorch's fc1.bias (4,), headd.weight (4, 3) (in the file: head.weight?)" in words
    assert "fc1.weight is (5, 3), and (4, 3) in PyTorch" in words
    assert "further entries that no parameter has: head.weight" in words


# ---- the conversion as code, on every network that is shipped


class State(dict[str, Any]):
    """A `state_dict` of arrays, each with what a tensor is asked for."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        super().__init__({name: Held(array) for name, array in arrays.items()})


class Held:
    """An array as a tensor or as a variable."""

    def __init__(self, array: NDArray[Any]) -> None:
        self.array = array

    def detach(self) -> Held:
        return self

    def cpu(self) -> Held:
        return self

    def numpy(self) -> NDArray[Any]:
        return self.array

    def assign(self, array: NDArray[Any]) -> None:
        assert array.shape == self.array.shape
        self.array = array


class Model:
    """A Keras model, as far as the code asks for one."""

    def __init__(self, shapes: list[tuple[int, ...]]) -> None:
        self.weights = self.variables = [Held(np.zeros(shape)) for shape in shapes]

    def set_weights(self, arrays: list[NDArray[Any]]) -> None:
        for held, array in zip(self.weights, arrays, strict=True):
            held.assign(array)


def networks() -> Iterator[Scenario]:
    """The first scenario of each network that is shipped, which agrees in evaluation."""
    for path in sorted((SCENARIOS / "model" / "networks").glob("*.yaml")):
        scenario = next(item for found in load(str(path)) if isinstance(found, list) for item in found)
        assert scenario.expect == Relation.AGREE
        yield scenario


@pytest.fixture(scope="module")
def courses(session: Session) -> dict[str, Course]:
    """What a run of each of these networks has found, by its file."""
    scenarios = list(networks())
    report = session.check(Options(generated=[scenarios]))
    assert [result.name for result in report.scenarios if not result.agree] == []
    return {scenario.file.rpartition("/")[2]: course_of(scenario) for scenario in scenarios}


def test_the_code_converts_every_network_there_and_back(
    courses: dict[str, Course], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(tensor=np.array))
    assert len(courses) >= 20
    for name, course in courses.items():
        torch, keras = (course.inventories[side] for side in course.terms.sides)
        numbers = course.numbers
        assert numbers is not None
        there: dict[str, Any] = {}
        exec(to_keras(course.pairing, torch, keras), there)
        model = Model([tensor.shape for tensor in keras.tensors])
        there["convert"](State(dict(numbers.torch)), model)
        paired = {pair.keras.tensor for pair in course.pairing.pairs}
        for tensor, held in zip(keras.tensors, model.weights, strict=True):
            if tensor.name in paired:
                np.testing.assert_allclose(held.array, numbers.keras[tensor.name], err_msg=f"{name}: {tensor.name}")
        back: dict[str, Any] = {}
        exec(to_torch(course.pairing, torch, keras), back)
        state = back["convert"]([held.array for held in model.weights])
        for pair in course.pairing.pairs:
            back_again = [state[part.tensor] for part in pair.torch]
            own = [np.asarray(numbers.torch[part.tensor], np.float64) for part in pair.torch]
            np.testing.assert_allclose(
                np.sum(back_again, axis=0), np.sum(own, axis=0), rtol=1e-6, err_msg=f"{name}: {pair.name}"
            )


# ---- files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario, its models, and weights of each as their frameworks write them."""
    made = tmp_path_factory.mktemp("transfer")
    for name in ("stored.py", "stored_keras.py"):
        (made / name).write_text((FILES / name).read_text(encoding="utf-8"), encoding="utf-8")
    (made / "tagger.yaml").write_text(SCENARIO, encoding="utf-8")
    for name in ("stored.py", "stored_keras.py"):
        done = subprocess.run([sys.executable, name], cwd=made, capture_output=True, encoding="utf-8", check=False)
        assert done.returncode == 0, done.stderr
    return made


OF_TORCH = ("net.pt", "wrapped.pth", "half.safetensors", "net.npz")
OF_KERAS = ("net.weights.h5", "net.keras", "net.h5", "checkpoint", "saved", "paths.npz")


@pytest.fixture(scope="module")
def results(folder: Path) -> dict[str, Any]:
    """What a check says with the weights of each file, by its name."""
    documents = [
        f"{SCENARIO}  weights: {name}\n".replace("name: tagger", f"name: {name}") for name in (*OF_TORCH, *OF_KERAS)
    ]
    (folder / "all.yaml").write_text("---".join(documents), encoding="utf-8")
    done = run_tfpt("check", "--allow-code", "all.yaml", "--format", "json", cwd=folder)
    return {each["name"]: each for each in done.json["scenarios"]}


@pytest.mark.parametrize("name", [*OF_TORCH, *OF_KERAS])
def test_both_sides_have_the_weights_of_the_file(name: str, results: dict[str, Any]) -> None:
    result = results[name]
    assert result["status"] == "passed", result
    side = "PyTorch" if name in OF_TORCH else "TensorFlow"
    assert f"both sides have the weights of {name}, which has {side}'s names" in result["notes"]
    # The bias that the files have, and no model starts with: the last one moves the output as it is.
    output = next(each for each in result["comparisons"] if each["quantity"] == "output")
    assert all(np.abs(np.array(output[side]["values"])).max() > 50 for side in ("torch", "tensorflow"))


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("net.pt", "made.weights.h5"),
        ("net.pt", "made.keras"),
        ("wrapped.pth", "made.ckpt"),
        ("half.safetensors", "keras.npz"),
        ("net.pt", "keras.safetensors"),
        ("net.weights.h5", "made.pt"),
        ("saved", "made.safetensors"),
        ("net.keras", "made.npz"),
    ],
)
def test_what_is_written_has_the_same_numbers(folder: Path, source: str, output: str) -> None:
    done = warm_tfpt("transfer", "--allow-code", "tagger.yaml", "--from", source, "-o", output, cwd=folder)
    assert done.code == 0, done.err
    assert "read again and the same" in done.out
    seen = json.loads(warm_tfpt("inspect", output, "--format", "json", cwd=folder).out)
    assert sum(int(np.prod(each["shape"])) for each in seen["files"][0]["entries"]) >= 563
    assert not list(folder.glob(".tfpt-*"))


def transferred(folder: Path, *arguments: str) -> Done:
    return warm_tfpt("transfer", "--allow-code", *arguments, cwd=folder)


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_layers_that_are_made_in_another_order_get_their_own_numbers(tmp_path: Path, force: tuple[str, ...]) -> None:
    """Their names tell nothing: which is which both models tell, also where nothing else of them is checked."""
    import torch  # not above: these tests are many, and it takes a second

    rng = np.random.default_rng(0)
    held = {f"{name}.weight": rng.normal(0, 1, (8, 8)).astype("float32") for name in "abcd"}
    held |= {f"{name}.bias": rng.normal(0, 1, 8).astype("float32") for name in "abcd"}
    torch.save({name: torch.tensor(array) for name, array in held.items()}, tmp_path / "net.pt")
    (tmp_path / "a.yaml").write_text(
        f"name: n\nmodel:\n  torch: {{python: '{FILES}/unnamed.py:Attention()'}}\n"
        f"  tensorflow: {{python: '{FILES}/unnamed_keras.py:Attention(\"vkqo\")'}}\n"
        "  at: {x: 'normal(0, 1, (2, 5, 8))'}\n",
        encoding="utf-8",
    )
    done = transferred(tmp_path, "a.yaml", "--from", "net.pt", "-o", "net.npz", *force)
    assert done.code == 0, done.err
    with np.load(tmp_path / "net.npz") as written:
        kernels = [array for array in written.values() if array.ndim == 2]
    for name, kernel in zip("cbad", kernels, strict=True):
        np.testing.assert_array_equal(kernel, held[f"{name}.weight"].T)


def test_nothing_is_written_where_the_models_do_not_agree(folder: Path) -> None:
    text = SCENARIO.replace("tagger()'", "tagger(epsilon=0.5)'")
    (folder / "other.yaml").write_text(text, encoding="utf-8")
    done = transferred(folder, "other.yaml", "--from", "net.pt", "-o", "never.weights.h5")
    assert done.code == 1
    assert "nothing was written; --force writes all the same" in done.err
    assert not (folder / "never.weights.h5").exists()
    assert transferred(folder, "other.yaml", "--from", "net.pt", "-o", "forced.weights.h5", "--force").code == 0
    assert (folder / "forced.weights.h5").exists()


TELLING = """
name: telling
model:
  torch: {{python: 'telling.py:Telling({ours})'}}
  tensorflow: {{python: 'telling_keras.py:Telling({theirs})'}}
  at: {{x: 'normal(0, 1, (2, 4))'}}
"""


@pytest.fixture
def telling(tmp_path: Path) -> Path:
    """A folder with two models that tell when they are run with the weights of a file, and that file."""
    for name in ("telling.py", "telling_keras.py"):
        (tmp_path / name).write_text((FILES / name).read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "telling.py"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return tmp_path


def forced(telling: Path, ours: str = "", theirs: str = "", source: str = "telling.pt", force: str = "--force") -> Done:
    (telling / "telling.yaml").write_text(TELLING.format(ours=ours, theirs=theirs), encoding="utf-8")
    # A process of its own, in the folder in which the models tell.
    arguments = ("transfer", "--allow-code", "telling.yaml", "--from", source, "-o", "telling.npz", force)
    return run_tfpt(*filter(None, arguments), cwd=telling)


def test_nothing_is_run_with_the_weights_where_it_is_forced(telling: Path) -> None:
    done = forced(telling)
    assert done.code == 0, done.err
    assert "not checked (--force)" in done.err
    assert not (telling / "told.txt").exists()
    with np.load(telling / "telling.npz") as written:
        assert [array.tolist() for name, array in written.items() if "bias" in name] == [[64.0, 64.0, 64.0]]
    assert forced(telling, force="").code == 0
    told = set((telling / "told.txt").read_text(encoding="utf-8").splitlines())
    assert told == {f"{side} {way}" for side in ("torch", "tensorflow") for way in ("forward", "backward")}


def test_what_no_file_gives_is_said_where_it_is_forced(telling: Path) -> None:
    done = forced(telling, ours="bias=False", source="without.pt")
    assert done.code == 0, done.err
    assert "out.bias of TensorFlow is not in without.pt, and stays as the model starts" in done.err


def test_numbers_that_do_not_fit_are_not_written_where_it_is_forced(telling: Path) -> None:
    done = forced(telling, theirs="outputs=4")
    assert done.code == 1
    words = (
        "out.weight (3, 4) does not fit into out.kernel (4, 4): of out, out_features is 3 in PyTorch, 4 in TensorFlow"
    )
    assert words in done.err
    assert "nothing was written" in done.err
    assert not (telling / "telling.npz").exists()


FORGETFUL = """
import keras


class Forgetful(keras.layers.Dense):
    def save_own_variables(self, store):
        store["0"], store["1"] = self.kernel.numpy() * 0, self.bias.numpy()


def network():
    return keras.Sequential([keras.Input((4,)), Forgetful(3)])
"""


def test_a_file_that_does_not_hold_what_was_written_is_not_left(tmp_path: Path) -> None:
    import torch

    (tmp_path / "forgetful.py").write_text(FORGETFUL, encoding="utf-8")
    (tmp_path / "forgetful.yaml").write_text(
        "name: n\nmodel:\n  torch: 'nn.Sequential(nn.Linear(4, 3))'\n"
        "  tensorflow: {python: 'forgetful.py:network()'}\n  at: {x: 'normal(0, 1, (2, 4))'}\n",
        encoding="utf-8",
    )
    torch.save({"0.weight": torch.ones(3, 4), "0.bias": torch.zeros(3)}, tmp_path / "net.pt")
    done = transferred(tmp_path, "forgetful.yaml", "--from", "net.pt", "-o", "net.weights.h5")
    assert done.code == 1
    words = "it was read again, and its numbers are not those that were written: forgetful.kernel"
    assert f"net.weights.h5 was not written: {words}\n" in done.err
    assert not (tmp_path / "net.weights.h5").exists()
    assert transferred(tmp_path, "forgetful.yaml", "--from", "net.pt", "-o", "net.npz").code == 0


LEGACY = {
    "tagger": "{words: [[1, 2, 3, 4], [5, 6, 7, 8]]}\n  dtypes: {words: int64}",
    "images": "{x: 'normal(0, 1, (2, 3, 8, 8))'}\n  layout: {x: n c h w -> n h w c, 4.weight: "
    "'out (c h w) -> (h w c) out, c=4, h=8'}",
}


@pytest.mark.parametrize("ending", [".npz", ".safetensors", ".weights.h5", ".keras", ".ckpt"])
@pytest.mark.parametrize(("ours", "theirs"), [("Tagger", "tagger"), ("images", "Images")])
def test_there_and_back_with_tf_keras(ours: str, theirs: str, ending: str, tmp_path: Path) -> None:
    """A functional model and a subclass of Keras 2, whose variables have other names than those of Keras 3."""
    import torch

    legacy = importlib.import_module("tests.models.legacy")  # of people, who annotate nothing
    for name in ("legacy.py", "legacy_keras.py"):
        (tmp_path / name).write_text((FILES / name).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "a.yaml").write_text(
        f"name: n\nmodel:\n  torch: {{python: 'legacy.py:{ours}()'}}\n"
        f"  tensorflow: {{python: 'legacy_keras.py:{theirs}()'}}\n  at: {LEGACY[ours.lower()]}\n",
        encoding="utf-8",
    )
    state = getattr(legacy, ours)().state_dict()
    torch.save(state, tmp_path / "net.pt")
    there = transferred(tmp_path, "a.yaml", "--from", "net.pt", "-o", f"net{ending}")
    assert there.code == 0, there.err
    back = transferred(tmp_path, "a.yaml", "--from", f"net{ending}", "-o", "back.pt", "--force")
    assert back.code == 0, back.err
    found = torch.load(tmp_path / "back.pt")
    # Of the two biases of a GRU only their sum is in Keras, but where its candidate is computed.
    sums = {name: name.replace("bias_ih", "bias_hh") for name in state if "bias_ih" in name}
    for name in state:
        if name in sums:
            assert torch.allclose(state[name] + state[sums[name]], found[name] + found[sums[name]])
        elif name not in sums.values():
            assert torch.equal(state[name], found[name]), name


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("tagger.yaml", "--from", "none.pt", "-o", "a.npz"), 2, "there is no file 'none.pt'"),
        (("tagger.yaml", "--from", "net.pt"), 2, "say where the weights go"),
        (
            ("tagger.yaml", "--from", "net.pt", "-o", "a.foo"),
            2,
            "'.foo' is no ending of TensorFlow's files: .weights.h5",
        ),
        (
            ("tagger.yaml", "--from", "net.pt", "-o", "a"),
            2,
            "it is not known which is meant of TensorFlow's files: .weights.h5",
        ),
        (
            ("tagger.yaml", "--from", "net.npz", "-o", "a.foo"),
            2,
            ".safetensors, .npz, or of TensorFlow's files: .weights.h5",
        ),
        (("tagger.yaml", "--from", "net.pt", "-o", "none/a.npz"), 2, "cannot write to 'none/a.npz'"),
        (
            ("all.yaml", "--from", "net.pt", "-o", "a.npz"),
            2,
            "there are 10 scenarios of two models in all.yaml; name one",
        ),
        (("tagger.yaml", "--from", "stored.py", "-o", "a.npz"), 1, "it is a text file"),
        (
            ("tagger.yaml", "--from", "less.pt", "-o", "a.npz"),
            1,
            "it has no entry for PyTorch's gru.weight_hh_l0 (15, 5)",
        ),
    ],
)
def test_what_cannot_be_done_is_said(
    folder: Path, results: dict[str, Any], arguments: tuple[str, ...], code: int, words: str
) -> None:
    assert results
    done = transferred(folder, *arguments)
    assert done.code == code, done.err
    assert words in done.err


@pytest.mark.parametrize("output", ["a.pth", "none/a.npz"])
def test_a_name_that_cannot_be_written_is_refused_before_anything_runs(
    folder: Path, results: dict[str, Any], output: str, fakes: dict[str, str]
) -> None:
    assert results
    done = run_tfpt("transfer", "tagger.yaml", "--from", "net.pt", "-o", output, cwd=folder, environment=fakes)
    assert done.code == 2, done.err
    assert not os.path.exists(fakes["mark"])


def test_the_code_runs_without_tfpt(folder: Path) -> None:
    code = transferred(folder, "tagger.yaml", "--from", "net.pt", "--code").out
    (folder / "converted.py").write_text(
        f"{code}\n\nimport tensorflow, torch\nfrom stored import Tagger\nfrom stored_keras import tagger\n"
        "ours, theirs = Tagger().eval(), tagger()\nours.load_state_dict(torch.load('net.pt'))\n"
        "convert(ours.state_dict(), theirs)\nwords = [[1, 2, 3, 4], [5, 6, 7, 8]]\n"
        "with torch.no_grad():\n    one = ours(torch.tensor(words)).numpy()\n"
        "np.testing.assert_allclose(one, theirs(tensorflow.constant(words)).numpy(), rtol=1e-4, atol=1e-4)\n",
        encoding="utf-8",
    )
    command = [sys.executable, "converted.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr


def test_a_file_elsewhere_is_read_only_where_the_scenario_is_trusted(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    text = "name: n\nmodel: {of: 'linear(3, 4)', at: {x: 'normal(0, 1, (2, 3))'}, weights: ../net.pt}\n"
    (folder / "elsewhere" / "a.yaml").write_text(text, encoding="utf-8")
    done = warm_tfpt("validate", "elsewhere/a.yaml", cwd=folder)
    assert done.code == 2
    assert (
        "is not in the scenario's folder; if you trust the scenario to read it, add --allow-code" in done.out + done.err
    )


def test_a_layer_alone_is_written_as_arrays(folder: Path) -> None:
    np.savez(folder / "linear.npz", weight=np.ones((4, 3), np.float32), bias=np.zeros(4, np.float32))
    (folder / "linear.yaml").write_text(
        "name: n\nmodel: {of: 'linear(3, 4)', at: {x: 'normal(0, 1, (2, 3))'}}\n", encoding="utf-8"
    )
    done = transferred(folder, "linear.yaml", "--from", "linear.npz", "-o", "dense.weights.h5")
    assert done.code == 1
    assert "a layer alone is not written so: take .npz, .safetensors or .ckpt" in done.err
    assert transferred(folder, "linear.yaml", "--from", "linear.npz", "-o", "dense.npz").code == 0
    with np.load(folder / "dense.npz") as written:
        # Counted from the start of the model, whatever its process has made before.
        assert {name: array.shape for name, array in written.items()} == {"dense/kernel": (3, 4), "dense/bias": (4,)}


def test_a_one_liner_takes_the_weights_of_a_file(folder: Path) -> None:
    np.savez(folder / "three.npz", weight=np.full((4, 3), 3.0, np.float32), bias=np.zeros(4, np.float32))
    done = warm_tfpt("layer", "linear(3, 4)", "--at", "x=ones((2, 3))", "--weights", "three.npz", cwd=folder)
    assert done.code == 0, done.err
    assert re.search(r"\[9[.0]* +9[.0]* ", done.out), done.out
