"""The scenario documents of the architectures: what a person would write to have both models compared."""

from __future__ import annotations

from tests.realworld.architectures import ARCHITECTURES


def document(name: str, folder: str, *, torch: str = "", keras: str = "", title: str = "") -> str:
    """The scenario of an architecture, whose code is in `folder`; `torch` and `keras` are settings changed on one side."""
    architecture = ARCHITECTURES[name]
    lines = [
        f"name: {title or name}",
        "model:",
        f"  torch: {{python: \"{folder}/models.py:torch_model('{name}'{torch and ', ' + torch})\"}}",
        f"  tensorflow: {{python: \"{folder}/models.py:keras_model('{name}'{keras and ', ' + keras})\"}}",
        "  at:",
        *(f"    {key}: {value}" for key, value in architecture.inputs.items()),
        f"  outputs: {{torch: {architecture.output}, tensorflow: {architecture.output}}}",
    ]
    if architecture.whole:
        lines.append(f"  dtypes: {{{', '.join(f'{key}: int64' for key in architecture.whole)}}}")
    return "\n".join(lines) + "\n"
