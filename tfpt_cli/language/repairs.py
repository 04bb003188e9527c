"""What a person meant whose text is no expression: mathematics, MATLAB, YAML or a whole Python line for a Python expression.

Every rule rewrites a piece of text as Python has it. A rewriting is suggested only where the whole text parses with it, so what
stands in a message can be copied.
"""

from __future__ import annotations

import ast
import re
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Signs of mathematics that Python does not read, and what it reads in their place.
_SIGNS = {
    "²": "**2", "³": "**3", "⁴": "**4", "·": "*", "×": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "≤": "<=", "≥": ">=",
    "≠": "!=", "√": "sqrt", "∞": "inf", "‘": "'", "’": "'", "“": '"', "”": '"',
}  # fmt: skip
_NUMBER = r"(?<![\w.])(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_FUNCTIONS = "sin|cos|tan|exp|log|ln|sqrt|tanh|sinh|cosh|abs|relu|sigmoid|softmax"

# In order: what is looked for, what stands there instead, and what the message says of it.
_RULES: tuple[tuple[str, str | Callable[[re.Match[str]], str], str], ...] = (
    (r"^\s*(?:of|torch|tensorflow)\s*:\s*(?=\S)", "", "the expression stands alone"),
    (r"^\s*return\s+", "", "the expression stands alone"),
    (r"^\s*[A-Za-z_]\w*\s*(?:\([\w\s,]*\))?\s*=(?!=)\s*", "", "what stands right of the equals sign is enough"),
    (r"\s*;\s*$", "", "the expression stands alone"),
    (f"[{''.join(_SIGNS)}]", lambda found: _SIGNS[found.group()], "written as Python has it"),
    (r"(?<=[\w)\]])\s*\.(?=[*/^])", "", "arithmetic is elementwise already"),
    (r"\^", "**", "a power is **"),
    (rf"\b({_FUNCTIONS})\s+({_NUMBER}|[A-Za-z_]\w*)", r"\1(\2)", "a function is called with brackets"),
    (r"\|([^|]+)\|", r"abs(\1)", "an absolute value is abs(x)"),
    (rf"({_NUMBER})\s*(?=[A-Za-z_(])", r"\1*", "a product is written with *"),
    (r"(?<=\))\s*(?=[\w(])", "*", "a product is written with *"),
)


def repaired(text: str) -> tuple[str, int, str] | None:
    """The expression that a text which does not parse was meant to be, where they part, and why; None where no rule finds one.

    >>> repaired("2x^2 + 1")
    ('2*x**2 + 1', 1, 'a power is **, a product is written with *')
    >>> repaired("of:exp(x)"), repaired("f(x) = 2*x")
    (('exp(x)', 0, 'the expression stands alone'), ('2*x', 0, 'what stands right of the equals sign is enough'))
    >>> repaired("2 *") is None
    True
    """
    fixed, reasons = text, dict[str, None]()
    for pattern, instead, why in _RULES:
        changed = re.sub(pattern, instead, fixed)
        if changed != fixed:
            fixed = changed
            reasons[why] = None
        if reasons and "^" not in fixed and _parses(fixed):
            place = next(
                (i for i, (a, b) in enumerate(zip(text, fixed, strict=False)) if a != b), min(len(text), len(fixed))
            )
            return fixed.strip(), place, ", ".join(reasons)
    return None


def _parses(text: str) -> bool:
    """Whether Python reads a text as an expression that is none of the things which a rule repairs."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return not any(isinstance(node, ast.Call) and uncalled_product(node) for node in ast.walk(tree))


def meant_power(text: str) -> str | None:
    """The text with `**` for a `^` before a number, which Python reads as another operator; None where there is no such `^`.

    Python's `^` binds looser than `+`: it is the text that is rewritten, for `x^2 + 1` means `x ^ (2 + 1)`.

    >>> meant_power("x^2 + 1"), meant_power("a ^ b")
    ('x**2 + 1', None)
    """
    fixed = text.replace("^", "**")
    return fixed if re.search(r"\^\s*\(?\s*[-+]?\s*[\d.]|(?<![\w.])(?:e|\d+)\s*\^", text) and _parses(fixed) else None


def uncalled_product(call: ast.Call) -> str:
    """A product that was written as a call, as it is written; empty for any other call.

    >>> uncalled_product(ast.parse("2(x + 1)", mode="eval").body)
    '2 * (x + 1)'
    """
    if call.keywords or len(call.args) != 1 or not isinstance(call.func, (ast.Constant, ast.BinOp)):
        return ""
    return ast.unparse(ast.BinOp(call.func, ast.Mult(), call.args[0]))
