"""Quantities, ways and sides are texts that are records too: their names, and that a copy is all of it."""

from __future__ import annotations

import copy
import pickle
from dataclasses import fields
from typing import Any

import pytest

from tfpt_cli.frameworks import SIDES
from tfpt_cli.results import DROPPED, PARAMETER, RATES, VALUE, Quantity, Way
from tfpt_cli.subjects.gradient.aspects import Aspect

QUANTITIES = [
    (Quantity(kind=VALUE), "value"),
    (Quantity(kind=VALUE, output="loss"), "loss"),
    (Quantity(kind=PARAMETER, output="weight", layer="encoder.0", step=3), "weight"),
    (Quantity(kind="gradient", output="loss", by=("w",)), "dloss/dw"),
    (Quantity(kind="jacobian", by=("x",)), "jacobian d/dx"),
    (Quantity(kind="hessian", by=("x", "x")), "d2/dx2"),
    (Quantity(kind="hessian", output="y", by=("x", "w")), "d2y/dxdw"),
    (Quantity(kind="derivative", by=("x",), order=4), "d4/dx4"),
    (Quantity(kind="jvp", output="y", by=("x", "w")), "jvp y"),
    (Quantity(kind=RATES), "dropout rates"),
    (Quantity(kind=DROPPED, layer="encoder.0"), "dropped by encoder.0"),
    (Quantity(kind=DROPPED), "dropped by the layer"),
]


@pytest.mark.parametrize(("quantity", "name"), QUANTITIES)
def test_a_quantity_is_called_by_what_it_is(quantity: Quantity, name: str) -> None:
    assert quantity == name
    assert quantity.derivative == (quantity.kind not in (VALUE, PARAMETER, RATES, DROPPED))
    assert quantity.second == name.startswith(("d2", "d4"))


RECORDS: list[Any] = [
    *(quantity for quantity, _ in QUANTITIES),
    Way(),
    Way(method="autograd.grad", mode="compile"),
    Aspect(what="kink", side="left", error=True, whose="torch", double=True, of="abs"),
    SIDES[1],
]


@pytest.mark.parametrize("record", RECORDS, ids=repr)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_has_the_same_text_and_the_same_fields(record: Any, copied: Any) -> None:
    other = copied(record)
    assert type(other) is type(record)
    assert str(other) == str(record)
    assert [getattr(other, f.name) for f in fields(other)] == [getattr(record, f.name) for f in fields(record)]


@pytest.mark.parametrize("record", RECORDS[:-1], ids=repr)
def test_a_record_can_be_sent_to_another_process(record: Any) -> None:
    other = pickle.loads(pickle.dumps(record))
    assert other == record
    assert [getattr(other, f.name) for f in fields(other)] == [getattr(record, f.name) for f in fields(record)]
