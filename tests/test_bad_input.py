"""Every bad input is a file in `tests/bad` with its expected messages: exit 2, no traceback, no framework started."""

from __future__ import annotations

import difflib
import os
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, run_tfpt, warm_tfpt
from tests.tasks import gradient_of
from tfpt_cli.language.suggest import MOST_HINTS
from tfpt_cli.results import Problem
from tfpt_cli.scenario.files import scenario_files
from tfpt_cli.scenario.scenario import load

if TYPE_CHECKING:
    from collections.abc import Callable

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))


def problems(path: Path) -> list[str]:
    found = [item for item in load(str(path)) if isinstance(item, Problem)]
    return [str(problem).removeprefix(f"{path}:").replace(f"{ROOT}/", "") for problem in found]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_expected_messages(path: Path) -> None:
    assert problems(path) == path.with_suffix(".txt").read_text(encoding="utf-8").splitlines()


def test_every_message_has_a_file() -> None:
    assert {path.stem for path in BAD.glob("*.txt")} == {path.stem for path in FILES}


def test_all_problems_of_all_files_at_once_and_no_framework(fakes: dict[str, str]) -> None:
    mark = fakes.pop("mark")
    done = run_tfpt("check", BAD, "--format", "json", environment=fakes)
    assert done.code == 2
    assert done.json["scenarios"] == []
    assert {Path(problem["file"]).stem for problem in done.json["problems"]} == {path.stem for path in FILES}
    assert not Path(mark).exists()
    for problem in done.json["problems"]:
        assert f"{problem['file']}:{problem['line']}:{problem['column']}: " in done.err


def test_the_fakes_would_show_a_framework_that_starts(fakes: dict[str, str], write: Callable[..., Path]) -> None:
    mark = fakes.pop("mark")
    done = run_tfpt("check", write("name: n\ngradient: {of: x, at: {x: 1.0}}\n"), environment=fakes)
    assert done.code == 3
    assert Path(mark).exists()


def test_an_invalid_file_does_not_stop_the_valid_ones(write: Callable[..., Path]) -> None:
    write("name: good\ngradient: {of: x + 1, at: {x: 1.0}}\n", "good.yaml")
    bad = write(
        "name: bad\ngradient: {of: x + , at: {x: 1.0}}\n---\nname: also good\ngradient: {of: x, at: {x: 1.0}}\n",
        "bad.yaml",
    )
    done = warm_tfpt("check", bad.parent, "--format", "json")
    assert done.code == 2
    assert [(s["name"], s["status"]) for s in done.json["scenarios"]] == [("also good", "passed"), ("good", "passed")]
    assert [problem["line"] for problem in done.json["problems"]] == [2]


