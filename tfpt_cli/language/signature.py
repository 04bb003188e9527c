"""Signatures of rows and of native calls, and the check of a call against one.

A signature is written as Python writes it. In a dictionary row the parameters before `/` are arrays, as in the
Python array API standard; the others are settings, and their annotations say what they may be (`KINDS`).
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from tfpt_cli.language.constants import BadConstant, NotConstant, constant
from tfpt_cli.language.expression import Complaint, offset
from tfpt_cli.language.kinds import KINDS
from tfpt_cli.language.suggest import same_argument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Parameter:
    """One parameter: `kind` is `array`, `setting`, `args` or `kwargs`; `default` is a tree, None where it is required."""

    name: str
    kind: str
    keyword_only: bool
    default: ast.expr | None
    annotation: str | None

    @property
    def required(self) -> bool:
        """Whether a call must give it: an array or a setting without a default."""
        return self.default is None and self.kind in ("array", "setting")

    def misfit(self, name: str, value: Any) -> str:
        """Why a value is not of the annotated kind, in words; empty where it is. None fits where it is the default.

        >>> parse_signature("x, /, *, axis: axis = 0").parameters[1].misfit("softmax", "last")
        "'axis' of softmax must be a whole number, got 'last'"
        """
        if self.annotation is None or (value is None and _is_none(self.default)):
            return ""
        kind, fits = KINDS[self.annotation]
        return "" if fits(value) else f"'{self.name}' of {name} must be {kind}, got {value!r}"


@dataclass(frozen=True)
class Signature:
    """A parsed signature. `text` is what a person reads, without the annotations: `x, /, *, axis=None`.

    >>> signature = parse_signature("x, /, *, axis: axis = 0")
    >>> signature.text, signature.arrays, signature.settings
    ('x, /, *, axis=0', ('x',), ('axis',))
    """

    text: str
    parameters: tuple[Parameter, ...]

    @cached_property
    def arrays(self) -> tuple[str, ...]:
        """The names of the parameters that are arrays: those before `/`."""
        return tuple(p.name for p in self.parameters if p.kind == "array")

    @cached_property
    def settings(self) -> tuple[str, ...]:
        """The names of the parameters that are settings: those that are no arrays and neither `*args` nor `**kwargs`."""
        return tuple(p.name for p in self.parameters if p.kind == "setting")

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The constants that those parameters have by name which a call may leave out.

        >>> parse_signature("x, /, *, axis: axis = 0").defaults
        {'axis': 0}
        """
        return {p.name: constant(p.default) for p in self.parameters if p.default is not None}

    @cached_property
    def _positional(self) -> tuple[Parameter, ...]:
        return tuple(p for p in self.parameters if not p.keyword_only and p.kind in ("array", "setting"))

    @cached_property
    def _kinds(self) -> frozenset[str]:
        return frozenset(p.kind for p in self.parameters)

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.parameters if p.required)

    def bind(
        self, name: str, call: ast.Call, *, given: int = 0, overloaded: frozenset[str] = frozenset()
    ) -> tuple[dict[str, ast.expr], list[Complaint]]:
        """The arguments of a call by parameter name (those left out are missing), and what does not fit.

        `given` counts leading positional arguments that tfpt passes itself (the tensor of a native initializer), `overloaded` are
        the arguments of the function's other signatures, which a message may suggest too.

        >>> signature = parse_signature("x, /, *, axis: axis = 0")
        >>> bound, complaints = signature.bind("softmax", ast.parse("softmax(y, axes=1)", mode="eval").body)
        >>> {name: ast.unparse(tree) for name, tree in bound.items()}
        {'x': 'y'}
        >>> [complaint.message for complaint in complaints]
        ["softmax has no argument 'axes', did you mean 'axis'? (softmax(x, /, *, axis=0))"]
        """
        complaints: list[Complaint] = []
        positional, kinds = self._positional[given:], self._kinds
        variadic = "args" in kinds
        bound = {parameter.name: argument for parameter, argument in zip(positional, call.args, strict=False)}
        if len(call.args) > len(positional) and not variadic:
            most = f"{len(positional)} argument{'s' * (len(positional) != 1)}"
            few = "at most " * any(not p.required for p in positional)
            message = f"{name} takes {few}{most}, got {len(call.args)} ({self.show(name)})"
            complaints.append(Complaint(offset(call.args[len(positional)]), message))
        skipped = {p.name for p in self.parameters[:given]}
        names = set(self.settings) - skipped
        for keyword in call.keywords:
            at = offset(keyword)
            if keyword.arg in bound:
                complaints.append(Complaint(at, f"{name} gets '{keyword.arg}' twice ({self.show(name)})"))
            elif keyword.arg in names:
                bound[str(keyword.arg)] = keyword.value
            elif "kwargs" not in kinds:
                hint = same_argument(str(keyword.arg), sorted(names | overloaded))
                complaints.append(Complaint(at, f"{name} has no argument '{keyword.arg}'{hint} ({self.show(name)})"))
        missing = [name for name in self._required if name not in bound and name not in skipped]
        if missing and not variadic:
            words = ", ".join(f"'{item}'" for item in missing)
            complaints.append(Complaint(offset(call), f"{name} needs {words} ({self.show(name)})"))
        return bound, complaints

    def show(self, name: str) -> str:
        """The signature as a person reads it after the name of the call, cut off where it is long."""
        text = self.text if len(self.text) <= 72 else self.text[:70].rsplit(",", 1)[0] + ", ..."
        return f"{name}({text})"

    def values(self, name: str, bound: dict[str, ast.expr]) -> tuple[dict[str, Any], list[Complaint]]:
        """The constant values of the settings by name, defaults filled in, and a complaint for each that does not fit.

        A value does not fit where it is no constant or not of the annotated kind; `bound` are the trees that `bind` gives.

        >>> parse_signature("x, /, *, axis: axis = 0, keepdims: flag = False").values("sum", {"axis": ast.Constant(1)})
        ({'axis': 1, 'keepdims': False}, [])
        """
        values: dict[str, Any] = {}
        complaints = []
        for parameter in self.parameters:
            if parameter.kind != "setting":
                continue
            tree = bound.get(parameter.name, parameter.default)
            if tree is None:
                continue
            try:
                value = constant(tree, functions=True)
            except NotConstant as error:
                message = f"'{parameter.name}' of {name} must be a constant, '{ast.unparse(error.node)}' is not"
                complaints.append(Complaint(offset(error.node), message))
                continue
            except BadConstant as error:
                complaints.append(Complaint(offset(error.node), str(error)))
                continue
            message = parameter.misfit(name, value) if parameter.name in bound else ""
            if message:
                complaints.append(Complaint(offset(tree), message))
                continue
            values[parameter.name] = value
        return values, complaints

    def wrong(self, name: str, settings: Mapping[str, Any]) -> list[str]:
        """A sentence for each of some settings' values that is not of the kind that its parameter is annotated with."""
        known = [parameter for parameter in self.parameters if parameter.name in settings]
        return [words for p in known if (words := p.misfit(name, settings[p.name]))]


