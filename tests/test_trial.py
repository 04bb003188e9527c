"""What corresponds in two models where neither names nor the flow of data tell it, found by trying both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ported import ported, told
from tfpt_cli.frameworks import SIDES
from tfpt_cli.subjects.model.trial import Trial
from tfpt_cli.subjects.subject import Round

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import ScenarioResult

STEPS = {"x": "normal(0, 1, (2, 3, 4))"}
FOURS = {"x": "normal(0, 1, (3, 4))"}
TOKENS = {"x": "normal(0, 1, (2, 5, 8))"}
ROWS = {"x": "normal(0, 1, (5, 8))"}
NORMS = {"x": "normal(0, 1, (4, 6))", "y": "normal(0, 1, (4, 6))"}
IDS = {"x": [1, 2, 9], "y": [3, 4, 4]}


def unnamed(session: Session, torch: str, tensorflow: str, at: dict[str, Any], **more: Any) -> ScenarioResult:
    """The result of two networks of `tests/models/unnamed*.py`."""
    dtypes = {"dtypes": dict.fromkeys(at, "int64")} if at is IDS else {}
    return ported(session, f"unnamed.py:{torch}", f"unnamed_keras.py:{tensorflow}", at, **dtypes, **more)


def partners(result: ScenarioResult) -> dict[str, str]:
    """What is paired with each of PyTorch's parameters."""
    return {pair.names[SIDES[0]]: pair.names[SIDES[1]] for pair in result.pairs}


RIGHT = [
    ("Towers()", "Towers()", ROWS),
    ("Recurrent()", "Recurrent()", STEPS),
    ("Gru()", "Gru()", STEPS),
    ("Gru()", "GruWeights()", STEPS),
    ("GruWeights()", "Gru()", STEPS),
    ("GruWeights()", "GruWeights()", STEPS),
    ("Lstm()", "Lstm()", STEPS),
    ("Weights()", "dense()", FOURS),
]


@pytest.mark.parametrize(("torch", "tensorflow", "at"), RIGHT)
def test_a_right_port_agrees(session: Session, torch: str, tensorflow: str, at: dict[str, Any]) -> None:
    result = unnamed(session, torch, tensorflow, at)
    assert result.agree, (result.failures, told(result))
    assert any("paired by their gradients" in note for note in result.notes), result.notes


@pytest.mark.parametrize(
    ("torch", "tensorflow", "at"), [("Factors()", "Factors()", IDS), ("Norms()", "Norms()", NORMS)]
)
def test_the_inputs_of_the_model_tell_without_a_trial(
    session: Session, torch: str, tensorflow: str, at: dict[str, Any]
) -> None:
    result = unnamed(session, torch, tensorflow, at)
    assert result.agree, told(result)
    assert {pair.why for pair in result.pairs} == {"by the inputs that reach it"}


@pytest.mark.parametrize("order", ["qkvo", "okqv", "vkqo", "kvoq"])
def test_whatever_the_order_in_which_layers_are_made(session: Session, order: str) -> None:
    result = unnamed(session, "Attention()", f"Attention({order!r})", TOKENS)
    assert result.agree, told(result)
    wanted = {f"{name}.weight": f"made.{order.index(role)}.kernel" for name, role in zip("abcd", "qkvo", strict=True)}
    assert wanted.items() <= partners(result).items()


def test_statistics_stay_with_their_layer(session: Session) -> None:
    """They have no gradient by which they could be told: they go where the layer goes."""
    result = unnamed(session, "Towers()", "Towers()", ROWS, training=True)
    found = partners(result)
    layers = {name.rpartition(".")[0] for name in found if name.startswith("one.1.")}
    kept = {found[f"one.1.{name}"].rpartition(".")[0] for name in ("weight", "bias", "running_mean", "running_var")}
    assert len(layers) == len(kept) == 1
    apart = {str(c.quantity) for c in result.comparisons if not c.verdict.agrees}
    assert apart == {"one.1.running_var", "two.1.running_var", "output in evaluation afterwards"}


def test_biases_that_are_added_are_one(session: Session) -> None:
    found = partners(unnamed(session, "Gru()", "GruWeights()", STEPS))
    assert {name: keras for name, keras in found.items() if "bias" in name} == {
        "given.0.bias + kept.0.bias": "bz",
        "given.1.bias + kept.1.bias": "br",
        "given.2.bias + kept.2.bias": "bn",
    }


def test_what_is_the_same_with_equal_numbers_alone_is_not_believed(session: Session) -> None:
    """Both give the same, and have the same gradients, where both weights are the same: other numbers show it, in any order."""
    result = unnamed(session, "Squares()", "Products()", FOURS)
    assert not result.agree
    assert any("in no order of them do the outputs agree" in note for note in result.notes), result.notes


