"""The layers of a Keras model: what they are called, how they are reached, and the call with which a person would make each.

A model may be of Keras 3 or of tf_keras, which is Keras 2 beside it: `library_of` says which, and both have the same names.
"""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

import keras
import tensorflow as tf
import traces

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
    return own_class(layer) in (library.layers.Layer, library.Model, library.Sequential) or is_network(layer)


def is_network(layer: Any) -> bool:
    """Whether a layer is a network, a `Model` of either Keras."""
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
    return not is_network(layer) and (not _is_own(layer) or not sublayers(layer))


def _config(layer: Any) -> dict[str, Any]:
    """What a layer gives back of its arguments, also where its activation is a function that Keras cannot write down."""
    try:
        return dict(layer.get_config())
    except Exception:
        if not callable(own := getattr(layer, "activation", None)):
            raise
        layer.activation = keras.activations.linear
        try:
            return {**layer.get_config(), "activation": {"class_name": type(own).__name__}}
        finally:
            layer.activation = own


def call_of(layer: Any) -> str:
    """A layer of Keras as a person would write it, `keras.layers.Dense(units=4)`; empty for a person's own class."""
    if _is_own(layer):
        return ""
    kind = own_class(layer)
    try:
        config = _config(layer)
    except Exception:  # a subclass with arguments that it does not give back
        return ""
    _put_layers(layer, config)
    settings = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in _LEFT_OUT or name.endswith(_PARTS) or name not in config:
            continue
        value = config[name]
        if name in ("activation", "recurrent_activation") and isinstance(value, dict):
            own = getattr(layer, name, None)
            written = value.get("config", value.get("class_name", ""))
            value = str(written) if own is None else getattr(own, "__name__", type(own).__name__)
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


def call_of_operation(operation: Any, args: Any, kwargs: Any) -> str:
    """An operation of a functional model as a call, `keras.ops.gelu(x, approximate=True)`; empty for any other.

    It is called with `args` and `kwargs`: what it can be given besides and is not, no call says. Numbers stand as they are.
    """
    name = _automatic(type(operation).__name__)
    function = getattr(keras.ops, name, None)
    if function is None or not type(operation).__module__.startswith("keras."):
        return ""
    made_with = [key for key in inspect.signature(type(operation)).parameters if key != "name"]
    settings = {key: getattr(operation, key) for key in made_with if hasattr(operation, key)}
    parameters = [key for key in inspect.signature(function).parameters if key not in made_with]
    said = inspect.signature(operation.call).bind(*args, **kwargs).arguments
    if name == "get_item":
        return "x" + (traces.index_text(said["key"]) or "[...]")
    left_out = [key for key in inspect.signature(operation.call).parameters if said.get(key) is None]
    given = [
        repr(said[key]) if isinstance(said.get(key), (int, float)) else key for key in parameters if key not in left_out
    ]
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