def test_a_file_of_101_megabytes(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(101_000_000)
    assert [str(p) for p in load(str(path))] == [
        f"{path}: the file is 101.0 MB; a scenario file may have 100 MB, split it"
    ]


GOOD = "name: good\ngradient: {of: x, at: {x: 1.0}}\n---\n"
LARGE = {
    "a comment": "# " + "x" * 2_000_000,
    "a text": "name: '" + "x" * 2_000_000 + "'\ngradient: {of: x, at: {x: 1.0}}\n",
    "a list": "name: n\ngradient: {of: x, at: {x: [" + "1.0, " * 400_000 + "]}}\n",
}


@pytest.mark.parametrize("what", LARGE)
def test_a_document_of_2_megabytes(what: str, write: Callable[..., Path]) -> None:
    """It ends the file, and what stands before it is kept."""
    path = write(GOOD + LARGE[what])
    found = list(load(str(path)))
    assert [scenario.name for scenarios in found if isinstance(scenarios, list) for scenario in scenarios] == ["good"]
    words = "the document that begins here has more than 1 MB; split it, or draw large values"
    assert [str(problem) for problem in found if isinstance(problem, Problem)] == [f"{path}:3:1: {words}"]


def test_a_file_of_many_megabytes_is_read_as_it_is_asked_for(write: Callable[..., Path]) -> None:
    """5 MB in 2,000 documents: each stands where it stands, and little of the file is held."""
    one = "# é{comment}\nname: n\ngradient: {{of: tanh(y), at: {{x: 1.0}}}}\n---\n"
    list(load(str(write(one.format(comment="")))))  # the rows are read once
    path = write(one.format(comment="x" * 2500) * 2000 + "a: [")
    tracemalloc.start()
    try:
        places = [(problem.line, problem.column) for problem in load(str(path)) if isinstance(problem, Problem)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert places == [*((4 * number + 3, 21) for number in range(2000)), (8002, 1)]
    assert peak < path.stat().st_size / 2


def test_a_file_that_is_written_to_while_it_is_read(write: Callable[..., Path]) -> None:
    """A large one is read as it is asked for, which may be when it is another; a small one was read when it was opened."""
    for comment, said in (("x" * 1500, True), ("x", False)):
        path = write(f"# {comment}\n{GOOD}" * 1000 + "name: last\ngradient: {of: x, at: {x: 1.0}}\n")
        found = load(str(path))
        next(found)
        minute_ago = path.stat().st_mtime - 60
        path.write_text(GOOD * 3000, encoding="utf-8")
        os.utime(path, (minute_ago, minute_ago))
        rest = list(found)
        words = [str(one) for one in rest if isinstance(one, Problem)]
        assert any("it was written to while it was read" in text for text in words) == said
        assert said or len(rest) == 1000


def test_paths_that_are_not_there(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = warm_tfpt("validate", tmp_path / "nowhere.yaml", empty)
    assert done.code == 2
    assert f"{tmp_path / 'nowhere.yaml'}: no such file or folder" in done.out
    assert f"{empty}: no scenarios in this folder" in done.out


def test_a_file_that_is_named_twice_is_read_once(write: Callable[..., Path]) -> None:
    path = write("name: n\ngradient: {of: x, at: {x: 1.0}}\n")
    assert list(scenario_files([str(path), str(path.parent), str(path)])) == [str(path)]


def test_yaml_1_2_numbers_and_texts(write: Callable[..., Path]) -> None:
    path = write(
        "name: on\ntolerance: {rtol: 1e-3, atol: 0}\nbecause: no\ngradient: {of: x, at: {x: [.inf, -.inf, 0x10, 1e-3]}}\n"
    )
    ((scenario,),) = (item for item in load(str(path)) if isinstance(item, list))
    assert (scenario.name, scenario.because, scenario.tolerance.rtol) == ("on", "no", 1e-3)  # type: ignore[union-attr]
    assert gradient_of(scenario).inputs["x"].source == "[math.inf, -math.inf, 16, 0.001]"


def test_the_nearest_name_is_looked_for_as_often_as_it_is_shown(
    write: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is compared with thousands of names: 64 outputs of unknown ones took 13 s, for a hundred problems that are shown."""
    asked = 0
    close = difflib.get_close_matches

    def counted(*given: Any, **more: Any) -> list[Any]:
        nonlocal asked
        asked += 1
        return close(*given, **more)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    for module, sides in (("", ("of",)), ("torch.", ("torch", "tensorflow"))):
        lines = "".join(
            f"    y{i}: {' + '.join(f'{module}zig{i}x{k}{module[:1]}(x)' for k in range(40))}\n" for i in range(64)
        )
        fields = "".join(f"  {side}:\n{lines}" for side in sides)
        path = write(f"name: n\ngradient:\n{fields}  at: {{x: 1.0}}\n", f"{module}names.yaml")
        before = asked
        found = problems(path)
        assert found[-1].endswith("more problems")
        assert len(found) == 101
        assert 50 <= asked - before <= 4 * MOST_HINTS


def test_more_expressions_than_are_read(write: Callable[..., Path]) -> None:
    """Without a matrix too: 64 outputs on each side may have half a megabyte of code, which would take seconds to read."""
    code = " + ".join(["torch.tanh(x)"] * 90)
    lines = {side: "".join(f"    y{i}: {code}\n" for i in range(64)) for side in ("torch", "tensorflow")}
    fields = "".join(f"  {side}:\n{text}" for side, text in lines.items())
    path = write(
        f"name: n\ngradient:\n{fields}  let:\n{fields.replace('  y', '    h').replace('  t', '    t')}  at: {{x: 1.0}}\n"
    )
    size = 4 * 64 * len(code)
    assert problems(path) == [
        f"2:1: this scenario is too much: {size:,} characters of expressions; at most 300,000 are allowed, split it"
    ]
