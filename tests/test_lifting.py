"""Native code read back through the rows: what is written out for a framework means the same expression again."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfpt_cli.expressions.lifting import NoRow, lifted
from tfpt_cli.expressions.lowering import written
from tfpt_cli.expressions.native import with_full_names
from tfpt_cli.frameworks import FRAMEWORKS

unary = st.sampled_from(["exp", "tanh", "sqrt", "sin", "relu", "sigmoid", "abs", "erf", "log1p"])
binary = st.sampled_from(["maximum", "minimum", "atan2"])
operators = st.sampled_from(["+", "-", "*", "/"])
expressions = st.recursive(
    st.sampled_from(["x", "y"]),
    lambda inner: st.one_of(
        st.builds(lambda f, a: f"{f}({a})", unary, inner),
        st.builds(lambda f, a, b: f"{f}({a}, {b})", binary, inner, inner),
        st.builds(lambda a, o, b: f"({a} {o} {b})", inner, operators, inner),
        st.builds(lambda a: f"sum({a}, axis=0, keepdims=True)", inner),
        st.builds(lambda a: f"softmax({a}, axis=-1)", inner),
    ),
    max_leaves=6,
)


def read_back(text: str, framework: str) -> str:
    """A neutral expression written out for a framework and read back, in one notation."""
    native = ast.parse(written(ast.parse(text, mode="eval").body, framework, "float32"), mode="eval").body
    return ast.unparse(lifted(with_full_names(native, framework, {"x", "y"}), framework, {"x", "y"}))


@given(expressions)
def test_written_out_and_read_back(text: str) -> None:
    expected = ast.unparse(ast.parse(text, mode="eval").body)
    for framework in FRAMEWORKS:
        assert read_back(text, framework) == expected


@pytest.mark.parametrize(
    ("framework", "native", "neutral"),
    [
        ("torch", "F.softplus(x, beta=2)", "softplus(x, beta=2)"),
        ("torch", "x.sum(dim=0)", "sum(x, axis=0, keepdims=False)"),
        ("torch", "F.gelu(x)", "gelu(x, approximate=False)"),
        ("torch", "F.gelu(x, approximate='tanh')", "gelu(x, approximate=True)"),
        ("torch", "F.silu(x)", "silu(x)"),
        ("torch", "torch.clamp(x, max=1.0)", "clip_max(x, max=1.0)"),
        ("torch", "x.clamp(0.5)", "clip_min(x, min=0.5)"),
        ("torch", "torch.std(x, 0)", "std(x, axis=0, correction=1, keepdims=False)"),
        ("torch", "torch.var(x, dim=0, correction=0)", "var(x, axis=0, correction=0, keepdims=False)"),
        ("torch", "torch.var(x, 0, unbiased=False)", "var(x, axis=0, correction=0, keepdims=False)"),
        ("torch", "x.std()", "std(x, axis=None, correction=1, keepdims=False)"),
        ("torch", "torch.max(x)", "max(x)"),
        ("torch", "torch.index_put(x, (x,), x)", "index_put(x, x, x)"),
        ("tensorflow", "tf.tensor_scatter_nd_update(x, x[:, None], x)", "index_put(x, x, x)"),
        ("torch", "torch.sum(x, [0, 1], dtype=None)", "sum(x, axis=(0, 1), keepdims=False)"),
        ("torch", "F.softplus(x, threshold=20)", "softplus(x, beta=1)"),
        ("torch", "torch.add(x, x, alpha=2)", "x + 2 * x"),
        ("torch", "torch.special.gammainc(x, x)", "gammainc(x, x)"),
        ("tensorflow", "tf.math.igamma(x, x)", "gammainc(x, x)"),
        ("tensorflow", "tf.math.igamma(1.5, x)", "igamma(x, a=1.5)"),
        ("tensorflow", "tf.math.polygamma(1.0, x)", "polygamma(x, n=1)"),
        ("tensorflow", "tf.math.reduce_std(x)", "std(x, axis=None, keepdims=False)"),
        ("tensorflow", "tf.nn.softmax(x)", "softmax(x, axis=-1)"),
        ("tensorflow", "keras.ops.leaky_relu(x)", "leaky_relu(x, negative_slope=0.2)"),
        ("tensorflow", "keras.ops.gelu(x)", "gelu(x, approximate=True)"),
        ("torch", "torch.split(x, 2)", "split_every(x, size=2, axis=0)"),
        ("torch", "torch.split(x, 2, dim=1)", "split_every(x, size=2, axis=1)"),
        ("torch", "torch.split(x, [1, 3])", "split_sizes(x, sizes=(1, 3), axis=0)"),
        ("tensorflow", "tf.split(x, 2)", "split(x, num=2, axis=0)"),
        ("torch", "torch.linalg.eigvalsh(x)", "eigvalsh(x)"),
        ("tensorflow", "tf.linalg.eigvalsh(x)", "eigvalsh(tril(x) + adjoint(tril(x, k=-1)))"),
        ("tensorflow", "tf.math.tanh(x)", "tanh(x)"),
        ("tensorflow", "keras.ops.tanh(x)", "tanh(x)"),
        ("torch", "nn.LeakyReLU(0.2)(x)", "leaky_relu(x, negative_slope=0.2)"),
        ("torch", "nn.MSELoss(reduction='sum')(x, x)", "mse_loss(x, x, reduction='sum')"),
        ("torch", "F.mse_loss(x, x)", "mse_loss(x, x)"),
        ("torch", "x.view(2, -1)", "reshape(x, (2, -1))"),
        ("torch", "x.permute(1, 0)", "permute_dims(x, axes=(1, 0))"),
        ("torch", "torch.ones(2) * x", "clone([1, 1]) * x"),
        ("torch", "torch.arange(3) + x", "clone([0, 1, 2]) + x"),
        ("torch", "torch.tensor(2.0) * x", "2.0 * x"),
        ("torch", "x[[0, 2]]", "take(x, (0, 2), axis=0)"),
        ("torch", "torch.sort(x, dim=0)[0]", "sort(x, axis=0, descending=False)"),
        ("torch", "torch.linalg.pinv(x, rtol=0.1)", "pinv(x, rtol=0.1)"),
        ("torch", "torch.einsum('ij,kj->ik', x, x)", "einsum([x, x], 'ij,kj->ik')"),
        ("tensorflow", "x[::-1]", "flip(x, axis=0)"),
        ("tensorflow", "tf.matmul(x, x, transpose_b=True)", "x @ matrix_transpose(x)"),
        ("tensorflow", "keras.layers.LeakyReLU()(x)", "leaky_relu(x, negative_slope=0.3)"),
        ("tensorflow", "keras.activations.gelu(x)", "gelu(x, approximate=False)"),
        ("tensorflow", "2 * tf.exp(x) ** 2 / math.sqrt(2)", "2 * exp(x) ** 2 / 1.4142135623730951"),
    ],
)
def test_what_people_write(framework: str, native: str, neutral: str) -> None:
    tree = ast.parse(native, mode="eval").body
    assert ast.unparse(lifted(tree, framework, {"x"})) == neutral


@pytest.mark.parametrize("native", ["torch.geqrf(x)", "x.data", "F.softplus(x, threshold=5)", "torch.exp(x, y)"])
def test_what_no_row_knows_has_no_reference(native: str) -> None:
    with pytest.raises(NoRow):
        lifted(ast.parse(native, mode="eval").body, "torch", {"x", "y"})


def test_a_setting_that_is_made_of_a_shape_is_what_the_shape_says() -> None:
    """`x.shape[1:]` is a row of sizes: two axes are normalized, not the last one; of an unknown shape nothing is read."""
    for native, axes in (
        ("x.shape[1:]", "(-2, -1)"),
        ("(x.shape[-1],)", "(-1,)"),
        ("x.shape[-1]", "-1"),
        ("x.size()", "(-3, -2, -1)"),
    ):
        tree = ast.parse(f"F.layer_norm(x, {native})", mode="eval").body
        assert f"mean(x, axis={axes}, keepdims=True)" in ast.unparse(lifted(tree, "torch", {"x"}, (), {"x": (2, 3, 4)}))
        if native != "x.shape[-1]":
            with pytest.raises(NoRow):
                lifted(tree, "torch", {"x"})


def test_the_norm_of_all_numbers_with_an_order_is_that_of_a_matrix_in_keras() -> None:
    cases = {
        ("keras.ops.norm(x, ord=2)", (2, 2)): "matrix_norm(x, ord=2, keepdims=False)",
        ("keras.ops.norm(x, ord=2)", (4,)): "vector_norm(x, axis=None, keepdims=False)",
        ("keras.ops.norm(x)", (2, 2)): "vector_norm(x, axis=None, keepdims=False)",
        ("tf.norm(x, ord=2)", (2, 2)): "vector_norm(x, axis=None, keepdims=False)",
    }
    for (native, shape), neutral in cases.items():
        tree = lifted(ast.parse(native, mode="eval").body, "tensorflow", {"x"}, (), {"x": shape})
        assert ast.unparse(tree) == neutral


def test_the_parts_of_a_complex_number_are_no_array() -> None:
    """`keras.ops.fft` takes a real and an imaginary part, and gives two: it is no `fft` of an array."""
    with pytest.raises(NoRow):
        lifted(ast.parse("keras.ops.fft((x, y))", mode="eval").body, "tensorflow", {"x", "y"})
    part = lifted(ast.parse("keras.ops.fft((x, y))[0]", mode="eval").body, "tensorflow", {"x", "y"})
    assert ast.unparse(part) == "real(fft(complex(x, y)))"


def test_whole_numbers_are_classes_where_a_row_says_so() -> None:
    each, mean = (
        ast.parse(f"F.cross_entropy({given})", mode="eval").body for given in ("x, y, reduction='none'", "x, y")
    )
    assert ast.unparse(lifted(each, "torch", {"x", "y"}, {"y"})) == "sparse_softmax_cross_entropy(x, y)"
    assert ast.unparse(lifted(mean, "torch", {"x", "y"})) == "cross_entropy(x, y, label_smoothing=0.0)"
    classes = ast.unparse(lifted(mean, "torch", {"x", "y"}, {"y"}))
    assert classes == "mean(sparse_softmax_cross_entropy(x, y))"
