"""What a person's own code computes at some of its lines."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tfpt_cli.expressions.own_lines import expressions_at

if TYPE_CHECKING:
    from pathlib import Path

NET = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        self.act = F.gelu
        self.fc1, self.fc2 = nn.Linear(3, 4), nn.Linear(4, 5)

    def forward(self, x):
        x = self.fc1(x)
        x = self.act(
            x
        )
        if x.shape[0] > 1:
            x = F.softmax(x, dim=1)
        return F.tanh(self.fc2(x))
"""


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([11], ["self.fc1(x)"]),
        ([12], ["F.gelu(x)"]),
        ([13, 12], ["F.gelu(x)"]),
        ([15], ["x.shape[0] > 1"]),
        ([16, 17], ["F.softmax(x, dim=1)", "F.tanh(self.fc2(x))"]),
        ([1, 3, 400], []),
    ],
)
def test_the_statement_at_a_line(tmp_path: Path, lines: list[int], expected: list[str]) -> None:
    path = tmp_path / "net.py"
    path.write_text(NET, encoding="utf-8")
    found = [
        ast.unparse(tree).replace("torch.nn.functional", "F") for tree in expressions_at(f"{path}:{n}" for n in lines)
    ]
    assert found == expected


def test_what_cannot_be_read_gives_nothing(tmp_path: Path) -> None:
    path = tmp_path / "broken.py"
    path.write_text("def broken(:", encoding="utf-8")
    assert expressions_at([f"{path}:1", f"{tmp_path}/none.py:3", "", "<string>:2", "net.py"]) == []
