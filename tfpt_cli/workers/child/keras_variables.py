"""The variables of a Keras model, a layer or a `tf.Module`, and what the files that are written of it call each."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from typing import Any, Callable

import keras
import tensorflow as tf
import traces
from keras_layers import call_of, is_layer, is_leaf, library_of, named_layers


def own_weights(model: Any) -> dict[str, Any]:
    """The model's own variables of real numbers, by path, as NumPy arrays."""
    layers = named_layers(model) if is_layer(model) else []
    described = variables(model, layers)
    return {
        each["name"]: variable.numpy()
        for each, variable in zip(described, weights_of(model))  # noqa: B905 - Python 3.9
        if "float" in each["dtype"]
    }


def weights_of(model: Any) -> list[Any]:
    """The variables that a model computes with, in their order: a model's `weights`, a `tf.Module`'s `variables`."""
    return list(model.weights) if is_layer(model) else list(model.variables)


def variables(model: Any, layers: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The variables of a model in their order, each with the layer that holds it and its name there."""
    holders: dict[int, list[tuple[str, str]]] = {}
    for path, layer in layers:
        counts: dict[str, int] = {}
        attributes = {id(value): name for name, value in vars(layer).items() if not name.startswith("_")}
        for variable in _held(layer):
            own = attributes.get(id(variable), _plain_name(variable))
            if own == "depthwise_kernel" and type(layer).__name__.startswith("Depthwise"):
                own = "kernel"  # Keras 3 calls it so, and tf_keras otherwise
            number = counts.get(own, 0)
            counts[own] = number + 1
            holders.setdefault(id(variable), []).append((path, "{}_{}".format(own, number) if number else own))
    if not layers:
        for place, variable in model._flatten(predicate=lambda v: isinstance(v, tf.Variable), with_path=True):
            *holder, own = map(str, place)
            holders.setdefault(id(variable), []).append((".".join(holder), own))
    found = []
    for index, variable in enumerate(weights_of(model)):
        path, own = holders.get(id(variable), [("", _plain_name(variable))])[0]
        dtype = variable.dtype
        found.append(
            {
                "name": "{}.{}".format(path, own) if path else own,
                "layer": path,
                "own": own,
                "kind": "parameter" if variable.trainable else "buffer",
                "shape": list(variable.shape),
                "dtype": dtype if isinstance(dtype, str) else dtype.name,
                "trained": bool(variable.trainable),
                "kept": True,
                "index": index,
                "called": getattr(variable, "path", str(variable.name)),
                "also": ["{}.{}".format(p, o) for p, o in holders.get(id(variable), [])[1:]],
            }
        )
    return found


def read_by_code(model: Any, layers: list[tuple[str, Any]]) -> dict[int, str]:
    """The names of the variables that are held by layers with layers in them, by the identity of each variable.

    Such a layer's own code reads them, between the layers that are looked at as one: `x + self.gamma * self.inner(x)`.
    """
    holders = {path for path, layer in layers if not is_leaf(layer)}
    weights = weights_of(model)
    return {id(weights[each["index"]]): each["name"] for each in variables(model, layers) if each["layer"] in holders}


def unknown_weights(model: Any, layers: list[tuple[str, Any]]) -> dict[str, Any]:
    """The weights of layers of a person's own, or of a `tf.Module`, whose axes their sizes do not tell, as arrays by name.

    Two axes are of one length, or another weight has the same lengths in another order: that of a decoder, beside an encoder's.
    """
    known = {path for path, layer in layers if call_of(layer)}
    own = [each for each in variables(model, layers) if each["layer"] not in known and "float" in each["dtype"]]
    sizes = {each["name"]: [size for size in each["shape"] if size != 1] for each in own}
    shapes = {tuple(each) for each in sizes.values()}
    weights, found = weights_of(model), {}
    for each in own:
        lengths = sizes[each["name"]]
        turned = any(sorted(shape) == sorted(lengths) and shape != tuple(lengths) for shape in shapes)
        if len(set(lengths)) < len(lengths) or turned:
            found[each["name"]] = weights[each["index"]].numpy()
    return found


def _held(layer: Any) -> list[Any]:
    """The variables that a layer holds itself."""
    if library_of(layer) is keras:
        return [*layer._trainable_variables, *layer._non_trainable_variables]
    return [*layer._trainable_weights, *layer._non_trainable_weights]


def _plain_name(variable: Any) -> str:
    """The last part of a variable's name: `kernel` for `dense_1/kernel:0`."""
    return str(variable.name).rpartition("/")[2].partition(":")[0]


# How Keras and TensorFlow write files of a format: a name in a folder, and what writes a model there.
_WEIGHTS: list[tuple[str, Callable[[Any, str], Any]]] = [("a.weights.h5", lambda model, path: model.save_weights(path))]
_LAYERS: list[tuple[str, Callable[[Any, str], Any]]] = [("b.h5", lambda model, path: model.save(path))]
_WRITERS: dict[str, list[tuple[str, Callable[[Any, str], Any]]]] = {
    "weights.h5": _WEIGHTS,
    "layers.h5": _LAYERS,
    "hdf5": [*_WEIGHTS, *_LAYERS],
    "keras": _WEIGHTS,
    "tensorflow": [
        ("a", lambda model, path: tf.train.Checkpoint(model=model).write(path)),
        ("b", lambda model, path: tf.train.Checkpoint(model).write(path)),
    ],
    "savedmodel": [
        ("a", lambda model, path: tf.saved_model.save(model, path)),
        ("b", lambda model, path: model.export(path, verbose=False)),
    ],
}


def names_in_files(model: Any, file_format: str) -> Any:
    """What each variable of a model is called in files of a format, as `traces.sent` packs it: a list of names for each way.

    A name stands there with the place of its variable. The framework itself says so: it writes the model with the place of each
    variable as its numbers. The model's own are lost.
    """
    import weight_files

    variables = weights_of(model)
    for place, variable in enumerate(variables):
        if "float" in str(variable.dtype):
            variable.assign(tf.fill(variable.shape, tf.cast(place + 1, variable.dtype)))
    found: list[list[Any]] = []
    for file, write in _WRITERS.get(file_format, ()):
        with tempfile.TemporaryDirectory(prefix="tfpt-") as folder:
            path = os.path.join(folder, file)
            # Not every model can be written in each way: a subclass has no configuration, say.
            with suppress(Exception):
                write(model, path)
                with weight_files.open_file(path) as reader:
                    family = [[entry.name, _place_of(reader.read(entry.name))] for entry in reader.entries]
                found.append([[name, place] for name, place in family if 0 <= place < len(variables)])
    return traces.sent({"names": found})


def _place_of(array: Any) -> int:
    """The place that all numbers of an array say; -1 where they say none."""
    place = int(array.flat[0]) - 1 if array.size and array.dtype.kind == "f" else -1
    return place if (array == place + 1).all() else -1
