"""What one model has in one layer or parameter and the other in several: found, said, run, and converted."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.ported import MODELS, ported, told
from tests.test_trial import partners
from tfpt_cli.subjects.model.paired_parameters import TensorPart, cuts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Done
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import ScenarioResult

TOKENS = "normal(0, 1, (2, 5, 8))"
STEPS = "normal(0, 1, (2, 3, 4))"
ROWS = "normal(0, 1, (3, 4))"
IMAGE = "normal(0, 1, (2, 3, 4, 4))"
IMAGES = {"layout": {"x": "n c h w -> n h w c", "output": "n c h w -> n h w c"}}

RIGHT = [
    ("Attention()", "Attention()", TOKENS),
    ("Attention('apart')", "Attention('packed')", TOKENS),
    ("Attention('two')", "Attention()", TOKENS),
    ("Attention('own')", "Attention()", TOKENS),
    ("Attention('interleaved')", "Attention()", TOKENS),
    ("Blocks()", "Blocks()", TOKENS),
    ("Blocks()", "Blocks('multihead')", TOKENS),
    ("Blocks('apart')", "Blocks('packed')", TOKENS),
    ("Blocks('own')", "Blocks('multihead')", TOKENS),
    ("Multihead()", "Attention()", TOKENS),
    ("OneKey()", "OneKey()", TOKENS),
    ("OneKey(False)", "OneKey(True)", TOKENS),
    ("Gated()", "Gated()", STEPS),
    ("Gated()", "Gated('weights')", STEPS),
    ("Gated()", "Gated(order=(2, 0, 3, 1))", STEPS),
    ("Gated('apart')", "Gated('packed', order=(3, 1, 0, 2))", STEPS),
    ("Gated('lstm')", "Gated()", STEPS),
    ("Gated('lstm')", "Gated('weights', order=(1, 0, 3, 2))", STEPS),
    ("Experts()", "Experts()", ROWS),
    ("Experts(packed=True)", "Experts(False)", ROWS),
]


def packed(session: Session, torch: str, tensorflow: str, at: str, **more: Any) -> ScenarioResult:
    """The result of two networks of `tests/models/packed*.py`."""
    return ported(session, f"packed.py:{torch}", f"packed_keras.py:{tensorflow}", at, **more)


@pytest.mark.parametrize(("torch", "tensorflow", "at"), RIGHT)
def test_a_right_port_agrees(session: Session, torch: str, tensorflow: str, at: str) -> None:
    result = packed(session, torch, tensorflow, at)
    assert result.agree, (result.failures, told(result))
    assert any("[0]" in name for pair in result.pairs for name in pair.names.values())


@pytest.mark.parametrize("torch", [True, False])
def test_channels_are_packed_too(session: Session, torch: bool) -> None:
    result = packed(session, f"Images(packed={torch})", f"Images({not torch})", IMAGE, **IMAGES)
    assert result.agree, (result.failures, told(result))


def test_parts_are_paired_in_their_order_and_interleaved_only_where_that_is_seen(session: Session) -> None:
    plain = partners(packed(session, "Attention()", "Attention()", TOKENS))
    assert [plain[f"qkv.weight[{place}]"] for place in range(3)] == ["query.kernel", "key.kernel", "value.kernel"]
    result = packed(session, "Attention('interleaved')", "Attention()", TOKENS)
    assert partners(result) == plain
    assert [pair.interleaved for pair in result.pairs if "qkv" in str(pair.names)] == [True] * 6
    assert any("interleaved" in note for note in result.notes)


def test_the_order_of_gates_is_told_by_a_trial(session: Session) -> None:
    result = packed(session, "Gated()", "Gated(order=(2, 0, 3, 1))", STEPS)
    found = partners(result)
    assert [found[f"x2h.weight[{gate}]"] for gate in range(4)] == [
        f"of_x.{(1, 3, 0, 2)[gate]}.kernel" for gate in range(4)
    ]
    assert any("by their gradients" in note for note in result.notes), result.notes


WRONG = [
    ("Attention()", "Attention(scale=0.3)", TOKENS, "x * 0.3 in TensorFlow, the other calls alike"),
    ("Attention('apart')", "Attention('packed', scale=0.3)", TOKENS, "x * 0.5"),
    ("Blocks()", "Blocks(scale=0.3)", TOKENS, "between norms.1"),
    ("Attention()", "Attention('without')", TOKENS, ""),
]  # fmt: skip


@pytest.mark.parametrize(("torch", "tensorflow", "at", "words"), WRONG)
def test_a_mistake_differs(session: Session, torch: str, tensorflow: str, at: str, words: str) -> None:
    result = packed(session, torch, tensorflow, at)
    assert not result.agree
    assert words in told(result)


def said(names: str, *partners: str | None) -> dict[str, str | None]:
    """What `pair:` says of the parts of a tensor."""
    return {f"{names}[{place}]": partner for place, partner in enumerate(partners)}


def test_a_scenario_says_which_parts_correspond(session: Session) -> None:
    kernels = ["query.kernel", "key.kernel", "value.kernel"]
    assert packed(session, "Attention()", "Attention()", TOKENS, pair=said("qkv.weight", *kernels)).agree
    assert not packed(session, "Attention()", "Attention()", TOKENS, pair=said("qkv.weight", *kernels[::-1])).agree
    keras = {f"{name}.weight": f"qkv.kernel[{place}]" for place, name in enumerate("qkv")}
    assert packed(session, "OneKey(False)", "OneKey(True)", TOKENS, pair=keras).agree


def test_of_parts_that_are_said_the_layers_are_no_difference(session: Session) -> None:
    """One beside three, and one beside one in another order: neither gives what stands beside it."""
    pair = said("qkv.weight", "qkv.kernel[2]", "qkv.kernel[1]", "qkv.kernel[0]")
    result = packed(session, "Attention()", "Attention('packed')", TOKENS, pair=pair)
    assert told(result).startswith("it begins between the inputs and out / proj, which agree")
    assert "nn.Linear" not in told(result)


BAD = [
    (said("qkv.weight", "query.kernel"), "pair names a part of 'qkv.weight' and not 'qkv.weight[1]' (null where it"),
    ({"qkv.weight[0]": "query.kernel", "qkv.weight[2]": "value.kernel"}, "and not 'qkv.weight[1]'"),
    (said("qkv.weight", "query.kernel", "key.bias"), "'qkv.weight' is (24, 8), its parts are (8, 8), (8,): not as many"),
    ({"qkv.weight[0]": "query.kernel", "qkv.weight": "key.kernel"}, "'qkv.weight' and 'qkv.weight[0]', which are one"),
    ({"qkv.weight[0]": "query.kernel", "qkv.weight[9999999]": "key.kernel"}, "'qkv.weight[3]', ... (null"),
    ({"qvk.weight[0]": "query.kernel"}, "pair names 'qvk.weight[0]', which PyTorch's model does not have, did you mean"),
]  # fmt: skip


@pytest.mark.parametrize(("pair", "words"), BAD)
def test_parts_that_do_not_fit_are_said(session: Session, pair: dict[str, str], words: str) -> None:
    result = packed(session, "Attention()", "Attention()", TOKENS, pair=pair)
    assert any(words in failure.message for failure in result.failures), result.failures


def scenario(folder: Path, torch: str, tensorflow: str, at: str = TOKENS) -> Path:
    """A scenario of two networks of `tests/models/packed*.py` in a file."""
    fields = {
        "torch": {"python": f"{MODELS / 'packed.py'}:{torch}"},
        "tensorflow": {"python": f"{MODELS / 'packed_keras.py'}:{tensorflow}"},
        "at": {"x": at},
    }
    path = folder / "packed.yaml"
    path.write_text(yaml.safe_dump({"name": "packed", "model": fields}))
    return path


@pytest.mark.parametrize(
    ("torch", "tensorflow"),
    [("Attention()", "Attention()"), ("OneKey(False)", "OneKey(True)"), ("Multihead()", "Attention()")],
)
def test_pairs_of_parts_can_be_put_back(
    session: Session, tfpt: Callable[..., Done], tmp_path: Path, torch: str, tensorflow: str
) -> None:
    del session
    path = scenario(tmp_path, torch, tensorflow)
    pairs = yaml.safe_load(tfpt("pair", "--allow-code", path).out)
    assert any("[1]" in f"{one} {other}" for one, other in pairs["pair"].items())
    data = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**data, "model": {**data["model"], **pairs}}))
    assert tfpt("check", path, "--allow-code", "--format", "line").code == 0


@pytest.mark.parametrize(
    ("torch", "tensorflow"),
    [
        ("Attention()", "Attention()"),
        ("Attention('apart')", "Attention('packed')"),
        ("Attention('interleaved')", "Attention()"),
        ("Multihead()", "Attention()"),
        ("OneKey()", "OneKey()"),
    ],
)
def test_weights_are_carried_over_and_back(
    session: Session, tfpt: Callable[..., Done], tmp_path: Path, torch: str, tensorflow: str
) -> None:
    """Into Keras's file, back into PyTorch's, and both are the same numbers; the conversion as code does the same."""
    del session
    path = scenario(tmp_path, torch, tensorflow)
    code = f"import sys, torch; sys.path.insert(0, {str(MODELS)!r}); from packed import *; torch.manual_seed(3)\n"
    code += f"torch.save({{k: v + 0.1 for k, v in {torch}.state_dict().items()}}, {str(tmp_path / 'net.pt')!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    there = tfpt("transfer", path, "--allow-code", "--from", "net.pt", "-o", "net.weights.h5")
    assert there.code == 0, there.out + there.err
    back = tfpt("transfer", path, "--allow-code", "--from", "net.weights.h5", "-o", "back.pt")
    assert back.code == 0, back.out + back.err
    written = tfpt("transfer", path, "--allow-code", "--from", "net.pt", "--code")
    assert written.code == 0, written.out + written.err
    (tmp_path / "conversion.py").write_text(written.out)
    alike = f"""
