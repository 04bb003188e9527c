"""What a framework's process can do wrong is a failure value; the next scenario runs on a fresh worker."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import ROOT, run_tfpt
from tests.sides import TORCH
from tests.toys.worker import ODD, ODD_CODE, interpreter_of
from tfpt_cli.listing import Leaf, Listing, Section
from tfpt_cli.results import PLAIN, VALUE, Outcome, Quantity, State, Way
from tfpt_cli.workers.child import protocol
from tfpt_cli.workers.process import Limits, awake
from tfpt_cli.workers.queue import ListingQueue

if TYPE_CHECKING:
    from pathlib import Path

X = Quantity(kind=VALUE, output="x")
FINE = "x = torch.tensor(2.0)"


def listing(source: str) -> Listing:
    """A listing of our own making: scenarios cannot express what these do."""
    sections = (Section("import torch\nimport os, sys, time, signal"), Section(source, (Leaf(X, PLAIN, "x"),)))
    return Listing(TORCH.framework, sections)


def outcomes(*sources: str, interpreter: str = sys.executable, limits: Limits | None = None) -> list[Outcome]:
    return ran([listing(source) for source in sources], interpreter=interpreter, limits=limits)


def ran(listings: list[Listing], *, interpreter: str = sys.executable, limits: Limits | None = None) -> list[Outcome]:
    async def run() -> list[Outcome]:
        queue = ListingQueue(replace(TORCH, interpreter=interpreter), limits or Limits())
        await queue.start()
        found: list[Outcome] = []
        for one in listings:
            queue.add(one, found.append)
        queue.close()
        await queue.serve()
        await queue.end()
        return found

    return asyncio.run(run())


def test_a_listing_goes_on_where_one_of_its_task_was() -> None:
    keeping, more, resuming = "import torch\nx = torch.tensor(2.0)", "x = x + 1", "x = x + 10"
    sections = (Section(keeping, keeps="first"), Section(more, (Leaf(X, PLAIN, "x"),)))
    first = Listing(TORCH.framework, sections, task="a")
    again = Listing(TORCH.framework, (Section(resuming, (Leaf(X, PLAIN, "x"),)),), task="a", resumes="first")
    found = ran([first, again, again, replace(again, task="b"), replace(again, resumes="second")])
    assert [v.array.tolist() for o in found[:3] for v in o.values.values() if v.array is not None] == [3.0, 12.0, 12.0]
    for other in found[3:]:
        assert ["NameError" in failure.message for failure in other.failures] == [True]


def test_what_is_kept_is_let_go_when_it_is_too_much() -> None:
    """Of large models one is kept, while its task goes on; of small ones some."""

    def kept(task: str, numbers: int) -> Listing:
        weights = {"weights/w": np.zeros(numbers)}
        return replace(keeping, task=task, arrays=weights)

    keeping = Listing(TORCH.framework, (Section("import torch\nx = torch.tensor(2.0)", keeps="it"),))
    again = Listing(TORCH.framework, (Section("x = x + 10", (Leaf(X, PLAIN, "x"),)),), task="a", resumes="it")
    large = (1 << 26) // 8  # numbers of eight bytes
    for between, there in [([], True), ([kept("b", 1)], False), ([replace(again, task="a")], True)]:
        found = ran([kept("a", large), *between, again])
        assert bool(found[-1].failures) is not there, between
    assert not ran([kept("a", 1), kept("b", 1), again])[-1].failures
    assert ran([kept("a", 1), *(kept(str(n), 1) for n in range(65)), again])[-1].failures


def symptoms(found: list[Outcome]) -> list[str]:
    return [
        outcome.failures[0].symptom if outcome.failures else outcome.values[X, PLAIN].state.value for outcome in found
    ]


def test_a_listing_that_raises_and_one_that_follows() -> None:
    wrong = "x = torch.zeros(2) @ torch.zeros(3)"
    found = outcomes(FINE, wrong, FINE)
    assert symptoms(found) == ["present", "exception", "present"]
    assert found[1].failures[0].message.startswith("RuntimeError: ")
    assert listing(wrong).script().splitlines()[(found[1].failures[0].listing_line or 0) - 1] == wrong
    assert found[1].values[X, PLAIN].state is State.FAILED


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("os.abort()", "was killed by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
        (
            "print('last words', file=sys.stderr, flush=True); os._exit(7)",
            "ended with exit code 7; its last words: last words",
        ),
    ],
)
def test_a_worker_that_dies(source: str, words: str) -> None:
    found = outcomes(FINE, source, FINE)
    assert symptoms(found) == ["present", "crashed", "present"]
    assert words in found[1].failures[0].message


def test_a_worker_that_hangs() -> None:
    found = outcomes(FINE, "while True: pass", FINE, limits=Limits(timeout=2))
    assert symptoms(found) == ["present", "timeout", "present"]
    assert found[1].failures[0].message == "PyTorch did not finish within 2 s"
    assert found[1].seconds >= 2


@pytest.mark.parametrize(
    ("end", "symptom"), [("while True: pass", "timeout"), ("os.abort()", "crashed"), ("os._exit(3)", "crashed")]
)
def test_what_was_computed_before_the_end_is_kept(end: str, symptom: str) -> None:
    value, slope, behind = (
        Quantity(kind=VALUE),
        Quantity(kind="gradient", by=("x",)),
        Quantity(kind=VALUE, output="behind it"),
    )
    sections = (
        Section("import os, torch", required=True),
        Section("x = torch.tensor(2.0)", (Leaf(value, PLAIN, "x"),), required=True, group="eager"),
        Section("x.no_such_method()", (Leaf(slope, Way("backward"), "x"),), group="eager"),
        Section("x = torch.tensor(3.0)", (Leaf(value, Way("compile"), "x"),), required=True, group="compile"),
        Section(end, (Leaf(slope, Way("compile"), "x"),), group="compile"),
        Section("x = 1", (Leaf(behind, PLAIN, "x"),)),
    )
    (found,) = ran([Listing(TORCH.framework, sections)], limits=Limits(timeout=2))
    states = {key: left.state.value for key, left in found.values.items()}
    assert states == {
        ("value", ""): "present",
        ("d/dx", "backward"): "failed",
        ("value", "compile"): "present",
        ("d/dx", "compile"): "failed",
        ("behind it", ""): "failed",
    }
    assert [failure.symptom for failure in found.failures] == ["exception", symptom]
    assert found.values[value, Way("compile")].array.tolist() == 3.0


def test_a_scenario_that_was_killed_from_outside_is_tried_once_more(tmp_path: Path) -> None:
    mark = tmp_path / "tried"
    once = f"first = not os.path.exists({str(mark)!r})\nopen({str(mark)!r}, 'a').write('x')\n"
    found = outcomes(FINE, f"{once}first and os.kill(os.getpid(), signal.SIGKILL)\n{FINE}", FINE)
    assert symptoms(found) == ["present", "present", "present"]
    assert mark.read_text() == "xx"
    mark.unlink()
    found = outcomes(FINE, f"{once}os.kill(os.getpid(), signal.SIGTERM)", FINE)
    assert symptoms(found) == ["present", "crashed", "present"]
    assert "SIGTERM" in found[1].failures[0].message
    assert "a second time: it was tried again" in found[1].failures[0].message
    assert mark.read_text() == "xx"
    mark.unlink()
    assert symptoms(outcomes(f"{once}os.abort()", FINE)) == ["crashed", "present"]  # its own doing: not tried again
    assert mark.read_text() == "x"


def test_a_limit_of_time_does_not_run_while_tfpt_is_stopped() -> None:
    """A loop that is held up stands for a process that Ctrl-Z stops: either way nobody looks at the clock."""

    async def held_up() -> bool:
        async with awake(1.0):
            asyncio.get_running_loop().call_soon(time.sleep, 2.0)
            await asyncio.sleep(0.7)
            return True

    async def too_long() -> None:
        async with awake(0.6):
            await asyncio.sleep(30)

    assert asyncio.run(held_up())
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(too_long())
    assert time.monotonic() - began >= 0.6


@pytest.mark.parametrize(("deaths", "comes"), [(1, True), (2, True), (3, False)])
def test_a_worker_that_is_killed_while_it_imports(deaths: int, comes: bool, tmp_path: Path) -> None:
    count = tmp_path / "count"
    dying = tmp_path / "dying"
    (dying / "torch").mkdir(parents=True)
    (dying / "torch" / "__init__.py").write_text(
        f"import os, signal, sys\nopen({str(count)!r}, 'a').write('x')\n"
        f"if len(open({str(count)!r}).read()) <= {deaths}:\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"sys.path.remove({str(dying)!r})\ndel sys.modules['torch']\nimport torch\n"
    )
    python = script(tmp_path / "python", f'#!/bin/sh\nPYTHONPATH={dying}:$PYTHONPATH exec {sys.executable} "$@"\n')
    found = outcomes(FINE, FINE, interpreter=python)
    assert symptoms(found) == (["present", "present"] if comes else ["crashed", "crashed"])
    assert len(count.read_text()) == min(deaths + 1, 3)
    if not comes:
        assert "PyTorch's process was killed by SIGKILL" in found[0].failures[0].message


def test_prints_do_not_disturb_the_protocol() -> None:
    noisy = f"print('x' * 100_000); os.write(1, b'TFPT junk'); os.system('echo more junk'); {FINE}"
    assert symptoms(outcomes(noisy, FINE)) == ["present", "present"]


def test_memory_is_limited() -> None:
    found = outcomes("x = torch.ones(2**31)", FINE, limits=Limits(memory=2))
    assert symptoms(found) == ["exception", "present"]
    assert "allocate" in found[0].failures[0].message


def test_a_later_section_cannot_change_what_an_earlier_one_left() -> None:
    async def run() -> Outcome:
        sections = Section("import torch"), Section("x = torch.zeros(2)", (Leaf(X, PLAIN, "x"),)), Section("x += 1")
        queue, found = ListingQueue(TORCH), list[Outcome]()
        queue.add(Listing(TORCH.framework, sections), found.append)
        queue.close()
        await queue.serve()
        await queue.end()
        return found[0]

    assert asyncio.run(run()).values[X, PLAIN].array.tolist() == [0.0, 0.0]


def test_what_is_no_array_is_a_failure() -> None:
    (found,) = outcomes("x = 'a text'")
    assert found.failures[0].message == "TypeError: it gives a str, not a tensor"


LARGE = np.arange(1_500_000, dtype=np.float32).reshape(1000, 1500)


@pytest.mark.parametrize("folder", [True, False], ids=["as files", "through the pipe"])
def test_large_arrays_come_and_go(folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that a process has left are handed on to the next one as they lie there, with their axes in any order."""
    assert LARGE.nbytes > protocol.LARGE
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path if folder else tmp_path / "none"))
    y = Quantity(kind=VALUE, output="y")
    made = Section("import numpy as np\nx = np.arange(1_500_000, dtype=np.float32).reshape(1000, 1500)\ny = x.T")
    used = Section("x = weights['one'] * 2\ny = [weights['one'].flags.writeable, given.flags.writeable, *given.shape]")
    leaves = Leaf(X, PLAIN, "x"), Leaf(y, PLAIN, "np.array(y)")

    async def run() -> tuple[Outcome, Outcome, Outcome]:
        queues = [ListingQueue(TORCH) for _ in range(2)]
        found: list[Outcome] = []
        for queue in queues:
            await queue.start()

        async def asked(queue: ListingQueue, one: Listing) -> Outcome:
            queue.renew()
            queue.add(one, found.append)
            queue.close()
            await queue.serve()
            return found[-1]

        first = await asked(queues[0], Listing(TORCH.framework, (replace(made, leaves=leaves),)))
        arrays = {"weights/one": first.values[X, PLAIN].array.T[1:], "given": first.values[y, PLAIN].array}
        sections = (Section("import numpy as np"), replace(used, leaves=leaves))
        second = await asked(queues[1], Listing(TORCH.framework, sections, arrays=arrays))
        again = await asked(queues[1], Listing(TORCH.framework, sections, arrays=arrays))
        # Of what is handed over as a file, only what the parent still holds has a name: of three outcomes four large arrays.
        assert len(list(tmp_path.glob("tfpt-*/*"))) == (4 if folder else 0)
        for queue in queues:
            await queue.end()
        return first, second, again

    first, second, again = asyncio.run(run())
    assert not list(tmp_path.glob("tfpt-*"))
    assert (first.values[X, PLAIN].array == LARGE).all()
    assert (first.values[y, PLAIN].array == LARGE.T).all()
    assert first.values[X, PLAIN].array.flags.writeable
    for outcome in (second, again):
        assert not outcome.failures
        assert (outcome.values[X, PLAIN].array == LARGE.T[1:] * 2).all()
        assert outcome.values[y, PLAIN].array.tolist() == [0, 1, 1500, 1000]


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_an_interpreter_that_is_not_there() -> None:
    found = outcomes(FINE, FINE, interpreter="/no/such/python")
    assert symptoms(found) == ["not started", "not started"]
    assert found[0].failures[0].message == "cannot start '/no/such/python': No such file or directory"


