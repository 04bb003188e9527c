"""The fields of a model scenario."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any

from tfpt_cli.dictionary.rows import dictionary
from tfpt_cli.documents.inputs import SCHEMA as VALUES
from tfpt_cli.documents.inputs import read_inputs
from tfpt_cli.documents.links import link_out_of
from tfpt_cli.documents.modes import modes_schema, read_modes
from tfpt_cli.documents.own_file import own_file
from tfpt_cli.expressions.checking import unknown
from tfpt_cli.frameworks import FRAMEWORKS, TENSORFLOW, TORCH
from tfpt_cli.language.constants import substitute
from tfpt_cli.language.dtypes import DTYPES, WHOLE_DTYPES
from tfpt_cli.language.expression import Complaint, offset, parse
from tfpt_cli.language.mentions import permission
from tfpt_cli.language.suggest import did_you_mean
from tfpt_cli.language.trees import called_name
from tfpt_cli.layers.initializers import checked_settings, not_the_same
from tfpt_cli.layers.layout import Layout, layout_of
from tfpt_cli.layers.slots import layer_call
from tfpt_cli.subjects.model.checks import (
    check_arguments,
    check_call,
    check_compared,
    check_count,
    check_layouts,
    check_names,
    check_pair,
    is_no_layer,
    layer_that_is_called,
)
from tfpt_cli.subjects.model.loss import COTANGENT_SCHEMA, LOSS_SCHEMA, read_cotangent, read_loss
from tfpt_cli.subjects.model.spec import (
    BOTH,
    CHANNELS,
    FORWARD,
    NAME,
    PARTS,
    Model,
    ModelSource,
    WeightFile,
    fed,
    output_name,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tfpt_cli.dictionary.records import Layer
    from tfpt_cli.documents.document import Path
    from tfpt_cli.documents.inputs import Values
    from tfpt_cli.documents.reader import Reader

MAX_NAMES = 64
WITHOUT_DTYPES = "^(complex|b?float16)"
_DTYPES = [*(dtype for dtype in DTYPES if not re.match(WITHOUT_DTYPES, dtype)), *WHOLE_DTYPES]
_START = ("drawn", *FRAMEWORKS)
_MODEL = {
    "description": "a layer or a network, or {python: net.py:Net(classes=10)} for one of your own",
    "anyOf": [
        {"type": "string", "minLength": 1},
        {
            "type": "object",
            "additionalProperties": False,
            "required": ["python"],
            "properties": {"python": {"type": "string", "description": "file.py:function, or a call of it"}},
        },
    ],
}
_BY_FRAMEWORK = {
    "type": "object",
    "additionalProperties": False,
    "minProperties": 1,
    "properties": {framework: {"type": "string", "description": "native code"} for framework in FRAMEWORKS},
}
_OUTPUT = {"type": ["string", "integer"], "minLength": 1, "description": "the name of an output, such as 0 or hidden"}
_PATTERN = {"type": "string", "description": "an einops pattern such as n c h w -> n h w c"}

SCHEMA: dict[str, Any] = {
    "title": "Compare a layer or a network with the same weights: forward, backward and state",
    "type": "object",
    "description": "a mapping with 'of' (or 'torch' and 'tensorflow') and 'at'",
    "additionalProperties": False,
    "properties": {
        "of": {
            "title": "A layer in one spelling for both sides",
            "type": "string",
            "description": "a layer, such as conv2d(3, 8, 3)",
            "examples": ["conv2d(3, 8, 3, stride=2)", "lstm(8, 16)"],
        },
        "torch": {"title": "PyTorch's model", **_MODEL, "examples": ["nn.Linear(3, 4)", {"python": "net.py:Net()"}]},
        "tensorflow": {
            "title": "TensorFlow's model",
            **_MODEL,
            "examples": ["keras.layers.Dense(4)", {"python": "net_keras.py:build()"}],
        },
        "at": {
            "title": "The inputs, as PyTorch takes them",
            "examples": [{"x": "normal(0, 1, (2, 3, 16, 16))"}],
            "type": "object",
            "description": f"the values of 1 to {MAX_NAMES} inputs by name, such as {{x: 'normal(0, 1, (2, 3))'}}",
            "minProperties": 1,
            "maxProperties": MAX_NAMES,
            "additionalProperties": VALUES,
        },
        "dtypes": {
            "title": "Inputs of another dtype than the scenario's",
            "examples": [{"i": "int64"}],
            "type": "object",
            "description": "the dtypes of inputs that have another one than the scenario, such as {i: int64}",
            "additionalProperties": {"enum": _DTYPES, "description": f"one of {', '.join(_DTYPES)}"},
        },
        "layout": {
            "title": "How the axes of inputs, outputs and parameters map from PyTorch to Keras",
            "description": "channels, or patterns by name such as {x: n c h w -> n h w c}",
            "anyOf": [
                {"enum": ["channels"]},
                {"type": "object", "minProperties": 1, "additionalProperties": _PATTERN},
            ],
            "examples": ["channels", {"x": "n c h w -> n h w c", "output": "n c h w -> n h w c"}],
        },
        "pair": {
            "title": "Which parameters correspond, where the models do not tell",
            "type": "object",
            "minProperties": 1,
            "description": "PyTorch's name of a parameter and Keras's, null for one that has none",
            "additionalProperties": {"type": ["string", "null"], "description": "the name of a parameter, or null"},
            "examples": [
                {"fc.weight": "dense.kernel", "fc.bias": None},
                {"kv.weight[0]": "k.kernel", "kv.weight[1]": "v.kernel"},
            ],
        },
        "weights": {
            "title": "The weights of both sides",
            "anyOf": [{"enum": list(_START)}, {"type": "string", "minLength": 1}],
            "default": "drawn",
            "description": f"one of {', '.join(_START)}, or a file of weights such as net.pt",
            "examples": ["drawn", "net.safetensors"],
        },
        "training": {
            "title": "Whether the models are called as in training",
            "type": "boolean",
            "default": False,
            "description": "true or false",
        },
        "call": {
            "title": "How each side's model is called, where its inputs alone do not tell",
            **_BY_FRAMEWORK,
            "description": "a call by framework, such as {torch: 'model(x, mask=m)'}",
            "examples": [{"torch": "model(x, mask=m)", "tensorflow": "model([x, m])"}],
        },
        "outputs": {
            "title": "Which outputs are compared, where each side has others",
            **_BY_FRAMEWORK,
            "properties": dict.fromkeys(FRAMEWORKS, _OUTPUT),
            "description": "the output by framework, such as {torch: '0', tensorflow: output}",
            "examples": [{"torch": "0", "tensorflow": "hidden"}],
        },
        "loss": LOSS_SCHEMA,
        "cotangent": COTANGENT_SCHEMA,
        "compare": {
            "title": "Which parts are compared",
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "default": list(PARTS),
            "description": f"a list of {', '.join(PARTS)}",
            "items": {"enum": list(PARTS), "description": f"one of {', '.join(PARTS)}"},
            "examples": [[FORWARD]],
        },
        "modes": modes_schema("{tensorflow: [eager, graph]}"),
    },
    "required": ["at"],
}
NEEDED: dict[str, Any] = {
    "oneOf": [
        {
            "title": "One spelling for both sides",
            "required": ["of"],
            "properties": {**dict.fromkeys((*FRAMEWORKS, "pair", "call", "outputs"), False)},
        },
        {"title": "One spelling a side", "required": list(FRAMEWORKS), "properties": {"of": False}},
    ]
}
# Layers that have the channels of an image, a signal or a volume: first in PyTorch, last in Keras. By PyTorch's way to name them,
# for the rows that say `channels` are fewer: none is spelled with `nn.PixelShuffle` or `nn.ReflectionPad2d`, and `nn.Flatten` is
# the spelling of rows of either kind.
_WITH_CHANNELS = re.compile(r"[123]d\b|GroupNorm|nn\.PReLU|Upsample|PixelShuffle")


def read(reader: Reader, dtype: str, seed: int) -> Model | None:
    """The model scenario of a case, or None after complaining about every problem in its fields."""
    before = len(reader.problems)
    if re.match(WITHOUT_DTYPES, dtype):
        reader.complain(("dtype",), f"'{NAME}' has no {dtype}: both models are compared in float64, and in float32")
    inputs = read_inputs(reader, (NAME, "at"))
    check_names(reader, inputs)
    check_pair(reader)
    neutral = reader.get(NAME, "of") is not None
    native = [framework for framework in FRAMEWORKS if reader.get(NAME, framework) is not None]
    sources: Mapping[str, ModelSource] = {}
    about: tuple[str, ...] = ()
    call = {f: text for f in FRAMEWORKS if (text := _call(reader, f, list(inputs)))}
    channels = reader.get(NAME, "layout") == "channels"
    if neutral and native:
        message = f"'of' and '{native[0]}' exclude each other: one spelling for both, or one each"
        reader.complain((NAME, native[0]), message, key=True)
    elif neutral:
        for key in ("pair", "call", "outputs"):
            if reader.get(NAME, key) is not None:
                reader.complain(
                    (NAME, key), f"'{key}' is for native models; the row of a neutral layer knows it", key=True
                )
        loss = reader.get(NAME, "loss")
        names = fed(inputs, () if loss is None else [loss] if isinstance(loss, str) else map(str, loss.values()))
        found = _neutral(reader, inputs, names)
        if found is not None:
            row, sources = found
            about = (row.notes,) if row.notes else ()
            channels |= row.channels
            call = _call_of(row, names)
    elif len(native) < 2:
        missing = next((f for f in FRAMEWORKS if f not in native), "") if native else ""
        words = f"missing '{missing}' beside '{native[0]}'" if native else "missing 'of' (or 'torch' and 'tensorflow')"
        reader.complain((NAME,), words, key=True)
    else:
        each = {framework: _source(reader, (NAME, framework), framework, inputs) for framework in FRAMEWORKS}
        sources = {framework: source for framework, source in each.items() if source is not None}
    dtypes = _dtypes(reader, inputs, dtype, " ".join(source.expression for source in sources.values()))
    layouts = _layouts(reader)
    check_layouts(reader, layouts, inputs, neutral=neutral)
    loss = read_loss(reader, inputs, dtypes)
    cotangent = read_cotangent(reader)
    compared = tuple(reader.get(NAME, "compare", default=PARTS))
    check_compared(reader, compared)
    outputs = {f: output_name(str(text)) for f, text in (reader.get(NAME, "outputs") or {}).items()}
    modes = read_modes(reader, (NAME, "modes"))
    start = _start(reader)
    known = {name: values for name, values in inputs.items() if values is not None}
    if len(reader.problems) > before:
        return None
    return Model(
        sources=sources,
        inputs=known,
        dtypes=dtypes,
        layouts=layouts,
        channels=channels,
        pair=reader.get(NAME, "pair", default={}),
        start=start,
        training=bool(reader.get(NAME, "training", default=False)),
        call=call,
        outputs=outputs,
        modes=modes,
        written=_written(reader),
        at=", ".join(f"{name} = {values.shown}" for name, values in known.items()),
        dtype=dtype,
        seed=seed,
        about=about,
        loss=loss,
        cotangent=cotangent,
        compared=compared,
    )


def _neutral(
    reader: Reader, inputs: Mapping[str, Values | None], names: list[str]
) -> tuple[Layer, dict[str, ModelSource]] | None:
    """The row of a neutral layer that is called on inputs of these names, and its sources; None after complaining."""
    path: Path = (NAME, "of")
    call = reader.call(path, "a layer")
    if call is None:
        return None
    if layer := layer_that_is_called(call, inputs):
        reader.complain(path, f"the layer is called on the inputs by itself; write it alone, {layer}")
        return None
    name = called_name(call)
    row = dictionary().layers.get(name)
    if row is None:
        reader.complain_all(path, [Complaint(offset(call), unknown("layer", name))])
        return None
    check_count(reader, row, names)
    settings = checked_settings(reader, path, row, _told_its_input(row, call, [inputs[name] for name in names]))
    if settings is None:
        return None
    if words := not_the_same(row, settings):
        reader.complain(path, f"{row.name} means no one function here: {words}")
        return None
    given = set(row.signature.bind(row.name, call)[0])
    sources = {f: ModelSource(layer_call(row, settings, given, {}, f)) for f in FRAMEWORKS}
    return row, sources


def _told_its_input(row: Layer, call: ast.Call, inputs: Sequence[Values | None]) -> ast.Call:
    """The call with the size of the input that the scenario has, where the row asks for it and the call does not say it.

    A stride with "same" pads by it. `input_size` is that without batch and channels.
    """
    asked = any((p.name, p.annotation) == ("input_size", "sizes_or_none") for p in row.signature.parameters)
    said = any(each.arg == "input_size" for each in call.keywords)
    if not asked or said or not inputs or inputs[0] is None or len(inputs[0].shape) not in CHANNELS:
        return call
    size = ast.keyword("input_size", ast.copy_location(ast.parse(str(inputs[0].shape[2:]), mode="eval").body, call))
    return ast.copy_location(ast.Call(call.func, call.args, [*call.keywords, size]), call)


def _call_of(row: Layer, inputs: list[str]) -> dict[str, str]:
    """How a neutral layer is called in each framework, where that is more than handing it its inputs; empty otherwise."""
    names = [node.id for node in ast.walk(row.call[TORCH]) if isinstance(node, ast.Name) and node.id != "layer"]
    calls = {framework: call_in(row.call[framework]) for framework in FRAMEWORKS}
    if all(isinstance(arg, ast.Name) for call in calls.values() for arg in call.args) or len(names) != len(inputs):
        return {}
    renamed = dict(zip(names, inputs, strict=True)) | {"layer": "model"}
    return {
        framework: ast.unparse(_Renaming(renamed).visit(ast.parse(ast.unparse(call))))
        for framework, call in calls.items()
    }


def call_in(tree: ast.expr) -> ast.Call:
    """The call in `layer(x)[0]`: of several outputs the first are compared anyway."""
    while isinstance(tree, ast.Subscript):
        tree = tree.value
    assert isinstance(tree, ast.Call)
    return tree


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def with_channels(code: str) -> bool:
    """Whether a layer of PyTorch takes the channels of a signal, an image or a volume first.

    >>> with_channels("nn.Conv2d(3, 8, 3)"), with_channels("nn.Linear(3, 4)")
    (True, False)
    """
    return _WITH_CHANNELS.search(code) is not None


def _source(reader: Reader, path: Path, framework: str, inputs: Mapping[str, Values | None]) -> ModelSource | None:
    """How a side makes its model, None after complaining."""
    value = reader.get(*path)
    if isinstance(value, dict):
        return _own(reader, (*path, "python"), str(value["python"]), framework)
    if is_no_layer(reader, path, framework, inputs):
        return None
    tree = reader.native(path, framework, set(), what="a native layer", made=True)
    if not isinstance(tree, ast.Call):
        return None
    return ModelSource(ast.unparse(tree))


def _own(reader: Reader, path: Path, text: str, framework: str) -> ModelSource | None:
    """A person's own model: `net.py:Net(classes=10)`; a class or a function alone is called without arguments."""
    file, colon, made = text.partition(".py:")
    example = "net.py:Net(classes=10)" if framework == TORCH else "net_keras.py:build()"
    tree, complaints = parse(made)
    if not colon or tree is None or complaints:
        reader.complain(path, f"'{text}' must be a Python file and what makes the model in it: {example}")
        return None
    if isinstance(tree, ast.Name):
        tree = ast.Call(tree, [], [])
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.func.id.startswith("__"):
        reader.complain(path, f"'{made}' must be a name in the file, or a call of one: {example}")
        return None
    tree.args = [substitute(argument, reader.case) for argument in tree.args]
    for keyword in tree.keywords:
        keyword.value = substitute(keyword.value, reader.case)
    full = own_file(reader, path, f"{file}.py", tree.func.id)
    fits = check_arguments(reader, path, framework, tree, len(file) + len(colon))
    return ModelSource(ast.unparse(tree), full) if full is not None and fits else None


