"""The values of an input: a number, nested lists, or an array call, as source text that every framework's process runs.

Nothing is computed here: a random array is drawn by NumPy where the listing runs, from the scenario's seed, and a
`RandomState` gives every process the same stream.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.dictionary.typed import array_meant
from tfpt_cli.documents.reader import bad_name
from tfpt_cli.expressions.checking import nested_shape, unknown
from tfpt_cli.expressions.lowering import filled
from tfpt_cli.language.constants import BadConstant, NotConstant, constant, number_text
from tfpt_cli.language.expression import Complaint, offset
from tfpt_cli.language.mentions import field
from tfpt_cli.language.shapes import Shape, ShapeError, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.reader import Reader

MAX_SIZE = 100_000_000
MAX_WRITTEN = 20_000

SCHEMA = {
    "description": "a number, nested lists of numbers, or an array call such as linspace(-1, 1, 5)",
    "anyOf": [{"type": ["number", "boolean"]}, {"type": "string", "minLength": 1}, {"type": "array"}],
}


@dataclass(frozen=True)
class Values:
    """The values of an input: Python source (a number, a list or a NumPy call), their shape, and the text as written.

    `kind` is `number`, `boolean` where all are truth values, or `complex` where one is complex.
    """

    source: str
    shape: Shape
    shown: str
    kind: str = "number"

    @property
    def random(self) -> bool:
        """Whether the source draws from `rng`."""
        return self.source.startswith("rng.")

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def numbers(self) -> tuple[Any, ...]:
        """The numbers in one row, nested lists flattened; empty where an array call gives them or there are more than 10,000."""
        if self.random or self.source.startswith("np.") or self.size > 10_000:
            return ()
        try:
            return tuple(_flat(constant(ast.parse(self.source, mode="eval").body, functions=True)))
        except (NotConstant, BadConstant, SyntaxError):
            return ()

    @property
    def whole(self) -> bool:
        """Whether all numbers are written without a point, or a call gives whole numbers: `[0, 2]`, `arange(3)`."""
        if self.kind != "number" or self.random:
            return False
        try:
            tree = ast.parse(self.source, mode="eval").body
            return all(
                type(number) is int
                for part in (tree.args if isinstance(tree, ast.Call) else [tree])
                for number in _flat(constant(part))
            ) and not self.source.startswith("np.linspace")
        except (NotConstant, BadConstant, SyntaxError):
            return False

    def held_as(self, dtype: str) -> Values | str:
        """The values as a dtype of whole numbers or truth values holds them, or the number that it cannot hold, as text.

        NumPy's arrays convert themselves; written numbers do so in PyTorch alone, `torch.tensor([1.0], dtype=torch.bool)`.
        """
        if dtype != "bool" and "int" not in dtype:
            return self
        try:
            value = constant(ast.parse(self.source, mode="eval").body)
        except (NotConstant, BadConstant):
            return self
        if dtype == "bool":
            return replace(self, source=number_text(_each(value, bool)), kind="boolean")
        broken = [
            number for number in _flat(value) if number != number or number in (math.inf, -math.inf) or number % 1
        ]
        return str(broken[0]) if broken else replace(self, source=number_text(_each(value, int)))

    def complex_draws(self) -> Values:
        """These values for an input of a complex dtype: random ones draw an imaginary part too, others stay as they are."""
        return replace(self, source=f"{self.source} + 1j * {self.source}") if self.random else self


def read_values(reader: Reader, path: Path) -> Values | None:
    """The values at a path, or None after complaining about every problem in them.

    >>> from tfpt_cli.documents.document import documents
    >>> from tfpt_cli.documents.reader import Reader
    >>> document = documents("a.yaml", "at: {x: 'linspace(-1, 1, 5)'}")[0][0]
    >>> read_values(Reader(document, {}), ("at", "x"))
    Values(source='np.linspace(-1, 1, 5)', shape=(5,), shown='linspace(-1, 1, 5)', kind='number')
    """
    value = reader.get(*path)
    if isinstance(value, str):
        return _from_text(reader, path, value)
    try:
        value = _with_complex(value)
        return _written(value, nested_shape(value))
    except ShapeError as error:
        reader.complain(path, f"'{path[-1]}' is not an array: {error}")
        return None


def read_inputs(reader: Reader, path: Path) -> dict[str, Values | None]:
    """The values of every input at a path by name, None for one that cannot be read; complains about names that cannot be."""
    inputs: dict[str, Values | None] = {}
    for name in reader.get(*path, default={}):
        place = (*path, name)
        if why := bad_name(name):
            reader.complain(place, f"'{name}' cannot name an input: {why}", key=True)
        elif name in reader.case:
            reader.complain(place, f"'{name}' is both an input and a name of the matrix; rename one", key=True)
        inputs[name] = read_values(reader, place)
    return inputs


def _with_complex(value: Any) -> Any:
    """Nested lists with what YAML reads as texts, `0.5+1j`, as the complex numbers that they are."""
    if isinstance(value, list):
        return [_with_complex(item) for item in value]
    if isinstance(value, str) and value.strip().lower().endswith("j"):
        try:
            return complex(value.replace(" ", ""))
        except ValueError:
            return value
    return value


def _kind(value: Any) -> str:
    numbers = list(_flat(value))
    if any(isinstance(number, complex) for number in numbers):
        return "complex"
    return "boolean" if numbers and all(isinstance(number, bool) for number in numbers) else "number"


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    return [_each(item, change) for item in value] if isinstance(value, (list, tuple)) else change(value)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _written(value: Any, shape: Shape) -> Values:
    if math.prod(shape) > MAX_WRITTEN:
        raise ShapeError(
            f"{math.prod(shape):,} numbers written out; at most {MAX_WRITTEN:,} are allowed, use an array call"
        )
    text = number_text(value)
    shown = text.replace("math.", "")
    return Values(source=text, shape=shape, shown=shown if len(shown) <= 60 else f"{shown[:56]} ...", kind=_kind(value))


def _from_text(reader: Reader, path: Path, text: str) -> Values | None:
    tree = reader.tree(path)
    if tree is None:
        return None
    values, complaints = _evaluated(tree, text)
    reader.complain_all(path, complaints)
    return values


def _evaluated(written: ast.expr, text: str) -> tuple[Values | None, list[Complaint]]:
    tree = array_meant(written)
    try:
        value = constant(tree, functions=True)
        return _written(value, nested_shape(value)), []
    except BadConstant as error:
        return None, [Complaint(offset(error.node), str(error))]
    except ShapeError as error:
        return None, [Complaint(offset(tree), f"not an array: {error}")]
    except NotConstant:
        pass
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        known = ", ".join(dictionary().arrays)
        return None, [Complaint(offset(tree), f"'{text.strip()}' is neither a number nor an array call ({known})")]
    name = tree.func.id
    row = dictionary().arrays.get(name)
    if row is None:
        computed = name in dictionary().operations
        hint = "; what is computed of an input stands in the expression" if computed else ""
        return None, [Complaint(offset(tree), unknown("array", name) + hint)]
    typed_dtype = any(keyword.arg == "dtype" for keyword in tree.keywords) and "dtype" not in row.signature.settings
    bound, complaints = row.signature.bind(name, tree)
    settings, wrong = row.signature.values(name, bound)
    if typed_dtype:
        return None, [
            Complaint(
                offset(tree),
                f"the dtype of an input is said by {field('dtypes')}, such as {field('dtypes', 'i', 'int64')}",
            )
        ]
    if complaints or wrong:
        return None, complaints + wrong
    try:
        shape = _shape(row.shape, settings)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None, [Complaint(offset(tree), f"'{ast.unparse(tree)}' has no size")]
    if any(size < 0 for size in shape):
        return None, [Complaint(offset(tree), f"a size cannot be negative: {show(shape)}")]
    if math.prod(shape) > MAX_SIZE:
        message = f"an input of shape {show(shape)} has {math.prod(shape):.3g} values; at most {MAX_SIZE:,} are allowed"
        return None, [Complaint(offset(tree), message)]
    source = ast.unparse(filled(row.spelling["numpy"], row.signature, set(bound), settings, {}))
    return Values(source=source, shape=shape, shown=ast.unparse(written)), []


def _shape(rule: ast.expr, settings: dict[str, Any]) -> Shape:
    """The shape that a row of arrays.yaml declares. The rows are ours, their settings are checked constants."""
    match rule:
        case ast.Name(id="shape"):
            shape = settings["shape"]
            return tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        case ast.Tuple(elts=items):
            return tuple(_size(item, settings) for item in items)
    raise AssertionError(f"no such shape rule: {ast.unparse(rule)}")


def _size(rule: ast.expr, settings: dict[str, Any]) -> int:
    match rule:
        case ast.Name(id=name):
            return int(settings[name])
        case ast.BoolOp(values=[ast.Name(id=first), ast.Name(id=second)]):
            return int(settings[first] if settings[first] is not None else settings[second])
        case ast.Call(func=ast.Name(id="steps")):
            return int(max(math.ceil((settings["stop"] - settings["start"]) / settings["step"]), 0))
    raise AssertionError(f"no such size rule: {ast.unparse(rule)}")
