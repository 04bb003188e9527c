"""The examples in the docstrings are what happens."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import tfpt_cli

# What runs in a framework's process imports that framework, and the rest starts a program.
_LEFT_OUT = ("tfpt_cli.workers.child.", "tfpt_cli.__main__", "tfpt_cli.dictionary.refresh_native")
MODULES = [
    module.name
    for module in pkgutil.walk_packages(tfpt_cli.__path__, "tfpt_cli.")
    if not module.name.startswith(_LEFT_OUT)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_are_what_happens(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_what_a_docstring_names_is_there() -> None:
    folder = Path(tfpt_cli.__file__).parent
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"`(tfpt_cli\.[\w.]+)`", text)}
    assert named
    assert [name for name in named if not there(name)] == []


def there(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, _, last = name.rpartition(".")
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        return hasattr(importlib.import_module(module), last)
    return True


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 5
