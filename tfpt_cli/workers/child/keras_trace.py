"""What a listing of TensorFlow finds out of a Keras model, a layer or a `tf.Module`: its layers, its variables, what runs.

A model may be of Keras 3 or of tf_keras, which is Keras 2 beside it: `library_of` says which, and both have the same names.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterator

import keras
import tensorflow as tf
import traces
from tensorflow.python.framework import op_callbacks

# Operations that compute with a number in single precision, whatever they are given: it is an attribute.
_SINGLE = {"LeakyRelu", "LeakyReluGrad", "LRN", "LRNGrad"}
_LEFT_OUT = {"self", "kwargs", "args", "name", "dtype", "trainable"}
_PARTS = ("initializer", "regularizer", "constraint")


def is_tensor(value: Any) -> bool:
    """Whether a value is a tensor."""
    return isinstance(value, (tf.Tensor, tf.IndexedSlices))


def library_of(value: Any) -> Any:
    """The module of Keras that a layer or a model is of: `tf_keras` where it is one of that, else `keras`."""
    legacy = sys.modules.get("tf_keras")
    return legacy if legacy is not None and isinstance(value, legacy.layers.Layer) else keras


def is_layer(value: Any) -> bool:
    """Whether a value is a layer or a model of either Keras."""
    return isinstance(value, library_of(value).layers.Layer)


def set_floatx(dtype: str) -> None:
    """Has layers that are made from now on compute in a dtype, those of tf_keras too where it has been imported."""
    keras.config.set_floatx(dtype)
    keras.config.set_dtype_policy(dtype)
    if "tf_keras" in sys.modules:
        sys.modules["tf_keras"].backend.set_floatx(dtype)


def own_class(layer: Any) -> type:
    """The class of Keras that a layer is of, its own or the nearest above it; `Layer` where it is a person's own."""
    return next(kind for kind in type(layer).__mro__ if kind.__module__.startswith(("keras.", "tf_keras.")))


def _is_own(layer: Any) -> bool:
    library = library_of(layer)
    return own_class(layer) in (library.layers.Layer, library.Model, library.Sequential) or _is_network(layer)


def _is_network(layer: Any) -> bool:
    return isinstance(layer, library_of(layer).Model)


def sublayers(layer: Any) -> list[tuple[str, Any]]:
    """The layers that one holds itself, each with the name by which it is reached: an attribute, or its own name in a network."""
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()

    def add(name: str, value: Any) -> None:
        if is_layer(value):
            if id(value) not in seen and value is not layer:
                seen.add(id(value))
                found.append((name, value))
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                add("{}.{}".format(name, index), item)
        elif isinstance(value, dict):
            for key, item in value.items():
                add("{}.{}".format(name, key), item)

    # A functional network has its layers as `_operations`, that of tf_keras as what its outputs come from.
    functional = hasattr(layer, "_operations") or hasattr(layer, "_nodes_by_depth")
    if not isinstance(layer, library_of(layer).Sequential) and not functional:
        for name, value in vars(layer).items():
            public = name.lstrip("_")  # many of Keras's own are kept under a private name and shown by a public one
            if name == public or getattr(layer, public, None) is value:
                add(public, value)
    # `layers` of a network is all of it; of another layer what is not reached by an attribute.
    others = getattr(layer, "layers", None) or getattr(layer, "_layers", None) or _tracked(layer)
    rest = [held for held in others if is_layer(held) and id(held) not in seen]
    for held in rest:
        number = _number(held)
        before = [o for o in rest if type(o) is type(held) and number and (_number(o) or 0) < number]
        stem = str(held.name) if number is None else _automatic(type(held).__name__)
        add("{}_{}".format(stem, len(before)) if before else stem, held)
    return found


def _tracked(layer: Any) -> list[Any]:
    """The layers that one of tf_keras keeps, whatever the attribute."""
    return list(layer._flatten_layers(recursive=False, include_self=False)) if library_of(layer) is not keras else []


def _number(layer: Any) -> int | None:
    """The number in the automatic name of a layer, which Keras counts from the start of the process; None for its own name."""
    match = re.fullmatch(re.escape(_automatic(type(layer).__name__)) + r"(?:_(\d+))?", layer.name)
    return int(match[1] or 0) if match else None


def _automatic(name: str) -> str:
    """What Keras calls a layer of a class that is given no name, without its number: `max_pooling2d` for `MaxPooling2D`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def named_layers(model: Any) -> list[tuple[str, Any]]:
    """A model and all layers in it, each once, with the path by which it is reached: `block.conv1`; the model's is empty."""
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()

    def add(path: str, layer: Any) -> None:
        if id(layer) in seen:
            return
        seen.add(id(layer))
        found.append((path, layer))
        for name, inner in sublayers(layer):
            add("{}.{}".format(path, name) if path else name, inner)

    add("", model)
    return found


