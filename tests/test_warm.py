"""The warm processes of a terminal: a second command answers at once, with what it would have answered cold, whatever happens."""

from __future__ import annotations

import importlib.util
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, run_tfpt
from tests.processes import PATIENCE, children, gone, until
from tests.test_kept import EVERYTHING, untimed
from tfpt_cli.cli import warm_client

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAD = ("grad", "tanh(x)", "--at", "x=1")
ENDLESS = "name: endless\ngradient: {torch: {python: 'own.py:f'}, tensorflow: {python: 'own.py:f'}, at: {x: [1.0]}}\n"
SLOW = "import time\nprint('here')\nopen('began', 'w').close()\ntime.sleep({})\ndef f(x):\n    return x * {}\n"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")


@dataclass
class Terminal:
    """A person at a terminal, in a folder, with a runtime folder of their own."""

    folder: Path
    runtime: Path
    environment: dict[str, str] = field(default_factory=dict)
    nohup: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """The environment that a command is typed in."""
        own = {"XDG_RUNTIME_DIR": str(self.runtime), "PYTHONPATH": str(ROOT), "COLUMNS": "100", "TERM": "dumb"}
        usual = {
            name: value for name, value in os.environ.items() if name not in ("CI", "TFPT_WARM", "PYTEST_CURRENT_TEST")
        }
        return {**usual, **own, **self.environment}

    def begin(self, *arguments: str) -> tuple[int, int]:
        """Types a command; gives its process and the terminal."""
        pid, terminal = pty.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGHUP, signal.SIG_IGN if self.nohup else signal.SIG_DFL)
                os.chdir(self.folder)
                os.execve(sys.executable, [sys.executable, "-m", "tfpt_cli", *arguments], self.variables)
            finally:
                os._exit(99)
        return pid, terminal

    def end(self, pid: int, terminal: int) -> tuple[int, str]:
        """Waits for a command; gives its exit code, negative for a signal, and what stands on the terminal."""
        said, ended, status = b"", 0, 0
        while True:
            try:
                # A terminal does not always say that everybody has left it.
                readable = select.select([terminal], [], [], 0.0 if ended else 0.1)[0]
                piece = os.read(terminal, 65536) if readable else b""
            except OSError:
                break
            if ended and not piece:
                break
            said += piece
            if not ended:
                ended, status = os.waitpid(pid, os.WNOHANG)
        os.close(terminal)
        if not ended:
            _, status = os.waitpid(pid, 0)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.decode()).replace("\r\n", "\n")
        assert "Traceback" not in text, text
        return os.waitstatus_to_exitcode(status), text

    def type(self, *arguments: str) -> tuple[int, str]:
        """Types a command and waits for it."""
        return self.end(*self.begin(*arguments))

    def report(self, *arguments: str) -> dict[str, Any]:
        """The JSON report of a check that is typed."""
        self.type("check", *arguments, "--report", "json=out.json")
        found: dict[str, Any] = json.loads((self.folder / "out.json").read_text())
        return found

    def status(self) -> dict[str, Any] | None:
        """What the server says of itself; None where there is none."""
        connection = self._connected()
        if connection is None:
            return None
        with connection:
            try:
                warm_client.send(connection, {"do": "status"})
                return warm_client.receive(connection)
            except (OSError, ValueError):
                return None

    def _connected(self) -> socket.socket | None:
        found = list(self.runtime.glob("tfpt/*.socket"))
        if not found:
            return None
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(found[0]))
        except OSError:
            connection.close()
            return None
        return connection

    def warm(self) -> dict[str, Any]:
        """The status of the server, once there is one."""
        until(lambda: self.status() is not None, "no server came up")
        found = self.status()
        assert found is not None
        return found