def test_an_interpreter_that_talks_nonsense(tmp_path: Path) -> None:
    found = outcomes(
        FINE, interpreter=script(tmp_path / "chatty", "#!/bin/sh\necho hello there, I am no worker\nsleep 60\n")
    )
    assert symptoms(found) == ["nonsense"]
    assert "hello th" in found[0].failures[0].message


def test_an_interpreter_that_ends_at_once(tmp_path: Path) -> None:
    found = outcomes(FINE, interpreter=script(tmp_path / "short", "#!/bin/sh\necho sorry >&2\nexit 3\n"))
    assert symptoms(found) == ["not started"]
    assert "ended with exit code 3; its last words: sorry" in found[0].failures[0].message


def test_an_interpreter_that_never_answers(tmp_path: Path) -> None:
    found = outcomes(FINE, interpreter=script(tmp_path / "mute", "#!/bin/sh\nsleep 60\n"), limits=Limits(start=1))
    assert symptoms(found) == ["timeout"]


def test_answers_that_do_not_fit_are_nonsense(tmp_path: Path) -> None:
    """A worker of another version, say: well-formed frames with the wrong things in them."""
    liar = tmp_path / "liar.py"
    liar.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT / 'tfpt_cli' / 'workers' / 'child')!r})\n"
        "import protocol\n"
        "def send(h):\n    [sys.stdout.buffer.write(p) for p in protocol.frame(h)]; sys.stdout.buffer.flush()\n"
        "def take():\n    return protocol.header(sys.stdin.buffer.read(protocol.header_length(sys.stdin.buffer.read(8))))\n"
        "send({'hello': protocol.VERSION}); take(); send({'loaded': {'torch': '9'}}); take()\n"
        "x = {'quantity': 'x', 'how': '', 'state': 'present', 'stored': '<f4', 'shape': [3], 'dtype': 'f'}\n"
        "send({'id': 0, 'values': [x], 'failures': [], 'done': True})\n"
    )
    found = outcomes(FINE, interpreter=script(tmp_path / "lying", f"#!/bin/sh\nexec {sys.executable} {liar}\n"))
    assert symptoms(found) == ["nonsense"]


