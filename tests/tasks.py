"""What a scenario's task was read to, for tests that look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.subjects.gradient.subject import GradientTask
from tfpt_cli.subjects.init.subject import InitTask
from tfpt_cli.subjects.model.subject import ModelTask

if TYPE_CHECKING:
    from tfpt_cli.scenario.scenario import Scenario
    from tfpt_cli.subjects.gradient.spec import Gradient
    from tfpt_cli.subjects.init.spec import Init
    from tfpt_cli.subjects.model.course import Course


def gradient_of(scenario: Scenario) -> Gradient:
    """What the fields of a gradient scenario say."""
    assert isinstance(scenario.task, GradientTask)
    return scenario.task.spec


def init_of(scenario: Scenario) -> Init:
    """What the fields of an init scenario say."""
    assert isinstance(scenario.task, InitTask)
    return scenario.task.spec


def course_of(scenario: Scenario) -> Course:
    """What the run of a model scenario has found out."""
    assert isinstance(scenario.task, ModelTask)
    return scenario.task.course[0]