def frameworks(pid: int) -> dict[str, int]:
    """The frameworks' processes that a process has started, by framework."""
    found = {}
    for child in children(pid):
        with suppress(OSError):
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if any(word.endswith(b"child.py") for word in words):
                found[words[2].decode()] = child
    return found


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal at which nothing is warm yet; what is warm at the end is ended."""
    folder, runtime = tmp_path / "here", Path(tempfile.mkdtemp(prefix="warm-"))  # a socket's path has 107 bytes at most
    folder.mkdir()
    found = Terminal(folder, runtime)
    yield found
    status = found.status()
    processes = [] if status is None else [status["pid"], *frameworks(status["pid"]).values()]
    shutil.rmtree(runtime, ignore_errors=True)  # a server ends without its socket, and one that is still coming up
    for pid in processes:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until(lambda: all(map(gone, processes)), "a process outlived the server")


@pytest.fixture
def warmed(terminal: Terminal) -> Terminal:
    """A terminal at which something is warm."""
    terminal.type("warm", "start")
    terminal.warm()
    return terminal


def runs(terminal: Terminal) -> int:
    status = terminal.status()
    return -1 if status is None else int(status["runs"])


def test_a_second_command_is_answered_by_what_the_first_has_left_warm(terminal: Terminal) -> None:
    cold = terminal.type(*GRAD)
    terminal.warm()
    assert runs(terminal) == 0
    for count in (1, 2, 3):
        assert table(terminal.type(*GRAD)) == table(cold)
        assert runs(terminal) == count


def table(done: tuple[int, str]) -> tuple[int, str]:
    """The exit code, and what stands above the progress bar."""
    return done[0], done[1].partition("starting ")[0].partition("checking ")[0].rstrip()


def test_what_is_answered_warm_is_what_is_answered_cold_to_the_bit(terminal: Terminal) -> None:
    """Of every subject, twice, and in the other order: no scenario sees what another has left."""
    texts = EVERYTHING.split("---\n")
    for name, order in (("a.yaml", texts), ("b.yaml", texts[::-1])):
        (terminal.folder / name).write_text("---\n".join(order))
    cold = {
        name: untimed(run_tfpt("check", name, "--format", "json", cwd=terminal.folder).json)
        for name in ("a.yaml", "b.yaml")
    }
    terminal.type("warm", "start")
    terminal.warm()
    for count, name in enumerate(("a.yaml", "b.yaml", "b.yaml", "a.yaml")):
        assert untimed(terminal.report(name)) == cold[name]
        assert runs(terminal) == count + 1


def test_exit_codes_and_options(warmed: Terminal) -> None:
    cases: list[tuple[tuple[str, ...], int]] = [
        (("diff", "--torch", "torch.tanh(x)", "--tensorflow", "tf.sinh(x)", "--at", "x=1"), 1),
        (("grad", "nosuch(x)"), 2),
        (("check", "nothing.yaml"), 2),
        (("check", "--nosuch"), 2),
        ((*GRAD, "--memory", "4"), 0),
        ((*GRAD, "--format", "json"), 0),
    ]
    for count, (arguments, code) in enumerate(cases):
        found, said = warmed.type(*arguments)
        assert found == code, said
        assert runs(warmed) == count + 1


def test_where_nothing_warm_is_wanted(warmed: Terminal) -> None:
    """In CI, where a person has said so, and in another environment."""
    for variables in ({"CI": "true"}, {"TFPT_WARM": "0"}, {"JENKINS_URL": "x"}):
        warmed.environment = variables
        assert warmed.type(*GRAD)[0] == 0
        assert runs(warmed) == 0


def test_nothing_is_warmed_without_a_terminal_or_against_a_wish(terminal: Terminal) -> None:
    environment = {"XDG_RUNTIME_DIR": str(terminal.runtime), "CI": "", "TFPT_WARM": "1"}
    assert run_tfpt(*GRAD, environment=environment).code == 0
    assert terminal.type(*GRAD, "--no-warm")[0] == 0
    assert terminal.type("validate", str(ROOT / "scenarios" / "seed"))[0] == 0
    time.sleep(0.5)
    assert terminal.status() is None


def test_another_variable_or_folder_is_another_matter(warmed: Terminal, tmp_path: Path) -> None:
    """A command there runs cold, and what is warm is then warm for the next one there."""
    other = "0" if os.environ.get("TF_ENABLE_ONEDNN_OPTS") != "0" else "1"
    for change in ({"TF_ENABLE_ONEDNN_OPTS": other}, {"ANYTHING": "1"}, {}):
        warmed.environment = change
        before = runs(warmed)
        assert warmed.type(*GRAD)[0] == 0
        assert runs(warmed) == before
        assert warmed.type(*GRAD)[0] == 0
        assert runs(warmed) == before + 1
    warmed.folder = tmp_path
    before = runs(warmed)
    assert warmed.type(*GRAD)[0] == 0
    assert runs(warmed) == before


def test_what_a_person_has_edited_is_run_as_it_is_now(terminal: Terminal) -> None:
    (terminal.folder / "a.yaml").write_text(
        "name: a\ngradient:\n  torch: {python: 'own.py:f'}\n  tensorflow: {python: 'own.py:f'}\n  at: {x: [1.0]}\n"
    )
    for count, factor in enumerate((2.0, 3.0, 4.0, 4.0)):
        (terminal.folder / "factor.py").write_text(f"FACTOR = {factor}\nRUNS = []\n")
        (terminal.folder / "own.py").write_text(
            "import factor\ndef f(x):\n    factor.RUNS.append(1)\n    return x * factor.FACTOR\n"
        )
        report = terminal.report("a.yaml", "--allow-code")
        (value,) = (c for c in report["scenarios"][0]["comparisons"] if c["quantity"] == "value")
        assert value["torch"]["values"] == [factor]
        if count:
            assert runs(terminal) == count
        else:
            terminal.warm()


@pytest.mark.parametrize("who", ["the server", "torch", "reference"])
def test_whatever_is_killed_the_next_answer_is_right(who: str, warmed: Terminal) -> None:
    cold = table(warmed.type(*GRAD))
    server = warmed.warm()["pid"]
    os.kill(server if who == "the server" else frameworks(server)[who], signal.SIGKILL)
    if who == "the server":
        until(lambda: gone(server), "the server outlived a kill")
    for _ in range(2):
        assert table(warmed.type(*GRAD)) == cold
        warmed.warm()


def test_a_framework_that_stops_answering_is_given_its_time_as_ever(warmed: Terminal) -> None:
    """What is stopped is no crash: it takes too long, is said to, and the next command has a fresh one."""
    warmed.type(*GRAD)
    os.kill(frameworks(warmed.warm()["pid"])["torch"], signal.SIGSTOP)
    code, said = warmed.type(*GRAD, "--timeout", "5")
    assert code == 3
    assert "did not finish within 5 s" in said
    assert warmed.type(*GRAD)[0] == 0


@pytest.mark.parametrize("what", ["stale", "silent", "garbage", "a file", "a folder", "open to all"])
def test_a_socket_that_is_no_server(what: str, terminal: Terminal) -> None:
    assert terminal.type("warm", "status")[1].strip() == "nothing is kept warm"
    (terminal.runtime / "tfpt").mkdir(mode=0o777 if what == "open to all" else 0o700, exist_ok=True)
    name = name_of_socket(terminal)
    path = terminal.runtime / "tfpt" / name
    listener = socket.socket(socket.AF_UNIX)
    if what in ("stale", "silent", "garbage"):
        listener.bind(str(path))
    if what in ("silent", "garbage"):
        listener.listen()
    if what == "stale":
        listener.close()
    elif what == "garbage":
        threading.Thread(target=_talk, args=(listener,), daemon=True).start()
    elif what == "a file":
        path.write_text("no socket")
    elif what == "a folder":
        path.mkdir()
    elif what == "open to all":
        path.parent.chmod(0o777)
    assert terminal.type(*GRAD)[0] == 0
    listener.close()


def name_of_socket(terminal: Terminal) -> str:
    """The name of the socket of this environment's tfpt."""
    code = "from tfpt_cli.cli.warm_client import address; print(address().name)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=terminal.variables, capture_output=True, encoding="utf-8", check=True
    )
    return done.stdout.strip()