def _start(reader: Reader) -> str | WeightFile:
    """What both sides start with; `drawn` after complaining."""
    path: Path = (NAME, "weights")
    text = str(reader.get(*path, default="drawn"))
    if text in _START:
        return text
    folder = os.path.dirname(os.path.abspath(reader.document.file))
    full = os.path.normpath(os.path.join(folder, text))
    there = os.path.exists(full) or os.path.exists(f"{full}.index")  # a checkpoint of TensorFlow is named by its prefix
    if not there and not re.search(r"[./\\]", text):
        hint = did_you_mean(text, _START)
        reader.complain(path, f"'{text}' is neither {', '.join(_START)} nor a file of weights such as net.pt{hint}")
    elif os.path.commonpath([folder, full]) != folder and not reader.allow_code:
        words = f"{full} is not in the scenario's folder; if you trust the scenario to read it, {permission()}"
        reader.complain(path, words)
    elif not there:
        reader.complain(path, f"no such file: {full} (paths start at the scenario's folder)")
    elif not reader.allow_code and (link := link_out_of(folder, full)):
        words = f"{link} is a link to {os.path.realpath(link)}, which is not in the scenario's folder"
        reader.complain(path, f"{words}; if you trust the scenario to read it, {permission()}")
    reader.named.append(full)
    return WeightFile(full, text)