def is_leaf(layer: Any) -> bool:
    """Whether a layer is looked at as one: one of Keras's own that is no network, or one without layers in it."""
    return not _is_network(layer) and (not _is_own(layer) or not sublayers(layer))


def call_of(layer: Any) -> str:
    """A layer of Keras as a person would write it, `keras.layers.Dense(units=4)`; empty for a person's own class."""
    if _is_own(layer):
        return ""
    kind = own_class(layer)
    try:
        config = dict(layer.get_config())
    except Exception:  # a subclass with arguments that it does not give back
        return ""
    _put_layers(layer, config)
    settings = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in _LEFT_OUT or name.endswith(_PARTS) or name not in config:
            continue
        value = config[name]
        if name in ("activation", "recurrent_activation") and isinstance(value, dict):
            value = str(value.get("config", value.get("class_name", "")))
        if isinstance(value, dict) or (name == "activation" and value == "linear"):
            continue
        if name == "data_format" and value == keras.config.image_data_format():
            continue
        if name == "axis" and isinstance(value, list) and len(value) == 1:
            (value,) = value
        if isinstance(value, list):
            value = tuple(value) if name != "axis" else value
        value = traces.plain_size(name, value)
        if parameter.default is parameter.empty or value != traces.plain_size(name, parameter.default):
            settings[name] = value
    layers = library_of(layer).layers
    if not layer.trainable and (layer.weights or isinstance(layer, layers.BatchNormalization)):
        settings["trainable"] = False
    prefix = "keras.layers." if hasattr(layers, kind.__name__) else ""
    return traces.written_call(prefix + kind.__name__, settings) if prefix else ""


def call_of_operation(operation: Any) -> str:
    """An operation of a functional model as a call, `keras.ops.gelu(x, approximate=True)`; empty for any other."""
    name = _automatic(type(operation).__name__)
    function = getattr(keras.ops, name, None)
    if function is None or not type(operation).__module__.startswith("keras."):
        return ""
    made_with = [key for key in inspect.signature(type(operation)).parameters if key != "name"]
    settings = {key: getattr(operation, key) for key in made_with if hasattr(operation, key)}
    given = [key for key in inspect.signature(function).parameters if key not in made_with]
    text = traces.written_call("", settings)[1:-1]
    return "keras.ops.{}({})".format(name, ", ".join([*given, *([text] if text else [])]))


def _put_layers(layer: Any, config: dict[str, Any]) -> None:
    """Puts into what a layer was made with the layers in it, as calls, and what was said where Keras keeps what follows of it."""
    layers = library_of(layer).layers
    if isinstance(layer, layers.MultiHeadAttention):
        if config.get("value_dim") == config.get("key_dim"):
            config["value_dim"] = None
        if tuple(config.get("attention_axes") or ()) == (1,):
            config["attention_axes"] = None
    if isinstance(layer, layers.GroupNormalization) and 1 < config["groups"] == _channels(layer):
        config["groups"] = -1  # one group a channel
    if own_class(layer) is layers.RNN:
        config["cell"] = traces.Source(call_of(layer.cell) or "None")
    if isinstance(layer, layers.Bidirectional):
        config["layer"] = traces.Source(call_of(layer.forward_layer) or "None")
        if type(layer.backward_layer) is type(layer.forward_layer):
            config.pop("backward_layer", None)
    elif isinstance(layer, layers.Wrapper):
        config["layer"] = traces.Source(call_of(layer.layer) or "None")


def _channels(layer: Any) -> int:
    """How many channels a normalizing layer normalizes, as far as it knows: 0 where it does not."""
    held = [weight.shape[0] for weight in layer.weights]
    axes = getattr(layer.input_spec, "axes", None) or {}
    return int(held[0] if held else next(iter(axes.values()), 0))


