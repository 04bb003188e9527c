"""tfpt's own process has a budget for each document and each scenario: where it ends that one fails, and the others go on."""

from __future__ import annotations

import ast
import gc
import importlib
import resource
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.test_internal_errors import FIVE, alone_in_error, is_odd
from tfpt_cli.budget import Budget, TookTooLong
from tfpt_cli.results import Symptom, Unread
from tfpt_cli.scenario.files import documents_of
from tfpt_cli.scenario.scenario import load
from tfpt_cli.subjects.gradient.comparer import Comparer
from tfpt_cli.workers.process import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.conftest import Done
    from tfpt_cli.results import Comparison

    Run = Callable[..., Done]

ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is Linux's")
# Beside what is endless nothing in these tests takes as long.
ENOUGH = Budget(seconds=3.0)
# Reading one takes longer than the budget of its test on any machine.
NUMBERS = list(range(1, 31))
MATRIX = (
    "name: matrix\ngradient: {of: tanh(a * x) + sin(b * x), at: {x: [0.5]}}\n"
    f"matrix: {{a: {NUMBERS}, b: {NUMBERS}}}\n"
)
TERMS = "+".join(f"tanh(x * {term}.5) * w" for term in range(90))
OUTPUTS = f"""name: outputs
gradient: {{of: {{{", ".join(f"o{n}: {TERMS}" for n in range(64))}}}, at: {{x: [0.5], w: [1.5]}}}}
"""
LIST = f"name: list\ngradient: {{of: tanh(x), at: {{x: [{', '.join(['[[]]'] * 150_000)}]}}}}\n"
SMALL = "name: small\ngradient: {of: tanh(x), at: {x: [0.5]}}\n"


def endless() -> None:
    while True:
        pass


def of_this_process() -> tuple[Any, ...]:
    """What a step changes of the process, and puts back."""
    return signal.getitimer(signal.ITIMER_PROF), resource.getrlimit(resource.RLIMIT_DATA)


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = of_this_process()
    gc.collect()
    gc.disable()  # what other tests have left is not looked through within a budget, and Hypothesis not called behind it
    yield
    gc.enable()
    assert of_this_process() == before


def test_a_step_without_end_is_ended() -> None:
    with pytest.raises(TookTooLong, match=r"^more than 0\.05 s of processor time$"), Budget(seconds=0.05).allowance():
        endless()


def test_what_is_interrupted_may_take_every_exception() -> None:
    """Not one that is of `Exception`; and whoever takes all is interrupted again, until it has no time to go on."""

    def usual() -> None:
        for _ in range(3):
            try:
                endless()
            except Exception:
                continue

    with pytest.raises(TookTooLong), Budget(seconds=0.05).allowance():
        usual()
    met = Counter[str]()

    def patient() -> None:
        while met["ended"] < 3:
            try:
                endless()
            except BaseException:
                met["ended"] += 1

    with pytest.raises(TookTooLong), Budget(seconds=0.05).allowance():
        patient()
    assert met["ended"] == 3


def test_a_call_that_is_not_interrupted_ends_the_step_behind_it() -> None:
    """However many ticks came while it ran: what ends a step is not ended itself, and the clock stands still behind it."""
    source = f"[{'x, ' * 400_000}]"
    for _ in range(3):
        with pytest.raises(TookTooLong), Budget(seconds=0.01).allowance():
            ast.parse(source)


def test_what_makes_another_error_of_it_is_ended_by_it() -> None:
    def damaged() -> None:
        try:
            endless()
        except BaseException:
            raise SystemError("depth mismatch") from None

    with pytest.raises(TookTooLong), Budget(seconds=0.05).allowance():
        damaged()

    with pytest.raises(KeyboardInterrupt), Budget(seconds=5.0).allowance():
        raise KeyboardInterrupt


def test_several_steps_share_the_time() -> None:
    allowance = Budget(seconds=0.2).allowance()

    def work(seconds: float) -> None:
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass

    with allowance:
        work(0.12)
    with pytest.raises(TookTooLong), allowance:
        work(0.12)
    with pytest.raises(TookTooLong), allowance:
        work(0.05)
    with Budget(seconds=0.2).allowance():  # another one has its own
        work(0.05)


def test_time_that_is_waited_is_not_counted() -> None:
    with Budget(seconds=0.05).allowance():
        time.sleep(0.3)


def test_other_exceptions_pass() -> None:
    with pytest.raises(KeyError), ENOUGH.allowance():
        raise KeyError


def test_a_step_within_a_step_is_part_of_it() -> None:
    """And does not end it: the outer one's budget holds on."""

    def both() -> None:
        with Budget(seconds=1000.0).allowance():
            pass
        endless()

    with pytest.raises(TookTooLong), Budget(seconds=0.05).allowance():
        both()


