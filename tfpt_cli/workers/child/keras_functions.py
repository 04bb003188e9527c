"""Which functions of Keras and TensorFlow a model calls between its layers, each as a person would write the call."""

from __future__ import annotations

import inspect
import re
import sys
from functools import lru_cache
from typing import Any

import keras
import tensorflow as tf
import traces
from keras_layers import is_tensor


@lru_cache(maxsize=None)
def _functions() -> dict[Any, tuple[str, inspect.Signature]]:
    """The functions that a person may call between layers, by their code: their names, `keras.ops.gelu`, and their signatures."""
    modules = [("keras.activations", keras.activations), ("keras.ops", keras.ops)]
    if "tf_keras" in sys.modules:
        modules.append(("keras.activations", sys.modules["tf_keras"].activations))
    modules += [("tf.nn", tf.nn), ("tf", tf)]
    modules += [("tf.{}".format(name), getattr(tf, name)) for name in ("math", "linalg", "image", "signal")]
    found: dict[Any, tuple[str, inspect.Signature]] = {}
    for prefix, module in modules:
        for name, value in vars(module).items():
            if name.startswith("_") or not callable(value) or inspect.isclass(value):
                continue
            function: Any = inspect.unwrap(value)  # without what TensorFlow puts around each of its own
            if hasattr(function, "__code__"):
                found.setdefault(function.__code__, ("{}.{}".format(prefix, name), inspect.signature(function)))
    return found


# How TensorFlow reads `x[:, None]`: a function of its own, which calls another one with masks of bits.
_SUBSCRIPTION = getattr(inspect.unwrap(tf.Tensor.__getitem__), "__code__", None)


class Functions:
    """Notes the functions that are called between layers, or in a layer.

    Python tells when a function starts and ends, so it matters not how a person's code came by it: `from keras.ops import gelu`,
    an argument of a model, a dictionary. Of functions that call each other the outermost is the one that is called.
    """

    def __init__(self, origins: traces.Origins) -> None:
        self.origins = origins
        self.texts: list[str] = []
        self.straight: list[int | None] = []  # by text, the event whose result alone it was given, as it is
        self.running: Any = None  # the frame of the function that runs, or the operation of a functional model
        self.text = ""
        self.noted = False  # whether the function that runs is among the texts: it has computed something

    def profile(self, frame: Any, event: str, _: Any) -> None:
        """What Python calls whenever a function starts or ends."""
        if self.running is None:
            known = _functions().get(frame.f_code) if event == "call" else None
            if event == "call" and frame.f_code is _SUBSCRIPTION:
                self.begin(frame, "x" + (traces.index_text(frame.f_locals.get("slice_spec")) or "[...]"))
            elif known is not None:
                try:
                    text = self.written(*known, frame.f_locals)
                except Exception:  # of what a person has put there; it must not end their model's call
                    text = known[0] + "(...)"
                self.begin(frame, text)
        elif event == "return" and self.running is frame:
            self.running = None

    def begin(self, running: Any, text: str) -> None:
        """Says that a function runs from now on, and the text of its call."""
        self.running, self.text, self.noted = running, text, False

    def computed(self, operation: str, inputs: list[Any]) -> traces.Called:
        """The call that an operation of TensorFlow belongs to: of a function, or outside of all an operator's, `x + y`."""
        if self.running is None or not self.noted:
            self.texts.append(self.operator(operation, inputs) if self.running is None else self.text)
            self.straight.append(self.origins.straight(inputs))
            self.noted = True
        return traces.Called(len(self.texts) - 1, self.texts[-1])

    def operator(self, operation: str, inputs: list[Any]) -> str:
        """What no known function called: an operator, `x + y`, or a `tf.function` by its name."""
        if operation == "StridedSlice":
            return "x[...]"
        own = re.match(r"__[a-z]+_(.+)_\d+$", operation)
        name = own[1] if own else "tf.raw_ops." + operation
        # A `tf.function` is given its variables as handles, which are no numbers.
        given = [self.plain(each) for each in inputs if getattr(each, "dtype", None) not in (tf.resource, tf.variant)]
        return str(traces.written_function(name, None, given, {}, _is_array))

    def written(self, name: str, signature: inspect.Signature, given: dict[str, Any]) -> str:
        """A call of a function by what its parameters are given, `keras.ops.softmax(x, axis=1)`."""
        places: list[Any] = []
        names: dict[str, Any] = {}
        for key, parameter in signature.parameters.items():
            value = self.plain(given.get(key))
            if parameter.kind is parameter.VAR_POSITIONAL:
                places += value
            elif not names and (parameter.default is parameter.empty or _is_array(value)):
                places.append(value)
            elif key != "name":
                names[key] = value
        return str(traces.written_function(name, signature, places, names, _is_array))

    def plain(self, value: Any) -> Any:
        """A tensor that is a single number and comes of nothing else as that number; anything else as it is."""
        if not is_tensor(value) or value.shape.rank != 0 or self.origins.of([value]) or not hasattr(value, "numpy"):
            return value
        number = value.numpy()
        return float(str(number)) if number.dtype.kind == "f" else number.item()


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")
