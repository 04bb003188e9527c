"""Measures what the README claims and prints its table: `python -m tests.benchmarks`.

Every figure is the wall time of a whole process, the median of several runs; a ratio is the median of the ratios of
runs made in turn (tfpt, bare, tfpt, bare, ...), so that it holds while the machine's speed drifts.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TFPT = [sys.executable, "-m", "tfpt_cli"]
COUNT = 500  # of bare_gradients.py


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        many = Path(folder) / "many.yaml"
        many.write_text(many_gradients(), encoding="utf-8")
        print("| command | seconds | against | ratio | promised |")
        print("|---|---|---|---|---|")
        for command in (["--help"], ["--version"], ["validate", "scenarios/"], ["code", "scenarios/seed"]):
            seconds = statistics.median(timed([*TFPT, *command]) for _ in range(runs))
            print(f"| `tfpt {' '.join(command)}` | {seconds:.2f} | | | at most 0.3 s |", flush=True)
        pair("`tfpt check scenarios/seed`", ["check", "scenarios/seed"], "bare_seed.py", 0.80, runs)
        pair(f"`tfpt check`, {COUNT} gradients", ["check", str(many)], "bare_gradients.py", 1.00, runs)


def many_gradients() -> str:
    """The scenarios of `bare_gradients.py`."""
    return "---\n".join(
        f"name: gradient {i}\ngradient:\n  of: sum(tanh({i + 1} * x) + x ** 2)\n  at: {{x: [{0.1 * i!r}, 1.0, -0.5]}}\n"
        for i in range(COUNT)
    )


def pair(label: str, command: list[str], bare: str, promised: float, runs: int) -> None:
    ours, ratios = [], []
    for _ in range(runs):
        ours.append(timed([*TFPT, *command]))
        ratios.append(ours[-1] / timed([sys.executable, str(HERE / bare)]))
    figures = f"{statistics.median(ours):.2f} | `{bare}` | {statistics.median(ratios):.2f}"
    print(f"| {label} | {figures} | at most {promised:.2f} |", flush=True)


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return seconds


if __name__ == "__main__":
    main()
