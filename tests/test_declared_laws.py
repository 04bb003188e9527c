"""How two declared laws part, in words, and which known initializer a sample fits."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.sides import TENSORFLOW, TORCH
from tests.test_distribution import law
from tfpt_cli.compare.declared_laws import Declared, guesses, parting
from tfpt_cli.compare.sample import Sample
from tfpt_cli.frameworks import SIDES
from tfpt_cli.layers.initializers import formula

if TYPE_CHECKING:
    from tfpt_cli.frameworks import Side
    from tfpt_cli.layers.initializers import Fans, InitializerCall

FANS = (256, 300)


def declared(text: str, fans: Fans | None) -> Declared:
    """What a side declares by a formula, as a row writes it."""
    tree = ast.parse(text, mode="eval").body

    def at(pair: Fans | None) -> InitializerCall | None:
        return formula(tree, {}, pair)

    return Declared(initializer=at(fans), at=at, fans=fans)


def said(torch: str, tensorflow: str, fans: dict[Side, Fans | None] | None = None) -> list[str]:
    known = fans or dict.fromkeys(SIDES, FANS)
    return list(parting({TORCH: declared(torch, known[TORCH]), TENSORFLOW: declared(tensorflow, known[TENSORFLOW])}))


@pytest.mark.parametrize(
    ("torch", "tensorflow", "words"),
    [
        ("uniform(0.0, 1.0)", "uniform(0.0, 1.0)", []),
        ("uniform(0.0, 1.0)", "uniform(0.0, 2.0)", []),  # of the numbers themselves nothing is to say
        ("zeros()", "ones()", ["PyTorch's is zeros, TensorFlow's ones"]),
        ("he_normal()", "kaiming_normal()", ["TensorFlow's is not truncated at 2 sigma"]),
        ("truncated_normal(0.0, 0.02)", "trunc_normal(0.0, 0.02, -0.06, 0.06)",
         ["PyTorch's is cut off at 2 sigma, TensorFlow's at 3"]),
        ("truncated_normal(0.0, 1.0)", "trunc_normal(0.0, 1.01361, -3.04083, 3.04083)",  # whose std is one
         ["PyTorch's is cut off at 2 sigma, TensorFlow's at 3"]),
        ("truncated_normal(-1.0, 0.02)", "trunc_normal(-1.0, 0.02, -1.01, -0.94)",  # wherever the middle is, by the farther end
         ["PyTorch's is cut off at 2 sigma, TensorFlow's at 3"]),
        ("truncated_normal(-1.0, 0.02)", "trunc_normal(-1.0, 0.02, -1.06, -0.99)",
         ["PyTorch's is cut off at 2 sigma, TensorFlow's at 3"]),
        ("truncated_normal(0.0, 0.02)", "trunc_normal(0.0, 0.02, -0.0400000001, 0.0400000001)", []),
        ("uniform(0.0, 1.0)", "truncated_normal(0.0, 1.0)", ["PyTorch's is uniform, TensorFlow's truncated"]),
        ("glorot_uniform()", "glorot_uniform(1.4142136)", ["gain 1 against sqrt(2)"]),  # whatever digits a person writes
        ("variance_scaling(2.0000001, 'fan_out', 'uniform')", "he_uniform()", ["fan_out against fan_in"]),
        ("glorot_uniform()", "glorot_uniform(sqrt(2))", ["gain 1 against sqrt(2)"]),
        ("glorot_uniform()", "glorot_uniform(5 / 3)", ["gain 1 against 5/3"]),
        ("glorot_uniform(sqrt(3))", "glorot_uniform(sqrt(1 / 3))", ["gain sqrt(3) against sqrt(1/3)"]),
        ("glorot_uniform(3 / 4)", "glorot_uniform(1.3)", ["gain 3/4 against 1.3"]),
        ("he_normal()", "lecun_normal()", ["gain sqrt(2) against 1"]),  # cut alike, and otherwise apart than by the cut
        ("truncated_normal(0.0, 0.02)", "truncated_normal(0.0, 0.05)", []),
        ("normal(0.0, 1.0)", "truncated_normal(0.0, 1.0)", ["PyTorch's is not truncated at 2 sigma"]),
        ("normal(0.0, 1.0)", "normal(0.0, 0.87963)", []),  # the ratio that a cut would make, and neither is cut
        ("uniform(-0.5, 0.5)", "lecun_uniform()", []),  # what no fan scales has no gain
        ("variance_scaling(1.0, 'fan_out', 'uniform')", "lecun_uniform()", ["fan_out against fan_in"]),
        ("variance_scaling(2.0, 'fan_out', 'uniform')", "lecun_uniform()", ["fan_out against fan_in", "gain sqrt(2) against 1"]),
    ],
)  # fmt: skip
def test_how_two_laws_part(torch: str, tensorflow: str, words: list[str]) -> None:
    assert said(torch, tensorflow) == words


def test_a_std_that_is_meant_before_the_truncation() -> None:
    """A normal cut off at two sigma keeps 0.8796 of its standard deviation: Keras divides by it, PyTorch does not."""
    meant = "PyTorch's std is meant before the truncation, the other's after it"
    assert said("truncated_normal(0.0, sqrt(2 / fan_in))", "he_normal()") == [meant]
    other = "TensorFlow's std is meant before the truncation, the other's after it"
    assert said("he_normal()", "truncated_normal(0.0, sqrt(2 / fan_in))") == [other]


def test_fans_that_are_counted_differently() -> None:
    counted: dict[Side, Fans | None] = {TORCH: (300, 256), TENSORFLOW: (256, 300)}
    assert said("lecun_uniform()", "lecun_uniform()", counted) == [
        "the fans are counted differently: (300, 256) and (256, 300)"
    ]
    assert said("lecun_uniform()", "he_uniform()", dict.fromkeys(counted, (300, 256))) == ["gain 1 against sqrt(2)"]
    # Only of laws that are scaled by the same fan.
    counted[TORCH] = (300, 200)
    assert said("variance_scaling(1.0, 'fan_out', 'uniform')", "lecun_uniform()", counted) == ["fan_out against fan_in"]
    unknown: dict[Side, Fans | None] = {TORCH: None, TENSORFLOW: FANS}
    for fans in (counted, unknown):
        assert said("uniform(0.0, 1.0)", "uniform(0.0, 2.0)", fans) == []


def test_what_no_row_knows_parts_in_no_words() -> None:
    unknown = Declared(initializer=None, at=lambda _: None, fans=FANS)
    for other in (unknown, declared("zeros()", FANS)):
        assert list(parting({TORCH: unknown, TENSORFLOW: other})) == []
        assert list(parting({TORCH: other, TENSORFLOW: unknown})) == []


def guessed(draw: str, size: int = 20_000, fans: Fans | None = FANS) -> list[str]:
    values = law(draw, fans).law.rvs(size, random_state=2)
    return guesses(Sample.of(TORCH, values).ordered(), fans, 2.0**-23)


def test_a_sample_of_few_values_fits_no_more_than_two() -> None:
    assert len(guessed("glorot_uniform()", 30)) == 2
    assert guessed("he_uniform()") == ["he_uniform"]


@pytest.mark.parametrize(
    "name", ["normal(0, 0.02)", "truncated_normal(0, 0.02)", "normal(0, 1)", "truncated_normal(0, 1)"]
)
def test_without_fans_the_usual_numbers_are_known(name: str) -> None:
    """And are said, also where they are those of a row by default."""
    assert guessed(name, fans=None) == [name]


def test_what_cannot_be_measured_fits_nothing() -> None:
    assert guesses(Sample.of(TORCH, np.ones(100)), FANS, 2.0**-23) == []


def test_another_fan_that_makes_the_same_law_is_no_word_worth() -> None:
    square: dict[Side, Fans | None] = dict.fromkeys(SIDES, (256, 256))
    for scale in ("1.0", "1.0000001"):
        assert said(f"variance_scaling({scale}, 'fan_out', 'uniform')", "lecun_uniform()", square) == []


@pytest.mark.parametrize("fans", [(1024, 256), (256, 1024), (2, 2), (4, 4)])
def test_the_fan_that_scales_a_law(fans: Fans) -> None:
    assert declared("lecun_uniform()", fans).mode == "fan_in"
    assert declared("variance_scaling(1.0, 'fan_out', 'uniform')", fans).mode == "fan_out"
    assert declared("glorot_uniform()", fans).mode == "fan_avg"
    assert declared("normal(0.0, 1.0)", fans).mode is None


def test_what_no_law_is_known_of_is_scaled_by_no_fan() -> None:
    assert Declared(initializer=None, at=None, fans=FANS).mode is None
    known = declared("lecun_uniform()", FANS)
    at_its_fans_alone = Declared(known.initializer, lambda fans: known.initializer if fans == FANS else None, FANS)
    assert at_its_fans_alone.mode is None


@pytest.mark.parametrize(("errors", "fits"), [(-3.4, False), (-3.2, True), (3.2, True), (3.4, False)])
def test_how_far_off_the_scale_of_a_fitting_sample_may_be(errors: float, fits: bool) -> None:
    """A p-value of a thousandth, two-sided, is 3.29 standard errors."""
    values = law("normal(0.0, 0.02)").law.ppf((np.arange(20_000) + 0.5) / 20_000)
    values *= 0.02 / values.std() * math.exp(errors * math.sqrt(0.5 / 20_000))
    found = guesses(Sample.of(TORCH, values).ordered(), None, 2.0**-23)
    assert found == ["normal(0, 0.02)"] * fits