def _talk(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.sendall(b"\xff\xff\xff\xffHTTP/1.1 200 OK\r\n\r\n")
            connection.close()


def test_two_terminals_at_once(warmed: Terminal) -> None:
    """One of them is answered warm, the others cold, all right."""
    cold = table(warmed.type(*GRAD, "--no-warm"))
    began = [warmed.begin(*GRAD) for _ in range(3)]
    assert [table(warmed.end(*each)) for each in began] == [cold] * 3
    assert table(warmed.type(*GRAD)) == cold


@pytest.fixture
def waiting(terminal: Terminal) -> tuple[Terminal, int, int, int]:
    """A terminal at which a command runs warm that takes very long; its process, its terminal, and the server."""
    (terminal.folder / "a.yaml").write_text(ENDLESS)
    (terminal.folder / "own.py").write_text(SLOW.format(0, 2))
    terminal.type("check", "a.yaml", "--allow-code")
    server = terminal.warm()["pid"]
    (terminal.folder / "began").unlink()
    (terminal.folder / "own.py").write_text(SLOW.format(10_000, 2))
    pid, screen = terminal.begin("check", "a.yaml", "--allow-code", "--timeout", "9000")
    until((terminal.folder / "began").exists, "the command did not begin")
    assert runs(terminal) == 1
    return terminal, pid, screen, server


def test_ctrl_c_ends_the_command_and_not_the_server(waiting: tuple[Terminal, int, int, int]) -> None:
    terminal, pid, screen, server = waiting
    os.write(screen, b"\x03")
    code, said = terminal.end(pid, screen)
    assert (code, "interrupted" in said) == (130, True), said
    (terminal.folder / "own.py").write_text(SLOW.format(0, 2))
    assert terminal.warm()["pid"] == server
    assert terminal.type("check", "a.yaml", "--allow-code")[0] == 0
    assert runs(terminal) == 2


def test_a_terminal_that_is_closed_ends_the_command(waiting: tuple[Terminal, int, int, int]) -> None:
    terminal, pid, screen, server = waiting
    os.close(screen)
    os.waitpid(pid, 0)
    until(lambda: not terminal.warm()["busy"], "the command outlived its terminal")
    assert terminal.warm()["pid"] == server


def test_a_terminal_that_is_closed_behind_nohup(waiting: tuple[Terminal, int, int, int]) -> None:
    """The command goes on, and its client with it."""
    terminal, pid, screen, _ = waiting
    os.write(screen, b"\x03")
    terminal.end(pid, screen)
    (terminal.folder / "own.py").write_text(SLOW.format(3, 2))
    (terminal.folder / "began").unlink()
    terminal.nohup = True
    pid, screen = terminal.begin("check", "a.yaml", "--allow-code", "--report", "json=out.json")
    until((terminal.folder / "began").exists, "the command did not begin")
    os.close(screen)
    os.waitpid(pid, 0)
    report = json.loads((terminal.folder / "out.json").read_text())
    assert report["summary"]["passed"] == 1
    assert "interrupted" not in report


def test_a_client_that_is_killed_ends_the_command(waiting: tuple[Terminal, int, int, int]) -> None:
    terminal, pid, screen, server = waiting
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: not terminal.warm()["busy"], "the command outlived who typed it")
    os.close(screen)
    assert terminal.warm()["pid"] == server


