"""What a listing of TensorFlow finds out of a Keras model, a layer or a `tf.Module`: its layers, its variables, what runs."""

from __future__ import annotations

import inspect
import re
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


def own_class(layer: Any) -> type:
    """The class of Keras that a layer is of, its own or the nearest above it; `Layer` where it is a person's own."""
    return next(kind for kind in type(layer).__mro__ if kind.__module__.startswith("keras."))


def _is_own(layer: Any) -> bool:
    return own_class(layer) in (keras.Layer, keras.Model, keras.Sequential) or _is_network(layer)


def _is_network(layer: Any) -> bool:
    return isinstance(layer, keras.Model)


def sublayers(layer: Any) -> list[tuple[str, Any]]:
    """The layers that one holds itself, each with the name by which it is reached: an attribute, or its own name in a network."""
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()

    def add(name: str, value: Any) -> None:
        if isinstance(value, keras.Layer):
            if id(value) not in seen and value is not layer:
                seen.add(id(value))
                found.append((name, value))
        elif isinstance(value, (list, tuple)):
            for index, item in enumerate(value):
                add("{}.{}".format(name, index), item)
        elif isinstance(value, dict):
            for key, item in value.items():
                add("{}.{}".format(name, key), item)

    if not isinstance(layer, keras.Sequential) and not hasattr(layer, "_operations"):  # a functional network has those
        for name, value in vars(layer).items():
            public = name.lstrip("_")  # many of Keras's own are kept under a private name and shown by a public one
            if name == public or getattr(layer, public, None) is value:
                add(public, value)
    # `layers` of a network is all of it; of another layer what is not reached by an attribute.
    others = getattr(layer, "layers", None) or getattr(layer, "_layers", None) or ()
    rest = [held for held in others if isinstance(held, keras.Layer) and id(held) not in seen]
    for held in rest:
        number = _number(held)
        before = [o for o in rest if type(o) is type(held) and number and (_number(o) or 0) < number]
        stem = str(held.name) if number is None else _automatic(type(held).__name__)
        add("{}_{}".format(stem, len(before)) if before else stem, held)
    return found


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
    if not layer.trainable and (layer.weights or isinstance(layer, keras.layers.BatchNormalization)):
        settings["trainable"] = False
    prefix = "keras.layers." if hasattr(keras.layers, kind.__name__) else ""
    return traces.written_call(prefix + kind.__name__, settings) if prefix else ""


def _put_layers(layer: Any, config: dict[str, Any]) -> None:
    """Puts into what a layer was made with the layers in it, as calls, and what was said where Keras keeps what follows of it."""
    if isinstance(layer, keras.layers.MultiHeadAttention):
        if config.get("value_dim") == config.get("key_dim"):
            config["value_dim"] = None
        if tuple(config.get("attention_axes") or ()) == (1,):
            config["attention_axes"] = None
    if isinstance(layer, keras.layers.GroupNormalization) and 1 < config["groups"] == _channels(layer):
        config["groups"] = -1  # one group a channel
    if own_class(layer) is keras.layers.RNN:
        config["cell"] = traces.Source(call_of(layer.cell) or "None")
    if isinstance(layer, keras.layers.Bidirectional):
        config["layer"] = traces.Source(call_of(layer.forward_layer) or "None")
        if type(layer.backward_layer) is type(layer.forward_layer):
            config.pop("backward_layer", None)
    elif isinstance(layer, keras.layers.Wrapper):
        config["layer"] = traces.Source(call_of(layer.layer) or "None")


def _channels(layer: Any) -> int:
    """How many channels a normalizing layer normalizes, as far as it knows: 0 where it does not."""
    held = [weight.shape[0] for weight in layer.weights]
    axes = getattr(layer.input_spec, "axes", None) or {}
    return int(held[0] if held else next(iter(axes.values()), 0))


class Watch:
    """Notes every call of a layer in its order, where its inputs come from, and what it computes in single precision."""

    def __init__(self, model: Any) -> None:
        named = named_layers(model) if isinstance(model, keras.Layer) else []
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

    def operation(
        self, op_type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> None:
        """What TensorFlow calls after every operation: where its results come from is noted."""
        del attrs, op_name  # its arguments are named so where it is called while a graph is made
        name = op_type.decode() if isinstance(op_type, bytes) else str(op_type)
        if graph is None and outputs:
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
        named = traces.named_tensors(layer._call_signature, args, kwargs, is_tensor)
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
            "masked": any(getattr(tensor, "_keras_mask", None) is not None for tensor in given),
            "causal": bool(kwargs.get("use_causal_mask")),
        }
        self.events.append(event)
        self.results.append(made)
        self.given.append(given)
        self.calls.append((layer, args, kwargs))
        self.origins.put(made, frozenset([event["index"]]))
        return output


