"""A scenario from a stranger can do nothing but compute: every way out that was thought of ends in a refusal.

The escapes are data (`tests/strangers`). In each file a scenario has a hole, `ESCAPE`, into which one text after another is
put; the refusal must hold the words beside it and stand at a place of the file, and nothing but the scenario and tfpt itself
may be opened.
`{HUGE}` is a whole number of 15,600 bits. What only a run can refuse is in `runs.yaml`, commands in `commands.yaml`.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import re
import resource
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from tests.conftest import ROOT, Done, run_tfpt
from tfpt_cli.results import Problem
from tfpt_cli.scenario.scenario import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = Path(__file__).parent / "strangers"
HUGE = "0x" + "f" * 3900
NOT_READ_SO = {"commands", "runs", "crashes"}
ESCAPES = [
    (f"{file.stem}: {section['place']}", section.get("scenario", "ESCAPE"), escape, words)
    for file in sorted(FOLDER.glob("*.yaml"))
    if file.stem not in NOT_READ_SO
    for section in yaml.safe_load(file.read_text(encoding="utf-8"))
    for escape, words in section["refused"]
]
COMMANDS = yaml.safe_load((FOLDER / "commands.yaml").read_text(encoding="utf-8"))
PLACE = re.compile(r":\d+:\d+: ")
# What touches something; parsing an expression, which is an event too, does not.
TOUCHES = re.compile(
    r"open$|os\.|subprocess\.|socket\.|shutil\.|ctypes\.dlopen|tempfile\.|urllib\.|exec$|pickle\.|sqlite3\."
)
# Of the processor, not of a clock: another may use it meanwhile. What has no end takes more on any machine.
SECONDS, MEGABYTES = 30.0, 300
GRADIENT = "name: n\ngradient: {torch: ESCAPE, tensorflow: x, at: {x: 1.0}}\n"

USUAL = """
name: n
versions: {torch: '>=2'}
gradient: {of: x + a, at: {x: 'normal(0, 1, (2, 3))'}}
matrix: {a: [1]}
---
name: n
init: {layer: 'linear(3, 4)', weight: 'uniform(0, 1)'}
---
name: n
init:
  torch: {layer: 'nn.Linear(3, 4)', weight: 'nn.init.zeros_()'}
  tensorflow: {layer: 'keras.layers.Dense(4)', input_shape: [3]}
  layout: {weight: out in -> in out}
---
name: n
model: {torch: 'nn.Linear(3, 4)', tensorflow: 'keras.layers.Dense(4)', at: {x: 'ones((2, 3))'}, layout: {x: n c -> n c}}
"""


class _Watch:
    """An audit hook, which no process can take out again: it notes what is touched while it looks."""

    looks: bool = False
    seen: list[str] = []  # noqa: RUF012 - one for the process
    there: bool = False

    @classmethod
    def hook(cls, event: str, arguments: tuple[Any, ...]) -> None:
        if cls.looks and TOUCHES.match(event):
            shown = (arguments[0].co_filename,) if event == "exec" else arguments
            cls.seen.append(f"{event} {shown!r}"[:300])


@contextlib.contextmanager
def watched() -> Iterator[list[str]]:
    """What is opened, started or run in this process meanwhile."""
    if not _Watch.there:
        sys.addaudithook(_Watch.hook)
        _Watch.there = True
    _Watch.seen, _Watch.looks = [], True
    try:
        yield _Watch.seen
    finally:
        _Watch.looks = False


def elsewhere(seen: list[str], *own: Path) -> list[str]:
    """What of it is neither one of some files nor Python and tfpt that read themselves."""
    places = (*own, ROOT / "tfpt_cli", sys.prefix, sys.base_prefix)
    read = [f"{event} ('{place}" for event in ("open", "exec", "os.scandir", "os.listdir") for place in places]
    # What a row of the dictionary computes sizes with is compiled, and it is tfpt's own; so is how much memory it has.
    itself = "exec ('<row>'", "open ('/proc/self/statm',"
    return [event for event in seen if not event.startswith((*read, *itself))]


def refusals(path: Path) -> list[str]:
    """The problems of a file; what is read of it besides is told as such."""
    return [str(found) if isinstance(found, Problem) else f"READ: {found}" for found in load(str(path))]


@pytest.fixture
def stranger(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a scenario with an escape in it into a folder in which there is a Python file that would leave a mark."""
    (tmp_path / "f.py").write_text("open('ran', 'w')\ndef loss(x): return x\nclass Net: pass\n", encoding="utf-8")

    def write(scenario: str, escape: str) -> Path:
        path = tmp_path / "scenario.yaml"
        text = escape if scenario == "ESCAPE" else scenario.replace("ESCAPE", json.dumps(escape))
        path.write_bytes(text.replace("{HUGE}", HUGE).encode("utf-8", "surrogatepass"))
        return path

    return write


