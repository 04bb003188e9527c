"""The examples in the docstrings are what happens."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

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


def test_there_are_examples() -> None:
    finder = doctest.DocTestFinder()
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 5
