"""What can be wrong with the fields of a model scenario before anything runs, and is complained about at its place."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import TYPE_CHECKING

from tfpt_cli.dictionary.native import native
from tfpt_cli.expressions.native import check_native
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.expression import Complaint, offset, parse
from tfpt_cli.language.mentions import field, permission
from tfpt_cli.language.shapes import show
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.trees import called_name, nodes
from tfpt_cli.results import STATE
from tfpt_cli.subjects.model.spec import BACKWARD, FORWARD, NAME, OUTPUT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tfpt_cli.dictionary.records import Layer
    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.documents.reader import Reader
    from tfpt_cli.layers.layout import Layout

# What the listings themselves call something.
LISTING_NAMES = frozenset(
    {
        *(
            "afterwards",
            "cotangents",
            "event",
            "gradients",
            "given",
            "layer",
            "layers",
            "loss",
            "made",
            "model",
            "name",
        ),
        *("names", "numbers", "output", "pulled", "rate", "run", "seen", "state", "tape", "weight", "weights"),
        *("keras_functions", "keras_layers", "keras_trace", "keras_variables", "torch_trace", "traces"),
    }
)
_LAYER = {TORCH: "nn.ReLU()", TENSORFLOW: "keras.layers.ReLU()"}
# Whole models of libraries, which come with weights to be loaded.
_OF_LIBRARIES = re.compile(r"(tf\.)?keras\.applications\.|torchvision\.|timm\.|transformers\.|keras_hub\.|keras_cv\.")
_FILE = re.compile(r"\S+\.py:+[A-Za-z_]\w*\s*(\(.*\))?", re.DOTALL)
_PARAMETER = re.compile(r"\w+(\.\w+)*(\[[0-9]{1,9}\])?( ?\+ ?\w+(\.\w+)*(\[[0-9]{1,9}\])?)*")


def check_names(reader: Reader, inputs: Collection[str]) -> None:
    """Complains about inputs that have the name of something in a listing."""
    for name in sorted(LISTING_NAMES.intersection(inputs)):
        words = f"'{name}' cannot name an input: a listing uses it for something else; call it {name}_"
        reader.complain((NAME, "at", name), words, key=True)


def check_call(reader: Reader, path: Path, framework: str, tree: ast.expr, inputs: Collection[str]) -> None:
    """Complains about a call of the model that is none, and about what may not stand in it.

    What it gives may be picked from, `model(x)[0]`. A method of the model runs what its class says, so it needs
    `--allow-code`, as does what a class of one's own calls an output, `model(x).logits`.
    """
    call, example = tree, f"model({', '.join(inputs)})"
    picked: list[ast.expr] = []
    complaints: list[Complaint] = []
    while isinstance(call, (ast.Subscript, ast.Attribute)):
        if isinstance(call, ast.Subscript):
            picked.append(call.slice)
        elif not reader.allow_code and call.attr not in native(framework).properties:
            words = f"the attribute '{call.attr}' of an output needs {permission(verb=False)}; pick it by its place, {example}[0]"
            complaints.append(Complaint(offset(call), words))
        call = call.value
    if not isinstance(call, ast.Call) or _root(call.func) != "model":
        reader.complain(path, f"this must be a call of the model, such as {example}")
        return
    if isinstance(call.func, ast.Attribute) and not reader.allow_code:
        complaints.append(
            Complaint(offset(call), f"a method of the model needs {permission(verb=False)}; write {example}")
        )
    roots = FRAMEWORKS[framework].roots
    for argument in (*call.args, *(keyword.value for keyword in call.keywords), *picked):
        used = {node.id: node for node in nodes(argument) if isinstance(node, ast.Name)}
        unknown = {name: node for name, node in used.items() if name not in {*inputs, *roots}}
        known = ", ".join(inputs)
        complaints += [
            Complaint(offset(node), f"'{name}' is no input ({known}); give it in {field('at')}")
            for name, node in sorted(unknown.items())
        ]
        places = {offset(node) for node in unknown.values()}
        found = check_native(argument, framework, {*inputs, *unknown})
        complaints += [complaint for complaint in found if complaint.offset not in places]
    reader.complain_all(path, complaints)


def _root(tree: ast.expr) -> str:
    """The name that a chain of attributes starts with; empty for anything else."""
    while isinstance(tree, ast.Attribute):
        tree = tree.value
    return tree.id if isinstance(tree, ast.Name) else ""


def check_arguments(reader: Reader, path: Path, framework: str, call: ast.Call, start: int) -> bool:
    """Whether what a person's own model is made with may be: numbers, texts, and what the framework itself is called for.

    Complains if not; `start` is the character of the text at which the call begins.
    """
    complaints = [
        Complaint(start + complaint.offset, complaint.message)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        for complaint in check_native(argument, framework, set())
    ]
    reader.complain_all(path, complaints)
    return not complaints


def is_no_layer(reader: Reader, path: Path, framework: str, inputs: Collection[str]) -> bool:
    """Whether a side's code is something else than a layer, which people write; complains if so, with what to write."""
    text = " ".join(str(reader.get(*path)).split())
    if _FILE.fullmatch(text):
        reader.complain(path, f"a model of your own file is given as {field(framework, 'python', text)}")
        return True
    tree, complaints = parse(text)
    if tree is None or complaints:
        return False  # what is wrong with it is said elsewhere
    if layer := layer_that_is_called(tree, inputs):
        words = f"the model is called on the inputs by itself; write the layer alone, {layer}"
        reader.complain(path, words)
        return True
    name = called_name(tree) if isinstance(tree, ast.Call) else ast.unparse(tree)
    module, _, last = name.rpartition(".")
    function = module and last[:1].islower() and last not in ("eval", "train")
    if function or _OF_LIBRARIES.match(name):
        what = "is a function, not a layer" if function else "is no layer that a scenario may make,"
        own = field(framework, "python", "net.py:build()")
        reader.complain(path, f"'{name}' {what} such as {_LAYER[FRAMEWORKS[framework]]}; for what code makes say {own}")
        return True
    return False


