"""What the child needs to know about TensorFlow and Keras."""

from __future__ import annotations

from typing import Any

tensorflow: Any = None
keras: Any = None


def load() -> dict[str, str]:
    """Imports the framework; gives its versions."""
    global tensorflow, keras
    import keras as keras_module
    import numpy
    import tensorflow as module

    tensorflow, keras = module, keras_module
    return {"tensorflow": tensorflow.__version__, "keras": keras.__version__, "numpy": numpy.__version__}


def reset() -> None:
    """Puts back what a listing before may have set."""
    if keras.config.floatx() != "float32":
        keras.config.set_floatx("float32")
    if keras.config.dtype_policy().name != "float32":
        keras.config.set_dtype_policy("float32")


def lacks(_: str) -> str:
    """Why this machine cannot do what a section needs: nothing that can be lacked is asked of this side."""
    return ""


def array(value: Any) -> tuple[Any, str]:
    """A tensor or variable (or a number) as a NumPy array, and the framework's name of its dtype."""
    import numpy

    if isinstance(value, keras.Variable):
        value = value.value
    if isinstance(value, tensorflow.IndexedSlices):
        value = tensorflow.convert_to_tensor(value)
    if not hasattr(value, "numpy"):
        if not isinstance(value, (bool, int, float, complex, numpy.generic, numpy.ndarray)):
            raise TypeError("it gives a {}, not a tensor".format(type(value).__name__))
        plain = numpy.asarray(value)
        return plain, plain.dtype.name
    dtype = value.dtype.name
    plain = numpy.asarray(value.numpy())
    return (plain.astype(numpy.float32) if dtype == "bfloat16" else plain), dtype