def _dtypes(reader: Reader, inputs: Mapping[str, Values | None], dtype: str, code: str) -> dict[str, str]:
    """The dtype of every input: the one said, `bool` for truth values, else the scenario's.

    Whole numbers for a model that looks them up stay whole.
    """
    said = reader.get(NAME, "dtypes", default={})
    for name in said:
        reader.is_one_of((NAME, "dtypes", name), list(inputs), "input", name)
    dtypes = {}
    for name, values in inputs.items():
        looked_up = "embedding" in code.lower() and values is not None and values.whole
        natural = "bool" if values is not None and values.kind == "boolean" else "int64" if looked_up else dtype
        dtypes[name] = said.get(name, natural)
        if values is not None and values.kind == "complex":
            reader.complain((NAME, "at", name), f"'{name}' is complex; the layers of Keras compute with real numbers")
        elif values is not None and isinstance(held := values.held_as(dtypes[name]), str):
            words = f"'{name}' is {dtypes[name]}, which holds whole numbers and not {held}"
            reader.complain((NAME, "at", name), words)
    return dtypes


def _layouts(reader: Reader) -> dict[str, Layout]:
    given = reader.get(NAME, "layout")
    if not isinstance(given, dict):
        return {}
    from tfpt_cli.compare.layout import problem_in  # not above: it imports NumPy

    found = {}
    for name, text in given.items():
        if problem := problem_in(text):
            reader.complain((NAME, "layout", name), problem)
        else:
            found[name] = layout_of(text)
    return found


def _call(reader: Reader, framework: str, inputs: list[str]) -> str:
    """The call of a side's model as the scenario says it; empty where it does not."""
    path = (NAME, "call", framework)
    if reader.get(*path) is None:
        return ""
    tree = reader.tree(path)
    if tree is None:
        return ""
    check_call(reader, path, framework, tree, inputs)
    return ast.unparse(tree)


def _written(reader: Reader) -> dict[str, str]:
    """The model as it was written, by framework; under an empty key what both run."""

    def shown(key: str) -> str:
        value = reader.get(NAME, key)
        return str(value["python"]) if isinstance(value, dict) else " ".join(str(value).split())

    if reader.get(NAME, "of") is not None:
        return {BOTH: shown("of")}
    return {TORCH: shown(TORCH), TENSORFLOW: shown(TENSORFLOW)}