def layer_that_is_called(tree: ast.expr, inputs: Collection[str]) -> str:
    """The layer of `nn.Linear(3, 4)(x)`, where the inputs are all that it is called on; empty for anything else.

    >>> layer_that_is_called(ast.parse("nn.Linear(3, 4)(x)", mode="eval").body, ["x"])
    'nn.Linear(3, 4)'
    """
    match tree:
        case ast.Call(func=ast.Call() as layer, args=args):
            if all(isinstance(arg, ast.Name) and arg.id in inputs for arg in args):
                return ast.unparse(layer)
    return ""


def check_layouts(
    reader: Reader, layouts: Mapping[str, Layout], inputs: Mapping[str, Values | None], *, neutral: bool
) -> None:
    """Complains about layouts that do not fit the inputs, and about names that cannot be those of anything."""
    for name, layout in layouts.items():
        path = (NAME, "layout", name)
        values = inputs.get(name)
        if values is not None:
            if words := _unfit(name, values, layout):
                reader.complain(path, words)
        elif name in inputs or is_output(name):
            continue
        elif neutral:
            known = [*inputs, OUTPUT]
            hint = (
                did_you_mean(name, known) or f" ({', '.join(known)}); the row of a neutral layer knows its parameters"
            )
            reader.complain(path, f"'{name}' is neither an input nor the output{hint}", key=True)
        elif not _PARAMETER.fullmatch(name):
            words = f"'{name}' is no input, no output and no parameter of PyTorch's, such as 0.weight"
            reader.complain(path, words, key=True)


def _unfit(name: str, values: Values, layout: Layout) -> str:
    """Why a layout does not fit an input, in words; empty where it does."""
    left = layout.pattern.partition("->")[0]
    shape = show(values.shape)
    if "..." in left:
        return f"the layout of an input names each of its axes; '{name}' is {shape}, and '...' is none"
    axes = len(re.findall(r"\([^()]*\)|[^\s()]+", left))
    if axes != len(values.shape):
        many = f"{axes} {'axis' if axes == 1 else 'axes'}"
        return f"'{left.strip()}' has {many}, and '{name}' has {len(values.shape)}: it is {shape}"
    try:
        layout.turned(values.shape)
    except ValueError as error:
        return f"{error}; '{name}' is {shape}"
    return ""


def check_count(reader: Reader, row: Layer, inputs: Collection[str]) -> None:
    """Complains about as many inputs as the row of a neutral layer does not take."""
    names = (node.id for node in ast.walk(row.call[TORCH]) if isinstance(node, ast.Name))
    wanted = list(dict.fromkeys(name for name in names if name != "layer"))
    if len(wanted) != len(inputs):
        few = f"{len(wanted)} input{'s' * (len(wanted) != 1)} ({', '.join(wanted)})"
        # The first that is too many, or the last that there is.
        place = list(inputs)[min(len(wanted), len(inputs) - 1)]
        reader.complain((NAME, "at", place), f"{row.name} takes {few}, and {field('at')} gives {len(inputs)}", key=True)


def check_compared(reader: Reader, compared: Collection[str]) -> None:
    """Complains about a part to be compared that there is nothing of, and about what is said of a part that is left out."""
    if (
        STATE in compared
        and reader.get(NAME, "compare") is not None
        and not reader.get(NAME, "training", default=False)
    ):
        words = f"'{STATE}' is what a step of training leaves: say {field('training', value='true')}, or leave it out"
        reader.complain((NAME, "compare"), words, key=True)
    for key in ("cotangent", "loss"):
        if (
            BACKWARD not in compared
            and reader.get(NAME, key) is not None
            and not (key == "loss" and FORWARD in compared)
        ):
            words = f"'{key}' is what is differentiated, and 'compare' leaves '{BACKWARD}' out"
            reader.complain((NAME, key), words, key=True)


def check_pair(reader: Reader) -> None:
    """Complains about pairs that name a parameter twice, or none."""
    given = reader.get(NAME, "pair")
    if not isinstance(given, dict):
        return
    names = Counter(name.strip() for key in given for name in str(key).split("+"))
    first = {other: key for key, other in reversed(given.items()) if isinstance(other, str)}
    for key, other in given.items():
        path = (NAME, "pair", key)
        parts = [name.strip() for name in str(key).split("+")]
        twice = [name for name in parts if names[name] > 1]
        if not all(parts):
            reader.complain(path, f"'{key}' is no parameter, nor a sum such as bias_ih_l0 + bias_hh_l0", key=True)
        elif twice:
            reader.complain(path, f"'{twice[0]}' of PyTorch's model is paired twice", key=True)
        if isinstance(other, str) and not other.strip():
            reader.complain(path, "this names no parameter; write null for one that has no counterpart")
        elif other in first and first[other] != key:
            words = f"'{other}' of Keras's model is paired with '{first[other]}' already"
            reader.complain(path, f"{words}; a sum of both is one key, {first[other]} + {key}")


def is_output(name: str) -> bool:
    """Whether a name in `layout` is that of an output."""
    return name == OUTPUT or name.startswith(f"{OUTPUT}.")
