"""The dtypes that a scenario may be checked in, and those that an input of it may have besides."""

from __future__ import annotations

# Of floating and complex numbers, in the order in which a person reads them.
DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
# Of truth values and whole numbers, which have no derivative.
WHOLE_DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64")
