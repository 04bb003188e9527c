"""Code in double precision: with float64 for the float32 that stands in it, and that its constants have by themselves.

What stands below the imports is put into listings as text too (`SOURCE`), so that they run without tfpt. The names start with an
underscore, which no name of a scenario does.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).read_text(encoding="utf-8").partition("\n\n\n")[2].partition("\n\n\n# End of the text")[0]


def _doubled(tree):
    """A tree with float64 for the float32 in it; what asks for the limits of float32 stays as it is."""
    import ast

    wide = {"float32": "float64", "float": "float64", "complex64": "complex128", "FloatTensor": "DoubleTensor"}
    texts = {"float32": "float64", "complex64": "complex128"}
    # What makes float32 where no dtype is given: whatever it is given, or where that holds a number with a point.
    always = {"zeros": 1, "ones": 1, "eye": 3, "one_hot": 5}
    windows = ("hann_window", "hamming_window", "kaiser_window", "vorbis_window")
    of_numbers = {"constant": 1, "convert_to_tensor": 1, "Variable": 6, "range": 3}
    limits = ("max", "min", "eps", "tiny", "smallest_normal")
    roots = {"torch", "tf", "np", "tensorflow", "numpy"}

    def name(node):
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""

    def is_float(node):
        return any(isinstance(part, ast.Constant) and type(part.value) is float for part in ast.walk(node))

    def dtype():
        return ast.parse("tf.float64", mode="eval").body

    class Doubling(ast.NodeTransformer):
        def visit_Import(self, node):
            roots.update(each.asname for each in node.names if each.asname and each.name in roots)
            return node

        def visit_ImportFrom(self, node):
            for each in node.names:
                if each.name in texts:
                    each.name, each.asname = texts[each.name], each.asname or each.name
            return node

        def visit_Attribute(self, node):
            module, _, rest = name(node).partition(".")
            if module in roots and rest in wide:
                return ast.Attribute(node.value, wide[rest], node.ctx)
            return node if node.attr in limits and name(node) else self.generic_visit(node)

        def visit_Constant(self, node):
            is_dtype = isinstance(node.value, str) and node.value in texts
            return ast.Constant(texts[node.value]) if is_dtype else node

        def visit_Call(self, node):
            module, _, function = name(node.func).partition(".")
            last = function.rpartition(".")[2]
            if last in ("finfo", "iinfo"):
                return node
            if module in ("tf", "tensorflow"):
                places = {**always, **of_numbers}.get(function, 1 if last in windows else 0)
                untyped = len(node.args) <= places and not any(k.arg == "dtype" for k in node.keywords)
                numbers = function in of_numbers and any(is_float(argument) for argument in node.args)
                if untyped and places and (function in always or last in windows or numbers):
                    node.keywords.append(ast.keyword("dtype", dtype()))
                if function in ("fill", "linspace"):  # which have no dtype
                    node.args = [
                        ast.Call(ast.parse("tf.constant", mode="eval").body, [each, dtype()], [])
                        if isinstance(each, ast.Constant) and type(each.value) is float
                        else each
                        for each in node.args
                    ]
            if isinstance(node.func, ast.Attribute) and node.func.attr == "float" and not node.args:
                node.func.attr = "double"
            return self.generic_visit(node)

    return Doubling().visit(tree)


def _module_in_double(path):
    """The module of a file, run with float64 for the float32 that stands in its code."""
    import ast
    import types

    with open(path, encoding="utf-8") as file:
        tree = ast.fix_missing_locations(_doubled(ast.parse(file.read())))
    module = types.ModuleType(path.replace("\\", "/").rpartition("/")[2].removesuffix(".py"))
    module.__file__ = path
    exec(compile(tree, path, "exec"), module.__dict__)
    return module


# End of the text that listings have.
def doubled(tree: Any) -> Any:
    """A tree with float64 for the float32 in it; the tree itself is changed.

    >>> import ast
    >>> ast.unparse(doubled(ast.parse("tf.cast(x, 'float32') + tf.zeros(3) + np.finfo(np.float32).eps", mode="eval").body))
    "tf.cast(x, 'float64') + tf.zeros(3, dtype=tf.float64) + np.finfo(np.float32).eps"
    """
    return _doubled(tree)


def may_be_doubled(source: str) -> bool:
    """Whether the float32 in code may be raised to float64 without making it another function.

    Where numbers are kept in less than float32, or taken by their bits, that is what the code is about.

    >>> may_be_doubled("tf.cast(x, tf.float32)"), may_be_doubled("tf.cast(tf.cast(x, tf.float16), tf.float32)")
    (True, False)
    """
    return not _NARROW.search(source)


_NARROW = re.compile(
    r"float16|float8|\bu?int8\b|\bhalf\b|quanti[sz]|bitcast|nextafter|spacing|frexp|\.view\(\w+\.(?:u?int|float|bool)"
)