def _is_none(tree: ast.expr | None) -> bool:
    return isinstance(tree, ast.Constant) and tree.value is None


@lru_cache(maxsize=4096)
def parse_signature(text: str) -> Signature:
    """The signature that a text says, which is written without the brackets around it. Raises `SyntaxError`.

    Parameters before `/` are arrays, all others are settings.

    >>> [(p.name, p.kind, p.annotation) for p in parse_signature("x, /, *, axis: axis = 0").parameters]
    [('x', 'array', None), ('axis', 'setting', 'axis')]
    """
    function = ast.parse(f"def f({text}): ...").body[0]
    assert isinstance(function, ast.FunctionDef)
    arguments = function.args
    ordinary = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(ordinary) - len(arguments.defaults)) + list(arguments.defaults)
    parameters = []
    for argument, default in zip(ordinary, defaults, strict=True):
        kind = "array" if argument in arguments.posonlyargs else "setting"
        parameters.append(_parameter(argument, kind, False, default))
    if arguments.vararg:
        parameters.append(_parameter(arguments.vararg, "args", False, None))
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parameters.append(_parameter(argument, "setting", True, default))
    if arguments.kwarg:
        parameters.append(_parameter(arguments.kwarg, "kwargs", True, None))
    for node in ast.walk(arguments):
        if isinstance(node, ast.arg):
            node.annotation = None
    return Signature(text=ast.unparse(arguments), parameters=tuple(parameters))


def _parameter(argument: ast.arg, kind: str, keyword_only: bool, default: ast.expr | None) -> Parameter:
    annotation = ast.unparse(argument.annotation) if argument.annotation else None
    return Parameter(name=argument.arg, kind=kind, keyword_only=keyword_only, default=default, annotation=annotation)


def bind_any(
    name: str, signatures: Iterable[str], call: ast.Call, *, given: int = 0
) -> tuple[Signature, dict[str, ast.expr], list[Complaint]]:
    """The overload among `signatures` that a call fits first, with what `bind` gives for it.

    Where it fits none of them, the overload with the fewest complaints is given.

    >>> bind_any("torch.max", ["input", "input, dim"], ast.parse("torch.max(x, dim=1)", mode="eval").body)[0].text
    'input, dim'
    """
    best: tuple[Signature, dict[str, ast.expr], list[Complaint]] | None = None
    parsed = [parse_signature(text) for text in signatures]
    overloaded = (
        frozenset(setting for signature in parsed for setting in signature.settings) if len(parsed) > 1 else frozenset()
    )
    for signature in parsed:
        bound, complaints = signature.bind(name, call, given=given, overloaded=overloaded)
        if best is None or len(complaints) < len(best[2]):
            best = signature, bound, complaints
        if not complaints:
            break
    assert best is not None
    return best
