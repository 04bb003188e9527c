"""Results that are kept from run to run: what is unchanged is answered from there, and nothing else ever is."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import Done, run_tfpt, warm_tfpt
from tfpt_cli.engine import fingerprint, kept, stored
from tfpt_cli.frameworks import SIDES
from tfpt_cli.workers.queue import ListingQueue

if TYPE_CHECKING:
    from collections.abc import Callable

SUM = """\
name: {name}
gradient:
  of: sum(tanh(x) * {factor})
  at: {{x: [0.5, 1.0]}}
"""
# Of each subject, with what a result can hold: a known difference, a matrix, NaN, complex numbers, layers, an exception.
EVERYTHING = """\
name: skipped
versions: {torch: '<1'}
gradient: {of: sum(x), at: {x: [1.0]}}
---
name: a known difference
gradient:
  torch: F.gelu(x)
  tensorflow: keras.activations.gelu(x, approximate=True)
  at: {x: [0.5, 1.0]}
---
name: a matrix
matrix: {op: [tanh, sinh]}
gradient: {of: sum(op(x)), at: {x: [0.5]}}
expect: {value: agree, d/dx: agree}
---
name: not a number
gradient: {of: log(x), at: {x: [-1.0, 2.0]}}
---
name: complex
dtype: complex64
gradient: {of: x * x, at: {x: [1.0]}, derivatives: []}
---
name: two layers
model:
  torch: nn.Sequential(nn.Linear(3, 4), nn.Tanh())
  tensorflow: keras.Sequential([keras.layers.Dense(4), keras.layers.Activation("relu")])
  at: {x: 'normal(0, 1, (2, 3))'}
---
name: weights
init: {layer: 'linear(3, 4)', weight: 'uniform(0, 1)'}
---
name: refused
gradient: {torch: 'torch.linalg.cholesky(x)', tensorflow: 'tf.linalg.cholesky(x)', at: {x: [[-1.0]]}}
expect: error
because: no Cholesky factor
"""


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of caches for this test alone, and a working folder, in which results are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    monkeypatch.setenv("TFPT_CACHE", "1")
    (tmp_path / "here").mkdir()
    return tmp_path / "caches" / "tfpt" / kept.FILE


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The working folder."""
    return tmp_path / "here"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every listing that a framework is given."""
    found: list[str] = []
    add = ListingQueue.add

    def counted(queue: ListingQueue, *arguments: Any, **given: Any) -> None:
        found.append(queue.side)
        add(queue, *arguments, **given)

    monkeypatch.setattr(ListingQueue, "add", counted)
    return found


def write(here: Path, *texts: str) -> None:
    (here / "a.yaml").write_text("---\n".join(texts), encoding="utf-8")


def check(here: Path, *arguments: str) -> dict[str, Any]:
    """The JSON report of a run, whose results are all as expected unless a test says otherwise."""
    return warm_tfpt("check", *(arguments or ["a.yaml"]), "--format", "json", cwd=here).json


def cached(report: dict[str, Any]) -> list[str]:
    return [scenario["name"] for scenario in report["scenarios"] if scenario.get("cached")]


def untimed(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what differs from run to run."""
    scenarios = [{k: v for k, v in s.items() if k not in ("cached", "seconds")} for s in report["scenarios"]]
    return {**report, "scenarios": scenarios, "seconds": 0}


def test_what_is_unchanged_is_answered_as_it_was(here: Path, asked: list[str]) -> None:
    write(here, EVERYTHING)
    first = check(here)
    assert asked
    assert cached(first) == []
    asked.clear()
    second = check(here)
    assert [s["name"] for s in second["scenarios"] if not s.get("cached")] == []
    assert asked == []
    assert len(cached(second)) == len(second["scenarios"]) == 9
    assert untimed(second) == untimed(first)


def test_the_tables_are_the_same_and_the_last_line_says_where_they_are_from(here: Path) -> None:
    write(here, EVERYTHING)
    first, second = (warm_tfpt("check", "a.yaml", cwd=here) for _ in range(2))
    assert second.code == first.code == 1
    tables = [done.out.rpartition("\n\n")[0] for done in (first, second)]
    assert tables[0] == tables[1]
    assert ", all from the cache" in second.out
    assert "from the cache" not in first.out


