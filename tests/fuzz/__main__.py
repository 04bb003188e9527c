"""`python -m tests.fuzz TARGET --runs N --seed S`: runs targets, and says how many inputs, how fast, and what was found."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.engines import Runs, mutated, with_atheris, with_hypothesis
from tests.fuzz.targets import MODULES, target

if TYPE_CHECKING:
    from tests.fuzz.watching import Finding


def main() -> int:
    """The command line; exit code 1 where something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "targets", nargs="+", choices=[*MODULES, "all"], metavar="TARGET", help=f"{', '.join(MODULES)}, or all"
    )
    parser.add_argument("--runs", type=int, default=10_000, help="how many inputs a target is given")
    parser.add_argument("--seconds", type=float, default=1e9, help="for how long at most")
    parser.add_argument("--seed", type=int, default=0, help="other inputs for another seed")
    parser.add_argument("--engine", choices=["random", "hypothesis", "atheris"], default="random")
    parser.add_argument(
        "--findings", type=Path, help="the folder into which inputs are written over which something was found"
    )
    parser.add_argument("options", nargs="*", default=[], help=argparse.SUPPRESS)
    known, options = parser.parse_known_args()
    names = list(MODULES) if "all" in known.targets else known.targets
    code = 0
    for name in names:
        found = _run(name, known, options)
        code |= bool(found.findings)
    return code


def _run(name: str, known: argparse.Namespace, options: list[str]) -> Runs:
    def seen(finding: Finding) -> None:
        print(
            f"  {finding.what} at {finding.where or '?'}: {finding.said[:160]!r}\n    {finding.data[:200]!r}",
            flush=True,
        )
        if known.findings:
            folder = known.findings / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / finding.name).write_bytes(finding.data)

    if known.engine == "atheris":
        import atheris

        with atheris.instrument_imports(include=["tfpt_cli"]):
            each = target(name)
        corpus = _corpus(name, known.findings)
        # libFuzzer counts its own start too.
        done = partial(_done, least=known.runs)
        with_atheris(
            each,
            [str(corpus), f"-runs={known.runs + 10}", f"-seed={known.seed + 1}", *options],
            Runs(name, seen=seen),
            done,
        )
    each = target(name)
    if known.engine == "hypothesis":
        found = with_hypothesis(each, known.runs, known.seed)
    else:
        found = mutated(each, known.runs, known.seed, seconds=known.seconds, into=Runs(name, seen=seen))
    _say(found)
    return found


def _done(found: Runs, least: int) -> None:
    if found.inputs == least or found.inputs % 50_000 == 0:
        _say(found)


def _say(found: Runs) -> None:
    rate = found.inputs / max(found.seconds, 1e-9)
    words = f"{found.inputs:,} inputs in {found.seconds:.0f} s ({rate:,.0f}/s), {len(found.findings)} kinds of findings"
    print(f"{found.target}: {words}", flush=True)


def _corpus(name: str, findings: Path | None) -> Path:
    """A folder in which libFuzzer keeps what covers more, with the seeds in it."""
    folder = (findings or Path("fuzzed")) / f"corpus-{name}"
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target(name).begin()):
        (folder / f"seed-{number}").write_bytes(data)
    return folder


if __name__ == "__main__":
    sys.exit(main())
