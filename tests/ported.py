"""Model scenarios that are checked, those of the networks of `tests/models` among them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tfpt_cli.engine.options import Options
from tfpt_cli.scenario.writing import scenario_from

if TYPE_CHECKING:
    from tfpt_cli.engine.session import Session
    from tfpt_cli.results import ScenarioResult
    from tfpt_cli.scenario.scenario import Scenario

MODELS = Path(__file__).parent / "models"


def checked(session: Session, text: str, folder: Path | None = None) -> tuple[Scenario, ScenarioResult]:
    """A scenario and its result; with a folder it may name the Python files there."""
    file = "model.yaml" if folder is None else str(folder / "model.yaml")
    scenario, problems = scenario_from(text, file, allow_code=folder is not None)
    assert scenario is not None, problems
    options = Options(generated=[[scenario]], allow_code=folder is not None)
    (result,) = session.check(options).scenarios
    return scenario, result


def told(result: ScenarioResult) -> str:
    """The first words on where two models begin to part."""
    return next(finding.words for c in result.comparisons for finding in c.findings)


def ported(session: Session, torch: str, tensorflow: str, at: str | dict[str, Any], **more: Any) -> ScenarioResult:
    """The result of two models of `tests/models`, each as it is made, at an input `x` or several, with further fields."""
    inputs = {"x": yaml.safe_load(at)} if isinstance(at, str) else at
    fields = {"torch": {"python": torch}, "tensorflow": {"python": tensorflow}, "at": inputs, **more}
    _, result = checked(session, yaml.safe_dump({"name": "a port", "model": fields}), MODELS)
    return result