def test_what_is_run_and_what_is_not_are_told_apart(here: Path) -> None:
    texts = [SUM.format(name=name, factor=2) for name in "abc"]
    write(here, *texts)
    check(here)
    texts[1] = SUM.format(name="b", factor=3)
    write(here, *texts)
    done = warm_tfpt("check", "a.yaml", cwd=here)
    assert "3 passed" in done.out
    assert "2 from the cache" in done.out


def _edit(here: Path, _: pytest.MonkeyPatch) -> None:
    write(here, SUM.format(name="a", factor=3))


def _variable(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("TF_ENABLE_ONEDNN_OPTS", "0" if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1" else "1")


def _other(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def change(_: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(fingerprint, name, lambda *_: "another")

    return change


CHANGES = {
    "the text": _edit,
    "a variable": _variable,
    "tfpt": _other("of_tfpt"),
    "the machine": _other("of_machine"),
    "the packages": _other("of_packages"),
    "an edit of a framework": _other("of_files"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen(what: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, SUM.format(name="a", factor=2))
    check(here)
    assert cached(check(here)) == ["a"]
    CHANGES[what](here, monkeypatch)
    assert cached(check(here)) == []


def test_a_change_that_decides_on_nothing_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = SUM.format(name="a", factor=2)
    write(here, text)
    first = check(here)
    (here / "a.yaml").write_text(f"# a comment\n\n{text}\n# and another\n", encoding="utf-8")
    monkeypatch.setenv("EDITOR", "ed")
    monkeypatch.setenv("COLUMNS", "100")
    second = check(here, "./a.yaml")
    assert cached(second) == ["a"]
    assert (first["scenarios"][0]["line"], second["scenarios"][0]["line"]) == (1, 3)
    assert second["scenarios"][0]["file"] == "./a.yaml"


def test_other_terms_are_another_result(here: Path) -> None:
    write(here, SUM.format(name="a", factor=2))
    check(here)
    assert cached(check(here, "a.yaml", "--no-reference")) == []
    assert cached(check(here, "a.yaml", "--no-cache")) == []
    assert cached(check(here)) == ["a"]


def test_a_file_of_weights_is_looked_into(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def weights(number: float) -> None:
        np.savez(here / "w.npz", weight=np.full((2, 3), number, "float32"), bias=np.zeros(2, "float32"))

    text = """\
name: a
model: {torch: 'nn.Linear(3, 2)', tensorflow: keras.layers.Dense(2), weights: w.npz, at: {x: 'normal(0, 1, (2, 3))'}}
"""
    weights(1.0)
    write(here, text)
    check(here)
    assert cached(check(here)) == ["a"]
    stamp = (here / "w.npz").stat()
    weights(2.0)
    os.utime(here / "w.npz", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert cached(check(here)) == []
    add = ListingQueue.add

    def edited(queue: ListingQueue, *arguments: Any, **given: Any) -> None:
        weights(3.0)  # while the run is under way
        add(queue, *arguments, **given)

    with monkeypatch.context() as patch:
        patch.setattr(ListingQueue, "add", edited)
        weights(4.0)
        assert cached(check(here)) == []
    assert cached(check(here)) == []
    (here / "w.npz").unlink()
    assert warm_tfpt("check", "a.yaml", cwd=here).code == 2


def test_a_persons_own_python_is_always_run(here: Path) -> None:
    (here / "own.py").write_text("def f(x):\n    return x * 2\n", encoding="utf-8")
    write(here, "name: a\ngradient: {torch: {python: 'own.py:f'}, tensorflow: {python: 'own.py:f'}, at: {x: [1.0]}}\n")
    for _ in range(2):
        done = run_tfpt("check", "a.yaml", "--allow-code", "--format", "json", cwd=here)
        assert done.code == 0
        assert cached(done.json) == []


def test_a_process_that_did_not_answer_is_asked_again(here: Path, caches: Path) -> None:
    # What the frameworks take a second for, and tfpt itself a thirtieth.
    write(here, "name: a\ngradient: {of: sum(x @ x @ x @ x @ x @ x), at: {x: 'zeros((1500, 1500))'}}\n")
    done = run_tfpt("check", "a.yaml", "--timeout", "0.3", cwd=here)
    assert done.code == 3, done.out
    assert rows(caches) == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["a.yaml", "-k", "tanh"], ["m [op=tanh]"]),
        (["a.yaml", "--tag", "t"], ["b"]),
        (["a.yaml::m"], ["m [op=tanh]", "m [op=sinh]"]),
        (["a.yaml:5"], ["b"]),
        (["a.yaml", "--shard", "2/3"], ["m [op=sinh]"]),
    ],
)
def test_what_is_kept_is_chosen_as_what_is_run(arguments: list[str], names: list[str], here: Path) -> None:
    matrix = "name: m\nmatrix: {op: [tanh, sinh]}\ngradient: {of: sum(op(x)), at: {x: [0.5]}}\n"
    write(here, matrix, "name: b\ntags: [t]\ngradient: {of: sum(x), at: {x: [0.5]}}\n")
    run = check(here, *arguments, "--no-cache")
    check(here)
    known = check(here, *arguments)
    assert cached(known) == names == [scenario["name"] for scenario in known["scenarios"]]
    assert untimed(known)["summary"] == run["summary"]
    assert check(here, "a.yaml::nothing")["problems"] == check(here, "a.yaml::nothing", "--no-cache")["problems"]


def test_a_case_that_was_run_alone_is_no_whole_scenario(here: Path) -> None:
    write(here, "name: m\nmatrix: {op: [tanh, sinh]}\ngradient: {of: sum(op(x)), at: {x: [0.5]}}\n")
    check(here, "a.yaml", "-k", "tanh")
    assert cached(check(here)) == []
    assert len(cached(check(here))) == 2


def test_more_than_is_kept_is_asked_for(here: Path) -> None:
    """The code that ran, curves and recipes are in no result that is kept: such a run runs."""
    write(here, SUM.format(name="a", factor=2))
    check(here)
    for arguments in (["-v"], ["--fix-preview"], ["--report", "html=a.html"]):
        done = warm_tfpt("check", "a.yaml", *arguments, cwd=here)
        assert done.code == 0
        assert "from the cache" not in done.out


def rows(caches: Path) -> list[Any]:
    if not caches.exists():
        return []
    with sqlite3.connect(caches) as database:
        return database.execute("SELECT * FROM results").fetchall()


def _overwritten(caches: Path) -> None:
    size = caches.stat().st_size
    with caches.open("r+b") as file:
        file.seek(size // 3)
        file.write(os.urandom(size // 3))


def _in_a_row(caches: Path, column: str, value: object) -> None:
    with sqlite3.connect(caches) as database:
        database.execute(f"UPDATE results SET {column} = ?", (value,))


def _folder(caches: Path) -> None:
    caches.unlink()
    caches.mkdir()


def _link(caches: Path) -> None:
    caches.rename(caches.with_name("x"))
    caches.symlink_to("x")


def _other_tables(caches: Path) -> None:
    caches.unlink()
    with sqlite3.connect(caches) as database:
        database.execute("CREATE TABLE results (x)")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "text": lambda caches: caches.write_text("no database\n" * 100),
    "nothing": lambda caches: caches.write_bytes(b""),
    "half": lambda caches: caches.write_bytes(caches.read_bytes()[: caches.stat().st_size // 2]),
    "noise": _overwritten,
    "a folder": _folder,
    "a link": _link,
    "others may write it": lambda caches: caches.chmod(0o666),
    "other tables": _other_tables,
    "a result": lambda caches: _in_a_row(caches, "result", b"\x80\x05."),
    "what it needs": lambda caches: _in_a_row(caches, "needs", "{}"),
    "a number": lambda caches: _in_a_row(caches, "result", 12),
    "a list": lambda caches: _in_a_row(caches, "needs", "[1]"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_what_is_damaged_or_foreign_is_as_if_it_were_not_there(what: str, here: Path, caches: Path) -> None:
    write(here, SUM.format(name="a", factor=2))
    first = check(here)
    DAMAGES[what](caches)
    done = warm_tfpt("check", "a.yaml", "--format", "json", cwd=here)
    assert (done.code, done.err) == (0, "")
    # What noise has left whole may be answered; it is right then.
    assert what == "noise" or cached(done.json) == []
    assert untimed(done.json) == untimed(first)
    assert warm_tfpt("cache", "info", cwd=here).code == 0


class _Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ("broken-in",)


@pytest.mark.parametrize("name", ["os.mkdir", "a record of another module"])
def test_nothing_that_is_kept_is_run(name: str, here: Path, caches: Path) -> None:
    """Whoever can write the file could still not have anything called: only records of results are made of what is in it."""
    write(here, SUM.format(name="a", factor=2))
    check(here)
    row = rows(caches)[0]
    hostile = pickle.dumps(_Hostile() if name == "os.mkdir" else Path("x"))
    needs = row[4]
    with sqlite3.connect(caches) as database:
        seal = kept._seal(hostile, json.loads(needs))
        database.execute("UPDATE results SET result = ?, digest = ?", (hostile, seal))
    assert cached(check(here)) == []
    assert not (here / "broken-in").exists()
    assert stored.loaded(hostile, SIDES) is None


def test_a_database_that_is_being_written_is_waited_for_and_then_done_without(
    here: Path, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(here, SUM.format(name="a", factor=2))
    check(here)
    monkeypatch.setattr(kept, "_PATIENCE", 0.1)
    with sqlite3.connect(caches, isolation_level=None) as database:
        database.execute("BEGIN EXCLUSIVE")
        assert cached(check(here)) == []
        database.execute("ROLLBACK")
    assert cached(check(here)) == ["a"]


def test_without_a_folder_nothing_is_kept(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "")
    write(here, SUM.format(name="a", factor=2))
    for _ in range(2):
        assert cached(check(here)) == []
    assert "nothing is kept" in warm_tfpt("cache", "info", cwd=here).out


def test_what_was_not_asked_for_longest_is_forgotten(here: Path, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [SUM.format(name=f"s{number}", factor=number + 2) for number in range(6)]
    write(here, *texts)
    check(here)
    largest = max(len(row[5]) for row in rows(caches))
    monkeypatch.setattr(kept, "_JUST_NOW", 0.0)
    write(here, texts[0])
    time.sleep(0.01)
    check(here)  # is asked for again
    monkeypatch.setattr(kept, "MOST", 2 * largest)
    write(here, SUM.format(name="new", factor=9))
    check(here)
    assert {row[3] for row in rows(caches)} <= {"s0", "new"}
    assert "new" in {row[3] for row in rows(caches)}


def test_what_was_finished_before_a_kill_is_kept(here: Path, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(here, *(SUM.format(name=f"s{number}", factor=number + 2) for number in range(5)))
    monkeypatch.setattr(kept, "_AT_ONCE", 2)
    monkeypatch.setattr(kept.KeptResults, "save", lambda *_: None)
    check(here)
    assert {row[3] for row in rows(caches)} == {"s0", "s1", "s2", "s3"}


def test_cache_info_and_clear(here: Path, caches: Path) -> None:
    assert "is empty" in warm_tfpt("cache", "info", cwd=here).out
    write(here, SUM.format(name="a", factor=2))
    check(here)
    done = warm_tfpt("cache", "info", cwd=here)
    assert "1 result, 0.0 MB of at most 200" in done.out
    assert str(caches) in done.out.replace("\n", "")
    assert warm_tfpt("cache", "clear", cwd=here).code == 0
    assert cached(check(here)) == []


def test_the_frameworks_files_are_looked_at() -> None:
    """An edit of a framework where it is installed changes no version, and is seen."""
    before = fingerprint.of_files(SIDES[0])
    assert before == fingerprint.of_files(SIDES[0])
    file = Path(str(importlib.util.find_spec("keras").origin)).with_name("tfpt_was_here.py")  # type: ignore[union-attr]
    try:
        file.write_text("", encoding="utf-8")
    except OSError:
        pytest.skip("the environment is read only")
    try:
        assert fingerprint.of_files(SIDES[0]) != before
    finally:
        file.unlink()
    assert fingerprint.of_files(SIDES[0]) == before


def test_tfpt_itself_is_told_by_what_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprint, "_PACKAGE", tmp_path)
    found = set()
    for content in ("a: 1\n", "a: 2\n", "a: 1\n"):
        (tmp_path / "rows.yaml").write_text(content, encoding="utf-8")
        fingerprint.of_tfpt.cache_clear()
        found.add(fingerprint.of_tfpt())
    fingerprint.of_tfpt.cache_clear()
    assert len(found) == 2


def test_the_help_names_it(here: Path) -> None:
    done: Done = warm_tfpt("check", "--help", cwd=here)
    assert "--no-cache" in done.out
