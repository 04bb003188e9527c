"""Frameworks in processes of their own: `pool` is the parent's side, `child` runs the listings.

The child and what it imports need the standard library, NumPy and one framework, and no tfpt: `child.py` is run by
its path, so that it also runs in another environment's interpreter.
"""
