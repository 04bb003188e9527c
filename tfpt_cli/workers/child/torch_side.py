"""What the child needs to know about PyTorch."""

from __future__ import annotations

import os
from typing import Any

torch: Any = None
_threads = 0  # as many as it starts with
_dropout: Any = None  # the function of `torch.nn.functional`, which a listing may put another one in the place of


def load() -> dict[str, str]:
    """Imports the framework; gives its versions, and what of the machine decides its results."""
    global torch
    import torch as module  # first: where neither is there, it is what is missing

    import numpy  # isort: skip

    global _threads, _dropout
    torch = module
    _threads, _dropout = torch.get_num_threads(), torch.nn.functional.dropout
    return {
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        # The vector instructions that its own kernels were chosen for: DEFAULT, AVX2, AVX512, ...
        "torch_cpu": torch.backends.cpu.get_cpu_capability(),
        "torch_threads": str(torch.get_num_threads()),
        "torch_onednn": "on" if torch.backends.mkldnn.is_available() else "off",
    }


def opinfo() -> dict[str, list[str]]:
    """The operations that PyTorch's own tests go through by name, each with its other names.

    The list imports `expecttest`, a package of those tests that it does not need; where that is missing, another stands in.
    """
    import importlib.util
    import sys
    import types
    import unittest
    import warnings

    if importlib.util.find_spec("expecttest") is None:
        stand_in: Any = types.ModuleType("expecttest")
        stand_in.TestCase = unittest.TestCase
        sys.modules["expecttest"] = stand_in
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
    found: dict[str, list[str]] = {}
    for operation in op_db:  # some stand there several times, for their several kinds of arguments
        found.setdefault(operation.name, []).extend(alias.name for alias in operation.aliases)
    return found


# What `tfpt list --missing` goes through, each with what reads it; None means the public functions of the module of that name.
NAMESPACES = {
    "OpInfo": opinfo,
    "torch.nn.functional": None,
    "torch.linalg": None,
    "torch.fft": None,
    "torch.special": None,
}


def reset() -> None:
    """Puts back what a listing before may have set."""
    if torch.get_default_dtype() is not torch.float32:
        torch.set_default_dtype(torch.float32)
    if torch.get_num_threads() != _threads:
        torch.set_num_threads(_threads)
    torch.nn.functional.dropout = _dropout


def lacks(need: str) -> str:
    """Why this machine cannot do what a section needs; empty where it can."""
    import shutil

    compilers = [os.environ.get("CXX", ""), "c++", "g++", "clang++", "cl"]
    if need == "a C++ compiler" and not any(name and shutil.which(name) for name in compilers):
        return "no C++ compiler is on the path (torch.compile needs one)"
    return ""


def array(value: Any) -> tuple[Any, str]:
    """A tensor (or a number) as a NumPy array, and the framework's name of its dtype."""
    import numpy

    if not isinstance(value, torch.Tensor):
        if not isinstance(value, (bool, int, float, complex, numpy.generic, numpy.ndarray)):
            raise TypeError("it gives a {}, not a tensor".format(type(value).__name__))
        plain = numpy.asarray(value)
        return plain, plain.dtype.name
    dtype = str(value.dtype).replace("torch.", "")
    value = value.detach().to("cpu")
    if value.dtype is torch.bfloat16:
        value = value.to(torch.float32)
    if value._is_zerotensor():  # it has no memory of its own, and before PyTorch 2.10 NumPy was shown somebody else's
        value = torch.zeros(value.shape, dtype=value.dtype)
    return value.resolve_conj().resolve_neg().numpy(force=True), dtype
