"""The dictionary against the installed frameworks, and that the check of it finds what is altered."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import run_tfpt
from tfpt_cli import selfcheck
from tfpt_cli.dictionary.points import DTYPES, Part
from tfpt_cli.dictionary.rows import Operation, dictionary
from tfpt_cli.results import FRAMEWORKS

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the Python array API standard names and both frameworks can do with real or complex numbers.
STANDARD = """
    abs acos acosh add asin asinh atan atan2 atanh ceil clip conj copysign cos cosh divide equal exp expm1 floor
    floor_divide greater greater_equal hypot imag isfinite isinf isnan less less_equal log log1p log2 log10
    logaddexp logical_and logical_not logical_or logical_xor maximum minimum multiply negative nextafter
    not_equal pow real reciprocal remainder round sign signbit sin sinh square sqrt subtract tan tanh trunc
    cumulative_sum cumulative_prod max mean min prod std sum var all any diff count_nonzero argmax argmin
    searchsorted nonzero where argsort sort matmul matrix_transpose tensordot vecdot cholesky cross det diagonal
    eigh eigvalsh inv matrix_rank outer pinv qr slogdet solve svd svdvals trace broadcast_to concat expand_dims
    flip moveaxis permute_dims repeat reshape roll squeeze stack tile unstack take take_along_axis tril triu
    meshgrid fft ifft rfft irfft hfft ihfft fftshift ifftshift
"""


@pytest.fixture(scope="module")
def whole() -> selfcheck.Examination:
    return selfcheck.selfcheck()


def test_every_operation_is_as_its_row_declares(whole: selfcheck.Examination) -> None:
    assert [str(difference) for difference in whole.undeclared] == []
    assert whole.stale == []


def test_there_is_a_row_for_what_the_issue_names() -> None:
    assert len(dictionary().operations) >= 250
    assert [name for name in STANDARD.split() if name not in dictionary().operations] == []


def test_every_dtype_that_is_declared_was_measured(whole: selfcheck.Examination) -> None:
    for row in dictionary().operations.values():
        assert set(row.dtypes) <= set(DTYPES)
        assert set(whole.measured[row.name]) == set(row.dtypes), row.name


def test_what_the_list_shows_is_what_was_measured(whole: selfcheck.Examination) -> None:
    """The same rows, dtypes, quantities and sides; and of the same versions nearly the same figures.

    Other processors add in another order, so that a sum of many terms may be off by some units more.
    """
    kept = selfcheck.measured()
    same_versions = all(kept["environment"].get(f) == whole.environment[f] for f in FRAMEWORKS)
    shown, now = dict(figures(kept["operations"])), dict(figures(whole.measured))
    assert len(shown) > 1000
    assert set(shown) == set(now)
    if same_versions:
        assert [(place, shown[place], now[place]) for place in shown if not near(shown[place], now[place])] == []


def figures(measured: dict[str, dict[str, Any]]) -> Iterator[tuple[tuple[str, ...], float]]:
    """The distances in ULP by operation, dtype, quantity and side."""
    for name, by_dtype in measured.items():
        for dtype, by_quantity in by_dtype.items():
            for quantity, by_side in by_quantity.items():
                for side, ulps in by_side.items():
                    yield (name, dtype, quantity, side), ulps


def near(one: float, other: float) -> bool:
    return one == other or max(one, other) <= 2 + 4 * min(one, other)


def altered(row: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(dictionary().operations, row.name, row)


def test_a_spelling_that_means_something_else_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dictionary().operations["log1p"]
    spelling = {**row.spelling, "torch": dictionary().operations["log2"].spelling["torch"]}
    altered(replace(row, spelling=spelling), monkeypatch)
    found = selfcheck.selfcheck({"log1p"}, {"float32"})
    assert {difference.quantity for difference in found.undeclared if difference.case == "points"} == {"value", "d/dx"}


def test_both_sides_altered_alike_are_found_by_the_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    row, other = (dictionary().operations[name] for name in ("log1p", "sqrt"))
    altered(replace(row, spelling={**row.spelling, **{f: other.spelling[f] for f in FRAMEWORKS}}), monkeypatch)
    found = selfcheck.selfcheck({"log1p"}, {"float32"})
    assert {(d.quantity, d.verdict) for d in found.undeclared if d.case == "points"} == {
        ("value", "wrong"),
        ("d/dx", "wrong"),
    }


def test_a_difference_that_is_not_declared_or_no_longer_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dictionary().operations["maximum"]
    assert row.parts
    altered(replace(row, parts=(Part(("value",), ("points",), (), "differ", "a fable"),)), monkeypatch)
    report = selfcheck.selfcheck({"maximum"}, {"float32"}).report
    assert report is not None
    found = selfcheck.examine(report, whole=True)
    assert any(difference.quantity == "d/dx1" for difference in found.undeclared)
    assert any("maximum" in words and "a fable" in words for words in found.stale)


def test_the_list_shows_every_operation_and_one_whole() -> None:
    done = run_tfpt("list", "operations", environment={"COLUMNS": "160"})
    assert done.code == 0
    assert all(f"\n{name} " in done.out for name in ("exp", "softmax", "det", "irfft"))
    assert max(map(len, done.out.splitlines())) <= 160
    one = run_tfpt("list", "operations", "maximum")
    for words in ("torch.maximum(x1, x2)", "tf.maximum(x1, x2)", "float64", "parts"):
        assert words in one.out
    assert "did you mean 'maximum'?" in run_tfpt("list", "operations", "maximumm").err


def test_an_operation_that_is_not_there() -> None:
    done = run_tfpt("selfcheck", "reduce_sum")
    assert done.code == 2
    assert "it is 'sum' here" in done.err
