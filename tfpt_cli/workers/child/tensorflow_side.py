"""What the child needs to know about TensorFlow and Keras."""

from __future__ import annotations

import math
import os
import sys
from typing import Any

import protocol

# The widest vector instructions first, by NumPy's name and by PyTorch's.
WIDTHS = (("AVX512F", "AVX512"), ("AVX2", "AVX2"), ("AVX", "AVX"), ("ASIMD", "NEON"))

tensorflow: Any = None
keras: Any = None


def load() -> dict[str, str]:
    """Imports the framework; gives its versions, and what of the machine decides its results."""
    global tensorflow, keras
    import tensorflow as module  # first: where nothing is there, it is what is missing

    import keras as keras_module  # isort: skip
    import numpy  # isort: skip

    tensorflow, keras = module, keras_module
    threads = tensorflow.config.threading.get_intra_op_parallelism_threads() or processors()
    return {
        "tensorflow": tensorflow.__version__,
        "keras": keras.__version__,
        "numpy": numpy.__version__,
        "tensorflow_cpu": vector_width(numpy),
        "tensorflow_threads": str(threads),
        "tensorflow_onednn": onednn(),
    }


# What `tfpt list --missing` goes through; None means the public functions of the module of that name.
NAMESPACES = {"keras.ops": None, "keras.ops.image": None}


def processors() -> int:
    """How many processors this process may use, which is how many threads TensorFlow starts unless it is told."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def onednn() -> str:
    """Whether its kernels are those of oneDNN: `on`, `off`, or `unknown`.

    Unless TF_ENABLE_ONEDNN_OPTS says so, that depends on the processor: by default they are for those with AVX512-VNNI.
    """
    try:
        from tensorflow.python.util import _pywrap_util_port

        return "on" if _pywrap_util_port.IsMklEnabled() else "off"
    except Exception:  # private: another version may not have it
        return "unknown"


def vector_width(numpy: Any) -> str:
    """The widest vector instructions of the processor: what oneDNN's kernels are chosen by, within ONEDNN_MAX_CPU_ISA.

    Those of TensorFlow's own kernels are chosen when it is built.
    """
    try:
        core = numpy._core if hasattr(numpy, "_core") else numpy.core
        features = core._multiarray_umath.__cpu_features__
    except AttributeError:  # private: another version may not have it
        return "unknown"
    allowed = os.environ.get("ONEDNN_MAX_CPU_ISA", "")
    narrower = {"AVX2": 1, "AVX": 2}.get(allowed.split("_")[0].upper(), 0)
    return next((name for key, name in WIDTHS[narrower:] if features.get(key)), "DEFAULT")


def reset() -> None:
    """Puts back what a listing before may have set."""
    if keras.config.floatx() != "float32":
        keras.config.set_floatx("float32")
    if keras.config.dtype_policy().name != "float32":
        keras.config.set_dtype_policy("float32")
    if "tf_keras" in sys.modules:  # where a person's own model is one of Keras 2
        sys.modules["tf_keras"].backend.set_floatx("float32")


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
    plain = _in_place(value)
    if plain is None:
        plain = numpy.asarray(value.numpy())
    return (plain.astype(numpy.float32) if dtype == "bfloat16" else plain), dtype


def _in_place(value: Any) -> Any:
    """A large tensor or variable as an array of its own memory, which `numpy()` would copy; None for any other."""
    import numpy

    try:
        if math.prod(value.shape) * value.dtype.size < protocol.LARGE:
            return None
        return numpy.asarray(memoryview(value.read_value() if hasattr(value, "read_value") else value))
    except (TypeError, ValueError, AttributeError):  # no dense tensor, or a dtype that buffers do not have (bfloat16)
        return None
