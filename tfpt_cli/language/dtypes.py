"""The dtypes that a scenario may be checked in, those that an input of it may have besides, and what else they are called."""

from __future__ import annotations

# Of floating and complex numbers, in the order in which a person reads them.
DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
# Of truth values and whole numbers, which have no derivative.
WHOLE_DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64")

# Names of PyTorch, NumPy and of papers that mean one dtype everywhere.
_OTHER_NAMES = {
    "half": "float16", "fp16": "float16", "f16": "float16", "bf16": "bfloat16", "fp32": "float32", "f32": "float32",
    "single": "float32", "fp64": "float64", "f64": "float64", "double": "float64", "cfloat": "complex64", "c64": "complex64",
    "cdouble": "complex128", "c128": "complex128", "i32": "int32", "i64": "int64", "long": "int64", "bool_": "bool",
    "boolean": "bool",
}  # fmt: skip
# Names that are one dtype in PyTorch and another in NumPy and Python.
_OF_TORCH = {"float": "float32", "int": "int32", "complex": "complex64"}
_OF_NUMPY = {"float": "float64", "int": "int64", "complex": "complex128", "float_": "float64", "int_": "int64"}


def dtype_called(name: str) -> str:
    """The dtype that a person means by a name, with or without the module before it; empty where it is none, or not one.

    >>> dtype_called("torch.float64"), dtype_called("fp16"), dtype_called("torch.float"), dtype_called("np.float")
    ('float64', 'float16', 'float32', 'float64')
    >>> dtype_called("float"), dtype_called("float8")
    ('', '')
    """
    module, _, last = name.strip().strip("'\"").rpartition(".")
    last = last.lower()
    of_module = {"torch": _OF_TORCH, "np": _OF_NUMPY, "numpy": _OF_NUMPY}.get(module, {})
    if module not in ("", "torch", "tf", "np", "numpy", "jnp", "tensorflow"):
        return ""
    return last if last in (*DTYPES, *WHOLE_DTYPES) else of_module.get(last) or _OTHER_NAMES.get(last, "")


def dtype_hint(name: str) -> str:
    """What to write for a name that is no dtype here, to be put behind a message; empty where that is not known.

    >>> dtype_hint("float"), dtype_hint("fp16")
    (', which is float32 in PyTorch and float64 in NumPy: write one of them', ", did you mean 'float16'?")
    """
    if known := dtype_called(name):
        return f", did you mean '{known}'?"
    if name in _OF_TORCH:
        return f", which is {_OF_TORCH[name]} in PyTorch and {_OF_NUMPY[name]} in NumPy: write one of them"
    return ""
