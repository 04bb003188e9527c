"""What the dictionary knows, as a person asks for it: `tfpt list`, `show`, `explain` and `completion`."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from difflib import SequenceMatcher
from functools import cache
from typing import TYPE_CHECKING

import click
import pytest
from click.shell_completion import ShellComplete
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.conftest import run_tfpt, warm_tfpt
from tfpt_cli.cli.commands import cli
from tfpt_cli.cli.lookup import run_explain, run_list, run_show
from tfpt_cli.dictionary.measured import measured
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.report.catalogue import KINDS, matching, rows_of, table_of, whole
from tfpt_cli.report.row_details import difference_details

if TYPE_CHECKING:
    from rich.console import RenderableType

WIDTHS = (40, 80, 160)


def printed(pages: list[RenderableType], width: int) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, markup=False, emoji=False, highlight=False)
    for page in pages:
        console.print(page)
    return stream.getvalue()


def compact(text: str) -> str:
    """Without what wrapping changes: every blank and line end."""
    return "".join(text.split())


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_can_be_shown(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At no width is a line wider than the console, or anything left out."""
    monkeypatch.setattr("tfpt_cli.report.catalogue.measured", cache(measured))  # a long file, and many rows
    rows = rows_of(kind)
    assert rows
    for name in rows:
        pages = whole(name)
        texts = [printed(pages, width) for width in WIDTHS]
        assert name in compact(texts[0])
        for width, text in zip(WIDTHS, texts, strict=True):
            assert max(map(len, text.splitlines())) <= width, name
            assert "…" not in text, name
            assert sorted(compact(text)) == sorted(compact(texts[-1])), name


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_list_names_every_row(kind: str, width: int) -> None:
    rows = matching(kind, None)
    text = printed([table_of(kind, rows, width)], width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    folded = compact("".join(line[:18] for line in text.splitlines())) if kind == "operations" and width == 80 else text
    for row in rows:
        assert row.name in folded
    counted = [row for row in rows if kind != "differences" or not row.equal]
    said = "known differences" if kind == "differences" else kind
    assert re.search(rf"^{len(counted)} {said}\b", text, re.MULTILINE)


@pytest.mark.parametrize("kind", ["layers", "initializers", "differences"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_name_in_a_list_stays_on_its_line(kind: str, width: int) -> None:
    lines = printed([table_of(kind, matching(kind, None), width)], width).splitlines()
    for name in rows_of(kind):
        assert any(re.match(rf"{re.escape(name)}(\(|\s|$)", line) for line in lines), name


def test_list_by_word() -> None:
    done = warm_tfpt("list", "differences", "momentum")
    assert done.code == 0
    assert "bn-momentum" in done.out
    assert "act-gelu-default" not in done.out
    assert "gradient\n" not in warm_tfpt("list", "operations", "relu").out  # a few are shown whole


def test_the_count_of_one(capsys: pytest.CaptureFixture[str]) -> None:
    run_list("layers", "bilinear")
    assert "1 layer;" in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_a_word_that_no_row_holds(kind: str) -> None:
    with pytest.raises(click.UsageError, match=f"no {kind} hold 'zzzz'"):
        run_list(kind, "zzzz")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        (
            "Dense",
            ["linear(", "keras.layers.Dense(", "out in -> in out", "init-linear-default", "tfpt check scenarios/"],
        ),
        ("linear", ["linear(", "layer"]),
        ("nn.LSTM", ["lstm(", "gates: PyTorch input forget cell output", "{copy}"]),
        ("reduce_sum", ["sum(", "tf.reduce_sum(", "np.sum(", "differentiable", "ULP off"]),
        ("tf.reduce_sum", ["sum("]),
        ("kaiming_normal_", ["kaiming_normal(", "initializer", "untruncated_normal", "init-he-normal-truncated"]),
        ("he_normal", ["he_normal(", "keras.initializers.HeNormal"]),
        ("softmax", ["softmax(", "parts", "act-softmax-dim"]),
        ("act-gelu-default", ["write in TensorFlow", "approximate=False", "source", "--fix-preview"]),
    ],
)
def test_show(name: str, parts: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    assert run_show(name) == 0
    text = capsys.readouterr().out
    for part in parts:
        assert part in text


@pytest.mark.parametrize("kind", KINDS[:3])
def test_a_name_of_a_framework_shows_the_row(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    names = dictionary().other_names(kind)
    assert len(names) > len(rows_of(kind))  # PyTorch's and TensorFlow's too
    for name in list(names)[:: 20 if kind == "operations" else 1]:
        assert run_show(name) == 0
        shown = capsys.readouterr().out
        assert compact(shown).startswith(f"{name if whole(name) else names[name]}("), name


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Dens", "did you mean 'linear'?"),
        ("sofmax", "did you mean 'softmax'?"),
        ("bn-momentun", "'bn-momentum'?"),
        ("", "''"),
        ("zzzz", "'zzzz'"),
    ],
)
def test_an_unknown_name(name: str, hint: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        run_show(name)
    assert raised.value.message.startswith(f"nothing is called '{name}'")
    assert raised.value.message.endswith(hint)
    assert len(raised.value.message) < 80


@given(st.sampled_from([name for kind in KINDS for name in rows_of(kind) if len(name) > 4]), st.data())
def test_a_slip_of_the_pen_is_answered_with_a_name_as_near(name: str, data: st.DataObject) -> None:
    """A letter left out, twice or another: the name that is meant, or one that is no farther from what was typed."""
    place = data.draw(st.integers(0, len(name) - 1))
    word = name[:place] + data.draw(st.sampled_from(["", name[place] * 2, "x"])) + name[place + 1 :]
    names = [row for kind in KINDS for row in rows_of(kind)]
    found = re.fullmatch(r", did you mean '(.+)'\?", did_you_mean(word, names))
    assert found is not None
    assert found[1] in names
    ratio = SequenceMatcher(None, word, name).ratio
    assert (
        SequenceMatcher(None, found[1], word).ratio() >= min(ratio(), SequenceMatcher(None, name, word).ratio()) - 1e-9
    )


@given(st.text(st.characters(exclude_categories=["L", "Nd"]), min_size=1, max_size=12))
def test_nothing_is_suggested_for_what_is_like_no_name(word: str) -> None:
    assert did_you_mean(word * 3, rows_of("layers")) == ""


def test_explain(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_explain(("act-gelu-default", "bn-momentum")) == 0
    text = capsys.readouterr().out
    assert text.index("act-gelu-default") < text.index("bn-momentum")
    run_explain(("gelu",))  # a word
    assert "eq-gelu  believed to differ, and equal" in capsys.readouterr().out


def test_explain_of_what_is_not_known() -> None:
    with pytest.raises(click.UsageError, match=r"did you mean 'act-gelu-default'\?$"):
        run_explain(("act-gelu-defualt",))
    with pytest.raises(click.UsageError, match=r"tfpt list differences has them all"):
        run_explain(("zzzz",))


def test_every_difference_says_what_to_do() -> None:
    for row in rows_of("differences").values():
        text = compact(printed([difference_details(row)], 160))
        for part in (row.what, row.why, *row.write.values(), row.proof):
            assert compact(part) in text, row.name
        assert ("--fix-preview" in text) == bool(row.fixes), row.name


def test_nothing_is_started_and_bad_names_end_with_2(fakes: dict[str, str]) -> None:
    from pathlib import Path

    mark = fakes.pop("mark")
    assert run_tfpt("show", "Dense", environment=fakes).code == 0
    done = run_tfpt("show", "Dens", environment=fakes)
    assert (done.code, done.out) == (2, "")
    assert "did you mean" in done.err
    assert not Path(mark).exists()


def test_a_locale_that_is_not_utf_8() -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "40"}
    done = run_tfpt("list", "differences", environment=plain)
    assert done.code == 0
    assert done.out.isascii()
    assert max(map(len, done.out.splitlines())) <= 40


def test_columns_that_are_no_number() -> None:
    assert run_tfpt("list", "layers", environment={"COLUMNS": "wide"}).code == 0


def completions(*words: str) -> list[str]:
    """What a shell offers for the last word, as click answers it."""
    complete = ShellComplete(cli, {}, "tfpt", "_TFPT_COMPLETE")
    return [item.value for item in complete.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("weights", "lin"), ["linear"]),
        (("weights", "linear(3, 4)", "--weight", "kaim"), ["kaiming_normal", "kaiming_uniform"]),
        (("grad", "softm"), ["softmax"]),
        (("grad", "relu(sof"), ["relu(softmax", "relu(softplus"]),
        (("grad", "2 * x + log_"), ["2 * x + log_softmax"]),
        (("show", "he_"), ["he_normal", "he_uniform"]),
        (("show", "bn-"), ["bn-momentum"]),
        (("explain", "act-gelu"), ["act-gelu-default"]),
        (("explain", "bn-momentum", "act-gelu"), ["act-gelu-default"]),
        (("selfcheck", "log_"), ["log_softmax"]),
        (("new", "--from", "op-std"), ["op-std-ddof"]),
        (("list", "lay"), ["layers"]),
        (("check", "--report-"), []),
        (("wat",), ["watch"]),
    ],
)
def test_completion(words: tuple[str, ...], some: list[str]) -> None:
    found = completions(*words)
    assert set(some) <= set(found)
    assert all(value.startswith(words[-1]) for value in found)
    assert bool(found) == bool(some)


