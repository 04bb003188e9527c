"""Measures what the README claims and prints its table: `python -m tests.benchmarks`.

Every figure is the wall time of a whole process, the median of several runs; a ratio is the median of the ratios of
runs made in turn (tfpt, bare, tfpt, bare, ...), so that it holds while the machine's speed drifts.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.memory import peaks

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TFPT = [sys.executable, "-m", "tfpt_cli"]
# Of what needs no framework, in seconds of a whole process.
PROMISED = {
    "--help": 0.3,
    "--version": 0.3,
    "validate scenarios/seed": 0.3,
    "code scenarios/seed": 0.3,
    "list operations": 0.3,
    "show softmax": 0.3,
    "explain act-gelu-default": 0.3,
    "completion bash": 0.3,
}
COUNT = 1_000  # of bare_gradients.py
LAYER = "name: a layer\ninit:\n  layer: {layer}\n  weight: glorot_uniform()\n  samples: {samples}\n"
MATRICES = """name: matrices
gradient:
  of: mean(tanh(x @ w) ** 2)
  at: {x: 'normal(0, 1, (1024, 1024))', w: 'normal(0, 1, (1024, 1024))'}
"""  # those of bare_matrix.py
MODELS = f"""name: two networks
model:
  torch: {{python: '{HERE / "resnet_torch.py"}:ResNet50()'}}
  tensorflow: {{python: '{HERE / "resnet_keras.py"}:build()'}}
  at: {{x: 'normal(0, 1, (2, 3, 224, 224))'}}
  layout: channels
"""  # those of bare_model.py
WORDS = [[(place * 7919) % 30_522 for place in range(128)]]
BERTS = f"""name: two networks
model:
  torch: {{python: '{HERE / "bert_torch.py"}:Bert()'}}
  tensorflow: {{python: '{HERE / "bert_keras.py"}:Bert()'}}
  at: {{words: {WORDS}}}
  dtypes: {{words: int64}}
"""  # those of bare_bert.py
WIDE = """name: wide
model:
  torch: {{python: '{here}/wide_torch.py:network({width})'}}
  tensorflow: {{python: '{here}/wide_keras.py:network({width})'}}
  at: {{x: 'normal(0, 1, (2, {width}))'}}
