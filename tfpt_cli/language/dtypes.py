"""The dtypes of floating and complex numbers that a scenario may be checked in."""

from __future__ import annotations

# In this order they are listed to a person.
DTYPES = ("float16", "bfloat16", "float32", "float64", "complex64", "complex128")
