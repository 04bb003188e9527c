"""The rows that are kept ready-made: never out of date, never another user's, and nothing is lost without them."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import tfpt_cli
from tfpt_cli.dictionary import files, related
from tfpt_cli.dictionary.files import names_below, rows_of
from tfpt_cli.dictionary.rows import Dictionary

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(tfpt_cli.__file__).parent


def forget() -> None:
    """Nothing is in memory, as in another process."""
    files._all_rows.cache_clear()
    files._contents.cache_clear()
    files.derived.cache_clear()


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of caches for this test alone, and no rows in memory before and after it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    forget()
    yield tmp_path / "caches"
    forget()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Grows by one with every time that the YAML is read."""
    found: list[bool] = []
    parsed = files._parsed

    def counted(contents: dict[str, bytes]) -> files.Data:
        found.append(True)
        return parsed(contents)

    monkeypatch.setattr(files, "_parsed", counted)
    return found


@pytest.fixture(autouse=True)
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of rows that may be edited."""
    folder = tmp_path / "dictionary"
    folder.mkdir()
    (folder / "arrays.yaml").write_text("a: {x: 1}\n")
    monkeypatch.setattr(files, "FOLDER", folder)
    return folder


def again(name: str = "arrays") -> dict[str, Any]:
    """The rows as another process would find them."""
    forget()
    return rows_of(name)


def kept(caches: Path) -> list[Path]:
    return sorted((caches / "tfpt").glob("rows-*"))


def sealed(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def test_what_is_kept_is_what_the_yaml_says(caches: Path, read: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FOLDER", PACKAGE / "dictionary")
    written = files._all_rows()
    forget()
    assert repr(files._all_rows()) == repr(written)  # a NaN is not equal to itself
    assert len(read) == 1
    assert len(kept(caches)) == 1
    assert {"arrays", "initializers", "layers", "points", "readings", "operations/fft"} <= set(written)
    assert "differences/activations" in names_below("differences")
    assert math.isnan(rows_of("operations/elementwise")["add"]["special"]["x1"][3])


def test_no_edit_is_missed(copied: Path, read: list[bool]) -> None:
    path = copied / "arrays.yaml"
    before = path.stat()
    assert again() == {"a": {"x": 1}}
    path.write_text("a: {x: 2}\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # of the same size and time
    assert again() == {"a": {"x": 2}}
    (copied / "other.yaml").write_text("b: {}\n")
    assert again("other") == {"b": {}}
    (copied / "other.yaml").rename(copied / "renamed.yaml")
    assert again("renamed") == {"b": {}}
    assert len(read) == 4
    path.write_text("a: {x: 1}\n")
    (copied / "renamed.yaml").unlink()
    assert again() == {"a": {"x": 1}}
    assert len(read) == 4  # which is still known


@pytest.mark.parametrize("what", ["__version__", "sys"])
def test_another_version_has_its_own(
    what: str, caches: Path, read: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert again()
    if what == "sys":
        monkeypatch.setattr("sys.version", "3.99")
    else:
        monkeypatch.setattr(files, what, "99")
    assert again()
    assert len(read) == len(kept(caches)) == 2


def test_another_loader_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files._name_of("rows", {})
    (tmp_path / "files.py").write_text("# edited\n")
    monkeypatch.setattr(files, "__file__", str(tmp_path / "files.py"))
    assert files._name_of("rows", {}) != before


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}", sealed(b"{}")[:-1], sealed(b'{"arrays": {}')[:-1], sealed(b"{"), b"\xff" * 70, sealed(b"[]x")],
)
def test_a_damaged_file_is_written_anew(content: bytes, caches: Path, read: list[bool]) -> None:
    assert again()
    (path,) = kept(caches)
    path.write_bytes(content)
    assert again() == {"a": {"x": 1}}
    assert len(read) == 2
    assert again() == {"a": {"x": 1}}
    assert len(read) == 2


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_not_read(mode: int, caches: Path, read: list[bool]) -> None:
    assert again()
    (path,) = kept(caches)
    path.write_bytes(sealed(json.dumps({"arrays": {"theirs": {}}}).encode()))
    path.chmod(mode)
    assert again() == {"a": {"x": 1}}
    assert len(read) == 2
    assert path.stat().st_mode & 0o777 == 0o600  # replaced


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777, 0o1777])
def test_a_folder_that_others_can_write_is_not_used(mode: int, caches: Path) -> None:
    assert again()
    (path,) = kept(caches)
    path.write_bytes(sealed(json.dumps({"arrays": {"theirs": {}}}).encode()))
    path.parent.chmod(mode)
    assert again() == {"a": {"x": 1}}
    path.unlink()
    assert again() == {"a": {"x": 1}}
    assert kept(caches) == []


def test_what_another_user_owns_is_not_used(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert again()
    (path,) = kept(caches)
    before = path.read_bytes()
    path.write_bytes(sealed(json.dumps({"arrays": {"theirs": {}}}).encode()))
    theirs = path.read_bytes()
    assert theirs != before
    monkeypatch.setattr("os.geteuid", lambda: os.getuid() + 1)
    assert again() == {"a": {"x": 1}}
    assert path.read_bytes() == theirs  # nor written into, as `sudo tfpt` would


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_link_is_not_followed(link: str, caches: Path, tmp_path: Path, read: list[bool]) -> None:
    assert again()
    (path,) = kept(caches)
    theirs = tmp_path / "theirs"
    path.write_bytes(sealed(json.dumps({"arrays": {"theirs": {}}}).encode()))
    moved = path if link == "file" else path.parent
    moved.rename(theirs)
    moved.symlink_to(theirs)
    assert again() == {"a": {"x": 1}}
    assert len(read) == 2


def test_a_pipe_in_its_place_does_not_stop_anybody(caches: Path) -> None:
    assert again()
    (path,) = kept(caches)
    path.unlink()
    os.mkfifo(path)
    assert again() == {"a": {"x": 1}}


@pytest.mark.parametrize("home", [None, "", "relative", "/proc/nowhere"])
def test_no_home(home: str | None, copied: Path, read: list[bool], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    if home is None:
        monkeypatch.delenv("HOME")
    else:
        monkeypatch.setenv("HOME", home)
    monkeypatch.chdir(copied)
    assert again() == again() == {"a": {"x": 1}}
    assert len(read) == 2
    assert sorted(path.name for path in copied.iterdir()) == ["arrays.yaml"]


def test_the_home_has_a_folder_of_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # which the standard says to ignore
    monkeypatch.setenv("HOME", str(tmp_path))
    assert again()
    (path,) = kept(tmp_path / ".cache")
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_file_in_the_place_of_the_folder(caches: Path) -> None:
    caches.mkdir()
    (caches / "tfpt").write_text("")
    assert again() == {"a": {"x": 1}}


def test_a_system_without_owners(caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.geteuid")
    assert again() == {"a": {"x": 1}}
    assert not caches.exists()


@pytest.mark.parametrize("failing", ["replace", "open"])
def test_a_full_disk(failing: str, caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(f"os.{failing}", full)
        assert again() == {"a": {"x": 1}}
    assert kept(caches) == []
    assert again() == {"a": {"x": 1}}
    assert len(kept(caches)) == 1


def test_few_are_kept(copied: Path, caches: Path) -> None:
    for number in range(files._KEPT + 3):
        (copied / "arrays.yaml").write_text(f"a: {{x: {number}}}\n")
        assert again() == {"a": {"x": number}}
    assert len(kept(caches)) == files._KEPT


def test_a_read_only_package_in_many_processes_at_once(tmp_path: Path, caches: Path) -> None:
    """Every process has all rows, whoever writes first; nothing is written beside the package."""
    package = tmp_path / "site" / "tfpt_cli"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "scenarios"))
    before = {path for path in package.rglob("*") if "__pycache__" not in path.parts}
    for path in (package, *before):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code = (
        "from tfpt_cli.dictionary.rows import dictionary; d = dictionary();"
        "print(len(d.operations), len(d.layers), len(d.initializers), len(d.arrays), d.operations['softmax'].name)"
    )
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(6)
    ]
    said = {process.communicate()[0] for process in running}
    for path in (package, *before):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert len(said) == 1
    assert said.pop().endswith(" softmax\n")
    assert {process.returncode for process in running} == {0}
    assert {path for path in package.rglob("*") if "__pycache__" not in path.parts} == before
    (path,) = kept(caches)
    head, _, text = path.read_bytes().partition(b"\n")
    assert head == hashlib.sha256(text).hexdigest().encode()


def test_what_is_computed_of_the_rows_is_kept_until_they_or_its_code_change(caches: Path, copied: Path) -> None:
    def found(value: int) -> Any:
        forget()
        return files.derived("names", lambda: {"a": {"x": value}})["a"]["x"]

    language = copied.parent / "language"
    language.mkdir()
    assert (found(1), found(2)) == (1, 1)
    (copied / "arrays.yaml").write_text("a: {x: 2}\n")
    assert (found(3), found(4)) == (3, 3)
    (copied / "rows.py").write_text("# edited\n")
    assert (found(5), found(6)) == (5, 5)
    (language / "trees.py").write_text("# edited\n")
    assert found(7) == 7
    assert len(list((caches / "tfpt").glob("names-*"))) == 4
    assert kept(caches) == []


def test_what_is_kept_of_the_rows_is_what_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FOLDER", PACKAGE / "dictionary")
    for _ in range(2):
        assert files.derived("related", related._named_by_differences) == related._named_by_differences()
        names = Dictionary()._all_other_names
        assert names == {kind: Dictionary()._other_names(kind) for kind in names}
        forget()