"""  # that of bare_transfer.py
ONE_LAYER = "name: a layer\nmodel: {of: 'linear(3, 4)', at: {x: 'normal(0, 1, (2, 3))'}}\n"
GRAD = ["grad", "tanh(x)", "--at", "x=1"]  # that of bare_one.py
SAMPLES = 20_000
TENSOR = 4096 * 4096 * 4 / 2**20  # MiB
NETWORK = 25_610_152 * 8 / 2**20  # MiB, in float64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", choices=sorted(_PARTS), help="measure these alone")
    given = parser.parse_args()
    runs = given.runs
    os.environ["TFPT_CACHE"] = "0"  # what is measured is run, but where it is said otherwise
    with tempfile.TemporaryDirectory() as folder:
        if given.only:
            _PARTS[given.only](Path(folder), runs)
            return
        many = Path(folder) / "many.yaml"
        many.write_text(gradient_scenarios(range(COUNT)), encoding="utf-8")
        print("| command | seconds | against | ratio | promised |")
        print("|---|---|---|---|---|")
        for command, promised in PROMISED.items():
            seconds = statistics.median(timed([*TFPT, *shlex.split(command)]) for _ in range(runs))
            print(f"| `tfpt {command}` | {seconds:.2f} | | | at most {promised} s |", flush=True)
        pair("`tfpt check scenarios/seed`", ["check", "scenarios/seed"], "bare_seed.py", 0.80, runs)
        pair(f"`tfpt check`, {COUNT:,} gradients", ["check", str(many)], "bare_gradients.py", 1.20, runs)
        gradients(Path(folder), many, runs)
        initialization(Path(folder), runs)
        models(Path(folder), runs)
        transfers(Path(folder), runs)
        plugin(Path(folder), runs)
        arrays(Path(folder), runs)
        cold(Path(folder), runs)
        again(Path(folder), runs)
        very_many(Path(folder), runs)


def cold(folder: Path, runs: int) -> None:
    """One scenario and the one-liners, beside the import of TensorFlow and beside a script that imports both frameworks."""
    scenario = folder / "one.yaml"
    scenario.write_text("name: one\ngradient: {of: tanh(x), at: {x: 1.0}}\n", encoding="utf-8")
    tensorflow = [sys.executable, "-c", "import tensorflow"]
    commands = {
        "check": [str(scenario)],
        "grad": GRAD[1:],
        "layer": ["linear(3, 4)"],
        "weights": ["linear(3, 4)", "--weight", "uniform(0, 1)", "--bias", "zeros()"],
        "diff": ["--torch", "torch.tanh(x)", "--tensorflow", "tf.tanh(x)", "--at", "x=1"],
    }
    for name, more in commands.items():
        seconds, ratio = beside([*TFPT, name, *more], tensorflow, runs)
        print(f"| `tfpt {name}`, cold | {seconds:.2f} | `import tensorflow` | {ratio:.2f} | at most 1.15 |", flush=True)
        pair("the same", [name, *more], "bare_one.py", 0.72, runs)


def again(folder: Path, runs: int) -> None:
    """A command that finds the frameworks warm, and one of which nothing has changed."""
    (folder / "run").mkdir(mode=0o700)
    variables = {name: value for name, value in os.environ.items() if name != "CI"}
    variables |= {"XDG_RUNTIME_DIR": str(folder / "run"), "TFPT_WARM": "1"}
    subprocess.run([*TFPT, "warm", "start"], cwd=ROOT, env=variables, capture_output=True, check=True)
    at_a_terminal(GRAD, variables)  # waits for the frameworks
    second = statistics.median(at_a_terminal(GRAD, variables) for _ in range(runs))
    subprocess.run([*TFPT, "warm", "stop"], cwd=ROOT, env=variables, capture_output=True, check=True)
    print(f"| a second `tfpt grad` at a terminal | {second:.2f} | | | at most 0.25 s |", flush=True)
    os.environ |= {"TFPT_CACHE": "1", "XDG_CACHE_HOME": str(folder / "caches")}
    for command, promised in (("validate", 0.6), ("check", 1.5)):
        whole = timed([*TFPT, command, "scenarios"])
        seconds_again = statistics.median(timed([*TFPT, command, "scenarios"]) for _ in range(runs))
        words = f"`tfpt {command} scenarios` a second time (the first: {whole:.1f} s)"
        print(f"| {words} | {seconds_again:.2f} | | | at most {promised} s |", flush=True)


def at_a_terminal(command: list[str], variables: dict[str, str]) -> float:
    """The seconds of a command that is typed at a terminal."""
    ours, theirs = pty.openpty()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*TFPT, *command], cwd=ROOT, env=variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    try:
        while os.read(ours, 65536):
            pass
    except OSError:  # nobody writes any more
        pass
    process.wait()
    os.close(ours)
    return time.perf_counter() - began


def transfers(folder: Path, runs: int) -> None:
    """The weights of a file of 1.07 GB written as a file of the other framework, and of one of 0.27 GB with the check."""
    for width, label, options, target in (
        (8192, "1.07 GB, --force", ["--force"], "net.weights.h5"),
        (8192, "1.07 GB, --force, into .npz", ["--force"], "net.npz"),
        (4096, "0.27 GB, checked", [], "net.weights.h5"),
    ):
        scenario, source, output = (folder / name for name in ("wide.yaml", f"{width}.pt", target))
        scenario.write_text(WIDE.format(here=HERE, width=width), encoding="utf-8")
        bare = f"bare_transfer.py {width} {source} {output}"
        timed([sys.executable, *shlex.split(f"{HERE}/{bare}")])  # the first time it makes the source
        command = ["transfer", "--allow-code", *options, "--from", str(source), "-o", str(output), str(scenario)]
        pair(f"`tfpt transfer` of {label}", command, bare, 2.00, min(runs, 3))
        if options:
            extra = ", ".join(f"{name} {mib / 1024:.1f}" for name, mib in peaks([*TFPT, *command], ROOT).items())
            print(f"| memory of the same, in GiB | | | {extra} | |", flush=True)


def gradients(folder: Path, many: Path, runs: int) -> None:
    """What the reference adds, an expression of large matrices, and the dictionary's check of itself."""
    ratios = [
        timed([*TFPT, "check", str(many)]) / timed([*TFPT, "check", str(many), "--no-reference"]) for _ in range(runs)
    ]
    words = f"the same with and without the reference | | `--no-reference` | {statistics.median(ratios):.2f}"
    print(f"| {words} | at most 1.30 |", flush=True)
    matrices = folder / "matrices.yaml"
    matrices.write_text(MATRICES, encoding="utf-8")
    pair("`tfpt check`, (1024, 1024) matrices", ["check", str(matrices)], "bare_matrix.py", 1.30, runs)
    seconds = statistics.median(timed([*TFPT, "selfcheck"]) for _ in range(min(runs, 3)))
    print(f"| `tfpt selfcheck` | {seconds:.0f} | | | at most 240 s |", flush=True)