def test_a_server_that_is_killed_while_a_command_runs(waiting: tuple[Terminal, int, int, int]) -> None:
    terminal, pid, screen, server = waiting
    (terminal.folder / "own.py").write_text(SLOW.format(0, 2))
    os.kill(server, signal.SIGKILL)
    code, said = terminal.end(pid, screen)
    assert code == 0, said
    assert "the warm process has gone; once more, without it" in said
    assert "1 passed" in said


def test_an_edit_of_tfpt_itself_ends_the_server(terminal: Terminal, tmp_path: Path) -> None:
    """As an upgrade does."""
    for name in ("tfpt_cli", "scenarios"):
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=shutil.ignore_patterns("__pycache__"))
    terminal.environment = {"PYTHONPATH": str(tmp_path / "copy")}
    terminal.type(*GRAD)
    server = terminal.warm()["pid"]
    assert terminal.type(*GRAD)[0] == 0
    assert runs(terminal) == 1
    with (tmp_path / "copy" / "tfpt_cli" / "report" / "words.py").open("a") as file:
        file.write("\n# edited\n")
    assert terminal.type(*GRAD)[0] == 0
    until(lambda: gone(server), "a server of another tfpt stays")
    terminal.warm()
    assert terminal.type(*GRAD)[0] == 0
    assert runs(terminal) == 1


