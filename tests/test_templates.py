"""Code with holes: what is put in, what is left out, and what stays as it was."""

from __future__ import annotations

import ast

import pytest

from tfpt_cli.language.templates import fill, renamed


def tree(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


@pytest.mark.parametrize(
    ("template", "values", "filled"),
    [
        ("f(x, x + 1)", {"x": "y * 2"}, "f(y * 2, y * 2 + 1)"),
        ("f(x)", {"x": "x + x"}, "f(x + x)"),  # what is put in is not looked through again
        ("x.T + x", {"x": "y"}, "y.T + y"),
        ("nn.relu(x.shape)", {"nn.relu": "F.relu", "x.shape": "s"}, "F.relu(s)"),
        ("relu.x(relu)", {"relu": "F.relu"}, "F.relu.x(F.relu)"),
        ("a if c else b", {"a": "1", "c": "2"}, "1 if 2 else b"),
        ("[x, *y, {'k': x}, -x, x[x:1]]", {"x": "z"}, "[z, *y, {'k': z}, -z, z[z:1]]"),
        ("lambda t: f(t, x)", {"x": "y"}, "lambda t: f(t, y)"),
    ],
)
def test_names_are_put_in(template: str, values: dict[str, str], filled: str) -> None:
    before = tree(template)
    assert ast.unparse(fill(before, {name: tree(text) for name, text in values.items()})) == filled
    assert ast.unparse(before) == template


def test_a_condition_is_decided_before_anything_is_put_in() -> None:
    template = tree("f(a if axis else b, c if axis else d)")
    values = {"axis": tree("1"), "a": tree("axis")}
    assert ast.unparse(fill(template, values, decide=lambda _: True)) == "f(axis, c)"
    assert ast.unparse(fill(template, values, decide=lambda test: ast.unparse(test) != "axis")) == "f(b, d)"


def test_keywords_that_are_names_are_left_out_wherever_they_stand() -> None:
    template = tree("f(x, axis, a=axis, b=g(c=axis, d=keep), e=-axis)")
    assert ast.unparse(fill(template, {}, left_out={"axis"})) == "f(x, axis, b=g(d=keep), e=-axis)"


def test_what_can_be_computed_is() -> None:
    def compute(node: ast.expr) -> ast.expr | None:
        return ast.Constant(6) if isinstance(node, ast.BinOp) else None

    assert ast.unparse(fill(tree("f(2 * 3, g=[1 + 5, x])"), {"x": tree("y")}, compute=compute)) == "f(6, g=[6, y])"


def test_what_stands_for_further_arguments() -> None:
    template = tree("f(x, ..., k=1)(...)")
    assert isinstance(template, ast.Call)
    assert isinstance(template.func, ast.Call)
    given = tree("h(2, 3, k=4, m=5)")
    assert isinstance(given, ast.Call)
    filled = fill(template, {"x": tree("y")}, rests={template.func: (given.args, given.keywords)})
    assert ast.unparse(filled) == "f(y, 2, 3, k=1, m=5)()"


def test_a_place_in_a_scenario_is_kept() -> None:
    template = tree("f(Dense)")
    template.offset = 7  # type: ignore[attr-defined]
    new = renamed(template, {"Dense": "keras.layers.Dense", "f": "f"})
    assert (ast.unparse(new), getattr(new, "offset", None)) == ("f(keras.layers.Dense)", 7)
    assert renamed(template, {"f": "f"}) is template