# What each symptom of a process that misbehaves over one listing is; all others are nonsense.
SYMPTOMS = {
    **dict.fromkeys(("plain", "busy"), "present"),
    **dict.fromkeys(("slow", "a flood", "a flood of words"), "timeout"),
    **dict.fromkeys(("half a prefix", "half a header", "half an array", "an end"), "crashed"),
}


@pytest.mark.parametrize("mode", ODD)
def test_a_process_that_misbehaves_over_one_listing(mode: str, tmp_path: Path) -> None:
    """Its failure is that listing's; another process answers the next one."""
    limits = Limits(timeout=2 if SYMPTOMS.get(mode) == "timeout" else 600)
    found = outcomes(FINE, f"x = {ODD_CODE}", FINE, interpreter=interpreter_of(tmp_path, mode), limits=limits)
    assert symptoms(found) == ["present", SYMPTOMS.get(mode, "nonsense"), "present"]
    for failure in found[1].failures:
        assert "PyTorch" in failure.message
        assert len(failure.message) < 1000


@pytest.mark.parametrize(
    ("mode", "symptom", "words"),
    [
        ("an old version", "nonsense", "is no worker: it answered {'hello': 'tfpt-worker/0'"),
        ("an import that raises", "not started", "PyTorch cannot be imported: OSError: no"),
        ("an import that hangs", "timeout", "PyTorch was not imported within 1 s"),
    ],
)
def test_a_process_that_does_not_get_as_far(mode: str, symptom: str, words: str, tmp_path: Path) -> None:
    limits = Limits(start=1 if symptom == "timeout" else 600)
    found = outcomes(FINE, FINE, interpreter=interpreter_of(tmp_path, mode), limits=limits)
    assert symptoms(found) == [symptom, symptom]
    assert words in found[0].failures[0].message


