"""What the traces of both frameworks share: events in their order, where each tensor came from, and the text that is sent.

A trace is a list of events: a layer that was called, or a function that a person's own code called between layers. An event
knows the layers whose results reached its inputs, whatever was computed between them.
"""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from functools import lru_cache
from typing import Any, Callable, Iterator, NamedTuple

_HERE = os.path.dirname(os.path.abspath(__file__))
# What Keras puts around what a layer said, and marks.
_AROUND = re.compile(
    r"Exception encountered when calling [\w.]+\(\)\.\s*\x1b\[1m(.*)\x1b\[0m\s*Arguments received by .*", re.DOTALL
)
_MARKS = re.compile(r"\x1b\[[0-9;]*m")


class Read(NamedTuple):
    """A parameter by its name."""

    name: str


class Use(NamedTuple):
    """What was computed with parameters and something else, by its place among all such."""

    place: int


class Called(NamedTuple):
    """What a function between layers gave: its place among all calls of such, and the call as a person would write it."""

    place: int
    text: str


class Origins:
    """Which events a tensor comes from, and what of single precision, by the tensor itself.

    Tensors are kept, so that no other takes their place. An origin is the number of an event, the name of an operation outside of
    all layers that computed in single precision, a parameter that code outside of them reads, `Read`, a `Use` of some, or a
    function that was `Called`.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, frozenset[Any]]] = {}
        self._texts: dict[int, tuple[Any, str]] = {}

    def of(self, tensors: list[Any]) -> frozenset[Any]:
        """The origins of some tensors; nothing for those that no event has made, such as an input."""
        found: frozenset[Any] = frozenset()
        for tensor in tensors:
            found |= self._known.get(id(tensor), (None, frozenset()))[1]
        return found

    def straight(self, tensors: list[Any]) -> int | None:
        """The event that alone some tensors come from, where nothing was computed of its result on the way; else None."""
        found = self.of(tensors)
        only = next(iter(found)) if len(found) == 1 else None
        return only if isinstance(only, int) else None

    def described(self, tensors: list[Any]) -> dict[str, Any]:
        """The origins of some tensors as they are sent: the events, and what of single precision reached them since."""
        found = self.of(tensors)
        return {
            "from": sorted(each for each in found if isinstance(each, int)),
            "reached_by": sorted(each for each in found if isinstance(each, str)),
            "uses": sorted(each.place for each in found if isinstance(each, Use)),
            "calls": sorted(each for each in found if isinstance(each, Called)),
        }

    def constants(self, tensors: list[Any]) -> list[Any]:
        """Those of some tensors that come of nothing that was seen: no input of the model, no parameter, no result of any."""
        return [tensor for tensor in tensors if id(tensor) not in self._texts and not self.of([tensor])]

    def reads(self, tensors: list[Any]) -> list[str]:
        """The parameters that some tensors are, or were computed of alone."""
        return sorted(each.name for each in self.of(tensors) if isinstance(each, Read))

    def put(self, tensors: list[Any], origins: frozenset[Any]) -> None:
        """Says where some tensors come from."""
        for tensor in tensors:
            self._known[id(tensor)] = (tensor, origins)

    def name(self, tensor: Any, text: str) -> None:
        """Says what a tensor is called, such as an input of the model."""
        self._texts[id(tensor)] = (tensor, text)

    def used(self, given: list[Any], uses: list[dict[str, Any]]) -> frozenset[Any]:
        """The origins of what is made of tensors that are read as parameters and of others, which is noted among the `uses`."""
        uses.append({"reads": [name for name in self.reads(given) if name], "from": self.described(given)["from"]})
        kept = [each for each in self.of(given) if not isinstance(each, Read)]
        return frozenset([*kept, Use(len(uses) - 1)])

    def negated(self, function: str, given: list[Any], made: list[Any]) -> None:
        """Calls what a function makes of a named tensor by that name, where it turns True into False: `~mask`.

        An axis of length one that is put in changes nothing of what it is.
        """
        if len(made) != 1 or not given or id(given[0]) not in self._texts:
            return
        if _NEGATION.match(function):
            self.name(made[0], "~" + self._texts[id(given[0])][1])
        elif _RESHAPING.match(function):
            self.name(made[0], self._texts[id(given[0])][1])

    def said(self, tensors: list[Any], other: str) -> list[str]:
        """What some tensors are called: `other` with a number for those that have no name, the same for the same tensor."""
        for tensor in tensors:
            if id(tensor) not in self._texts:
                self.name(tensor, "{}{}".format(other, len(self._texts)))
        return [self._texts[id(tensor)][1] for tensor in tensors]


def rounds(numbers: Any) -> bool:
    """Whether an array of single precision has numbers that it cannot be told to hold exactly.

    A mask, a whole number and 0.5 are the same numbers in double precision: that a model casts them is no reason for any
    difference. 0.1 and the square root of 2 are not, nor is nearly all that was computed in single precision.
    """
    import numpy

    with numpy.errstate(invalid="ignore"):
        short = (
            numpy.ascontiguousarray(numbers).view(numpy.uint32) & 0x7FF == 0
        )  # at most 13 of the 24 bits of a number
        return not bool(numpy.all(short.reshape(numbers.shape) | (numbers == numpy.rint(numbers))))


def kept_in_single(numbers: Any) -> bool:
    """Whether an array in double precision has the numbers of one in single precision, which was rounded before it was widened.

    `tf.constant(0.1, tf.float32)` that a layer casts when it is built has a tenth that is 1e-9 off. Numbers that single precision
    has exactly tell nothing.
    """
    import numpy

    with numpy.errstate(invalid="ignore", over="ignore"):
        narrow = numpy.asarray(numbers, numpy.float32)
    return bool(numpy.all(narrow == numbers)) and rounds(narrow)


# What puts in an axis of length one in either framework, and what turns True into False.
_RESHAPING = re.compile("unsqueeze|__getitem__|ExpandDims|StridedSlice|Reshape$")
_NEGATION = re.compile("logical_?not|bitwise_not|__invert__|invert", re.IGNORECASE)


def place() -> str:
    """The innermost line of a person's own file that is running, as `/home/me/net.py:12`; empty where there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if _of_a_person(file):
            return "{}:{}".format(file, frame.f_lineno)
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def raised_at(error: BaseException) -> str:
    """The innermost line of a person's own file at which an exception was raised, as `net.py:12`; empty where there is none."""
    lines = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = ["{}:{}".format(os.path.basename(file), line) for file, line in lines if _of_a_person(file)]
    return own[-1] if own else ""


