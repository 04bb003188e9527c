"""Every name that a scenario may use touches nothing, whatever it is given: no file, no network, no other process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.tools.audit import audited, names_of
from tests.tools.system_calls import judged, judged_lines
from tfpt_cli.dictionary.native import native
from tfpt_cli.language.expression import parse

TRACED = shutil.which("strace") is not None
# Names that do touch something, which no scenario may use, and by what each is caught.
HOSTILE = {
    "torch": {
        "torch.load": (["f"], "open"),
        "torch.save": (["obj, f"], "strace: "),
        "np.load": (["file"], "open"),
        "nn.init.warnings.sys.modules['os'].mkdir": (["path"], "os.mkdir"),
        "nn.init.warnings.sys.modules['os'].system": (["command"], "os.system"),
        "torch.hub.download_url_to_file": (["url, dst"], "open"),
        "eval": (["source"], "os.mkdir"),
    },
    "tensorflow": {
        "keras.saving.load_model": (["filepath"], "open"),
        "keras.utils.get_file": (["fname, origin"], "os.mkdir"),
        # In C++, where Python's hook sees nothing.
        "tf.io.write_file": (["filename, contents"], "strace: "),
        "tf.io.read_file": (["filename"], "strace: "),
    },
}


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_every_name_touches_nothing(framework: str) -> None:
    names = names_of(framework)
    audit = audited(framework, names)
    assert audit.touched == {}
    assert {*audit.names, *audit.crashed, *audit.absent} == set(names)
    assert len(names) > 1_200
    # The arguments get behind the first check of nearly all.
    assert len(audit.works) > 0.8 * len(names)
    assert audit.calls > 40_000
    assert audit.traced == TRACED
    # What ends its process is said with the call, and the calls behind it are made in another one.
    assert all(": " in call for calls in audit.crashed.values() for call in calls)
    assert set(audit.crashed) - set(audit.given_up) <= set(audit.names)


def test_a_call_that_ends_its_process_is_listed_and_the_others_are_made() -> None:
    """Whether it is one of the arguments that are tried first, or one of the hostile ones."""
    ends = "nn.init.warnings.sys.modules['os']._exit"
    audit = audited("torch", {"torch.tanh": ["input"], ends: ["status"], "torch.exp": ["input"]}, trace=False)
    assert audit.names == ["torch.tanh", ends, "torch.exp"]
    tried = [f"tried arguments {place}: exit code {code}" for place, code in ((2, 1), (3, 2), (11, 1), (12, 2))]
    assert audit.crashed == {ends: [*tried, "all -1: exit code 255", "status=-1: exit code 255"]}
    assert audit.given_up == []


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_a_hostile_name_in_the_list_is_found(framework: str) -> None:
    """Among harmless ones, which are not blamed for it."""
    hostile = {name: signatures for name, (signatures, _) in HOSTILE[framework].items()}
    harmless = dict(list(names_of(framework).items())[:5])
    audit = audited(framework, {**harmless, **hostile})
    for name, (_, witness) in HOSTILE[framework].items():
        if TRACED or not witness.startswith("strace"):
            assert any(found.startswith(witness) for found in audit.touched.get(name, ())), (name, audit.touched)
    assert set(audit.touched) - {"(some name)"} <= set(hostile)


def test_the_names_are_all_that_a_scenario_may_use() -> None:
    for framework in ("torch", "tensorflow"):
        table, names = native(framework), names_of(framework)
        assert set(table.calls) <= set(names)
        assert {f".{name}" for name in table.methods} <= set(names)
        assert set(table.aliases.values()) <= set(names)
        assert not {name for name in HOSTILE[framework] if name in names}


@pytest.mark.parametrize(
    "value", ["{'class_name': 'f'}", "b'f'", "[b'f']", "f'{x}'", "{1, 2}", "lambda: 1", "**x", "*x"]
)
def test_what_is_handed_over_as_an_argument_is_a_number_a_text_or_a_list(value: str) -> None:
    """A dict is how Keras is told which class to make: it could name any."""
    assert parse(f"keras.layers.Dense(1, {value})")[1]
    if not value.startswith("*"):
        assert parse(f"keras.layers.Dense(1, activation={value})")[1]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('1 openat(AT_FDCWD, "/lib/x.so", O_RDONLY|O_CLOEXEC) = 3', False),
        ('1 openat(AT_FDCWD, "/dev/null", O_RDWR) = 3', False),
        ('1 openat(AT_FDCWD, "/proc/self/task/7/comm", O_RDWR) = 3', False),
        ("1 clone3({flags=CLONE_VM|CLONE_THREAD, stack=0x7f}, 88) = 9", False),
        ("1 tgkill(7, 7, SIGABRT) = 0", False),
        ("1 exit_group(0) = ?", False),
        ('1 openat(AT_FDCWD, "x", O_WRONLY|O_CREAT|O_TRUNC, 0666 <unfinished ...>', True),
        ('1 openat(AT_FDCWD, "/f/marker", O_RDONLY) = 3', True),
        ('1 newfstatat(AT_FDCWD, "/f/marker", 0x7ffd, 0) = 0', True),
        ('1 unlink("/x") = 0', True),
        ('1 mkdirat(AT_FDCWD, "/x", 0777) = 0', True),
        ("1 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 4", True),
        ('1 execve("/bin/sh", ["sh"], 0x7f) = 0', True),
        ("1 clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD) = 8", True),
        ("1 kill(8, SIGKILL) = 0", True),
    ],
)
def test_what_a_system_call_is_judged_to_be(line: str, wrong: bool) -> None:
    assert bool(judged(line, "/f")) == wrong


def test_system_calls_belong_to_the_name_before_them() -> None:
    made = '1 mkdir("/x", 0777) = 0'
    lines = [made, '1 access("/audit:torch.exp", F_OK) = -1', made, '1 access("/audit:", F_OK) = -1', made]
    assert [name for name, _ in judged_lines(lines, Path("/f"))] == ["torch.exp"]


def test_it_runs_alone() -> None:
    command = [sys.executable, "-m", "tests.tools.audit", "torch", "--name", "torch.exp", "--name", "torch.load"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 1, done.stderr
    assert "TOUCHED by torch.load: open " in done.stdout
    assert "torch.exp" not in done.stdout
