"""The expression language and its lowering."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfpt_cli.expressions.checking import shape_of
from tfpt_cli.expressions.lowering import written
from tfpt_cli.language.constants import BadConstant, constant, literal, mark_inputs, substitute
from tfpt_cli.language.expression import parse

SHAPES = {"x": (2, 3), "w": (3,), "s": ()}


def lowered(text: str, framework: str) -> str:
    tree, complaints = parse(text)
    assert tree is not None
    assert complaints == []
    mark_inputs(tree, set(SHAPES))
    assert shape_of(tree, SHAPES)[1] == []
    return written(tree, framework, "float32")


@pytest.mark.parametrize(
    ("text", "torch", "tensorflow"),
    [
        ("2 * x + 3", "2 * x + 3", "2 * x + 3"),
        ("(x + 1) * -x", "(x + 1) * -x", "(x + 1) * -x"),
        ("sum(x, axis=0)", "torch.sum(x, dim=0)", "tf.reduce_sum(x, axis=0)"),
        ("sum(x, keepdims=True)", "torch.sum(x, dim=None, keepdim=True)", "tf.reduce_sum(x, axis=None, keepdims=True)"),
        ("x @ w", "torch.matmul(x, w)", "keras.ops.matmul(x, w)"),
        ("stop_gradient(x + 1)", "(x + 1).detach()", "tf.stop_gradient(x + 1)"),
        ("gelu(x, approximate=True)", "F.gelu(x, approximate='tanh')", "tf.nn.gelu(x, approximate=True)"),
        ("var(x)", "torch.var(x, dim=None, correction=0)", "tf.math.reduce_variance(x, axis=None)"),
        ("concat([x, x], axis=1)", "torch.cat([x, x], dim=1)", "tf.concat([x, x], axis=1)"),
        ("leaky_relu(x)", "F.leaky_relu(x, negative_slope=0.01)", "tf.nn.leaky_relu(x, alpha=0.01)"),
        ("x == 0", "torch.eq(x, torch.tensor(0, dtype=torch.float32))", "tf.equal(x, tf.constant(0, dtype=tf.float32))"),
        ("maximum(x, 1 / 2)",
         "torch.maximum(x, torch.tensor(0.5, dtype=torch.float32))",
         "tf.maximum(x, tf.constant(0.5, dtype=tf.float32))"),
        ("pi * x[0, ::2]", "math.pi * x[0, ::2]", "math.pi * x[0, ::2]"),
    ],
)  # fmt: skip
def test_each_operation_is_written_as_the_framework_spells_it(text: str, torch: str, tensorflow: str) -> None:
    assert lowered(text, "torch") == torch
    assert lowered(text, "tensorflow") == tensorflow


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("x + w", (2, 3)),
        ("x @ w", (2,)),
        ("w @ w", ()),
        ("mean(x, axis=1, keepdims=True)", (2, 1)),
        ("reshape(x, (3, -1))", (3, 2)),
        ("stack([x, x], axis=-1)", (2, 3, 2)),
        ("permute_dims(x, (1, 0))", (3, 2)),
        ("x[..., None, 1:]", (2, 1, 2)),
        ("squeeze(expand_dims(w, axis=0), axis=0)", (3,)),
        ("concat([x, x])", (4, 3)),
    ],
)
def test_shapes(text: str, shape: tuple[int, ...]) -> None:
    tree, _ = parse(text)
    assert tree is not None
    assert shape_of(tree, SHAPES) == (shape, [])


EXPRESSIONS = st.recursive(
    st.one_of(st.sampled_from(["x", "s", "pi"]), st.floats(0, 9).map(repr), st.integers(0, 9).map(str)),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda t: f"tanh({t})"),
        inner.map(lambda t: f"-({t})"),
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_lowering_keeps_the_meaning(text: str) -> None:
    """Both listings, evaluated with `math` in the place of either framework, give what Python makes of the expression."""

    class Arrays:
        float32 = None
        tanh = staticmethod(math.tanh)
        tensor = constant = staticmethod(lambda value, **_: value)

    here = {"x": 0.75, "s": -1.5, "pi": math.pi, "tanh": math.tanh}
    for framework in ("torch", "tensorflow"):
        source = lowered(text, framework)
        value = eval(source, {"math": math, "torch": Arrays, "tf": Arrays, **here})
        assert value == pytest.approx(eval(text, {}, here), nan_ok=True)


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    tree, complaints = parse(text)
    assert tree is not None or complaints
    assert all(0 <= complaint.offset <= max(len(text), 1) for complaint in complaints)


@given(
    st.recursive(
        st.one_of(st.integers(-(2**60), 2**60), st.floats(allow_nan=False)), lambda inner: st.lists(inner, max_size=3)
    )
)
def test_a_literal_is_read_back(value: object) -> None:
    assert constant(ast.parse(ast.unparse(literal(value)), mode="eval").body) == value


@pytest.mark.parametrize(
    "text", ["2 ** 2 ** 100", "9 ** 9 ** 9 ** 9", "10.0 ** 400", "1 / 0", "(-8) ** 0.5", "2 ** -(10 ** 9)"]
)
def test_arithmetic_without_end_is_refused_at_once(text: str) -> None:
    tree, _ = parse(text)
    assert tree is not None
    with pytest.raises(BadConstant):
        constant(tree)


def test_matrix_names_stand_in_calls_and_expressions() -> None:
    tree, _ = parse("f(x, axis=n) + n")
    assert tree is not None
    assert ast.unparse(substitute(tree, {"f": "softmax", "n": -1})) == "softmax(x, axis=-1) + -1"


def test_a_constant_of_that_name_within_a_call_is_the_input_too() -> None:
    tree, _ = parse("relu(e * 2)")
    assert tree is not None
    mark_inputs(tree, {"e"})
    assert written(tree, "torch", "float32") == "F.relu(e * 2)"
    assert shape_of(tree, {"e": (2,)}) == ((2,), [])


def test_an_input_called_like_a_constant_is_the_input() -> None:
    tree, _ = parse("e * 2")
    assert tree is not None
    mark_inputs(tree, {"e"})
    assert written(tree, "torch", "float32") == "e * 2"
