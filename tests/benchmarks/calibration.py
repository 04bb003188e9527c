"""False alarms and power of the verdicts on random parameters: `python -m tests.benchmarks.calibration`.

Scenarios are read and compared by tfpt's own code; both frameworks run in this process, so that a seed costs a draw and
not a start. **False alarms**: every initializer that both sides can write, three layers, so many seeds; counted are the
seeds that end in `differs`, and those that would at a level of 1 % (a check of the p-values themselves, which the level
of the verdict is too small to give). **Power**: what people confuse, found in so many of the seeds; once as tfpt
compares it, once with both sides' rows hidden, by the two samples alone.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from tests.sides import TENSORFLOW, TORCH
from tests.tasks import init_of
from tfpt_cli.compare.distribution import LEVEL
from tfpt_cli.frameworks import FRAMEWORKS, SIDES, Side
from tfpt_cli.layers.parameters import FilledParameter, Initialization
from tfpt_cli.results import Comparison, State, Value, Verdict
from tfpt_cli.scenario.scenario import load
from tfpt_cli.subjects.init.comparer import FilledPair, compare_parameter
from tfpt_cli.subjects.init.spec import DRAWS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

# The frameworks are imported by the listings, later than this. A process a core draws more than two threads in each.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")

LAYERS = ("linear(6, 8)", "linear(64, 32)", "conv2d(8, 16, 3)")
MATRICES = ("linear(6, 8)", "linear(64, 32)", "embedding(40, 20)")  # what sparse can fill
INITIALIZERS = (
    "uniform(-0.1, 0.3)", "normal(0.5, 2.0)", "truncated_normal(0.0, 0.02)", "glorot_uniform()", "glorot_uniform(2.0)",
    "glorot_normal()", "xavier_normal()", "he_uniform()", "he_normal()", "kaiming_uniform(a=0.2)",
    "kaiming_normal(mode='fan_out', nonlinearity='relu')", "lecun_uniform()", "lecun_normal()",
    "variance_scaling(2.0, 'fan_avg', 'uniform')", "variance_scaling(0.5, 'fan_out')",
    "variance_scaling(1.0, 'fan_in', 'untruncated_normal')", "orthogonal()", "orthogonal(1.4)", "sparse(0.3)",
)  # fmt: skip
LOOSE = 0.01

NATIVE = """name: n
init:
  torch: {{layer: '{torch}', {weight}: '{fill}'}}
  tensorflow: {{layer: '{keras}', input_shape: [{size}]}}
"""


@dataclass(frozen=True)
class Confusion:
    """What people confuse: a scenario, the parameter to look at, and what is done to Keras's draws, if anything."""

    name: str
    scenario: str
    parameter: str = "weight"
    change: Callable[[NDArray[Any], np.random.Generator], NDArray[Any]] | None = None


def _linear(initializer: str, keras: str, units: int = 32, size: int = 64) -> str:
    layer = f"keras.layers.Dense({units}, kernel_initializer={keras})"
    return NATIVE.format(
        torch=f"nn.Linear({size}, {units})", weight="weight", initializer=initializer, keras=layer, size=size
    )