def test_a_framework_that_was_touched_is_imported_anew(warmed: Terminal) -> None:
    file = Path(str(importlib.util.find_spec("keras").origin))  # type: ignore[union-attr]
    if not os.access(file, os.W_OK):
        pytest.skip("the environment is read only")
    before = file.stat()
    assert warmed.type(*GRAD)[0] == 0
    assert runs(warmed) == 1
    try:
        os.utime(file)
        assert warmed.type(*GRAD)[0] == 0
        assert runs(warmed) == 1
    finally:
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_it_ends_when_nothing_was_asked_for_long(terminal: Terminal) -> None:
    code, said = terminal.type("warm", "start", "--idle", "1")
    assert (code, "ends when idle for 1 s" in said) == (0, True), said
    server = terminal.warm()["pid"]
    processes = [server, *frameworks(server).values()]
    until(lambda: all(map(gone, processes)), "the server stays")
    assert terminal.type("warm", "status")[1].strip() == "nothing is kept warm"
    assert terminal.type("warm", "stop")[1].strip() == "nothing was kept warm"


def test_it_ends_when_its_socket_has_gone(warmed: Terminal) -> None:
    server = warmed.warm()["pid"]
    for path in warmed.runtime.glob("tfpt/*.socket"):
        path.unlink()
    until(lambda: gone(server), "the server stays")


def test_stopping_leaves_no_process(warmed: Terminal) -> None:
    warmed.type(*GRAD)
    server = warmed.warm()["pid"]
    processes = [server, *frameworks(server).values()]
    assert len(processes) == 4
    assert warmed.type("warm", "stop") == (0, "stopped\n")
    until(lambda: all(map(gone, processes)), "a process stays")
    assert warmed.type("warm", "status")[1].strip() == "nothing is kept warm"


def test_nobody_else_can_use_the_folder(warmed: Terminal) -> None:
    (path,) = warmed.runtime.glob("tfpt/*.socket")
    assert path.parent.stat().st_mode & 0o077 == 0
    assert path.stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:
        warmed.runtime.chmod(0o755)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.setuid(65534)
                socket.socket(socket.AF_UNIX).connect(str(path))
            except PermissionError:
                code = 13
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 13


@pytest.mark.parametrize("what", ["missing", "a file", "others can write it", "read only"])
def test_without_a_private_folder_everything_runs_cold(what: str, terminal: Terminal, tmp_path: Path) -> None:
    if what == "missing":
        terminal.runtime.rmdir()
    elif what == "a file":
        (terminal.runtime / "tfpt").write_text("")
    elif what == "others can write it":
        (terminal.runtime / "tfpt").mkdir()
        (terminal.runtime / "tfpt").chmod(0o777)
    else:
        terminal.runtime.chmod(0o500)
        if os.access(terminal.runtime, os.W_OK):
            pytest.skip("root can write everywhere")
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    (elsewhere / f"tfpt-{os.geteuid()}").write_text("")
    terminal.environment = {"TMPDIR": str(elsewhere)}
    assert terminal.type(*GRAD)[0] == 0
    if what == "missing":
        terminal.runtime.mkdir()
    assert terminal.status() is None
