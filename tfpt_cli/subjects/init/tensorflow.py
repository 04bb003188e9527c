"""The TensorFlow (Keras) listing of an init scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tfpt_cli.listing import Leaf, Section
from tfpt_cli.subjects.init.spec import DRAWS
from tfpt_cli.subjects.init.writer import absent_section, builds, layer_section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tfpt_cli.subjects.init.spec import Init, Parameter


def sections(spec: Init) -> Iterator[Section]:
    """The layer, its parameters, and the draws for the distribution tests."""
    lines = [f"keras.utils.set_random_seed({spec.seed})"]
    if spec.dtype != "float32":
        lines.append(f'keras.config.set_floatx("{spec.dtype}")')
    shape = ", ".join(map(str, spec.input_shape))
    build = [f"layer = {spec.layer['tensorflow']}", f"layer.build((None, {shape}))"]
    yield layer_section(lines, build, again=any(_rebuilt(parameter) for parameter in spec.parameters))
    for parameter in spec.parameters:
        attribute = parameter.attribute["tensorflow"]
        if attribute is None:
            yield absent_section(parameter)
            continue
        variable = attribute.replace(".", "_")
        yield Section(f"{variable} = layer.{attribute}", (Leaf(parameter.name, "", variable),))
        yield from _draws(spec, parameter, attribute, variable)


def _rebuilt(parameter: Parameter) -> bool:
    return parameter.shape is None or not parameter.keras_argument


def _draws(spec: Init, parameter: Parameter, attribute: str, variable: str) -> Iterator[Section]:
    name = f"{variable}_draws"
    shown = f'{name}.shape[0], "draws, mean", np.mean({name}), "std", np.std({name})'
    leaf = (Leaf(parameter.name, DRAWS, name, shown),)
    if _rebuilt(parameter):
        times = builds(spec.samples, f"math.prod({variable}.shape)")
        yield Section(f"{name} = tf.stack([build().{attribute}.value for _ in range({times})])", leaf)
        return
    count = parameter.draws("tensorflow", spec.samples)
    if not count:
        return
    # A Keras initializer repeats itself: it holds one fixed seed. A SeedGenerator moves on at every call.
    initializer = f"layer.{parameter.keras_argument}"
    lines = [
        f"{initializer}.seed = keras.random.SeedGenerator({spec.seed})",
        "@tf.function",
        f"def draw_{variable}():",
        f"    draw = lambda _: {initializer}({variable}.shape, dtype={variable}.dtype)",
        f"    return tf.map_fn(draw, tf.range({count}), fn_output_signature={variable}.dtype)",
        f"{name} = draw_{variable}()",
    ]
    yield Section("\n".join(lines), leaf)
