"""What the process of a file of weights can do wrong ends as that file's failure, in clear words and within the limits."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import ROOT, run_tfpt
from tests.toys.worker import ODD_FILES, interpreter_of
from tfpt_cli.checkpoints.contents import CannotRead, Statistics
from tfpt_cli.frameworks import SIDES
from tfpt_cli.workers import checkpoint
from tfpt_cli.workers.checkpoint import LIMITS, opened
from tfpt_cli.workers.child.weight_files.hdf5_file import within_its_time

if TYPE_CHECKING:
    from pathlib import Path

    from tfpt_cli.workers.process import Limits

# Of what never answers; all others end at once.
SLOW = {"slow", "a flood of words"}
# How a process ends that says no more: what is said of it, and what to do; of all others that it talks nonsense.
ENDS = {
    **dict.fromkeys(SLOW, ("PyTorch did not finish within 2 s", "copy it to another one")),
    **dict.fromkeys(("half a prefix", "half a header"), ("ended with exit code 0 after it answered", "--memory")),
    "an end": ("PyTorch's process ended with exit code 0", "--memory"),
    "a closed pipe": ("closed its output and went on", "is the Python that is meant"),
}


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file that looks like PyTorch's, which is as far as tfpt itself looks into one."""
    path = tmp_path / "net.pt"
    path.write_bytes(b"\x80\x02.")
    return str(path)


def looked_through(file: str, mode: str, folder: Path, limits: Limits = LIMITS) -> None:
    """Everything that is asked about a file, of a process that is of a mode."""
    sides = (replace(SIDES[0], interpreter=interpreter_of(folder, mode)), SIDES[1])
    with opened(file, sides=sides, limits=limits) as (held,):
        assert held.statistics("w") == Statistics(1.5, 0.5, 1.0, 2.0)
        assert held.read("w").tolist() == [1.0, 2.0]
        assert held.statistics("w") == Statistics(1.5, 0.5, 1.0, 2.0)


def test_a_process_that_answers_as_it_should(file: str, tmp_path: Path) -> None:
    looked_through(file, "plain", tmp_path)


@pytest.mark.parametrize("mode", [f"{what}: {odd}" for what, modes in ODD_FILES.items() for odd in modes])
def test_a_process_that_misbehaves_over_a_file(mode: str, file: str, tmp_path: Path) -> None:
    odd = mode.partition(": ")[2]
    limits = replace(LIMITS, timeout=2.0 if odd in SLOW else 600.0)
    began = time.monotonic()
    with pytest.raises(CannotRead) as error:
        looked_through(file, mode, tmp_path, limits)
    words, fix = ENDS.get(odd, ("PyTorch's process talks nonsense: ", "is the Python that is meant"))
    assert error.value.file == file
    assert error.value.problem.startswith("reading it failed: ")
    assert words in error.value.problem
    assert fix in error.value.fix
    assert len(str(error.value)) < 1000
    # Long before the limit of 600 s, and not after it where nothing comes.
    assert time.monotonic() - began < 120


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("an old version", "is no worker: it answered {'hello': 'tfpt-worker/0'"),
        ("open: slow", "the reader did not finish within 2 s"),
        ("open: no entries", "the reader's process talks nonsense: its answer does not list the entries"),
    ],
)
def test_a_reader_without_a_framework(mode: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez(tmp_path / "net.npz", w=np.ones(2, np.float32))
    reader = replace(checkpoint._READER, interpreter=interpreter_of(tmp_path, mode))
    monkeypatch.setattr(checkpoint, "_READER", reader)
    limits = replace(LIMITS, timeout=2.0)
    with pytest.raises(CannotRead) as error, opened(str(tmp_path / "net.npz"), limits=limits):
        pass
    assert words in error.value.problem


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "fuzz" / "endless").iterdir()), ids=lambda file: file.name)
def test_a_file_over_which_the_library_loops_is_ended(file: Path) -> None:
    """Long before the limit of 600 s, by the processor time that a file of its size can need."""
    with pytest.raises(CannotRead) as error, opened(str(file)):
        pass
    assert error.value.problem.startswith(
        "it is damaged: reading it took more of the processor than a file of its size"
    )
    assert error.value.fix == "copy or download it again"


def test_the_time_of_a_file_grows_with_its_size_and_is_given_back() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)

    def seconds(size: int) -> float:
        with within_its_time(size):
            used = resource.getrusage(resource.RUSAGE_SELF)
            return resource.getrlimit(resource.RLIMIT_CPU)[0] - used.ru_utime - used.ru_stime

    assert 4.0 < seconds(0) <= 6.1
    assert 34.0 < seconds(1_000_000) <= 36.1
    assert resource.getrlimit(resource.RLIMIT_CPU) == before
    used = resource.getrusage(resource.RUSAGE_SELF)
    own = int(used.ru_utime + used.ru_stime) + 1000
    resource.setrlimit(resource.RLIMIT_CPU, (own, before[1]))
    try:
        with within_its_time(10**12):  # somebody else's limit stays
            assert resource.getrlimit(resource.RLIMIT_CPU)[0] == own
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


@pytest.mark.parametrize("mode", ["open: garbage", "statistics: an end", "read: half of the numbers"])
def test_one_of_two_files_fails_in_a_line(mode: str, file: str, tmp_path: Path) -> None:
    """With the other one open, as a person meets it."""
    assert file == str(tmp_path / "net.pt")
    np.savez(tmp_path / "other.npz", w=np.ones(2, np.float32))
    python = interpreter_of(tmp_path, mode)
    done = run_tfpt("inspect", "net.pt", "other.npz", "--torch-python", python, cwd=tmp_path)
    assert done.code == 2
    assert "net.pt: reading it failed: PyTorch's process " in done.err
    assert done.err.count("\n") == 1
