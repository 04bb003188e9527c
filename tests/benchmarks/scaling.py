"""How many scenarios a second a cluster of 1 to 4 workers takes, where each has a machine of its own.

    python -m tests.benchmarks.scaling

This machine has fewer cores than that: the frameworks are toys that sleep for a twentieth of a second over each listing, so that
the workers do not wait for a processor. What is measured is what tfpt, the scheduler and the one process that reads and
writes leave of that.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import run_tfpt
from tests.processes import children, until
from tests.test_cluster import Cluster, write
from tests.toys.worker import interpreter_of

COUNT = 480


def main() -> None:
    print("| workers | scenarios a second | of as many times one worker |")
    print("|---|---|---|")
    one = 0.0
    for number in (1, 2, 3, 4):
        with tempfile.TemporaryDirectory() as name:
            rate = measured(Path(name), number)
        one = one or rate
        print(f"| {number} | {rate:.1f} | {rate / (number * one):.2f} |", flush=True)


def measured(folder: Path, number: int) -> float:
    """Scenarios a second with so many workers whose frameworks are warm."""
    path = interpreter_of(folder, "busy")
    write(folder, COUNT)
    (folder / "cluster").mkdir()
    dask = Cluster(folder / "cluster")
    try:
        workers = [dask.worker() for _ in range(number)]
        toys = ["--torch-python", path, "--tensorflow-python", path, "--no-reference"]
        command = ["check", "a.yaml", "b.yaml", *toys, "--executor", dask.address, "-qq"]
        run_tfpt(*command, cwd=folder)
        until(lambda: all(children(worker.pid) for worker in workers), "a worker has been given nothing")
        began = time.perf_counter()
        done = run_tfpt(*command, cwd=folder)
        seconds = time.perf_counter() - began
    finally:
        dask.end()
    if done.code:
        sys.exit(done.err or done.out)
    return COUNT / seconds


if __name__ == "__main__":
    main()