@pytest.fixture(scope="module", autouse=True)
def everything_is_imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What tfpt imports late, and keeps in its own cache, is no escape's doing."""
    path = tmp_path_factory.mktemp("usual") / "scenario.yaml"
    path.write_text("name: n\ninit: {layer: 'linaer(3, 4)'}\n", encoding="utf-8")
    assert "did you mean 'linear'" in str(refusals(path))  # for which all that there is is looked through
    path.write_text(USUAL, encoding="utf-8")
    assert refusals_of_code(path) == []


@pytest.mark.parametrize(
    ("place", "scenario", "escape", "words"), ESCAPES, ids=[f"{at[0]}-{number}" for number, at in enumerate(ESCAPES)]
)
def test_an_escape_ends_in_a_refusal(
    place: str,
    scenario: str,
    escape: str,
    words: str,
    stranger: Callable[[str, str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = stranger(scenario, escape)
    monkeypatch.chdir(path.parent)
    before, began = sorted(os.listdir()), time.process_time()
    with watched() as seen:
        said = refusals(path)
    assert said, place
    assert not [text for text in said if text.startswith("READ")], said
    assert any(words.replace("{HUGE}", HUGE) in text for text in said), said
    assert all(PLACE.search(text) for text in said), said
    assert elsewhere(seen, path) == []
    assert sorted(os.listdir()) == before
    assert time.process_time() - began < SECONDS


def test_there_are_many_of_all_kinds() -> None:
    assert len(ESCAPES) > 550
    assert len({place for place, *_ in ESCAPES}) > 35
    assert len({(scenario, escape) for _, scenario, escape, _ in ESCAPES}) == len(ESCAPES)


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (GRADIENT.replace("ESCAPE", "x" + " + x" * 1500), "the expression has 6001 characters; at most 4000"),
        (GRADIENT.replace("ESCAPE", "'" + "-" * 3000 + "x'"), "nested too deeply"),
        (GRADIENT.replace("ESCAPE", "'" + "(" * 1900 + "x" + ")" * 1900 + "'"), "too many nested parentheses"),
        (GRADIENT.replace("ESCAPE", "x" + ".T" * 1900), "the expression has 3802 parts; at most 2000"),
        (GRADIENT.replace("ESCAPE", "'" + "x" * 1_100_000 + "'"), "the document that begins here has more than 1 MB"),
        (f"name: n\ngradient: {'[' * 2000}{']' * 2000}\n", "exceeded maximum nesting depth"),
        (f"name: n\ngradient: {'{a: ' * 500}1{'}' * 500}\n", "nested more than 24 levels deep"),
        (f"{'- ' * 3000}x\n", "nested more than 24 levels deep"),
        (f"name: n\ngradient: {{of: x, at: {{x: 1{'0' * 500}}}}}\n", "a whole number may have 400 digits"),
        (f"name: n\ngradient: {{of: x, at: {{x: [{'1,' * 20_001}]}}}}\n", "at most 20,000 are allowed"),
        (f"name: n\ngradient: {{of: x, at: {{{', '.join(f'x{i}: 1.0' for i in range(65))}}}}}\n", "1 to 64 inputs"),
        (f"name: {'a' * 100_000}\ngradient: {{of: x, at: {{x: 1.0}}}}\n", "a text of 1 to 200 characters"),
        ("a: &a [x]\n" + "".join(f"b{i}: &b{i} [*a, *a]\n" for i in range(9000)), "aliases (*a) are not part"),
        ("".join(f"k{i}: 1\n" for i in range(60_000)), "unknown key 'k0'"),
        ("---\n" * 200_000, "no scenario in this file"),
        ("name: n\ninit: {layer: 'linear(3, 4)', weight: " + "a" * 3900 + "}\n", "unknown initializer"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else None,
)
def test_what_is_too_much_is_refused_at_once(scenario: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    began, used = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = refusals(path)
    assert any(words in text for text in said), [text[:200] for text in said[:3]]
    assert time.process_time() - began < SECONDS
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) / 1024 < MEGABYTES


def test_what_an_output_is_picked_by_is_checked_as_all_code_is(
    stranger: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`model(x)[open('f')]` was once taken as it stood."""
    scenario = next(scenario for place, scenario, *_ in ESCAPES if place == "fields: model.call")
    assert not refusals_of_code(stranger(scenario, "model(x)[0]"))
    assert refusals_of_code(stranger(scenario, "model(x)[open('f')]"))
    monkeypatch.setattr("tfpt_cli.subjects.model.checks.check_native", lambda *_: [])
    monkeypatch.setattr("tfpt_cli.subjects.model.checks.nodes", lambda *_: [])
    assert not refusals_of_code(stranger(scenario, "model(x)[open('f')]"))


def refusals_of_code(path: Path) -> list[str]:
    return [text for text in refusals(path) if not text.startswith("READ")]


def test_the_watch_sees_what_is_opened(tmp_path: Path) -> None:
    with watched() as seen:
        (tmp_path / "mark").write_text("x", encoding="utf-8")
    assert elsewhere(seen)
    assert not elsewhere(seen, tmp_path / "mark")


def test_what_only_a_run_can_refuse_ends_within_its_limits(tmp_path: Path) -> None:
    (tmp_path / "runs.yaml").write_bytes((FOLDER / "runs.yaml").read_bytes())
    limits = ("--memory", "2", "--timeout", "6", "--no-reference")
    done = run_tfpt("check", "runs.yaml", "--format", "json", *limits, cwd=tmp_path, timeout=600)
    assert done.code in (1, 3), done.err
    assert len(done.json["scenarios"]) == 18
    assert [s["name"] for s in done.json["scenarios"] if s["status"] != "error"] == []
    # The names of what failed are tfpt's own, for --last-failed.
    assert sorted(os.listdir(tmp_path)) == [".tfpt_cache", "runs.yaml"]


def test_what_ends_its_process_is_its_own_scenarios_error(tmp_path: Path) -> None:
    """In C++, or never: the scenarios between them are computed, by a process that is started anew."""
    between = "name: harmless\ngradient: {of: tanh(x), at: {x: 0.5}, derivatives: none}\n"
    crashes = (FOLDER / "crashes.yaml").read_text(encoding="utf-8").split("---\n")
    text = "---\n".join(part for crash in crashes for part in (crash, between))
    (tmp_path / "crashes.yaml").write_text(text, encoding="utf-8")
    limits = ("--memory", "2", "--timeout", "20", "--no-reference")
    done = run_tfpt("check", "crashes.yaml", "--format", "json", *limits, cwd=tmp_path, timeout=600)
    assert done.code in (1, 3), done.err
    found = done.json["scenarios"]
    assert len(found) == 2 * len(crashes)
    assert [s["status"] for s in found] == ["error", "passed"] * len(crashes)
    assert all(s["failures"] for s in found[::2])
    assert sorted(os.listdir(tmp_path)) == [".tfpt_cache", "crashes.yaml"]


@pytest.mark.parametrize(("command", "words"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_is_no_way_out(
    command: str, words: str, monkeypatch: pytest.MonkeyPatch, tfpt: Callable[..., Done]
) -> None:
    def never(*_: object) -> None:
        pytest.fail("a framework was started")

    monkeypatch.setattr("tfpt_cli.cli.one_liners.Session", never)
    Path("f.py").write_text("open('ran', 'w')\ndef loss(x): return x\n", encoding="utf-8")
    done = tfpt(*shlex.split(command))
    assert done.code == 2
    assert words in " ".join((done.err + done.out).split())
    assert "Traceback" not in done.err
    assert os.listdir() == ["f.py"]


@pytest.mark.parametrize("weights", ["net.pt", "saved", "net.index.json", "prefix", "folder/net.pt"])
def test_weights_may_be_no_link_out_of_the_folder(weights: str, tmp_path: Path) -> None:
    here = tmp_path / "stranger"
    (here / "saved" / "variables").mkdir(parents=True)
    (tmp_path / "secret").mkdir()
    for name in ("net.pt", "prefix.data-00000-of-00001"):
        (tmp_path / "secret" / name).write_bytes(b"secret")
        (here / name).symlink_to(tmp_path / "secret" / name)
    (here / "folder").symlink_to(tmp_path / "secret")
    (here / "saved" / "variables" / "variables.index").symlink_to(tmp_path / "secret" / "net.pt")
    (here / "net.index.json").write_text('{"weight_map": {"w": "net.pt"}}', encoding="utf-8")
    (here / "prefix.index").write_bytes(b"x")
    model = "torch: 'nn.Linear(3, 4)', tensorflow: 'keras.layers.Dense(4)', at: {x: 'ones((2, 3))'}"
    path = here / "scenario.yaml"
    path.write_text(f"name: n\nmodel: {{{model}, weights: {weights}}}\n", encoding="utf-8")
    (said,) = refusals(path)
    assert PLACE.search(said)
    assert "which is not in the scenario's folder; if you trust the scenario to read it, add --allow-code" in said
    assert [found for found in load(str(path), allow_code=True) if isinstance(found, Problem)] == []


@pytest.mark.parametrize("place", [".tfpt_cache", ".tfpt_cache/last_failed.json", ".tfpt_cache/.gitignore"])
def test_what_failed_is_kept_in_no_other_file(place: str, tmp_path: Path, tfpt: Callable[..., Done]) -> None:
    """A folder from a stranger may hold a link where tfpt keeps what failed."""
    Path("s.yaml").write_text(
        "name: n\nexpect: differ\nbecause: b\ngradient: {of: x, at: {x: 1.0}}\n", encoding="utf-8"
    )
    target = tmp_path / "precious"
    if place == ".tfpt_cache":
        target.mkdir()
    else:
        Path(".tfpt_cache").mkdir()
        target.write_text("precious", encoding="utf-8")
    Path(place).symlink_to(target)
    assert tfpt("check", "s.yaml").code == 1
    assert (sorted(os.listdir(target)) == []) if target.is_dir() else (target.read_text(encoding="utf-8") == "precious")
    done = tfpt("check", "s.yaml", "--last-failed")
    assert done.code == 2
    assert "it is a link, which is not followed" in done.err


def test_no_name_ends_a_comment_of_code_that_is_written(tfpt: Callable[..., Done]) -> None:
    """What tfpt writes to be run is what the scenario says it computes, whatever its layers are called."""
    name = "x\n    import os; print(1)#"
    layer = f"keras.Sequential([keras.layers.Dense(4, name={name!r})])"
    model = {"torch": "nn.Sequential(nn.Linear(3, 4))", "tensorflow": layer, "at": {"x": "ones((2, 3))"}}
    scenario = {"name": name, "because": name, "model": model}
    Path("s.yaml").write_text(yaml.safe_dump(scenario), encoding="utf-8")
    weights: dict[str, Any] = {"0.weight": np.ones((4, 3), np.float32), "0.bias": np.ones(4, np.float32)}
    np.savez("net.npz", **weights)
    for command in (["transfer", "s.yaml", "--from", "net.npz", "--code"], ["code", "s.yaml"]):
        written = ast.parse(tfpt(*command).out)
        imported = {alias.name for node in ast.walk(written) if isinstance(node, ast.Import) for alias in node.names}
        assert "numpy" in imported
        assert "os" not in imported