def said(error: BaseException) -> str:
    """What an exception says, with its type, and without what Keras puts around the words of a layer."""
    if isinstance(error, SystemExit):
        return "SystemExit: {}, which would end the process".format(error)
    text = _MARKS.sub("", _AROUND.sub(r"\1", str(error)))
    return "{}: {}".format(type(error).__name__, text).strip()


@lru_cache(maxsize=None)
def _of_a_person(file: str) -> bool:
    return os.path.isfile(file) and not file.startswith(_HERE) and not _of_package(file)


def _of_package(file: str) -> bool:
    parts = file.replace(os.sep, "/").split("/")
    return "site-packages" in parts or file.startswith((sys.prefix, sys.base_prefix))


def leaves(
    value: Any, is_tensor: Callable[[Any], bool], name: str = "", source: str = ""
) -> Iterator[tuple[str, str, Any]]:
    """The tensors in a nested result, each with its name (`0.hidden`) and the expression that gets it (`[0].hidden`).

    `name` and `source` are those of the value itself, where it is a part of a larger one.
    """

    def inner(key: str) -> str:
        return "{}.{}".format(name, key) if name else key

    if is_tensor(value):
        yield name, source, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, is_tensor, inner(str(key)), "{}[{!r}]".format(source, key))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for key in value._fields:
            yield from leaves(getattr(value, key), is_tensor, inner(key), "{}.{}".format(source, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, is_tensor, inner(str(index)), "{}[{}]".format(source, index))


def tensors_in(value: Any, is_tensor: Callable[[Any], bool]) -> list[Any]:
    """The tensors in a nested value, in order."""
    return [tensor for _, _, tensor in leaves(value, is_tensor)]


def replaced(value: Any, is_tensor: Callable[[Any], bool], given: Iterator[Any]) -> Any:
    """A nested value with other tensors in place of its own, in order; an own one where there are not enough others."""
    if is_tensor(value):
        return next(given, value)
    if isinstance(value, dict):
        return {key: replaced(item, is_tensor, given) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(replaced(item, is_tensor, given) for item in value)
    return value


# Sizes that are one for every axis where a person writes one number.
_SIZES = re.compile("(kernel_|pool_)?size|strides?|(output_)?padding|dilation(_rate)?|scale_factor")


def plain_size(name: str, value: Any) -> Any:
    """A size as a person writes it: 3 for (3, 3), and 4 for a shape of one axis."""
    alone = (
        isinstance(value, (tuple, list)) and len(value) > 0 and all(isinstance(each, (int, float)) for each in value)
    )
    if alone and (
        (_SIZES.fullmatch(name) and len(set(value)) == 1)
        or (name in ("normalized_shape", "output_shape") and len(value) == 1)
    ):
        return value[0]
    return value


def named_tensors(signature: Any, args: Any, kwargs: Any, is_tensor: Callable[[Any], bool]) -> list[tuple[str, Any]]:
    """The tensors that a call is given, each with the name of the parameter that it goes to."""
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:
        bound = dict(enumerate(args), **kwargs)
    return [(str(name), tensor) for name, value in bound.items() for tensor in tensors_in(value, is_tensor)]


def no_model(value: Any, wanted: str) -> str:
    """What to say of something that is no model."""
    if isinstance(value, type):
        return "it gives the class {0}, not {1}: call it, {0}()".format(value.__name__, wanted)
    return "it gives {}, not {}".format(kind_of(value), wanted)


def add_outputs(
    found: dict[str, Any],
    output: Any,
    is_tensor: Callable[[Any], bool],
    dtype: Callable[[Any], str],
    sources: Callable[[Any], dict[str, Any]],
) -> None:
    """Writes in what was found of a model which tensors it gave, or that it gave none, where it did so without an error.

    `dtype` names the dtype of a tensor, and `sources` says where tensors come from, as `Origins.described` does.
    """
    found["outputs"] = [
        {
            "name": name,
            "source": source,
            "shape": list(tensor.shape),
            "dtype": dtype(tensor),
            **sources([tensor]),
        }
        for name, source, tensor in leaves(output, is_tensor)
    ]
    if not found["outputs"] and "error" not in found:
        found["error"] = "TypeError: it gives {}, and no tensor".format(kind_of(output))


def kind_of(value: Any) -> str:
    """What a value is, with its article: `a list`, `an OrderedDict`, `None`."""
    if value is None:
        return "None"
    name = type(value).__name__
    return "{} {}".format("an" if name[0].lower() in "aeiou" else "a", name)


def index_text(index: Any) -> str:
    """What stands in the brackets of a subscription, with them: `[:, -1]`; empty where it is no plain number or slice."""
    parts = []
    for each in index if isinstance(index, tuple) else (index,):
        if isinstance(each, slice):
            if not all(end is None or isinstance(end, int) for end in (each.start, each.stop, each.step)):
                return ""
            ends = ["" if end is None else str(end) for end in (each.start, each.stop, each.step)]
            parts.append(":".join(ends if ends[2] else ends[:2]))
        elif each is Ellipsis:
            parts.append("...")
        elif each is None or isinstance(each, int):
            parts.append(str(each))
        else:
            return ""
    return "[{}]".format(", ".join(parts))


def written_call(name: str, settings: dict[str, Any]) -> str:
    """A call as text, `nn.Linear(in_features=3, out_features=4)`; settings that cannot be written are left out."""
    said = ["{}={}".format(key, text) for key, value in settings.items() for text in [_written(value)] if text]
    return "{}({})".format(name, ", ".join(said))


def written_function(
    name: str, signature: Any, args: Any, kwargs: dict[str, Any], is_tensor: Callable[[Any], bool]
) -> str:
    """A call of a function as text, with tensors as x and y and without what is its default: `F.leaky_relu(x, 0.2)`.

    A method, `torch.Tensor.softmax`, stands behind its tensor, `x.softmax(-1)`, and an operator between two, `x + 1`. A setting
    that cannot be written is `...`. `signature` is None where it is not known.
    """
    letters: dict[int, str] = {}

    def written(value: Any) -> str:
        if is_tensor(value):
            return letters.setdefault(id(value), "xyzuvw"[min(len(letters), 5)])
        if isinstance(value, (list, tuple)) and len(value) <= _FEW:
            parts = ", ".join(map(written, value))
            return "[{}]".format(parts) if isinstance(value, list) else "({}{})".format(parts, "," * (len(value) == 1))
        return _written(value) or "..."

    parameters = dict(signature.parameters) if signature is not None else {}
    usual = {key: parameter.default for key, parameter in parameters.items()}
    places = [written(value) for value in args]
    given = {
        key: written(value)
        for key, value in kwargs.items()
        if not key.startswith("_") and (key not in usual or is_tensor(value) or not _same(value, usual[key]))
    }
    own = name.rpartition(".")[2]
    symbol = _OPERATORS.get(re.sub("^__r?|_*$", "", own))
    if symbol is not None and len(places) == 2 and not given:
        return " {} ".format(symbol).join(reversed(places) if own.startswith("__r") else places)
    if name.startswith("torch.Tensor.") and places:
        name = "{}.{}".format(places.pop(0), own)
    return "{}({})".format(name, ", ".join([*places, *("{}={}".format(key, text) for key, text in given.items())]))


# A list of so many values is written out.
_FEW = 8
# Operators by the names that either framework has for them.
_OPERATORS = {
    **dict.fromkeys(("add", "AddV2"), "+"),
    **dict.fromkeys(("sub", "subtract", "Sub"), "-"),
    **dict.fromkeys(("mul", "multiply", "Mul"), "*"),
    **dict.fromkeys(("div", "truediv", "divide", "RealDiv"), "/"),
    **dict.fromkeys(("pow", "Pow"), "**"),
    **dict.fromkeys(("matmul", "MatMul", "BatchMatMulV2"), "@"),
    **dict.fromkeys(("eq", "equal", "Equal"), "=="),
    **dict.fromkeys(("ne", "not_equal", "NotEqual"), "!="),
    **dict.fromkeys(("lt", "less", "Less"), "<"),
    **dict.fromkeys(("le", "less_equal", "LessEqual"), "<="),
    **dict.fromkeys(("gt", "greater", "Greater"), ">"),
    **dict.fromkeys(("ge", "greater_equal", "GreaterEqual"), ">="),
}


def _same(value: Any, other: Any) -> bool:
    """Whether a setting is its default; what cannot be compared is not."""
    return type(value) is type(other) and (value is other or (isinstance(value, _PLAIN) and value == other))


_PLAIN = (bool, int, float, str)


def _written(value: Any) -> str:
    if isinstance(value, Source):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (list, tuple)):
        parts = [_written(item) for item in value]
        if not all(parts):
            return ""
        return (
            "({}{})".format(", ".join(parts), "," * (len(parts) == 1))
            if isinstance(value, tuple)
            else "[{}]".format(", ".join(parts))
        )
    return ""


def arguments(
    given: dict[str, Any], parameters: list[str], together: bool = False
) -> tuple[list[Any], dict[str, Any], str]:
    """How a model is called with inputs by name: places, names, and both as text.

    Several go by name where the model has parameters of all their names, else in their order; `together` as one list.
    """
    names = list(given)
    if len(names) > 1 and set(names) <= set(parameters):
        return [], given, ", ".join("{0}={0}".format(name) for name in names)
    if len(names) > 1 and together:
        return [list(given.values())], {}, "[{}]".format(", ".join(names))
    return list(given.values()), {}, ", ".join(names)


def joined(arrays: dict[str, Any]) -> tuple[Any, Any]:
    """Arrays by name as the bytes of a JSON text, with their names and shapes, and all their numbers in one row."""
    import numpy

    described = sent({"arrays": [[name, list(array.shape)] for name, array in arrays.items()]})
    numbers = [numpy.asarray(array, numpy.float64).ravel() for array in arrays.values()]
    return described, numpy.concatenate([numpy.empty(0), *numbers])


class Source(str):
    """Text that is code already, such as a layer within another one's settings."""


def sent(data: dict[str, Any]) -> Any:
    """Plain data as an array of the bytes of its JSON text: what a listing leaves are arrays."""
    import numpy

    return numpy.frombuffer(json.dumps(data).encode(), dtype=numpy.uint8)