@pytest.mark.parametrize(
    "words",
    [
        ("check", ""), ("check", "x.yaml", ""), ("check", "x.yaml", "-o", ""), ("check", "--baseline", ""), ("watch", ""),
        ("validate", ""), ("code", ""), ("code", "-o", ""), ("new", ""), ("site", "-o", ""), ("grad", "x", "--save", ""),
        ("doctor", "--torch-python", ""),
    ],
)  # fmt: skip
def test_the_shell_completes_paths(words: tuple[str, ...]) -> None:
    complete = ShellComplete(cli, {}, "tfpt", "_TFPT_COMPLETE")
    assert [item.type for item in complete.get_completions(list(words[:-1]), words[-1])] == ["file"]


def test_all_rows_are_offered() -> None:
    assert set(completions("explain", "")) == set(rows_of("differences"))
    assert set(completions("weights", "")) == set(rows_of("layers"))
    assert set(completions("show", "")) == {name for kind in KINDS for name in rows_of(kind)}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(shell: str) -> None:
    done = warm_tfpt("completion", shell)
    assert done.code == 0
    assert done.out.startswith("# ")
    assert "_TFPT_COMPLETE" in done.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=done.out, text=True, check=True)


def test_the_shell_of_a_completion_is_known() -> None:
    done = warm_tfpt("completion", "csh")
    assert done.code == 2
    assert "bash" in done.err