def test_an_import_is_not_ended_in_its_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library has half done cannot be imported again: the step ends behind it."""
    (tmp_path / "slow_to_import.py").write_text(
        "import time\nuntil = time.process_time() + 0.3\nwhile time.process_time() < until:\n    pass\nwhole = True\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def importing() -> None:
        importlib.import_module("slow_to_import")
        endless()

    with pytest.raises(TookTooLong), Budget(seconds=0.05).allowance():
        importing()
    assert sys.modules["slow_to_import"].whole


def test_in_a_thread_there_is_no_limit() -> None:
    """A signal is the main thread's; nothing is interrupted there by the budget of another one."""
    done = []

    def work() -> None:
        with Budget(seconds=0.01).allowance():
            until = time.process_time() + 0.1
            while time.process_time() < until:
                pass
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done


def test_a_profiler_keeps_its_clock() -> None:
    ticks = []
    before = signal.signal(signal.SIGPROF, lambda *_: ticks.append(1))
    signal.setitimer(signal.ITIMER_PROF, 0.01, 0.01)
    try:
        with Budget(seconds=0.02).allowance():
            until = time.process_time() + 0.2
            while time.process_time() < until:
                pass
        assert signal.getitimer(signal.ITIMER_PROF)[1] == pytest.approx(0.01)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, before)
    assert ticks


@ON_LINUX
def test_memory_has_a_limit_too() -> None:
    with pytest.raises(MemoryError), Budget(memory=0.5).allowance():
        np.ones(2**29)
    with Budget(memory=0.5).allowance():
        np.ones(2**24)
    with Budget(memory=0).allowance():
        np.ones(2**27)


@ON_LINUX
def test_a_limit_that_somebody_has_set_is_not_lifted() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + 2**28, hard))
    try:
        with pytest.raises(MemoryError), Budget(memory=1000.0).allowance():
            np.ones(2**27)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


# ---- reading


@pytest.mark.parametrize(("name", "text"), [("matrix", MATRIX), ("outputs", OUTPUTS)])
def test_a_document_that_takes_too_long_is_not_read_and_the_others_are(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "three.yaml"
    file.write_text(f"{SMALL}---\n{text}---\n{SMALL}", encoding="utf-8")
    list(load(str(file)))  # what is read for the first time reads the rows too
    first, found, last = load(str(file), budget=Budget(seconds=0.2))
    assert isinstance(found, Unread)
    assert (found.line, found.name, found.subject) == (4, name, "gradient")
    assert found.failure.symptom is Symptom.OF_SCENARIO
    assert found.failure.message == (
        "reading this scenario took tfpt itself more than 0.2 s of processor time; split it, or make it smaller, "
        "or allow more: --timeout"
    )
    assert [scenario.name for part in (first, last) if isinstance(part, list) for scenario in part] == ["small"] * 2


def test_a_file_whose_yaml_takes_too_long_says_from_where_on(tmp_path: Path) -> None:
    file = tmp_path / "two.yaml"
    file.write_text(f"{SMALL}---\n{LIST}---\n{SMALL}", encoding="utf-8")
    (_, found) = documents_of(str(file), budget=Budget(seconds=0.2))
    assert isinstance(found, Unread)
    assert found.line == 1
    assert found.failure.message.startswith("reading this file from line 1 on took tfpt itself more than 0.2 s")


# ---- a run


def test_a_run_says_which_scenario_and_goes_on(tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    assert tfpt("check", "five.yaml", "-qq").code == 1
    monkeypatch.setattr(Limits, "own", ENOUGH)
    compared = Comparer.comparisons

    def breaking(comparer: Comparer) -> list[Comparison]:
        if comparer.again and is_odd(comparer):
            endless()
        return compared(comparer)

    monkeypatch.setattr(Comparer, "comparisons", breaking)
    odd = alone_in_error(tfpt)
    (failure,) = odd["failures"]
    assert failure["message"] == (
        "comparing took tfpt itself more than 3 s of processor time; make the arrays smaller, leave the reference out "
        "(--no-reference), or allow more: --timeout"
    )
    assert [c["verdict"] for c in odd["comparisons"]] == ["differs"] * 3  # what the first round has found


@ON_LINUX
def test_what_tfpt_imports_has_its_memory_whatever_the_limit() -> None:
    """OpenBLAS, which both bring, tries for ever to have the memory that it wants, or ends the process."""
    code = "from tfpt_cli.budget import Budget\nwith Budget(memory=0.01).allowance():\n    import numpy, scipy.linalg"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60, cwd=ROOT)


@ON_LINUX
def test_a_run_has_a_limit_of_memory(tfpt: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("five.yaml").write_text(FIVE, encoding="utf-8")
    compared = Comparer.comparisons

    def large(comparer: Comparer) -> list[Comparison]:
        assert not is_odd(comparer) or np.ones(2**28).size
        return compared(comparer)

    monkeypatch.setattr(Comparer, "comparisons", large)
    monkeypatch.setattr(Limits, "own", Budget(memory=1.0))
    (failure,) = alone_in_error(tfpt)["failures"]
    assert failure["message"].startswith("comparing takes more memory than tfpt itself has here")
    assert failure["message"].endswith("or allow more: --memory")


def test_the_options_of_a_run_are_those_of_its_own_process() -> None:
    assert Limits().own == Budget() == Budget(60.0, 8.0)
    assert Limits(timeout=5.0, memory=2.0).own == Budget(5.0, 2.0)
