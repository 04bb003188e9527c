"""What a name means that a person wrote who knows another library's words: the operation, its call in a framework, or why not."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.dictionary.native import native
from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.expression import offset
from tfpt_cli.language.signature import parse_signature
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tfpt_cli.language.signature import Signature


# Where a person looks first for a function whose module was not written.
_OWN_MODULES: Mapping[str, tuple[str, ...]] = {
    TORCH.key: ("torch", "F"),
    TENSORFLOW.key: ("tf", "tf.nn", "tf.math"),
}


def neutral_name(name: str) -> str:
    """The operation that a name of a framework, of NumPy or of mathematics means; empty where none is known.

    >>> neutral_name("tf.reduce_sum"), neutral_name("x.norm"), neutral_name("np.arcsin"), neutral_name("frobnicate")
    ('sum', 'vector_norm', 'asin', '')
    """
    last = name.rsplit(".", 1)[-1]
    if last in dictionary().operations:
        return last
    return next(iter(_meant(last)), "") or dictionary().other_names("operations").get(last, "")


def _meant(last: str) -> list[str]:
    """The operation that a name means by typed.yaml, and what else that is called."""
    found: str = rows_of("typed")["operations"].get(last, "")
    return found.split()


def constant_name(name: str) -> str:
    """How a number is written that a person calls otherwise, such as `pi` for `π`; empty where it is none.

    >>> constant_name("π"), constant_name("x")
    ('pi', '')
    """
    known: str = rows_of("typed")["constants"].get(name, "")
    return known


@cache
def native_name(name: str, framework: str) -> str:
    """The call of a framework that a name without its module, or with another, means there; empty where none is known.

    What is called the same in the module that was named or in the framework's own comes first, then the spelling of the operation
    that the name means, then what is called the same anywhere.

    >>> native_name("gelu", "torch"), native_name("tf.gelu", "tensorflow"), native_name("np.sum", "tensorflow")
    ('F.gelu', 'tf.nn.gelu', 'tf.reduce_sum')
    """
    table, last, root = native(framework), name.rsplit(".", 1)[-1], name.split(".", 1)[0]
    alike = [full for full in table.calls if full.rsplit(".", 1)[-1] == last and not full.startswith("nn.init.")]
    alike.sort(key=lambda full: full.split(".", 1)[0] in ("math", "np"))  # of numbers, not of tensors
    below = [full for full in alike if full.split(".", 1)[0] == root and root not in ("math", "np")]
    own = [f"{module}.{last}" for module in _OWN_MODULES[framework] if f"{module}.{last}" in alike]
    if below or own:
        return (own or below)[0] if not below else min(below, key=lambda full: (full not in own, full.count(".")))
    row = dictionary().operations.get(neutral_name(last) or neutral_name(last.lower()))
    spelled = branches(row.spelling[framework]) if row is not None and framework in row.spelling else []
    called = [table.canonical(full) for tree in spelled if (full := called_name(tree))]
    usable = [full for full in called if full in table.calls and all(_plain(tree) for tree in spelled)]
    others = _meant(last) or _meant(last.lower())
    usable += [full for other in others for full in table.calls if full.rsplit(".", 1)[-1] == other]
    return next(iter([*usable, *alike]), "")


def _plain(tree: ast.expr) -> bool:
    """Whether a spelling hands its arguments on as they are."""
    given = [*tree.args, *(keyword.value for keyword in tree.keywords)] if isinstance(tree, ast.Call) else [tree]
    return all(isinstance(part, (ast.Name, ast.Constant)) for part in given)


def of_other_framework(name: str) -> str:
    """The framework whose module a name begins with; empty for a name of nobody's."""
    root = name.split(".", 1)[0]
    return next((framework.key for framework in FRAMEWORKS.values() if root in framework.roots), "")


def instead(name: str, framework: str) -> str:
    """Why a name is refused and what to write instead, where that is known; a method's name starts with a dot.

    >>> instead("tf.random.normal", "tensorflow").partition(":")[0]
    'it draws random numbers, and each framework draws its own'
    """
    known = rows_of("typed")["instead"][framework]
    if name.startswith("."):
        return str(known.get(name, ""))
    parts = name.split(".")
    heads = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((str(known[head]) for head in heads if head in known), "")


def refusal(name: str) -> str:
    """Why a scenario may not call a name, and what is written instead; empty where nothing is known of it.

    >>> refusal("F.relu_"), refusal("F.relu")
    ("'F.relu_' changes its tensor in place; call the function without the underscore", '')
    """
    last = name.rsplit(".", 1)[-1]
    found: list[Mapping[str, str]] = rows_of("typed")["refused"]
    return next((f"'{name}' {row['why']}; {row['write']}" for row in found if re.fullmatch(row["names"], last)), "")


# Modules behind which a call that gives an input its values may stand.
_ARRAY_MODULES = ("np", "numpy", "torch", "tf", "keras", "jnp", "math", "random", "ops")


def array_meant(tree: ast.expr) -> ast.expr:
    """The call of arrays.yaml, or the values, that a call of NumPy, PyTorch or TensorFlow gives; any other tree as it is.

    >>> def meant(text): return ast.unparse(array_meant(ast.parse(text, mode="eval").body))
    >>> meant("arange(4)"), meant("torch.zeros(2, 3)"), meant("np.linspace(-1, 1, 5)"), meant("np.array([1.0, 2])")
    ('arange(0, 4)', 'zeros((2, 3))', 'linspace(-1, 1, 5)', '[1.0, 2]')
    """
    full = called_name(tree)
    modules = full.split(".")[:-1]
    if not isinstance(tree, ast.Call) or not full or any(module not in _ARRAY_MODULES for module in modules):
        return tree
    name = full.rsplit(".", 1)[-1]
    row = dictionary().arrays.get(name)
    ways: Mapping[str, str] = rows_of("typed")["arrays"].get(full) or rows_of("typed")["arrays"].get(name, {})
    own = row is not None and full not in rows_of("typed")["arrays"]
    if own and row is not None and _fits(row.signature, name, tree):
        return _called(name, tree) if modules else tree
    for signature, meaning in ways.items():
        values = _bound(parse_signature(signature), name, tree)
        if values is not None:
            meant: ast.expr = _Put(values).visit(ast.parse(meaning, mode="eval").body)
            return meant
    return _called(name, tree) if modules and row is not None else tree


def _fits(signature: Signature, name: str, call: ast.Call) -> bool:
    bound, complaints = signature.bind(name, call)
    return not complaints and not signature.values(name, bound)[1]


def _called(name: str, call: ast.Call) -> ast.Call:
    """The call under the name without its module."""
    bare = ast.Call(ast.Name(name, ast.Load()), call.args, call.keywords)
    bare.offset = bare.func.offset = offset(call)  # type: ignore[attr-defined]
    return bare


def _bound(signature: Signature, name: str, call: ast.Call) -> dict[str, ast.expr] | None:
    """The arguments of a call by parameter, defaults filled in; those of `*shape` as one tuple. None where it does not fit."""
    (first, *_) = signature.parameters
    if first.kind == "args":
        if call.keywords or not call.args or not all(_is_size(argument) for argument in call.args):
            return None
        return {first.name: ast.Tuple(call.args, ast.Load())}
    bound, complaints = signature.bind(name, call)
    defaults = {p.name: p.default for p in signature.parameters if p.default is not None}
    return None if complaints else {**defaults, **bound}


def _is_size(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and isinstance(tree.value, int)


class _Put(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.values.get(node.id, node)
