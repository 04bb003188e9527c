"""A third framework put in from outside (`toys/third.py`): its file, its writer and a column of the rows are all it needs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_SCENARIO = """\
name: a weighted softplus
gradient:
  of: sum(w * softplus(x)) + {last}
  at: {{x: [0.0, 1.0, 2.0], w: [1.0, 2.0, 3.0]}}
"""


@pytest.mark.parametrize(("last", "number"), [("0.5", 0.5), ("w[2]", 3.0), ("clip(w, 0, 2)[2]", 2.0)])
def test_its_listing_is_written_and_runs(tmp_path: Path, last: str, number: float) -> None:
    (tmp_path / "third.yaml").write_text(_SCENARIO.format(last=last), encoding="utf-8")
    third = str(ROOT / "tests" / "toys" / "third.py")
    listing = subprocess.run(
        [sys.executable, third, "third.yaml"], cwd=tmp_path, capture_output=True, encoding="utf-8", check=True
    ).stdout
    assert "a weighted softplus, Third" in listing
    assert "torch" not in listing
    assert "tf." not in listing
    held: dict[str, NDArray[np.float64]] = {}
    exec(compile(listing, "third.py", "exec"), held)
    x, w = np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0])
    expected = np.sum(w * np.log1p(np.exp(x))) + number
    np.testing.assert_allclose(held["value"], expected, rtol=1e-6)
    np.testing.assert_allclose(np.sum(held["gradient_x"]), np.sum(w / (1 + np.exp(-x))), rtol=1e-2)
