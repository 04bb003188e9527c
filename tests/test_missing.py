"""`tfpt list --missing`: no function of the frameworks is without a row or a reason, and a new one shows up."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import pytest
from rich.console import Console

from tests.sides import TORCH
from tfpt_cli.cli import missing
from tfpt_cli.cli.commands import cli
from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.measured import measured
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.dictionary.uncovered import other_names, reasons
from tfpt_cli.frameworks import SIDES, usual_sides
from tfpt_cli.results import Failure, Symptom
from tfpt_cli.selfcheck.coverage import Coverage, Namespace, coverage, has_row, namespace_of

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACES = {
    *("OpInfo", "torch.nn.functional", "torch.linalg", "torch.fft", "torch.special"),
    *("keras.ops", "keras.ops.image"),
}


@pytest.fixture(scope="module")
def found() -> Coverage:
    return coverage(SIDES)


def printed(*namespaces: Namespace) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=100, markup=False, emoji=False, highlight=False)
    for page in missing.missing_pages(namespaces, {"torch": "9.9"}):
        console.print(page)
    return " ".join(stream.getvalue().split())


def test_every_function_has_a_row_or_a_reason_and_none_has_both(found: Coverage) -> None:
    assert {namespace.name for namespace in found.namespaces} == NAMESPACES
    for namespace in found.namespaces:
        assert namespace.failure is None
        assert (namespace.missing, namespace.both) == ((), ()), namespace.name
        assert namespace.count > 10
        assert len(namespace.rows) > len(namespace.lines) or namespace.name == "keras.ops.image"


def test_no_line_is_of_a_function_that_is_not_there(found: Coverage) -> None:
    known = measured()["environment"]
    if any(known.get(key) != found.versions[key] for key in ("torch", "tensorflow", "keras")):
        pytest.skip("the lines are those of the versions that the dictionary was measured with")
    named = {call for namespace in found.namespaces for call in namespace.calls}
    assert sorted({*reasons(), *other_names()} - named) == []


def test_a_name_stands_once_and_what_it_is_another_name_of_is_a_row() -> None:
    names = [name for of in rows_of("uncovered")["reasons"].values() for name in of.split()] + [*other_names()]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert sorted(set(other_names().values()) - dictionary().operations.keys()) == []


def test_a_new_function_shows_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a version of PyTorch would bring: the process of the framework is what has it, not a list of tfpt's."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "if sys.orig_argv[-1] == 'torch':\n"
        "    import torch.special\n"
        "    torch.special.brand_new = lambda x: x\n"
        "    torch.special.BrandNew = type('BrandNew', (), {})\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = {namespace.name: namespace for namespace in coverage((SIDES[0], replace(SIDES[0], key="again"))).namespaces}
    assert found["torch.special"].missing == ("brand_new",)
    assert found["torch.linalg"].missing == ()
    text = printed(*found.values())
    assert "neither a row nor a reason torch.special: brand_new" in text
    assert "BrandNew" not in text


def test_what_counts_as_a_row() -> None:
    for call in ("F.relu", "torch.mT", "torch.detach", "torch.multiply", "torch.__rsub__"):
        assert has_row(call, "torch"), call
    for call in ("keras.ops.tanh", "keras.ops.amax", "keras.ops.nanargmax", "keras.ops.sparsemax"):
        assert has_row(call, "tensorflow"), call
    assert not has_row("torch.special.airy_ai", "torch")
    assert not has_row("keras.ops.scan", "tensorflow")


def test_an_alias_of_a_function_with_a_row_has_it() -> None:
    assert namespace_of("OpInfo", SIDES[0], {"new_name": ["special.erf"], "newer": ["newest"]}).missing == ("newer",)


def test_what_is_printed_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    both = replace(namespace_of("torch.special", SIDES[0], {"erf": [], "airy_ai": []}), both=("erf",))
    text = printed(both)
    assert "torch.special 2 1 1 0" in text
    assert "a row, and a reason to have none torch.special: erf" in text
    assert "neither TensorFlow nor Keras has a function for it torch.special: airy_ai" in text
    assert "neither a row nor a reason" not in text
    assert text.endswith("the functions of PyTorch 9.9")
    for namespace, code in ((both, 1), (replace(both, both=()), 0), (replace(both, missing=("new",)), 1)):
        monkeypatch.setattr(missing, "coverage", lambda _, n=namespace: Coverage(namespaces=(n,), versions={}))
        assert missing.run_missing(SIDES) == code


def test_a_framework_that_does_not_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert missing.run_missing(usual_sides(torch="/no/such/python", tensorflow="/no/such/python")) == 3
    assert "cannot start '/no/such/python'" in " ".join(capsys.readouterr().out.split())


def test_missing_takes_no_kind_and_a_list_needs_one() -> None:
    for arguments, words in ((["layers", "--missing"], "takes no kind"), ([], "what")):
        with pytest.raises(click.UsageError, match=words):
            cli.commands["list"].make_context("list", [*arguments])


def test_a_namespace_that_cannot_be_read_hides_no_other() -> None:
    failure = Failure(side=TORCH, symptom=Symptom.EXCEPTION, message="ImportError: no such list")
    broken = Namespace(name="OpInfo", side=TORCH, failure=failure)
    text = printed(broken, namespace_of("torch.special", SIDES[0], {"erf": []}))
    assert "OpInfo: ImportError: no such list" in text
    assert "torch.special 1 1 0 0" in text
