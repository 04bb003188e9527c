"""What runs in a framework's own process: `child.py` runs the listings, a `..._side.py` knows its framework.

It needs the standard library, NumPy and one framework, and no tfpt: `child.py` is run by its path, so that it also runs in
another environment's interpreter, back to Python 3.9. Its folder is the first that Python looks into there, so nothing else
may stand in it.
"""