class Watch:
    """Notes every call of a layer in its order, where its inputs come from, and what it computes in single precision."""

    def __init__(self, model: Any) -> None:
        named = named_layers(model) if is_layer(model) else []
        self.names = {id(layer): name for name, layer in named}
        self.leaf = {id(layer): is_leaf(layer) for _, layer in named}
        self.events: list[dict[str, Any]] = []
        self.results: list[list[Any]] = []
        self.given: list[list[Any]] = []
        self.calls: list[tuple[Any, Any, Any]] = []
        self.origins = traces.Origins()
        self.inside: list[str] = []
        self.running = 0
        self.single: set[str] = set()
        self.ran: list[str] = []  # since the last event, outside of all layers that are looked at as one

    def operation(
        self, op_type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> None:
        """What TensorFlow calls after every operation: where its results come from is noted."""
        del attrs, op_name  # its arguments are named so where it is called while a graph is made
        name = op_type.decode() if isinstance(op_type, bytes) else str(op_type)
        if graph is None and outputs:
            place = "" if self.running else traces.place()
            if place and place not in self.ran:
                self.ran.append(place)
            self.origins.put(list(outputs), self.origins.of(list(inputs)))
            self.origins.negated(name, list(inputs), list(outputs))
            double = any(getattr(t, "dtype", None) == tf.float64 for t in (*inputs, *outputs))
            narrow = [t for t in (*inputs, *outputs) if getattr(t, "dtype", None) == tf.float32]
            if double and (name in _SINGLE or narrow):
                self.single.add(name)

    def call(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Calls a layer, and notes it where it is looked at as one."""
        if id(layer) not in self.names:
            return original(layer, *args, **kwargs)
        self.inside.append(self.names[id(layer)])
        leaf = self.leaf[id(layer)]
        place = traces.place() if leaf and not self.running else ""
        self.running += leaf
        before, self.single = self.single, set()
        output = original(layer, *args, **kwargs)
        self.inside.pop()  # an exception leaves it: that says where it was raised
        self.running -= leaf
        single = self.single
        self.single = (
            before if leaf else before | single
        )  # of a layer it is said there, of what is between layers once for all
        if not leaf or self.running or not tf.executing_eagerly():  # a layer may be built by calling it on symbols
            return output
        named = traces.named_tensors(_signature(layer), args, kwargs, is_tensor)
        given, made = [tensor for _, tensor in named], traces.tensors_in(output, is_tensor)
        event = {
            "names": [name for name, _ in named],
            "said": self.origins.said(given, "k"),
            "index": len(self.events),
            "layer": self.names[id(layer)],
            "from": sorted(self.origins.of(given)),
            "inputs": [list(t.shape) for t in given],
            "outputs": [list(t.shape) for t in made],
            "place": place,
            "single": sorted(single),
            "ran": self.ran,
            "masked": any(getattr(tensor, "_keras_mask", None) is not None for tensor in given),
            "causal": bool(kwargs.get("use_causal_mask")),
        }
        self.ran = []
        self.events.append(event)
        self.results.append(made)
        self.given.append(given)
        self.calls.append((layer, args, kwargs))
        self.origins.put(made, frozenset([event["index"]]))
        return output


def _signature(layer: Any) -> inspect.Signature:
    return getattr(layer, "_call_signature", None) or inspect.signature(layer.call)


def _place_in_code(node: Any) -> int:
    """Which call of a functional model a node of its graph is, counted by the symbols that the calls of Keras made.

    Raises `ValueError` where a symbol has another name than Keras gives it.
    """
    return max(int(re.sub(r"^keras_tensor_?", "", tensor.name) or 0) for tensor in node.output_tensors)


@contextmanager
def _in_order_of_code(model: Any) -> Iterator[None]:
    """Within the block functional models run in the order in which they were written, as PyTorch's do, and not by depth."""
    kept = []
    for _, layer in named_layers(model) if is_layer(model) else ():
        by_depth = vars(layer).get("_nodes_by_depth") if library_of(layer) is keras else None
        if by_depth is None:
            continue
        with suppress(AttributeError, ValueError):  # another version of Keras, or names of a person's own
            nodes = [node for nodes in by_depth.values() for node in nodes if not node.is_input]
            ordered = sorted(nodes, key=_place_in_code)
            kept.append((layer, by_depth))
            vars(layer)["_nodes_by_depth"] = {-place: [node] for place, node in enumerate(ordered)}
    try:
        yield
    finally:
        for layer, by_depth in kept:
            vars(layer)["_nodes_by_depth"] = by_depth


@contextmanager
def watched(model: Any) -> Iterator[Watch]:
    """A watch over a model: within the block the calls of its layers are noted."""
    watch = Watch(model)
    kind = library_of(model).layers.Layer
    original = kind.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return watch.call(self, original, args, kwargs)

    operation = keras.Operation.__call__

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(self, keras.layers.Layer) and not watch.running:
            watch.ran += filter(None, [call_of_operation(self)])
        return operation(self, *args, **kwargs)

    kind.__call__, keras.Operation.__call__ = call, called
    op_callbacks.add_op_callback(watch.operation)
    try:
        with _in_order_of_code(model):
            yield watch
    finally:
        op_callbacks.remove_op_callback(watch.operation)
        kind.__call__, keras.Operation.__call__ = original, operation


def inspected(model: Any, given: Any, training: bool = False, **inputs: Any) -> Any:
    """Everything that is known of a model, and of a call of it, as `traces.sent` packs it.

    `given` are the inputs by name, or a function that calls the model with `inputs`.
    """
    if not is_layer(model) and not isinstance(model, tf.Module):
        raise TypeError(traces.no_model(model, "a keras.Model, a layer or a tf.Module"))
    of_keras = is_layer(model)
    if not of_keras and not callable(model):
        raise TypeError("{} cannot be called: it has no __call__".format(traces.kind_of(model)))
    parameters = list(inspect.signature(model.call if of_keras else model.__call__).parameters)
    found: dict[str, Any] = {
        "class": type(model).__name__,
        "arguments": "",
        "parameters": parameters,
        "built": bool(getattr(model, "built", False)),
        "legacy": library_of(model) is not keras,
    }
    call = given
    if isinstance(given, dict):
        network = _is_network(model) and (len(parameters) < 3 or "inputs" in parameters)
        places, names, found["arguments"] = traces.arguments(given, parameters, together=network)
        mode = {"training": training} if of_keras else {}
        call = lambda: model(*places, **names, **mode)  # noqa: E731
    with suppress(Exception):  # the call that is watched says what is wrong
        if not getattr(model, "built", True):
            call()  # what a layer holds may be made by its first call
    output = None
    with watched(model) as watch:
        for name, tensor in inputs.items():
            watch.origins.name(tensor, name)
        try:
            output = call()
        except (Exception, SystemExit) as error:
            found.update(error=traces.said(error), at=watch.inside[-1] if watch.inside else "")
            found["place"] = traces.raised_at(error)
    layers = named_layers(model) if of_keras else []
    found["layers"] = [_described(name, layer) for name, layer in layers]
    found["tensors"] = _variables(model, layers)
    found["events"] = watch.events
    found["single"] = sorted(watch.single)
    found["ran"] = watch.ran
    traces.add_outputs(found, output, is_tensor, lambda tensor: tensor.dtype.name, watch.origins.of)
    return traces.sent(found)


def _described(name: str, layer: Any) -> dict[str, Any]:
    # A layer that wraps others, or has them inside, says no rate of its own.
    layers = library_of(layer).layers
    own = is_leaf(layer) and not isinstance(layer, (layers.Wrapper, layers.MultiHeadAttention))
    rates = {
        key: getattr(layer, key, None) for key in ("rate", "dropout", "recurrent_dropout") if own or key == "dropout"
    }
    return {
        "name": name,
        "class": type(layer).__name__,
        "call": call_of(layer),
        "leaf": is_leaf(layer),
        "rates": {key: float(value) for key, value in rates.items() if isinstance(value, (int, float))},
    }


def own_weights(model: Any) -> dict[str, Any]:
    """The model's own variables of real numbers, by path, as NumPy arrays."""
    layers = named_layers(model) if is_layer(model) else []
    described = _variables(model, layers)
    return {
        each["name"]: variable.numpy()
        for each, variable in zip(described, weights_of(model))  # noqa: B905 - Python 3.9
        if "float" in each["dtype"]
    }


def weights_of(model: Any) -> list[Any]:
    """The variables that a model computes with, in their order: a model's `weights`, a `tf.Module`'s `variables`."""
    return list(model.weights) if is_layer(model) else list(model.variables)


def _variables(model: Any, layers: list[tuple[str, Any]]) -> list[dict[str, Any]]:
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


class Captured:
    """A call of a model: its output, and the tensors at all of its events."""

    def __init__(self, watch: Watch, output: Any) -> None:
        self.output, self._watch = output, watch

    def given(self, event: int, place: int) -> Any:
        """What the layer at an event was given, by its place among its tensors."""
        return self._watch.given[event][place]

    def made(self, event: int) -> Any:
        """What an event gave, the first of it."""
        return self._watch.results[event][0]

    def again(self, events: list[int], *given: Any) -> Any:
        """What the layers of some events give, one after another, where the first is given these tensors."""
        result: Any = None
        for event in events:
            layer, args, kwargs = self._watch.calls[event]
            new = list(given if event == events[0] else traces.tensors_in(result, is_tensor))
            # In the order of the parameters, as they were noted, whatever the order in which they were given.
            before = [tensor for _, tensor in traces.named_tensors(_signature(layer), args, kwargs, is_tensor)]
            places = {id(tensor): place for place, tensor in enumerate(before)}
            called = traces.tensors_in((args, kwargs), is_tensor)
            ordered = [new[places[id(t)]] if places[id(t)] < len(new) else t for t in called]
            args, kwargs = traces.replaced((args, kwargs), is_tensor, iter(ordered))
            result = layer(*args, **kwargs)
        return traces.tensors_in(result, is_tensor)[0]


def captured(model: Any, call: Callable[[], Any]) -> Captured:
    """A call of a model, with the tensors of all its events."""
    with watched(model) as watch:
        output = call()
    return Captured(watch, output)
