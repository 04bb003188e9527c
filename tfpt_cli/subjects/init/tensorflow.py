"""The TensorFlow (Keras) listing of an init scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.frameworks import TENSORFLOW
from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.init.spec import DRAWS
from tfpt_cli.subjects.init.writer import (
    BUILDS,
    absent_section,
    draws_by_building,
    layer_section,
    reading_section,
    variable_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.layers.parameters import FilledParameter
    from tfpt_cli.subjects.init.spec import Init

# A Keras initializer holds one fixed seed and returns the same values at every call; a SeedGenerator moves on. One
# traced function draws thousands of times in the time of a few hundred calls.
_DRAWS = """
def draws(initializer, weight, count, seed):
    initializer.seed = keras.random.SeedGenerator(seed)
    draw = lambda _: initializer(tuple(weight.shape), dtype=keras.backend.standardize_dtype(weight.dtype))
    all_draws = lambda: tf.map_fn(draw, tf.range(count), fn_output_signature=weight.dtype)
    return tf.function(all_draws, autograph=False)()"""


# `EinsumDense` draws with a copy of its initializer that knows which axes are inputs, and keeps the original.
_COPIES = """
copies = []

def noted(self, *arguments, **keywords):
    copies.append(self)
    return draw_once(self, *arguments, **keywords)

draw_once = keras.initializers.VarianceScaling.__call__"""
_NOTED = """keras.initializers.VarianceScaling.__call__ = noted
try:
    {build}
finally:
    keras.initializers.VarianceScaling.__call__ = draw_once"""


def sections(spec: Init) -> Iterator[Section]:
    """The layer, its parameters, and the draws for the distribution tests."""
    lines = [f"keras.utils.set_random_seed({spec.seed})"]
    if spec.dtype != "float32":
        # Keras keeps the policy of the first layer that it made, whatever floatx is by now.
        lines += [f'keras.config.set_floatx("{spec.dtype}")', f'keras.config.set_dtype_policy("{spec.dtype}")']
    built = f"layer.build({spec.build})"
    if any(parameter.keras_initializer.startswith("copies") for parameter in spec.parameters):
        lines.append(_COPIES)
        built = _NOTED.format(build=built)
    build = [f"layer = {spec.layer[TENSORFLOW]}", *built.split("\n")]
    drawn = any(parameter.draws(TENSORFLOW, spec.samples) for parameter in spec.parameters)
    again = any(parameter.built_again(TENSORFLOW) for parameter in spec.parameters)
    yield layer_section(lines, build, again=again, tools=_DRAWS * drawn + BUILDS * again)
    there = []
    for index, parameter in enumerate(spec.parameters):
        attribute = parameter.attribute[TENSORFLOW]
        if attribute is None:
            yield absent_section(parameter)
            continue
        there.append((index, parameter))
        yield reading_section(parameter, attribute)
    for index, parameter in there:
        count = parameter.draws(TENSORFLOW, spec.samples)
        if count:
            name, seed = variable_of(parameter), spec.seed + index
            source = f"{name}_draws = draws({parameter.keras_initializer}, {name}, {count}, seed={seed})"
            yield Section(source, (_leaf(parameter),), after=(parameter.name,))
    built_again = [parameter for _, parameter in there if parameter.built_again(TENSORFLOW)]
    if built_again:
        held = {variable_of(parameter): str(parameter.attribute[TENSORFLOW]) for parameter in built_again}
        source = draws_by_building(spec.samples, held, "tf.convert_to_tensor({})", "tf.stack")
        names = tuple(parameter.name for parameter in built_again)
        yield Section(source, tuple(map(_leaf, built_again)), after=names)


def _leaf(parameter: FilledParameter) -> Leaf:
    name = f"{variable_of(parameter)}_draws"
    return Leaf(
        quantity=parameter.quantity,
        way=DRAWS,
        expression=name,
        show=f'{name}.shape[0], "draws, mean", np.mean({name}), "std", np.std({name})',
    )