def _place_in_code(node: Any) -> int:
    """Which call of a functional model a node of its graph is, counted by the symbols that the calls of Keras made."""
    return max(int(re.sub(r"^keras_tensor_?", "", tensor.name) or 0) for tensor in node.output_tensors)


@contextmanager
def _in_order_of_code(model: Any) -> Iterator[None]:
    """Within the block functional models run in the order in which they were written, as PyTorch's do, and not by depth."""
    kept = []
    for _, layer in named_layers(model) if isinstance(model, keras.Layer) else ():
        by_depth = vars(layer).get("_nodes_by_depth")
        with suppress(AttributeError, TypeError, ValueError):  # another version of Keras, or names of a person's own
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
    original = keras.Layer.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return watch.call(self, original, args, kwargs)

    keras.Layer.__call__ = call
    op_callbacks.add_op_callback(watch.operation)
    try:
        with _in_order_of_code(model):
            yield watch
    finally:
        op_callbacks.remove_op_callback(watch.operation)
        keras.Layer.__call__ = original


def inspected(model: Any, given: Any, training: bool = False, **inputs: Any) -> Any:
    """Everything that is known of a model, and of a call of it, as `traces.sent` packs it.

    `given` are the inputs by name, or a function that calls the model with `inputs`.
    """
    if not isinstance(model, (keras.Layer, tf.Module)):
        raise TypeError(traces.no_model(model, "a keras.Model, a layer or a tf.Module"))
    of_keras = isinstance(model, keras.Layer)
    if not of_keras and not callable(model):
        raise TypeError("{} cannot be called: it has no __call__".format(traces.kind_of(model)))
    parameters = list(inspect.signature(model.call if of_keras else model.__call__).parameters)
    found: dict[str, Any] = {
        "class": type(model).__name__,
        "arguments": "",
        "parameters": parameters,
        "built": bool(getattr(model, "built", False)),
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
    traces.add_outputs(found, output, is_tensor, lambda tensor: tensor.dtype.name, watch.origins.of)
    return traces.sent(found)


def _described(name: str, layer: Any) -> dict[str, Any]:
    # A layer that wraps others, or has them inside, says no rate of its own.
    own = is_leaf(layer) and not isinstance(layer, (keras.layers.Wrapper, keras.layers.MultiHeadAttention))
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
    layers = named_layers(model) if isinstance(model, keras.Layer) else []
    described = _variables(model, layers)
    return {
        each["name"]: variable.numpy()
        for each, variable in zip(described, weights_of(model))  # noqa: B905 - Python 3.9
        if "float" in each["dtype"]
    }


def weights_of(model: Any) -> list[Any]:
    """The variables that a model computes with, in their order: a model's `weights`, a `tf.Module`'s `variables`."""
    return list(model.weights) if isinstance(model, keras.Layer) else list(model.variables)


def _variables(model: Any, layers: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    """The variables of a model in their order, each with the layer that holds it and its name there."""
    holders: dict[int, list[tuple[str, str]]] = {}
    for path, layer in layers:
        counts: dict[str, int] = {}
        attributes = {id(value): name for name, value in vars(layer).items() if not name.startswith("_")}
        for variable in (*layer._trainable_variables, *layer._non_trainable_variables):
            own = attributes.get(id(variable), str(variable.name))
            number = counts.get(own, 0)
            counts[own] = number + 1
            holders.setdefault(id(variable), []).append((path, "{}_{}".format(own, number) if number else own))
    if not layers:
        for place, variable in model._flatten(predicate=lambda v: isinstance(v, tf.Variable), with_path=True):
            *holder, own = map(str, place)
            holders.setdefault(id(variable), []).append((".".join(holder), own))
    found = []
    for index, variable in enumerate(weights_of(model)):
        path, own = holders.get(id(variable), [("", str(variable.name))])[0]
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
                "also": ["{}.{}".format(p, o) for p, o in holders.get(id(variable), [])[1:]],
            }
        )
    return found


class Captured:
    """A call of a model: its output, and the tensors at all of its events."""

    def __init__(self, watch: Watch, output: Any) -> None:
        self.output, self._watch = output, watch

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
            before = [tensor for _, tensor in traces.named_tensors(layer._call_signature, args, kwargs, is_tensor)]
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