BLIND = [
    ("Difference()", "Difference()", FOURS),
    ("Attentions()", "Attentions()", {"x": "normal(0, 1, (2, 3, 4))"}),
]


@pytest.mark.parametrize(("torch", "tensorflow", "at"), BLIND)
def test_where_equal_numbers_tell_nothing_orders_do(
    session: Session, torch: str, tensorflow: str, at: dict[str, Any]
) -> None:
    """What subtracts two has no gradient where both are equal; parts of one parameter cannot be given the numbers of another."""
    result = unnamed(session, torch, tensorflow, at)
    assert result.agree, (result.failures, told(result))
    assert any("by trying every order" in note for note in result.notes), result.notes


def test_a_square_matrix_is_turned_where_nothing_tells_how_it_stands(session: Session) -> None:
    result = unnamed(session, "Inverse()", "Inverse()", FOURS)
    assert result.agree, told(result)
    assert any(note.startswith("weight: paired with axes turned") for note in result.notes), result.notes
    assert next(pair.layout for pair in result.pairs if pair.names[SIDES[0]] == "weight") == "a b -> b a"


def test_what_others_hide_is_told_when_they_are(session: Session) -> None:
    """No gate makes a difference between experts that are the same."""
    result = unnamed(session, "Gated()", "Gated()", ROWS)
    assert result.agree, told(result)
    assert any("one.weight, two.weight: paired by their gradients" in note for note in result.notes), result.notes


def test_a_weight_that_is_used_twice_is_no_pair(session: Session) -> None:
    result = unnamed(session, "Two()", "One()", FOURS)
    assert not result.agree
    assert "one.weight, two.weight: paired by their order, which nothing confirms" in result.notes[0]


def test_a_mistake_is_found_where_it_is(session: Session) -> None:
    result = unnamed(session, "Attention()", "Attention('qkvo', scale=4.0)", TOKENS)
    assert "x / 4.0 in TensorFlow" in told(result)
    assert partners(result)["a.weight"] == "made.0.kernel"
    assert "paired by their order, which nothing confirms" in result.notes[0]


def test_beside_a_mistake_the_nearest_gradients_tell(session: Session) -> None:
    """With equal numbers they part too: where it begins is said of the layers that most likely do, and that they are no more."""
    result = unnamed(session, "Towers(norm=False)", "Towers('gelu', norm=False)", ROWS)
    assert told(result).startswith(
        "one.1 / q.activation is the first that parts, by itself: its class is nn.ReLU in PyTorch"
    )
    (note,) = (note for note in result.notes if "by the nearest gradients" in note)
    assert note.startswith("one.0.weight, one.0.bias, two.0.weight, two.0.bias: paired by the nearest gradients")


def test_a_mistake_beside_weights_without_names_is_no_question(session: Session) -> None:
    result = unnamed(session, "Weights()", "dense('softsign')", FOURS)
    assert not result.failures
    assert not result.agree
    assert any(note.startswith("p, q, r, s, t, u: paired by the nearest gradients") for note in result.notes)
    assert partners(result)["r"].endswith("dense.kernel")


def test_what_was_compared_is_kept_where_a_trial_fails(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Any:
        yield Round({})
        raise RuntimeError("a trial that fails")

    monkeypatch.setattr(Trial, "tried", broken)
    result = unnamed(session, "Towers()", "Towers()", ROWS)
    assert "a trial that fails" in result.failures[0].message
    assert str(result.comparisons[0].quantity) == "output"


@pytest.mark.parametrize("elements", [1, 300])
def test_of_many_large_gradients_a_few_elements_tell(
    session: Session, monkeypatch: pytest.MonkeyPatch, elements: int
) -> None:
    """What they tell is compared whole."""
    monkeypatch.setattr("tfpt_cli.subjects.model.trial._ELEMENTS", elements)
    assert unnamed(session, "Attention()", "Attention('vkqo')", TOKENS).agree


def test_names_that_mislead_are_believed_and_said_to(session: Session) -> None:
    """With the pairs of the note it agrees; beside a mistake there are none that would."""
    result = unnamed(session, "Kept()", "Kept()", STEPS)
    assert not result.agree
    assert "the outputs agree with pair: {W: U, U: W}, which the names do not say" in result.notes
    assert unnamed(session, "Kept()", "Kept()", STEPS, pair={"W": "U", "U": "W"}).agree
    result = unnamed(session, "Kept()", "Kept(mistake=True)", STEPS)
    assert not any("the outputs agree with pair" in note for note in result.notes), result.notes