def models(folder: Path, runs: int) -> None:
    """Two networks of the size of ResNet-50, one layer, and every shipped scenario of models."""
    large, small = folder / "networks.yaml", folder / "layer.yaml"
    large.write_text(MODELS, encoding="utf-8")
    small.write_text(ONE_LAYER, encoding="utf-8")
    command = ["check", "--allow-code", str(large)]
    pair("`tfpt check`, two networks of 25 million parameters", command, "bare_model.py", 1.60, runs)
    pair("the same against a script in float64", command, "bare_model.py float64", 1.60, runs)
    berts = folder / "berts.yaml"
    berts.write_text(BERTS, encoding="utf-8")
    command = ["check", "--allow-code", "--timeout", "600", str(berts)]
    pair("`tfpt check`, two networks of 110 million parameters", command, "bare_bert.py", 1.60, min(runs, 2))
    pair("the same against a script in float64", command, "bare_bert.py float64", 1.60, min(runs, 2))
    many, few = (peaks([*TFPT, "check", "--allow-code", str(path)], ROOT) for path in (large, small))
    own = {name: needed(name) for name in ("torch", "tensorflow")}
    extra = ", ".join(f"{name} {(many[name] - few[name] - own.get(name, 0.0)) / NETWORK:.1f}" for name in many)
    words = "memory of the two of 25 million, in models of float64 beyond a layer and what `bare_memory.py` needs"
    print(f"| {words} | | | {extra} | at most 3 each |", flush=True)
    seconds = statistics.median(after_imports(small) for _ in range(runs))
    print(f"| one layer of a model, after the imports | {seconds:.2f} | | | at most 0.3 s |", flush=True)
    for more in ([], ["-j", "2"]):
        command = ["check", "scenarios/model", "--allow-code", *more]
        seconds = statistics.median(timed([*TFPT, *command]) for _ in range(min(runs, 3)))
        print(f"| `tfpt {' '.join(command)}` | {seconds:.0f} | | | at most 180 s on two cores |", flush=True)


def initialization(folder: Path, runs: int) -> None:
    """A large layer, a small one, and every shipped scenario of initialization."""
    large, small, tiny = (folder / f"{name}.yaml" for name in ("large", "small", "tiny"))
    large.write_text(LAYER.format(layer="linear(4096, 4096, bias=False)", samples=SAMPLES), encoding="utf-8")
    tiny.write_text(LAYER.format(layer="linear(64, 64, bias=False)", samples=SAMPLES), encoding="utf-8")
    small.write_text(LAYER.format(layer="linear(3, 4)", samples=SAMPLES), encoding="utf-8")
    pair("`tfpt check`, a (4096, 4096) layer", ["check", str(large)], "bare_large.py", 3.00, runs)
    many, few = (peaks([*TFPT, "check", str(path)], ROOT) for path in (large, tiny))
    extra = ", ".join(f"{name} {(many[name] - few[name]) / TENSOR:.1f}" for name in many)
    print(f"| memory of the same, in tensors beyond a (64, 64) layer | | | {extra} | at most 3 each |", flush=True)
    seconds = statistics.median(after_imports(small) for _ in range(runs))
    print(
        f"| a (3, 4) layer after the imports, `samples` as they are | {seconds:.2f} | | | at most 0.5 s |", flush=True
    )
    seconds = statistics.median(timed([*TFPT, "check", "scenarios/init"]) for _ in range(min(runs, 3)))
    print(f"| `tfpt check scenarios/init` | {seconds:.0f} | | | at most 90 s |", flush=True)


def needed(framework: str) -> float:
    """MiB that a framework needs for one of the two networks, forward and backward, beyond its import."""
    command = [sys.executable, str(HERE / "bare_memory.py"), framework]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout)


