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
from tfpt_cli.language.trees import branches, called_name

if TYPE_CHECKING:
    from collections.abc import Mapping


# Where a person looks first for a function whose module was not written.
_OWN_MODULES = {TORCH: ("torch", "F"), TENSORFLOW: ("tf", "tf.nn", "tf.math")}


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
    """The call of a framework that a name means there which stands without its module, or with another; empty where none is known.

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


def refusal(name: str) -> str:
    """Why a scenario may not call a name, and what is written instead; empty where nothing is known of it.

    >>> refusal("F.relu_"), refusal("F.relu")
    ("'F.relu_' changes its tensor in place; call the function without the underscore", '')
    """
    last = name.rsplit(".", 1)[-1]
    found: list[Mapping[str, str]] = rows_of("typed")["refused"]
    return next((f"'{name}' {row['why']}; {row['write']}" for row in found if re.fullmatch(row["names"], last)), "")
