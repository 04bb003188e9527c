"""All subjects, by the key that each has in a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.subjects.gradient.subject import GRADIENT
from tfpt_cli.subjects.init.subject import INIT
from tfpt_cli.subjects.model.subject import MODEL

if TYPE_CHECKING:
    from tfpt_cli.subjects.subject import Subject

__all__ = ["GRADIENT", "INIT", "MODEL", "SUBJECTS"]

SUBJECTS: dict[str, Subject] = {subject.name: subject for subject in (INIT, GRADIENT, MODEL)}
