"""Native code in a scenario: the calls that it may make, and which row a native call corresponds to.

The lists `native/*.json` are the security boundary: pure functions of tensors, layers, initializers and losses, with
their signatures, written by `tfpt_cli.dictionary.refresh_native`. What is not in them cannot be called, whatever its name.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.files import rows_of
from tfpt_cli.language.signature import Signature, bind_any, parse_signature
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.templates import Matcher
from tfpt_cli.language.trees import called_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True)
class Native:
    """What native code of one framework may use; names are canonical (`F.relu`, `keras.layers.Dense`)."""

    framework: str
    calls: Mapping[str, list[str]]
    methods: Mapping[str, list[str]]
    values: frozenset[str]
    properties: frozenset[str]
    prefixes: Mapping[str, str]
    aliases: Mapping[str, str]
    bare: tuple[str, ...]

    def canonical(self, name: str) -> str:
        """The one name by which the lists know a call, for any of the names by which it is called; an unknown name as it is.

        >>> native("torch").canonical("nn.functional.relu"), native("tensorflow").canonical("Dense")
        ('F.relu', 'keras.layers.Dense')
        """
        if "." not in name:
            return self._by_bare_name.get(name, name)
        if name in self.aliases:
            return self.aliases[name]
        for _ in range(2):
            for long, short in self.prefixes.items():
                if name.startswith(long):
                    name = short + name[len(long) :]
                    break
        return name

    @cached_property
    def _by_bare_name(self) -> dict[str, str]:
        """What may be called without its module, and its canonical name: `{"Dense": "keras.layers.Dense", ...}`."""
        return {
            full.removeprefix(module): full
            for module in reversed(self.bare)
            for full in self.calls
            if full.startswith(module)
        }

    def knows(self, name: str) -> bool:
        """Whether a canonical name may stand in a scenario."""
        return name in self.calls or name in self.values

    def signatures(self, name: str) -> list[str]:
        """The signatures of a call by its canonical name, or of a method: `_.view`, whose tensor is its first argument `_`."""
        if name.startswith("_."):
            found = self.methods.get(name[2:], [])
            return [
                text.replace("*, ", "_, *, ", 1) if text.startswith("*, ") else f"_, {text}".rstrip(", ")
                for text in found
            ]
        return self.calls.get(name, [])

    def nearest(self, name: str, variables: Iterable[str] = ()) -> str:
        """A hint for a name that may not stand here: the nearest that may, or an empty string where none is near."""
        by_last: dict[str, str] = {}
        root = name.split(".")[0]
        for full in sorted(self.calls, key=lambda full: not full.startswith(f"{root}.")):  # of the same module first
            by_last.setdefault(full.rsplit(".", 1)[-1], full)
        last = name.rsplit(".", 1)[-1]
        return did_you_mean(name, [*self.calls, *variables], cutoff=0.85) or did_you_mean(
            last, [*by_last, *variables], cutoff=0.8, meant=by_last | {name: name for name in variables}
        )


def rules(section: str) -> Any:
    """A section of `native_rules.yaml`, whose head says what stands in it.

    >>> rules("by_text")["keras.losses.get"], rules("off")["tf.nn.dropout"]
    ('keras.losses', {'rate': 0})
    """
    return rows_of("native_rules")[section]


def by_text(call: ast.AST, framework: str) -> str:
    """The canonical name of the function that a call gives by its name in a text; empty where it is no such call.

    >>> by_text(ast.parse("keras.activations.get('relu')", mode="eval").body, "tensorflow")
    'keras.activations.relu'
    """
    table = native(framework)
    module = rules("by_text").get(table.canonical(called_name(call)))
    match call:
        case ast.Call(args=[ast.Constant(value=str() as text)], keywords=[]) if module:
            names = (f"{module}.{text}", table.aliases.get(f"tf.{module}.{text}", ""))
            return next((name for name in names if name in table.calls), "")
    return ""


@cache
def native(framework: str) -> Native:
    """The list of what native code of a framework (`torch` or `tensorflow`) may use."""
    data = json.loads((Path(__file__).parent / "native" / f"{framework}.json").read_text(encoding="utf-8"))
    return Native(
        framework=framework,
        calls=data["calls"],
        methods=data["methods"],
        values=frozenset(data["values"]),
        properties=frozenset(data["properties"]),
        prefixes=data["prefixes"],
        aliases=data["aliases"],
        bare=tuple(data["bare"]),
    )


# Arguments that change neither what is drawn nor what a layer holds.
_ASIDE = frozenset({"seed", "generator", "name", "dtype", "device"})
# Arguments by which a layer holds weights that no row knows.
_MORE = frozenset({"add_bias_kv", "proj_size", "lora_rank", "use_gate", "quantization_config", "tie_weights"})


def settings_of(
    template: ast.expr, call: ast.Call, framework: str, *, given: int = 0, exact: bool = False
) -> dict[str, ast.expr] | None:
    """The settings of a row that a native call means, by the row's template; None where the call is another function.

    A setting that the call leaves out has the default of the native function. A constant in the template must stand in the
    call too. With `exact`, the call may say nothing that the template does not.

    >>> template = ast.parse("nn.Linear(in_features, out_features, bias=bias)", mode="eval").body
    >>> settings = settings_of(template, ast.parse("nn.Linear(3, 4)", mode="eval").body, "torch")
    >>> {name: ast.unparse(tree) for name, tree in settings.items()}
    {'in_features': '3', 'out_features': '4', 'bias': 'True'}
    """
    table = native(framework)
    name = table.canonical(called_name(call))
    if not isinstance(template, ast.Call) or name != table.canonical(called_name(template)):
        return None
    if not (signatures := table.signatures(name)):
        return None
    # Of a function's overloads only those count that the template fits: `torch.max(x)` is not `torch.max(x, dim=axis)`.
    fitting = [text for text in signatures if not parse_signature(text).bind(name, template)[1]]
    signature, bound, complaints = bind_any(name, fitting or signatures, call, given=given)
    variadic = any(p.kind == "args" for p in signature.parameters)
    pattern, _ = signature.bind(name, template)
    if complaints:
        return None
    # A dtype changes what is computed: of complex numbers, say, the real parts.
    aside = _ASIDE - {"dtype"} if exact else _ASIDE
    if exact and any(not _is_default(signature, key, bound[key]) for key in set(bound) - set(pattern) - aside):
        return None
    if exact and {keyword.arg for keyword in call.keywords} - {p.name for p in signature.parameters}:
        return None  # `torch.unique(x, dim=0)`, whose signature is `*args, **kwargs`
    if any(not _off(bound[name]) for name in _MORE & set(bound)):
        return None
    defaults = {p.name: p.default for p in parse_signature(signature.text).parameters}
    pairs = [(expression, bound.get(parameter, defaults.get(parameter))) for parameter, expression in pattern.items()]
    if variadic:
        if len(call.args) != len(template.args):
            return None
        pairs += list(zip(template.args, call.args, strict=True))
    reader = _Reader(framework, exact=exact)
    return reader.settings if all(reader.matches(*pair) for pair in pairs) else None


def _is_default(signature: Signature, name: str, tree: ast.expr) -> bool:
    """Whether an argument is the default of the parameter of that name."""
    defaults = [p.default for p in signature.parameters if p.name == name and p.default is not None]
    return bool(defaults) and ast.unparse(defaults[0]) == ast.unparse(tree)


def _off(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and not tree.value


class _Reader(Matcher):
    """Reads the settings out of a call: every name of a row's template is a hole."""

    def __init__(self, framework: str, *, exact: bool) -> None:
        self.framework, self.exact = framework, exact
        self.settings: dict[str, ast.expr] = {}

    def binds(self, hole: ast.Name, tree: ast.expr) -> bool:
        bound = self.settings.setdefault(hole.id, tree)
        return bound is tree or ast.unparse(bound) == ast.unparse(tree)

    def calls(self, template: ast.Call, call: ast.Call) -> bool:
        inner = settings_of(template, call, self.framework, exact=self.exact)
        return inner is not None and all(self.binds(ast.Name(name), tree) for name, tree in inner.items())

    def matches(self, template: Any, tree: Any) -> bool:
        match template, tree:
            case _, None:  # the call leaves it to a default that nobody knows
                return True
            case ((ast.Constant() | ast.UnaryOp()), _):
                return ast.unparse(template) == ast.unparse(tree)
            case ast.IfExp(test=ast.Name(id=flag), body=body, orelse=orelse), _ if flag not in self.settings:
                for choice, branch in ((True, body), (False, orelse)):
                    if self.matches(branch, tree):
                        # A branch may name the setting itself: `correction if correction else 0`.
                        self.settings.setdefault(flag, ast.Constant(choice))
                        return True
                return False
            case ((ast.List() | ast.Tuple()), (ast.List() | ast.Tuple())):
                return super().matches(template.elts, tree.elts)
            case ((ast.List() | ast.Tuple()), ast.Constant()):
                return False
            case ast.Subscript(value=whole, slice=wanted), ast.Subscript(value=given, slice=taken):
                return ast.unparse(wanted) == ast.unparse(taken) and self.matches(whole, given)
            case ((ast.Name() | ast.Call()), _):
                return super().matches(template, tree)
        # What is computed from settings cannot be read back; a layer's shapes will show whether it fits.
        return not self.exact
