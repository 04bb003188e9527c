"""Patterns of code, and the conditions by which a known difference explains a mismatch."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tfpt_cli.dictionary.canonical import canonical
from tfpt_cli.dictionary.differences import Fit
from tfpt_cli.dictionary.patterns import Pattern, parsed, rewritten
from tfpt_cli.dictionary.records import RowError
from tfpt_cli.documents.document import documents
from tfpt_cli.explain.causes import Provenance, _stands
from tfpt_cli.scenario.scenario import read_document


def tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("pattern", "code", "matches"),
    [
        ("F.leaky_relu(_)", "F.leaky_relu(x, 0.01)", True),
        ("F.leaky_relu(_)", "F.leaky_relu(x, 0.2)", False),
        ("F.elu(_, alpha=_)", "F.elu(x, 2)", True),
        ("F.elu(_, alpha=_)", "F.elu(x)", False),
        ("F.elu(_, 1)", "F.elu(x)", True),
        ("F.elu(_, alpha=2)", "F.elu(x, 2.0)", True),
        ("F.gelu(_x) + _x", "F.gelu(x) + y", False),
        ("F.gelu", "torch.exp(F.gelu(x, approximate='tanh'))", True),
        ("torch.sum(_, keepdim=True)", "torch.sum(x, keepdim=True)", True),
        ("torch.sum(_, keepdim=True)", "torch.sum(x, keepdim=1)", False),  # 1 == True
        ("F.elu(_, 1)", "F.elu(x, True)", False),
        ("F.elu(_, 0)", "F.elu(x, 0.0)", True),
        ("F.elu(_, 0)", "F.elu(x, False)", False),
        ("f('1')", "f(1)", False),
        ("f('a')", "f(u'a')", True),  # how it is written is no part of a text
        ("torch.sqrt(_has(F.relu, F.relu6))", "torch.sqrt(1 + F.relu6(x))", True),
        ("torch.sqrt(_has(F.relu, F.relu6))", "torch.sqrt(1 + F.elu(x))", False),
        ("_.data", "x.data * 2", True),
        ("_.data", "x.data(2)", True),  # the attribute that is called
        ("_.data", "x.date * 2", False),
        ("f(None)", "f(None)", True),
        ("f(None)", "f(False)", False),
        ("f(_x, _x)", "f(a + 1, a + 1)", True),
        ("f(_x, _x)", "f(a + 1, a + 2)", False),
        ("f(_, _)", "f(a, b)", True),
        ("f(_)", "f(a, b)", False),
        ("f(_, ...)", "f(a, b, c=1)", True),
        ("f(_, _, ...)", "f(a)", False),
        ("f(_, ..., c=1)", "f(a, b, c=1)", True),
        ("f(_, ..., c=1)", "f(a, b, c=2)", False),
        ("[_x, 1]", "[a, 1]", True),
        ("[_x, 1]", "[a, 1, 2]", False),
        ("_x[0]", "a[0]", True),
        ("_.weight", "nn.Linear(3, 4).weight", True),  # an attribute, and no call
        ("_.weight", "nn.Linear(3, 4).weight.copy_(w)", True),
        ("_.weight", "nn.Linear(3, 4).bias", False),
        ("_x[0]", "a[1]", False),
        ("_x + 1", "a - 1", False),
        ("_x if _x > 0 else 0", "y if y > 0 else 0", True),
        ("x.sum()", "x.mean()", False),
        ("F.elu(x, alpha=1.0)", "F.elu(x, 1.0)", True),
        ("F.elu(x, 1.0)", "F.elu(x, alpha=1.0)", True),
        ("F.elu(_, alpha=_)", "F.elu(x, 1, alpha=2)", False),  # nobody can call that
        ("keras.layers.BatchNormalization(...)(_)", "keras.layers.BatchNormalization()(x, mask=None)", True),
        ("keras.layers.BatchNormalization(...)(_)", "keras.layers.BatchNormalization()(x, training=True)", False),
        (
            "keras.layers.MultiHeadAttention(...)(_, _v, _k)",
            "keras.layers.MultiHeadAttention(1, 2)(key=k, query=q, value=v)",
            True,
        ),
        (
            "nn.MultiheadAttention(...)(_, _, _, attn_mask=_)",
            "nn.MultiheadAttention(2, 1)(q, k, v, None, False, m)",
            False,
        ),
        (
            "nn.MultiheadAttention(...)(_, _, _, ..., attn_mask=_)",
            "nn.MultiheadAttention(2, 1)(q, k, v, None, False, m)",
            True,
        ),
        (
            "torch.gru(_, _, _, False, ...)",
            "torch.gru(x, h, w, has_biases=False, num_layers=1, dropout=0.0, train=False, bidirectional=False, batch_first=True)",
            True,
        ),
        ("torch.argsort(_)", "torch.argsort(x, dim=-1)", False),  # of two signatures no default is known
        ("tf.reduce_sum(_)", "tf.reduce_sum(x, None)", True),
        ("F.elu(*[_x, _a])", "F.elu(x, 2)", True),  # by place alone
        ("F.elu(*[_x, _a])", "F.elu(x, alpha=2)", False),
        ("F.elu(*[_x], ...)", "F.elu(*y)", False),
        ("f(...)", "f(*a, b)", True),
        ("_x + 1", "1 + a", True),
        ("_x + 1", "1 * a", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, code: str, *, matches: bool) -> None:
    assert bool(list(Pattern(pattern).inside([tree(code)]))) is matches


def test_a_name_of_both_sides_is_bound_to_a_default() -> None:
    (found,) = Pattern("F.leaky_relu(_, __slope)").inside([tree("F.leaky_relu(x)")])
    assert {name: ast.unparse(bound) for name, bound in found.items()} == {"__slope": "0.01"}


@pytest.mark.parametrize(
    ("code", "rules", "new"),
    [
        (
            "nn.RNN(3, 4, bias=False)(x, h)",
            {"nn.RNN(...)(_x, ...)": "nn.RNN(..., batch_first=True)(_x, ...)"},
            "nn.RNN(3, 4, batch_first=True, bias=False)(x, h)",
        ),
        ("F.f(F.g(1, a=2), b)", {"F.f(F.g(...), ...)": "F.h(F.k(...), ...)"}, "F.h(F.k(1, a=2), b)"),
        ("F.f(F.g(1, a=2), b)", {"F.f(F.g(...), ...)": "F.g(F.f(...), ...)"}, "F.g(F.f(b), 1, a=2)"),
        ("F.gelu(x)", {"F.gelu(...)": "torch.mean(F.gelu(...))"}, "torch.mean(F.gelu(x))"),
    ],
)
def test_each_call_of_a_replacement_has_the_arguments_of_its_own(code: str, rules: dict[str, str], new: str) -> None:
    found, count = rewritten(tree(code), rules)
    assert (ast.unparse(found), count) == (new, 1)


@pytest.mark.parametrize(
    ("code", "rules", "new", "times"),
    [
        # Innermost first, every place, and a rule after the other does not see what the first one made.
        ("F.relu(F.relu(x)) + 1", {"F.relu(_x)": "F.gelu(_x)", "F.gelu(_x)": "torch.exp(_x)"}, "F.gelu(F.gelu(x)) + 1", 2),
        ("F.tanh(x)", {"F.relu(_x)": "F.gelu(_x)"}, "F.tanh(x)", 0),
        # What stands behind an argument that was taken out by its name can no longer stand by its place.
        ("F.normalize(x, 3.0, 0, 0.5)", {"F.normalize(_x, ..., dim=_d)": "f(_x, ..., axis=_d)"},
         "f(x, 3.0, axis=0, eps=0.5)", 1),
        ("F.normalize(x, 3.0, 0)", {"F.normalize(_x, ..., p=_p)": "f(_x, ..., order=_p)"}, "f(x, order=3.0, dim=0)", 1),
        ("F.normalize(x, 3.0, eps=0.5)", {"F.normalize(_x, _p, ...)": "f(_x, ...)"}, "f(x, eps=0.5)", 1),
        ("F.normalize(x, 3.0, 0)", {"F.normalize(_x, ...)": "f(_x, ...)"}, "f(x, 3.0, 0)", 1),
        # A replacement that says an argument itself does not say it twice.
        ("F.normalize(x, eps=0.5)", {"F.normalize(_x, ...)": "F.normalize(_x, ..., eps=0.25)"}, "F.normalize(x, eps=0.25)", 1),
        # Where there are more calls in it than in the pattern, the last one's arguments are theirs.
        ("f(1, a=2)", {"f(...)": "g(h(...), k(...))"}, "g(h(1, a=2), k(1, a=2))", 1),
        ("f(x)(y, z)", {"f(_x)(_y, ...)": "g(_x)(_y, ...)"}, "g(x)(y, z)", 1),
    ],
)  # fmt: skip
def test_what_is_put_in(code: str, rules: dict[str, str], new: str, times: int) -> None:
    before = tree(code)
    found, count = rewritten(before, rules)
    assert (ast.unparse(found), count) == (new, times)
    assert ast.unparse(before) == code  # which stays as it was


def test_a_part_of_a_result_by_its_name_and_by_its_place() -> None:
    code = canonical(tree("torch.median(x.sort().values, dim=0).indices"), "torch")
    assert list(Pattern("torch.median(torch.sort(_)[0], dim=_)[1]").inside([code]))
    assert list(Pattern("_.mT").inside([tree("(x + y).mT @ x")]))


def test_the_default_of_a_call_that_only_functions_of_ones_own_make() -> None:
    code = [tree("torch.optim.Adam([w], 0.1).step()")]
    (shared,) = Pattern("torch.optim.Adam(..., lr=__lr, eps=__eps)").inside(code)
    assert {name: ast.unparse(value) for name, value in shared.items()} == {"__lr": "0.1", "__eps": "1e-08"}


def test_where_a_pattern_is_looked_for() -> None:
    whole = Pattern("F.gelu(__x)")
    trees = [tree("F.gelu(a) + F.gelu(b)"), tree("F.gelu(c)")]

    def bound(**how: Any) -> list[str]:
        return [ast.unparse(found["__x"]) for found in whole.inside(trees, **how)]

    assert bound() == ["a", "b", "c"]
    assert bound(whole=True) == ["c"]
    assert bound(shared={"__x": tree("b")}) == ["b"]
    assert [set(found) for found in Pattern("f(_a, __b, ...)").inside([tree("f(1, 2, 3)")])] == [{"__b"}]


@pytest.mark.parametrize(
    ("framework", "code", "spelling"),
    [
        ("torch", "nn.Sequential(nn.Flatten(), nn.Linear(3, 4))[1].weight", "nn.Linear(3, 4).weight"),
        ("tensorflow", "keras.Sequential([keras.Input((3,)), f, g]).layers[1]", "g"),
        ("torch", "nn.Sequential(f)[2]", "nn.Sequential(f)[2]"),
        ("torch", "x.view(2, -1)", "torch.reshape(x, (2, -1))"),
    ],
)
def test_one_spelling(framework: str, code: str, spelling: str) -> None:
    assert ast.unparse(canonical(tree(code), framework)) == spelling


@pytest.mark.parametrize("text", ["f(", "x = 1", ""])
def test_a_pattern_that_does_not_parse(text: str) -> None:
    with pytest.raises(RowError, match="does not parse"):
        parsed(text)


@pytest.mark.parametrize(
    ("pattern", "code", "free"),
    [
        ("F.elu(_, 2)", "F.elu(exp(x), 2)", ["exp(x)"]),
        ("f(_, __a, _b, ...)", "f(1, 2, 3, 4, c=5)", ["1", "2", "3", "4", "5"]),
        ("f(a)", "f(a)", []),
    ],
)
def test_the_parts_of_which_a_pattern_says_nothing(pattern: str, code: str, free: list[str]) -> None:
    """What its wildcards, its names and `...` stand for."""
    (place,) = Pattern(pattern).places([tree(code)])
    assert [ast.unparse(part) for part in place.free] == free


def test_what_may_begin_with_anything_is_looked_for_everywhere() -> None:
    def found(pattern: str, code: str) -> list[str]:
        return sorted(ast.unparse(place.node) for place in Pattern(pattern).places([tree(code)]))

    assert found("_x", "g(f(a))") == ["a", "f", "f(a)", "g", "g(f(a))"]
    assert found("_has(F.relu)", "torch.exp(1 + F.relu(x))") == [
        "1 + F.relu(x)",
        "F.relu(x)",
        "torch.exp(1 + F.relu(x))",
    ]


def test_a_name_alone_is_a_call_unless_it_stands_for_anything() -> None:
    assert list(Pattern("F.gelu").inside([tree("F.gelu")])) == []
    assert list(Pattern("relu").inside([tree("relu(x, 1)")])) == [{}]
    assert len(list(Pattern("_x").inside([tree("a")]))) == 1


def fit(torch: str, tensorflow: str, *, where: str = "", whole: bool = False) -> Fit:
    code = {"torch": (Pattern(torch),), "tensorflow": (Pattern(tensorflow),)}
    empty: dict[str, Any] = {
        "also": {},
        "without": {},
        "shows": {},
        "says": {},
        "how": {},
        "quantities": (),
        "default": (),
    }
    condition = parsed(where) if where else None
    return Fit(
        code=code, where=condition, whole=whole, diagnosis=frozenset(), dtypes=frozenset(), same_value=False, **empty
    )


CLIP = "torch.clamp(_, __low, __high)", "tf.clip_by_value(_, __low, __high)"
NORM = "F.normalize(__x, dim=__axis)", "tf.math.l2_normalize(__x, axis=__axis)"
MSE = "F.mse_loss(__x, __y)", "keras.losses.MeanSquaredError()(__y, __x)"
HUBER = "F.smooth_l1_loss(..., beta=__beta)", "keras.losses.Huber"
EACH = "F.smooth_l1_loss", "keras.losses.huber"
WRITTEN = "-torch.mean(_ * torch.log(_))", "keras.losses.CategoricalCrossentropy"


@pytest.mark.parametrize(
    ("patterns", "where", "whole", "torch", "tensorflow", "stands"),
    [
        (CLIP, "__low > __high", False, "torch.clamp(x, 8, 2)", "tf.clip_by_value(x, 8, 2)", True),
        (CLIP, "__low > __high", False, "torch.clamp(x, 2, 8)", "tf.clip_by_value(x, 2, 8)", False),
        (CLIP, "__low > __high", False, "torch.clamp(x, 8, 2)", "tf.clip_by_value(x, 8, 1)", False),
        (CLIP, "__low > __high", False, "torch.clamp(x, y, 2)", "tf.clip_by_value(x, y, 2)", False),
        (CLIP, "__low > __high", False, "torch.clamp(x, 8)", "tf.clip_by_value(x, 8, 2)", False),
        (NORM, "", True, "F.normalize(x)", "tf.math.l2_normalize(x, axis=1)", True),
        (NORM, "", True, "F.normalize(x) + 1", "tf.math.l2_normalize(x, axis=1)", False),
        (NORM, "", False, "torch.ravel(F.normalize(x))", "tf.math.l2_normalize(x, axis=1)", True),
        (NORM, "", False, "F.normalize(x) + 1", "tf.math.l2_normalize(x, axis=1)", False),
        (NORM, "", False, "F.normalize(x) + 1", "1 + tf.math.l2_normalize(x, axis=1)", True),
        (NORM, "", False, "F.normalize(x).float()", "tf.cast(tf.math.l2_normalize(x, axis=1), tf.float32)", True),
        (
            NORM,
            "",
            False,
            "F.normalize(x) @ F.normalize(y)",
            "tf.math.l2_normalize(x, 1) @ tf.math.l2_normalize(y, 1)",
            True,
        ),
        (NORM, "", False, "F.normalize(x) @ y", "tf.math.l2_normalize(x, 1) @ tf.math.l2_normalize(y, 1)", False),
        (NORM, "", False, "F.normalize(F.normalize(x))", "tf.math.l2_normalize(tf.exp(x), 1)", False),
        (
            NORM,
            "any(number != number for number in __inputs)",
            False,
            "F.normalize(x)",
            "tf.math.l2_normalize(x, 1)",
            True,
        ),
        (NORM, "any(number > 8 for number in __inputs)", False, "F.normalize(x)", "tf.math.l2_normalize(x, 1)", False),
        (NORM, "", False, "F.normalize(x) * 2", "3 * tf.math.l2_normalize(x, axis=1)", False),
        (NORM, "", False, "F.normalize(x) + torch.exp(x)", "tf.math.l2_normalize(x, axis=1) + tf.sin(x)", False),
        (MSE, "__x.shape != __y.shape", False, "F.mse_loss(x, y)", "keras.losses.MeanSquaredError()(y, x)", True),
        (MSE, "__x.shape != __y.shape", False, "F.mse_loss(x, z)", "keras.losses.MeanSquaredError()(z, x)", False),
        (
            MSE,
            "__x.shape != __y.shape",
            False,
            "F.mse_loss(2 * x, y)",
            "keras.losses.MeanSquaredError()(y, 2 * x)",
            True,  # the shape of what is computed of an input is known, too
        ),
        (
            MSE,
            "__x.shape != __y.shape",
            False,
            "F.mse_loss(torch.flip(x, [0]), y)",
            "keras.losses.MeanSquaredError()(y, torch.flip(x, [0]))",
            False,
        ),
        # A module is read as its function, whose arguments have names.
        (HUBER, "__beta == 2", False, "nn.SmoothL1Loss(beta=2.0)(x, y)", "keras.losses.Huber()(y, x)", True),
        (HUBER, "__beta == 1", False, "nn.SmoothL1Loss()(x, y)", "keras.losses.Huber()(y, x)", True),
        # The mean that a loss takes by itself is as much as one that is written.
        (EACH, "", False, "F.smooth_l1_loss(x, y)", "tf.reduce_mean(keras.losses.huber(y, x))", True),
        (EACH, "", False, "F.smooth_l1_loss(x, y)", "keras.losses.huber(y, x)", False),
        (EACH, "", False, "F.smooth_l1_loss(x, y, reduction='sum')", "tf.reduce_mean(keras.losses.huber(y, x))", False),
        (
            EACH,
            "",
            False,
            "torch.sum(F.smooth_l1_loss(x, y, reduction='none'))",
            "tf.reduce_sum(keras.losses.huber(y, x))",
            True,
        ),
        (WRITTEN, "", False, "-torch.mean(y * torch.log(x))", "keras.losses.CategoricalCrossentropy()(y, x)", True),
        (
            WRITTEN,
            "",
            False,
            "-torch.mean(y * torch.log(x))",
            "keras.losses.CategoricalCrossentropy(reduction='sum')(y, x)",
            False,
        ),
        (MSE, "__axes > 2", False, "F.mse_loss(x, y)", "keras.losses.MeanSquaredError()(y, x)", False),
    ],
)
def test_conditions_on_both_sides(
    patterns: tuple[str, str], where: str, torch: str, tensorflow: str, *, whole: bool, stands: bool
) -> None:
    code = {f: (canonical(tree(text), f),) for f, text in (("torch", torch), ("tensorflow", tensorflow))}
    shapes = {"x": (4, 1), "y": (4,), "z": (4, 1)}
    assert (
        _stands(
            fit(*patterns, where=where, whole=whole),
            Provenance(code=code, kind="value", shapes=shapes, numbers={"w": (1.0, float("nan"))}),
        )
        is stands
    )


def test_what_fills_the_parts_of_a_parameter_is_involved() -> None:
    text = """\
name: packed
init:
  torch: {layer: "nn.MultiheadAttention(32, 4)", in_proj_weight: nn.init.orthogonal_()}
  tensorflow: {layer: "keras.layers.MultiHeadAttention(4, 8)", input_shape: [5, 32]}
"""
    (document,), _ = documents("packed.yaml", text)
    (scenario,), _ = read_document(document)
    codes = {
        str(quantity): [ast.unparse(code) for code in scenario.task.provenance(quantity).code["torch"]]
        for quantity in scenario.task.quantities()
    }
    for name in ("query_weight", "key_weight", "value_weight"):
        assert "nn.init.orthogonal_(layer.in_proj_weight)" in codes[name]
    assert not [code for code in codes["out_weight"] if "in_proj" in code]