def _one_gate(kernel: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    changed = kernel.copy()
    quarter = kernel.shape[-1] // 4
    gate = changed[..., quarter : 2 * quarter]
    changed[..., quarter : 2 * quarter] = rng.normal(0, gate.std(), gate.shape)
    return changed


def _repeated(kernel: NDArray[Any], _: np.random.Generator) -> NDArray[Any]:
    changed = kernel.copy()
    half = kernel.shape[1] // 2
    changed[:, half:] = changed[:, :half]
    return changed


SCALED = "keras.initializers.VarianceScaling"
CONFUSIONS = (
    Confusion("he_normal for kaiming_normal_", _linear('nn.init.kaiming_normal_(nonlinearity="relu")', '"he_normal"')),
    Confusion(
        "a gain 4 % off",
        _linear('nn.init.kaiming_normal_(nonlinearity="relu")', f'{SCALED}(2 * 1.04**2, "fan_in", "untruncated_normal")'),
    ),
    Confusion(
        "fan_in for fan_avg, fans 256 and 300",
        _linear("nn.init.xavier_normal_()", f'{SCALED}(1.0, "fan_in", "untruncated_normal")', 300, 256),
    ),
    Confusion(
        "cut off at 2 and at 3 sigma, same std",
        _linear("nn.init.trunc_normal_(std=0.017832, a=-0.053496, b=0.053496)", "keras.initializers.TruncatedNormal(0.0, 0.02)"),
    ),
    Confusion(
        "mean shifted by 0.06 sigma",
        _linear("nn.init.normal_(0.06, 1.0)", "keras.initializers.RandomNormal(0.0, 1.0)"),
    ),
    Confusion(
        "uniform for normal, same std",
        _linear("nn.init.uniform_(-math.sqrt(3), math.sqrt(3))", "keras.initializers.RandomNormal(0.0, 1.0)"),
    ),
    Confusion(
        "one of four LSTM gates, same std",
        "name: n\ninit: {layer: 'lstm(16, 32)', weight_ih: glorot_uniform()}\n",
        "weight_ih",
        _one_gate,
    ),
    Confusion(
        "forget-gate bias 1 for 0",
        "name: n\ninit:\n  torch: {layer: 'nn.LSTM(8, 16)', bias_ih_l0: nn.init.zeros_(), bias_hh_l0: nn.init.zeros_()}\n"
        "  tensorflow: {layer: keras.layers.LSTM(16), input_shape: [5, 8]}\n",
        "bias",
    ),
    Confusion(
        "Gaussian for orthogonal, same scale",
        _linear("nn.init.orthogonal_()", "keras.initializers.RandomNormal(0.0, 1 / 8)", 64, 64),
    ),
    Confusion(
        "second half repeats the first",
        "name: n\ninit: {layer: 'linear(64, 32)', weight: 'normal(0, 0.02)'}\n",
        "weight",
        _repeated,
    ),
)  # fmt: skip


class Drawing:
    """A parameter of a scenario with both of its listings run once, ready to be drawn again for any seed."""

    def __init__(self, scenario: str, name: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scenario.yaml"
            path.write_text(scenario, encoding="utf-8")
            ((found,),) = (item for item in load(str(path)) if isinstance(item, list))
        self.parameter = next(parameter for parameter in init_of(found).parameters if parameter.name == name)
        self.spaces: dict[Side, dict[str, Any]] = {}
        self.again: dict[Side, Any] = {}
        for side, listing in found.listings().items():
            self.spaces[side] = {"__name__": side}
            for section in listing.sections:
                exec(compile(section.source, side, "exec"), self.spaces[side])  # our own listing
                if any((leaf.quantity, leaf.way) == (name, DRAWS) for leaf in section.leaves):
                    self.again[side] = compile(section.source, side, "exec")
        self.listings = found.listings()
        if TENSORFLOW in self.again:
            self._trace()

    def _trace(self) -> None:
        """One traced function for all seeds: tracing costs more than drawing."""
        import keras
        import tensorflow as tf

        space = self.spaces[TENSORFLOW]
        count = self.parameter.draws(TENSORFLOW.framework, 20_000)
        weight = space[self.parameter.name]
        initializer = eval(self.parameter.keras_initializer, space)  # our own listing
        self.generator = keras.random.SeedGenerator(0)
        initializer.seed = self.generator
        self.initializer = initializer
        shape, dtype = tuple(weight.shape), keras.backend.standardize_dtype(weight.dtype)
        self.traced = tf.function(
            lambda: tf.map_fn(lambda _: initializer(shape, dtype=dtype), tf.range(count), fn_output_signature=dtype),
            autograph=False,
        )

    def values(self, side: Side, seed: int) -> tuple[Value, Value | None]:
        """The layer's own value and the draws of a seed."""
        space = self.spaces[side]
        if side not in self.again:
            self._rebuild(side, seed)
            return self._value(side, space[self.parameter.name]), None
        if side is TORCH:
            import torch

            torch.manual_seed(seed)
            exec(self.again[side], space)  # our own listing
            draws = self._value(side, space[f"{self.parameter.name}_draws"])
        else:
            if not hasattr(self.initializer, "get_config"):  # a function of ours, which draws from the global seed
                import tensorflow as tf

                tf.random.set_seed(seed)
            self.generator.state.assign([seed, 0])
            draws = self._value(side, self.traced())
        return replace(draws, array=draws.array[0].copy()), draws

    def _rebuild(self, side: Side, seed: int) -> None:
        space = self.spaces[side]
        for section in self.listings[side].sections[1:]:
            source = section.source.replace("manual_seed(0)", f"manual_seed({seed})")
            exec(source.replace("set_random_seed(0)", f"set_random_seed({seed})"), space)

    def _value(self, side: Side, tensor: Any) -> Value:
        array = tensor.detach().numpy() if side is TORCH else np.asarray(tensor)
        return Value(State.PRESENT, np.array(array), "float32")

    def compare(self, seed: int, change: Any = None, *, rows: bool = True) -> Comparison:
        """The comparison for a seed; without `rows`, as if nobody knew what either side is filled with."""
        values: dict[Side, Value | None] = {}
        draws: dict[Side, Value | None] = {}
        for side in SIDES:
            values[side], draws[side] = self.values(side, seed)
        if change is not None:
            rng = np.random.default_rng(seed)
            own, drawn = values[TENSORFLOW], draws[TENSORFLOW]
            changed = change(own.array[None] if drawn is None else drawn.array, rng)  # type: ignore[union-attr]
            values[TENSORFLOW] = Value(State.PRESENT, changed[0].copy(), "float32")
            draws[TENSORFLOW] = Value(State.PRESENT, changed, "float32")
        parameter: FilledParameter = self.parameter
        if not rows:
            parameter = replace(parameter, initialization={f: Initialization() for f in FRAMEWORKS})
        return compare_parameter(FilledPair(parameter=parameter, sides=SIDES), values, draws, None)


def alarms(initializer: str, layer: str, seeds: int) -> tuple[str, str, int, int]:
    """How many seeds end in `differs`, and how many would at the loose level."""
    drawing = Drawing(f'name: n\ninit:\n  layer: {layer}\n  weight: "{initializer}"\n', "weight")
    strict = loose = 0
    for seed in range(seeds):
        found = drawing.compare(seed)
        tests = found.distribution.tests if found.distribution else ()
        strict += found.verdict is Verdict.DIFFERS
        loose += any(test.p < LOOSE / len(tests) for test in tests)
    return initializer, layer, strict, loose


def power(index: int, seeds: int) -> tuple[int, int, int]:
    """How many seeds show a confusion, with the rows and without."""
    confusion = CONFUSIONS[index]
    drawing = Drawing(confusion.scenario, confusion.parameter)

    def found(*, rows: bool) -> int:
        verdicts = [drawing.compare(seed, confusion.change, rows=rows).verdict for seed in range(seeds)]
        return verdicts.count(Verdict.DIFFERS)

    return index, found(rows=True), found(rows=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1_000, help="for every initializer and layer (1000)")
    parser.add_argument("--power-seeds", type=int, default=100, help="for every confusion (100)")
    parser.add_argument("--only", default="", help="of the initializers, those that start so")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    with ProcessPoolExecutor(options.jobs) as pool:
        print("| what people confuse | found | by the two samples alone |\n|---|---|---|", flush=True)
        for index, known, alone in pool.map(power, range(len(CONFUSIONS)), [options.power_seeds] * len(CONFUSIONS)):
            print(f"| {CONFUSIONS[index].name} | {known} of {options.power_seeds} | {alone} |", flush=True)
        pairs = [
            (initializer, layer)
            for initializer in INITIALIZERS
            if initializer.startswith(options.only)
            for layer in (MATRICES if initializer.startswith("sparse") else LAYERS)
        ]
        found = pool.map(alarms, *zip(*pairs, strict=True), [options.seeds] * len(pairs))
        rows: dict[str, list[tuple[int, int]]] = {}
        for initializer, _, strict, loose in found:
            rows.setdefault(initializer, []).append((strict, loose))
            if len(rows[initializer]) == len(LAYERS):
                if len(rows) == 1:
                    heads = " | ".join(f"`{layer}`" for layer in LAYERS)
                    print(f"\n| `differs` (and at a level of 1 %) of {options.seeds} | {heads} |\n|---|---|---|---|")
                cells = " | ".join(f"{one} ({other})" for one, other in rows[initializer])
                print(f"| `{initializer}` | {cells} |", flush=True)
    total = options.seeds * len(pairs)
    strict = sum(one for cells in rows.values() for one, _ in cells)
    loose = sum(other for cells in rows.values() for _, other in cells)
    bound = stats.binom.isf(1e-3, total, LOOSE)
    print(
        f"\n{strict} of {total:,} seeds differ at {LEVEL:g}; {loose} would at 1 % (at most {bound:.0f} by chance, p = 0.001)"
    )


if __name__ == "__main__":
    main()
