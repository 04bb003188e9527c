"""`tfpt schema`: the published formats, for editors and for programs."""

from __future__ import annotations

import json

import click


def run_schema(report: bool) -> int:
    """`tfpt schema`: prints the JSON Schema of a scenario, or of the JSON report."""
    from tfpt_cli.report.contract import contract
    from tfpt_cli.scenario.schema import schema

    click.echo(json.dumps(contract() if report else schema(), ensure_ascii=False, indent=2))
    return 0
