"""What a listing of TensorFlow sees of a Keras model, a layer or a `tf.Module` as it is called: which layers run, on what."""

from __future__ import annotations

import inspect
import itertools
import re
import sys
from contextlib import contextmanager, suppress
from typing import Any, Callable, Iterator

import keras
import tensorflow as tf
import traces
from axes import ELEMENTWISE, Axes, of_operation
from keras_functions import Functions
from keras_layers import call_of, call_of_operation, is_layer, is_leaf, is_network, is_tensor, library_of, named_layers
from keras_variables import read_by_code, unknown_weights, variables
from tensorflow.python.framework import op_callbacks

# Operations that compute with a number in single precision, whatever they are given: it is an attribute.
_SINGLE = {"LeakyRelu", "LeakyReluGrad", "LRN", "LRNGrad"}
_FUNCTION = tf.types.experimental.PolymorphicFunction
# What only reads a variable is no computation.
_READING = "ReadVariableOp"


class Watch:
    """Notes every call of a layer in its order, where its inputs come from, and what it computes in single precision."""

    def __init__(self, model: Any, functions: bool = False) -> None:
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
        self.single: set[str] = set()  # what computed in single precision in the layer that runs
        self.holds = False  # whether that layer has variables
        # The names of parameters that code between layers may read, by the identity of each variable, and where it computed
        # something with them and with something else.
        self.parameters: dict[int, str] = {}
        self.uses: list[dict[str, Any]] = []
        # The weights whose axes neither a row nor their sizes tell, as arrays by name, and what they are.
        self.unknown: dict[str, Any] = {}
        self.axes = Axes()
        # What was computed of the numbers of such a weight one by one, by the identity of the tensor, and the weight's name.
        self.scaled: dict[int, tuple[Any, str]] = {}
        # By event, what stands for what its layer gave.
        self.instead: dict[int, Any] = {}
        # What ran since the last event, outside of all layers that are looked at as one.
        self.lines: list[str] = []
        # The functions that are called between layers, and of a layer that runs and is of a person's own class, in it.
        self.between = Functions(self.origins) if functions else None
        self.within: Functions | None = None
        self.own = {id(layer) for _, layer in named if functions and not call_of(layer)}

    def operation(
        self, op_type: Any, inputs: Any, attrs: Any, outputs: Any, op_name: Any = None, graph: Any = None
    ) -> None:
        """What TensorFlow calls after every operation: where its results come from is noted."""
        del op_name  # its arguments are named so where it is called while a graph is made
        name = op_type.decode() if isinstance(op_type, bytes) else str(op_type)
        if graph is None and outputs:
            if self.unknown:
                self.computed(name, inputs, attrs, outputs)
            place = "" if self.running else traces.place()
            if place and place not in self.lines:
                self.lines.append(place)
            # A layer with variables reads them unseen: they have the numbers of the other side's.
            unseen = self.running and self.holds
            constants = [] if unseen else [t for t in self.origins.constants(list(inputs)) if t.dtype == tf.float64]
            kept = any(traces.kept_in_single(tensor.numpy()) for tensor in constants)
            narrow = {name} if kept or _in_single(name, [*inputs, *outputs]) else set()
            if self.running:
                self.single |= narrow
                narrow = set()
            origins = self.used(list(inputs)) | narrow
            functions = self.within if self.running else self.between
            if name == _READING:
                origins |= {traces.Read("")}
            elif functions is not None:
                call = functions.computed(name, list(inputs))
                origins |= set() if self.running else {call}
            self.origins.put(list(outputs), origins)
            self.origins.negated(name, list(inputs), list(outputs))

    def computed(self, operation: str, inputs: Any, attrs: Any, outputs: Any) -> None:
        """Notes what the axes of a weight are by an operation that computes with it, or with what was computed of it.

        TensorFlow says what an operation was given, and not that it was read from a variable: the numbers tell.
        """
        for tensor in inputs if ELEMENTWISE.fullmatch(operation) else ():
            for name, order in self.orders(tensor):
                same = tensor.shape == outputs[0].shape == self.unknown[name].shape
                if same and all(place in (None, axis) for axis, place in enumerate(order)):
                    self.scaled[id(outputs[0])] = outputs[0], name
        for tensor, axes in of_operation(operation, inputs, dict(zip(attrs[::2], attrs[1::2]))):  # noqa: B905 - Python 3.9
            for name, order in self.orders(tensor):
                self.axes.note(name, ["1" if place is None else axes[place] for place in order])

    def orders(self, tensor: Any) -> Iterator[tuple[str, list[int | None]]]:
        """The weights that a tensor may be, each with the axis of the tensor for each of its own."""
        if id(tensor) in self.scaled:
            name = self.scaled[id(tensor)][1]
            yield name, [None if size == 1 else place for place, size in enumerate(self.unknown[name].shape)]
            return
        for name, own in self.unknown.items():
            order = _order(own, tensor)
            if order is not None:
                yield name, order

    def read(self, variable: Any, value: Any) -> Any:
        """The value of a variable of Keras; that code between layers reads it as a parameter is noted.

        TensorFlow reads a variable within the operation that it is given to, without a word: what it reads has no name there.
        """
        name = self.parameters.get(id(variable))
        if name is None or self.running or not tf.executing_eagerly():
            return value
        tensor = tf.identity(value)
        self.origins.put([tensor], frozenset([traces.Read(name)]))
        return tensor

    def used(self, given: list[Any]) -> frozenset[Any]:
        """The origins of what an operation makes of tensors; that it meets parameters with something else is noted as a use."""
        origins = self.origins.of(given)
        reads = [name for name in self.origins.reads(given) if name]
        constants = {id(tensor) for tensor in self.origins.constants(given)}  # such as the axes of a transposition
        if self.running or not reads or all(self.origins.reads([t]) for t in given if id(t) not in constants):
            return frozenset(origins)
        return frozenset(self.origins.used(given, self.uses))

    def call(self, layer: Any, original: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Calls a layer, and notes it where it is looked at as one; what it gives is what `instead` has for it."""
        if id(layer) not in self.names:
            return original(layer, *args, **kwargs)
        self.inside.append(self.names[id(layer)])
        leaf = self.leaf[id(layer)]
        place = traces.place() if leaf and not self.running else ""
        self.running += leaf
        if leaf and self.running == 1:
            self.single, self.holds = set(), bool(layer.weights)
            self.within = Functions(self.origins) if id(layer) in self.own else None
        profiler = sys.getprofile()
        if leaf and self.running == 1:  # what is called in a known layer is not asked for, and takes time
            sys.setprofile(self.within.profile if self.within is not None else None)
        try:
            output = original(layer, *args, **kwargs)
        finally:
            sys.setprofile(profiler)
        self.inside.pop()  # an exception leaves it: that says where it was raised
        self.running -= leaf
        if not leaf or self.running or not tf.executing_eagerly():  # a layer may be built by calling it on symbols
            return output
        if len(self.events) in self.instead:
            output = traces.replaced(output, is_tensor, self._instead(traces.tensors_in(output, is_tensor)))
        named = traces.named_tensors(_signature(layer), args, kwargs, is_tensor)
        given, made = [tensor for _, tensor in named], traces.tensors_in(output, is_tensor)
        event = {
            "names": [name for name, _ in named],
            "said": self.origins.said(given, "k"),
            "index": len(self.events),
            "layer": self.names[id(layer)],
            **self.origins.described(given),
            "inputs": [list(t.shape) for t in given],
            "outputs": [list(t.shape) for t in made],
            "place": place,
            "single": sorted(self.single),
            "lines": self.lines,
            "within": self.within.texts if self.within is not None else [],
            "masked": any(getattr(tensor, "_keras_mask", None) is not None for tensor in given),
            "causal": bool(kwargs.get("use_causal_mask")),
        }
        self.lines = []
        self.events.append(event)
        self.results.append(made)
        self.given.append(given)
        self.calls.append((layer, args, kwargs))
        self.origins.put(made, frozenset([event["index"]]))
        return output

    def _instead(self, made: list[Any]) -> Iterator[Any]:
        """What stands for what a layer gave, the first of it, with its dtype and its mask."""
        new = tf.cast(self.instead[len(self.events)], made[0].dtype)
        if getattr(made[0], "_keras_mask", None) is not None:
            new._keras_mask = made[0]._keras_mask
        yield new


def _order(weight: Any, tensor: Any) -> list[int | None] | None:
    """For each axis of an array that of a tensor of the same numbers, None for one of length one; None where it has others.

    An array that is the same with its axes in several orders, such as one of zeros, tells none.
    """
    sizes, own = ([size for size in each.shape if size != 1] for each in (tensor, weight))
    if sorted(sizes) != sorted(own) or len(own) > 5:
        return None
    numbers, there = weight.reshape(own), tensor.numpy().reshape(sizes)
    orders = [o for o in itertools.permutations(range(len(own))) if _equal(numbers.transpose(o), there)]
    if len(orders) != 1:
        return None
    places = [axis for axis, size in enumerate(tensor.shape) if size != 1]
    found = iter([places[orders[0].index(axis)] for axis in range(len(own))])
    return [None if size == 1 else next(found) for size in weight.shape]


def _equal(one: Any, other: Any) -> bool:
    """Whether two arrays are equal; those that are not are mostly told by their first numbers."""
    return one.shape == other.shape and bool((one.flat[:16] == other.flat[:16]).all() and (one == other).all())


def _in_single(operation: str, tensors: list[Any]) -> bool:
    """Whether an operation computes in single precision what is double before or behind it."""
    dtypes = [getattr(tensor, "dtype", None) for tensor in tensors]
    if tf.float64 not in dtypes:
        return False
    narrow = [tensor for tensor, dtype in zip(tensors, dtypes) if dtype == tf.float32]  # noqa: B905 - Python 3.9
    return operation in _SINGLE or any(traces.rounds(tensor.numpy()) for tensor in narrow)


def _with(layer: Any, args: Any, kwargs: Any, new: list[Any]) -> Any:
    """The arguments of a call with other tensors in place of its own, as many as there are, in the order of the parameters.

    They are noted in that order, whatever the order in which they were given. One tensor may be given twice.
    """
    parameters = list(_signature(layer).parameters)
    names = sorted(kwargs, key=lambda name: parameters.index(name) if name in parameters else len(parameters))
    given = args, {name: kwargs[name] for name in names}
    own = traces.tensors_in(given, is_tensor)
    return traces.replaced(given, is_tensor, iter([*new[: len(own)], *own[len(new) :]]))


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
def watched(model: Any, functions: bool = False) -> Iterator[Watch]:
    """A watch over a model: within the block the calls of its layers are noted, and if asked for those of functions."""
    watch = Watch(model, functions)
    kind = library_of(model).layers.Layer
    original = kind.__call__

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        return watch.call(self, original, args, kwargs)

    operation = keras.Operation.__call__

    def called(self: Any, *args: Any, **kwargs: Any) -> Any:
        between = None if isinstance(self, keras.layers.Layer) or watch.running else watch.between
        text = call_of_operation(self, args, kwargs) if between is not None and between.running is None else ""
        if between is None or not text:
            return operation(self, *args, **kwargs)
        between.begin(self, text)
        try:
            return operation(self, *args, **kwargs)
        finally:
            between.running = None

    # The property of Keras 3 by which everything reads a variable; a variable of tf_keras is one of TensorFlow's own.
    holder: Any = next((k for k in keras.Variable.__mro__ if isinstance(vars(k).get("value"), property)), None)
    value = vars(holder)["value"] if holder is not None else None
    if holder is not None and value is not None:
        holder.value = property(lambda self: watch.read(self, value.fget(self)), value.fset, value.fdel)

    kind.__call__, keras.Operation.__call__ = call, called
    op_callbacks.add_op_callback(watch.operation)
    profiler = sys.getprofile()
    if watch.between is not None:
        sys.setprofile(watch.between.profile)
    try:
        with _in_order_of_code(model):
            yield watch
    finally:
        sys.setprofile(profiler)
        op_callbacks.remove_op_callback(watch.operation)
        kind.__call__, keras.Operation.__call__ = original, operation
        if holder is not None and value is not None:
            holder.value = value


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
        network = is_network(model) and (len(parameters) < 3 or "inputs" in parameters)
        places, names, found["arguments"] = traces.arguments(given, parameters, together=network)
        mode = {"training": training} if of_keras else {}
        call = lambda: model(*places, **names, **mode)  # noqa: E731
    with suppress(Exception):  # the call that is watched says what is wrong
        if not getattr(model, "built", True):
            call()  # what a layer holds may be made by its first call
    output = None
    layers = named_layers(model) if of_keras else []
    with watched(model, functions=True) as watch:
        with suppress(Exception):  # a model that has no variables yet, or a variable of another kind
            watch.parameters = read_by_code(model, layers)
            watch.unknown = unknown_weights(model, layers)
        for name, tensor in inputs.items():
            watch.origins.name(tensor, name)
        try:
            output = call()
        except (Exception, SystemExit) as error:
            found.update(error=traces.said(error), at=watch.inside[-1] if watch.inside else "")
            found["place"] = traces.raised_at(error)
    layers = named_layers(model) if of_keras else []
    found["layers"] = [_described(name, layer) for name, layer in layers]
    found["tensors"] = variables(model, layers)
    for tensor in found["tensors"]:
        tensor["axes"] = watch.axes.of(tensor["name"])
    found["events"], found["uses"] = watch.events, watch.uses
    found["lines"] = watch.lines
    found["straight"] = watch.between.straight if watch.between is not None else []
    traces.add_outputs(found, output, is_tensor, lambda tensor: tensor.dtype.name, watch.origins.described)
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
        "frozen": _frozen(layer),
    }


def _frozen(layer: Any) -> str:
    """The method of a layer that computes with the weights it was built with, whatever they are set to; mostly there is none.

    Keras runs a model on symbols to build the layers in it. Where a `tf.function` is traced then, its trace draws the numbers
    that their weights start with, and has no variable.
    """
    for name, _ in inspect.getmembers(type(layer), lambda each: isinstance(each, _FUNCTION)):
        with suppress(Exception):  # TensorFlow has no public way to ask for the traces of a function
            for trace in getattr(layer, name)._list_all_concrete_functions():
                operations = {operation.type for operation in trace.graph.get_operations()}
                if not trace.variables and any(each.startswith("StatelessRandom") for each in operations):
                    return name
    return ""


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
            args, kwargs = _with(layer, args, kwargs, new)
            result = layer(*args, **kwargs)
        return traces.tensors_in(result, is_tensor)[0]


def captured(model: Any, call: Callable[[], Any], instead: Any = None) -> Captured:
    """A call of a model, with the tensors of all its events.

    `instead` has by event what its layer gives, whatever that is: then what is between the layers is by itself.
    """
    with watched(model) as watch:
        watch.instead = instead or {}
        output = call()
    return Captured(watch, output)