def after_imports(path: Path) -> float:
    """What one scenario takes once both frameworks are there, as the JSON report says it."""
    command = [*TFPT, "check", str(path), "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    seconds: float = json.loads(done.stdout)["scenarios"][0]["seconds"]
    return seconds


def very_many(folder: Path, runs: int) -> None:
    """Ten files of 1,000 gradients, and what they take in memory with a JSON report."""
    write_gradients(folder / "files", 10, COUNT)
    command = ["check", str(folder / "files"), "-qq"]
    pair(f"`tfpt check`, {10 * COUNT:,} gradients", command, f"bare_gradients.py {10 * COUNT}", 1.10, min(runs, 3))
    report = ["--report", f"json={folder / 'out.json'}"]
    used = peaks([*TFPT, *command, *report], ROOT)
    print(
        f"| memory of its own process, in MiB, with a JSON report | | | {used['tfpt']:.0f} | at most 150 |", flush=True
    )


def write_gradients(folder: Path, files: int, each: int) -> None:
    """Writes scenarios of `bare_gradients.py` into so many files of a new folder."""
    folder.mkdir(parents=True)
    for number in range(files):
        numbers = range(number * each, (number + 1) * each)
        (folder / f"{number}.yaml").write_text(gradient_scenarios(numbers), encoding="utf-8")


def gradient_scenarios(numbers: range) -> str:
    """Scenarios of `bare_gradients.py`."""
    return "---\n".join(
        f"name: gradient {i}\ngradient:\n  of: sum(tanh({i + 1} * x) + x ** 2)\n  at: {{x: [{0.1 * i!r}, 1.0, -0.5]}}\n"
        for i in numbers
    )


def pair(label: str, command: list[str], bare: str, promised: float, runs: int) -> None:
    script, *arguments = bare.split()
    seconds, ratio = beside([*TFPT, *command], [sys.executable, str(HERE / script), *arguments], runs)
    figures = f"{seconds:.2f} | `{script if len(bare) > 40 else bare}` | {ratio:.2f}"
    print(f"| {label} | {figures} | at most {promised:.2f} |", flush=True)


def beside(command: list[str], other: list[str], runs: int) -> tuple[float, float]:
    """The median of a command's seconds, and of how many times those of another, run behind it, they are."""
    seconds, ratios = [], []
    for _ in range(runs):
        seconds.append(timed(command))
        ratios.append(seconds[-1] / timed(other))
    return statistics.median(seconds), statistics.median(ratios)


def timed(command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{command} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return seconds


def plugin(folder: Path, runs: int) -> None:
    """The pytest plugin beside `tfpt check`, on the same scenarios; pytest itself, which imports and collects, is in it."""
    scenarios = folder / "project" / "scenarios"
    write_gradients(scenarios, 4, COUNT // 4)
    settings = scenarios.parent / "pytest.ini"
    settings.write_text("[pytest]\ntfpt_scenarios = scenarios\n", encoding="utf-8")
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(settings), str(scenarios)]
    for ours, other in (([], []), (["-n", "2"], ["-j", "2"])):
        seconds, ratio = beside([*pytest, *ours], [*TFPT, "check", str(scenarios), "-qq", *other], runs)
        label, against = " ".join(["pytest", *ours]), " ".join(["tfpt check", *other])
        print(
            f"| `{label}`, {COUNT:,} gradients | {seconds:.1f} | `{against}` | {ratio:.2f} | at most 1.00 |", flush=True
        )


def arrays(folder: Path, runs: int) -> None:
    """Two arrays of half a gigabyte compared, beside reading both twice, and the memory of a scenario of such arrays."""
    import numpy as np

    from tfpt_cli.compare.values import compare_values
    from tfpt_cli.engine.options import Options
    from tfpt_cli.engine.session import Session
    from tfpt_cli.frameworks import SIDES
    from tfpt_cli.results import PLAIN, Quantity, State, Value

    numbers = np.tanh(np.random.default_rng(0).standard_normal(1 << 27, dtype=np.float32))
    numbers.tofile(folder / "a.bin")
    numbers[::3] = np.nextafter(numbers[::3], np.float32(2))
    numbers.tofile(folder / "b.bin")
    seconds, ratios = [], []
    for _ in range(runs):
        began = time.perf_counter()
        for name in ("a.bin", "b.bin") * 2:
            np.fromfile(folder / name, dtype=np.float32)
        twice, began = time.perf_counter() - began, time.perf_counter()
        both = (np.memmap(folder / name, dtype=np.float32, mode="r") for name in ("a.bin", "b.bin"))
        values = {
            side: (PLAIN, Value(State.PRESENT, array, "float32")) for side, array in zip(SIDES, both, strict=True)
        }
        with Session(Options()):  # whose memory is that of a run
            compare_values(Quantity(kind="value"), values, None)
        seconds.append(time.perf_counter() - began)
        ratios.append(seconds[-1] / twice)
    print(
        f"| two arrays of 0.54 GB compared | {statistics.median(seconds):.1f} | reading both twice | "
        f"{statistics.median(ratios):.1f} | at most 3.0 |",
        flush=True,
    )
    found = []
    for name, size in (("large", 8192), ("small", 8)):
        path = folder / f"{name}.yaml"
        path.write_text(
            f"name: a\ngradient: {{of: tanh(x), at: {{x: 'normal(0, 1, ({size}, {size}))'}}, derivatives: []}}\n",
            encoding="utf-8",
        )
        found.append(peaks([*TFPT, "check", str(path), "--memory", "12", "--timeout", "300", "--no-reference"], ROOT))
    extra = (found[0]["tfpt"] - found[1]["tfpt"]) / 512 - 1
    print(f"| memory of that beyond the arrays themselves, of their size | | | {extra:.2f} | at most 1.5 |", flush=True)


_PARTS = {
    "plugin": plugin,
    "arrays": arrays,
    "transfers": transfers,
    "cold": cold,
    "again": again,
    "very-many": very_many,
}


if __name__ == "__main__":
    main()
