"""The dictionary against the installed frameworks, and that the check of it finds what is altered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import run_tfpt
from tfpt_cli.dictionary.conditions import MACHINE
from tfpt_cli.dictionary.measured import measured
from tfpt_cli.dictionary.points import DeclaredPart
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.engine.options import Options
from tfpt_cli.frameworks import FRAMEWORKS
from tfpt_cli.language.dtypes import DTYPES
from tfpt_cli.selfcheck import examination as selfcheck
from tfpt_cli.selfcheck.probes import scenarios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Done
    from tfpt_cli.dictionary.records import Operation
    from tfpt_cli.engine.session import Session

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


def selfchecked(
    session: Session, names: set[str] | None = None, dtypes: set[str] | None = None
) -> selfcheck.Examination:
    """What `selfcheck.selfcheck` gives, on warm frameworks."""
    report = session.check(Options(generated=scenarios(selfcheck.probes(names, dtypes))))
    return selfcheck.examine(report, whole=not names)


@pytest.fixture(scope="module")
def whole(session: Session) -> selfcheck.Examination:
    return selfchecked(session)


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
    """The same rows, dtypes, quantities and sides; and of the same versions on such a machine nearly the same figures.

    Other kernels add in another order, so that a sum of many terms may be off by more.
    """
    kept = measured()
    decides = (*FRAMEWORKS, *MACHINE)
    assert set(decides) <= set(kept["environment"])
    same = all(kept["environment"][key] == whole.environment[key] for key in decides)
    shown, now = dict(figures(kept["operations"])), dict(figures(whole.measured))
    assert len(shown) > 1000
    # Another version may refuse a dtype, or give nothing that can be measured, at some of the points.
    assert len(set(shown) ^ set(now)) <= (0 if same else len(shown) / 100)
    if same:
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
    monkeypatch.setattr(dictionary(), "operations", {**dictionary().operations, row.name: row})


def test_a_spelling_that_means_something_else_is_found(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    row = dictionary().operations["log1p"]
    spelling = {**row.spelling, "torch": dictionary().operations["log2"].spelling["torch"]}
    altered(replace(row, spelling=spelling), monkeypatch)
    found = selfchecked(session, {"log1p"}, {"float32"})
    assert {difference.quantity for difference in found.undeclared if difference.probe.words == "points"} == {
        "value",
        "d/dx",
    }


def test_both_sides_altered_alike_are_found_by_the_reference(monkeypatch: pytest.MonkeyPatch, session: Session) -> None:
    row, other = (dictionary().operations[name] for name in ("log1p", "sqrt"))
    altered(replace(row, spelling={**row.spelling, **{f: other.spelling[f] for f in FRAMEWORKS}}), monkeypatch)
    found = selfchecked(session, {"log1p"}, {"float32"})
    assert {(d.quantity, d.verdict) for d in found.undeclared if d.probe.words == "points"} == {
        ("value", "wrong"),
        ("d/dx", "wrong"),
    }


def test_a_difference_that_is_not_declared_or_no_longer_there_is_found(
    monkeypatch: pytest.MonkeyPatch, session: Session
) -> None:
    row = dictionary().operations["maximum"]
    assert row.parts
    altered(replace(row, parts=(DeclaredPart(("value",), ("points",), (), "differ", "a fable"),)), monkeypatch)
    report = selfchecked(session, {"maximum"}, {"float32"}).report
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


DEPENDS = sorted(
    row.name
    for row in dictionary().operations.values()
    if any(part.conditions.machine or part.unstable for part in row.parts)
)


@pytest.mark.parametrize(
    "machine",
    [{"ATEN_CPU_CAPABILITY": "default", "TF_ENABLE_ONEDNN_OPTS": "0"}, {"TF_ENABLE_ONEDNN_OPTS": "1"}],
    ids=["no vectors and no oneDNN", "oneDNN"],
)
def test_what_depends_on_the_machine_is_as_declared_on_others(machine: dict[str, str]) -> None:
    assert {"elu", "softmax", "betaln"} <= set(DEPENDS)
    done = run_tfpt("selfcheck", *DEPENDS, environment=machine)
    assert (done.code, "undeclared" in done.out) == (0, True), done.out
    assert " 0 undeclared differences" in done.out


def test_a_value_that_depends_on_the_place_in_a_vector_differs_wherever_it_stands(tfpt: Callable[..., Done]) -> None:
    """In full vectors PyTorch's slope of elu at NaN is NaN, in what is left over 1, as TensorFlow's: found by turns."""
    text = "\n---\n".join(
        f"name: n {size}\ngradient: {{of: elu(x) + y, at: {{x: [{', '.join(['.nan'] * size)}], y: 1.0}}}}"
        for size in (1, 7, 8, 16, 17, 64, 65)
    )
    Path("nan.yaml").write_text(text, encoding="utf-8")
    for scenario in tfpt("check", "nan.yaml", "--format", "json").json["scenarios"]:
        value, *derivatives = scenario["comparisons"]
        assert value["verdict"] == "identical"
        found = {(c["quantity"], c["verdict"], *c["diagnosis"]) for c in derivatives}
        assert found == {("d/dx", "differs", "unstable"), ("d/dy", "identical")}
        assert all("findings" not in c or not c["findings"] for c in derivatives)


def test_a_slope_where_no_nan_goes_in_is_compared_as_usual(tfpt: Callable[..., Done]) -> None:
    Path("fine.yaml").write_text(
        "name: n\ngradient: {of: elu(x) + y, at: {x: [1.0, -1.0], y: [.nan, 2.0]}}\n"
        "---\nname: m\ngradient: {torch: F.elu(2 * x), tensorflow: tf.nn.elu(2 * x), at: {x: [1.0, -1.0]}}\n"
        "---\nname: o\ngradient: {torch: F.elu(torch.log(x)), tensorflow: tf.nn.elu(tf.math.log(x)), at: {x: [1.0, -1.0]}}\n",
        encoding="utf-8",
    )
    first, second, third = tfpt("check", "fine.yaml", "--format", "json").json["scenarios"]
    assert (first["status"], second["status"], third["status"]) == ("passed", "passed", "failed")
    assert {c["quantity"] for c in third["comparisons"] if "unstable" in c["diagnosis"]} == {"d/dx"}