def test_a_side_that_talks_nonsense_leaves_the_other_and_the_next_scenario(tmp_path: Path) -> None:
    """The whole way: its row and its exit code are those of a framework that could not run."""
    (tmp_path / "s.yaml").write_text(
        f"name: odd\ngradient: {{of: x, at: {{x: {ODD_CODE}}}}}\n---\nname: next\ngradient: {{of: x, at: {{x: 1.0}}}}\n"
    )
    sides = [interpreter_of(tmp_path, "brackets"), interpreter_of(tmp_path)]
    options = ["--no-reference", "--torch-python", sides[0], "--tensorflow-python", sides[1], "--format", "json"]
    done = run_tfpt("check", "s.yaml", *options, cwd=tmp_path)
    odd, behind = done.json["scenarios"]
    assert (done.code, odd["status"], behind["status"]) == (3, "error", "passed")
    assert [(f["framework"], f["symptom"]) for f in odd["failures"]] == [("torch", "nonsense")]
    assert {c["tensorflow"]["state"] for c in odd["comparisons"]} == {"present"}


def test_an_environment_without_the_framework(tmp_path: Path) -> None:
    """Another environment's interpreter, which has neither tfpt nor the framework (nor, here, NumPy)."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    python = tmp_path / "bare" / "bin" / "python"
    path = tmp_path / "s.yaml"
    path.write_text("name: n\ngradient: {of: x, at: {x: 1.0}}\n")
    done = run_tfpt("check", path, "--torch-python", python, "--format", "json")
    assert done.code == 3
    (scenario,) = done.json["scenarios"]
    (failure,) = scenario["failures"]
    assert (scenario["status"], failure["framework"], failure["symptom"]) == ("error", "torch", "not installed")
    assert f"{python} -m pip install torch" in failure["message"]
    assert {c["tensorflow"]["state"] for c in scenario["comparisons"]} == {"present"}


def test_another_interpreter_needs_no_tfpt(tmp_path: Path) -> None:
    """An interpreter that sees the framework and NumPy but not tfpt: isolated mode, in another folder."""
    python = script(tmp_path / "isolated", f'#!/bin/sh\nexec {sys.executable} -s -E "$@"\n')
    path = tmp_path / "s.yaml"
    path.write_text("name: n\ngradient: {of: x ** 2, at: {x: 3.0}}\n")
    done = run_tfpt("check", path, "--torch-python", python, cwd=tmp_path)
    assert done.code == 0


def test_an_endless_scenario_does_not_stop_the_others(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    heavy = "torch.matrix_power(x, 3)" + " @ torch.linalg.matrix_exp(x)" * 60
    path.write_text(
        "name: long\ngradient:\n"
        f"  torch: {heavy}\n  tensorflow: x\n  at: {{x: 'zeros((3000, 3000))'}}\n  derivatives: []\n"
        "---\nname: short\ngradient: {of: x, at: {x: 1.0}}\n"
    )
    done = run_tfpt("check", path, "--timeout", "8", "--format", "json")
    assert done.code == 3
    long, short = done.json["scenarios"]
    assert (long["status"], long["failures"][0]["symptom"]) == ("error", "timeout")
    assert short["status"] == "passed"


def test_ten_to_the_twelve_elements_end_by_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: huge\ngradient:\n  torch: torch.ones(1000000, 1000000) * x\n"
        "  tensorflow: tf.ones([1000000, 1000000]) * x\n  at: {x: 1.0}\n"
        "---\nname: huge layer\ninit:\n  torch: {layer: 'nn.EmbeddingBag(1000000, 1000000)'}\n"
        "  tensorflow: {layer: 'Embedding(1000000, 1000000)', input_shape: [3]}\n  pair: {weight: embeddings}\n"
        "---\nname: small\ngradient: {of: x, at: {x: 1.0}}\n"
    )
    done = run_tfpt("check", path, "--format", "json")
    assert [s["status"] for s in done.json["scenarios"]] == ["error", "error", "passed"]


def test_nothing_is_lost_on_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    slow = "torch.linalg.matrix_exp(x)" + " @ torch.linalg.matrix_exp(x)" * 60
    path.write_text(
        "name: done\ngradient: {of: x, at: {x: 1.0}}\n---\nname: endless\ngradient:\n"
        f"  torch: {slow}\n  tensorflow: x\n  at: {{x: 'zeros((3000, 3000))'}}\n"
    )
    command = [sys.executable, "-m", "tfpt_cli", "check", str(path), "--timeout", "600"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        read = b""
        while b"both sides agree" not in read:
            chunk = os.read(process.stdout.fileno(), 65536)
            assert chunk, "it ended before the first scenario was shown"
            read += chunk
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "interrupted: 1 of 2 scenarios were checked; 1 passed" in " ".join((read + out).decode().split())
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    ("files", "words", "symptom"),
    [
        ({}, "No module named 'torch' (it is not installed; install it: PYTHON -m pip install torch)", "not installed"),
        (
            {"torch": ""},
            "No module named 'numpy' (it needs numpy, which is not installed; install it: PYTHON -m pip install numpy)",
            "not installed",
        ),
        (
            {"torch": "import typing_extensions", "numpy": ""},
            "(it needs typing_extensions, which is not installed; install it: PYTHON -m pip install typing_extensions)",
            "not installed",
        ),
        (
            {"torch": "raise ImportError('libcudnn.so.9: cannot open shared object file')", "numpy": ""},
            "libcudnn.so.9: cannot open shared object file (it is installed, and raises while it is imported; if it is damaged, "
            "install it anew: PYTHON -m pip install --force-reinstall torch)",
            "not started",
        ),
        (
            {"torch": "import torch._C", "numpy": ""},
            "(it is installed, and raises while it is imported; if it is damaged, install it anew: "
            "PYTHON -m pip install --force-reinstall torch)",
            "not started",
        ),
        (
            {"torch": "import numpy", "numpy": "raise RuntimeError('numpy of another build')"},
            "RuntimeError: numpy of another build (it is installed, and raises while it is imported",
            "not started",
        ),
    ],
    ids=["nothing", "no NumPy", "no dependency", "broken", "half of it", "broken NumPy"],
)
def test_why_an_import_fails(files: dict[str, str], words: str, symptom: str, tmp_path: Path) -> None:
    """Packages of our own making in an interpreter that sees no others."""
    for name, text in files.items():
        (tmp_path / "site" / name).mkdir(parents=True)
        (tmp_path / "site" / name / "__init__.py").write_text(text)
    python = script(
        tmp_path / "python", f'#!/bin/sh\nPYTHONPATH={tmp_path / "site"} exec {sys.executable} -S -s "$@"\n'
    )
    (found,) = outcomes(FINE, interpreter=python)
    (failure,) = found.failures
    assert failure.symptom == symptom
    assert failure.message.startswith("PyTorch cannot be imported: ")
    assert words.replace("PYTHON", python) in failure.message
