"""`tfpt check --executor dask://...`: a real scheduler and real workers, whose frameworks are toys that answer at once."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import Executor, Future
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT, run_tfpt
from tests.processes import children, until
from tests.toys.worker import interpreter_of
from tfpt_cli.engine import cluster
from tfpt_cli.engine.options import Observer, Options
from tfpt_cli.frameworks import FRAMEWORKS, Side
from tfpt_cli.results import Status

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tfpt_cli.results import Report

TEXT = "name: s{number}\ngradient: {{of: sum(x) * 1234.5 * {number}, at: {{x: [1.0]}}}}\n"
MATRIX = (
    "name: m\nmatrix: {k: [1, 2, 3]}\nexpect: {value: agree, d/dx: agree}\ngradient: {of: sum(x) * k, at: {x: [1.0]}}\n"
)


class Cluster:
    """A scheduler, and workers that are started and killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        self.file = folder / "scheduler.json"
        self._start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        until(self.file.exists, "no scheduler")
        self.address = json.loads(self.file.read_text(encoding="utf-8"))["address"].replace("tcp://", "dask://")

    def worker(self, path: Path = ROOT) -> subprocess.Popen[bytes]:
        """Starts a worker whose tfpt lies at a path."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(self.folder)]
        return self._start("distributed.cli.dask_worker", *options, path=path)

    def _start(self, module: str, *options: str, path: Path = ROOT) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", module, "--scheduler-file", str(self.file), *options]
        environment = {**os.environ, "PYTHONPATH": str(path)}
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in reversed(self.processes):
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "cluster").mkdir()
    started = Cluster(tmp_path / "cluster")
    yield started
    started.end()


@pytest.fixture
def toys(tmp_path: Path) -> list[str]:
    """The options of toys for frameworks, each of which takes a twentieth of a second for a listing."""
    path = interpreter_of(tmp_path, "busy")
    return ["--torch-python", path, "--tensorflow-python", path, "--no-reference"]


def write(folder: Path, count: int) -> None:
    for part in range(2):
        numbers = range(1 + part * count // 2, 1 + (part + 1) * count // 2)
        documents = [TEXT.format(number=number) for number in numbers]
        (folder / f"{'ab'[part]}.yaml").write_text("---\n".join([*documents, MATRIX]), encoding="utf-8")


def untimed(report: dict[str, Any]) -> Any:
    return [{key: value for key, value in scenario.items() if key != "seconds"} for scenario in report["scenarios"]]


def test_the_report_is_that_of_a_run_here(dask: Cluster, toys: list[str], tmp_path: Path) -> None:
    write(tmp_path, 20)
    wrong = "# one\n---\n\n  name: wrong\n  gradient: {of: tanh(y), at: {x: 1.0}}\n---\n"
    broken = f"{wrong}  name: last\n  gradient: {{of: x, at: {{x: 1.0}}}}\n"
    (tmp_path / "c.yaml").write_text(broken, encoding="utf-8")
    for _ in range(2):
        dask.worker()
    files = ["a.yaml", "b.yaml", "c.yaml", "--format", "json"]
    here, there = (run_tfpt("check", *files, *toys, *more, cwd=tmp_path) for more in ([], ["--executor", dask.address]))
    assert here.code == there.code == 2, here.err
    assert here.out, here.err
    assert len(here.json["scenarios"]) == 27
    assert untimed(there.json) == untimed(here.json)
    assert there.json["problems"] == here.json["problems"]
    assert there.json["environment"] == here.json["environment"]


def test_one_worker_is_killed_and_one_joins_late(dask: Cluster, toys: list[str], tmp_path: Path) -> None:
    write(tmp_path, 480)  # enough for a slow machine to start the late one
    first, _ = dask.worker(), dask.worker()
    command = [sys.executable, "-m", "tfpt_cli", "check", "a.yaml", "b.yaml", *toys, "--executor", dask.address]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, "--format", "line"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        lines = [run.stdout.readline() for _ in range(20)]
        until(lambda: children(first.pid), "the first worker has been given nothing")
        first.send_signal(signal.SIGKILL)
        late = dask.worker()
        until(lambda: children(late.pid) or run.poll() is not None, "the late worker has been given nothing")
        assert run.poll() is None, "the run was over before the late worker was there"
        lines += run.stdout.readlines()
    assert run.returncode == 0
    assert "486 passed" in lines[-1]
    names = [line.split()[2] for line in lines[:-1]]
    expected = [f"s{number}:" for number in range(1, 481)]
    assert [name for name in names if name.startswith("s")] == expected


def test_ctrl_c_writes_what_there_is(dask: Cluster, toys: list[str], tmp_path: Path) -> None:
    write(tmp_path, 400)
    dask.worker()
    command = [
        sys.executable,
        "-m",
        "tfpt_cli",
        "check",
        "a.yaml",
        *toys,
        "--executor",
        dask.address,
        "--format",
        "line",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [*command, "--report", "json=a.json"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        run.stdout.readline()
        run.send_signal(signal.SIGINT)
        run.stdout.read()
    assert run.returncode == 130
    report = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert report["interrupted"]
    assert 0 < len(report["scenarios"]) < 200


def test_a_worker_with_another_tfpt_is_said(dask: Cluster, toys: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT / "tfpt_cli", copy / "tfpt_cli", ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "tfpt_cli" / "listing.py").open("a", encoding="utf-8") as file:
        file.write("# edited\n")
    dask.worker(copy)
    write(tmp_path, 4)
    done = run_tfpt("check", "a.yaml", *toys, "--executor", dask.address, cwd=tmp_path)
    assert done.code == 3
    assert "the cluster could not run it: the worker has another tfpt" in " ".join(done.out.split())


def test_no_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with pytest.raises(cluster.NoCluster, match=r"no Dask scheduler answers at dask://127.0.0.1:1 .*is it started"):
        cluster.ClusterSession(Options(paths=(str(tmp_path),), cluster="dask://127.0.0.1:1"))


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(cluster.NoCluster, match=r"pip install 'tfpt\[dask\]'"):
        cluster.ClusterSession(Options(cluster="dask://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--executor", "slurm"], "'slurm' is no address of a cluster, such as dask://host:8786"),
        (["--executor", "dask://host"], "'dask://host' is no address"),
        (["--executor", "dask://host:1", "-j", "2"], "-j is for the processes of this machine"),
        (["--executor", "dask://host:1", "--fix-preview"], "--fix-preview is for the processes of this machine"),
    ],
)
def test_what_is_no_cluster(options: list[str], words: str, tmp_path: Path) -> None:
    write(tmp_path, 2)
    done = run_tfpt("check", "a.yaml", *options, cwd=tmp_path)
    assert done.code == 2
    assert words in " ".join(done.err.split())


# ---- an executor of our own, which fails as it is told


class Here(Executor):
    """Runs each batch at once, and raises where one holds a scenario that must not be there."""

    def __init__(self, bad: str, error: BaseException) -> None:
        self.bad, self.error = bad, error
        self.sizes: list[int] = []

    def submit(self, _: Any, /, *arguments: Any, **__: Any) -> Future[Any]:
        terms, jobs = arguments
        self.sizes.append(len(jobs))
        future: Future[Any] = Future()
        if any(self.bad in job.text for job in jobs):
            if isinstance(self.error, asyncio.CancelledError):
                future.cancel()
            else:
                future.set_exception(self.error)
        else:
            future.set_result(answered(terms, jobs))
        return future


def answered(terms: cluster.ClusterTerms, jobs: list[cluster.Job]) -> Any:
    """What a worker answers, by results that are made here."""
    from tfpt_cli.engine.status import failed_result
    from tfpt_cli.engine.stored import dumped
    from tfpt_cli.scenario.scenario import Scenario

    found = [cluster._read(job, terms) for job in jobs]
    read = [each for each in found if isinstance(each, Scenario)]
    passed = [replace(failed_result(each, terms.options.sides, ()), status=Status.PASSED) for each in read]
    return {"torch": f"2.{len(jobs)}"}, [dumped(each) for each in passed]


@pytest.mark.parametrize("error", [RuntimeError("died 3 times"), asyncio.CancelledError(), ModuleNotFoundError("tfpt")])
def test_a_scenario_that_no_worker_survives(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\n".join(TEXT.format(number=number) for number in range(20)), encoding="utf-8")
    executor = Here("s13", error)
    report = run_with(executor, tmp_path)
    failed = [scenario for scenario in report.scenarios if scenario.status is not Status.PASSED]
    assert [scenario.name for scenario in report.scenarios] == [f"s{number}" for number in range(20)]
    assert [scenario.name for scenario in failed] == ["s13"]
    assert "the cluster could not run it" in failed[0].failures[0].message
    assert report.exit_code == 3
    assert sorted(executor.sizes) == [*[1] * 8, 4, 8, 8]
    assert report.environment["torch"] in ("2.8 and 2.4 and 2.1", "2.8 and 2.1 and 2.4")


def run_with(executor: Executor, folder: Path) -> Report:
    pipeline = cluster.ClusterPipeline(Options(paths=(str(folder),)), Observer(), lambda _: True, executor)
    return asyncio.run(pipeline.run())


def test_terms_are_plain() -> None:
    import pickle

    torch, tensorflow = FRAMEWORKS.values()
    sides = Side("left", "left PyTorch", torch, "a/python"), Side("right", "right", tensorflow)
    options = Options(sides=sides, reference=False)
    terms = cluster.ClusterTerms.of(options)
    assert terms == cluster.ClusterTerms.of(options)
    own = replace(options, allow_code=True)
    assert cluster.ClusterTerms.of(own) != cluster.ClusterTerms.of(own), (
        "own code may have been edited between two runs"
    )
    again = pickle.loads(pickle.dumps(terms))
    assert again == terms
    assert [(side.key, side.label, side.framework, side.interpreter) for side in again.options.sides] == [
        (side.key, side.label, side.framework, side.interpreter) for side in sides
    ]
    assert importlib.util.find_spec("distributed")
