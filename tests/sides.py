"""The usual two sides of a run, by name."""

from __future__ import annotations

from tfpt_cli.frameworks import SIDES

TORCH, TENSORFLOW = SIDES
