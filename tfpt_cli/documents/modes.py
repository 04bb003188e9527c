"""How each side is run, the `modes` of a scenario: eager, in a graph, compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tfpt_cli.frameworks import FRAMEWORKS

if TYPE_CHECKING:
    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.reader import Reader


def modes_schema(example: str) -> dict[str, Any]:
    """The JSON Schema of `modes`, with an example of it as a scenario writes it: `{tensorflow: [eager, graph]}`."""
    return {
        "title": "How each side is run",
        "type": "object",
        "description": f"how each side is run, such as {example}",
        "additionalProperties": False,
        "properties": {
            framework.key: {
                "type": "array",
                "description": f"a list of {', '.join(framework.modes)}",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"enum": list(framework.modes), "description": f"one of {', '.join(framework.modes)}"},
            }
            for framework in FRAMEWORKS.values()
        },
    }


def read_modes(reader: Reader, path: Path) -> dict[str, tuple[str, ...]]:
    """The modes at a path for each framework, by its key; eager alone where nothing is written."""
    return {framework: tuple(reader.get(*path, framework, default=["eager"])) for framework in FRAMEWORKS}
