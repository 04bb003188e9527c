"""The frameworks that are compared, and what a report calls them."""

from __future__ import annotations

from tfpt_cli.results import OURSELVES

FRAMEWORKS = ("torch", "tensorflow")
REFERENCE = "reference"
LABELS = {"torch": "PyTorch", "tensorflow": "TensorFlow", REFERENCE: "the reference", OURSELVES: OURSELVES}
NAMES = dict(LABELS)


def name_sides(alike: str | None) -> None:
    """Calls the sides of this process by their frameworks; where both are the same one, left and right."""
    if alike is None:
        LABELS.update(NAMES)
    else:
        LABELS.update(
            {side: f"{place} {NAMES[alike]}" for side, place in zip(FRAMEWORKS, ("left", "right"), strict=True)}
        )
