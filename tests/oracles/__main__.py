"""Runs the sources and prints their table: `python -m tests.oracles --source trees --sample 200 --seed 3`."""

from __future__ import annotations

import argparse
import importlib
import time
from collections import Counter

from tests.oracles.judge import Tally, judged
from tests.oracles.truth import yaml
from tfpt_cli.engine.options import Options
from tfpt_cli.engine.session import Session
from tfpt_cli.workers.process import Limits

SOURCES = ("opinfo", "tables", "trees", "planted")
HEADS = ("source", "scenarios", "quantities", "false agreements", "false differences", "refused by our fault", "blame right",
         "wrong", "silent")  # fmt: skip


def row(name: str, tally: Tally) -> str:
    """A row of the table in Markdown."""
    share = 100 * tally.silent.total() / max(tally.words, 1)
    cells = (name, tally.scenarios, tally.quantities, tally.false_agreements, tally.false_differences, tally.refused,
             tally.right, tally.wrong, f"{tally.silent.total()} ({share:.1f} %)")  # fmt: skip
    return "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells) + " |"


def details(name: str, tally: Tally, most: int) -> str:
    """Every bad case with its scenario, and the silences by their reason."""
    lines = [f"\n## {name}: {dict(Counter(bad.kind for bad in tally.bad))}, unjudged {tally.unjudged}, "
             f"refused by a framework {dict(tally.declined)}"]  # fmt: skip
    lines += [f"silent {count}: {reason}" for reason, count in tally.silent.most_common()]
    shown: Counter[str] = Counter()
    for bad in tally.bad:
        key = bad.kind + (bad.words if bad.kind == "silent" else "")
        shown[key] += 1
        if shown[key] > (most if bad.kind != "silent" else min(most, 3)):
            continue
        lines.append(f"--- # {bad.kind}: {bad.case.kind} {bad.quantity} {bad.side} {bad.words[:300]}")
        lines.append(yaml({"name": bad.case.kind, **bad.case.document}))
    return "\n".join(lines)


def main() -> None:
    """Reads the arguments, runs, prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracles", description=__doc__)
    parser.add_argument("--source", action="append", choices=SOURCES, help="of these alone; may be given again")
    parser.add_argument("--sample", type=int, help="how many cases of each source, at random")
    parser.add_argument("--seed", type=int, default=0, help="of what is random")
    parser.add_argument("--most", type=int, default=1000, help="how many bad cases of a kind are printed")
    arguments = parser.parse_args()
    print("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS), flush=True)
    found = {}
    with Session(Options(limits=Limits(timeout=1200, start=3000))) as session:
        for name in arguments.source or SOURCES:
            began = time.perf_counter()
            source = importlib.import_module(f"tests.oracles.{name}")
            found[name] = judged(source.cases(arguments.seed, arguments.sample), session)
            print(row(name, found[name]), f"<!-- {time.perf_counter() - began:.0f} s -->", flush=True)
    for name, tally in found.items():
        print(details(name, tally, arguments.most))


if __name__ == "__main__":
    main()