import sys, numpy as np, torch
sys.path[:0] = [{str(MODELS)!r}, {str(tmp_path)!r}]
first, second = (torch.load(name, weights_only=True) for name in ("net.pt", "back.pt"))
assert all(torch.equal(first[name], second[name].to(first[name].dtype)) for name in first)
import conversion, packed_keras
from packed_keras import *
ours, theirs = (packed_keras.{tensorflow} for _ in range(2))
for model in (ours, theirs):
    model(tf.zeros((2, 5, 8)))
conversion.convert(first, ours)
theirs.load_weights("net.weights.h5")
assert all(np.array_equal(*map(np.asarray, both)) for both in zip(ours.get_weights(), theirs.get_weights(), strict=True))
"""
    done = subprocess.run([sys.executable, "-c", alike], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@given(st.lists(st.integers(1, 3), min_size=2, max_size=4), st.integers(0, 2), st.integers(1, 3))
def test_a_tensor_is_its_parts(sizes: list[int], axis: int, pieces: int) -> None:
    """Each number of a tensor is in one part, in one place, and parts that are put back make the tensor."""
    lengths = tuple(size * pieces for size in sizes)
    shape = tuple(sum(lengths) if place == axis else 2 for place in range(3))
    array = np.arange(np.prod(shape)).reshape(shape)
    parts = [TensorPart("w", place, lengths, axis, pieces) for place in range(len(sizes))]
    taken = [part.of(array) for part in parts]
    assert sorted(number for part in taken for number in part.ravel()) == list(range(array.size))
    assert [part.shape for part in taken] == [part.shape(shape) for part in parts]
    again = np.zeros_like(array)
    for part, numbers in zip(parts, taken, strict=True):
        part.put(again, numbers)
        np.testing.assert_array_equal(eval(part.source("array", shape)), numbers)
    np.testing.assert_array_equal(again, array)
    assert (lengths, axis) in cuts(shape, [part.shape for part in taken])
